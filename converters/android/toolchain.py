"""Every tool and library of a build: pinned, fetched by Maven, checked against the SHA-256 known here, unpacked once.

Maven's ordinary client does the fetching, from wherever the user's settings point, through a pom that names every file
(nothing is resolved that is not in `artifacts.py`). What it delivers is trusted only after its checksum was compared.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from converters.android.artifacts import ARTIFACTS, MAVEN_PLUGIN, Artifact, Use
from converters.android.jdk import find_maven, run
from converters.hub.record import home
from swiftformer_keras.errors import MissingToolError, ToolchainError
from swiftformer_keras.files import sha256_file
from swiftformer_keras.shown import shown

_SDK_PREFIXES = ("android/", "dalvik/", "org/xmlpull/", "org/json/", "javax/microedition/")
_NOT_SDK = ("android/test/", "android/icu/impl/")
_AAPT2 = {
    "linux": "prebuilt/linux/aapt2",
    "darwin": "prebuilt/macosx/aapt2",
    "win32": "prebuilt/windows/aapt2.exe",
}
_FRAMEWORK = "prebuilt/android-framework.jar"
_FILES_FOLDER = "files"
_DONE = "complete"
_KEPT = 2
"""Of the tools, hundreds of MB each: this package's, and those of one other version of it."""


@dataclasses.dataclass(frozen=True)
class Toolchain:
    """Where the checked files are.

    Attributes:
        folder: of the cache; `key` changes with every pinned file.
        aapt2: the resource compiler for this machine.
        framework: Android's resources, as aapt2 links against them.
        android_jar: the public part of Android's classes, to compile against.
    """

    folder: Path
    key: str
    aapt2: Path
    framework: Path
    android_jar: Path

    def files(self, use: Use) -> list[Path]:
        """Every file of one use, in the order of the table."""
        return [self.folder / _FILES_FOLDER / a.file_name for a in ARTIFACTS if a.use == use]

    def aars(self) -> list[Path]:
        """TFLite as Maven Central has it."""
        return self.files("runtime-aar")


def cache_folder() -> Path:
    """What is kept between builds: the tools, and compiled code by the hash of what it was made from."""
    return home("cache") / "android"


def is_prepared(cache: Path | None = None) -> bool:
    """Whether an earlier call has fetched everything."""
    return ((cache_folder() if cache is None else cache) / f"tools-{_key()}" / _DONE).is_file()


def check_can_prepare() -> None:
    """Refuse before any long work what `prepare_toolchain` could not do: nothing is fetched yet, and no Maven to do it.

    Raises:
        MissingToolError: so it is.
    """
    if not is_prepared():
        find_maven()


def prepare_toolchain(cache: Path | None = None) -> Toolchain:
    """Fetch, check and unpack, or find what an earlier call has left in `cache`.

    Raises:
        MissingToolError: no Maven, or no aapt2 for this machine.
        ToolchainError: Maven gives nothing (offline, a repository out of reach), or another file than the known one.
    """
    key = _key()
    cache = cache_folder() if cache is None else cache
    aapt2 = _aapt2_name()
    folder = cache / f"tools-{key}"
    tools = Toolchain(
        folder, key, folder / Path(aapt2).name, folder / Path(_FRAMEWORK).name, folder / "android.jar"
    )
    if is_prepared(cache):
        mark_used(folder)
        return tools
    maven = find_maven()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".tools-") as scratch:
            made = Path(scratch) / "made"
            files = made / _FILES_FOLDER
            files.mkdir(parents=True)
            _fetch(maven, ARTIFACTS, files)
            check(ARTIFACTS, files)
            _unpack(files, made, aapt2)
            (made / _DONE).write_text("")
            _settle(made, folder)
        forget_old(folder, keep=_KEPT)
    except OSError as error:
        raise ToolchainError(f"{shown(cache)}: cannot be written: {error.strerror or error}") from error
    return tools


def mark_used(folder: Path) -> None:
    """Note that what is kept here was of use today."""
    with contextlib.suppress(OSError):  # a cache that may only be read
        os.utime(folder)


