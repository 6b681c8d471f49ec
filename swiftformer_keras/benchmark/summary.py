"""What a run says: a row of figures for each configuration, and how they compare with one of them.

Pure. A row's median is the median of its processes' medians, which is what its interval is for; p90, p99, mean and
MAD are of all timed runs together. A configuration takes part in ratios when it was measured to the end, its answers
are right (or were not checked) and what it is labelled with computed it.
"""

from __future__ import annotations

import statistics as plain_statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from swiftformer_keras.benchmark import statistics, warm_up
from swiftformer_keras.benchmark.result import Aggregate, ConfigurationResult, ProcessResult, Run
from swiftformer_keras.benchmark.statistics import Interval, Ratio
from swiftformer_keras.shown import shown

LEAST_MS = 1e-6  # a nanosecond: no clock of a phone is finer


@dataclass(frozen=True)
class Row:
    """The figures of one configuration; None for what was not measured, or cannot be said of so few.

    Attributes:
        result: what they are computed from.
        number: of the configuration in its run, from 1: how tables and charts point at one another.
        medians_ms: of the processes that ended well, by round.
        runs: timed runs in all of them.
        initialization_ms, first_inference_ms: medians over the processes.
        median_ms: of `medians_ms`; `interval` is for it.
        p90_ms, p99_ms, mean_ms, mad_ms: of all timed runs; a tool that gives no single runs leaves the mean only.
        memory_kib: the peak, of a process of its own where there was one, else of the largest of them.
        unsettled: processes whose latency did not settle within the warm-up's limits.
        speed: how many times as fast as the baseline; None for what takes no part in ratios.
        twin: whether another configuration of the run is called the same.
    """

    result: ConfigurationResult
    number: int
    medians_ms: Mapping[int, float]
    runs: int
    initialization_ms: float | None
    first_inference_ms: float | None
    median_ms: float | None
    interval: Interval | None
    p90_ms: float | None
    p99_ms: float | None
    mean_ms: float | None
    mad_ms: float | None
    memory_kib: int | None
    unsettled: int
    speed: Ratio | None = None
    twin: bool = False

    @property
    def name(self) -> str:
        """The configuration's name, with the first of its model's SHA-256 where another file has the same one."""
        configuration = self.result.configuration
        return configuration.name + (f" ({shown(configuration.model_sha256[:8])})" if self.twin else "")

    @property
    def full_name(self) -> str:
        """The name with the delegate as it may be called: never a plain "gpu" for a part of the graph."""
        label, delegate = delegate_label(self.result), self.result.configuration.delegate
        return (
            self.name if label == delegate else f"{self.name} - {label.removeprefix(delegate).strip(' ()')}"
        )

    @property
    def failed_processes(self) -> int:
        return sum(process.error is not None for process in self.result.processes)


@dataclass(frozen=True)
class RunSummary:
    """A run with its rows in the plan's order; `baseline` is the row that the others' speed is relative to."""

    run: Run
    rows: tuple[Row, ...]
    baseline: Row | None

    @property
    def fastest(self) -> Row | None:
        """The row of the smallest median among those that take part in ratios."""
        taking_part = [row for row in self.rows if takes_part(row)]
        return min(taking_part, key=lambda row: row.median_ms or 0.0, default=None)


def summarise_run(run: Run) -> RunSummary:
    """The figures of a run; the baseline is the first configuration that takes part in ratios."""
    names = Counter(result.configuration.name for result in run.configurations)
    rows = [
        replace(_row(result, number), twin=names[result.configuration.name] > 1)
        for number, result in enumerate(run.configurations, start=1)
    ]
    baseline = next((row for row in rows if takes_part(row)), None)
    if baseline is not None:
        rows = [_with_speed(row, baseline) for row in rows]
        baseline = rows[baseline.number - 1]
    return RunSummary(run, tuple(rows), baseline)


