"""Where calibration pictures come from: a folder, folders named after classes, an array file, a data set of idx files.

What `--calibration` may name:

- a folder of picture files; with no pictures in it but folders of pictures, each folder's name is its pictures' class;
- a `.npy` file of uint8 `(n, height, width, 3)` or grey `(n, height, width)`, or a `.npz` file with such an array
  and, if it has one, an array of integers `(n,)`, the class numbers; neither is ever unpickled;
- a folder of idx files as MNIST and Fashion-MNIST come (`train-images-idx3-ubyte.gz`), of which the training part is
  taken;
- the word `demo`: the package's own 128 pictures.

A picture is opened when it is needed and none is kept.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import gzip
import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Protocol, cast

import numpy as np
from PIL import Image

from converters.labelled_pictures import class_numbers, find_labelled
from swiftformer_keras.errors import PictureError
from swiftformer_keras.shown import shown

DEMO = "demo"
"""The word for the package's own calibration pictures."""

MAX_ARRAY_BYTES = 1 << 32
"""Largest array that is read from a file: 65,000 pictures of 150 x 150."""

_IDX_UNSIGNED_BYTE = 8  # element type in the magic number (yann.lecun.com/exdb/mnist)
_IDX_IMAGES = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")


class SourcePicture(Protocol):
    """A picture that can be opened.

    Attributes:
        name: what messages call it.
        label: its class by name or number, or None where nothing says it.
    """

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str | int | None: ...
    def open(self) -> Image.Image:
        """The picture, RGB.

        Raises:
            PictureError: it cannot be read.
        """


@dataclasses.dataclass(frozen=True)
class FilePicture:
    """A picture file, with the name of its class if it has one."""

    path: Path
    label: str | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def open(self) -> Image.Image:
        """See `SourcePicture.open`."""
        from swiftformer_keras.pictures import open_picture

        return open_picture(self.path)


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


def find_source(given: Path | str) -> list[SourcePicture]:
    """The pictures that a path or the word `demo` stands for, in a fixed order.

    Raises:
        PictureError: there are none, or the file is none of those above or damaged.
    """
    if str(given) == DEMO:
        from swiftformer_keras.data import calibration_pictures

        return [FilePicture(path) for path in calibration_pictures()]
    path = Path(given)
    try:
        is_file = path.is_file()
        idx = next((found for name in _IDX_IMAGES for found in sorted(path.glob(f"{name}*"))), None)
    except (OSError, ValueError):
        is_file, idx = False, None  # `find_labelled` says what is wrong
    if is_file:
        return _from_array_file(path)
    if idx is not None:
        return _from_idx(idx)
    return [FilePicture(found.path, found.truth) for found in find_labelled(path)]


def true_classes(
    pictures: Sequence[SourcePicture], labels: Sequence[str] | None, count: int
) -> np.ndarray | None:
    """The class number of every picture, int `(n,)`, or None where the source names no classes.

    Args:
        pictures: of one source.
        labels: the model's class names.
        count: how many classes it has.

    Raises:
        LabelsError: a class is none of the model's.
    """
    names = [None if picture.label is None else str(picture.label) for picture in pictures]
    if None in names:
        return None
    given = cast("list[str]", names)
    numbers = class_numbers(given, None if isinstance(pictures[0].label, int) else labels, count)
    return np.array([numbers[name] for name in given])


# --- arrays -----------------------------------------------------------------------------------------


def _from_array_file(path: Path) -> list[SourcePicture]:
    where = shown(path)
    try:
        with open(path, "rb") as file:
            start = file.read(8)
        if start[:6] == b"\x93NUMPY":
            with open(path, "rb") as file:
                arrays = {"": _read_npy(file, where)}
        elif start[:4] == b"PK\x03\x04":
            arrays = _read_npz(path, where)
        else:
            raise PictureError(
                f"{where}: is a file, but no .npy or .npz file. Give a folder of pictures, an array file, or demo"
            )
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        raise PictureError(f"{where}: cannot be read or is damaged. Save the arrays again") from None
    pictures = [a for a in arrays.values() if a.dtype == np.uint8 and _is_pictures(a)]
    if len(pictures) != 1:
        many = "several arrays" if pictures else "no array"
        raise PictureError(
            f"{where}: holds {many} of pictures (uint8, n x height x width x 3, or without the 3 for grey). "
            "Save one such array"
        )
    (array,) = pictures
    labels = [a for a in arrays.values() if a.shape == (len(array),) and a.dtype.kind in "iu"]
    return _of_array(array, labels[0] if len(labels) == 1 else None, path.name)


