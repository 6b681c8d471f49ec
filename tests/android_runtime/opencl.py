"""A GPU for TFLite's delegate where there is none: OpenCL on this machine's CPU, by pocl.

    gpu = build()
    AndroidRuntime(gpu.library, gpu.environment).run(model, inputs, delegate="gpu")

The delegate is Android's own, in its x86-64 build: it chooses operators, writes the code of every kernel, has it
compiled by the driver, and computes. What is not a phone's is the driver, its speed, and 16-bit arithmetic, which pocl
does not have: everything is computed in 32 bits. OpenGL, the delegate's second choice, is absent.
"""

from __future__ import annotations

import ctypes
import dataclasses
from pathlib import Path

from tests.android_runtime import library
from tests.android_runtime.cache import CACHE, made_once
from tests.android_runtime.library import Library
from tests.android_runtime.standins import NATIVE, X86_64, MissingError, Sources

PACKAGES = "pocl-opencl-icd ocl-icd-libopencl1"
DRIVER = Path("/etc/OpenCL/vendors/pocl.icd")
LOADER = "libOpenCL.so.1"


@dataclasses.dataclass(frozen=True)
class Gpu:
    """The library, and what a process that asks it for a GPU needs around it."""

    library: Library
    environment: dict[str, str]


def build(cache: Path = CACHE) -> Gpu:
    """Fetch and compile, or find what an earlier call has left in `cache`; kernels that pocl compiled stay there.

    Raises:
        MissingError: pocl or anything that `library.build` needs is not there.
    """
    try:
        ctypes.CDLL(LOADER)
    except OSError:
        raise MissingError(f"{LOADER} not found (Debian: apt-get install {PACKAGES})") from None
    if not DRIVER.is_file():
        raise MissingError(f"{DRIVER} not found (Debian: apt-get install {PACKAGES})")
    found = library.build(X86_64, cache)
    forwarder = made_once(_make, [NATIVE / "opencl.c", Path(__file__)], cache / "opencl")
    kernels = cache / "pocl"
    kernels.mkdir(exist_ok=True)
    environment = {
        "LD_LIBRARY_PATH": f"{forwarder}:{found.folder}",  # the forwarder before the stub of the same name
        "OCL_ICD_VENDORS": str(DRIVER),
        "POCL_CACHE_DIR": str(kernels),
    }
    return Gpu(found, environment)


def _make(out: Path, scratch: Path) -> None:
    options = ["-Wl,--no-as-needed", f"-l:{LOADER}", "-ldl"]
    Sources(X86_64, scratch).library(out / "libOpenCL.so", [NATIVE / "opencl.c"], options)
