"""JSON as these files have it: one object of bounded size and depth, every key once, only finite numbers.

Used for the header of a safetensors file and for config.json, preprocessor_config.json and shard indexes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from converters.checkpoints.source import ByteSource, quoted
from swiftformer_keras.errors import JsonFileError

MAX_BYTES = 4 << 20
MAX_DEPTH = 32
MAX_TOKENS = 200_000  # brackets, commas and colons: what the parsed object's memory grows with

# Possessive repeats (Python 3.11): a long string takes no stack.
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|([\[{])|([\]}])|[,:]', re.DOTALL)


class _RefusedError(Exception):
    """Why the text is refused; becomes the caller's error, with the file's name before it."""


def parse_object(text: bytes | bytearray, refuse: Callable[[str], NoReturn]) -> dict[str, Any]:
    """The object that `text` (UTF-8) is; whatever is wrong goes to `refuse`, which raises.

    Depth and number of elements are bounded before anything is built from them; the caller bounds the size.
    """
    try:
        return _parse(text)
    except _RefusedError as error:
        why = str(error)
    except UnicodeError:
        why = "is not UTF-8"
    except ValueError as error:  # json's own, and an integer of thousands of digits
        why = f"is not JSON ({str(error).splitlines()[0]})"
    return refuse(why)


def read_json_file(path: Path) -> dict[str, Any]:
    """The object a JSON file beside the weights holds.

    Raises:
        JsonFileError: too large, too deep, not UTF-8, not JSON, a key twice, NaN or infinity, no object.
        UnreadableFileError: it cannot be opened.
        EmptyFileError: it has no bytes.
    """
    with ByteSource(path) as source:

        def refuse(why: str) -> NoReturn:
            raise JsonFileError(f"{source.place}: {why}. Fetch the file again, or remove it")

        if source.size > MAX_BYTES:
            refuse(f"has {source.size:,} bytes, more than the {MAX_BYTES:,} such a file may have")
        return parse_object(source.read(0, source.size), refuse)


def _parse(text: bytes | bytearray) -> dict[str, Any]:
    _check_shape(text)
    value = json.loads(
        text.decode("utf-8"),
        object_pairs_hook=_object,
        parse_constant=_no_constant,
        parse_float=_finite,
    )
    if not isinstance(value, dict):
        raise _RefusedError("is not a JSON object")
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise _RefusedError("holds half of a surrogate pair, which is no character") from error
    return value


def _check_shape(text: bytes | bytearray) -> None:
    """Bound depth and element count from the brackets outside of strings."""
    depth = 0
    for tokens, match in enumerate(_TOKENS.finditer(text)):
        if match[1]:
            depth += 1
            if depth > MAX_DEPTH:
                raise _RefusedError(f"is nested deeper than {MAX_DEPTH} levels")
        elif match[2]:
            depth -= 1
        if tokens >= MAX_TOKENS:
            raise _RefusedError(f"has more than {MAX_TOKENS:,} elements")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _RefusedError(f"has the key {quoted(twice)} twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _RefusedError(f"holds {name}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedError("holds a number too large for a float")
    return value
