"""Frozen dataclasses to JSON and back, by their annotations alone: what is not stated there is refused.

Every field must be there and no other, of exactly the annotated type, and within bounds: texts and lists are short
unless a `Limit` says otherwise, numbers are finite and not negative unless a `Range` does. Writing cuts texts and lists
to the bounds that reading has, so that what was written can be read.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from swiftformer_keras.benchmark import fields

MAX_NUMBER = 1e15  # milliseconds of thirty thousand years, bytes of a petabyte

Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True)
class Limit:
    """At most so many characters of a text, or items of a list or an object."""

    size: int


@dataclasses.dataclass(frozen=True)
class Range:
    """A number from `low` to `high`."""

    low: float
    high: float


ANY_NUMBER = Range(0, MAX_NUMBER)
_TEXT, _ITEMS = Limit(fields.MAX_TEXT), Limit(fields.MAX_ITEMS)
_Extra = TypeVar("_Extra", Limit, Range)


def read_record(kind: type[Record], values: object, where: str) -> Record:
    """`values` (what a JSON parser gave) as a `kind`.

    Raises:
        ValueError: something is missing, unknown, of another type or out of its bounds; one line that says where.
    """
    hints = _hints(kind)
    found = fields.known_only(values, frozenset(hints), where)
    return kind(**{name: _read(hint, found[name], f"{where}.{name}") for name, hint in hints.items()})


def write_record(record: Any) -> dict[str, Any]:
    """The JSON object of a record; `read_record` reads it back."""
    return {name: _write(hint, getattr(record, name)) for name, hint in _hints(type(record)).items()}


def _hints(kind: Any) -> Mapping[str, Any]:
    """The annotations of the fields, in their order."""
    return _hints_once(kind)


@functools.cache
def _hints_once(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _read(hint: Any, value: object, where: str) -> Any:
    hint, extras = _unwrapped(hint)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _read(_present(hint, extras), value, where)
    if origin is Literal:
        if not any(type(value) is type(choice) and value == choice for choice in get_args(hint)):
            choices = ", ".join(repr(choice) for choice in get_args(hint))
            raise ValueError(f"{where} is not {'one of ' * (len(get_args(hint)) > 1)}{choices}")
        return value
    if origin is tuple:
        return _read_items(get_args(hint)[0], value, where, _of(Limit, extras, _ITEMS).size)
    if origin is Mapping:
        return _read_object(get_args(hint)[1], value, where, _of(Limit, extras, _ITEMS).size)
    if dataclasses.is_dataclass(hint):
        return read_record(hint, value, where)  # type: ignore[arg-type]
    named, bounds = {where: value}, _of(Range, extras, ANY_NUMBER)
    if hint is str:
        return fields.text(named, where, _of(Limit, extras, _TEXT).size)
    if hint is bool:
        return fields.flag(named, where)
    if hint is int:
        return fields.integer(named, where, int(bounds.low), int(bounds.high))
    if hint is float:
        return fields.number(named, where, bounds.low, bounds.high)
    raise TypeError(f"{where}: no way to read {hint}")


def _read_items(inner: Any, value: object, where: str, limit: int) -> tuple[Any, ...]:
    found = fields.items({where: value}, where, limit)
    if inner is float:  # most of a file is these: one pass, and the slow reader only to say what is wrong
        kinds = set(map(type, found))
        if kinds <= {float, int} and all(0.0 <= number <= MAX_NUMBER for number in found):
            return tuple(map(float, found))
    return tuple(_read(inner, item, f"{where}[{index}]") for index, item in enumerate(found))


def _read_object(inner: Any, value: object, where: str, limit: int) -> dict[str, Any]:
    """Names that are no fields, with values of one kind."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} is no JSON object")
    if len(value) > limit:
        raise ValueError(f"{where} has {len(value):,} entries; {limit} is the limit")
    return {
        fields.text({where: name}, where): _read(inner, item, f"{where}[{index}]")
        for index, (name, item) in enumerate(value.items())
    }


def _write(hint: Any, value: Any) -> Any:
    hint, extras = _unwrapped(hint)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _write(_present(hint, extras), value)
    if origin is tuple:
        inner = get_args(hint)[0]
        kept = value[: _of(Limit, extras, _ITEMS).size]
        return list(kept) if inner in (float, int) else [_write(inner, item) for item in kept]
    if origin is Mapping:
        some = itertools.islice(value.items(), _of(Limit, extras, _ITEMS).size)
        return {_write(str, name): _write(get_args(hint)[1], item) for name, item in some}
    if dataclasses.is_dataclass(value):
        return write_record(value)
    limit = _of(Limit, extras, _TEXT).size
    if isinstance(value, str) and len(value) > limit:
        return f"{value[: limit // 2]}…{value[len(value) - (limit - limit // 2 - 1) :]}"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    return value


def _unwrapped(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type itself, and what is annotated to it."""
    if get_origin(hint) is not Annotated:
        return hint, ()
    inner, *extras = get_args(hint)
    return inner, tuple(extras)


def _present(union: Any, extras: tuple[Any, ...]) -> Any:
    """What `X | None` is where it is not None, with the annotations of both."""
    [inner] = [each for each in get_args(union) if each is not type(None)]
    return Annotated[inner, *extras] if extras else inner


def _of(kind: type[_Extra], extras: tuple[Any, ...], default: _Extra) -> _Extra:
    return next((each for each in extras if isinstance(each, kind)), default)