def takes_part(row: Row) -> bool:
    """Whether a row's latency may be compared: see the module."""
    result = row.result
    if result.status != "ok" or row.median_ms is None:
        return False
    if result.verification is not None and not result.verification.passed:
        return False
    labelled = result.configuration.delegate != "cpu"
    return not (labelled and result.residency is not None and result.residency.verdict == "none")


def process_median(process: ProcessResult) -> float | None:
    """A process's median in milliseconds; the mean where its tool says nothing else; None where it failed."""
    if process.error is not None:
        return None
    if process.samples_ms:
        median = plain_statistics.median(process.samples_ms)
    elif process.aggregate is not None and process.aggregate.count:
        aggregate = process.aggregate
        median = aggregate.mean_ms if aggregate.median_ms is None else aggregate.median_ms
    else:
        return None
    return median if median >= LEAST_MS else None  # no run takes no time: such a clock tells nothing


def delegate_label(result: ConfigurationResult) -> str:
    """The delegate as it may be called: "gpu" alone only where it computed all of the graph."""
    delegate, found = result.configuration.delegate, reservation(result)
    return f"{delegate} ({found})" if found else delegate


def reservation(result: ConfigurationResult) -> str:
    """What keeps a delegate from being called by its name alone, in a few words; empty where nothing does."""
    residency = result.residency
    if residency is None or residency.verdict == "full":
        return ""
    if residency.verdict == "unknown":
        what = "share unknown" if residency.taken is None else "accelerator unknown"
        return "" if result.configuration.delegate == "cpu" else what
    if residency.verdict == "none":
        return "not used"
    return "partial, accelerator unknown" if residency.driver_unknown else "partial"


def residency_text(result: ConfigurationResult) -> str:
    """How much of the graph the delegate took, in words; empty where nothing is known."""
    residency = result.residency
    if residency is None:
        return ""
    if residency.taken is None or residency.total is None:
        return "operators: unknown"
    text = f"{residency.taken} of {residency.total} operators"
    if residency.partitions is None:
        return text
    return f"{text} in {residency.partitions} partition{'' if residency.partitions == 1 else 's'}"


def _row(result: ConfigurationResult, number: int) -> Row:
    ended = [process for process in result.processes if process.error is None]
    medians = {process.round: median for process in ended if (median := process_median(process)) is not None}
    samples = [sample for process in ended for sample in process.samples_ms]
    aggregates = [
        process.aggregate for process in ended if process.aggregate is not None and not process.samples_ms
    ]
    figures = statistics.summarise(samples) if samples and not aggregates else None
    values = list(medians.values())
    return Row(
        result=result,
        number=number,
        medians_ms=medians,
        runs=len(samples) + sum(aggregate.count for aggregate in aggregates),
        initialization_ms=_median([process.initialization_ms for process in ended]),
        first_inference_ms=_median([process.first_inference_ms for process in ended]),
        median_ms=float(np.median(values)) if values else None,
        interval=statistics.median_interval(values),
        p90_ms=figures.p90 if figures else None,
        p99_ms=figures.p99 if figures else None,
        mean_ms=figures.mean if figures else _mean(samples, aggregates),
        mad_ms=figures.mad if figures else None,
        memory_kib=result.memory_kib
        or max((process.memory_kib for process in ended if process.memory_kib), default=None),
        unsettled=sum(warm_up.judge(process.warm_up_ms) is warm_up.WarmUp.LIMIT for process in ended),
    )


def _with_speed(row: Row, baseline: Row) -> Row:
    if not takes_part(row) or row.number == baseline.number:
        return row
    speed = statistics.paired_ratio(baseline.medians_ms, row.medians_ms)
    return replace(row, speed=speed)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return plain_statistics.median(known) if known else None


def _mean(samples: Sequence[float], aggregates: Sequence[Aggregate]) -> float | None:
    count = len(samples) + sum(aggregate.count for aggregate in aggregates)
    total = sum(samples) + sum(aggregate.count * aggregate.mean_ms for aggregate in aggregates)
    return total / count if count else None
