"""Fields of a JSON object from a stranger, each read with its type and its bounds.

Every reader takes the object and the field's name and raises `ValueError` with one line that names the field;
whoever reads a whole file adds which file it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

MAX_TEXT = 400
MAX_ITEMS = 1024

Value = TypeVar("Value")


def known_only(values: object, names: frozenset[str], what: str) -> Mapping[str, Any]:
    """`values` as an object with exactly these names.

    Raises:
        ValueError: it is no object, or a name is missing or unknown.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{what} is no JSON object")
    if missing := sorted(names - values.keys()):
        raise ValueError(f"{what} lacks {missing[0]!r}")
    if unknown := sorted(str(name)[:60] for name in values.keys() - names):
        raise ValueError(f"{what} has an unknown field {unknown[0]!r}")
    return values


def text(values: Mapping[str, Any], name: str, limit: int = MAX_TEXT) -> str:
    """A string of at most `limit` characters.

    Raises:
        ValueError: it is no string, or longer.
    """
    value = values[name]
    if not isinstance(value, str):
        raise ValueError(f"{name!r} is no text")
    if len(value) > limit:
        raise ValueError(f"{name!r} has {len(value):,} characters; {limit} is the limit")
    return value


def integer(values: Mapping[str, Any], name: str, low: int, high: int) -> int:
    """A whole number within `low` to `high`.

    Raises:
        ValueError: it is something else.
    """
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name!r} is no whole number from {low} to {high}")
    return value


def number(values: Mapping[str, Any], name: str, low: float, high: float) -> float:
    """A finite number within `low` to `high`.

    Raises:
        ValueError: it is something else.
    """
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name!r} is no number")
    if not low <= value <= high:  # so is NaN, and an integer beyond all floats is compared, not converted
        raise ValueError(f"{name!r} is not within {low:g} to {high:g}")
    return float(value)


def flag(values: Mapping[str, Any], name: str) -> bool:
    """True or false.

    Raises:
        ValueError: it is neither.
    """
    value = values[name]
    if not isinstance(value, bool):
        raise ValueError(f"{name!r} is neither true nor false")
    return value


def optional(read: Callable[..., Value], values: Mapping[str, Any], name: str, *bounds: Any) -> Value | None:
    """None where the field is null, else what `read` makes of it."""
    return None if values[name] is None else read(values, name, *bounds)


def items(values: Mapping[str, Any], name: str, limit: int = MAX_ITEMS) -> list[Any]:
    """A list of at most `limit` items.

    Raises:
        ValueError: it is no list, or longer.
    """
    value = values[name]
    if not isinstance(value, list):
        raise ValueError(f"{name!r} is no list")
    if len(value) > limit:
        raise ValueError(f"{name!r} has {len(value):,} items; {limit} is the limit")
    return value
