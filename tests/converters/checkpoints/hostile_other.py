"""Legacy files, safetensors files, JSON and other files, each with the error that it must give."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from swiftformer_keras.errors import (
    EmptyFileError,
    JsonFileError,
    MalformedPickleError,
    NotACheckpointError,
    NoWeightsError,
    SafetensorsHeaderError,
    StorageSizeError,
    SwiftFormerError,
    TruncatedError,
    UnsafePickleError,
    UnsupportedDtypeError,
)
from tests.torch_files import Call, Name, dump, legacy, ordered, safetensors, tensor

Case = tuple[Callable[[], bytes], type[SwiftFormerError], str]

_ONES = np.ones(4, np.float32).tobytes()


def _legacy(
    pickle: Any = None, storages: Any = None, tail: bytes = b"", **changes: Any
) -> Callable[[], bytes]:
    if pickle is None:
        pickle = ordered({"w": tensor("0", (4,), legacy=True)})
    held = {"0": (4, _ONES)} if storages is None else storages
    return lambda: legacy(dump(pickle), held, **changes) + tail


LEGACY: dict[str, Case] = {
    "a plain pickle": (lambda: dump({"a": 1}), NotACheckpointError, "not one that torch.save wrote"),
    "a pickle of a list": (lambda: dump([1, 2]), NotACheckpointError, "not one that torch.save wrote"),
    "another magic number": (_legacy(magic=12345), NotACheckpointError, "not one that torch.save wrote"),
    "a command before the magic number": (
        lambda: dump(Call(Name("os", "system"), ("x",))),
        UnsafePickleError,
        "'os.system'",
    ),
    "another version": (_legacy(version=1002), MalformedPickleError, "version 1002"),
    "a version that is a text": (_legacy(version="x"), MalformedPickleError, "version unknown"),
    "facts that are a list": (_legacy(machine=[]), MalformedPickleError, "1001"),
    "keys that are a number": (_legacy(keys=7), MalformedPickleError, "no list of storage keys"),
    "keys that are numbers": (_legacy(keys=[0]), MalformedPickleError, "no list of storage keys"),
    "a key twice": (_legacy(keys=["0", "0"]), MalformedPickleError, "twice"),
    "a key of no tensor": (_legacy(keys=["0", "5"]), MalformedPickleError, "no tensor uses"),
    "a key too few": (
        _legacy(ordered({"w": tensor("0", (4,), legacy=True), "v": tensor("1", (4,), legacy=True)})),
        StorageSizeError,
        "'v'",
    ),
    "a count that differs": (_legacy(storages={"0": (5, _ONES)}), StorageSizeError, "5 elements"),
    "a count that overflows": (_legacy(storages={"0": (2**64 - 4, _ONES)}), StorageSizeError, "elements"),
    "a storage cut short": (_legacy(storages={"0": (4, _ONES[:9])}), TruncatedError, "'0'"),
    "no storage at all": (
        lambda: legacy(dump(ordered({"w": tensor("0", (4,), legacy=True)})), {}, keys=["0"]),
        TruncatedError,
        "cut short",
    ),
    "bytes behind the last storage": (_legacy(tail=b"xyz"), MalformedPickleError, "3 bytes behind"),
    "a part outside of its storage": (
        _legacy(ordered({"w": tensor("0", (2,), count=4, legacy=True, view=("1", 3, 2))})),
        StorageSizeError,
        "outside of it",
    ),
    "a part that is a text": (
        _legacy(ordered({"w": tensor("0", (2,), count=4, legacy=True, view="x")})),
        MalformedPickleError,
        "part of storage",
    ),
    "a part with a negative start": (
        _legacy(ordered({"w": tensor("0", (2,), count=4, legacy=True, view=("1", -1, 2))})),
        MalformedPickleError,
        "part of storage",
    ),
    "a zip's persistent id": (_legacy(ordered({"w": tensor("0", (4,))})), MalformedPickleError, "no storage"),
}


def _header(header: Any, data: bytes = _ONES) -> Callable[[], bytes]:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return lambda: safetensors(text, data)


def _entry(data: bytes = _ONES, **changes: Any) -> Callable[[], bytes]:
    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **changes}
    return _header({"w": {k: v for k, v in entry.items() if v is not None}}, data)


def _pair(first: list[int], second: list[int], data: bytes = _ONES * 2) -> Callable[[], bytes]:
    def entry(span: list[int]) -> dict[str, Any]:
        return {"dtype": "F32", "shape": [(span[1] - span[0]) // 4], "data_offsets": span}

    return _header({"a": entry(first), "b": entry(second)}, data)


_ENTRY = b'"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}'
_DUPLICATE = b"{" + _ENTRY + b"," + _ENTRY + b"}"

SAFETENSORS: dict[str, Case] = {
    "seven bytes": (lambda: b"\x01\0\0\0\0\0\0", TruncatedError, "ends after 7 bytes"),
    "header past the file": (lambda: safetensors(b"{}", length=1000), TruncatedError, "cut short"),
    "header of 2**63 bytes": (lambda: safetensors(b"{}", length=2**63), SafetensorsHeaderError, "9,223,372"),
    "header of five megabytes": (
        lambda: safetensors(b"{}" + b" " * (5 << 20)),
        SafetensorsHeaderError,
        "more than",
    ),
    "an empty header": (lambda: safetensors(b"", b"{"), SafetensorsHeaderError, "does not begin with"),
    "a header that begins with a space": (
        lambda: safetensors(b" {}"),
        SafetensorsHeaderError,
        "does not begin",
    ),
    "a header that is a list": (lambda: safetensors(b"[]"), SafetensorsHeaderError, "does not begin"),
    "a header cut inside": (_header(b'{"w":'), SafetensorsHeaderError, "is not JSON"),
    "two objects": (_header(b"{}{}"), SafetensorsHeaderError, "is not JSON"),
    "a header that is not UTF-8": (_header(b'{"\xff":1}'), SafetensorsHeaderError, "not UTF-8"),
    "a name twice": (_header(_DUPLICATE), SafetensorsHeaderError, "'w' twice"),
    "a key twice in a tensor": (
        _header(b'{"w":{"dtype":"F32","dtype":"F16","shape":[4],"data_offsets":[0,16]}}'),
        SafetensorsHeaderError,
        "'dtype' twice",
    ),
    "NaN": (_header(b'{"w":NaN}'), SafetensorsHeaderError, "NaN"),
    "deep nesting": (
        _header(b'{"w":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        SafetensorsHeaderError,
        "nested deeper",
    ),
    "half a surrogate pair": (_header(b'{"\\ud800":1}'), SafetensorsHeaderError, "surrogate"),
    "a million elements": (_header(b'{"w":[' + b"[]," * 400_000 + b"0]}"), SafetensorsHeaderError, "200,000"),
    "no shape": (_entry(shape=None), SafetensorsHeaderError, "'w' is not described"),
    "one key too many": (_entry(extra=1), SafetensorsHeaderError, "'w' is not described"),
    "a tensor that is a list": (_header({"w": []}), SafetensorsHeaderError, "'w' is not described"),
    "a shape that is a number": (_entry(shape=4), SafetensorsHeaderError, "list of sizes"),
    "a negative size": (_entry(shape=[-4]), SafetensorsHeaderError, "list of sizes"),
    "a size of 4.0": (_entry(shape=[4.0]), SafetensorsHeaderError, "list of sizes"),
    "a size of true": (_entry(shape=[True]), SafetensorsHeaderError, "list of sizes"),
    "a size as a text": (_entry(shape=["4"]), SafetensorsHeaderError, "list of sizes"),
    "sixty dimensions": (_entry(shape=[1] * 60), SafetensorsHeaderError, "list of sizes"),
    "sizes whose product overflows": (_entry(shape=[2**32, 2**32]), SafetensorsHeaderError, "more elements"),
    "a huge size beside a zero": (
        _entry(shape=[0, 2**60], data_offsets=[0, 0], data=b""),
        SafetensorsHeaderError,
        "more elements",
    ),
    "a size of a thousand digits": (
        _header(b'{"w":{"dtype":"F32","shape":[' + b"9" * 1000 + b'],"data_offsets":[0,16]}}'),
        SafetensorsHeaderError,
        "list of sizes",
    ),
    "a size of five thousand digits": (
        _header(b'{"w":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,16]}}'),
        SafetensorsHeaderError,
        "is not JSON",
    ),
    "one offset": (_entry(data_offsets=[0]), SafetensorsHeaderError, "two positions"),
    "a negative offset": (_entry(data_offsets=[-16, 0]), SafetensorsHeaderError, "two positions"),
    "offsets in reverse": (_entry(data_offsets=[16, 0]), SafetensorsHeaderError, "needs 16 bytes"),
    "offsets that do not fit the shape": (
        _entry(data_offsets=[0, 12]),
        SafetensorsHeaderError,
        "needs 16 bytes",
    ),
    "an unknown element type": (_entry(dtype="F8_E4M3"), UnsupportedDtypeError, "'F8_E4M3'"),
    "an element type that is a number": (_entry(dtype=4), UnsupportedDtypeError, "'int'"),
    "a hole before the first tensor": (
        _entry(data_offsets=[16, 32]),
        SafetensorsHeaderError,
        "leaves a hole",
    ),
    "a hole between tensors": (_pair([0, 16], [20, 32]), SafetensorsHeaderError, "'b' leaves a hole"),
    "overlapping tensors": (_pair([0, 20], [16, 32]), SafetensorsHeaderError, "'b' overlaps"),
    "two tensors over the same bytes": (_pair([0, 32], [0, 32]), SafetensorsHeaderError, "overlaps"),
    "data cut short": (_entry(data=_ONES[:-1]), TruncatedError, "15 of 16 bytes"),
    "offsets past the file": (_entry(shape=[2**30], data_offsets=[0, 2**32]), TruncatedError, "cut short"),
    "bytes behind the data": (_entry(data=_ONES + b"x"), SafetensorsHeaderError, "1 bytes at the end"),
    "metadata that is a list": (_header({"__metadata__": []}, b""), SafetensorsHeaderError, "__metadata__"),
    "metadata of numbers": (_header({"__metadata__": {"a": 1}}, b""), SafetensorsHeaderError, "__metadata__"),
    "no tensors": (_header({"__metadata__": {"a": "b"}}, b""), NoWeightsError, "no tensors"),
}

JSON: dict[str, Case] = {
    "empty": (lambda: b"", EmptyFileError, "is empty"),
    "a list": (lambda: b"[]", JsonFileError, "not a JSON object"),
    "a number": (lambda: b"1", JsonFileError, "not a JSON object"),
    "a text": (lambda: b'"x"', JsonFileError, "not a JSON object"),
    "null": (lambda: b"null", JsonFileError, "not a JSON object"),
    "cut short": (lambda: b'{"a": [1, 2', JsonFileError, "not JSON"),
    "a comma too many": (lambda: b'{"a": 1,}', JsonFileError, "not JSON"),
    "single quotes": (lambda: b"{'a': 1}", JsonFileError, "not JSON"),
    "a comment": (lambda: b'{"a": 1} // hello', JsonFileError, "not JSON"),
    "a line break in a text": (lambda: b'{"a": "x\ny"}', JsonFileError, "not JSON"),
    "a byte order mark": (lambda: b'\xef\xbb\xbf{"a": 1}', JsonFileError, "not JSON"),
    "UTF-16": (lambda: '{"a": 1}'.encode("utf-16"), JsonFileError, "not UTF-8"),
    "not UTF-8": (lambda: b'{"a": "\xff"}', JsonFileError, "not UTF-8"),
    "half a surrogate pair": (lambda: b'{"a": "\\ud83d"}', JsonFileError, "surrogate"),
    "NaN": (lambda: b'{"a": NaN}', JsonFileError, "NaN"),
    "Infinity": (lambda: b'{"a": Infinity}', JsonFileError, "Infinity"),
    "-Infinity": (lambda: b'{"a": -Infinity}', JsonFileError, "-Infinity"),
    "1e999": (lambda: b'{"a": 1e999}', JsonFileError, "too large"),
    "an integer of ten thousand digits": (
        lambda: b'{"a": ' + b"9" * 10_000 + b"}",
        JsonFileError,
        "not JSON",
    ),
    "a key twice": (lambda: b'{"a": 1, "b": 2, "a": 3}', JsonFileError, "'a' twice"),
    "a key twice inside": (lambda: b'{"a": {"x": 1, "x": 1}}', JsonFileError, "'x' twice"),
    "deep lists": (
        lambda: b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        JsonFileError,
        "nested deeper",
    ),
    "deep objects": (lambda: b'{"a":' * 50 + b"1" + b"}" * 50, JsonFileError, "nested deeper"),
    "a hundred thousand lists": (lambda: b'{"a": [' + b"[]," * 200_000 + b"1]}", JsonFileError, "200,000"),
    "five megabytes": (lambda: b'{"a": "' + b"x" * (5 << 20) + b'"}', JsonFileError, "5,242,8"),
}

OTHER: dict[str, Case] = {
    "nothing": (lambda: b"", EmptyFileError, "is empty"),
    "one byte": (lambda: b"x", NotACheckpointError, "no checkpoint"),
    "zeros": (lambda: b"\0" * 1000, TruncatedError, "zeros"),
    "text": (lambda: b"hello " * 100, NotACheckpointError, "no checkpoint"),
    "a web page": (lambda: b"<!DOCTYPE html><html>" + b"x" * 600, NotACheckpointError, "web page"),
    "a git-lfs pointer": (
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
        NotACheckpointError,
        "git lfs pull",
    ),
    "HDF5": (lambda: b"\x89HDF\r\n\x1a\n" + b"x" * 100, NotACheckpointError, "HDF5"),
    "TFLite": (lambda: b"\x1c\0\0\0TFL3" + b"x" * 100, NotACheckpointError, ".tflite"),
    "gzip": (lambda: b"\x1f\x8b\x08" + b"x" * 100, NotACheckpointError, "gzip"),
    "tar": (lambda: b"x" * 257 + b"ustar" + b"\0" * 300, NotACheckpointError, "tar"),
}
