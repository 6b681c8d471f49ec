"""What one device measured: the facts of a run's JSON file, as RESULT_FORMAT.md documents them.

Times are milliseconds, memory is KiB, moments are ISO 8601 with zone. What was not reached is None or empty.
Numbers are kept as they were measured; whatever is computed from them (quantiles, intervals, ratios) belongs to
`statistics` and `summary` and is not stored, so that a better formula can be applied to an old file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from converters.top1 import Top1
from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.plan import Configuration
from swiftformer_keras.benchmark.records import Limit, Range
from swiftformer_keras.benchmark.residency import Residency
from swiftformer_keras.benchmark.state import DeviceState

FORMAT: Final = "swiftformer-benchmark-run"
VERSION: Final = 2

MAX_RUNS_KEPT: Final = 10_000
"""Of one process: five seconds, a process's share of the full preset, of a model that takes half a millisecond."""

MAX_REPLACING: Final = 64
"""Lines of one process on who took what: one for each delegate and subgraph. Of more, nothing is said."""

Times = Annotated[tuple[float, ...], Limit(MAX_RUNS_KEPT)]
"""Milliseconds of single runs, in order."""

Status = Literal["ok", "failed", "wrong_answer", "refused", "not_run"]


@dataclass(frozen=True)
class Tool:
    """What measured: this package's version and, where it ran from a clone, its commit."""

    version: str
    commit: str | None = None


@dataclass(frozen=True)
class DatasetRecord:
    """The labelled folder that accuracy is measured on.

    `path` and `labels` (the list of classes, where there is one) are as they were given; `sha256` is of the pictures'
    names, classes and bytes, so that a run goes on only with the same ones.
    """

    path: str
    labels: str | None
    sha256: str


@dataclass(frozen=True)
class PlanRecord:
    """What was to be measured. `runs` and `seconds` are a configuration's totals over all its processes.

    `package` is the app's, `binary_sha256` of the tool that ran in its place. `max_battery_c`, `max_thermal_status` and
    `cool_timeout_s` are what each process waits for, and how long; `time_limit_s` is of each timed process.
    """

    runner: str
    preset: str
    processes: int
    runs: int
    seconds: float
    seed: int
    max_battery_c: float
    max_thermal_status: int
    cool_timeout_s: float
    time_limit_s: float
    verify: bool = False
    dataset: DatasetRecord | None = None
    binary_sha256: str | None = None
    package: str | None = None


@dataclass(frozen=True)
class ModelRecord:
    """A measured file; `sha256` is of the bytes that the device confirmed to hold."""

    file: str
    sha256: str
    size_bytes: int
    name: str | None = None
    precision: str | None = None
    operators: int | None = None


@dataclass(frozen=True)
class Replacing:
    """One "Replacing `taken` out of `total` node(s) with delegate ... `partitions`" line of the runtime's log."""

    delegate: str
    taken: int
    total: int
    partitions: int | None = None


@dataclass(frozen=True)
class Aggregate:
    """A tool's own figures over the timed runs of a process, where it gives no single runs. Milliseconds."""

    count: int
    mean_ms: float
    minimum_ms: float | None = None
    maximum_ms: float | None = None
    standard_deviation_ms: float | None = None
    median_ms: float | None = None


@dataclass(frozen=True)
class ProcessResult:
    """What one fresh process of a configuration gave.

    `waited_s` is how long the phone was given to cool down before it, None where its state was known to be cool.
    `samples_ms` are the timed runs in order; a tool that only prints figures over them leaves it empty and fills
    `aggregate`. `replacing` is None where the log could not be read, empty where nothing was taken.
    """

    round: int
    started_at: str
    initialization_ms: float | None = None
    first_inference_ms: float | None = None
    warm_up_ms: Times = ()
    samples_ms: Times = ()
    aggregate: Aggregate | None = None
    memory_kib: int | None = None
    runtime_version: str | None = None
    app_version: str | None = None
    replacing: Annotated[tuple[Replacing, ...], Limit(MAX_REPLACING)] | None = None
    accelerator: str | None = None
    xnnpack: bool | None = None
    cpuset: str | None = None
    waited_s: float | None = None
    state_before: DeviceState | None = None
    state_after: DeviceState | None = None
    notes: tuple[str, ...] = ()
    log_excerpt: Annotated[str, Limit(20_000)] | None = None
    error: str | None = None


@dataclass(frozen=True)
class Verification:
    """The outputs of golden inputs on the device beside the host's.

    `largest_difference` and `bound` are of the picture that is nearest to its bound, or furthest beyond it: each
    picture has a bound of its own. They are None where no picture has scores that are numbers.

    `top1_agreement` is the share of inputs whose largest score is the same class, 0 to 1; `not_finite` counts
    inputs with a NaN or an infinity in the device's output.
    """

    inputs: int
    passed: bool
    largest_difference: Annotated[float, Range(0, 1e39)] | None = None  # of two float32
    bound: float | None = None
    top1_agreement: float | None = None
    not_finite: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class Accuracy:
    """Top-1 of a labelled folder, on the device and, on the same pictures, on the host.

    `same_answer` is on how many pictures both name the same class, whether it is right or not.
    """

    dataset: str
    device: Top1
    host: Top1 | None = None
    same_answer: int | None = None


@dataclass(frozen=True)
class ConfigurationResult:
    """All that is known of one configuration.

    `reason` is one line wherever `status` is not "ok"; None while it is "not_run" in a run that is not finished.
    """

    configuration: Configuration
    status: Status
    reason: str | None = None
    residency: Residency | None = None
    processes: Annotated[tuple[ProcessResult, ...], Limit(64)] = ()
    memory_kib: int | None = None  # the largest resident set of a process of its own
    verification: Verification | None = None
    accuracy: Accuracy | None = None
    notes: tuple[str, ...] = ()
    log_excerpt: Annotated[str, Limit(20_000)] | None = None


def lacks_accuracy(result: ConfigurationResult, plan: PlanRecord) -> bool:
    """Whether it was measured, and only its accuracy is still to be asked for."""
    return result.status == "ok" and plan.dataset is not None and result.accuracy is None


@dataclass(frozen=True)
class Run:
    """One plan on one device; `finished_at` is None while it runs and in what an interruption left."""

    tool: Tool
    started_at: str
    device: DeviceFacts
    plan: PlanRecord
    models: tuple[ModelRecord, ...]
    configurations: tuple[ConfigurationResult, ...]
    finished_at: str | None = None
    notes: tuple[str, ...] = ()
    format: Literal["swiftformer-benchmark-run"] = FORMAT
    version: Literal[2] = VERSION
