"""How a name or a piece of a foreign file is shown in a one-line message."""

from __future__ import annotations

import os


def shown(value: object, limit: int = 200) -> str:
    """`value` as one printable line of at most `limit` characters.

    Paths and texts come from outside: a line break or a terminal escape in a file name must neither break
    the one line of an error nor reach the terminal, so unprintable characters are written as `\\xNN`.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    text = os.fsdecode(value) if isinstance(value, bytes) else str(value)
    text = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
    return text if len(text) <= limit else f"{text[: limit // 2]}…{text[-(limit - limit // 2 - 1) :]}"
