"""Pinned files: the pom that asks for them, and what happens where Maven gives nothing or something else."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from converters.android import toolchain
from converters.android.artifacts import ARTIFACTS, KOTLIN, TFLITE
from converters.android.compile import _kept
from converters.android.toolchain import check, pom, prepare_toolchain
from swiftformer_keras.errors import MissingToolError, ToolchainError
from tests.converters.android.tools import needed_toolchain, pretend
from tests.harness import assert_refused

NAMESPACE = "{http://maven.apache.org/POM/4.0.0}"


def test_every_file_is_pinned_by_version_and_checksum() -> None:
    for artifact in ARTIFACTS:
        assert re.fullmatch(r"[0-9a-f]{64}", artifact.sha256), artifact
        assert not re.search(r"[\[(,]|LATEST|RELEASE|SNAPSHOT", artifact.version), artifact
    assert len({a.file_name for a in ARTIFACTS}) == len(ARTIFACTS) == len({a.sha256 for a in ARTIFACTS})


def test_the_pom_asks_for_exactly_these_files(tmp_path: Path) -> None:
    root = ElementTree.fromstring(pom(ARTIFACTS, tmp_path / "a & b"))
    items = list(root.iter(f"{NAMESPACE}artifactItem"))
    asked = {
        tuple(item.findtext(f"{NAMESPACE}{name}") for name in ("groupId", "artifactId", "version", "type"))
        for item in items
    }
    assert asked == {(a.group, a.artifact, a.version, a.type) for a in ARTIFACTS}
    assert {item.findtext(f"{NAMESPACE}outputDirectory") for item in items} == {str(tmp_path / "a & b")}
    assert root.find(f"{NAMESPACE}dependencies") is None
    assert root.find(f"{NAMESPACE}repositories") is None


def test_another_file_than_the_known_one_is_refused(tmp_path: Path) -> None:
    content = b"a jar"
    known = dataclasses.replace(ARTIFACTS[0], sha256=hashlib.sha256(content).hexdigest())
    assert_refused(ToolchainError, lambda: check([known], tmp_path), known.coordinates, "did not deliver")
    (tmp_path / known.file_name).write_bytes(content)
    check([known], tmp_path)
    (tmp_path / known.file_name).write_bytes(content + b"!")
    assert_refused(ToolchainError, lambda: check([known], tmp_path), known.coordinates, "SHA-256 differs")


@pytest.mark.skipif(os.name == "nt", reason="the pretended Maven is a shell script")
def test_offline_with_a_cold_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    said = "[ERROR] Cannot access central in offline mode and the artifact has not been downloaded"
    pretend(programs, "mvn", f"echo '{said}'; exit 1")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    cache = tmp_path / "cache"
    assert_refused(ToolchainError, lambda: prepare_toolchain(cache), "offline mode", "check the connection")
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="the pretended Maven is a shell script")
def test_maven_that_delivers_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    pretend(programs, "mvn", "exit 0")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    assert_refused(ToolchainError, lambda: prepare_toolchain(tmp_path / "cache"), "did not deliver")


def test_without_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert_refused(MissingToolError, lambda: prepare_toolchain(tmp_path / "cache"), "Maven (mvn) not found")


def test_a_machine_without_aapt2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(toolchain.sys, "platform", "linux")
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "aarch64")
    assert_refused(MissingToolError, lambda: prepare_toolchain(tmp_path), "aapt2", "aarch64", "Gradle")


def used_long_ago(*folders: Path) -> None:
    for number, folder in enumerate(folders):
        folder.mkdir(parents=True)
        os.utime(folder, (number, number))


@pytest.mark.skipif(os.name == "nt", reason="the pretended Maven is a shell script")
def test_of_the_tools_those_that_were_used_last_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(tmp_path, "mvn", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(toolchain, "check", lambda *_: None)
    monkeypatch.setattr(toolchain, "_unpack", lambda *_: None)
    monkeypatch.setattr(toolchain.sys, "platform", "linux")
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "x86_64")
    cache = tmp_path / "cache"
    used_long_ago(cache / "tools-old", cache / "tools-older", cache / "code-of the app")
    (cache / "tools-old" / "complete").touch()
    monkeypatch.setattr(toolchain, "_key", lambda: "old")
    prepare_toolchain(cache)  # which are there, and of use
    monkeypatch.setattr(toolchain, "_key", lambda: "new")
    prepare_toolchain(cache)
    assert sorted(path.name for path in cache.iterdir()) == ["code-of the app", "tools-new", "tools-old"]


def test_of_the_apps_code_that_which_was_used_last_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("converters.android.compile._KEPT", 2)
    used_long_ago(tmp_path / "code-old", tmp_path / "code-older")
    assert _kept(tmp_path / "code-old", lambda _: pytest.fail("made again"))
    assert not _kept(tmp_path / "code-new", lambda made: (made / "classes.dex").touch())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code-new", "code-old"]
    assert (tmp_path / "code-new" / "classes.dex").is_file()


def test_the_unpacked_tools() -> None:
    tools = needed_toolchain()
    assert tools.aapt2.is_file()
    names = {path.name for use in ("library", "runtime-aar") for path in tools.files(use)}  # type: ignore[arg-type]
    assert f"tensorflow-lite-{TFLITE}.aar" in names
    assert f"kotlin-stdlib-{KOTLIN}.jar" in names
    assert not list(tools.folder.glob("files/android-all*"))
    assert prepare_toolchain() == tools  # a second call finds them
