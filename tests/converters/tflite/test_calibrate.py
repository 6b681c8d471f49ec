"""Ranges of a model's tensors over pictures, against a model whose tensors are known by hand."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import pytest

from converters.tflite.calibrate import BINS, TensorReader, collect_ranges
from converters.tflite.graph import to_tflite
from swiftformer_keras import folding
from swiftformer_keras.folding import Conv, FoldedSwiftFormer
from tests import reference
from tests.converters.tflite import models


@functools.cache
def tiny() -> bytes:
    """A model of two operators: the mean colour of a picture, and a dense layer."""
    return models.tiny()


@functools.cache
def micro() -> tuple[FoldedSwiftFormer, bytes]:
    config, values = reference.weights("micro")
    folded = folding.fold(values, config)
    return folded, to_tflite(folded, (32, 32))


def inputs_of(values: list[np.ndarray]) -> Iterator[np.ndarray]:
    return iter(values)


def random_inputs(count: int, shape: tuple[int, int, int]) -> list[np.ndarray]:
    return list(np.random.default_rng(5).uniform(-1, 1, (count, *shape)).astype(np.float32))


def test_ranges_are_the_extremes_over_all_pictures() -> None:
    shape = tuple(TensorReader(tiny())._input["shape"][1:])
    values = random_inputs(5, shape)
    values[3][0, 0, 0] = 9.0  # one value of one picture: a moving average would cut it off
    values[1][1, 1, 1] = -7.0
    ranges = collect_ranges(tiny(), lambda: inputs_of(values))
    assert ranges["image"] == (-7.0, 9.0)
    means = np.stack([value.mean(axis=(0, 1)) for value in values])
    assert ranges["mean"] == pytest.approx((min(0, means.min()), max(0, means.max())), abs=1e-6)


def test_zero_is_always_inside() -> None:
    shape = tuple(TensorReader(tiny())._input["shape"][1:])
    assert collect_ranges(tiny(), lambda: iter([np.full(shape, 3.0, np.float32)]))["image"] == (0.0, 3.0)
    assert collect_ranges(tiny(), lambda: iter([np.full(shape, -3.0, np.float32)]))["image"] == (-3.0, 0.0)


def test_the_order_and_grouping_of_pictures_make_no_difference() -> None:
    _, data = micro()
    values = random_inputs(4, (32, 32, 3))
    assert collect_ranges(data, lambda: iter(values)) == collect_ranges(data, lambda: iter(values[::-1]))


def test_a_percentile_is_numpys_within_a_bin_and_takes_two_passes() -> None:
    shape = tuple(TensorReader(tiny())._input["shape"][1:])
    values = list(np.random.default_rng(6).normal(0, 1, (20, *shape)).astype(np.float32))
    passes = []

    def inputs() -> Iterator[np.ndarray]:
        passes.append(1)
        return iter(values)

    low, high = collect_ranges(tiny(), inputs, percentile=99.0)["image"]
    assert len(passes) == 2
    step = float(np.ptp(np.stack(values))) / BINS
    assert low == pytest.approx(float(np.percentile(np.stack(values), 0.5)), abs=2 * step)
    assert high == pytest.approx(float(np.percentile(np.stack(values), 99.5)), abs=2 * step)


def test_every_convolutions_output_has_a_range_under_its_own_name() -> None:
    folded, data = micro()
    ranges = collect_ranges(data, lambda: iter(random_inputs(2, (32, 32, 3))))
    for name, conv in folded.convs.items():
        assert isinstance(conv, Conv)
        if name not in ("head",):
            assert any(name in tensor for tensor in ranges), name
    assert all(low <= 0 <= high for low, high in ranges.values())
