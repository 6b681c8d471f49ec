"""Android's TFLite for arm64 with what runs it under qemu, made once, into `.android-runtime`.

The libraries from Maven Central are used as they are. They need Android's C library, which `standins.py` replaces,
and drivers for NNAPI and the GPU, in whose place stand stubs whose functions all answer 0: NNAPI's word for success,
and no GPU at all.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import zipfile
from pathlib import Path

from converters.android import artifacts
from tests.android_runtime.cache import CACHE, made_once
from tests.android_runtime.standins import ARM64, NATIVE, MissingError, Sources, fetch

VERSION = artifacts.TFLITE
LIBRARIES = ("libtensorflowlite_jni.so", "libtensorflowlite_gpu_jni.so")
DRIVERS = ("libneuralnetworks.so", "libandroid.so", "libOpenCL.so", "libEGL.so", "libGLESv3.so")
SYSROOT = Path("/usr/aarch64-linux-gnu")
QEMU = ("qemu-aarch64", "qemu-aarch64-static")
PACKAGES = "qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross maven default-jdk-headless"
_EXTERNAL = "TfLiteRegistrationExternal"
_MISSING_HEADERS = {
    "tensorflow/lite/core/async/c/types.h": "",
    "tensorflow/lite/core/c/registration_external.h": f"typedef struct {_EXTERNAL} {_EXTERNAL};\n",
}
"""Headers that those in the AAR include and that are not in it: what the others need of them."""


@dataclasses.dataclass(frozen=True)
class Library:
    """What `runtime.py` starts.

    Attributes:
        folder: holds the driver and every shared object.
        qemu: the emulator's path.
    """

    folder: Path
    qemu: str


def build(cache: Path = CACHE) -> Library:
    """Fetch and compile, or find what an earlier call has left in `cache`.

    Raises:
        MissingError: a tool is not installed, or Maven Central gives nothing.
    """
    qemu = _tools()
    here = Path(__file__)
    sources = [*NATIVE.iterdir(), here, here.with_name("standins.py"), Path(artifacts.__file__)]
    return Library(made_once(_make, sources, cache), qemu)


def _tools() -> str:
    """The emulator, once everything else was found too."""
    qemu = next(filter(None, map(shutil.which, QEMU)), None)
    names = (f"{ARM64.tools}gcc", f"{ARM64.tools}nm", "mvn", "java")
    missing = [name for name in names if shutil.which(name) is None]
    if qemu is None:
        missing.insert(0, QEMU[0])
    if not (SYSROOT / "include" / "stdio.h").exists():
        missing.append("glibc for arm64")
    if qemu is None or missing:
        raise MissingError(f"{', '.join(missing)} not found (Debian: apt-get install {PACKAGES})")
    return qemu


def _make(out: Path, scratch: Path) -> None:
    """The driver, Android's C library by glibc, and the stubs, into `out`."""
    aar = scratch / "aar"
    for path in fetch(scratch):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(aar)
    libraries = [Path(shutil.copy(aar / "jni" / ARM64.abi / name, out)) for name in LIBRARIES]
    sources = Sources(ARM64, aar)
    sources.c_library(libraries, out)
    needed = {name for library in libraries for name in sources.undefined(library)}
    nnapi = re.findall(rb"\0(ANeuralNetworks\w+)(?=\0)", libraries[0].read_bytes())
    drivers = {name for name in needed if re.match(r"(egl|gl)[A-Z]", name)} | {
        name.decode() for name in nnapi
    }
    written = set(re.findall(r"^\w+ (\w+)\(", (NATIVE / "drivers.c").read_text(), re.MULTILINE))
    stubs = sources.stubs("stubs.s", drivers - written)
    for name in DRIVERS:
        sources.library(out / name, [NATIVE / "drivers.c", stubs])
    headers = aar / "headers"
    for name, content in _MISSING_HEADERS.items():
        (headers / name).parent.mkdir(parents=True, exist_ok=True)
        (headers / name).write_text(content)
    sources.compile(["-I", str(headers), str(NATIVE / "driver.c"), "-ldl", "-o", str(out / "driver")])
