"""What `--calibration` may name, and every file that must be refused instead of believed."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters.tflite import picture_arrays
from converters.tflite.picture_arrays import ArrayPicture
from converters.tflite.picture_sources import find_source, true_classes
from swiftformer_keras import data
from swiftformer_keras.errors import LabelsError, PictureError
from tests.converters.tflite import pictures
from tests.harness import FIXTURES, assert_refused

FASHION = Path("/usr/share/datasets/fashion-mnist")


def refused(path: Path, *mentions: str) -> None:
    assert_refused(PictureError, lambda: find_source(path), *mentions)


def test_the_word_demo_is_the_packages_own_pictures() -> None:
    found = find_source("demo")
    assert [picture.name for picture in found] == [path.name for path in data.calibration_pictures()]
    assert true_classes(tuple(found), data.demo_labels().read_text().splitlines(), 10) is None


def test_folders_named_after_classes_give_them(tmp_path: Path) -> None:
    for number, name in enumerate(("bag", "Ankle boot", "t-shirt-top")):
        pictures.fashion(tmp_path / name, 2, first=2 * number)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("no picture")
    found = tuple(find_source(tmp_path))
    labels = ("T-shirt/top", "Bag", "Ankle boot")
    assert [picture.label for picture in found] == [*["Ankle boot"] * 2, *["bag"] * 2, *["t-shirt-top"] * 2]
    assert true_classes(found, labels, 3).tolist() == [2, 2, 1, 1, 0, 0]
    assert_refused(LabelsError, lambda: true_classes(found, ("cat", "dog"), 2), "'Ankle boot'", "none of")
    assert_refused(LabelsError, lambda: true_classes(found, None, 2), "none of")


def test_pictures_beside_folders_have_no_class(tmp_path: Path) -> None:
    pictures.fashion(tmp_path / "bag", 2)
    pictures.fashion(tmp_path, 3)
    assert [picture.label for picture in find_source(tmp_path)] == [None] * 3


@pytest.mark.parametrize("packed", [False, True])
def test_arrays_are_pictures_as_they_were_saved(tmp_path: Path, packed: bool) -> None:
    array = np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3), np.uint8)
    path = tmp_path / ("x.npz" if packed else "x.npy")
    if packed:
        np.savez_compressed(path, x=array, y=np.array([3, 1, 0, 9, 10]), other=np.array([1.5]))
    else:
        np.save(path, array)
    found = tuple(find_source(path))
    for picture, pixels in zip(found, array, strict=True):
        np.testing.assert_array_equal(np.asarray(picture.open()), pixels)
    assert found[2].name == f"{path.name}[2]"
    if packed:
        assert true_classes(found[:4], None, 10).tolist() == [3, 1, 0, 9]
        assert_refused(LabelsError, lambda: true_classes(found, None, 10), "10")
    else:
        assert true_classes(found, None, 10) is None


def test_grey_and_fortran_arrays_are_read_too(tmp_path: Path) -> None:
    with np.load(FIXTURES / "fashion_mnist_1000.npz") as stored:
        grey, labels = stored["pictures"][:4], stored["labels"][:4]
    np.savez(tmp_path / "x.npz", pictures=np.asfortranarray(grey), labels=labels)
    found = find_source(tmp_path / "x.npz")
    np.testing.assert_array_equal(np.asarray(found[1].open())[..., 2], grey[1])
    assert [picture.label for picture in found] == labels.tolist()


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def saved(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


HOSTILE: dict[str, tuple[bytes, str]] = {
    "no array": (b"GIF89a and so on", "no .npy or .npz"),
    "empty": (b"", "no .npy or .npz"),
    "objects": (saved(np.array([{"a": 1}], object)), "object"),
    "floats": (saved(np.zeros((2, 8, 8, 3), np.float32)), "float32"),
    "rank 2": (saved(np.zeros((8, 8), np.uint8)), "no array of pictures"),
    "one picture in colour": (saved(np.zeros((64, 48, 3), np.uint8)), "no array of pictures"),
    "four channels": (saved(np.zeros((2, 8, 8, 4), np.uint8)), "no array of pictures"),
    "no pictures at all": (saved(np.zeros((0, 8, 8, 3), np.uint8)), "no array of pictures"),
    "cut short": (saved(np.zeros((2, 8, 8, 3), np.uint8))[:-1], "cut short"),
    "header cut short": (saved(np.zeros((2, 8, 8, 3), np.uint8))[:40], "header is damaged"),
    "a header that is code": (npy("__import__('os').abort()"), "header is damaged"),
    "a header that nests": (npy("(" * 9000), "header is damaged"),
    "negative size": (
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 8, 8)}"),
        "header is damaged",
    ),
    "too large": (
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (99999, 999, 999)}"),
        "more than are read",
    ),
    "sizes beyond all bounds": (
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 99999999999999999999999, 3)}"),
        "header is damaged",
    ),
    "seventy dimensions": (
        npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {(1,) * 70}}}", b"1"),
        "no array of pictures",
    ),
    "damaged zip": (b"PK\x03\x04" + bytes(40), "damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_that_are_no_pictures_are_refused(tmp_path: Path, name: str) -> None:
    content, mention = HOSTILE[name]
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    refused(path, mention)


def test_archives_with_several_or_forged_arrays_are_refused(tmp_path: Path) -> None:
    array = np.zeros((2, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "two.npz", a=array, b=array)
    refused(tmp_path / "two.npz", "several arrays")
    with zipfile.ZipFile(tmp_path / "objects.npz", "w") as archive:
        archive.writestr("x.npy", saved(np.array([{"a": 1}], object)))
    refused(tmp_path / "objects.npz", "no array of pictures")
    np.savez_compressed(
        tmp_path / "flip.npz", a=np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    )
    content = bytearray((tmp_path / "flip.npz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "flip.npz").write_bytes(content)
    refused(tmp_path / "flip.npz", "damaged")


def archive_of(method: int, **arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", saved(array))
    return content.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_archives_that_numpy_does_not_write_are_refused(tmp_path: Path, method: int) -> None:
    (tmp_path / "x.npz").write_bytes(archive_of(method, x=np.zeros((4, 8, 8), np.uint8)))
    refused(tmp_path / "x.npz", "numpy does not write")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_with_bytes_changed_are_read_or_refused(tmp_path: Path, method: int) -> None:
    """Names that are no text, offsets beyond the file, checksums that do not fit: one line each, never a traceback."""
    rng, path = np.random.default_rng(4), tmp_path / "x.npz"
    good = archive_of(method, x=rng.integers(0, 256, (9, 8, 8, 3), np.uint8), y=np.arange(9))
    outcomes = set()
    for _ in range(1500):
        content = bytearray(good)
        ends = [*range(60), *range(len(good) - 160, len(good))]
        for place in rng.choice(ends, rng.integers(1, 5)):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        try:
            outcomes.add(len(find_source(path)))
        except PictureError:
            outcomes.add("refused")
    assert outcomes == {9, "refused"}


def test_of_an_archive_only_pictures_and_classes_are_read(tmp_path: Path) -> None:
    """30 MB that are no pictures cost nothing, and what shrinks like a bomb is refused before it is unpacked."""
    others = {f"other{number}": np.zeros(5_000_000, np.uint8) for number in range(6)}
    pictures_, classes = np.full((5, 8, 8), 7, np.uint8), np.arange(5)
    path = tmp_path / "x.npz"
    path.write_bytes(archive_of(zipfile.ZIP_DEFLATED, x=pictures_, y=classes, **others))
    tracemalloc.start()
    try:
        assert [picture.label for picture in find_source(path)] == [0, 1, 2, 3, 4]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
        path.write_bytes(archive_of(zipfile.ZIP_DEFLATED, x=np.zeros((8000, 100, 100), np.uint8)))
        tracemalloc.reset_peak()
        refused(path, "claims too much")
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def idx(array: np.ndarray) -> bytes:
    """yann.lecun.com/exdb/mnist: two zeros, the type, the rank, the sizes big-endian, the values."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_of_idx_files_gives_its_training_part(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix else bytes
    array = np.arange(4 * 6 * 5, dtype=np.uint8).reshape(4, 6, 5)
    for part, values in (("train", array), ("t10k", array[:2] + 1)):
        (tmp_path / f"{part}-images-idx3-ubyte{suffix}").write_bytes(pack(idx(values)))
        (tmp_path / f"{part}-labels-idx1-ubyte{suffix}").write_bytes(
            pack(idx(np.arange(len(values), dtype=np.uint8)))
        )
    found = find_source(tmp_path)
    assert [picture.label for picture in found] == [0, 1, 2, 3]
    np.testing.assert_array_equal(np.asarray(found[3].open())[..., 0], array[3])


