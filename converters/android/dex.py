"""What a dex file holds that would fail on a phone, read from its own list of contents.

The map at a dex file's end says how many items of each kind there are ("Dalvik Executable format", `map_list`).
`invoke-custom` needs a call site, so without call sites there is none.
"""

from __future__ import annotations

import struct
from pathlib import Path

from swiftformer_keras.errors import AppSourceError
from swiftformer_keras.shown import shown

CALL_SITES, METHOD_HANDLES = 0x0007, 0x0008
_MAP_OFFSET = 0x34
_HEADER_BYTES = 0x70


def map_counts(data: bytes, where: str) -> dict[int, int]:
    """How many items of each kind (`type` of `map_item`) the file has.

    Raises:
        AppSourceError: it is no dex file.
    """
    problem = AppSourceError(f"{where}: is no dex file")
    if len(data) < _HEADER_BYTES or data[:4] != b"dex\n":
        raise problem
    (start,) = struct.unpack_from("<I", data, _MAP_OFFSET)
    if start + 4 > len(data):
        raise problem
    (count,) = struct.unpack_from("<I", data, start)
    if start + 4 + 12 * count > len(data):
        raise problem
    items = struct.iter_unpack("<HHII", data[start + 4 : start + 4 + 12 * count])
    return {kind: size for kind, _, size, _ in items}


def check_dex(path: Path) -> None:
    """Refuse what the run time of Android 8 cannot run as the desktop's does.

    Raises:
        AppSourceError: there are `invoke-custom` instructions or method handles in it.
    """
    counts = map_counts(path.read_bytes(), shown(path.name))
    for kind, what in ((CALL_SITES, "invoke-custom call sites"), (METHOD_HANDLES, "method handles")):
        if counts.get(kind):
            raise AppSourceError(
                f"{shown(path.name)}: has {counts[kind]} {what}, which Android 8 cannot run. Look for a lambda or a "
                "string concatenation that the compiler left to the run time"
            )
