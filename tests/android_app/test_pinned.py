"""The tests' own pinned files: what is not on the list, or differs from it, ends the run before Maven may use it."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from converters.android.artifacts import ARTIFACTS
from tests.android_app.pinned import (
    ChecksumError,
    MissingError,
    check,
    coordinates,
    known,
    pom,
    repository,
)
from tests.converters.android.tools import pretend

JAR, POM = "org/a/b/1.0/b-1.0.jar", "org/a/b/1.0/b-1.0.pom"
CONTENT = {JAR: b"a jar", POM: b"a pom"}
LISTED = {path: hashlib.sha256(content).hexdigest() for path, content in CONTENT.items()}


def write(folder: Path, **changed: bytes) -> Path:
    for path, content in CONTENT.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(changed.get(file.suffix[1:], content))
    return folder


def test_the_list_agrees_with_the_builders() -> None:
    """Two lists, written in different ways, of which some files are the same."""
    listed = known()
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in listed.values())
    assert sorted(listed) == list(listed)
    paths = {
        f"{a.group.replace('.', '/')}/{a.artifact}/{a.version}/{a.file_name}": a.sha256 for a in ARTIFACTS
    }
    common = paths.keys() & listed.keys()
    assert len(common) >= 8
    assert {path: listed[path] for path in common} == {path: paths[path] for path in common}


def test_every_listed_file_has_its_names() -> None:
    for path in known():
        values = coordinates(path)
        folder = "/".join([values["groupId"].replace(".", "/"), values["artifactId"], values["version"]])
        classifier = f"-{values['classifier']}" if "classifier" in values else ""
        assert path == f"{folder}/{values['artifactId']}-{values['version']}{classifier}.{values['type']}"


def test_names_of_a_path() -> None:
    assert coordinates("org/x/a-b/2.1-rc1/a-b-2.1-rc1.aar") == {
        "groupId": "org.x",
        "artifactId": "a-b",
        "version": "2.1-rc1",
        "type": "aar",
    }
    guice = coordinates("com/google/inject/guice/4.2.2/guice-4.2.2-no_aop.jar")
    assert (guice["classifier"], guice["type"]) == ("no_aop", "jar")


def test_the_pom_puts_each_file_in_its_place(tmp_path: Path) -> None:
    root = ElementTree.fromstring(pom(LISTED, tmp_path / "a & b"))
    space = "{http://maven.apache.org/POM/4.0.0}"
    placed = {
        (item.findtext(f"{space}outputDirectory"), item.findtext(f"{space}destFileName"))
        for item in root.iter(f"{space}artifactItem")
    }
    assert placed == {
        (str(tmp_path / "a & b" / "org/a/b/1.0"), "b-1.0.jar"),
        (str(tmp_path / "a & b" / "org/a/b/1.0"), "b-1.0.pom"),
    }


def test_what_differs_is_missing_or_unknown(tmp_path: Path) -> None:
    check(LISTED, write(tmp_path / "right"))
    with pytest.raises(ChecksumError, match=re.escape(f"{JAR}: has the SHA-256")):
        check(LISTED, write(tmp_path / "changed", jar=b"another jar"))
    folder = write(tmp_path / "missing")
    (folder / POM).unlink()
    with pytest.raises(ChecksumError, match=re.escape(f"{POM}: Maven did not deliver it")):
        check(LISTED, folder)
    with pytest.raises(ChecksumError, match=re.escape(f"{JAR}: is not in maven.sha256")):
        check({POM: LISTED[POM]}, write(tmp_path / "unknown"))


@pytest.mark.skipif(os.name == "nt", reason="the pretended Maven is a shell script")
def test_the_repository_is_checked_when_made_and_before_every_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Maven is a script that copies the files which the pom asks for from a folder."""
    source, programs, cache = write(tmp_path / "source"), tmp_path / "bin", tmp_path / "cache"
    programs.mkdir()
    script = r"""sed -n 's/.*<outputDirectory>\([^<]*\)<.*/\1/p' pom.xml | while read -r to; do
    mkdir -p "$to" && cp "$SOURCE"/org/a/b/1.0/* "$to"
done"""
    pretend(programs, "mvn", script)
    pretend(programs, "java", "exit 0")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("SOURCE", str(source))
    folder = repository(LISTED, cache)
    assert {path: (folder / path).read_bytes() for path in CONTENT} == CONTENT
    assert repository(LISTED, cache) == folder
    (folder / JAR).touch()
    assert repository(LISTED, cache) == folder  # touched, read again, still the same
    (folder / JAR).write_bytes(b"bad")
    with pytest.raises(ChecksumError, match=r"b-1\.0\.jar: was changed"):
        repository(LISTED, cache)
    write(folder)
    (folder / "org/a/b/1.0/evil.jar").write_bytes(b"evil")
    with pytest.raises(ChecksumError, match=r"evil\.jar: is not in"):
        repository(LISTED, cache)
    write(source, jar=b"another jar")
    with pytest.raises(ChecksumError, match=r"b-1\.0\.jar: has the SHA-256"):
        repository(LISTED, tmp_path / "cold")
    assert list((tmp_path / "cold").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="the pretended Maven is a shell script")
def test_without_a_network_the_tests_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, "mvn", "echo 'Could not transfer artifact'; exit 1")
    pretend(tmp_path, "java", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(MissingError, match="Could not transfer"):
        repository(LISTED, tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(MissingError, match="missing"):
        repository(LISTED, tmp_path / "cache")
