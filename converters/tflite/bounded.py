"""Flatbuffers read with bounds: every offset and length is checked against the bytes before it is used.

The generated accessors trust their file: a length of 2^32 is a loop of 2^32, an offset before the start
reads the end. `.tflite` files come from anywhere, so this module reads them as the C++ verifier does:
nothing outside the bytes, and no more than a fixed number of items, so that a small file whose vectors
share one large vector ends in an error and not in hours. numpy and nothing else of the house.

Slots are the field numbers of a public schema, counted from 0 in the order of the table's fields; they
stand as named constants beside the schema that has them (`model_schema.py`, `metadata_schema.py`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from swiftformer_keras.errors import TFLiteFileError

MAX_ITEMS = 250_000  # tables, vector elements and text bytes / 64 looked at in one file; XS has about 4,000
MAX_TEXT_BYTES = 1 << 20

_SIZES = {"b": 1, "B": 1, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8}


class Bytes:
    """The bytes of one flatbuffer, its name for messages, and how many items may still be read.

    Args:
        data: the flatbuffer; what follows it (a zip archive) does no harm.
        where: what the user calls it, the beginning of every message.
    """

    def __init__(self, data: bytes | memoryview, where: str) -> None:
        self.data = memoryview(data)
        self.where = where
        self._items_left = MAX_ITEMS

    def root(self, identifier: bytes, kind: str) -> Table:
        """The root table.

        Args:
            identifier: the four bytes at offset 4.
            kind: what such a file is called, for the message.

        Raises:
            TFLiteFileError: too short, another identifier, or the root lies outside.
        """
        if len(self.data) < 8 or bytes(self.data[4:8]) != identifier:
            raise TFLiteFileError(
                f"{self.where}: this is no {kind} (it does not carry the identifier "
                f"{identifier.decode()}). Check that the right file was given"
            )
        return Table(self, self.offset_at(0))

    def spend(self, items: int) -> None:
        """Count `items` against what one file may hold."""
        self._items_left -= items
        if self._items_left < 0:
            raise TFLiteFileError(
                f"{self.where}: its tables refer to more than {MAX_ITEMS:,} items. "
                "No real model does; get the file again from where it came"
            )

    def check(self, start: int, size: int) -> None:
        """Refuse a range that is not inside the bytes."""
        if start < 0 or size < 0 or start + size > len(self.data):
            raise TFLiteFileError(
                f"{self.where}: damaged: {size:,} bytes at {start:,} lie outside the "
                f"{len(self.data):,} bytes there are. It is cut short or was changed; get it again"
            )

    def unpack(self, code: str, position: int) -> int | float:
        """One little-endian number of `struct` code `code`."""
        self.check(position, _SIZES[code])
        value: int | float = struct.unpack_from("<" + code, self.data, position)[0]
        return value

    def offset_at(self, position: int) -> int:
        """Where the forward offset stored at `position` leads."""
        target = position + int(self.unpack("I", position))
        self.check(target, 4)
        return target


class Table:
    """One table: fields by slot, absent ones with their default."""

    def __init__(self, source: Bytes, position: int) -> None:
        source.spend(1)
        self.source = source
        self.position = position
        vtable = position - int(source.unpack("i", position))
        source.check(vtable, 4)
        size = int(source.unpack("H", vtable))
        if size < 4 or size % 2:
            raise TFLiteFileError(
                f"{source.where}: damaged: a table's field list is {size} bytes long. Get it again"
            )
        source.check(vtable, size)
        self._fields = struct.unpack_from(f"<{size // 2 - 2}H", source.data, vtable + 4)

    def _position(self, slot: int) -> int | None:
        offset = self._fields[slot] if slot < len(self._fields) else 0
        return self.position + offset if offset else None

    def has(self, slot: int) -> bool:
        """Whether the field is stored."""
        return self._position(slot) is not None

    def integer(self, slot: int, code: str, default: int = 0) -> int:
        """An integer, enum or boolean field of `struct` code `code`."""
        position = self._position(slot)
        return default if position is None else int(self.source.unpack(code, position))

    def real(self, slot: int, default: float = 0.0) -> float:
        """A float32 field."""
        position = self._position(slot)
        return default if position is None else float(self.source.unpack("f", position))

    def text(self, slot: int, default: str = "") -> str:
        """A string field; bytes that are no UTF-8 show as replacement characters."""
        raw = self.raw(slot)
        return default if raw is None else self._decode(raw)

    def texts(self, slot: int) -> tuple[str, ...]:
        """A vector of strings."""
        return tuple(self._decode(self._raw_at(target)) for target in self._targets(slot))

    def length(self, slot: int) -> int:
        """Elements of a vector, none of which is read."""
        position = self._position(slot)
        if position is None:
            return 0
        start = self.source.offset_at(position)
        count = int(self.source.unpack("I", start))
        self.source.check(start + 4, count)  # a byte each at least
        return count

    def raw(self, slot: int) -> memoryview | None:
        """A vector of bytes (or a string) without copying it; None where absent."""
        position = self._position(slot)
        return None if position is None else self._raw_at(self.source.offset_at(position))

    def numbers(self, slot: int, dtype: str, limit: int) -> tuple[int | float, ...]:
        """A vector of numbers of numpy `dtype`, at most `limit` of them.

        Raises:
            TFLiteFileError: it has more.
        """
        position = self._position(slot)
        if position is None:
            return ()
        start = self.source.offset_at(position)
        count = int(self.source.unpack("I", start))
        if count > limit:
            raise TFLiteFileError(
                f"{self.source.where}: damaged: a list has {count:,} entries where {limit:,} are the most. Get it again"
            )
        kind = np.dtype(dtype)
        self.source.check(start + 4, count * kind.itemsize)
        self.source.spend(count)
        return tuple(np.frombuffer(self.source.data, kind, count, start + 4).tolist())

    def table(self, slot: int) -> Table | None:
        """A table, or None where absent."""
        position = self._position(slot)
        return None if position is None else Table(self.source, self.source.offset_at(position))

    def tables(self, slot: int) -> Iterator[Table]:
        """A vector of tables, one after the other."""
        for target in self._targets(slot):
            yield Table(self.source, target)

    def element(self, slot: int, index: int) -> Table:
        """One table of a vector.

        Raises:
            TFLiteFileError: the vector is shorter.
        """
        position = self._position(slot)
        if position is not None:
            start = self.source.offset_at(position)
            if 0 <= index < int(self.source.unpack("I", start)):
                return Table(self.source, self.source.offset_at(start + 4 + 4 * index))
        raise TFLiteFileError(
            f"{self.source.where}: damaged: it refers to entry {index} of a list that ends before. Get it again"
        )

    def _targets(self, slot: int) -> Iterator[int]:
        position = self._position(slot)
        if position is None:
            return
        start = self.source.offset_at(position)
        count = int(self.source.unpack("I", start))
        self.source.check(start + 4, 4 * count)
        self.source.spend(count)
        for index in range(count):
            yield self.source.offset_at(start + 4 + 4 * index)

    def _raw_at(self, start: int) -> memoryview:
        size = int(self.source.unpack("I", start))
        self.source.check(start + 4, size)
        return self.source.data[start + 4 : start + 4 + size]

    def _decode(self, raw: memoryview) -> str:
        if len(raw) > MAX_TEXT_BYTES:
            raise TFLiteFileError(f"{self.source.where}: damaged: a name of {len(raw):,} bytes. Get it again")
        self.source.spend(len(raw) // 64)
        return str(raw, "utf-8", "replace")
