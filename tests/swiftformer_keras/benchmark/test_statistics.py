"""Quantiles, intervals and ratios beside scipy's, and what they cover when the truth is known."""

from __future__ import annotations

import math

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
    "coarse clock": lambda random, size: np.round(10 + random.normal(0, 0.2, size), 1),
}


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


@pytest.mark.parametrize("n", [6, 9, 12])
@pytest.mark.parametrize("name", SHAPES)
def test_the_ratio_within_a_run_covers_through_drift(n, name):
    """The phone grows 20 % slower over the run, by steps of its own: rounds share it, so it drops out."""
    random = np.random.default_rng(100 + n)
    ratio = 1.42
    drift = np.linspace(1, 1.2, n) * np.exp(random.normal(0, 0.05, (ROUNDS, n)))
    a, b = (SHAPES[name](random, (ROUNDS, n)) * drift for _ in "ab")
    ratios = np.sort(ratio * a / b, axis=1)
    ranks = statistics.paired_ratio({r: 1.0 + r for r in range(n)}, dict.fromkeys(range(n), 1.0)).interval
    covered = (ratios[:, int(ranks.low) - 1] <= ratio) & (ratio <= ratios[:, int(ranks.high) - 1])
    assert covered.mean() >= ranks.coverage - STATED


def test_the_ratio_within_a_run_pairs_the_rounds():
    slow = {0: 20.0, 1: 22.0, 2: 24.0, 3: 26.0, 4: 28.0, 5: 30.0, 6: 99.0}
    fast = {0: 10.0, 1: 11.0, 2: 12.0, 3: 13.0, 4: 14.0, 5: 15.0, 7: 1.0}
    found = statistics.paired_ratio(slow, fast)
    assert found.value == 2.0
    assert (found.interval.low, found.interval.high) == (2.0, 2.0)
    assert found.is_clear


def test_ratios_without_enough_processes_have_no_interval():
    assert statistics.paired_ratio({0: 1.0}, {1: 1.0}) is None
    assert statistics.unpaired_ratio((), (1.0,)) is None
    few = statistics.paired_ratio(dict.fromkeys(range(5), 2.0), dict.fromkeys(range(5), 1.0))
    assert few.value == 2.0 and few.interval is None and not few.is_clear
    assert statistics.unpaired_ratio((2.0,) * 3, (1.0,) * 3).interval is None


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 3), (6, 6), (9, 6), (12, 12), (20, 3)])
def test_the_mann_whitney_distribution_is_scipys(n, m):
    """scipy's exact p-value of every value of U that two samples without ties can give."""
    for u in range(n * m + 1):
        p = _scipys_p_value_of(u, n, m)
        assert statistics.mann_whitney_below(u + 1, n, m) == pytest.approx(p, abs=1e-12)


def _scipys_p_value_of(u: int, n: int, m: int) -> float:
    """P(U <= u) by `mannwhitneyu` on a first sample that wins `u` of its comparisons."""
    wins = [min(m, max(0, u - m * index)) for index in range(n)]
    first = [win + (index + 1) / (2 * n + 2) for index, win in enumerate(wins)]
    second = [index + 0.999 for index in range(m)]
    found = stats.mannwhitneyu(first, second, alternative="less", method="exact")
    assert found.statistic == u
    return found.pvalue


@pytest.mark.parametrize(("n", "m"), [(6, 6), (9, 9), (12, 12), (12, 6)])
@pytest.mark.parametrize("name", SHAPES)
def test_the_ratio_between_runs_covers_what_it_states(n, m, name):
    random = np.random.default_rng(n * m)
    rounds, ratio = 10_000, 1.07
    a, b = SHAPES[name](random, (rounds, n)) * ratio, SHAPES[name](random, (rounds, m))
    ratios = np.sort((a[:, :, None] / b[:, None, :]).reshape(rounds, n * m), axis=1)
    rank = statistics.mann_whitney_rank(n, m, 0.025)
    coverage = statistics.unpaired_ratio([1.0] * n, [1.0] * m).interval.coverage
    assert coverage >= 0.95
    covered = (ratios[:, rank - 1] <= ratio) & (ratio <= ratios[:, n * m - rank])
    assert covered.mean() >= coverage - STATED


def test_the_ratio_between_runs_takes_all_pairs():
    first, second = [2.0, 4.0, 8.0, 16.0], [1.0, 2.0, 4.0, 8.0]
    found = statistics.unpaired_ratio(first, second)
    assert found.value == float(np.median(np.divide.outer(first, second)))
    assert (found.interval.low, found.interval.high) == (0.25, 16.0)
    assert found.interval.coverage == pytest.approx(1 - 2 / math.comb(8, 4))
