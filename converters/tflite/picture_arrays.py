"""Pictures out of array files, within bounds: .npy and .npz as numpy saves them, idx as MNIST comes.

Nothing is unpickled, of an archive only what is used is read, and no size is believed that the file's own bytes do not
bear out.
"""

from __future__ import annotations

import ast
import dataclasses
import gzip
import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image

from swiftformer_keras.errors import PictureError
from swiftformer_keras.shown import shown

MAX_ARRAY_BYTES = 1 << 32
"""Largest array that is read from a file: 65,000 pictures of 150 x 150."""

MAX_COMPRESSION, _ALWAYS_ALLOWED = 200, 1 << 26
"""How many times its compressed bytes an array may be, where it is larger than 64 MB: pictures, even Fashion-MNIST's,
shrink to a half or a tenth."""

_MAX_HEADER, _MAX_ENTRIES = 1 << 16, 1000
_IDX_UNSIGNED_BYTE = 8  # element type in the magic number (yann.lecun.com/exdb/mnist)
_DAMAGED = (
    *(OSError, EOFError, zlib.error, zipfile.BadZipFile, struct.error),
    *(RuntimeError, NotImplementedError, ValueError, OverflowError, MemoryError),
)
"""What damaged archives and gzip files raise, an undecodable name (a ValueError) among them; or what a small machine
does that an array does not fit into."""


@dataclasses.dataclass(frozen=True)
class ArrayPicture:
    """One picture of an array uint8 `(n, height, width, 3)` or `(n, height, width)`."""

    where: str
    index: int
    label: int | None = None
    array: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0), repr=False, compare=False)

    @property
    def name(self) -> str:
        """The file's name and the place in it."""
        return f"{self.where}[{self.index}]"

    def open(self) -> Image.Image:
        """See `SourcePicture.open`."""
        return Image.fromarray(np.ascontiguousarray(self.array[self.index])).convert("RGB")


class _Header(NamedTuple):
    """Of a `.npy` file: shape, element type, and whether it is in Fortran's order."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def holds_pictures(self) -> bool:
        """uint8 `(n, height, width, 3)`, or `(n, height, width)` for grey, which a single picture in colour is not."""
        rank = len(self.shape)
        grey, colour = rank == 3 and self.shape[2] != 3, rank == 4 and self.shape[3] == 3
        return self.dtype == np.uint8 and self.size > 0 and (grey or colour)


def read_array_file(path: Path) -> list[ArrayPicture]:
    """The pictures of a `.npy` or `.npz` file, with their class numbers where it has them.

    Raises:
        PictureError: it is none, is damaged, or does not hold one array of pictures.
    """
    where = shown(path)
    try:
        with open(path, "rb") as file:
            start = file.read(8)
        if start[:6] == b"\x93NUMPY":
            array, labels = _only_array(path, where), None
        elif start[:4] == b"PK\x03\x04":
            array, labels = _from_archive(path, where)
        else:
            raise PictureError(
                f"{where}: is a file, but no .npy or .npz file. Give a folder of pictures, an array file, or demo"
            )
    except _DAMAGED:
        raise PictureError(f"{where}: cannot be read or is damaged. Save the arrays again") from None
    return _of_array(array, labels, path.name)


def read_idx(path: Path) -> list[ArrayPicture]:
    """The pictures of an idx file, and their classes from the file of labels beside it.

    Raises:
        PictureError: it is damaged, holds no pictures, or the labels do not fit.
    """
    images = _read_idx(path, rank=3)
    beside = path.with_name(path.name.replace("-images-idx3", "-labels-idx1"))
    labels = _read_idx(beside, rank=1) if beside.is_file() else None
    if labels is not None and len(labels) != len(images):
        raise PictureError(f"{shown(beside)}: does not hold one class a picture. Get it again")
    return _of_array(images, labels, path.name)


def _of_array(array: np.ndarray, labels: np.ndarray | None, where: str) -> list[ArrayPicture]:
    return [
        ArrayPicture(where, index, None if labels is None else int(labels[index]), array)
        for index in range(len(array))
    ]


def _only_array(path: Path, where: str) -> np.ndarray:
    with open(path, "rb") as file:
        header = _read_header(file, where)
        if header.dtype.kind not in "iu":
            raise PictureError(
                f"{where}: holds an array of {header.dtype}, not of uint8. Save pictures as uint8"
            )
        _one_of_pictures([header] if header.holds_pictures else [], where)
        return _read_values(file, header, path.stat().st_size, where)


def _from_archive(path: Path, where: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The pictures and the class numbers of a `.npz` file: every header is read, of the arrays only these two."""
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        if len(entries) > _MAX_ENTRIES:
            raise PictureError(f"{where}: holds {len(entries):,} arrays. Save the pictures as one")
        for entry in entries:
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise PictureError(
                    f"{where}: is packed in a way that numpy does not write. Save the arrays again"
                )
        headers = []
        for entry in entries:
            with archive.open(entry) as file:
                headers.append(_read_header(file, where))
        pictures = _one_of_pictures([h for h in headers if h.holds_pictures], where)
        labels = [h for h in headers if h.dtype.kind in "iu" and h.shape == (pictures.shape[0],)]

        def values(of: _Header) -> np.ndarray:
            entry = entries[next(index for index, header in enumerate(headers) if header is of)]
            with archive.open(entry) as file:
                return _read_values(file, _read_header(file, where), entry.compress_size, where)

        return values(pictures), values(labels[0]) if len(labels) == 1 else None


