"""torch's zip container: `<root>/data.pkl` describes, `<root>/data/<key>` are the storages.

The archive is read through its central directory, which must be exactly what torch writes: entries stored and not
compressed, names under one root folder, no name twice, nothing overlapping, nothing outside of the file. (APPNOTE.TXT
4.3 to 4.5; torch's writer is caffe2/serialize/inline_container.cc, with miniz.)
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any, NoReturn

from converters.checkpoints.pickle_machine import MAX_PICKLE_BYTES, Machine, allowance_bytes
from converters.checkpoints.source import ByteSource, quoted
from converters.checkpoints.tensors import Span, Storage
from swiftformer_keras.errors import (
    ChecksumError,
    NotACheckpointError,
    StorageSizeError,
    TruncatedError,
    ZipStructureError,
)

MAX_ENTRIES = 32_768  # a full training file of the largest variant has 3,000
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_CENTRAL, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_TEXT = ("version", "byteorder")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive: where its header and its bytes are."""

    name: str
    header: int
    offset: int
    size_bytes: int
    crc32: int


class TorchZip:
    """An open torch zip file whose structure was checked.

    Raises:
        ZipStructureError: it is not laid out as torch writes it.
        TruncatedError: its end is missing.
        NotACheckpointError: it is some other zip file.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._entries = _entries(source)
        first = next(iter(self._entries))
        self._root = first[: first.find("/") + 1]
        if not self._root:
            _refuse(source, first, "is not in a folder")
        if self._root + "data.pkl" not in self._entries:
            _refuse(source, self._root + "data.pkl", "is missing or under another folder than the others")
        outside = next((name for name in self._entries if not name.startswith(self._root)), None)
        if outside is not None:
            _refuse(source, outside, f"is not under {quoted(self._root)}")
        self.big_endian = self._text("byteorder") == b"big"

    def describe(self) -> Any:
        """What data.pkl describes, with `Tensor`s where the tensors are.

        Raises:
            UnsafePickleError, MalformedPickleError: see `Machine.run`.
            ChecksumError: data.pkl was damaged.
        """
        entry = self._entries[self._root + "data.pkl"]
        if entry.size_bytes > MAX_PICKLE_BYTES:
            _refuse(
                self._source, entry.name, f"has {entry.size_bytes:,} bytes, more than {MAX_PICKLE_BYTES:,}"
            )
        data = self._source.read(entry.offset, entry.size_bytes)
        if entry.crc32 and zlib.crc32(data) != entry.crc32:
            raise ChecksumError(
                f"{self._source.place}: the bytes of entry {quoted(entry.name)} do not fit their checksum. The file "
                "was damaged; download it again"
            )
        machine = Machine(data, self._source.place, allowance=allowance_bytes(self._source.size))
        found = machine.run()
        if machine.position != len(data):
            machine.malformed("goes on behind its end")
        return found

    def locate(self, storage: Storage, tensor_name: str) -> Span:
        """Where the bytes of a storage are.

        Raises:
            StorageSizeError: the archive has no such storage.
        """
        entry = self._entries.get(f"{self._root}data/{storage.key}")
        if entry is None:
            raise StorageSizeError(
                f"{self._source.place}: tensor {quoted(tensor_name)} is in storage {quoted(storage.key)}, which the "
                "file does not hold. It is damaged; download it again"
            )
        return Span(entry.offset, entry.size_bytes, entry.name, entry.crc32)

    def _text(self, name: str) -> bytes:
        entry = self._entries.get(self._root + name)
        if entry is None:
            return b""
        return bytes(self._source.read(entry.offset, min(entry.size_bytes, 16)))


def _refuse(source: ByteSource, name: str, why: str) -> NoReturn:
    raise ZipStructureError(
        f"{source.place}: zip entry {quoted(name)} {why}, which torch does not write. Save the weights again with "
        "torch.save, or download the file again"
    )


def _entries(source: ByteSource) -> dict[str, Entry]:
    """The archive's entries by name, in the order of the central directory, none of which overlap."""
    count, offset, size, end = _directory(source)
    directory = source.read(offset, size)
    if count and b"/data.pkl" not in directory:  # before any entry is found at fault for not being torch's
        raise NotACheckpointError(
            f"{source.place}: is a zip file without data.pkl, so not one that torch.save wrote. Give a .pth, .pt, .bin "
            "or .safetensors file of weights"
        )
    entries: dict[str, Entry] = {}
    position = 0
    for _ in range(count):
        fixed = directory[position : position + 46]
        if len(fixed) < 46 or fixed[:4] != _CENTRAL:
            raise ZipStructureError(
                f"{source.place}: the zip directory ends after {len(entries):,} of {count:,} entries. Download the "
                "file again"
            )
        flags, method = struct.unpack_from("<HH", fixed, 8)
        crc32, packed, unpacked, name_length, extra_length, comment_length, disk = struct.unpack_from(
            "<IIIHHHH", fixed, 16
        )
        header = struct.unpack_from("<I", fixed, 42)[0]
        stop = position + 46 + name_length
        raw_name, extra = directory[position + 46 : stop], directory[stop : stop + extra_length]
        position = stop + extra_length + comment_length
        name = _check_name(source, bytes(raw_name), entries)
        inside = name.partition("/")[2]
        if inside == "constants.pkl" or inside.startswith("code/"):
            raise NotACheckpointError(
                f"{source.place}: is a TorchScript program, not weights. Save the state_dict() of its model with torch"
            )
        if flags & _ENCRYPTED:
            _refuse(source, name, "is encrypted")
        if method != 0:
            _refuse(source, name, f"is compressed (method {method})")
        unpacked, packed, header = _wide(source, name, extra, unpacked, packed, header)
        if packed != unpacked or disk != 0:
            _refuse(source, name, f"is stored in {packed:,} bytes but holds {unpacked:,}")
        data = _data_offset(source, name, bytes(raw_name), header, unpacked, offset)
        entries[name] = Entry(name, header, data, unpacked, crc32)
    if position != size:
        raise ZipStructureError(
            f"{source.place}: the zip directory has {size - position:,} bytes too many. Download the file again"
        )
    if not entries:
        raise ZipStructureError(f"{source.place}: is a zip file without entries. Download the file again")
    _check_overlaps(source, entries, end)
    return entries


