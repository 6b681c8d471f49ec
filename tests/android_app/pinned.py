"""What Maven may use for the tests: the files of `maven.sha256`, each compared with the SHA-256 that stands there.

The tests' poms bring hundreds of files along: plugins, libraries, the poms of both. They are put into a repository of
the tests' own, and Maven then works offline on that one: it can take no file that is not on the list, and none that
differs from it. Maven's ordinary client does the fetching, with the same pom as the app's builder.

    python -m tests.android_app.pinned      (make maven-checksums) write the list anew, from a download of everything
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape

from converters.android.artifacts import MAVEN_PLUGIN
from converters.android.toolchain import cache_folder
from swiftformer_keras.errors import SwiftFormerError
from swiftformer_keras.files import sha256_file
from tests.harness import ROOT

LIST = Path(__file__).with_name("maven.sha256")
POMS = (
    ROOT / "android_app" / "core",
    ROOT / "android_app" / "app",
    ROOT / "tests/independent/android_metadata",
)
CLASS_PATH = f"{':'.join(MAVEN_PLUGIN)}:build-classpath"
"""The goal that names a pom's libraries, for poms that pin no plugin."""
ENDINGS = (".jar", ".pom", ".aar")
TIMEOUT_S = 900
UNKNOWN = f"is not in {LIST.name}; after a change of the poms, `make maven-checksums` writes that list anew"
_STAMPS = "verified.json"
_KEPT = 2


class MissingError(Exception):
    """A part of the app cannot be compiled or tested on this machine; the message says why."""


class ChecksumError(AssertionError):
    """A file is not the one that is known, or is not known at all."""


def known() -> dict[str, str]:
    """SHA-256 by the file's path in a Maven repository."""
    pairs = (line.split("  ", 1) for line in LIST.read_text("utf-8").splitlines())
    return {path: digest for digest, path in pairs}


def repository(listed: Mapping[str, str] | None = None, cache: Path | None = None) -> Path:
    """A folder with exactly the listed files, for `-Dmaven.repo.local`, made at the first use.

    Raises:
        MissingError: Maven is not there, or gives nothing.
        ChecksumError: a file differs from the list, now or since it was put there.
    """
    listed = known() if listed is None else listed
    cache = cache_folder().parent / "test-repository" if cache is None else cache
    folder = cache / hashlib.sha256(repr(sorted(listed.items())).encode()).hexdigest()[:16]
    if not (folder / _STAMPS).is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-") as scratch:
            made = Path(scratch) / "made"
            _fetch(listed, made)
            check(listed, made)
            _write_stamps(made, listed)
            try:
                made.rename(folder)
            except OSError:  # another process was faster
                if not (folder / _STAMPS).is_file():
                    raise
        _forget_old(cache)
    _check_again(listed, folder)
    return folder


def check(listed: Mapping[str, str], folder: Path) -> None:
    """Compare every file with the list, and the list with every file.

    Raises:
        ChecksumError: one is missing, differs, or is not on the list.
    """
    for path, digest in listed.items():
        file = folder / path
        if not file.is_file():
            raise ChecksumError(f"{path}: Maven did not deliver it")
        if (found := sha256_file(file)) != digest:
            raise ChecksumError(f"{path}: has the SHA-256 {found}, and {LIST.name} says {digest}")
    if unknown := sorted(set(_files(folder)) - set(listed)):
        raise ChecksumError(f"{unknown[0]}: {UNKNOWN}")


def coordinates(path: str) -> dict[str, str]:
    """Maven's names for a file in a repository: group, artifact, version, type and, where it has one, classifier."""
    *group, artifact, version, file = PurePosixPath(path).parts
    rest = file.removeprefix(f"{artifact}-{version}")
    classifier, _, ending = rest.removeprefix("-").rpartition(".")
    values = {"groupId": ".".join(group), "artifactId": artifact, "version": version, "type": ending}
    return values | ({"classifier": classifier} if classifier else {})


