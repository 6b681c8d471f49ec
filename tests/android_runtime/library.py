"""Android's TFLite with what runs it here, arm64 under qemu or x86-64 as it is, made once, into `.android-runtime`.

The libraries from Maven Central are used as they are. They need Android's C library, which `standins.py` replaces,
and drivers for NNAPI and the GPU, in whose place stand stubs whose functions all answer 0: NNAPI's word for success,
and no GPU at all (`opencl.py` has one for x86-64).
"""

from __future__ import annotations

import dataclasses
import platform
import re
import shutil
import sys
import zipfile
from pathlib import Path

from converters.android import artifacts
from tests.android_runtime.cache import CACHE, made_once
from tests.android_runtime.standins import ARM64, NATIVE, X86_64, Machine, MissingError, Sources, fetch

VERSION = artifacts.TFLITE
LIBRARIES = ("libtensorflowlite_jni.so", "libtensorflowlite_gpu_jni.so")
NNAPI = "libneuralnetworks.so"
DRIVERS = (NNAPI, "libandroid.so", "libOpenCL.so", "libEGL.so", "libGLESv3.so")
SYSROOT = Path("/usr/aarch64-linux-gnu")
QEMU = ("qemu-aarch64", "qemu-aarch64-static")
PACKAGES = {
    ARM64: "qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross maven default-jdk-headless",
    X86_64: "gcc libc6-dev maven default-jdk-headless",
}
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
        folder: holds the driver, TFLite's libraries, the stand-ins, and the AARs' Java classes in `classes/`. The stub
            for NNAPI is in `nnapi/`: where the app itself runs, a success of everything would be believed.
        emulator: what stands before the driver on a command line.
    """

    folder: Path
    emulator: tuple[str, ...] = ()

    def command(self, *arguments: Path | str) -> list[str]:
        """The driver with arguments; it needs `environment`."""
        return [*self.emulator, str(self.folder / "driver"), *map(str, arguments)]

    def environment(self) -> dict[str, str]:
        """Where the driver finds the stand-ins; of an emulated one, the emulator is told."""
        return {} if self.emulator else {"LD_LIBRARY_PATH": _path(self.folder)}


def build(machine: Machine = ARM64, cache: Path = CACHE) -> Library:
    """Fetch and compile, or find what an earlier call has left in `cache`.

    Raises:
        MissingError: a tool is not installed, Maven Central gives nothing, or x86-64 is not what runs here.
    """
    qemu = _tools(machine)
    here = Path(__file__)
    sources = [*NATIVE.iterdir(), here, here.with_name("standins.py"), Path(artifacts.__file__)]
    folder = made_once(lambda out, scratch: _make(machine, out, scratch), sources, cache / machine.abi)
    if qemu is None:
        return Library(folder)
    return Library(folder, (qemu, "-L", str(SYSROOT), "-E", f"LD_LIBRARY_PATH={_path(folder)}"))


def _path(folder: Path) -> str:
    return f"{folder}:{folder / 'nnapi'}"


def _tools(machine: Machine) -> str | None:
    """The emulator where one is needed, once everything else was found too."""
    names = (f"{machine.tools}gcc", f"{machine.tools}nm", "mvn", "java")
    missing = [name for name in names if shutil.which(name) is None]
    qemu = None
    if machine is X86_64:
        if sys.platform != "linux" or platform.machine() != "x86_64":
            raise MissingError("Android's x86-64 library runs on Linux on x86-64 only")
    else:
        qemu = next(filter(None, map(shutil.which, QEMU)), None)
        if qemu is None:
            missing.insert(0, QEMU[0])
        if not (SYSROOT / "include" / "stdio.h").exists():
            missing.append("glibc for arm64")
    if missing:
        raise MissingError(f"{', '.join(missing)} not found (Debian: apt-get install {PACKAGES[machine]})")
    return qemu


def _make(machine: Machine, out: Path, scratch: Path) -> None:
    """The driver, Android's C library by glibc, and the stubs, into `out`."""
    aar = scratch / "aar"
    for name in ("classes", "nnapi"):
        (out / name).mkdir()
    for path in fetch(scratch):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(aar)
        shutil.move(aar / "classes.jar", out / "classes" / f"{path.stem}.jar")
    libraries = [Path(shutil.copy(aar / "jni" / machine.abi / name, out)) for name in LIBRARIES]
    sources = Sources(machine, aar)
    sources.c_library(libraries, out)
    needed = {name for library in libraries for name in sources.undefined(library)}
    nnapi = re.findall(rb"\0(ANeuralNetworks\w+)(?=\0)", libraries[0].read_bytes())
    drivers = {name for name in needed if re.match(r"(egl|gl)[A-Z]", name)} | {
        name.decode() for name in nnapi
    }
    written = set(re.findall(r"^\w+ (\w+)\(", (NATIVE / "drivers.c").read_text(), re.MULTILINE))
    stubs = sources.stubs("stubs.s", drivers - written)
    for name in DRIVERS:
        sources.library((out / "nnapi" if name == NNAPI else out) / name, [NATIVE / "drivers.c", stubs])
    headers = aar / "headers"
    for name, content in _MISSING_HEADERS.items():
        (headers / name).parent.mkdir(parents=True, exist_ok=True)
        (headers / name).write_text(content)
    sources.compile(["-I", str(headers), str(NATIVE / "driver.c"), "-ldl", "-o", str(out / "driver")])
