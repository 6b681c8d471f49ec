"""JSON from strangers: what the standard forbids or leaves open is refused."""

from __future__ import annotations

import json
import math
from typing import Any


def parse(text: str) -> Any:
    """Parse JSON text in which no object has a name twice and no number is NaN or infinite.

    Raises:
        ValueError: it is not such text, or is nested too deeply; the message says where, in one line.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return values


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def plain(value: Any) -> Any:
    """What every JSON parser takes: NaN, infinity and undecodable bytes of a file name become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # as `cli.text.printable` writes them
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
