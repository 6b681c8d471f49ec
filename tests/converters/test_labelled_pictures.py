"""Pictures and their true classes, from folders and lists."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from converters.labelled_pictures import class_numbers, find_labelled, read_truths
from swiftformer_keras import data
from swiftformer_keras.errors import LabelsError, PictureError
from tests.harness import assert_refused

LABELS = ("T-shirt/top", "Ankle boot", "crane", "crane", "7")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)
    return path


def test_a_folder_of_pictures_has_no_classes(tmp_path: Path) -> None:
    put(tmp_path / "b.png")
    put(tmp_path / "a.png")
    put(tmp_path / "inside" / "c.png")
    found = find_labelled(tmp_path)
    assert [(each.path.name, each.truth) for each in found] == [("a.png", None), ("b.png", None)]


def test_folders_of_pictures_are_classes(tmp_path: Path) -> None:
    for name in ("Ankle boot/1.png", "crane/2.png", ".hidden/3.png"):
        put(tmp_path / name)
    (tmp_path / "empty").mkdir()
    found = find_labelled(tmp_path)
    assert [(each.path.name, each.truth) for each in found] == [("1.png", "Ankle boot"), ("2.png", "crane")]


def test_a_list_says_the_classes(tmp_path: Path) -> None:
    put(tmp_path / "pictures" / "a.png")
    put(tmp_path / "pictures" / "b, c.png")
    truths = tmp_path / "truths.csv"
    truths.write_text('picture,class\r\na.png,Ankle boot\r\n"b, c.png",7\r\nelse.png,0\r\n', "utf-8-sig")
    found = find_labelled(tmp_path / "pictures", truths)
    assert [each.truth for each in found] == ["Ankle boot", "7"]
    put(tmp_path / "pictures" / "new.png")
    assert_refused(LabelsError, lambda: find_labelled(tmp_path / "pictures", truths), "new.png", str(truths))


@pytest.mark.parametrize(
    ("content", "mention"),
    [
        (b"a.png", "row 1"),
        (b"a.png,x,y", "row 1"),
        (b"a.png,x\nb.png,", "row 2"),
        (b"a.png,x\na.png,y", "'a.png' comes twice"),
        (b"\xff\xfe", "UTF-8"),
        (b'"a.png,x', "cannot be read"),
        (b"a" * 200_000 + b",x", "cannot be read"),
    ],
)
def test_lists_that_make_no_sense_are_refused(tmp_path: Path, content: bytes, mention: str) -> None:
    path = tmp_path / "truths.csv"
    path.write_bytes(content)
    assert_refused(LabelsError, lambda: read_truths(path), str(path), mention)


def test_no_list_and_no_pictures(tmp_path: Path) -> None:
    assert_refused(LabelsError, lambda: read_truths(tmp_path), "not a file")
    assert_refused(PictureError, lambda: find_labelled(tmp_path / "absent"), "no such folder")
    assert_refused(PictureError, lambda: find_labelled(tmp_path), "holds no pictures")
    (tmp_path / "empty").mkdir()
    assert_refused(PictureError, lambda: find_labelled(tmp_path), "nor the folders in it")


def test_classes_are_called_by_label_file_name_or_number() -> None:
    found = class_numbers(["T-shirt/top", "t-shirt-top", "ankle boot", "3", "7", "T-shirt/top"], LABELS, 5)
    assert found == {"T-shirt/top": 0, "t-shirt-top": 0, "ankle boot": 1, "3": 3, "7": 4}
    assert class_numbers(["2"], None, 3) == {"2": 2}


def test_the_packages_own_picture_names_are_classes() -> None:
    labels = data.demo_labels().read_text("utf-8").splitlines()
    names = [path.stem.rsplit("_", 1)[0] for path, _ in data.demo_pictures()]
    numbers = class_numbers(names, labels, 10)
    assert [labels[numbers[name]] for name in names] == [label for _, label in data.demo_pictures()]


@pytest.mark.parametrize(
    ("name", "labels", "mention"),
    [
        ("boots", LABELS, "'boots': is none"),
        ("5", LABELS, "'5': is none"),
        ("-1", None, "'-1': is none of the models' 5 classes"),
        ("٣", None, "is none"),
        ("crane", LABELS, "2 classes are called so"),
    ],
)
def test_what_is_no_class_is_refused(name: str, labels: tuple[str, ...] | None, mention: str) -> None:
    assert_refused(LabelsError, lambda: class_numbers([name], labels, 5), mention)
