"""Rounding and summing, against numpy's own float16 and facts of binary arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from converters.tflite.half.arithmetic import EXACT, HALF, LARGEST, SMALLEST_NORMAL, to_half

SEQUENTIAL = HALF["float16"]
WIDE = HALF["float32"]


def flushed(values: np.ndarray) -> np.ndarray:
    """numpy's float16 with subnormals as zeros, as float32."""
    with np.errstate(over="ignore"):
        half = np.asarray(values).astype(np.float16).astype(np.float32)
    return np.where(np.abs(half) < SMALLEST_NORMAL, np.float32(0), half)


def test_every_float16_stays_what_it_is() -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    np.testing.assert_array_equal(to_half(every), flushed(every))


def test_rounding_is_numpys_at_every_tie_and_beside_it() -> None:
    every = np.arange(0x0400, 0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    ties = (every[:-1] + every[1:]) / 2
    for values in (ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(np.inf))):
        np.testing.assert_array_equal(to_half(values), flushed(values))
        np.testing.assert_array_equal(to_half(-values), flushed(-values))


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(65519.0, LARGEST), (65520.0, np.inf), (-1e30, -np.inf), (6.1e-5, 0.0), (2.0**-14, 2.0**-14)],
)
def test_both_ends_of_the_range(value: float, rounded: float) -> None:
    assert to_half(np.float32([value]))[0] == rounded


def test_a_sum_of_ones_in_float16_ends_at_2048() -> None:
    """2048 + 1 is halfway to 2050, and 2048 is even."""
    ones = np.ones((1, 4096), np.float32)
    assert SEQUENTIAL.dot(ones, ones.T, 4096)[0, 0] == 2048
    assert SEQUENTIAL.total(ones.T)[0] == 2048
    assert SEQUENTIAL.total_of_products(list(ones.T), ones.T)[0] == 2048
    for wide in (WIDE, EXACT):
        assert wide.dot(ones, ones.T, 4096)[0, 0] == 4096
        assert wide.total(ones.T)[0] == 4096
        assert wide.total_of_products(list(ones.T), ones.T)[0] == 4096


def test_products_too_small_for_float16_never_add_up() -> None:
    """Each sum of one such product is subnormal, and flushed before the next; also where the accumulator is wide."""
    small = np.full((1, 1000), 2.0**-8, np.float32)
    for narrow in (SEQUENTIAL, WIDE):
        assert narrow.dot(small, small.T, 1000)[0, 0] == 0
        assert narrow.total_of_products(list(small.T), small.T)[0] == 0
    assert EXACT.dot(small, small.T, 1000)[0, 0] == 1000 * 2.0**-16


def fused(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """One fused multiply-add after another: exact in float64 before its one rounding."""
    sums = np.zeros((len(rows), matrix.shape[1]), np.float64)
    for k in range(len(matrix)):
        sums = flushed(sums + np.outer(rows[:, k].astype(np.float64), matrix[k])).astype(np.float64)
    return sums


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_sums_of_products_are_numpys_one_step_after_another(scale: float) -> None:
    rng = np.random.default_rng(5)
    rows = flushed(rng.normal(0, scale, (300, 70)))
    matrix = flushed(rng.normal(0, 1, (70, 250)))  # 300 * 250 is more than one chunk
    expected = fused(rows, matrix)
    for found in (
        SEQUENTIAL.dot(rows, matrix, 70),
        SEQUENTIAL.total_of_products([rows[:, k : k + 1] for k in range(70)], matrix),
    ):
        differing = found != expected
        assert differing.mean() < 0.01, "a double rounding in 2^13, 70 times"
        assert np.abs(found - expected).max() <= 4 * np.spacing(np.float16(np.abs(expected).max()))


@pytest.mark.parametrize("channels", [3, 8, 10])
def test_float32_accumulators_take_four_channels_that_were_added_in_float16(channels: int) -> None:
    """`r += TO_ACCUM_TYPE(S.x * F0 + S.y * F1 + S.z * F2 + S.w * F3)`, the last of a filter tap with what is left."""
    rng = np.random.default_rng(6)
    taps = 6
    rows = flushed(rng.normal(0, 1, (300, taps * channels)))
    matrix = flushed(rng.normal(0, 1, (taps * channels, 250)))
    expected = np.zeros((300, 250))
    for tap in range(taps):
        for start in range(0, channels, 4):
            part = slice(tap * channels + start, tap * channels + min(start + 4, channels))
            expected += fused(rows[:, part], matrix[part])
    found = WIDE.dot(rows, matrix, channels)
    differing = np.abs(found - expected) > 2.0**-16
    assert differing.mean() < 0.01, "a double rounding in 2^13, 60 times"
    assert np.abs(found - rows.astype(np.float64) @ matrix).mean() > 2.0**-13, "and not all in float32"


def test_float32_accumulators_take_each_product_of_a_depthwise_filter() -> None:
    """`r += TO_ACCUM_TYPE(src_final * f)`."""
    rng = np.random.default_rng(7)
    terms, factors = (flushed(rng.normal(0, 1, (9, 50))) for _ in range(2))
    expected = flushed(terms * factors).astype(np.float64).sum(axis=0)
    np.testing.assert_allclose(WIDE.total_of_products(list(terms), factors), expected, rtol=0, atol=1e-6)


def test_a_mean_is_rounded_inside_only_where_its_sum_is() -> None:
    """1 / 3 in float16 is 0.33325, and 3,000 times it 999.8."""
    terms = np.full((3, 1), 1000, np.float32)
    assert WIDE.mean(terms)[0] == 1000
    assert to_half(SEQUENTIAL.mean(terms))[0] == np.float16(3000 * np.float64(np.float16(1 / 3)))
    assert EXACT.mean(terms)[0] == 1000


def test_a_sum_that_overflows_on_its_way_stays_infinite() -> None:
    terms = np.float32([60000, 60000, -60000, -60000])[:, None]
    assert SEQUENTIAL.total(terms)[0] == np.inf
    assert np.isnan(SEQUENTIAL.total(np.float32([60000, 60000, -np.inf])[:, None])[0])
    assert HALF["float32"].total(terms)[0] == 0


def test_rows_without_overflow_are_not_touched_by_others() -> None:
    rows = np.float32([[60000, 60000], [1, 2]])
    np.testing.assert_array_equal(SEQUENTIAL.dot(rows, np.ones((2, 1), np.float32), 2), [[np.inf], [3]])
