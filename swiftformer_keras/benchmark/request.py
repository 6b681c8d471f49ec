"""What a user asks for, checked and made into a job before any phone is touched."""

from __future__ import annotations

import dataclasses
import math
import secrets
from collections.abc import Callable
from pathlib import Path

from swiftformer_keras.benchmark.affinity import check_affinity
from swiftformer_keras.benchmark.cooling import CoolLimit
from swiftformer_keras.benchmark.execute import Progress
from swiftformer_keras.benchmark.job import Job, open_models, planned, resume
from swiftformer_keras.benchmark.plan import Plan, make_plan, parse_list, parse_threads
from swiftformer_keras.benchmark.quoting import APPLICATION_ID
from swiftformer_keras.benchmark.records import MAX_NUMBER
from swiftformer_keras.benchmark.result import DatasetRecord, PlanRecord
from swiftformer_keras.benchmark.runners import Runner
from swiftformer_keras.errors import BenchmarkPlanError
from swiftformer_keras.files import sha256_file
from swiftformer_keras.shown import shown

DEFAULT_DELEGATES, DEFAULT_THREADS, DEFAULT_PRESET, DEFAULT_RUNNER = "cpu", "4", "rapid", "app"
_MAX_SEED = 1 << 32


@dataclasses.dataclass(frozen=True)
class Request:
    """The options as they were given; None where one was not.

    Attributes:
        delegates, threads: lists with commas.
        package: the application id of an app that was built with one of its own.
        battery_c, cool_timeout_s: what the phone has to come down to, and how long that is waited for.
        time_limit_s: of each process; by default by the preset.
    """

    models: tuple[Path, ...]
    delegates: str | None = None
    threads: str | None = None
    runner: str | None = None
    binary: Path | None = None
    package: str | None = None
    preset: str | None = None
    affinity: str | None = None
    seed: int | None = None
    verify: bool = False
    dataset: Path | None = None
    truths: Path | None = None
    resume: Path | None = None
    battery_c: float | None = None
    cool_timeout_s: float | None = None
    time_limit_s: float | None = None


def prepare(request: Request, progress: Progress, before_long_work: Callable[[], object] = bool) -> Job:
    """Check what was asked for, and work out what no phone is needed for.

    Args:
        before_long_work: called when all is checked; minutes may follow, of this computer's own answers.

    Raises:
        BenchmarkPlanError, AffinityError: the request makes no sense.
        TFLiteFileError, MetadataError, PictureError, LabelsError, RunFileError: a file is not what it should be.
    """
    for option, number in (
        ("--max-battery-temperature", request.battery_c),
        ("--cool-timeout", request.cool_timeout_s),
        ("--time-limit", request.time_limit_s),
    ):
        if number is not None and not (math.isfinite(number) and number <= MAX_NUMBER):
            raise BenchmarkPlanError(
                f"{option} {number}: a limit is a number, or else the work may never end"
            )
    if request.seed is not None and not 0 <= request.seed < _MAX_SEED:
        raise BenchmarkPlanError(f"--seed {request.seed}: must be 0 to {_MAX_SEED - 1}")
    models, records = open_models(request.models)
    resumed = None
    if request.resume is not None:
        for option, given in (
            ("--delegate", request.delegates),
            ("--threads", request.threads),
            ("--preset", request.preset),
            ("--seed", request.seed),
            ("--cpu-affinity", request.affinity),
        ):
            if given is not None:
                raise BenchmarkPlanError(
                    f"{option}: --resume goes on with the plan of its file; leave it out"
                )
        resumed, plan = resume(request.resume, models, request.runner)
        request = _as_begun(request, request.resume, resumed.plan)
        runner = _runner(resumed.plan.runner, request)
    else:
        affinity = None if request.affinity is None else check_affinity(request.affinity)
        seed = secrets.randbelow(_MAX_SEED) if request.seed is None else request.seed
        plan = make_plan(
            planned(records),
            parse_list("--delegate", request.delegates or DEFAULT_DELEGATES),
            parse_threads(request.threads or DEFAULT_THREADS),
            request.preset or DEFAULT_PRESET,
            seed,
            affinity,
        )
        runner = _runner(request.runner or DEFAULT_RUNNER, request)
    cool = _cool_limit(request)
    record = _record(request, plan, runner, cool)
    if resumed is not None and record.binary_sha256 != resumed.plan.binary_sha256:
        raise BenchmarkPlanError(
            f"{shown(request.binary)}: is another tool than the run was begun with (SHA-256 "
            f"{shown(resumed.plan.binary_sha256, 12)}). Give that one"
        )
    job = Job(plan, runner, models, records, cool, record, request.time_limit_s, resumed=resumed)
    if not (request.verify or request.dataset is not None):
        before_long_work()
        return job
    from swiftformer_keras.benchmark.answers import Answers
    from swiftformer_keras.benchmark.evaluate import open_dataset
    from swiftformer_keras.benchmark.runners.app import AppRunner

    if not isinstance(runner, AppRunner):
        raise BenchmarkPlanError(
            "--verify and --evaluate need the app: benchmark_model shows no answers. Use --runner app"
        )
    dataset = None
    if request.dataset is not None:
        dataset = open_dataset(request.dataset, request.truths)
        labels = None if request.truths is None else str(request.truths)
        of = DatasetRecord(str(request.dataset), labels, dataset.sha256())
        begun = None if resumed is None else resumed.plan.dataset
        if begun is not None and begun.sha256 != of.sha256:
            raise BenchmarkPlanError(
                f"{shown(request.dataset)}: holds other pictures or classes than when the run was begun, with "
                f"{shown(begun.path, 120)}. Give the same ones with --evaluate, or begin anew"
            )
        record = dataclasses.replace(record, dataset=of)
    before_long_work()
    answers = Answers(models, runner, golden=request.verify, dataset=dataset, progress=progress)
    return dataclasses.replace(job, record=record, answers=answers)