def forget_old(newest: Path, *, keep: int) -> None:
    """Of what is kept beside `newest` and of its kind, only that which was used last stays."""
    kind = newest.name.split("-")[0]
    found = sorted(newest.parent.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def check(artifacts: Iterable[Artifact], folder: Path) -> None:
    """Compare every file with its known SHA-256.

    Raises:
        ToolchainError: one is missing or another.
    """
    for artifact in artifacts:
        path = folder / artifact.file_name
        if not path.is_file():
            raise ToolchainError(f"Maven did not deliver {artifact.coordinates}. Run the build again")
        if sha256_file(path) != artifact.sha256:
            raise ToolchainError(
                f"{artifact.coordinates}: the file that Maven delivered is not the one that is known (its SHA-256 "
                "differs). Remove it from Maven's local repository and look at where Maven downloads from"
            )


def pom(artifacts: Iterable[Artifact], out: Path) -> str:
    """A project that copies these files into `out` and depends on nothing else."""
    items = "\n".join(
        "<artifactItem>"
        f"<groupId>{a.group}</groupId><artifactId>{a.artifact}</artifactId><version>{a.version}</version>"
        f"<type>{a.type}</type><outputDirectory>{escape(str(out))}</outputDirectory>"
        "</artifactItem>"
        for a in artifacts
    )
    group, name, version = MAVEN_PLUGIN
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0">\n<modelVersion>4.0.0</modelVersion>\n'
        "<groupId>swiftformer</groupId><artifactId>app-tools</artifactId><version>1</version><packaging>pom</packaging>\n"
        f"<build><plugins><plugin><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>\n"
        f"<configuration><artifactItems>\n{items}\n</artifactItems></configuration>\n"
        "</plugin></plugins></build>\n</project>\n"
    )


def _fetch(maven: Path, artifacts: Iterable[Artifact], out: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "pom.xml"
        file.write_text(pom(artifacts, out), "utf-8")
        arguments: list[str | Path] = [maven, "-B", "-q", "-f", file, f"{':'.join(MAVEN_PLUGIN)}:copy"]
        try:
            run(arguments, "Maven", ToolchainError, cwd=Path(scratch))
        except ToolchainError as error:
            raise ToolchainError(
                f"{error}. The build tools are fetched once; check the connection and Maven's settings"
            ) from None


def _key() -> str:
    return hashlib.sha256(repr((ARTIFACTS, _SDK_PREFIXES, _NOT_SDK)).encode()).hexdigest()[:16]


def _aapt2_name() -> str:
    name = _AAPT2.get(sys.platform)
    machine = platform.machine().lower()
    if name is None or (sys.platform == "linux" and machine not in ("x86_64", "amd64")):
        raise MissingToolError(
            f"There is no aapt2 for this machine ({sys.platform}, {machine}) on Maven Central. Build on Linux on "
            "x86-64, on macOS or on Windows, or with the Gradle project in android_app"
        )
    return name


def _unpack(files: Path, made: Path, aapt2: str) -> None:
    (apktool,), (everything,) = (
        [files / a.file_name for a in ARTIFACTS if a.use == use] for use in ("aapt2", "android-all")
    )
    with zipfile.ZipFile(apktool) as archive:
        for name in (aapt2, _FRAMEWORK):
            (made / Path(name).name).write_bytes(archive.read(name))
    (made / Path(aapt2).name).chmod(0o755)
    public_classes(everything, made / "android.jar")
    for file in (apktool, everything):  # 200 MB of which nothing more is needed
        file.unlink()


def public_classes(android_all: Path, out: Path) -> None:
    """Android's class path for compilers, of the jar with everything: without java.*, which the JDK's own list gives.

    Methods that are not public API remain in it; `public_api.py` finds calls of them.
    """
    with zipfile.ZipFile(android_all) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as made:
        for name in archive.namelist():
            if name.endswith(".class") and name.startswith(_SDK_PREFIXES) and not name.startswith(_NOT_SDK):
                made.writestr(zipfile.ZipInfo(name), archive.read(name))


def _settle(made: Path, folder: Path) -> None:
    """Give the finished folder its name; another process may have been faster."""
    if folder.is_dir() and not (folder / _DONE).is_file():
        shutil.rmtree(folder, ignore_errors=True)
    try:
        made.rename(folder)
    except OSError:
        if not (folder / _DONE).is_file():
            raise
