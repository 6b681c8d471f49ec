"""Label lists: the forms that are read, and at least as many that are not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from swiftformer_keras import data
from swiftformer_keras.errors import LabelsError
from swiftformer_keras.labels import (
    check_labels,
    imagenet_labels,
    labels_from_id2label,
    read_labels,
    repeated_labels,
)
from tests.harness import FIXTURES, assert_refused

ACCEPTED: dict[str, bytes] = {
    "plain": b"cat\ndog\nbird house\n",
    "no line end": b"cat\ndog\nbird house",
    "byte order mark": b"\xef\xbb\xbfcat\ndog\nbird house\n",
    "windows": b"cat\r\ndog\r\nbird house\r\n",
    "blank lines at the end": b"cat\ndog\nbird house\n\n \r\n\t\n",
    "blanks around": b" cat\ndog \n\tbird house\n",
}


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_text_files_with_one_label_a_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    assert read_labels(str(path)) == ("cat", "dog", "bird house")


JSONS: dict[str, Any] = {
    "list": ["cat", "dog", "bird house"],
    "dictionary": {"0": "cat", "1": "dog", "2": "bird house"},
    "out of order": {"2": "bird house", "0": "cat", "1": "dog"},
    "configuration": {"model_type": "swiftformer", "id2label": {"0": "cat", "1": "dog", "2": "bird house"}},
}


@pytest.mark.parametrize("content", JSONS.values(), ids=JSONS)
def test_json_files(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "labels.JSON"
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    assert read_labels(path) == ("cat", "dog", "bird house")


def test_labels_of_other_scripts_are_kept_as_they_are(tmp_path: Path) -> None:
    labels = ("猫", "chien à poil", "می\u200cخواهم", "👩\u200d🚀", "[1] {x}", "a, b; c", "🇫🇮")
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(labels), encoding="utf-8")
    assert read_labels(path) == labels


def test_class_numbers_are_ordered_as_numbers() -> None:
    labels = labels_from_id2label({str(index): f"class {index}" for index in reversed(range(12))})
    assert labels == tuple(f"class {index}" for index in range(12))
    assert labels_from_id2label({0: "a", 1: "b"}) == ("a", "b")


def test_placeholders_are_no_labels() -> None:
    assert labels_from_id2label({"0": "LABEL_0", "1": "LABEL_1"}) is None
    assert labels_from_id2label({"0": "LABEL_0", "1": "dog"}) == ("LABEL_0", "dog")


def test_repeated_labels_are_named_in_order() -> None:
    assert repeated_labels(("b", "a", "c", "b", "a", "b")) == ("b", "a")
    assert repeated_labels(("a", "b")) == ()


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "empty": ("l.txt", b"", "line 1"),
    "only blanks": ("l.txt", b" \n\n\t\n", "line 1"),
    "empty line inside": ("l.txt", b"cat\n\ndog\n", "line 2"),
    "blank line inside": ("l.txt", b"cat\ndog\n \t \nbird\n", "line 3"),
    "terminal escape": ("l.txt", b"cat\n\x1b[2Jdog\n", "U+001B"),
    "bell": ("l.txt", b"cat\x07\n", "U+0007"),
    "null": ("l.txt", b"cat\0dog\n", "U+0000"),
    "one-byte control sequence": ("l.txt", "cat\n\u009b2J\n".encode(), "U+009B"),
    "tab inside": ("l.txt", b"0\tcat\n1\tdog\n", "U+0009"),
    "old macintosh lines": ("l.txt", b"cat\rdog\r", "U+000D"),
    "line separator": ("l.txt", "cat\u2028dog\n".encode(), "U+2028"),
    "reversed writing": ("l.txt", "cat\u202egod\n".encode(), "U+202E"),
    "too long": ("l.txt", b"x" * 201, "201 characters"),
    "one endless line": ("l.txt", b"x" * 1_000_000, "1000000 characters"),
    "latin-1": ("l.txt", "caf\u00e9\n".encode("latin-1"), "UTF-8"),
    "utf-16": ("l.txt", "cat\ndog\n".encode("utf-16"), "UTF-8"),
    "a picture": ("l.txt", b"\x89PNG\r\n\x1a\n\0\0\0", "UTF-8"),
    "too large": ("l.txt", b"cat\n" * 1_100_000, "too many"),
    "json that is none": ("l.json", b"cat\ndog\n", "JSON"),
    "json empty": ("l.json", b"", "JSON"),
    "json text": ("l.json", b'"cat"', "neither"),
    "json null": ("l.json", b"null", "neither"),
    "json empty list": ("l.json", b"[]", "l.json"),
    "json empty dictionary": ("l.json", b"{}", "l.json"),
    "json nested": ("l.json", b'["cat", ["dog"]]', "entry 1"),
    "json numbers": ("l.json", b"[1, 2]", "entry 0"),
    "json escape": ("l.json", b'["cat", "\\u001b[2J"]', "U+001B"),
    "json line break": ("l.json", b'["cat\\ndog"]', "U+000A"),
    "json half a character": ("l.json", b'["\\ud800"]', "U+D800"),
    "json without a class": ("l.json", b'{"0": "cat", "2": "dog"}', "class 1"),
    "json from one": ("l.json", b'{"1": "cat", "2": "dog"}', "class 0"),
    "json twice": ("l.json", b'{"0": "cat", "0": "dog"}', "twice"),
    "json padded number": ("l.json", b'{"0": "cat", "01": "dog"}', "'01'"),
    "json names as keys": ("l.json", b'{"cat": 0, "dog": 1}', "'cat'"),
    "json other digits": ("l.json", '{"٠": "cat"}'.encode(), "class number"),
    "json huge number": ("l.json", b'{"' + b"9" * 5000 + b'": "cat"}', "class number"),
    "json deep": ("l.json", b"[" * 100_000, "JSON"),
    "json placeholders": ("l.json", b'{"0": "LABEL_0"}', "placeholders"),
    "json configuration without labels": ("config.json", b'{"model_type": "x"}', "'model_type'"),
}


@pytest.mark.parametrize(("name", "content", "mention"), REFUSED.values(), ids=REFUSED)
def test_files_that_are_no_labels_are_refused(
    name: str, content: bytes, mention: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    message = assert_refused(LabelsError, lambda: read_labels(path), name, mention)
    assert message.isprintable()
    assert len(message) < 500


def test_places_that_are_no_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "absent.txt", tmp_path / "pipe", Path("a\0b"), tmp_path / "a\nb"):
        message = assert_refused(LabelsError, lambda path=path: read_labels(path))
        assert message.isprintable()


@pytest.mark.parametrize(
    "id2label", [None, [], "cat", {}, {True: "cat"}, {0: "a", "0": "b"}, {0.0: "a"}, {0: None}]
)
def test_dictionaries_that_are_none_are_refused(id2label: Any) -> None:
    assert_refused(LabelsError, lambda: labels_from_id2label(id2label, "config.json"), "config.json")


def test_the_number_of_labels_must_be_the_models() -> None:
    assert check_labels(("a", "b"), 2, "labels.txt") == ("a", "b")
    for count in (1, 3):
        assert_refused(
            LabelsError, lambda count=count: check_labels(("a", "b"), count, "labels.txt"), "has 2 labels"
        )


def test_imagenets_labels_are_in_the_order_of_torchvision() -> None:
    theirs = (FIXTURES / "labels" / "torchvision_imagenet_categories.txt").read_text().splitlines()
    ours = imagenet_labels()
    assert len(ours) == len(theirs) == 1000
    # torchvision keeps one of WordNet's words for each class, and rewords two of them.
    reworded = {134: "crane bird", 639: "maillot tank suit"}
    for index, (label, category) in enumerate(zip(ours, theirs, strict=True)):
        assert category.lower() in label.lower() or reworded.get(index) == category, (index, label, category)
    assert repeated_labels(ours) == ("crane",)
    assert (ours[134], ours[517], ours[639]) == ("crane", "crane", "maillot, tank suit")


def test_the_demo_labels_are_fashion_mnists() -> None:
    assert read_labels(data.demo_labels()) == (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
