"""A plan on one phone: rounds of fresh processes, with whatever goes wrong in one of them kept to it.

What was measured is saved every few seconds and whenever the work ends, however it ends; a run that was read back
goes on where it stopped. A fault of one configuration (a crash, a hang, a delegate that takes nothing, an answer that
cannot be read) ends that configuration alone; only a phone that is gone, or a program that is not the one of before,
ends the others.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from swiftformer_keras.benchmark import residency
from swiftformer_keras.benchmark.cooling import CoolLimit, too_hot
from swiftformer_keras.benchmark.moments import now
from swiftformer_keras.benchmark.plan import Configuration, Plan, ProcessBudget
from swiftformer_keras.benchmark.programs import Programs
from swiftformer_keras.benchmark.result import ConfigurationResult, ProcessResult, Run, lacks_accuracy
from swiftformer_keras.benchmark.runners import Runner
from swiftformer_keras.errors import (
    AdbServerError,
    BenchmarkOutputError,
    BenchmarkRunnerError,
    DeviceError,
    DeviceGoneError,
    DeviceNotReadyError,
    NoDeviceError,
    OutputError,
    SwiftFormerError,
)
from swiftformer_keras.interruption import Terminated
from swiftformer_keras.shield import undisturbed
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.benchmark.answers import Answered, Answers
    from swiftformer_keras.benchmark.session import DeviceSession
    from swiftformer_keras.benchmark.state import DeviceState
    from swiftformer_keras.benchmark.transfer import RemoteFile

Progress = Callable[[str, int, int], None]
Save = Callable[[Run], None]

GONE = (DeviceGoneError, AdbServerError, NoDeviceError, DeviceNotReadyError)
"""After these nothing more can be measured."""

SAVE_EVERY_S, SAVE_SHARE = 5.0, 0.05
"""Between two saves, and the share of the time that saving may take: so much is lost at most where the power fails."""


SAME_MOMENT_S = 1.0
"""So long ago a state may have been read to be that of now."""


def with_note(run: Run, line: str) -> Run:
    """The run with one more line, which it has once."""
    return run if line in run.notes else dataclasses.replace(run, notes=(*run.notes, line))


def no_progress(step: str, done: int = 0, total: int = 0) -> None:
    """Takes progress and shows none."""


@dataclasses.dataclass(frozen=True)
class Work:
    """What is to be done on a phone.

    Attributes:
        models: the file of each SHA-256.
        cool: what the phone has to come down to before each process.
        time_limit_s: of each process; by default by the plan.
        answers: golden inputs and labelled pictures to check the answers with, or None.
    """

    plan: Plan
    runner: Runner
    models: Mapping[str, Path]
    cool: CoolLimit
    time_limit_s: float | None = None
    answers: Answers | None = None


def _unread(when: str, error: DeviceError) -> str:
    return f"the phone's state {when} is not known: {shown(error, 200)}"


class Execution:
    """One plan on one session.

    Args:
        run: as far as it is: a new one, or one that was read back.
        save: is given the run as it grows.
    """

    def __init__(
        self, work: Work, session: DeviceSession, run: Run, save: Save, progress: Progress = no_progress
    ) -> None:
        self._work, self._session, self._save, self._progress = work, session, save, progress
        self._run = run
        self._results = {each.configuration: each for each in run.configurations}
        self._remote: dict[str, RemoteFile] = {}
        self._save_at = time.monotonic() + SAVE_EVERY_S
        self._latest: tuple[float, DeviceState] | None = None
        self._programs = Programs(run)
        self._done = 0
        answers = 0 if work.answers is None else work.answers.steps
        self._total = len(self._results) * (work.plan.preset.processes + 1 + answers)

    def run(self) -> Run:
        """Do what is left to do.

        Raises:
            BenchmarkPlanError, BenchmarkRunnerError: nothing can be measured on this phone.
            RunnerChangedError: the app is not the one that the run was begun with; nothing was made of its answer.
            DeviceError: the phone is gone; what was measured until then is saved.
            OutputError: it cannot be saved.
        """
        try:
            self._parts()
        except BaseException as error:
            self._save_last(error)
            raise
        self._save_last(None)
        return self._current()

    def _parts(self) -> None:
        work, session = self._work, self._session
        work.runner.check(work.plan.configurations, session.facts)
        self._refuse()
        if any(self._open(each) for each in work.plan.configurations):
            work.runner.prepare(session)
            self._push()
            self._check_answers("golden")
            self._rounds()
            self._memory()
            self._check_answers("dataset")
        self._finish()

    def _save_last(self, ended_by: BaseException | None) -> None:
        """Whatever signals come meanwhile. Where a signal ends the work, nobody else would say why saving failed."""
        with undisturbed():
            try:
                self._save(self._current())
            except OutputError as problem:
                if ended_by is None or isinstance(ended_by, SwiftFormerError):
                    raise
                line = f"{problem}. What was measured since it was last saved is lost"
                print(f"Error: {shown(line, 1000)}", file=sys.stderr)

    # The parts, in their order.

    def _refuse(self) -> None:
        for configuration in self._work.plan.configurations:
            reason = residency.refused(configuration.delegate, self._session.facts.sdk)
            if reason is not None:
                self._update(configuration, status="refused", reason=reason)

    def _push(self) -> None:
        needed = {each.model_sha256 for each in self._work.plan.configurations if self._open(each)}
        for sha256 in sorted(needed):
            path = self._work.models[sha256]
            self._progress(f"sending {shown(path.name, 60)}", self._done, self._total)
            self._remote[sha256] = self._session.push(path, sha256)

    def _rounds(self) -> None:
        budget = self._work.plan.budget(self._work.time_limit_s)
        for number, order in self._work.plan.rounds():
            for configuration in order:
                self._done += 1
                result = self._results[configuration]
                if not self._open(configuration) or any(each.round == number for each in result.processes):
                    continue
                step = f"round {number + 1} of {self._work.plan.preset.processes}: {configuration.name}"
                self._progress(step, self._done - 1, self._total)
                self._add(configuration, self._measure(configuration, budget, number))
                self._save_now_and_then()

    def _memory(self) -> None:
        budget = dataclasses.replace(self._work.plan.budget(self._work.time_limit_s), kind="memory")
        for configuration in self._work.plan.configurations:
            self._done += 1
            if not self._open(configuration) or self._results[configuration].memory_kib is not None:
                continue
            self._progress(f"memory: {configuration.name}", self._done - 1, self._total)
            found = self._process(configuration, budget, 0)
            self._programs.check(found)
            where = self._judge(configuration, found)
            why = found.error or (None if where is None else residency.fails(where))
            if why is None and found.memory_kib is None:
                why = "the runner does not say it"
            if why is None:
                self._forget(configuration, "peak memory is not known")
                self._update(configuration, memory_kib=found.memory_kib)
            else:
                self._note(configuration, f"peak memory is not known: {shown(why, 200)}")
                self._keep_log(configuration, found.log_excerpt)
            self._save_now_and_then()

    def _check_answers(self, part: str) -> None:
        answers = self._work.answers
        if answers is None:
            return
        for configuration in self._work.plan.configurations:
            self._done += 1 if answers.has(part) else 0
            if not (answers.has(part) and self._open(configuration)):
                continue
            if answers.known(part, self._results[configuration]):
                continue
            self._progress(f"{answers.called(part)}: {configuration.name}", self._done - 1, self._total)
            try:
                found = answers.check(
                    part, self._session, configuration, self._remote[configuration.model_sha256]
                )
            except GONE:
                raise
            except (DeviceError, BenchmarkOutputError, BenchmarkRunnerError) as error:
                self._unanswered(configuration, part, answers.called(part), shown(error, 300))
                self._keep_log(configuration, getattr(error, "log_excerpt", None))
            else:
                for process in found.processes:
                    self._programs.check(process)
                self._answered(configuration, part, answers.called(part), found)
            self._save_now_and_then()

    def _answered(self, configuration: Configuration, part: str, called: str, found: Answered) -> None:
        """Keep what a check gave, and say where another share of the graph answered than was measured."""
        self._forget(configuration, called)
        result = self._results[configuration]
        self._update(configuration, **found.fields)
        why = residency.fails(found.residency)
        if not result.processes or (part == "golden" and why is not None):
            self._update(configuration, residency=found.residency)
        elif result.residency is not None:
            self._note_other_share(configuration, called, found.residency, result.residency)
        if why is not None:
            self._unanswered(configuration, part, called, why)

    def _unanswered(self, configuration: Configuration, part: str, called: str, why: str) -> None:
        """Without golden answers nothing else counts; without accuracy the latency does."""
        if part == "golden":
            self._update(configuration, status="failed", reason=f"{called}: {why}")
        else:
            self._forget(configuration, called)
            self._note(configuration, f"{called}: {why}")

    def _note_other_share(
        self,
        configuration: Configuration,
        called: str,
        answering: residency.Residency,
        measured: residency.Residency,
    ) -> None:
        if answering.verdict != measured.verdict:
            line = f"the delegate's share was {answering.verdict}, and {measured.verdict} where latency was measured"
            self._note(configuration, f"{called}: {line}")

    def _finish(self) -> None:
        wanted = self._work.plan.preset.processes
        for configuration, result in self._results.items():
            if not self._open(configuration):
                continue
            if len(result.processes) < wanted:
                reason = f"{len(result.processes)} of {wanted} processes were measured"
                self._update(configuration, status="not_run", reason=reason)
            elif result.verification is not None and not result.verification.passed:
                reason = f"wrong answers: {result.verification.reason}"
                self._update(configuration, status="wrong_answer", reason=shown(reason, 390))
            else:
                self._update(configuration, status="ok", reason=None)
        self._run = dataclasses.replace(self._run, finished_at=now())

    # One process.

    def _measure(self, configuration: Configuration, budget: ProcessBudget, number: int) -> ProcessResult:
        before, waited_s, note = self._cooled()
        found = self._process(configuration, budget, number)
        notes = found.notes if note is None else (*found.notes, note)
        found = dataclasses.replace(found, state_before=before, waited_s=waited_s, notes=notes)
        self._latest = None
        try:
            after = self._session.state()
        except (*GONE, KeyboardInterrupt, Terminated):
            self._add(configuration, found)  # what was measured stays
            raise
        except DeviceError as error:
            return dataclasses.replace(found, notes=(*notes, _unread("after", error)))
        self._latest = (time.monotonic(), after)
        return dataclasses.replace(found, state_after=after)

    def _cooled(self) -> tuple[DeviceState | None, float | None, str | None]:
        """The state just before a process, how long was waited for it, and a note.

        The note is there where waiting ended with the phone too hot, or its state unread. What was read a moment ago,
        after the process before, is not read again.
        """
        if self._latest is not None:
            at, state = self._latest
            if time.monotonic() - at < SAME_MOMENT_S and not too_hot(state, self._work.cool):
                return state, None, None
        try:
            waited = self._session.wait_until_cool(self._work.cool, self._still_hot)
        except GONE:
            raise
        except DeviceError as error:
            return None, None, _unread("before", error)
        if waited.reached and waited.why:
            self._run = with_note(self._run, f"the phone does not tell all of its heat: {waited.why}")
        note = None if waited.reached else f"measured hot: {shown(waited.why, 200)}"
        return waited.state, round(waited.seconds, 3), note

    def _still_hot(self, why: str) -> None:
        self._progress(f"waiting until the phone is cool ({shown(why, 80)})", self._done - 1, self._total)

    def _process(self, configuration: Configuration, budget: ProcessBudget, number: int) -> ProcessResult:
        started = now()
        model = self._remote[configuration.model_sha256]
        try:
            return self._work.runner.run(self._session, configuration, model, budget, number)
        except GONE:
            raise
        except DeviceError as error:  # a hang, or an answer that is none
            return ProcessResult(round=number, started_at=started, error=shown(error, 300))

    def _add(self, configuration: Configuration, process: ProcessResult) -> None:
        """Keep a process's result, and say what it means for its configuration.

        Raises:
            RunnerChangedError: it is of another program than those before; it is not kept.
        """
        self._programs.check(process)
        result = self._results[configuration]
        processes = (*result.processes, process)
        verdicts = [self._judge(configuration, each) for each in processes]
        found = residency.worst(each for each in verdicts if each is not None)
        answers, before = self._work.answers, result.residency
        if answers is not None and not result.processes and before is not None and found is not None:
            self._note_other_share(configuration, answers.called("golden"), before, found)
        self._update(configuration, processes=processes, residency=found)
        if process.error is not None:
            self._update(configuration, status="failed", reason=f"round {process.round + 1}: {process.error}")
        elif found is not None and (why := residency.fails(found)) is not None:
            self._update(configuration, status="failed", reason=why)

    def _judge(self, configuration: Configuration, process: ProcessResult) -> residency.Residency | None:
        """Whose work a process measured; None where it failed before that was known."""
        if process.error is not None and process.replacing is None:
            return None
        return residency.judge(
            configuration.delegate,
            process.replacing,
            sdk=self._session.facts.sdk,
            accelerator=process.accelerator,
            xnnpack=process.xnnpack,
        )

    # The run as it grows.

    def _open(self, configuration: Configuration) -> bool:
        """Whether something is left to be measured of it."""
        result = self._results[configuration]
        return result.status == "not_run" or lacks_accuracy(result, self._run.plan)

    def _update(self, configuration: Configuration, **changes: object) -> None:
        found: ConfigurationResult = dataclasses.replace(self._results[configuration], **changes)  # type: ignore[arg-type]
        self._results[configuration] = found

    def _keep_log(self, configuration: Configuration, log: str | None) -> None:
        """What the phone's log says of a crash outside of the rounds."""
        if log is not None:
            self._update(configuration, log_excerpt=log)

    def _note(self, configuration: Configuration, line: str) -> None:
        notes = self._results[configuration].notes
        if line not in notes:
            self._update(configuration, notes=(*notes, line))

    def _forget(self, configuration: Configuration, called: str) -> None:
        """Drop the notes about a check that was made anew."""
        notes = self._results[configuration].notes
        kept = tuple(note for note in notes if not note.startswith(f"{called}: "))
        self._update(configuration, notes=kept)

    def _current(self) -> Run:
        return dataclasses.replace(self._run, configurations=tuple(self._in_order()))

    def _in_order(self) -> Iterator[ConfigurationResult]:
        for configuration in self._work.plan.configurations:
            yield self._results[configuration]

    def _save_now_and_then(self) -> None:
        begun = time.monotonic()
        if begun >= self._save_at:
            self._save(self._current())
            ended = time.monotonic()
            self._save_at = ended + max(SAVE_EVERY_S, (ended - begun) / SAVE_SHARE)