def _as_begun(request: Request, path: Path, begun: PlanRecord) -> Request:
    """The request with the checks of the answers that the run was begun with.

    Raises:
        BenchmarkPlanError: it asks for others, or the labelled pictures are gone.
    """
    where, dataset, truths = shown(path), request.dataset, request.truths
    if request.verify and not begun.verify:
        raise BenchmarkPlanError(f"--verify: {where} was begun without it; leave it out, or begin anew")
    if begun.dataset is None:
        if dataset is not None:
            raise BenchmarkPlanError(f"--evaluate: {where} was begun without it; leave it out, or begin anew")
    else:
        dataset = dataset or Path(begun.dataset.path)
        if truths is None and begun.dataset.labels is not None:
            truths = Path(begun.dataset.labels)
        for each in (dataset, truths):
            if each is not None and not each.exists():
                raise BenchmarkPlanError(
                    f"{where}: was begun with {shown(each, 200)}, which is not there. Say with --evaluate (and "
                    "--labels) where it is now"
                )
    if request.package not in (None, begun.package):
        raise BenchmarkPlanError(
            f"{where}: was begun with the app {shown(begun.package, 80)}; go on with that one"
        )
    for option, given, was in (
        ("--max-battery-temperature", request.battery_c, begun.max_battery_c),
        ("--cool-timeout", request.cool_timeout_s, begun.cool_timeout_s),
        ("--time-limit", request.time_limit_s, begun.time_limit_s),
    ):
        if given not in (None, was):
            raise BenchmarkPlanError(
                f"{option}: {where} was begun with {was:g}, and goes on with it; leave it out, or begin anew"
            )
    return dataclasses.replace(
        request,
        verify=begun.verify,
        dataset=dataset,
        truths=truths,
        package=begun.package,
        battery_c=begun.max_battery_c,
        cool_timeout_s=begun.cool_timeout_s,
        time_limit_s=begun.time_limit_s,
    )


def _cool_limit(request: Request) -> CoolLimit:
    """What is asked for, and the defaults for the rest."""
    limit = CoolLimit()
    if request.battery_c is not None:
        limit = dataclasses.replace(limit, battery_c=request.battery_c)
    if request.cool_timeout_s is not None:
        limit = dataclasses.replace(limit, timeout_s=request.cool_timeout_s)
    return limit


def _record(request: Request, plan: Plan, runner: Runner, cool: CoolLimit) -> PlanRecord:
    """What is kept of the plan; the labelled pictures are added where they have been read."""
    preset = plan.preset
    return PlanRecord(
        runner.name,
        preset.name,
        preset.processes,
        preset.runs,
        preset.seconds,
        plan.seed,
        cool.battery_c,
        cool.thermal_status,
        cool.timeout_s,
        plan.budget(request.time_limit_s).time_limit_s,
        verify=request.verify,
        binary_sha256=getattr(runner, "binary_sha256", None),
        package=getattr(runner, "package", None),
    )


def _runner(name: str, request: Request) -> Runner:
    binary = request.binary
    if name == "benchmark_model":
        from swiftformer_keras.benchmark.runners.benchmark_model import BenchmarkModelRunner

        if request.package is not None:
            raise BenchmarkPlanError("an application id goes with --runner app")
        if binary is None:
            raise BenchmarkPlanError("--runner benchmark_model needs the tool itself: give --binary PATH")
        try:
            sha256 = sha256_file(binary)
        except (OSError, ValueError) as error:
            raise BenchmarkPlanError(
                f"{shown(binary)}: cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from None
        return BenchmarkModelRunner(binary, sha256)
    if name != "app":
        raise BenchmarkPlanError(f"the runner {name!r} is none of this version's")
    from swiftformer_keras.benchmark.runners.app import PACKAGE, AppRunner

    if binary is not None:
        raise BenchmarkPlanError("--binary goes with --runner benchmark_model")
    package = request.package or PACKAGE
    if len(package) > 200 or APPLICATION_ID.fullmatch(package) is None:
        raise BenchmarkPlanError(
            f"the application id {shown(package, 80)!r} is none: it is letters, digits and _ in parts with dots between"
        )
    return AppRunner(package)
