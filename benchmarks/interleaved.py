"""Latency of .tflite files, interleaved in one process, and the ratios between them.

All files are loaded first. In each round every one runs a few times after a run that is not counted, and each round
begins with another file, so that whatever else the machine does meets them all.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

RUNS = 4  # counted ones of a file in a round
_SEED = 7


@dataclasses.dataclass(frozen=True)
class Ratio:
    """A ratio of two files' medians.

    Attributes:
        value: of the medians over all runs.
        low, high: 10th and 90th percentile over rounds of the ratio of a round's medians.
    """

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Latencies:
    """Milliseconds of every run, `(rounds, files, runs)`, and the files' names in that order."""

    names: tuple[str, ...]
    elapsed_ms: np.ndarray

    def median_ms(self, name: str) -> float:
        """Over all runs of a file."""
        return float(np.median(self.elapsed_ms[:, self.names.index(name)]))

    def ratio(self, one: str, other: str) -> Ratio:
        """Of the first file to the second."""
        each = np.median(self.elapsed_ms, axis=2)
        rounds = each[:, self.names.index(one)] / each[:, self.names.index(other)]
        low, high = np.percentile(rounds, (10, 90))
        return Ratio(self.median_ms(one) / self.median_ms(other), float(low), float(high))


def measure(files: Mapping[str, Path], *, rounds: int, threads: int = 1) -> Latencies:
    """Time files by name with LiteRT."""
    from converters.tflite.check import interpreter_of

    runners = [interpreter_of(path, threads) for path in files.values()]
    for runner in runners:
        _fill(runner)
    elapsed = np.array([_round(runners, number) for number in range(rounds)])
    return Latencies(tuple(files), elapsed)


def _fill(runner: Any) -> None:
    """Give a model an input of its own type."""
    source = runner.get_input_details()[0]
    values = np.random.default_rng(_SEED).uniform(0, 100, source["shape"])
    runner.set_tensor(source["index"], values.astype(source["dtype"]))


def _round(runners: list[Any], number: int) -> list[list[float]]:
    """Milliseconds of every file's runs, in the files' order; the round begins with file `number`."""
    order = np.roll(range(len(runners)), -number)
    elapsed = {int(index): _run(runners[index]) for index in order}
    return [elapsed[index] for index in range(len(runners))]


def _run(runner: Any) -> list[float]:
    """Milliseconds of `RUNS` runs after one that brings its weights back into the caches."""
    runner.invoke()
    elapsed = []
    for _ in range(RUNS):
        started = time.perf_counter()
        runner.invoke()
        elapsed.append((time.perf_counter() - started) * 1e3)
    return elapsed
