"""Every variant and size in int8: one XNNPACK partition, nothing left out, near Keras on pictures not seen before.

The reference weights are random, so int8 has less room than in a trained network, and few pictures calibrate the
large variants; how near a trained network is, `test_quantize.py` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.load import load_checkpoint
from converters.tflite.check import compare, delegation, interpreter_of, run_tflite
from converters.tflite.picture_sources import find_source
from converters.tflite.quantize import quantize
from converters.tflite.sensitivity import groups_of
from swiftformer_keras import data
from swiftformer_keras.preprocessing import PREPROCESSINGS, apply, normalize
from tests import reference
from tests.converters.tflite.pictures import synthetic

CALIBRATION_SEED, TEST_SEED = 7, 8

CASES: tuple[tuple[str, str, int, float], ...] = (
    ("swiftformer_xs", "l2norm", 224, 28),
    ("swiftformer_xs", "ones", 224, 28),
    ("swiftformer_xs", "l2norm", 64, 25),
    ("swiftformer_xs", "ones", 64, 25),
    ("swiftformer_xs", "l2norm", 192, 25),
    ("swiftformer_xs", "ones", 384, 25),
    ("swiftformer_s", "l2norm", 224, 25),
    ("swiftformer_s", "ones", 224, 25),
    ("swiftformer_l1", "l2norm", 224, 25),
    ("swiftformer_l3", "ones", 224, 25),
)
"""Variant, attention, input size in pixels, least signal-to-noise ratio in dB; the costly ones with one attention."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("variants")


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "attention", "size", "bound"), CASES)
def test_one_partition_and_near_keras(
    folder: Path, variant: str, attention: str, size: int, bound: float
) -> None:
    small = variant == "swiftformer_xs" and size < 300
    contract = PREPROCESSINGS["timm"].with_size(size, size)
    model: Any = reference.classifier(variant, attention, preprocessing=contract)
    path = folder / f"{variant}_{attention}_{size}.tflite"
    quantize(
        model,
        path,
        calibration=synthetic(folder / "calibration", 72, CALIBRATION_SEED),
        samples=64 if small else 24,
        held_out=8,
        min_sqnr_db=bound,
    )
    split = delegation(path)
    assert (split.partitions, split.left) == (1, ())

    pictures = find_source(synthetic(folder / "test", 8, TEST_SEED))
    pixels = np.stack([apply(picture.open(), contract) for picture in pictures])
    found = compare(run_tflite(path, pixels), np.asarray(model(normalize(pixels, contract))))
    assert found.sqnr_db is not None
    assert found.sqnr_db >= bound


@pytest.mark.slow
def test_mixed_of_xs_meets_a_bound_that_int8_does_not(folder: Path) -> None:
    """The trained network: int8 with the tanh form has 36 dB there."""
    model: Any = load_checkpoint(
        data.demo_checkpoint(), preprocessing=data.demo_preprocessing(), labels=data.demo_labels()
    ).model
    path = folder / "mixed.tflite"
    report = quantize(model, path, calibration="demo", scheme="mixed", min_sqnr_db=38)
    assert report.sqnr_db is not None
    assert report.sqnr_db >= 38
    groups = groups_of(tensor["name"] for tensor in interpreter_of(path).get_tensor_details())
    assert 0 < len(report.float_groups) < len(groups), "some in float, not all"
    split = delegation(path)
    assert (split.partitions, split.left) == (1, ())
