"""JSON from strangers: what the standard forbids or leaves open is refused."""

from __future__ import annotations

import json
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
