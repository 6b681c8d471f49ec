"""Figures of measured times: quantiles, spread, intervals that cover what they state, and the regression check.

Runs of one process share its memory layout, its clocks and its place on the cores, so they are not independent;
processes nearly are. What carries uncertainty here are therefore the processes' medians, few as they are, with
intervals that hold for any distribution:

- the median, from order statistics of n values: P(x(k) <= median <= x(n+1-k)) = 1 - 2 P(Binomial(n, 1/2) < k)
  (Conover, Practical Nonparametric Statistics, 3rd ed., 3.2; David & Nagaraja, Order Statistics, 3rd ed., 7.1);
- the ratio of two configurations of one run, whose processes alternate in rounds: the same interval over the rounds'
  own ratios, so that what a whole round shares (heat, clocks) drops out. It is for the median of such a ratio, which
  is the ratio of the medians where both scatter alike;
- the ratio between two runs, which share no rounds: the median of all n times m ratios (Hodges & Lehmann 1963), with
  the interval that inverts the Mann-Whitney test (Conover, 5.4; Hollander & Wolfe, Nonparametric Statistical
  Methods, 4.3). It is for a change that multiplies all times. What differs between the two sessions as a whole
  (room, battery, background work) is in no statistic of the processes: bounds must leave room for it.

Pure functions of plain numbers. Simulations of every coverage stand in tests/swiftformer_keras/benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

CONFIDENCE = 0.95  # an interval's coverage is at least this; the one stated is exact


@dataclass(frozen=True)
class Summary:
    """Of single runs: how many, mean, median absolute deviation (unscaled), quantiles as numpy's default."""

    count: int
    mean: float
    mad: float
    p50: float
    p90: float
    p99: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`; `coverage` is the probability that such an interval holds the true value, 0 to 1."""

    low: float
    high: float
    coverage: float

    def includes(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Ratio:
    """How many times one latency is another, with its interval where there were processes enough for one."""

    value: float
    interval: Interval | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval tells it from 1."""
        return self.interval is not None and not self.interval.includes(1.0)


def summarise(samples: Sequence[float]) -> Summary:
    """The figures of single runs.

    Raises:
        ValueError: there is no run.
    """
    if not samples:
        raise ValueError("no samples")
    values = np.asarray(samples, dtype=np.float64)
    p50, p90, p99 = (float(q) for q in np.quantile(values, (0.5, 0.9, 0.99)))
    return Summary(
        count=len(values),
        mean=float(values.mean()),
        mad=float(np.median(np.abs(values - p50))),
        p50=p50,
        p90=p90,
        p99=p99,
        minimum=float(values.min()),
        maximum=float(values.max()),
    )


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """The narrowest interval between order statistics that covers the median with `confidence` or more.

    None where even the smallest and the largest value do not reach it: fewer than 6 values for 95 %.
    """
    ranked, n = sorted(values), len(values)
    found = None
    for k in range(1, n // 2 + 1):
        coverage = 1 - 2 * binomial_below(k, n)
        if coverage < confidence:
            break
        found = Interval(ranked[k - 1], ranked[n - k], coverage)
    return found


def binomial_below(k: int, n: int) -> float:
    """P(X < k) for X ~ Binomial(n, 1/2), exact but for the last rounding."""
    return sum(math.comb(n, i) for i in range(k)) / 2**n


def paired_ratio(numerators: Mapping[int, float], denominators: Mapping[int, float]) -> Ratio | None:
    """The ratio of two configurations of one run, from their processes' medians by round.

    Rounds that only one of them finished are left out; None where they share none.
    """
    rounds = sorted(numerators.keys() & denominators.keys())
    if not rounds:
        return None
    ratios = [numerators[r] / denominators[r] for r in rounds]
    return Ratio(float(np.median(ratios)), median_interval(ratios))


def unpaired_ratio(
    numerators: Sequence[float], denominators: Sequence[float], level: float = (1 - CONFIDENCE) / 2
) -> Ratio | None:
    """The ratio of two runs' medians, from their processes' medians; None where one has none.

    Args:
        level: the probability of missing the true ratio is at most this on either side.
    """
    n, m = len(numerators), len(denominators)
    if not n or not m:
        return None
    ratios = np.sort(np.divide.outer(np.asarray(numerators), np.asarray(denominators)), axis=None)
    rank = mann_whitney_rank(n, m, level)
    interval = None
    if rank:
        coverage = 1 - 2 * mann_whitney_below(rank, n, m)
        interval = Interval(float(ratios[rank - 1]), float(ratios[n * m - rank]), coverage)
    return Ratio(float(np.median(ratios)), interval)


def mann_whitney_rank(n: int, m: int, level: float) -> int:
    """The largest rank r with P(U < r) <= `level`, 0 where there is none."""
    rank = 0
    while rank < n * m // 2 and mann_whitney_below(rank + 1, n, m) <= level:
        rank += 1
    return rank


def mann_whitney_below(u: int, n: int, m: int) -> float:
    """P(U < u) for the Mann-Whitney statistic of samples of `n` and `m` from one distribution, exact."""
    return sum(_mann_whitney_counts(n, m)[:u]) / math.comb(n + m, n)


@cache
def _mann_whitney_counts(n: int, m: int) -> tuple[int, ...]:
    """In how many of the C(n + m, n) orders U is 0, 1, ... n m: coefficients of the Gaussian binomial."""
    size = n * m + 1
    counts = [1] + [0] * (size - 1)
    for i in range(1, n + 1):
        for j in range(size - 1, m + i - 1, -1):  # times 1 - q^(m + i)
            counts[j] -= counts[j - m - i]
        for j in range(i, size):  # divided by 1 - q^i
            counts[j] += counts[j - i]
    return tuple(counts)
