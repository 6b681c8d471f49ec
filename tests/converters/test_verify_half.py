"""Files judged in half precision: the figures are `half`'s; here the bounds and what is said of a miss."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from PIL import Image

from converters.tflite.metadata import write_metadata
from converters.verify_half import verify_half
from swiftformer_keras.errors import MetadataError, PictureError, TFLiteFileError
from swiftformer_keras.preprocessing import Preprocessing
from tests.converters.tflite.models import card, tiny, written
from tests.harness import assert_refused


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, colour in (("a", (250, 240, 230)), ("b", (20, 130, 60))):
        Image.new("RGB", (40, 40), colour).save(folder / f"{name}.png")
    return folder


def file(folder: Path, change: Callable[[Any], None] | None = None) -> Path:
    return written(folder, write_metadata(tiny(change), card()))


def test_a_mean_of_pixels_overflows_with_half_accumulators_only(tmp_path: Path, images: Path) -> None:
    """32 * 24 * 250 is 192,000, and float16 ends at 65,504; the mean itself is 250."""
    found = verify_half(file(tmp_path), images=images)
    wide, half = found.losses
    assert wide.overflowing is None
    assert half.overflowing is not None
    assert (half.overflowing.operator, half.overflowing.overflows) == ("MEAN", 3)
    assert len(found.missed) == 1
    assert "float16 accumulators operator 0 (MEAN, mean) overflows (up to 250 there" in found.missed[0]
    assert found.pictures == 2
    assert found.to_dict()["losses"][1]["operators"][0]["tensor"] == "mean"


def test_the_result_and_each_operator_have_bounds(tmp_path: Path, images: Path) -> None:
    path = file(tmp_path)
    high = verify_half(path, images=images, min_sqnr_db=300).missed[0]
    assert "with float32 accumulators scores" in high
    assert "less than 300" in high
    assert "loses most" in high
    losing = verify_half(path, images=images, min_operator_sqnr_db=200).missed[0]
    assert "(FULLY_CONNECTED, scores) loses more than 200 dB" in losing


def test_unreadable_pictures_are_skipped(tmp_path: Path, images: Path) -> None:
    (images / "c.png").write_bytes(b"none")
    found = verify_half(file(tmp_path), images=images)
    assert (found.pictures, len(found.skipped)) == (2, 1)
    for name in ("a", "b"):
        (images / f"{name}.png").write_bytes(b"none")
    assert_refused(PictureError, lambda: verify_half(file(tmp_path), images=images), "none of its pictures")


def test_the_packages_pictures_are_the_default(tmp_path: Path) -> None:
    found = verify_half(file(tmp_path), samples=1)
    assert found.pictures == 1
    assert "no --images" in found.notes[0]


def bytes_in(model: Any) -> None:
    model.subgraphs[0].tensors[0].type = schema.TensorType.UINT8


def channels_first(model: Any) -> None:
    model.subgraphs[0].tensors[0].shape = np.array([1, 3, 32, 24], np.int32)


@pytest.mark.parametrize(
    ("change", "mention"), [(bytes_in, "takes uint8"), (channels_first, "(1, 3, 32, 24)")]
)
def test_other_inputs_are_refused(tmp_path: Path, images: Path, change: Any, mention: str) -> None:
    path = written(tmp_path, tiny(change))
    contract = Preprocessing(32, 24, "squash")
    assert_refused(
        TFLiteFileError, lambda: verify_half(path, images=images, preprocessing=contract), str(path), mention
    )


def test_a_file_without_metadata_needs_the_option(tmp_path: Path, images: Path) -> None:
    path = written(tmp_path, tiny())
    assert_refused(MetadataError, lambda: verify_half(path, images=images), "--preprocessing")
    contract = Preprocessing(8, 8, "squash", mean=(0, 0, 0), std=(1, 1, 1))
    assert verify_half(path, images=images, preprocessing=contract).pictures == 2
