"""How text from outside and numbers of bytes appear in output."""

from __future__ import annotations

import sys

from swiftformer_keras.shown import shown


def printable(text: str) -> str:
    """`text` in full, with every character a terminal might act on written as its escape.

    Line breaks are escaped as well: a label cannot forge a line of output.
    """
    return shown(text, limit=sys.maxsize)


def file_size(size_bytes: int) -> str:
    """A size as people read it, in powers of 1000: `950 B`, `6.1 kB`, `13.9 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    size, unit = size_bytes / 1000, "kB"
    for larger in ("MB", "GB"):
        if size < 999.95:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f} {unit}"
