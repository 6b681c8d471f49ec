"""What a phone's log says of a crash: a few lines, made harmless."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from swiftformer_keras.errors import DeviceError
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.benchmark.session import DeviceSession

MAX_LINES, MAX_LINE = 40, 300
_BEGINS = re.compile(r"FATAL EXCEPTION|\*\*\* \*\*\* \*\*\*|Fatal signal")
_TELLS = re.compile(
    r"AndroidRuntime|\bDEBUG\b|\blibc\b|\btflite\b|ActivityManager|ActivityTaskManager|lowmemorykiller"
)


def excerpt(session: DeviceSession, package: str) -> str | None:
    """The newest lines of the log that tell of a crash, or None."""
    with contextlib.suppress(DeviceError):
        command = ("logcat", "-d", "-b", "crash,main,system", "-t", "500")
        said = session.shell(command, 30.0, limit_bytes=4 << 20, what="reading the log")
        return crash_lines(said.stdout.decode("utf-8", "replace"), package)
    return None


def crash_lines(log: str, package: str) -> str | None:
    """From the last crash's first line on, what belongs to it; printable, at most `MAX_LINES` lines."""
    lines = log.splitlines()
    begin = max((number for number, line in enumerate(lines) if _BEGINS.search(line)), default=None)
    if begin is None:
        kept = [line for line in lines if package in line or _TELLS.search(line)][-MAX_LINES:]
    else:
        kept = [line for line in lines[begin:] if package in line or _TELLS.search(line)][:MAX_LINES]
    return "\n".join(shown(line, MAX_LINE) for line in kept) or None


def last_lines(output: str) -> str | None:
    """The end of a program's output, made harmless."""
    kept = [line for line in output.splitlines() if line.strip()][-MAX_LINES:]
    return "\n".join(shown(line, MAX_LINE) for line in kept) or None
