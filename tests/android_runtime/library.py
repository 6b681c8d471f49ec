"""Fetches Android's TFLite from Maven Central and builds what runs it under qemu, once, into `.android-runtime`.

The libraries from Maven Central are used as they are. They need Android's C library, which `build` replaces by
shared objects of the same names that hand each function on to glibc, and drivers for NNAPI and the GPU, which it
replaces by stubs whose functions all answer 0: NNAPI's word for success, and no GPU at all.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NATIVE = Path(__file__).parent / "native"
VERSION = "2.16.1"
ARTIFACTS = ("tensorflow-lite", "tensorflow-lite-gpu")
ABI = "arm64-v8a"
LIBRARIES = ("libtensorflowlite_jni.so", "libtensorflowlite_gpu_jni.so")
DRIVERS = ("libneuralnetworks.so", "libandroid.so", "libOpenCL.so", "libEGL.so", "libGLESv3.so")
CROSS = "aarch64-linux-gnu-"
SYSROOT = Path("/usr/aarch64-linux-gnu")
QEMU = ("qemu-aarch64", "qemu-aarch64-static")
PACKAGES = "qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross maven default-jdk-headless"
_MAVEN_TIMEOUT_S = 600
_EXTERNAL = "TfLiteRegistrationExternal"
_MISSING_HEADERS = {
    "tensorflow/lite/core/async/c/types.h": "",
    "tensorflow/lite/core/c/registration_external.h": f"typedef struct {_EXTERNAL} {_EXTERNAL};\n",
}
"""Headers that those in the AAR include and that are not in it: what the others need of them."""


class MissingError(Exception):
    """Something this machine lacks: a tool, or Maven Central."""


@dataclasses.dataclass(frozen=True)
class Library:
    """What `runtime.py` starts.

    Attributes:
        folder: holds the driver and every shared object.
        qemu: the emulator's path.
        sha256: of each AAR as Maven delivered it, by file name.
    """

    folder: Path
    qemu: str
    sha256: dict[str, str]


def build(cache: Path = ROOT / ".android-runtime") -> Library:
    """Fetch and compile, or find what an earlier call has left in `cache`.

    Raises:
        MissingError: a tool is not installed, or Maven Central gives nothing.
    """
    qemu = _tools()
    folder = cache / _key()
    record = folder / "sha256.json"
    if not record.is_file():
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            sums = {}
            for artifact in ARTIFACTS:
                aar = _fetch(artifact, Path(scratch))
                sums[aar.name] = hashlib.sha256(aar.read_bytes()).hexdigest()
                with zipfile.ZipFile(aar) as archive:
                    archive.extractall(Path(scratch) / "aar")
            _compile(Path(scratch) / "aar", made)
            (made / record.name).write_text(json.dumps(sums, indent=1))
            try:
                made.rename(folder)
            except OSError:  # another process was faster
                if not record.is_file():
                    raise
    return Library(folder, qemu, json.loads(record.read_text()))


def _tools() -> str:
    """The emulator, once everything else was found too."""
    qemu = next(filter(None, map(shutil.which, QEMU)), None)
    missing = [name for name in (f"{CROSS}gcc", f"{CROSS}nm", "mvn", "java") if shutil.which(name) is None]
    if qemu is None:
        missing.insert(0, QEMU[0])
    if not (SYSROOT / "include" / "stdio.h").exists():
        missing.append("glibc for arm64")
    if qemu is None or missing:
        raise MissingError(f"{', '.join(missing)} not found (Debian: apt-get install {PACKAGES})")
    return qemu


def _key() -> str:
    """Another for every other version, source file or recipe."""
    digest = hashlib.sha256(VERSION.encode())
    for path in sorted([*NATIVE.iterdir(), Path(__file__)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _fetch(artifact: str, folder: Path) -> Path:
    """One AAR; Maven checks it against the repository's own checksum."""
    coordinates = f"org.tensorflow:{artifact}:{VERSION}:aar"
    ran = subprocess.run(
        ["mvn", "-B", "-q", "dependency:copy", f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_MAVEN_TIMEOUT_S,
        check=False,
    )
    path = folder / f"{artifact}-{VERSION}.aar"
    if ran.returncode != 0 or not path.is_file():
        raise MissingError(f"Maven could not fetch {coordinates}")
    return path


def _compile(aar: Path, out: Path) -> None:
    """The driver, Android's C library by glibc, and the stubs, from the unpacked AARs into `out`."""
    libraries = [shutil.copy(aar / "jni" / ABI / name, out) for name in LIBRARIES]
    symbols = {name for library in libraries for name in _undefined(library)}
    nnapi = set(re.findall(rb"\0(ANeuralNetworks\w+)(?=\0)", Path(libraries[0]).read_bytes()))
    bionic = {name.removesuffix("@LIBC") for name in symbols if name.endswith("@LIBC")}
    ours = set(re.findall(r"BIONIC\([^,]+, (\w+)", (NATIVE / "bionic.c").read_text())) | {"__sF"}
    forwarded = "".join(
        f".globl via_{name}\n.type via_{name}, %function\nvia_{name}: b {name}\n.symver via_{name},{name}@LIBC\n"
        for name in sorted(bionic - ours)
    )
    drivers = {name for name in symbols if re.match(r"(egl|gl)[A-Z]", name)} | {
        name.decode() for name in nnapi
    }
    written = set(re.findall(r"^\w+ (\w+)\(", (NATIVE / "drivers.c").read_text(), re.MULTILINE))
    stubs = "".join(
        f".globl {name}\n.type {name}, %function\n{name}: mov x0, #0\nret\n"
        for name in sorted(drivers - written)
    )
    for name, code in {"forward.s": forwarded, "stubs.s": stubs, "empty.s": ""}.items():
        (aar / name).write_text(f'.text\n{code}.section .note.GNU-stack,"",%progbits\n')
    (aar / "version.map").write_text("LIBC { global: *; };\n")
    named = ["-Wl,--version-script=version.map"]
    full = [
        "-Wl,-z,defs",
        "-Wl,--no-as-needed",
        "-lm",
        "-ldl",
        "-lpthread",
    ]  # an unknown function ends the build
    _library(out / "libc.so", [NATIVE / "bionic.c", "forward.s"], [*named, *full], aar)
    for name in ("libm.so", "libdl.so"):  # Android's versions of these are asked for, and answered by libc.so
        _library(out / name, ["empty.s"], named, aar)
    _library(out / "liblog.so", [NATIVE / "log.c"], [], aar)
    for name in DRIVERS:
        _library(out / name, [NATIVE / "drivers.c", "stubs.s"], [], aar)
    headers = aar / "headers"
    for name, content in _MISSING_HEADERS.items():
        (headers / name).parent.mkdir(parents=True, exist_ok=True)
        (headers / name).write_text(content)
    _gcc(["-I", str(headers), str(NATIVE / "driver.c"), "-ldl", "-o", str(out / "driver")], aar)


def _undefined(library: str) -> list[str]:
    listed = subprocess.run([f"{CROSS}nm", "-D", library], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^ +[Uw] (\S+)$", listed, re.MULTILINE)


def _library(path: Path, sources: list[Path | str], options: list[str], folder: Path) -> None:
    _gcc(
        ["-shared", "-fPIC", *map(str, sources), f"-Wl,-soname,{path.name}", *options, "-o", str(path)],
        folder,
    )


def _gcc(arguments: list[str], folder: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    command = [f"{CROSS}gcc", "-O1", "-Wall", "-Werror", "-fno-builtin", *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True)
