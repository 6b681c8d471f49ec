"""The warm-up rule at its edges, and what it leaves of synthetic drifts."""

from __future__ import annotations

import numpy as np
import pytest

from swiftformer_keras.benchmark.warm_up import LEAST_MS, MOST_MS, MOST_RUNS, WINDOW, WarmUp, judge

RUNS = np.arange(MOST_RUNS)


def test_level_latency_is_warm_after_three_windows():
    level = [25.0] * 24
    assert [judge(level[:count]) for count in range(24)] == [WarmUp.MORE] * 24
    assert judge(level) is WarmUp.STABLE


def test_half_a_second_must_have_passed_or_400_runs():
    assert judge([1.0] * 24) is WarmUp.MORE
    assert judge([1.0] * (MOST_RUNS - WINDOW)) is WarmUp.MORE
    assert judge([1.0] * MOST_RUNS) is WarmUp.STABLE
    assert judge([LEAST_MS / 40] * 40) is WarmUp.STABLE


def test_it_is_judged_only_between_windows():
    assert judge([25.0] * 25) is WarmUp.MORE
    assert judge(()) is WarmUp.MORE


@pytest.mark.parametrize(
    ("last", "verdict"), [(103.0, WarmUp.STABLE), (103.01, WarmUp.MORE), (97.0, WarmUp.MORE)]
)
def test_the_three_medians_may_differ_by_three_percent(last, verdict):
    assert judge([100.0] * 16 + [last] * 8) is verdict


def test_a_windows_median_is_between_its_two_middle_runs():
    window = [100.0] * 4 + [106.0] * 4
    assert judge(window * 3) is WarmUp.STABLE
    assert judge([100.0] * 16 + [100.0] * 3 + [106.02] * 5) is WarmUp.MORE
    assert judge([100.0] * 16 + [100.0] * 4 + [106.0] * 4) is WarmUp.STABLE


def test_it_ends_in_any_case():
    zigzag = np.where(RUNS // WINDOW % 2, 2.0, 3.0)
    assert judge(zigzag[: MOST_RUNS - WINDOW].tolist()) is WarmUp.MORE
    assert judge(zigzag.tolist()) is WarmUp.LIMIT
    assert judge([MOST_MS / 8] * 8) is WarmUp.LIMIT
    assert judge([MOST_MS / 8 - 0.01] * 8) is WarmUp.MORE


def ended(latency: np.ndarray) -> tuple[int, WarmUp]:
    """After how many runs of a process the rule ends its warm-up, and how."""
    for count in range(WINDOW, len(latency) + 1, WINDOW):
        if (verdict := judge(latency[:count].tolist())) is not WarmUp.MORE:
            return count, verdict
    raise AssertionError("the rule did not end")


@pytest.mark.parametrize(
    ("height", "runs", "left"),
    [
        (1.0, 5, 0.01),  # twice as slow at first: caches
        (0.5, 20, 0.035),  # a clock governor
        (-0.3, 20, 0.035),  # a boost that ends
        (0.3, 50, 0.14),  # slow: seen, but not to its end
    ],
)
@pytest.mark.parametrize("scatter", [0.003, 0.01, 0.03])
def test_little_is_left_of_a_drift(height, runs, left, scatter):
    """In nine processes of ten, of runs that scatter and are now and then interrupted, 30 ms each."""
    random = np.random.default_rng(17)
    drift = height * np.exp(-RUNS / runs)
    remaining = []
    for _ in range(300):
        spikes = np.where(random.random(MOST_RUNS) < 0.03, 1.5, 1.0)
        count, _ = ended(30 * (1 + drift) * np.exp(random.normal(0, scatter, MOST_RUNS)) * spikes)
        remaining.append(abs(height) * np.exp(-count / runs))
    assert np.quantile(remaining, 0.9) <= left


def test_quiet_phones_are_done_soon_and_restless_ones_are_told():
    random = np.random.default_rng(5)
    quiet = [ended(30 * np.exp(random.normal(0, 0.01, MOST_RUNS))) for _ in range(200)]
    assert np.mean([count == 24 for count, _ in quiet]) > 0.99
    swinging = 30 * (1 + 0.5 * (RUNS // 12 % 2))
    restless = [ended(swinging * np.exp(random.normal(0, 0.05, MOST_RUNS))) for _ in range(200)]
    assert np.mean([verdict is WarmUp.LIMIT for _, verdict in restless]) > 0.9