def _is_pictures(array: np.ndarray) -> bool:
    return array.size > 0 and (array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3))


def _of_array(array: np.ndarray, labels: np.ndarray | None, where: str) -> list[SourcePicture]:
    return [
        ArrayPicture(where, index, None if labels is None else int(labels[index]), array)
        for index in range(len(array))
    ]


def _read_npz(path: Path, where: str) -> dict[str, np.ndarray]:
    """The arrays of a `.npz` file that may be pictures or class numbers; none other is read."""
    arrays: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if not entry.filename.endswith(".npy"):
                continue
            with archive.open(entry) as file:
                shape, dtype = _npy_header(file, where)[:2]
            if dtype.kind in "iu" and len(shape) in (1, 3, 4):
                with archive.open(entry) as file:
                    arrays[entry.filename] = _read_npy(file, where)
    return arrays


def _npy_header(file: IO[bytes], where: str) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Shape, element type and whether it is in Fortran's order (numpy's "NPY format", versions 1 to 3)."""
    try:
        magic = file.read(8)
        if magic[:6] != b"\x93NUMPY":
            raise ValueError("not an array")
        length = int.from_bytes(file.read(2 if magic[6] == 1 else 4), "little")
        if length > 1 << 16:
            raise ValueError("its header is too long")
        facts = ast.literal_eval(file.read(length).decode("latin1"))
        shape, dtype, fortran = facts["shape"], np.dtype(facts["descr"]), facts["fortran_order"]
        if not all(type(n) is int and n >= 0 for n in shape) or type(fortran) is not bool:
            raise ValueError("its shape makes no sense")
    except (ValueError, TypeError, KeyError, SyntaxError, IndexError, MemoryError, RecursionError):
        raise PictureError(
            f"{where}: holds an array whose header is damaged. Save the arrays again"
        ) from None
    return tuple(shape), dtype, fortran


def _read_npy(file: IO[bytes], where: str) -> np.ndarray:
    """An array of numbers; objects, which would have to be unpickled, are refused."""
    shape, dtype, fortran = _npy_header(file, where)
    size = math.prod(shape) * dtype.itemsize
    if dtype.kind not in "iu":
        raise PictureError(f"{where}: holds an array of {dtype}, not of uint8. Save pictures as uint8")
    if size > MAX_ARRAY_BYTES:
        raise PictureError(f"{where}: its array has {size:,} bytes, more than are read. Save fewer pictures")
    data = file.read(size)
    if len(data) != size:
        raise PictureError(f"{where}: is cut short. Save the arrays again")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _from_idx(path: Path) -> list[SourcePicture]:
    images = _read_idx(path)
    if images.ndim != 3:
        raise PictureError(
            f"{shown(path)}: holds no pictures but an array of rank {images.ndim}. Get it again"
        )
    beside = path.with_name(path.name.replace("-images-idx3", "-labels-idx1"))
    labels = _read_idx(beside) if beside.is_file() else None
    if labels is not None and labels.shape != (len(images),):
        raise PictureError(f"{shown(beside)}: does not hold one class a picture. Get it again")
    return _of_array(images, labels, path.name)


def _read_idx(path: Path) -> np.ndarray:
    """An idx file of unsigned bytes, gzipped or not."""
    where = shown(path)
    try:
        with contextlib.ExitStack() as stack:
            file: Any = stack.enter_context(open(path, "rb"))
            if path.suffix == ".gz":
                file = stack.enter_context(gzip.GzipFile(fileobj=file))
            magic = file.read(4)
            if len(magic) != 4 or magic[:3] != bytes([0, 0, _IDX_UNSIGNED_BYTE]):
                raise PictureError(f"{where}: is no idx file of bytes. Get it again")
            shape = np.frombuffer(file.read(4 * magic[3]), ">u4").tolist()
            size = math.prod(shape)
            data = file.read(size) if size <= MAX_ARRAY_BYTES else b""
    except (OSError, EOFError, zlib.error, ValueError):
        raise PictureError(f"{where}: cannot be read or is damaged. Get it again") from None
    if len(shape) != magic[3] or len(data) != size:
        raise PictureError(f"{where}: is cut short or claims too much. Get it again")
    return np.frombuffer(data, np.uint8).reshape(shape)
