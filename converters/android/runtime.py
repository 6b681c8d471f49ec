"""TFLite as it goes into an app: Maven Central's 2.16.1, or newer libraries (LiteRT) that the user has.

An AAR is a zip with `classes.jar` and, for each ABI, native libraries under `jni/`.
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from converters.android.apk import Entry
from converters.android.elf import for_large_pages
from swiftformer_keras.errors import AppOptionError
from swiftformer_keras.shown import shown

ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64", "x86")
DEFAULT_ABIS = ("arm64-v8a",)
_NEEDED_CLASSES = (
    "org/tensorflow/lite/Interpreter.class",
    "org/tensorflow/lite/gpu/GpuDelegate.class",
    "org/tensorflow/lite/gpu/GpuDelegateFactory.class",
    "org/tensorflow/lite/nnapi/NnApiDelegate.class",
)
"""What the app calls; the engine behind it may be any that has these."""
_MAX_PART_BYTES = 1 << 28


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What of it goes into the APK.

    Attributes:
        jars: its classes.
        libraries: native libraries, by their names in the APK.
        large_pages: of each library, whether it is linked for pages of 16 KB.
        licences: the licence texts that the AARs carry, by the AAR's name.
    """

    jars: tuple[Path, ...]
    libraries: tuple[Entry, ...]
    large_pages: dict[str, bool]
    licences: dict[str, bytes]


def check_abis(abis: Sequence[str]) -> tuple[str, ...]:
    """The ABIs, each once, in the order of the list above.

    Raises:
        AppOptionError: one is unknown, or there is none.
    """
    if unknown := [abi for abi in abis if abi not in ABIS]:
        raise AppOptionError(f"{shown(unknown[0], 60)!r} is no ABI; there are {', '.join(ABIS)}")
    if not abis:
        raise AppOptionError(f"no ABI is given; there are {', '.join(ABIS)}")
    return tuple(abi for abi in ABIS if abi in abis)


def open_runtime(aars: Sequence[Path], abis: Sequence[str], folder: Path) -> Runtime:
    """Take the AARs apart.

    Args:
        aars: together they have the classes and libraries of the interpreter and its GPU delegate.
        folder: for the jars.

    Raises:
        AppOptionError: one is no AAR, or together they lack a class or the libraries of an ABI.
    """
    jars: list[Path] = []
    libraries: dict[str, Entry] = {}
    licences: dict[str, bytes] = {}
    classes: set[str] = set()
    for number, aar in enumerate(aars):
        with _opened(aar) as archive:
            for info in archive.infolist():
                parts = info.filename.split("/")
                if info.filename == "classes.jar":
                    jar = folder / f"{number}-{aar.stem}.jar"
                    jar.write_bytes(_read(archive, info, aar))
                    classes |= _names(jar, aar)
                    jars.append(jar)
                elif len(parts) == 3 and parts[0] == "jni" and parts[1] in abis and parts[2].endswith(".so"):
                    name = f"lib/{parts[1]}/{parts[2]}"
                    if name in libraries:
                        raise AppOptionError(
                            f"{shown(aar)}: has {name}, which another AAR has too. Give one of them"
                        )
                    libraries[name] = Entry(name, _read(archive, info, aar))
                elif info.filename in ("LICENSE", "NOTICE", "THIRD_PARTY_NOTICE.txt"):
                    licences[f"{aar.stem} {info.filename}"] = _read(archive, info, aar)
    given = ", ".join(shown(aar.name, 60) for aar in aars)
    if missing := [name for name in _NEEDED_CLASSES if name not in classes]:
        wanted = missing[0].removesuffix(".class").replace("/", ".")
        raise AppOptionError(
            f"the run-time libraries ({given}) lack {wanted}. Give all of LiteRT's AARs: litert, litert-api, "
            "litert-gpu and litert-gpu-api"
        )
    for abi in abis:
        if not any(name.startswith(f"lib/{abi}/") for name in libraries):
            raise AppOptionError(f"the run-time libraries ({given}) have none for {abi}. Choose other --abis")
    large = {name: for_large_pages(entry.content, name) for name, entry in sorted(libraries.items())}
    return Runtime(tuple(jars), tuple(libraries[name] for name in sorted(libraries)), large, licences)


def _opened(aar: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(aar)
    except (OSError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no zip archive"
        raise AppOptionError(f"{shown(aar)}: is no AAR: {reason}") from None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, aar: Path) -> bytes:
    if info.file_size > _MAX_PART_BYTES:
        raise AppOptionError(
            f"{shown(aar)}: {shown(info.filename, 60)} has {info.file_size:,} bytes, too many"
        )
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError):
        raise AppOptionError(
            f"{shown(aar)}: {shown(info.filename, 60)} is damaged. Download it again"
        ) from None


def _names(jar: Path, aar: Path) -> set[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(jar.read_bytes())) as archive:
            return set(archive.namelist())
    except zipfile.BadZipFile:
        raise AppOptionError(f"{shown(aar)}: its classes.jar is damaged. Download it again") from None
