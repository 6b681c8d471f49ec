"""What a tensor in a torch file is made of, and the one place where it becomes an array.

A pickle only describes: a `Storage` (a key, an element type, a count) and `Tensor`s that look at it through an
offset, sizes and strides. `materialise` checks these against the file, reads every storage once, and returns
views over it: a tensor costs its own bytes and no more, and tensors that share a storage still share it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from converters.checkpoints.source import ByteSource, quoted
from swiftformer_keras.errors import (
    ChecksumError,
    MalformedPickleError,
    StorageSizeError,
    UnsupportedDtypeError,
)

MAX_DIMENSIONS = 8
MAX_ELEMENTS = 1 << 48  # far above any file, far below where numpy's own arithmetic overflows

BFLOAT16 = "bfloat16"
# torch's storage classes that hold what weights are made of -> element type, little-endian in the file.
STORAGE_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": BFLOAT16,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}


# Further classes whose tensors cannot be chosen but may lie beside those that are -> bytes of an element.
_UNREAD_SIZES = {
    "ComplexFloatStorage": 8,
    "ComplexDoubleStorage": 16,
    "QInt8Storage": 1,
    "QUInt8Storage": 1,
    "QInt32Storage": 4,
}


_READABLE = frozenset(STORAGE_DTYPES.values())


def file_dtype(dtype: str) -> np.dtype[np.generic]:
    """The element type as the file has it; bfloat16 is read as its bits."""
    return np.dtype("<u2" if dtype == BFLOAT16 else dtype)


def is_floating(dtype: np.dtype[np.generic]) -> bool:
    """Whether it is a floating-point element type; numpy itself does not count bfloat16 as one."""
    return dtype.kind == "f" or dtype == ml_dtypes.bfloat16


def to_native(raw: np.ndarray, dtype: str, big_endian: bool = False) -> np.ndarray:
    """Elements as read from the file as native ones, without a copy but for truth values, which become 0 and 1.

    bfloat16 stays two bytes, as ml_dtypes' element type: widened, a file's tensors would take twice its size.
    """
    if big_endian:
        raw = raw.byteswap(inplace=True)
    if dtype == BFLOAT16:
        return raw.astype("=u2", copy=False).view(ml_dtypes.bfloat16)
    if dtype == "|b1":  # a byte above 1 would make comparisons of truth values undefined
        return raw.view(np.uint8) != 0
    return raw.astype(raw.dtype.newbyteorder("="), copy=False)


@dataclass(frozen=True)
class Storage:
    """A run of elements in the file: `length` of them from `start`, of `count` under `key`.

    `dtype` is an element type of `STORAGE_DTYPES`, or the name of a storage class that weights do not have.
    """

    key: str
    dtype: str
    count: int
    start: int
    length: int

    @property
    def is_readable(self) -> bool:
        return self.dtype in _READABLE

    def size_bytes(self, where: str) -> int:
        """How many bytes its elements take in the file.

        Raises:
            UnsupportedDtypeError: it is of a class whose elements have no known size.
        """
        if not self.is_readable and self.dtype not in _UNREAD_SIZES:
            raise unsupported(where, self)
        return self.count * (_UNREAD_SIZES.get(self.dtype) or file_dtype(self.dtype).itemsize)


def unsupported(where: str, storage: Storage, name: str | None = None) -> UnsupportedDtypeError:
    """The error for a storage, or a tensor in it, whose elements weights do not have."""
    what = "holds" if name is None else f"tensor {quoted(name)} is in"
    return UnsupportedDtypeError(
        f"{where}: {what} a {quoted(f'torch.{storage.dtype}')}, an element type that weights do not have. Convert "
        "the tensors to float32 with torch and save them again"
    )


@dataclass(frozen=True)
class Tensor:
    """A view of a storage as the pickle claims it; nothing is checked yet. Strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Span:
    """Where a storage's bytes are; `crc32` of 0 means that none was computed."""

    offset: int
    size_bytes: int
    entry: str
    crc32: int = 0


