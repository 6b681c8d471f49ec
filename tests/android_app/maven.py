"""Maven on a part of the app: with checksums that fail, and without the network where all is there already."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

TIMEOUT_S = 900
_NOT_FETCHED = ("offline mode", "Could not transfer", "Could not find artifact", "PluginResolution")


class MissingError(Exception):
    """A part of the app cannot be compiled or tested on this machine; the message says why."""


def maven(folder: Path, *arguments: str) -> str:
    """What Maven prints.

    Raises:
        MissingError: Maven or a JDK is not there, or what they need cannot be fetched.
    """
    with _alone(folder):
        return _maven(folder, arguments)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else builds the folder meanwhile: tests run in several processes."""
    lock = folder / "build" / ".maven-lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _maven(folder: Path, arguments: tuple[str, ...]) -> str:
    program = shutil.which("mvn")
    if program is None or shutil.which("java") is None:
        raise MissingError("Maven or a JDK is missing")
    output = ""
    for offline in (["-o"], []):
        ran = subprocess.run(
            [program, "-C", "-q", "-B", *offline, *arguments],
            cwd=folder,
            env={**os.environ, "MAVEN_OPTS": "-Xmx600m"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        output = ran.stdout + ran.stderr
        if ran.returncode == 0:
            return output
        if not any(word in output for word in _NOT_FETCHED):
            raise AssertionError(output[-4000:])
    raise MissingError(f"Maven cannot fetch what {folder.name} needs: {output[-300:]}")


def count_of_tests(reports: Path) -> int:
    """How many tests the reports of Maven's surefire count, none of them failed or skipped."""
    total = 0
    for report in reports.glob("TEST-*.xml"):
        suite = re.search(r"<testsuite [^>]*>", report.read_text(encoding="utf-8"))
        assert suite is not None, report
        counts = {
            name: int(re.search(rf'\b{name}="(\d+)"', suite[0])[1])
            for name in ("tests", "failures", "errors")
        }  # type: ignore[index]
        assert counts["failures"] == counts["errors"] == 0, report
        total += counts["tests"]
    return total
