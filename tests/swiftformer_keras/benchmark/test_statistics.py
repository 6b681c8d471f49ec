"""Quantiles, intervals and ratios beside scipy's, and what they cover when the truth is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from swiftformer_keras.benchmark import statistics

ROUNDS = 40_000  # simulated runs: a share of 95 % is then known to 0.1 %
STATED = 0.01  # a coverage may be this much below what is stated

# Process medians as phones give them: symmetric, skewed, two modes (a core changed), heavy tails, coarse clock.
SHAPES = {
    "normal": lambda random, size: 10 + random.normal(0, 0.2, size),
    "skewed": lambda random, size: 10 + random.exponential(0.5, size),
    "two modes": lambda random, size: (
        np.where(random.random(size) < 0.4, 12, 10) + random.normal(0, 0.1, size)
    ),
    "heavy tails": lambda random, size: 10 * np.exp(0.02 * random.standard_t(2, size)),
    "a far mode": lambda random, size: np.where(
        random.random(size) < 0.49, 14, random.uniform(9.9, 10, size)
    ),
    "a near mode": lambda random, size: np.where(
        random.random(size) < 0.49, 7, random.uniform(10, 10.1, size)
    ),
    "coarse clock": lambda random, size: np.round(10 + random.normal(0, 0.2, size), 1),
}

MEDIANS = {
    "normal": 10,
    "skewed": 10 + stats.expon(scale=0.5).median(),
    "two modes": 10 + stats.norm(scale=0.1).ppf(0.5 / 0.6),
    "heavy tails": 10,
    "a far mode": 9.9 + 0.1 * 0.5 / 0.51,
    "a near mode": 10 + 0.1 * 0.01 / 0.51,
    "coarse clock": 10,
}
MIXED = list(itertools.product(SHAPES, repeat=2))


@pytest.mark.parametrize("name", SHAPES)
def test_the_shapes_have_these_medians(name):
    values = SHAPES[name](np.random.default_rng(1), 400_001)
    assert np.median(values) == pytest.approx(MEDIANS[name], rel=1e-3)


@pytest.mark.parametrize("name", SHAPES)
def test_figures_of_runs_are_scipys(name):
    values = SHAPES[name](np.random.default_rng(3), 257)
    found = statistics.summarise(values.tolist())
    assert found.mad == pytest.approx(stats.median_abs_deviation(values), rel=1e-12)
    assert found.mean == pytest.approx(stats.tmean(values), rel=1e-12)
    expected = stats.mstats.mquantiles(values, (0.5, 0.9, 0.99), alphap=1, betap=1)  # Hyndman & Fan's seventh
    assert (found.p50, found.p90, found.p99) == pytest.approx(expected, rel=1e-12)
    assert (found.count, found.minimum, found.maximum) == (257, values.min(), values.max())


def test_no_runs_have_no_figures():
    with pytest.raises(ValueError, match="no samples"):
        statistics.summarise(())


@pytest.mark.parametrize(("n", "rank", "percent"), [(6, 1, "96.9"), (9, 2, "96.1"), (12, 3, "96.1")])
def test_the_median_interval_has_the_stated_ranks_and_coverage(n, rank, percent):
    found = statistics.median_interval(list(range(1, n + 1)))
    assert (found.low, found.high) == (rank, n + 1 - rank)
    assert f"{100 * found.coverage:.1f}" == percent
    assert found.coverage == pytest.approx(1 - 2 * stats.binom.cdf(rank - 1, n, 0.5), abs=1e-12)


@pytest.mark.parametrize("n", range(1, 40))
def test_the_median_interval_is_that_of_scipys_quantile_test(n):
    values = np.random.default_rng(n).normal(size=n)
    found = statistics.median_interval(values.tolist())
    if n < 6:
        assert found is None
        return
    expected = stats.quantile_test(values, q=0, p=0.5).confidence_interval(0.95)
    assert (found.low, found.high) == (expected.low, expected.high)


@pytest.mark.parametrize("n", [6, 9, 12])
@pytest.mark.parametrize("name", SHAPES)
def test_the_median_interval_covers_what_it_states(n, name):
    random = np.random.default_rng(n)
    truth = np.median(SHAPES[name](random, 2_000_001))
    values = np.sort(SHAPES[name](random, (ROUNDS, n)), axis=1)
    found = statistics.median_interval(list(range(n)))
    covered = (values[:, found.low] <= truth) & (truth <= values[:, found.high])
    assert covered.mean() >= found.coverage - STATED


def simulated_ratio(random, names, n, m, drift=1.0, miss=statistics.MISS):
    """Intervals of many simulated ratios as (lower ends, upper ends), the true ratio, and the stated coverage."""
    left, right = (statistics.median_interval(list(range(size)), miss) for size in (n, m))
    a = np.sort(SHAPES[names[0]](random, (ROUNDS // 4, n)) * drift, axis=1)
    b = np.sort(SHAPES[names[1]](random, (ROUNDS // 4, m)) * drift, axis=1)
    lows, highs = a[:, left.low] / b[:, right.high], a[:, left.high] / b[:, right.low]
    stated = statistics.ratio_of_medians([1.0] * n, [1.0] * m, miss).interval.coverage
    return lows, highs, MEDIANS[names[0]] / MEDIANS[names[1]], stated


@pytest.mark.parametrize(("n", "m"), [(6, 6), (9, 9), (12, 12), (12, 6)])
def test_the_ratio_covers_what_it_states_whatever_the_two_shapes(n, m):
    """In fact it covers more: what two intervals of 95 % miss, they hardly ever miss in the same direction."""
    random = np.random.default_rng(n * m)
    for names in MIXED:
        lows, highs, ratio, stated = simulated_ratio(random, names, n, m)
        covered = ((lows <= ratio * (1 + 1e-12)) & (ratio * (1 - 1e-12) <= highs)).mean()
        assert covered >= max(stated, 0.96) - STATED, names


@pytest.mark.parametrize(("n", "miss"), [(6, 0.5**6), (9, 0.5**9), (12, 0.5**12), (12, 0.0125), (12, 0.025)])
def test_the_ratio_is_missed_on_either_side_as_rarely_as_stated(n, miss):
    """One-sided, as the regression check looks at it: the whole interval above the true ratio, or below."""
    random = np.random.default_rng(n)
    for names in MIXED:
        lows, highs, ratio, stated = simulated_ratio(random, names, n, n, miss=miss)
        assert (1 - stated) / 2 <= 2 * miss
        for missed in (lows > ratio * (1 + 1e-12), highs < ratio * (1 - 1e-12)):
            assert missed.mean() <= (1 - stated) / 2 + STATED / 2, names


@pytest.mark.parametrize("n", [6, 9, 12])
@pytest.mark.parametrize("name", SHAPES)
def test_the_ratio_within_a_run_covers_through_drift(n, name):
    """The phone grows 20 % slower over the run, by steps of its own, which the rounds share."""
    random = np.random.default_rng(100 + n)
    drift = np.linspace(1, 1.2, n) * np.exp(random.normal(0, 0.05, (ROUNDS // 4, n)))
    lows, highs, ratio, stated = simulated_ratio(random, (name, name), n, n, drift)
    assert ((lows <= ratio) & (ratio <= highs)).mean() >= stated - STATED


@pytest.mark.parametrize(("n", "percent"), [(6, "93.8"), (9, "92.2"), (12, "92.3")])
def test_the_ratio_states_what_its_two_medians_miss_together(n, percent):
    found = statistics.ratio_of_medians([1.0] * n, [1.0] * n)
    alone = stats.binom.cdf(statistics.order_rank(n, statistics.MISS) - 1, n, 0.5)
    assert found.interval.coverage == pytest.approx(1 - 4 * alone, abs=1e-12)
    assert f"{100 * found.interval.coverage:.1f}" == percent


def test_the_ratio_within_a_run_is_of_the_shared_rounds():
    slow = {0: 20.0, 1: 22.0, 2: 24.0, 3: 26.0, 4: 28.0, 5: 30.0, 6: 99.0}
    fast = {0: 10.0, 1: 11.0, 2: 12.0, 3: 13.0, 4: 14.0, 5: 15.0, 7: 1.0}
    found = statistics.paired_ratio(slow, fast)
    assert found.value == 2.0
    assert (found.interval.low, found.interval.high) == (20 / 15, 30 / 10)
    assert found.is_clear


def test_the_ratio_is_of_the_medians_and_its_ends_of_theirs():
    first, second = [float(value) for value in range(20, 32)], [float(value) for value in range(1, 10)]
    found = statistics.ratio_of_medians(first, second)
    assert found.value == 25.5 / 5
    assert (found.interval.low, found.interval.high) == (22 / 8, 29 / 2)
    turned = statistics.ratio_of_medians(second, first).interval
    assert (1 / turned.high, 1 / turned.low) == pytest.approx((found.interval.low, found.interval.high))


def test_ratios_without_enough_processes_have_no_interval():
    assert statistics.paired_ratio({0: 1.0}, {1: 1.0}) is None
    assert statistics.ratio_of_medians((), (1.0,)) is None
    few = statistics.paired_ratio(dict.fromkeys(range(5), 2.0), dict.fromkeys(range(5), 1.0))
    assert few.value == 2.0 and few.interval is None and not few.is_clear
    assert statistics.ratio_of_medians((2.0,) * 3, (1.0,) * 9).interval is None
