"""Pictures with the class each of them shows: from the names of their folders, or from a list.

In comes a folder, out come its pictures in a fixed order, each with its true class where it is known.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from swiftformer_keras.data import file_name_of
from swiftformer_keras.errors import LabelsError, PictureError
from swiftformer_keras.pictures import find_pictures
from swiftformer_keras.shown import shown

MAX_LIST_BYTES = 1 << 26
"""Largest file that is read as a list of pictures and classes."""


@dataclasses.dataclass(frozen=True)
class LabelledPicture:
    """A picture file; `truth` is its class as the folder or the list has it, None where nobody says."""

    path: Path
    truth: str | None = None


def find_labelled(folder: Path, truths: Path | None = None) -> tuple[LabelledPicture, ...]:
    """The pictures of a folder, sorted by name; or, where it has none itself, those of its sub-folders.

    Args:
        truths: a list of the pictures' classes (`read_truths`); by default the sub-folder's name is the class.

    Raises:
        PictureError: there is no such folder, or neither it nor a folder inside it holds pictures.
        LabelsError: the list cannot be read, or lacks a picture.
    """
    try:
        found = [LabelledPicture(path) for path in find_pictures(folder)]
    except PictureError:
        inside = _folders(folder)
        if not inside:
            raise
        found = [LabelledPicture(path, sub.name) for sub in inside for path in _pictures(sub)]
        if not found:
            raise PictureError(
                f"{shown(folder)}: neither it nor the folders in it hold pictures. Give a folder of pictures"
            ) from None
    if truths is None:
        return tuple(found)
    listed = read_truths(truths)
    return tuple(
        dataclasses.replace(each, truth=_truth(each.path.relative_to(folder).as_posix(), listed, truths))
        for each in found
    )


def read_truths(path: Path) -> dict[str, str]:
    """A list of pictures and classes: CSV in UTF-8, a picture's name (from its folder) and its class in each row.

    A first row `picture,class` is a heading.

    Raises:
        LabelsError: it cannot be read, a row has not two fields, or a picture comes twice.
    """
    where = shown(path)
    try:
        if not path.is_file():
            raise LabelsError(f"{where}: is not a file. Give a CSV file of pictures and their classes")
        if (size := path.stat().st_size) > MAX_LIST_BYTES:
            raise LabelsError(f"{where}: has {size:,} bytes, too many for a list. Check the path")
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True))
    except UnicodeDecodeError:
        raise LabelsError(f"{where}: is not UTF-8 text. Save it as UTF-8") from None
    except (OSError, ValueError, csv.Error) as error:
        reason = shown(getattr(error, "strerror", None) or error, 100)
        raise LabelsError(f"{where}: cannot be read ({reason}). Correct it") from None
    listed: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        if not row or (number == 1 and row == ["picture", "class"]):
            continue
        if len(row) != 2 or not all(row):
            raise LabelsError(f"{where}, row {number}: must be a picture's name, a comma and its class")
        if row[0] in listed:
            raise LabelsError(f"{where}, row {number}: {shown(row[0], 60)!r} comes twice. Name it once")
        listed[row[0]] = row[1]
    return listed


def class_numbers(truths: Sequence[str], labels: Sequence[str] | None, classes: int) -> dict[str, int]:
    """The class number of each name that is used.

    A name is a label as it is or as a file name has it ("T-shirt/top" is "t-shirt-top"), else a class number.

    Raises:
        LabelsError: a name is no class, or more than one.
    """
    known: dict[str, list[int]] = {}
    for number, label in enumerate(labels or ()):
        for name in {label, file_name_of(label)} - {""}:
            known.setdefault(name, []).append(number)
    found = {}
    for truth in dict.fromkeys(truths):
        numbers = known.get(truth) or known.get(file_name_of(truth)) or []
        if not numbers and truth.isascii() and truth.isdigit() and len(truth) < 8 and int(truth) < classes:
            numbers = [int(truth)]
        if not numbers:
            of = f"{classes} classes" if labels is None else f"classes, such as {shown(labels[0], 60)!r}"
            raise LabelsError(
                f"{shown(truth, 60)!r}: is none of the models' {of}. "
                "Name folders and list entries after the classes or by their numbers"
            )
        if len(numbers) > 1:
            raise LabelsError(
                f"{shown(truth, 60)!r}: {len(numbers)} classes are called so. Use its number, such as {numbers[0]}"
            )
        found[truth] = numbers[0]
    return found


def _truth(name: str, listed: Mapping[str, str], where: Path) -> str:
    if name not in listed:
        raise LabelsError(f"{shown(where)}: has no row for the picture {shown(name, 100)!r}. Add it")
    return listed[name]


def _folders(folder: Path) -> list[Path]:
    try:
        inside = [entry for entry in Path(folder).iterdir() if entry.is_dir() and entry.name[0] != "."]
    except (OSError, ValueError):
        return []
    return sorted(inside, key=lambda entry: entry.name)


def _pictures(folder: Path) -> list[Path]:
    try:
        return find_pictures(folder)
    except PictureError:
        return []
