"""When a process is warm: one rule, the same in Python and in the app.

The rule, word for word (android_app's benchmark follows it under `warm_up=auto`):

    Warm-up runs are looked at in windows of 8, one after the other; a window's figure is the median of its 8 runs
    (the mean of the 4th and the 5th smallest). After each full window warm-up ends as STABLE when all three hold:
    (1) three windows or more are full; (2) the runs so far took 500 ms or more together, or are 400 or more; (3) of
    the last three windows' medians the largest is at most 1.03 times the smallest. Otherwise it ends at the LIMIT
    when 400 runs are done or the runs so far took 10,000 ms or more together. Otherwise another window of 8 runs
    follows.
    What is measured goes on either way; that the limit was reached is noted in the result.

Why these numbers: a window's median does not mind a run or two that the system interrupted; three of them span 24
runs, so that a fall of 2 % from window to window is not taken for level; 3 % is what medians of 8 runs differ by
when single runs scatter by 3 %; half a second is what a clock governor needs to settle (and what TFLite's
benchmark_model warms up for); the limits bound the heat and the time that a phone which never settles is given.
What it leaves of synthetic drifts is in tests/swiftformer_keras/benchmark/test_warm_up.py. A drift much slower than
100 runs cannot be told from none in so short a time: the report draws latency over time for that.
"""

from __future__ import annotations

import enum
import statistics
from collections.abc import Sequence

WINDOW = 8  # runs
WINDOWS = 3
TOLERANCE = 1.03
LEAST_MS = 500.0
MOST_RUNS = 400
MOST_MS = 10_000.0


class WarmUp(enum.Enum):
    """What follows after the warm-up runs so far."""

    MORE = "more"
    STABLE = "stable"
    LIMIT = "limit"


def judge(runs_ms: Sequence[float]) -> WarmUp:
    """What the rule says after these runs, in milliseconds and in order; in the midst of a window always MORE."""
    if not runs_ms or len(runs_ms) % WINDOW:
        return WarmUp.MORE
    total = sum(runs_ms)
    if len(runs_ms) >= WINDOWS * WINDOW and (total >= LEAST_MS or len(runs_ms) >= MOST_RUNS):
        last = runs_ms[-WINDOWS * WINDOW :]
        medians = [statistics.median(last[start : start + WINDOW]) for start in range(0, len(last), WINDOW)]
        if max(medians) <= TOLERANCE * min(medians):
            return WarmUp.STABLE
    return WarmUp.LIMIT if len(runs_ms) >= MOST_RUNS or total >= MOST_MS else WarmUp.MORE
