"""Frozen dataclasses to JSON and back, by their annotations alone: what is not stated there is refused.

Every field must be there and no other, of exactly the annotated type, and within bounds: texts and lists are short
unless a `Limit` says otherwise, numbers are finite and not negative. A class with a `from_json` of its own is read
by it. Writing cuts texts and lists to the bounds that reading has, so that what was written can be read.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from swiftformer_keras.benchmark import fields

MAX_NUMBER = 1e15  # milliseconds of thirty thousand years, bytes of a petabyte

Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True)
class Limit:
    """At most so many characters of a text, or items of a list."""

    size: int


def read_record(kind: type[Record], values: object, where: str) -> Record:
    """`values` (what a JSON parser gave) as a `kind`.

    Raises:
        ValueError: something is missing, unknown, of another type or out of its bounds; one line that says where.
    """
    if callable(read := getattr(kind, "from_json", None)):
        try:
            return read(values)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    hints = _hints(kind)
    found = fields.known_only(values, frozenset(hints), where)
    return kind(**{name: _read(hint, found[name], f"{where}.{name}") for name, hint in hints.items()})


def write_record(record: Any) -> dict[str, Any]:
    """The JSON object of a record; `read_record` reads it back."""
    if callable(write := getattr(record, "to_json", None)):
        return write()
    return {name: _write(hint, getattr(record, name)) for name, hint in _hints(type(record)).items()}


def _hints(kind: Any) -> Mapping[str, Any]:
    """The annotations of the fields, in their order."""
    return _hints_once(kind)


@functools.cache
def _hints_once(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _read(hint: Any, value: object, where: str, limit: int | None = None) -> Any:
    hint, limit = _unwrapped(hint, limit)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        [inner] = [each for each in get_args(hint) if each is not type(None)]
        return None if value is None else _read(inner, value, where, limit)
    if origin is Literal:
        if not any(type(value) is type(choice) and value == choice for choice in get_args(hint)):
            choices = ", ".join(repr(choice) for choice in get_args(hint))
            raise ValueError(f"{where} is not {'one of ' * (len(get_args(hint)) > 1)}{choices}")
        return value
    if origin is tuple:
        return _read_items(get_args(hint)[0], value, where, limit or fields.MAX_ITEMS)
    if dataclasses.is_dataclass(hint):
        return read_record(hint, value, where)  # type: ignore[arg-type]
    named = {where: value}
    if hint is str:
        return fields.text(named, where, limit or fields.MAX_TEXT)
    if hint is bool:
        return fields.flag(named, where)
    if hint is int:
        return fields.integer(named, where, 0, int(MAX_NUMBER))
    if hint is float:
        return fields.number(named, where, 0.0, MAX_NUMBER)
    raise TypeError(f"{where}: no way to read {hint}")


def _read_items(inner: Any, value: object, where: str, limit: int) -> tuple[Any, ...]:
    found = fields.items({where: value}, where, limit)
    if inner is float:  # most of a file is these: one pass, and the slow reader only to say what is wrong
        kinds = set(map(type, found))
        if kinds <= {float, int} and all(0.0 <= number <= MAX_NUMBER for number in found):
            return tuple(map(float, found))
    return tuple(_read(inner, item, f"{where}[{index}]") for index, item in enumerate(found))


def _write(hint: Any, value: Any, limit: int | None = None) -> Any:
    hint, limit = _unwrapped(hint, limit)
    if get_origin(hint) in (Union, types.UnionType):
        [hint] = [each for each in get_args(hint) if each is not type(None)]
        return _write(hint, value, limit) if value is not None else None
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        kept = value[: limit or fields.MAX_ITEMS]
        return list(kept) if inner in (float, int) else [_write(inner, item) for item in kept]
    if dataclasses.is_dataclass(value):
        return write_record(value)
    limit = limit or fields.MAX_TEXT
    if isinstance(value, str) and len(value) > limit:
        return f"{value[: limit // 2]}…{value[len(value) - (limit - limit // 2 - 1) :]}"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    return value


def _unwrapped(hint: Any, limit: int | None) -> tuple[Any, int | None]:
    if get_origin(hint) is not Annotated:
        return hint, limit
    inner, *extras = get_args(hint)
    return inner, next((each.size for each in extras if isinstance(each, Limit)), limit)
