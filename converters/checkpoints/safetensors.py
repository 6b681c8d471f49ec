"""The safetensors container, read as strictly as its specification allows.

Eight bytes of header length, a JSON header of `name -> {dtype, shape, data_offsets}`, then the data, which the
tensors must cover without holes or overlaps (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from converters.checkpoints.source import ByteSource, quoted
from converters.checkpoints.strict_json import MAX_BYTES, parse_object
from converters.checkpoints.tensors import BFLOAT16, MAX_DIMENSIONS, MAX_ELEMENTS, file_dtype, to_native
from swiftformer_keras.errors import SafetensorsHeaderError, TruncatedError, UnsupportedDtypeError

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": BFLOAT16,
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
_MAX_POSITION = 1 << 62


def read_safetensors(source: ByteSource) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The tensors by name, in the header's order, and the `__metadata__`.

    Raises:
        SafetensorsHeaderError: the header is not as the format demands.
        TruncatedError: the file ends before the header or the data does.
        UnsupportedDtypeError: an element type that weights do not have.
    """
    header, start = _header(source)

    def refuse(why: str) -> NoReturn:
        raise SafetensorsHeaderError(f"{source.place}: the header {why}. Download the file again")

    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        refuse("has a __metadata__ that is not a map of texts")
    spans = {name: _span(source, name, entry) for name, entry in header.items()}
    _check_cover(source, spans, start)
    arrays = {
        name: to_native(source.read_array(start + begin, count, file_dtype(dtype)), dtype).reshape(shape)
        for name, (dtype, shape, count, begin, _) in spans.items()
    }
    return arrays, metadata


_Span = tuple[str, tuple[int, ...], int, int, int]  # element type, shape, element count, begin, end


def _header(source: ByteSource) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(source.read(0, 8), "little")
    if length > MAX_BYTES:
        raise SafetensorsHeaderError(
            f"{source.place}: announces a header of {length:,} bytes, more than the {MAX_BYTES:,} that weights "
            "need. It is damaged or no safetensors file; download it again"
        )
    text = source.read(8, length)

    def refuse(why: str) -> NoReturn:
        raise SafetensorsHeaderError(f"{source.place}: the header {why}. Download the file again")

    if not text.startswith(b"{"):
        refuse("does not begin with '{'")
    return parse_object(text, refuse), 8 + length


def _span(source: ByteSource, name: str, entry: object) -> _Span:
    def refuse(why: str) -> NoReturn:
        raise SafetensorsHeaderError(f"{source.place}: tensor {quoted(name)} {why}. Download the file again")

    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        refuse("is not described by exactly dtype, shape and data_offsets")
    shape, offsets, dtype = entry["shape"], entry["data_offsets"], entry["dtype"]
    if not _is_sizes(shape) or len(shape) > MAX_DIMENSIONS:
        refuse("has a shape that is not a short list of sizes")
    if not _is_sizes(offsets) or len(offsets) != 2:
        refuse("has data_offsets that are not two positions")
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise UnsupportedDtypeError(
            f"{source.place}: tensor {quoted(name)} has the element type {quoted(dtype)}, which weights do not "
            f"have. Save it as one of {', '.join(_DTYPES)}"
        )
    count = bound = 1
    for size in shape:
        count *= size
        bound *= max(size, 1)
    if bound > MAX_ELEMENTS:
        refuse("claims more elements than any file holds")
    begin, end = offsets
    needed = count * file_dtype(_DTYPES[dtype]).itemsize
    if end - begin != needed:
        refuse(f"needs {needed:,} bytes but its data_offsets hold {end - begin:,}")
    return _DTYPES[dtype], tuple(shape), count, begin, end


def _is_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size <= _MAX_POSITION for size in value)


def _check_cover(source: ByteSource, spans: Mapping[str, _Span], start: int) -> None:
    """The tensors lie one after the other and end where the file ends."""
    expected = 0
    for name, (_, _, _, begin, end) in sorted(spans.items(), key=lambda item: item[1][3:]):
        if begin != expected:
            what = "overlaps the tensor before it" if begin < expected else "leaves a hole before it"
            raise SafetensorsHeaderError(
                f"{source.place}: tensor {quoted(name)} {what} (it begins at {begin:,}, not {expected:,}). "
                "Download the file again"
            )
        expected = end
    held = source.size - start
    if expected > held:
        raise TruncatedError(
            f"{source.place}: ends after {held:,} of {expected:,} bytes of data. It was cut short; download or "
            "copy it again"
        )
    if expected < held:
        raise SafetensorsHeaderError(
            f"{source.place}: {held - expected:,} bytes at the end belong to no tensor. Download the file again"
        )
