"""Figures of measured times: quantiles, spread, intervals that cover what they state, and the regression check.

Runs of one process share its memory layout, its clocks and its place on the cores, so they are not independent;
processes nearly are. What carries uncertainty here are therefore the processes' medians, few as they are, with
intervals that hold for any distribution:

- the median, from order statistics of n values: P(x(k) <= median <= x(n+1-k)) = 1 - 2 P(Binomial(n, 1/2) < k)
  (Conover, Practical Nonparametric Statistics, 3rd ed., 3.2; David & Nagaraja, Order Statistics, 3rd ed., 7.1);
- the ratio of two medians, within a run and between runs: from the smallest to the largest ratio that the medians' own
  intervals allow. It holds where both of them hold, so it misses no more often than the two together (Bonferroni),
  whatever the two shapes are and however the sides depend on each other. What is stated is that lower bound: 93.8, 92.2
  and 92.3 % for 6, 9 and 12 processes on each side. Simulated over pairs of shapes, it holds in 96 % and more.

Ratios within rounds, or of all pairs (Hodges & Lehmann), would give narrower intervals, but for another quantity: the
median of such ratios is the ratio of the medians only where both sides scatter alike, and a phone that moves one
configuration alone between two kinds of cores does not. The price is that a drift which all rounds share widens the
interval. What differs between two sessions as a whole (room, battery, background work) is in no statistic of the
processes: bounds must leave room for it.

Pure functions of plain numbers. Simulations of every coverage stand in tests/swiftformer_keras/benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MISS = 0.025  # a median lies beyond either end of its interval with this probability at most


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
    """From `low` to `high`; such an interval holds the true value with a probability of `coverage` at least, 0 to 1.

    Of a median it is that probability, of a ratio a lower bound of it.
    """

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


def median_interval(values: Sequence[float], miss: float = MISS) -> Interval | None:
    """The narrowest interval between order statistics that covers the median with 1 - 2 `miss` or more.

    None where even the smallest and the largest value do not reach it: fewer than 6 values for 95 %.

    Args:
        miss: the median may lie beyond either end with at most this probability.
    """
    ranked, n = sorted(values), len(values)
    rank = order_rank(n, miss)
    return Interval(ranked[rank - 1], ranked[n - rank], 1 - 2 * binomial_below(rank, n)) if rank else None


def order_rank(n: int, miss: float) -> int:
    """The largest k with P(x(k) > median) <= `miss` for `n` values, 0 where there is none."""
    rank = 0
    while rank < n // 2 and binomial_below(rank + 1, n) <= miss:
        rank += 1
    return rank


def binomial_below(k: int, n: int) -> float:
    """P(X < k) for X ~ Binomial(n, 1/2), exact but for the last rounding."""
    return sum(math.comb(n, i) for i in range(k)) / 2**n


def paired_ratio(numerators: Mapping[int, float], denominators: Mapping[int, float]) -> Ratio | None:
    """The ratio of two configurations' medians in one run, from their processes' medians by round.

    Rounds that only one of them finished are left out, as heat and clocks are not those of the other; None where they
    share none.
    """
    rounds = sorted(numerators.keys() & denominators.keys())
    return ratio_of_medians([numerators[r] for r in rounds], [denominators[r] for r in rounds])


def ratio_of_medians(
    numerators: Sequence[float], denominators: Sequence[float], miss: float = MISS
) -> Ratio | None:
    """The ratio of two medians, of positive values; None where one side has none.

    Args:
        miss: each of the two medians may lie beyond either end of its own interval with at most this probability, so
            that the ratio lies beyond either end of the ratio's with at most twice this one.
    """
    if not numerators or not denominators:
        return None
    value = float(np.median(numerators) / np.median(denominators))
    above, below = median_interval(numerators, miss), median_interval(denominators, miss)
    if above is None or below is None:
        return Ratio(value, None)
    coverage = above.coverage + below.coverage - 1
    return Ratio(value, Interval(above.low / below.high, above.high / below.low, coverage))
