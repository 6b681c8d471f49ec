"""One benchmark, from what was asked for to the files of its runs: on one phone, or gone on with from a file.

What does not depend on a phone (the plan, this computer's own answers) is made once and shared by all of them.
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from swiftformer_keras import __version__
from swiftformer_keras.benchmark.cooling import CoolLimit
from swiftformer_keras.benchmark.execute import Execution, Progress, Work, no_progress
from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.moments import now
from swiftformer_keras.benchmark.plan import PRESETS, Plan, PlannedModel
from swiftformer_keras.benchmark.residency import fails
from swiftformer_keras.benchmark.result import (
    ConfigurationResult,
    ModelRecord,
    PlanRecord,
    Run,
    Tool,
    lacks_accuracy,
)
from swiftformer_keras.benchmark.run_file import read_run, write_run
from swiftformer_keras.benchmark.runners import Runner
from swiftformer_keras.benchmark.session import DeviceSession
from swiftformer_keras.errors import BenchmarkPlanError, SwiftFormerError, TFLiteFileError
from swiftformer_keras.files import sha256_file
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from converters.android.adb_client import Adb
    from swiftformer_keras.benchmark.answers import Answers


COMEBACK_S = 15.0
"""So long a phone that went away is waited for at the end; adb looks for one in the network every ten."""


@dataclasses.dataclass(frozen=True)
class Job:
    """What is to be done on each phone.

    Attributes:
        models: the file of each SHA-256.
        record: what a new run says of its plan.
        resumed: a run to go on with, or None.
    """

    plan: Plan
    runner: Runner
    models: Mapping[str, Path]
    records: tuple[ModelRecord, ...]
    cool: CoolLimit
    record: PlanRecord
    time_limit_s: float | None = None
    answers: Answers | None = None
    resumed: Run | None = None


def open_models(paths: Sequence[Path]) -> tuple[dict[str, Path], tuple[ModelRecord, ...]]:
    """The files by their SHA-256, and what is recorded of each.

    Raises:
        TFLiteFileError: one cannot be read, or is no .tflite file by its name.
        BenchmarkPlanError: two are the same file.
    """
    models: dict[str, Path] = {}
    records = []
    for path in paths:
        if path.suffix.lower() != ".tflite":
            raise TFLiteFileError(
                f"{shown(path)}: is no .tflite file. Make one with swiftformer export or quantize"
            )
        try:
            if not path.is_file():
                raise TFLiteFileError(f"{shown(path)}: is not a file. Check the path")
            sha256, size = sha256_file(path), path.stat().st_size
        except (OSError, ValueError) as error:
            raise TFLiteFileError(
                f"{shown(path)}: cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from None
        if sha256 in models:
            raise BenchmarkPlanError(
                f"{shown(path)} and {shown(models[sha256])} are the same file (SHA-256 {sha256[:12]}); give it once"
            )
        models[sha256] = path
        records.append(_record(path, sha256, size))
    return models, tuple(records)


def planned(records: Sequence[ModelRecord]) -> list[PlannedModel]:
    """The models as a plan has them."""
    return [PlannedModel(record.file, record.sha256) for record in records]


def resume(path: Path, models: Mapping[str, Path], runner: str | None) -> tuple[Run, Plan]:
    """A run that was interrupted, and its plan.

    Args:
        models: the files that were given again.
        runner: that was asked for, or None.

    Raises:
        RunFileError: the file is no run.
        BenchmarkPlanError: it is of another runner or other models, or has nothing left to measure.
    """
    run = _reopened(read_run(path))
    where = shown(path)
    if runner is not None and runner != run.plan.runner:
        raise BenchmarkPlanError(
            f"{where}: was measured with {run.plan.runner}, not {runner}. Leave --runner out"
        )
    preset = PRESETS.get(run.plan.preset)
    recorded = (run.plan.processes, run.plan.runs, run.plan.seconds)
    if preset is None or (preset.processes, preset.runs, preset.seconds) != recorded:
        raise BenchmarkPlanError(
            f"{where}: its preset {shown(run.plan.preset, 40)!r} is none of this version's"
        )
    wanted = {each.configuration.model_sha256: each.configuration.model_file for each in run.configurations}
    for sha256, file in wanted.items():
        if sha256 not in models:
            raise BenchmarkPlanError(
                f"{where}: needs {shown(file, 80)} with the SHA-256 {sha256[:12]}. Give the same models as before"
            )
    extra = next((path for sha256, path in models.items() if sha256 not in wanted), None)
    if extra is not None:
        raise BenchmarkPlanError(f"{shown(extra)}: is not part of {where}. Give the same models as before")
    if not any(each.status == "not_run" or lacks_accuracy(each, run.plan) for each in run.configurations):
        raise BenchmarkPlanError(f"{where}: has nothing left to measure{_not_again(run)}")
    plan = Plan(tuple(each.configuration for each in run.configurations), preset, run.plan.seed)
    return run, plan


def measure(job: Job, adb: Adb, out: Path, progress: Progress = no_progress) -> Run:
    """Do the job on one phone; `out` has what was measured, whatever happens.

    Raises:
        BenchmarkPlanError, BenchmarkRunnerError: it cannot be done on this phone.
        DeviceError: the phone is gone, or does not do what is needed; the line says how to go on.
        OutputError: `out` cannot be written.
    """
    saved = False

    def save(run: Run) -> None:
        nonlocal saved
        if any(result.processes or result.status != "not_run" for result in run.configurations):
            write_run(out, run)
            saved = True

    try:
        with DeviceSession(adb, comeback_s=COMEBACK_S) as session:
            run = _begun(job, session.facts)
            notes = (*run.notes, *(note for note in session.notes if note not in run.notes))
            run = dataclasses.replace(run, notes=notes)
            work = Work(job.plan, job.runner, job.models, job.cool, job.time_limit_s, job.answers)
            return Execution(work, session, run, save, progress).run()
    except SwiftFormerError as error:
        if not saved:
            raise
        message = (
            f"{str(error).rstrip('.')}. What was measured is in {shown(out)} (swiftformer report {shown(out)} --html "
            "PAGE.html shows it)"
        )
        if _unfinished(out):
            message += f"; go on with --resume {shown(out)}"
        raise type(error)(message) from error


def commit_here(root: Path = Path(__file__).parents[2]) -> str | None:
    """The commit that this program runs from, with "-dirty" where files that git knows are changed; None elsewhere."""
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None or not commit.isalnum():
        return None
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return commit if changed == "" else f"{commit}-dirty"


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", root, *arguments], capture_output=True, timeout=10, check=False, text=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _begun(job: Job, facts: DeviceFacts) -> Run:
    """A new run, or the one to go on with on the phone that it was begun on, however that is connected now."""
    if job.resumed is not None:
        before = job.resumed.device
        if (before.identity, before.fingerprint) != (facts.identity, facts.fingerprint):
            raise BenchmarkPlanError(
                f"the run that is gone on with was begun on {shown(before.serial, 60)} with the system "
                f"{shown(before.fingerprint, 100)}; go on with that phone and system"
            )
        tool = Tool(__version__, commit_here())
        by = "" if tool == job.resumed.tool else f" by version {tool.version} ({tool.commit or 'no clone'})"
        line = f"resumed at {now()}{by}{_not_again(job.resumed)}"
        return dataclasses.replace(job.resumed, finished_at=None, notes=(*job.resumed.notes, line))
    return Run(
        tool=Tool(__version__, commit_here()),
        started_at=now(),
        device=facts,
        plan=job.record,
        models=job.records,
        configurations=tuple(ConfigurationResult(each, "not_run") for each in job.plan.configurations),
    )


def _reopened(run: Run) -> Run:
    """The run with its failures open again, but for what was measured and is wrong: that may only be in a new run."""
    return dataclasses.replace(run, configurations=tuple(_open_again(each) for each in run.configurations))


def _open_again(result: ConfigurationResult) -> ConfigurationResult:
    """A hang, a crash or a missing answer may be mended; a delegate that takes nothing, or wrong answers, are found.

    A process that failed becomes a note, and its round is measured again.
    """
    if result.status != "failed" or (result.residency is not None and fails(result.residency) is not None):
        return result
    kept = tuple(each for each in result.processes if each.error is None)
    failed = [each for each in result.processes if each.error is not None]
    lines = [f"round {each.round + 1} failed at {each.started_at}: {each.error}" for each in failed]
    return dataclasses.replace(
        result,
        status="not_run",
        reason=None,
        residency=result.residency if kept else None,
        processes=kept,
        notes=(*result.notes, *(lines or [f"failed before: {result.reason}"])),
        log_excerpt=next((each.log_excerpt for each in failed if each.log_excerpt), result.log_excerpt),
    )


def _not_again(run: Run) -> str:
    """What is said of configurations that are not measured again."""
    failed = sum(each.status in ("failed", "wrong_answer") for each in run.configurations)
    if not failed:
        return ""
    return f"; what has failed ({failed} of {len(run.configurations)} configurations) is not tried again"


def _unfinished(out: Path) -> bool:
    try:
        return read_run(out).finished_at is None
    except SwiftFormerError:
        return False


def _record(path: Path, sha256: str, size: int) -> ModelRecord:
    """What the file says of itself, as far as it can be read: the phone decides whether it runs."""
    from converters.tflite.inspect import inspect_tflite

    try:
        found = inspect_tflite(path)
    except SwiftFormerError:
        return ModelRecord(path.name, sha256, size)
    card = found.card
    return ModelRecord(
        path.name,
        sha256,
        size,
        None if card is None else shown(card.name, 80),
        None if card is None else card.precision,
        sum(len(graph.operators) for graph in found.graphs),
    )