@pytest.mark.parametrize(
    ("content", "mention"),
    [
        (b"", "no idx file"),
        (bytes([0, 0, 13, 3]) + bytes(12), "no idx file"),
        (idx(np.zeros((2, 4, 4), np.uint8))[:-1], "cut short"),
        (idx(np.zeros((2, 4, 4), np.uint8)) + b"x", "more than it says"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "more than are read"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 1 << 14, 100, 100), "claims too much"),
        (bytes([0, 0, 8, 3, 0]), "cannot be read"),
        (idx(np.zeros(7, np.uint8)), "rank 1, not of 3"),
        (bytes([0, 0, 8, 255]) + bytes(1020), "rank 255"),
    ],
)
def test_idx_files_that_lie_are_refused(tmp_path: Path, content: bytes, mention: str) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    refused(tmp_path, mention)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((2, 4, 4), np.uint8)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    refused(tmp_path, "one class a picture")


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(idx(np.zeros((2, 4, 4), np.uint8)))[:-9]
    )
    refused(tmp_path, "damaged")


@pytest.mark.parametrize("place", [-8, -5, -1, None])
def test_a_gzip_file_whose_checksum_or_end_is_wrong_is_refused(tmp_path: Path, place: int | None) -> None:
    content = bytearray(gzip.compress(idx(np.arange(2 * 16, dtype=np.uint8).reshape(2, 4, 4))))
    if place is None:
        content += b"more"
    else:
        content[place] ^= 1
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content)
    refused(tmp_path, "damaged")


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist_is_the_packages_own() -> None:
    found = find_source(FASHION)
    assert len(found) == 60_000
    for picture, path in zip(found, data.calibration_pictures()[:20], strict=False):
        np.testing.assert_array_equal(np.asarray(picture.open()), np.asarray(Image.open(path).convert("RGB")))


def test_what_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "no such folder")
    refused(tmp_path, "holds no pictures")
    (tmp_path / "inside").mkdir()
    refused(tmp_path, "neither it nor the folders in it hold pictures")
    refused(Path("a\0b"), "no such folder")


def test_arrays_are_never_larger_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8, 3), np.uint8))
    monkeypatch.setattr(picture_arrays, "MAX_ARRAY_BYTES", 2 * 8 * 8 * 3 - 1)
    refused(tmp_path / "x.npy", "384 bytes")


def test_pictures_of_one_source_are_told_apart() -> None:
    assert ArrayPicture("x", 0) != ArrayPicture("x", 1)
    assert ArrayPicture("x", 0) == ArrayPicture("x", 0, None, np.ones(3))
