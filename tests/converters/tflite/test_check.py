"""Running files and measuring differences, against files that other tools wrote and sums done by hand."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest

from converters.tflite.check import LARGE_LOGIT, compare, delegation, run_tflite
from swiftformer_keras.errors import TFLiteFileError
from tests.converters.tflite.models import tiny
from tests.harness import SHARED, assert_refused, needs_shared


def test_differences_are_those_done_by_hand() -> None:
    reference = np.array([[1.0, 2.0], [2.0, 0.0]], np.float32)
    found = compare(np.array([[1.0, 2.5], [0.0, 1.0]], np.float32), reference)
    assert found.largest == 2.0
    assert found.excess == 2.0
    assert found.agreement == 0.5
    assert found.sqnr_db == pytest.approx(10 * math.log10(9 / 5.25))


def test_large_logits_are_held_to_a_bound_in_proportion() -> None:
    reference = np.array([[10 * LARGE_LOGIT, 0.0], [1.0, 2.0]], np.float32)
    found = compare(reference + np.array([[0.0, 0.5], [0.01, 0.0]], np.float32), reference)
    assert found.largest == pytest.approx(0.5)
    assert found.excess == pytest.approx(0.05)
    assert found.largest_output == 10 * LARGE_LOGIT


def test_equal_outputs_have_no_noise() -> None:
    found = compare(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32))
    assert (found.largest, found.excess, found.sqnr_db) == (0.0, 0.0, None)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_no_numbers_differ_infinitely(value: float) -> None:
    found = compare(np.array([[value, 1.0]], np.float32), np.ones((1, 2), np.float32))
    assert found.largest == found.excess == math.inf
    assert found.sqnr_db == -math.inf


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x00" * 64, b"\x1c\x00\x00\x00TFL3" + b"\xff" * 100])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    assert_refused(TFLiteFileError, lambda: run_tflite(data, np.zeros((1, 8, 8, 3), np.float32)), "LiteRT")


def test_a_name_that_is_not_utf8_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"n\xff.tflite")
    path.write_bytes(tiny())
    assert run_tflite(path, np.zeros((1, 32, 24, 3), np.float32)).shape == (1, 4)


@needs_shared
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # design/inference-graph.md, "Static int8": counted there by other means
        ("swiftformer_xs_224_fp32", 1),
        pytest.param("swiftformer_xs_224_int8", 37, marks=pytest.mark.slow),
        pytest.param("swiftformer_xs_224_dyn8", 17, marks=pytest.mark.slow),
    ],
)
def test_partitions_of_files_by_other_tools(name: str, expected: int) -> None:
    assert SHARED is not None
    found = delegation(SHARED / "peers" / f"{name}.tflite")
    assert found.partitions == expected
    assert bool(found.left) == (expected > 1)


@needs_shared
def test_inputs_of_another_size_are_refused() -> None:
    assert SHARED is not None
    path = SHARED / "peers" / "mobilenetv2_100_224_fp32.tflite"
    assert_refused(
        TFLiteFileError, lambda: run_tflite(path, np.zeros((1, 64, 64, 3), np.float32)), "input size"
    )
