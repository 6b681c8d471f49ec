"""Maven on a part of the app: offline, with nothing but the files whose SHA-256 is pinned (`pinned.py`).

python -m tests.android_app.maven android_app/core test      the same by hand: a folder, and Maven's arguments
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.android_app import pinned
from tests.android_app.pinned import TIMEOUT_S, MissingError

_COMPILING = frozenset({"compile", "test-compile", "test", "verify"})

__all__ = ["TIMEOUT_S", "MissingError", "count_of_tests", "maven"]


def maven(folder: Path, *arguments: str) -> str:
    """What Maven prints.

    Raises:
        MissingError: Maven or a JDK is not there, or what they need cannot be fetched.
        ChecksumError: a file is not the pinned one.
    """
    repository = pinned.repository()
    with _alone(folder):
        if not _COMPILING.isdisjoint(arguments):
            _forget_classes(folder)
        ran = pinned.run(folder, "-o", f"-Dmaven.repo.local={repository}", *arguments)
    output = ran.stdout + ran.stderr
    if ran.returncode:
        hint = f" ({pinned.UNKNOWN})" if "offline" in output else ""
        raise AssertionError(output[-4000:] + hint)
    return output


def _forget_classes(folder: Path) -> None:
    """Kotlin finds what it compiled before on the class path, and calls a function that is not there any more."""
    for build in (folder / "build", folder / "build" / "maven"):
        for name in ("classes", "test-classes"):
            shutil.rmtree(build / name, ignore_errors=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else builds the folder meanwhile: tests run in several processes."""
    lock = folder / "build" / ".maven-lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def count_of_tests(reports: Path) -> int:
    """How many tests the reports of Maven's surefire count, none failed; those that were skipped do not count."""
    total = 0
    for report in reports.glob("TEST-*.xml"):
        suite = re.search(r"<testsuite [^>]*>", report.read_text(encoding="utf-8"))
        assert suite is not None, report
        counts = {
            name: int(re.search(rf'\b{name}="(\d+)"', suite[0])[1])
            for name in ("tests", "failures", "errors", "skipped")
        }  # type: ignore[index]
        assert counts["failures"] == counts["errors"] == 0, report
        total += counts["tests"] - counts["skipped"]
    return total


if __name__ == "__main__":
    print(maven(Path(sys.argv[1]), *sys.argv[2:]))