def materialise(
    source: ByteSource,
    tensors: Mapping[str, Tensor],
    locate: Callable[[Storage, str], Span],
    *,
    big_endian: bool = False,
) -> dict[str, np.ndarray]:
    """Read the named tensors.

    Args:
        source: the open file.
        tensors: name -> description.
        locate: where the bytes of a storage are; the second argument is the tensor's name, for messages.
        big_endian: the file says that it was written on a big-endian machine.

    Raises:
        UnsupportedDtypeError: a tensor has an element type that weights do not have.
        StorageSizeError: a tensor reaches outside its storage, repeats elements beyond it, or its storage is
            not as long as its entry.
        MalformedPickleError: two tensors disagree about the storage that they share.
        ChecksumError: an entry's bytes are not those that were written.
    """
    arrays: dict[str, np.ndarray] = {}
    read: dict[str, tuple[Storage, np.ndarray]] = {}
    for name, tensor in tensors.items():
        if not tensor.storage.is_readable:
            raise unsupported(source.place, tensor.storage, name)
        check_view(source.place, name, tensor)
    for name, tensor in tensors.items():
        storage = tensor.storage
        if storage.key not in read:
            span = locate(storage, name)
            read[storage.key] = storage, _read_storage(source, storage, span, name, big_endian)
        known, elements = read[storage.key]
        if (known.dtype, known.count) != (storage.dtype, storage.count):
            raise MalformedPickleError(
                f"{source.place}: tensor {quoted(name)} takes storage {quoted(storage.key)} for {storage.count:,} "
                f"elements of {storage.dtype}, another tensor for {known.count:,} of {known.dtype}. "
                "The file was tampered with; download it again"
            )
        item = elements.dtype.itemsize
        arrays[name] = np.ndarray(
            tensor.shape,
            elements.dtype,
            elements,
            (storage.start + tensor.offset) * item,
            tuple(stride * item for stride in tensor.strides),
        )
    return arrays


def check_view(where: str, name: str, tensor: Tensor) -> None:
    """Refuse a tensor that looks outside its storage or claims more elements than that holds.

    Python integers do not overflow, so the claims are compared as they stand.

    Raises:
        StorageSizeError: it does.
    """
    storage = tensor.storage

    damaged = "The file is cut short or was tampered with; download it again"

    def refuse(why: str, advice: str = damaged) -> StorageSizeError:
        return StorageSizeError(f"{where}: tensor {quoted(name)} {why}. {advice}")

    if len(tensor.shape) > MAX_DIMENSIONS or len(tensor.shape) != len(tensor.strides):
        raise refuse(f"has {len(tensor.shape)} sizes and {len(tensor.strides)} strides")
    if min((tensor.offset, *tensor.shape, *tensor.strides)) < 0:
        raise refuse("has a negative size, stride or offset")
    elements = bound = 1
    for size in tensor.shape:
        elements *= size
        bound *= max(size, 1)
    reach = sum(
        (max(size, 1) - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if bound > MAX_ELEMENTS or max(tensor.strides, default=0) > MAX_ELEMENTS:
        raise refuse("claims more elements than any file holds")
    if storage.start < 0 or storage.length < 0 or storage.start + storage.length > storage.count:
        raise refuse(f"looks at a part of storage {quoted(storage.key)} that is outside of it")
    if tensor.offset > storage.length or (elements and tensor.offset + reach >= storage.length):
        raise refuse(f"reaches element {tensor.offset + reach:,} of a storage of {storage.length:,}")
    if elements > storage.length:
        raise refuse(
            f"claims {elements:,} elements of a storage of {storage.length:,}",
            "If it is an expanded tensor of yours, save its contiguous() copy; otherwise do not use the file",
        )


def _read_storage(
    source: ByteSource, storage: Storage, span: Span, name: str, big_endian: bool
) -> np.ndarray:
    dtype = file_dtype(storage.dtype)
    needed = storage.size_bytes(source.place)
    if needed != span.size_bytes:
        raise StorageSizeError(
            f"{source.place}: tensor {quoted(name)} needs {needed:,} bytes of storage, but entry "
            f"{quoted(span.entry)} holds {span.size_bytes:,}. The file is cut short or was tampered with; "
            "download it again"
        )
    raw = source.read_array(span.offset, storage.count, dtype)
    if span.crc32 and zlib.crc32(raw.view(np.uint8)) != span.crc32:
        raise ChecksumError(
            f"{source.place}: the bytes of tensor {quoted(name)} (entry {quoted(span.entry)}) do not fit their "
            "checksum. The file was damaged; download it again"
        )
    return to_native(raw, storage.dtype, big_endian)
