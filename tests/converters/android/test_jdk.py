"""A machine without a JDK, with too old a one, without Maven; and what a failing program's output comes to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from converters.android.jdk import find_jdk, find_maven, run, telling_line
from swiftformer_keras.errors import MissingToolError, ToolchainError
from tests.converters.android.tools import pretend
from tests.harness import assert_refused


def test_without_a_jdk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert_refused(MissingToolError, find_jdk, "javac", "Install a JDK")
    assert_refused(MissingToolError, find_maven, "mvn", "Install")


def test_a_run_time_alone_is_no_jdk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    pretend(bin_folder, "java", "exit 0")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert_refused(MissingToolError, find_jdk, "javac and keytool", "JAVA_HOME")


@pytest.mark.parametrize(
    ("said", "accepted"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True),
        ('openjdk version "11.0.2" 2019-01-15', True),
        ('openjdk version "24.0.1" 2025-04-15', True),
        ('openjdk version "25" 2025-09-16', False),
        ('java version "1.8.0_202"', False),
        ("nonsense", False),
    ],
)
def test_the_versions_that_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, accepted: bool
) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name in ("java", "javac", "keytool"):
        pretend(bin_folder, name, f"echo '{said}' >&2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if accepted:
        assert find_jdk().version in (11, 17, 24)
    else:
        assert_refused(MissingToolError, find_jdk, "11 to 24")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("fine\nX.kt:3:1: error: unresolved reference\nmore", "X.kt:3:1: error: unresolved reference"),
        (
            "Picked up JAVA_TOOL_OPTIONS: -Dx\n[ERROR] Could not find artifact",
            "[ERROR] Could not find artifact",
        ),
        ("one\ntwo\n", "two"),
        ("", ""),
        ("an \x1b[31merror\x1b[0m", "an \\x1b[31merror\\x1b[0m"),
    ],
)
def test_the_line_that_says_most(said: str, line: str) -> None:
    assert telling_line(said) == line


def test_a_program_that_fails_and_one_that_is_none(tmp_path: Path) -> None:
    fails = [sys.executable, "-c", "import sys; print('an error: no room'); sys.exit(3)"]
    assert_refused(ToolchainError, lambda: run(fails, "It", ToolchainError), "It failed: an error: no room")
    assert_refused(
        MissingToolError, lambda: run([tmp_path / "absent"], "It", ToolchainError), "It cannot be started"
    )
    slow = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert_refused(
        ToolchainError, lambda: run(slow, "It", ToolchainError, timeout_s=0.2), "did not end within"
    )
