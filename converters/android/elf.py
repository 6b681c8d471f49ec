"""Whether a native library is linked for memory pages of 16 KB, from its program headers (System V ABI, chapter 5).

Phones with such pages (and Google Play, for new apps) ask that every segment that is loaded is aligned to 16 KB.
"""

from __future__ import annotations

import struct

from swiftformer_keras.errors import AppOptionError

LARGE_PAGE = 16384
_LOAD = 1


def load_alignments(data: bytes, where: str) -> list[int]:
    """The alignment in bytes of every PT_LOAD segment, for 32-bit and 64-bit little-endian files.

    Raises:
        AppOptionError: it is no such ELF file.
    """
    problem = AppOptionError(f"{where}: is no native library (ELF, little-endian)")
    if len(data) < 0x40 or data[:4] != b"\x7fELF" or data[5] != 1 or data[4] not in (1, 2):
        raise problem
    wide = data[4] == 2
    (start,) = struct.unpack_from("<Q" if wide else "<I", data, 0x20 if wide else 0x1C)
    size, count = struct.unpack_from("<HH", data, 0x36 if wide else 0x2A)
    if size < (0x38 if wide else 0x20) or start + size * count > len(data):
        raise problem
    alignments: list[int] = []
    for offset in range(start, start + size * count, size):
        (kind,) = struct.unpack_from("<I", data, offset)
        if kind == _LOAD:
            alignments += struct.unpack_from("<Q" if wide else "<I", data, offset + (0x30 if wide else 0x1C))
    if not alignments:
        raise problem
    return alignments


def for_large_pages(data: bytes, where: str) -> bool:
    """Whether every loaded segment is aligned to 16 KB or a multiple of it."""
    return all(a >= LARGE_PAGE and a % LARGE_PAGE == 0 for a in load_alignments(data, where))
