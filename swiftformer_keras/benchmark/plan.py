"""What is measured, how often, and in which order: pure, and the same for the same seed."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Iterator, Sequence
from typing import Literal, get_args

from swiftformer_keras.errors import BenchmarkPlanError
from swiftformer_keras.shown import shown

Delegate = Literal["cpu", "gpu", "nnapi"]
DELEGATES: tuple[Delegate, ...] = get_args(Delegate)
MAX_THREADS = 64
MAX_CONFIGURATIONS = 100
"""Of one plan: in the full preset more than two hours of measuring. `run_file.py` can read what they give."""


@dataclasses.dataclass(frozen=True)
class Preset:
    """How much is measured of each configuration, in total over its processes.

    The runs and seconds are MLPerf Mobile's (mobile_app_open, "rapid", "quick" and "full"; both must be reached). The
    numbers of processes are those with an order-statistics interval of the median near 95 % (`statistics.py`).

    Attributes:
        processes: fresh processes, one in each round.
        runs: timed runs, at least.
        seconds: of timed runs, at least.
    """

    name: str
    processes: int
    runs: int
    seconds: float

    @property
    def runs_a_process(self) -> int:
        """Timed runs of one process, at least; rounded up, so that the total is reached."""
        return math.ceil(self.runs / self.processes)

    @property
    def seconds_a_process(self) -> float:
        """Seconds of timed runs of one process, at least."""
        return self.seconds / self.processes


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("rapid", processes=6, runs=64, seconds=6.0),
        Preset("quick", processes=9, runs=128, seconds=10.0),
        Preset("full", processes=12, runs=1024, seconds=60.0),
    )
}


@dataclasses.dataclass(frozen=True)
class PlannedModel:
    """A file to measure: what it is called and the SHA-256 of its bytes."""

    file: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One thing that is measured.

    Attributes:
        model_file: the file's name, without its folder.
        model_sha256: of its bytes; two files of the same name are told apart by it.
        threads: of the CPU's part, whoever else computes.
        affinity: "big", "little" or a mask in hexadecimal; None leaves the choice of cores to the system.
    """

    model_file: str
    model_sha256: str
    delegate: Delegate
    threads: int
    affinity: str | None = None

    @property
    def name(self) -> str:
        """What people call it: `model gpu 4 threads`."""
        stem = self.model_file.removesuffix(".tflite")
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        cores = "" if self.affinity is None else f" on {self.affinity}"
        return f"{shown(stem, 80)} {self.delegate} {threads}{cores}"


@dataclasses.dataclass(frozen=True)
class ProcessBudget:
    """What one process does.

    Attributes:
        runs, seconds: timed runs, at least so many and for at least so long.
        kind: "timed", or "memory": a short run that is asked for nothing but its peak memory.
        time_limit_s: after which a process counts as hung.
    """

    runs: int
    seconds: float
    kind: Literal["timed", "memory"] = "timed"
    time_limit_s: float = 300.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """Every configuration in every round, in an order that only the seed decides."""

    configurations: tuple[Configuration, ...]
    preset: Preset
    seed: int

    def rounds(self) -> Iterator[tuple[int, tuple[Configuration, ...]]]:
        """The rounds' numbers from 0, each with all configurations in an order of its own.

        Interleaved, so that slow changes of the phone (heat, its battery) fall on all configurations alike; shuffled,
        so that no configuration always follows the same one.
        """
        source = random.Random(self.seed)
        for number in range(self.preset.processes):
            order = list(self.configurations)
            source.shuffle(order)
            yield number, tuple(order)

    def budget(self, time_limit_s: float | None = None) -> ProcessBudget:
        """Of each timed process."""
        seconds = self.preset.seconds_a_process
        return ProcessBudget(self.preset.runs_a_process, seconds, "timed", time_limit_s or 120 + 30 * seconds)


def make_plan(
    models: Sequence[PlannedModel],
    delegates: Sequence[str],
    threads: Sequence[int],
    preset: str,
    seed: int,
    affinity: str | None = None,
) -> Plan:
    """The product of models, delegates and numbers of threads.

    Raises:
        BenchmarkPlanError: something is unknown, out of range, missing or given twice.
    """
    if preset not in PRESETS:
        raise BenchmarkPlanError(f"preset {shown(preset, 40)!r}: unknown; one of {', '.join(PRESETS)}")
    for what, given in (("model", models), ("delegate", delegates), ("number of threads", threads)):
        if not given:
            raise BenchmarkPlanError(f"no {what} is given, so there is nothing to measure")
    known: list[Delegate] = []
    for delegate in delegates:
        match = next((each for each in DELEGATES if each == delegate), None)
        if match is None:
            raise BenchmarkPlanError(
                f"delegate {shown(delegate, 40)!r}: unknown; one of {', '.join(DELEGATES)}"
            )
        known.append(match)
    for number in threads:
        if not 1 <= number <= MAX_THREADS:
            raise BenchmarkPlanError(f"{number} threads: must be 1 to {MAX_THREADS}")
    _once("delegate", delegates)
    _once("number of threads", threads)
    by_content: dict[str, str] = {}
    for model in models:
        if model.sha256 in by_content:
            raise BenchmarkPlanError(
                f"{shown(model.file, 80)} and {shown(by_content[model.sha256], 80)} are the same file (SHA-256 "
                f"{model.sha256[:12]}); give it once"
            )
        by_content[model.sha256] = model.file
    configurations = tuple(
        Configuration(model.file, model.sha256, delegate, number, affinity)
        for model, delegate, number in itertools.product(models, known, threads)
    )
    if len(configurations) > MAX_CONFIGURATIONS:
        raise BenchmarkPlanError(
            f"{len(configurations):,} configurations are too many; at most {MAX_CONFIGURATIONS:,}"
        )
    return Plan(configurations, PRESETS[preset], seed)


def parse_list(option: str, text: str) -> tuple[str, ...]:
    """`"cpu,gpu"` as its items.

    Raises:
        BenchmarkPlanError: an item is empty.
    """
    items = tuple(item.strip() for item in text.split(","))
    if not all(items):
        raise BenchmarkPlanError(f"{option} {shown(text, 80)!r}: has an empty item; separate items by commas")
    return items


def parse_threads(text: str) -> tuple[int, ...]:
    """`"1,2,4"` as numbers.

    Raises:
        BenchmarkPlanError: an item is no number.
    """
    items = parse_list("--threads", text)
    for item in items:
        if not (item.isascii() and item.isdigit() and len(item) < 4):
            raise BenchmarkPlanError(
                f"--threads {shown(text, 80)!r}: {shown(item, 20)!r} is no number of threads; write them as in 1,2,4"
            )
    return tuple(int(item) for item in items)


def _once(what: str, given: Sequence[object]) -> None:
    for index, each in enumerate(given):
        if each in given[:index]:
            raise BenchmarkPlanError(f"{what} {each!s} is given twice; give it once")