def pom(paths: Iterable[str], out: Path) -> str:
    """A project that copies these files into `out`, each to its place in a repository."""
    items = []
    for path in paths:
        values = {
            **coordinates(path),
            "outputDirectory": str((out / path).parent),
            "destFileName": PurePosixPath(path).name,
        }
        fields = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
        items.append(f"<artifactItem>{fields}</artifactItem>")
    group, name, version = MAVEN_PLUGIN
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0">\n<modelVersion>4.0.0</modelVersion>\n'
        "<groupId>swiftformer</groupId><artifactId>test-files</artifactId><version>1</version><packaging>pom</packaging>\n"
        f"<build><plugins><plugin><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>\n"
        "<configuration><artifactItems>\n{}\n</artifactItems></configuration>\n"
        "</plugin></plugins></build>\n</project>\n"
    ).format("\n".join(items))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Maven in a folder.

    Raises:
        MissingError: Maven or a JDK is not there.
    """
    program = shutil.which("mvn")
    if program is None or shutil.which("java") is None:
        raise MissingError("Maven or a JDK is missing")
    return subprocess.run(
        [program, "-C", "-q", "-B", *arguments],
        cwd=folder,
        env={**os.environ, "MAVEN_OPTS": "-Xmx600m"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def _fetch(listed: Iterable[str], out: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "pom.xml").write_text(pom(listed, out), "utf-8")
        ran = run(Path(scratch), f"{':'.join(MAVEN_PLUGIN)}:copy")
    if ran.returncode:
        raise MissingError(f"Maven cannot fetch what the tests need: {(ran.stdout + ran.stderr)[-300:]}")


def _files(folder: Path) -> Iterable[str]:
    return (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix in ENDINGS)


def _stamp(path: Path) -> list[int]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns]


def _write_stamps(folder: Path, listed: Iterable[str]) -> None:
    (folder / _STAMPS).write_text(json.dumps({path: _stamp(folder / path) for path in listed}))


def _check_again(listed: Mapping[str, str], folder: Path) -> None:
    """All of `check`, but reading only files that were touched since: it is done before every run of Maven."""
    try:
        stamps = json.loads((folder / _STAMPS).read_text())
        changed = {path: listed[path] for path in listed if stamps.get(path) != _stamp(folder / path)}
    except (OSError, ValueError):
        changed = dict(listed)
    for path, digest in changed.items():
        if not (folder / path).is_file() or sha256_file(folder / path) != digest:
            raise ChecksumError(f"{path}: was changed in {folder}. Remove that folder")
    if unknown := sorted(set(_files(folder)) - set(listed)):
        raise ChecksumError(f"{unknown[0]}: is not in {LIST.name}, but in {folder}. Remove that folder")


def _forget_old(cache: Path) -> None:
    """The newest few are kept: another branch may have another list."""
    found = sorted(cache.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def write_list() -> int:
    """Let Maven fetch everything into an empty repository, as the tests and their profiles ask, and list what is there.

    Returns how many files there are.

    Raises:
        SwiftFormerError: a run of Maven failed.
    """
    core, app, metadata = POMS
    runs = (
        (core, "test", "-Dtest=TextsTest"),
        (core, "verify", "-Pjmh", "-DskipTests", "-Dexec.skip=true"),
        (core, "dependency:build-classpath", f"-Dmdep.outputFile={os.devnull}"),
        (core, "clean"),
        (app, "test", "-Dtest=WordingTest"),
        (metadata, CLASS_PATH, f"-Dmdep.outputFile={os.devnull}"),
    )
    with tempfile.TemporaryDirectory() as scratch:
        for folder, *arguments in runs:
            ran = run(folder, f"-Dmaven.repo.local={scratch}", *arguments)
            if ran.returncode:
                raise SwiftFormerError(f"Maven failed in {folder.name}: {(ran.stdout + ran.stderr)[-2000:]}")
        lines = [f"{sha256_file(Path(scratch) / path)}  {path}" for path in sorted(_files(Path(scratch)))]
    LIST.write_text("\n".join(lines) + "\n", "utf-8")
    return len(lines)


if __name__ == "__main__":
    print(f"{LIST.name}: {write_list()} files", file=sys.stderr)
