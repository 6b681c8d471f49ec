"""The runner that needs nothing but the demo app: its own benchmark entry, with the runtime that the app ships.

`am instrument` starts a fresh process for each run (`android_app/core/BENCHMARK_FORMAT.md` has arguments and result).
Each run names its own result file, so that an old one is never read, and the result names the SHA-256 of the model
that was measured, so that another one never counts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.leftover import AppRun
from swiftformer_keras.benchmark.moments import now
from swiftformer_keras.benchmark.parsing.packages import parse_instrumentations
from swiftformer_keras.benchmark.plan import Configuration, ProcessBudget
from swiftformer_keras.benchmark.quoting import checked_component, checked_path, script
from swiftformer_keras.benchmark.result import MAX_RUNS_KEPT, ProcessResult
from swiftformer_keras.benchmark.runners.app_result import MAX_BYTES, AppResult, parse_app_result
from swiftformer_keras.benchmark.runners.log import excerpt
from swiftformer_keras.benchmark.warm_up import WarmUp, judge
from swiftformer_keras.errors import (
    BenchmarkOutputError,
    BenchmarkPlanError,
    BenchmarkRunnerError,
    DeviceError,
)
from swiftformer_keras.shield import undisturbed
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.benchmark.session import DeviceSession
    from swiftformer_keras.benchmark.transfer import RemoteFile

PACKAGE = "dev.swiftformer.app"
INSTRUMENTATION = "dev.swiftformer.app.BenchmarkInstrumentation"
_MEMORY_RUNS = 8
_MOST_RUNS = 100_000  # of one process of the app, however short they are
_ON_SCREEN = "top-app"  # the cpuset of the app that a user has before him
_QUICK_S = 20.0
_MAX_SAID = 4 << 20
_OK, _NOT_THERE = (
    -1,
    re.compile(r"INSTRUMENTATION_FAILED|Unable to find instrumentation info|No instrumentation found"),
)
_CODE = re.compile(r"^INSTRUMENTATION_CODE: (-?\d{1,9})\s*$", re.MULTILINE)
_BUNDLE = re.compile(r"^INSTRUMENTATION_RESULT: ([A-Za-z]{1,40})=(.{0,2000})$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class AppRunner:
    """The demo app, installed with its benchmark entry.

    Attributes:
        package: its application id.
    """

    package: str = PACKAGE
    name: str = "app"

    def check(self, configurations: Sequence[Configuration], facts: DeviceFacts) -> None:
        """Refuse an affinity: a shell cannot choose the cores of another app.

        Raises:
            BenchmarkPlanError: an affinity is asked for.
        """
        if any(each.affinity is not None for each in configurations):
            raise BenchmarkPlanError(
                "--cpu-affinity: the app cannot be kept on chosen cores from outside. Use --runner benchmark_model, "
                "or leave it out"
            )

    def prepare(self, session: DeviceSession) -> None:
        """Look for the app and its entry.

        Raises:
            BenchmarkRunnerError: they are not there.
            DeviceError: the phone does not answer.
        """
        listed = session.shell(("pm", "list", "instrumentation", self.package), _QUICK_S).text
        if any(
            component.startswith(f"{self.package}/") and component.endswith("BenchmarkInstrumentation")
            for component in parse_instrumentations(listed)
        ):
            return
        installed = session.shell(("pm", "list", "packages", self.package), _QUICK_S).text
        if re.search(rf"^package:{re.escape(self.package)}\s*$", installed, re.MULTILINE):
            raise BenchmarkRunnerError(
                f"the app {self.package} on {shown(session.facts.serial, 60)} was built without its benchmark entry. "
                "Build it with swiftformer app build --benchmark, and install that"
            )
        raise BenchmarkRunnerError(
            f"the app {self.package} is not on {shown(session.facts.serial, 60)}. Run swiftformer app build "
            "--benchmark and swiftformer app install, or take --runner benchmark_model --binary PATH"
        )

    def run(
        self,
        session: DeviceSession,
        configuration: Configuration,
        model: RemoteFile,
        budget: ProcessBudget,
        round_number: int,
    ) -> ProcessResult:
        """Measure in a fresh process.

        Raises:
            DeviceError: the phone is gone, or the time limit has passed.
        """
        if budget.kind == "memory":
            amount = {"runs": str(_MEMORY_RUNS), "warm_up": "0"}
        else:
            amount = {"runs": str(budget.runs), "seconds": f"{_asked_s(budget):.3f}", "warm_up": "auto"}
        started = now()
        try:
            found = self.start(session, configuration, model, amount, budget.time_limit_s)
        except AppFailedError as failure:
            return ProcessResult(
                round=round_number, started_at=started, error=str(failure), log_excerpt=failure.log_excerpt
            )
        error = found.error or _not_what_was_asked(found, configuration, budget)
        return ProcessResult(
            round=round_number,
            started_at=started,
            initialization_ms=found.initialization_ms,
            first_inference_ms=found.first_inference_ms,
            warm_up_ms=_kept(found.warm_up_ms),
            samples_ms=_kept(found.samples_ms),
            # No process takes nothing: a system that says 0 does not say.
            memory_kib=(found.peak_memory_kib or None) if budget.kind == "memory" else None,
            runtime_version=found.runtime_version,
            app_version=found.app_version,
            replacing=found.replacing,
            accelerator=found.accelerator,
            xnnpack=found.xnnpack,
            cpuset=found.cpuset,
            notes=_notes(found, budget),
            error=None if error is None else shown(error, 300),
        )

    def start(
        self,
        session: DeviceSession,
        configuration: Configuration,
        model: RemoteFile,
        arguments: Mapping[str, str],
        time_limit_s: float,
    ) -> AppResult:
        """Run the entry once and read its result; the file is removed again.

        Raises:
            AppFailedError: it gave no result that can be read.
            UnsafeTextError: the application id or the model's path is none.
            DeviceError: the phone is gone, or the time limit has passed.
        """
        result = f"swiftformer-{secrets.token_hex(8)}.json"
        given = {
            "model": checked_path(model.path),
            "delegate": configuration.delegate,
            "threads": str(configuration.threads),
            "golden": "false",
            "result": result,
            **arguments,
        }
        command = ["am", "instrument", "-w"]
        for name, value in given.items():
            command += ["-e", name, value]
        component = checked_component(f"{self.package}/{INSTRUMENTATION}")
        app = AppRun(self.package, result)
        session.owe(app)
        try:
            said = session.shell(
                (*command, component), time_limit_s, limit_bytes=_MAX_SAID, what="the app's run"
            )
            text = said.text + "\n" + said.stderr.decode("utf-8", "replace")
            fetch = script("cat {} && rm -f {}", app.path, app.path)
            done = session.run_script(fetch, 60.0, limit_bytes=MAX_BYTES, what="fetching the app's result")
        except BaseException:
            self._stop(session, app)
            raise
        if done.returncode != 0 and _CODE.search(text) is None and not _NOT_THERE.search(text):
            self._stop(session, app)  # `am` did not come to its end, and the app may still run
        else:
            session.settle()
        if done.returncode != 0:
            log = None if _NOT_THERE.search(text) else excerpt(session, self.package)
            raise AppFailedError(_why(text, self.package), log)
        try:
            return parse_app_result(done.stdout)
        except BenchmarkOutputError as error:
            raise AppFailedError(str(error), None) from None

    def _stop(self, session: DeviceSession, app: AppRun) -> None:
        """Nothing of ours goes on running on the phone, or stays there; where it cannot be reached, this is owed."""
        with contextlib.suppress(DeviceError), undisturbed():
            session.adb.shell(
                app.end_text(), timeout_s=_QUICK_S, uninterrupted=True, what="ending the app's run"
            )
            session.settle()


class AppFailedError(BenchmarkRunnerError):
    """The app's process gave no result; `log_excerpt` is what the phone's log has of it."""

    def __init__(self, message: str, log_excerpt: str | None) -> None:
        super().__init__(message)
        self.log_excerpt = log_excerpt


def _why(text: str, package: str) -> str:
    """Why there is no result file, from what `am instrument` said."""
    bundle = {name: shown(value.strip(), 160) for name, value in _BUNDLE.findall(text)}
    if "no such argument" in bundle.get("error", ""):
        return (
            f"the app {package} is older than this package. Build it with swiftformer app build --benchmark and "
            "install it again"
        )
    if "error" in bundle:
        return f"the app refused: {bundle['error']}"
    if _NOT_THERE.search(text):
        return f"the app {package} is not there any more, or has no benchmark entry"
    if "shortMsg" in bundle or "longMsg" in bundle:
        return f"the app crashed: {bundle.get('longMsg') or bundle.get('shortMsg')}"
    code = _CODE.search(text)
    if code is None:
        return "the app's run was cut short: am instrument did not come to its end"
    return f"the app left no result (am instrument ended with code {code[1]})"


def of_something_else(found: AppResult, configuration: Configuration) -> str | None:
    """How the result is of another model, delegate or number of threads; None where it is of what was asked for."""
    if found.model_sha256 != configuration.model_sha256:
        return f"the app measured another model (SHA-256 {shown(found.model_sha256, 12)})"
    if found.delegate != configuration.delegate:
        return f"the app measured {shown(found.delegate, 40)} and not {configuration.delegate}"
    if found.threads != configuration.threads:
        return f"the app measured with {found.threads} threads and not with {configuration.threads}"
    return None


def _not_what_was_asked(found: AppResult, configuration: Configuration, budget: ProcessBudget) -> str | None:
    """Whether the result is of something else, or of less; None where it is as asked."""
    if (other := of_something_else(found, configuration)) is not None:
        return other
    if budget.kind == "timed" and not found.warm_up_ms:
        return "the app measured without a warm-up"
    if budget.kind == "timed" and judge(found.warm_up_ms) is WarmUp.MORE:
        return f"the app ended its warm-up after {len(found.warm_up_ms)} runs, before the latency was stable"
    wanted, count = budget.runs if budget.kind == "timed" else _MEMORY_RUNS, len(found.samples_ms)
    if count < wanted:
        return f"the app measured {count} runs of {wanted}"
    total_s = sum(found.samples_ms) / 1000
    if budget.kind == "timed" and count < _MOST_RUNS and total_s < _asked_s(budget) * (1 - 1e-6):
        return f"the app measured runs of {total_s:.3g} s together, and {_asked_s(budget):g} s were asked for"
    return None


def _asked_s(budget: ProcessBudget) -> float:
    """The seconds as the app is given them, in whole milliseconds, rounded up: the preset's total is reached."""
    return math.ceil(round(budget.seconds * 1000, 6)) / 1000


def _kept(times_ms: tuple[float, ...]) -> tuple[float, ...]:
    """As many runs as a run's file has room for, to the nanosecond, which is what the app's clock counts in."""
    return tuple(round(each, 6) for each in times_ms[:MAX_RUNS_KEPT])


def _notes(found: AppResult, budget: ProcessBudget) -> tuple[str, ...]:
    notes = []
    if found.debuggable:
        notes.append("the app is debuggable, and so slower than a release")
    if budget.kind == "timed" and (found.warm == "limit" or judge(found.warm_up_ms) is WarmUp.LIMIT):
        notes.append("warm-up ended at its limit: the latency was not stable")
    if found.cpuset not in (None, "/") and found.cpuset.rpartition("/")[2] != _ON_SCREEN:
        notes.append(
            f"the app ran in the cpuset {found.cpuset}, not in /{_ON_SCREEN} as an app on the screen does"
        )
    if len(found.samples_ms) > MAX_RUNS_KEPT:
        notes.append(f"the first {MAX_RUNS_KEPT:,} of {len(found.samples_ms):,} runs are kept")
    return tuple(notes)
