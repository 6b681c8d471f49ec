"""`/proc/meminfo` and `df -k`: how much memory there is, how much room a folder has."""

from __future__ import annotations

import re

from swiftformer_keras.benchmark.parsing.values import whole

MAX_KIB = 1 << 40
_LONGEST = 4096
_COLUMNS = re.compile(
    r"(?:^|\s)(\d{1,15})\s{1,40}(\d{1,15})\s{1,40}(\d{1,15})\s{1,40}(?:\d{1,3}%|-)\s{1,40}/\S*\s*$"
)


def parse_total_memory(said: str) -> int | None:
    """All RAM in KiB, from the line `MemTotal:  7907072 kB` (proc(5): its kB are KiB)."""
    match = re.search(r"^MemTotal:[ \t]{1,40}(\d{1,15}) kB[ \t\r]{0,8}$", said, re.MULTILINE)
    return whole(match[1], 1, MAX_KIB) if match else None


def parse_free_space(said: str) -> int | None:
    """Free KiB of the one file system in the output of `df -k PATH` (toybox, coreutils), or None.

    The columns are size, used, available, share of use and place; a long device name may stand on a line of its own.
    """
    match = _COLUMNS.search(said[-_LONGEST:])
    return whole(match[3], 0, MAX_KIB) if match else None