def _directory(source: ByteSource) -> tuple[int, int, int, int]:
    """Entry count, offset, size and upper bound of the central directory."""
    end = source.size - 22
    record = source.read(end, 22) if end >= 0 else bytearray()
    if record[:4] != _END or record[20:] != b"\0\0":
        raise TruncatedError(
            f"{source.place}: the zip directory is not at the end of the file. It was cut short or something was "
            "appended; download or copy it again"
        )
    narrow = struct.unpack_from("<HHHHII", record, 4)
    disk, first_disk, here, count, size, offset = narrow
    locator = source.read(end - 20, 20) if end >= 20 else bytearray()
    if locator[:4] == _LOCATOR64:  # torch always writes it
        locator_offset, end = end - 20, struct.unpack_from("<Q", locator, 8)[0]
        record = source.read(end, 56) if end + 56 == locator_offset else bytearray()
        wide = struct.unpack_from("<IIQQQQ", record, 16) if record[:4] == _END64 else None
        if wide is None or any(n not in (w, _FULL16, _FULL32) for n, w in zip(narrow, wide, strict=True)):
            raise ZipStructureError(
                f"{source.place}: the zip64 directory is not where it should be or contradicts the directory. "
                "Download the file again"
            )
        disk, first_disk, here, count, size, offset = wide
    if (disk, first_disk) != (0, 0) or here != count:
        raise ZipStructureError(f"{source.place}: is one part of a split zip file. Join the parts first")
    if count > MAX_ENTRIES:
        raise ZipStructureError(
            f"{source.place}: announces {count:,} zip entries, more than the {MAX_ENTRIES:,} that weights need. It "
            "is damaged or hostile; download it again"
        )
    if offset + size != end:
        raise ZipStructureError(
            f"{source.place}: the zip directory ({size:,} bytes at {offset:,}) does not end where its end record "
            f"begins ({end:,}). Download the file again"
        )
    return count, offset, size, end


def _check_name(source: ByteSource, raw: bytes, known: dict[str, Entry]) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        _refuse(source, raw.decode("latin-1"), "has a name that is not UTF-8")
    if name in known:
        _refuse(source, name, "is there twice")
    parts = name.split("/")
    if not name or "" in parts or "." in parts or ".." in parts or "\\" in name or "\0" in name:
        _refuse(source, name, "has a name that leads elsewhere")
    return name


def _wide(
    source: ByteSource, name: str, extra: bytearray, unpacked: int, packed: int, header: int
) -> tuple[int, int, int]:
    """Sizes and offset, from the zip64 extra field where they did not fit into 32 bits."""
    values = [unpacked, packed, header]
    missing = [index for index, value in enumerate(values) if value == _FULL32]
    if not missing:
        return unpacked, packed, header
    position = 0
    while position + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, position)
        if tag == 1 and length >= 8 * len(missing) and position + 4 + length <= len(extra):
            wide = struct.unpack_from(f"<{len(missing)}Q", extra, position + 4)
            for index, value in zip(missing, wide, strict=True):
                values[index] = value
            return values[0], values[1], values[2]
        position += 4 + length
    _refuse(source, name, "has no zip64 sizes")


def _data_offset(
    source: ByteSource, name: str, raw_name: bytes, header: int, size: int, directory: int
) -> int:
    """Where the entry's bytes begin; its local header must say the same as the directory."""
    if header + 30 + len(raw_name) > directory:
        _refuse(source, name, f"begins at {header:,}, outside of the part that holds entries")
    local = source.read(header, 30 + len(raw_name))
    flags, method = struct.unpack_from("<HH", local, 6)
    packed, unpacked, name_length, extra_length = struct.unpack_from("<IIHH", local, 18)
    if local[:4] != _LOCAL or local[30:] != raw_name or name_length != len(raw_name):
        _refuse(source, name, "is not where the directory says")
    later = flags & 0x8 and (packed, unpacked) == (0, 0)  # sizes follow the data, as torch writes it
    if flags & _ENCRYPTED or method != 0:
        _refuse(source, name, "is encrypted or compressed")
    if not later and packed != _FULL32 and (packed, unpacked) != (size, size):
        _refuse(source, name, f"has {size:,} bytes in the directory and {packed:,} before its data")
    data = header + 30 + name_length + extra_length
    if data + size > directory:
        _refuse(source, name, f"has {size:,} bytes at {data:,}, which go past the part that holds entries")
    return data


def _check_overlaps(source: ByteSource, entries: dict[str, Entry], end: int) -> None:
    reached = 0
    for entry in sorted(entries.values(), key=lambda entry: entry.header):
        if entry.header < reached:
            _refuse(source, entry.name, "overlaps another entry")
        reached = entry.offset + entry.size_bytes