def _one_of_pictures(found: list[_Header], where: str) -> _Header:
    if len(found) != 1:
        many = "several arrays" if found else "no array"
        raise PictureError(
            f"{where}: holds {many} of pictures (uint8, n x height x width x 3, or without the 3 for grey). "
            "Save one such array"
        )
    return found[0]


def _read_header(file: IO[bytes], where: str) -> _Header:
    """The header of numpy's "NPY format", versions 1 to 3."""
    try:
        magic = file.read(8)
        if magic[:6] != b"\x93NUMPY":
            raise ValueError("not an array")
        length = int.from_bytes(file.read(2 if magic[6] == 1 else 4), "little")
        if length > _MAX_HEADER:
            raise ValueError("its header is too long")
        facts = ast.literal_eval(file.read(length).decode("latin1"))
        shape, dtype, fortran = facts["shape"], np.dtype(facts["descr"]), facts["fortran_order"]
        if not all(type(n) is int and 0 <= n < 1 << 40 for n in shape) or type(fortran) is not bool:
            raise ValueError("its shape makes no sense")
    except (ValueError, TypeError, KeyError, SyntaxError, IndexError, MemoryError, RecursionError):
        raise PictureError(
            f"{where}: holds an array whose header is damaged. Save the arrays again"
        ) from None
    return _Header(tuple(shape), dtype, fortran)


def _read_values(file: IO[bytes], header: _Header, packed: int, where: str) -> np.ndarray:
    """An array of numbers after its header; `packed` is how many bytes the file spends on it."""
    _check_size(header.size, packed, where)
    data = file.read(header.size)
    if len(data) != header.size:
        raise PictureError(f"{where}: is cut short. Save the arrays again")
    return np.frombuffer(data, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _check_size(size: int, packed: int, where: str) -> None:
    if size > MAX_ARRAY_BYTES:
        raise PictureError(f"{where}: its array has {size:,} bytes, more than are read. Save fewer pictures")
    if size > max(_ALWAYS_ALLOWED, MAX_COMPRESSION * packed):
        raise PictureError(
            f"{where}: is cut short or claims too much: {size:,} bytes of pictures in {packed:,}. Get or save it again"
        )


def _read_idx(path: Path, rank: int) -> np.ndarray:
    """An idx file of unsigned bytes, gzipped or not."""
    where = shown(path)
    try:
        with open(path, "rb") as raw:
            file: Any = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            magic = file.read(4)
            if len(magic) != 4 or magic[:3] != bytes([0, 0, _IDX_UNSIGNED_BYTE]):
                raise PictureError(f"{where}: is no idx file of bytes. Get it again")
            if magic[3] != rank:
                raise PictureError(f"{where}: holds an array of rank {magic[3]}, not of {rank}. Get it again")
            shape = struct.unpack(f">{rank}I", file.read(4 * rank))
            size = math.prod(shape)
            _check_size(size, path.stat().st_size, where)
            data = file.read(size)
            if file.read(1):  # of a gzip file, this reads its checksum, too
                raise PictureError(f"{where}: holds more than it says. Get it again")
    except _DAMAGED:
        raise PictureError(f"{where}: cannot be read or is damaged. Get it again") from None
    if len(data) != size:
        raise PictureError(f"{where}: is cut short. Get it again")
    return np.frombuffer(data, np.uint8).reshape(shape)
