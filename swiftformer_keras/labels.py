"""Class names: read from a file, from a configuration, or the built-in ImageNet-1k list.

Labels end up on terminals, in .tflite files and on phones, so they are checked once, here: one line each,
nothing that steers a terminal, as many as the model has classes.
"""

from __future__ import annotations

import functools
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from swiftformer_keras import data, strict_json
from swiftformer_keras.errors import LabelsError
from swiftformer_keras.shown import shown

MAX_LABEL_LENGTH = 200
"""Longest label, in characters; ImageNet's longest has 121."""

MAX_FILE_BYTES = 4 * 2**20
"""Largest file that is read as labels."""

_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_GENERIC = re.compile(r"LABEL_(0|[1-9][0-9]*)")
_INDEX = re.compile(r"0|[1-9][0-9]{0,6}")


def read_labels(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Read labels in class order.

    A text file has one label a line in UTF-8 (a byte order mark, CRLF and blank lines at the end are
    fine). A file whose name ends in `.json` holds a list of labels, a dictionary from class number to
    label, or a configuration of transformers with such a dictionary as `id2label`. A label may occur twice
    (ImageNet has two cranes); `repeated_labels` finds these.

    Raises:
        LabelsError: the file cannot be read, is no such list, or a label is empty, too long or has control
            characters.
    """
    where = shown(path)
    try:
        file = Path(path)
        if not file.is_file():
            raise LabelsError(f"{where}: is not a file. Give a text file with one label a line")
        if (size := file.stat().st_size) > MAX_FILE_BYTES:
            raise LabelsError(f"{where}: has {size:,} bytes, too many for labels. Check the path")
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LabelsError(f"{where}: is not UTF-8 text. Save it as UTF-8, one label a line") from None
    except (OSError, ValueError) as error:
        reason = shown(getattr(error, "strerror", None) or error, 100)
        raise LabelsError(f"{where}: cannot be read ({reason}). Check the path") from None
    if file.suffix.lower() == ".json":
        return _from_json(text, where)
    return _checked(text.replace("\r\n", "\n").rstrip(" \t\r\n").split("\n"), where, "line", first=1)


def labels_from_id2label(id2label: Mapping[Any, Any], where: str = "id2label") -> tuple[str, ...] | None:
    """Labels of a transformers configuration, or None where they are only its placeholders `LABEL_0`, ….

    Args:
        id2label: class number (as number or text) to label; every number from 0 up, in any order.
        where: what it is called in an error.

    Raises:
        LabelsError: a number is missing, is none or comes twice, or a label is not as it should be.
    """
    if not isinstance(id2label, Mapping) or not id2label:
        raise LabelsError(
            f"{where}: must map class numbers to labels, not be {shown(id2label, 60)}. Correct it"
        )
    named: dict[int, Any] = {}
    for key, label in id2label.items():
        if isinstance(key, bool) or not isinstance(key, (int, str)) or not _INDEX.fullmatch(str(key)):
            raise LabelsError(f"{where}: {shown(repr(key), 60)} is not a class number. Number from 0 up")
        if int(key) in named:
            raise LabelsError(f"{where}: class {key} comes twice. Name every class once")
        named[int(key)] = label
    for index in range(len(named)):
        if index not in named:
            raise LabelsError(
                f"{where}: has {len(named)} labels but none for class {index}. Name every class from 0 up"
            )
    labels = _checked([named[index] for index in range(len(named))], where, "class", first=0)
    if all(_GENERIC.fullmatch(label) for label in labels):
        return None
    return labels


@functools.cache
def imagenet_labels() -> tuple[str, ...]:
    """The 1,000 class names of ImageNet-1k (ILSVRC 2012) in the usual order, WordNet's words for each.

    Their origin and licence are stated in `swiftformer_keras/data/README.md`.
    """
    return read_labels(data.imagenet_labels_file())


def check_labels(labels: tuple[str, ...], num_classes: int, where: str | os.PathLike[str]) -> tuple[str, ...]:
    """The same labels; refused where they are not as many as the model has classes.

    Args:
        labels: in class order.
        num_classes: of the model.
        where: the file, or what else the labels came from.

    Raises:
        LabelsError: too few or too many.
    """
    if len(labels) != num_classes:
        raise LabelsError(
            f"{shown(where)}: has {len(labels)} labels, but the model has {num_classes} classes. "
            "Give one label for each class, in class order"
        )
    return labels


def as_labels(labels: Any, num_classes: int, where: str = "labels") -> tuple[str, ...]:
    """A list or tuple of class names, checked as those of a file are.

    Raises:
        LabelsError: it is no list, a label is no text or unfit to be shown, or there are not `num_classes`.
    """
    if not isinstance(labels, (list, tuple)):
        raise LabelsError(f"{where}: must be a list of class names, not {shown(repr(labels), 60)}")
    return check_labels(_checked(list(labels), where, "class", first=0), num_classes, where)


def repeated_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """The labels that more than one class has, in order of first appearance."""
    return tuple(label for label, count in Counter(labels).items() if count > 1)


def _from_json(text: str, where: str) -> tuple[str, ...]:
    try:
        values = strict_json.parse(text)
    except ValueError as error:
        raise LabelsError(f"{where}: is not valid JSON ({shown(error, 100)}). Correct it") from None
    if isinstance(values, dict) and "id2label" in values:
        values = values["id2label"]
    if isinstance(values, list):
        return _checked(values, where, "entry", first=0)
    if not isinstance(values, dict):
        raise LabelsError(f"{where}: is neither a list nor a dictionary of labels. Correct it")
    labels = labels_from_id2label(values, where)
    if labels is None:
        raise LabelsError(f"{where}: has only the placeholders LABEL_0, LABEL_1, …. Write the class names in")
    return labels


def _checked(labels: list[Any], where: str, unit: str, first: int) -> tuple[str, ...]:
    """The labels without blanks around them, each one line that may go to a terminal."""
    if not labels:
        raise LabelsError(f"{where}: holds no labels. Name every class")
    checked = []
    for number, label in enumerate(labels, first):
        place = f"{where}, {unit} {number}"
        if not isinstance(label, str):
            raise LabelsError(
                f"{place}: is {shown(repr(label), 60)} and not text. Write the class name as text"
            )
        label = label.strip(" \t\u00a0")
        if not label:
            raise LabelsError(f"{place}: is empty. Give every class a label")
        if len(label) > MAX_LABEL_LENGTH:
            raise LabelsError(
                f"{place}: has {len(label)} characters, more than {MAX_LABEL_LENGTH}. Shorten the label"
            )
        for character in label:
            if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _BIDI_CONTROLS:
                raise LabelsError(
                    f"{place}: {shown(repr(label), 60)} has the control character U+{ord(character):04X}. "
                    "Write the label in plain text, one a line"
                )
        checked.append(label)
    return tuple(checked)
