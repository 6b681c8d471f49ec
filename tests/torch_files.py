"""A writer of torch's files in plain Python: for the benchmark, and with every field open to be lied about.

It follows torch/serialization.py and caffe2/serialize/inline_container.cc and is proved by the fixtures: what it
writes for the same tensors describes the same arrays as what torch wrote.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CLASSES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "bfloat16": "BFloat16Storage",
}
"""torch's storage class of an element type."""

SAFE = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16", "int64": "I64"}
"""safetensors' name of one."""


# --- pickles --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Raw:
    """Opcodes as they are."""

    code: bytes


@dataclass(frozen=True)
class Name:
    """A global."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """A call of a global, and what BUILD sets on the result."""

    callee: Any
    arguments: tuple[Any, ...] = ()
    state: Any = None
    new: bool = False  # NEWOBJ in place of REDUCE


@dataclass(frozen=True)
class Persistent:
    """A persistent id: how storages are referred to."""

    value: Any


def opcodes(value: Any, protocol: int = 2) -> bytes:
    """The opcodes that put `value` on the stack."""
    match value:
        case Raw():
            return value.code
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"J" + struct.pack("<i", value) if -(2**31) <= value < 2**31 else _long(value)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            data = value.encode("utf-8", "surrogatepass")
            if protocol >= 4 and len(data) < 256:
                return b"\x8c" + bytes([len(data)]) + data
            return b"X" + struct.pack("<I", len(data)) + data
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
        case tuple():
            inner = b"".join(opcodes(item, protocol) for item in value)
            return {0: b")", 1: inner + b"\x85"}.get(len(value), b"(" + inner + b"t")
        case list():
            return b"](" + b"".join(opcodes(item, protocol) for item in value) + b"e"
        case dict():
            inner = b"".join(opcodes(k, protocol) + opcodes(v, protocol) for k, v in value.items())
            return b"}(" + inner + b"u"
        case Name():
            if protocol >= 4:
                return opcodes(value.module, 4) + opcodes(value.name, 4) + b"\x93"
            return f"c{value.module}\n{value.name}\n".encode()
        case Persistent():
            return opcodes(value.value, protocol) + b"Q"
        case Call():
            made = opcodes(value.callee, protocol) + opcodes(value.arguments, protocol)
            made += b"\x81" if value.new else b"R"
            return made if value.state is None else made + opcodes(value.state, protocol) + b"b"
    raise TypeError(type(value))


def _long(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def dump(value: Any, protocol: int = 2) -> bytes:
    """A whole pickle."""
    return b"\x80" + bytes([protocol]) + opcodes(value, protocol) + b"."


# --- tensors --------------------------------------------------------------------------------------------


def tensor(
    key: str,
    shape: Sequence[Any],
    *,
    count: Any = None,
    kind: str = "FloatStorage",
    offset: Any = 0,
    strides: Sequence[Any] | None = None,
    legacy: bool = False,
    view: Any = None,
) -> Call:
    """A tensor of a pickle, contiguous unless told."""
    if strides is None:
        strides = [int(np.prod(shape[i + 1 :], dtype=object)) for i in range(len(shape))]
    if count is None:
        count = int(np.prod(shape, dtype=object))
    pid: tuple[Any, ...] = ("storage", Name("torch", kind), key, "cpu", count)
    if legacy:
        pid = (*pid, view)
    hooks = Call(Name("collections", "OrderedDict"))
    arguments = (Persistent(pid), offset, tuple(shape), tuple(strides), False, hooks)
    return Call(Name("torch._utils", "_rebuild_tensor_v2"), arguments)


def ordered(items: Mapping[str, Any]) -> Raw:
    """An OrderedDict as torch writes a state_dict."""
    code = opcodes(Call(Name("collections", "OrderedDict"))) + b"("
    code += b"".join(opcodes(k) + opcodes(v) for k, v in items.items()) + b"u"
    return Raw(code)


def state_dict(arrays: Mapping[str, np.ndarray], *, legacy: bool = False) -> Raw:
    """The pickle's side of a state_dict whose storages are numbered in order."""
    return ordered(
        {
            name: tensor(str(i), array.shape, kind=CLASSES[array.dtype.name], legacy=legacy)
            for i, (name, array) in enumerate(arrays.items())
        }
    )


# --- zip files ------------------------------------------------------------------------------------------


@dataclass
class Entry:
    """A zip entry; whatever is not None is written in place of the truth."""

    name: str | bytes
    data: bytes
    crc32: int | None = None
    flags: int = 0x808
    local_flags: int | None = None
    method: int = 0
    local_method: int | None = None
    size: int | None = None
    packed: int | None = None
    local_sizes: tuple[int, int] = (0, 0)
    header: int | None = None
    local_name: bytes | None = None
    local_signature: bytes = b"PK\x03\x04"
    central_signature: bytes = b"PK\x01\x02"
    extra: bytes = b""
    disk: int = 0


