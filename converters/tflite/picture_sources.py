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

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from PIL import Image

from converters.labelled_pictures import class_numbers, find_labelled
from converters.tflite.picture_arrays import read_array_file, read_idx

DEMO = "demo"
"""The word for the package's own calibration pictures."""

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
        return list(read_array_file(path))
    if idx is not None:
        return list(read_idx(idx))
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
