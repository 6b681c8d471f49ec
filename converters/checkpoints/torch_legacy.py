"""torch's container before version 1.6: pickles one after the other, then the storages.

The order is: a magic number, the protocol version, facts about the machine, the object, the list of storage keys,
and for every key its element count (8 bytes) and its elements (torch/serialization.py, `_legacy_save`).
"""

from __future__ import annotations

from typing import Any, NoReturn

from converters.checkpoints.pickle_machine import MAX_PICKLE_BYTES, Machine, allowance_bytes
from converters.checkpoints.source import ByteSource, quoted
from converters.checkpoints.tensors import Span, Storage
from swiftformer_keras.errors import (
    MalformedPickleError,
    NotACheckpointError,
    StorageSizeError,
    TruncatedError,
)

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001


class TorchLegacy:
    """An open legacy file whose pickles were interpreted.

    Raises:
        NotACheckpointError: it is some other pickle.
        UnsafePickleError, MalformedPickleError: see `Machine.run`.
        UnsupportedDtypeError: a storage's length is not known, so that the next one is not found.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        # The pickles' length is known only at their end; this is given back before tensors are read.
        self._head = source.read(0, min(source.size, MAX_PICKLE_BYTES))
        self._position = 0
        self._left = allowance_bytes(source.size)  # for all of its pickles together
        self._storages: dict[str, Storage] = {}
        try:
            magic = self._next()
        except MalformedPickleError:
            magic = None
        if magic != MAGIC_NUMBER:
            raise NotACheckpointError(
                f"{source.place}: is a Python pickle, but not one that torch.save wrote; nothing of it was run. Give "
                "a .pth, .pt, .bin or .safetensors file of weights"
            )
        version, machine = self._next(), self._next()
        if version != _PROTOCOL_VERSION or not isinstance(machine, dict):
            self._malformed(f"is of version {version if isinstance(version, int) else 'unknown'}, not 1001")
        self.big_endian = machine.get("little_endian") is False
        self._found = self._next()
        keys = self._next()
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            self._malformed("has no list of storage keys")
        if len(set(keys)) != len(keys):
            self._malformed("lists a storage twice")
        self._head = bytearray()
        self._spans = self._walk(keys, self._position)

    def describe(self) -> Any:
        """What the object pickle describes, with `Tensor`s where the tensors are."""
        return self._found

    def locate(self, storage: Storage, tensor_name: str) -> Span:
        """Where the bytes of a storage are.

        Raises:
            StorageSizeError: the file has no such storage, or it has another length.
        """
        span = self._spans.get(storage.key)
        if span is None:
            raise StorageSizeError(
                f"{self._source.place}: tensor {quoted(tensor_name)} is in storage {quoted(storage.key)}, which the "
                "file does not hold. It is damaged; download it again"
            )
        return span

    def _walk(self, keys: list[str], position: int) -> dict[str, Span]:
        """Where every storage is: only their lengths say where the next one begins."""
        spans = {}
        for key in keys:
            storage = self._storages.get(key)
            if storage is None:
                self._malformed(f"lists the storage {quoted(key)}, which no tensor uses")
            count = int.from_bytes(self._source.read(position, 8), "little")
            size = storage.size_bytes(self._source.place)
            if count != storage.count:
                raise StorageSizeError(
                    f"{self._source.place}: storage {quoted(key)} has {count:,} elements, but its tensors need "
                    f"{storage.count:,}. The file is damaged; download it again"
                )
            position += 8
            if position + size > self._source.size:
                raise TruncatedError(
                    f"{self._source.place}: ends in the middle of storage {quoted(key)}. It was cut short; download or "
                    "copy it again"
                )
            spans[key] = Span(position, size, key)
            position += size
        if position != self._source.size:
            self._malformed(f"has {self._source.size - position:,} bytes behind its last storage")
        return spans

    def _next(self) -> Any:
        machine = Machine(
            self._head, self._source.place, start=self._position, allowance=self._left, legacy=True
        )
        found = machine.run()
        self._position, self._left = machine.position, machine.left
        self._storages.update(machine.storages)
        return found

    def _malformed(self, why: str) -> NoReturn:
        raise MalformedPickleError(f"{self._source.place}: {why}. The file is damaged; download it again")