@dataclass
class Archive:
    """A zip file; whatever is not None is written in place of the truth."""

    entries: list[Entry] = field(default_factory=list)
    zip64: bool = True
    count: int | None = None
    directory_size: int | None = None
    directory_offset: int | None = None
    comment: bytes = b""
    before_end: bytes = b""
    directory_tail: bytes = b""
    end64: dict[str, int] = field(default_factory=dict)
    disks: tuple[int, int] = (0, 0)
    alignment: int = 64

    def to_bytes(self) -> bytes:
        out, central = bytearray(), bytearray()
        for entry in self.entries:
            central += self._write(out, entry)
        central += self.directory_tail
        offset = len(out) if self.directory_offset is None else self.directory_offset
        size = len(central) if self.directory_size is None else self.directory_size
        count = len(self.entries) if self.count is None else self.count
        end64_offset = len(out) + len(central)
        out += central
        if self.zip64:
            facts = {
                "here": count,
                "count": count,
                "size": size,
                "offset": offset,
                "at": end64_offset,
                **self.end64,
            }
            out += b"PK\x06\x06" + struct.pack(
                "<QHHIIQQQQ", 44, 30, 45, 0, 0, facts["here"], facts["count"], facts["size"], facts["offset"]
            )
            out += b"PK\x06\x07" + struct.pack("<IQI", 0, facts["at"], 1)
        out += self.before_end
        out += b"PK\x05\x06" + struct.pack(
            "<HHHHIIH",
            *self.disks,
            min(count, 0xFFFF),
            min(count, 0xFFFF),
            min(size, 0xFFFFFFFF),
            min(offset, 0xFFFFFFFF),
            len(self.comment),
        )
        return bytes(out + self.comment)

    def _write(self, out: bytearray, entry: Entry) -> bytes:
        name = entry.name.encode() if isinstance(entry.name, str) else entry.name
        local_name = name if entry.local_name is None else entry.local_name
        crc = zlib.crc32(entry.data) if entry.crc32 is None else entry.crc32
        size = len(entry.data) if entry.size is None else entry.size
        packed = size if entry.packed is None else entry.packed
        at = len(out)
        padding = -(at + 30 + len(local_name) + 4) % self.alignment
        flags = entry.flags if entry.local_flags is None else entry.local_flags
        method = entry.method if entry.local_method is None else entry.local_method
        out += entry.local_signature + struct.pack("<HHHHHI", 0, flags, method, 0, 0, 0)
        out += struct.pack("<IIHH", *entry.local_sizes, len(local_name), padding + 4)
        out += local_name + b"FB" + struct.pack("<H", padding) + b"Z" * padding
        out += entry.data
        out += b"PK\x07\x08" + struct.pack("<III", crc, len(entry.data), len(entry.data))
        header = at if entry.header is None else entry.header
        return (
            entry.central_signature
            + struct.pack("<HHHHHH", 0, 0, entry.flags, entry.method, 0, 0)
            + struct.pack("<IIIHHH", crc, packed, size, len(name), len(entry.extra), 0)
            + struct.pack("<HHII", entry.disk, 0, 0, header)
            + name
            + entry.extra
        )


def archive(
    pickle: bytes, storages: Mapping[str, bytes] | Iterable[bytes] = (), root: str = "archive"
) -> Archive:
    """The zip file that torch.save makes of a pickle and its storages."""
    named = storages if isinstance(storages, Mapping) else {str(i): data for i, data in enumerate(storages)}
    entries = [Entry(f"{root}/data.pkl", pickle), Entry(f"{root}/byteorder", b"little")]
    entries += [Entry(f"{root}/data/{key}", data) for key, data in named.items()]
    return Archive([*entries, Entry(f"{root}/version", b"3\n")])


def torch_zip(arrays: Mapping[str, np.ndarray], wrap: Any = None, root: str = "archive") -> bytes:
    """A whole file; `wrap` puts the state_dict where it belongs: `lambda state: {"model": state}`."""
    state: Any = state_dict(arrays)
    found = wrap(state) if wrap else state
    return archive(dump(found), [array.tobytes() for array in arrays.values()], root).to_bytes()


# --- the legacy container -------------------------------------------------------------------------------

MAGIC = 0x1950A86A20F9469CFC6C


def legacy(
    pickle: bytes,
    storages: Mapping[str, tuple[int, bytes]],
    *,
    magic: Any = MAGIC,
    version: Any = 1001,
    machine: Any = None,
    keys: Any = None,
) -> bytes:
    """A file as torch wrote before 1.6; `storages` are key -> (element count, bytes)."""
    facts = {"protocol_version": 1001, "little_endian": True} if machine is None else machine
    listed = list(storages) if keys is None else keys
    parts = [dump(magic), dump(version), dump(facts), pickle, dump(listed)]
    parts += [struct.pack("<Q", count) + data for count, data in storages.values()]
    return b"".join(parts)


def torch_legacy(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A whole legacy file."""
    storages = {str(i): (array.size, array.tobytes()) for i, array in enumerate(arrays.values())}
    return legacy(dump(state_dict(arrays, legacy=True)), storages)


# --- safetensors ----------------------------------------------------------------------------------------


def safetensors(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file of a header as it is."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def of_safetensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A whole safetensors file."""
    header, begin = {}, 0
    for name, array in arrays.items():
        span = [begin, begin := begin + array.nbytes]
        header[name] = {"dtype": SAFE[array.dtype.name], "shape": list(array.shape), "data_offsets": span}
    return safetensors(json.dumps(header).encode(), b"".join(array.tobytes() for array in arrays.values()))
