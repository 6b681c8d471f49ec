"""Several phones at once, each in a thread of its own: one bad phone never stops the others."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from converters.android.adb_client import Adb
from converters.android.adb_failures import advice
from swiftformer_keras.benchmark.execute import Progress
from swiftformer_keras.benchmark.job import Job, measure
from swiftformer_keras.benchmark.result import Run
from swiftformer_keras.errors import NoDeviceError, SwiftFormerError
from swiftformer_keras.shown import shown

MAX_PHONES = 64
_LOOK_S = 0.2


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How it went on one phone: its run, or why there is none (`error`, one line); `out` is the run's file."""

    serial: str
    out: Path
    run: Run | None = None
    error: str | None = None


def run_fleet(
    job: Job,
    adb: Adb,
    out_of: Callable[[str], Path],
    progress: Progress,
    serials: Sequence[str] | None = None,
) -> tuple[Outcome, ...]:
    """Do the job on all phones that are connected, or on these, at the same time.

    Phones that cannot be used are among the outcomes, with what to do about them. A Ctrl-C ends all of them, each
    left as it was found.

    Args:
        out_of: the file for a phone's run.
        progress: is told each phone's steps with its serial number before them.

    Raises:
        NoDeviceError: no phone is connected.
        KeyboardInterrupt, interruption.Terminated: a signal came; what was measured is saved.
    """
    attached = [each for each in adb.devices() if serials is None or each.serial in serials][:MAX_PHONES]
    if not attached:
        raise NoDeviceError(
            "no phone is connected. Plug one in, allow USB debugging on it, and see swiftformer devices"
        )
    stop = threading.Event()
    shared = _SharedProgress(progress, stop)
    outcomes: dict[str, Outcome] = {}
    ready = []
    for each in attached:
        why = advice(each.state)
        if why is None:
            ready.append(each.serial)
        else:
            outcomes[each.serial] = Outcome(each.serial, out_of(each.serial), error=f"the phone {why}")

    def one(serial: str) -> Outcome:
        out = out_of(serial)
        phone = Adb(serial, adb.program, stop)
        try:
            return Outcome(serial, out, measure(job, phone, out, shared.of(serial)))
        except SwiftFormerError as error:
            return Outcome(serial, out, error=str(error))

    with concurrent.futures.ThreadPoolExecutor(max(1, len(ready))) as pool:
        working = {pool.submit(one, serial) for serial in ready}
        try:
            waiting = working
            while waiting:  # in slices: a signal is handled between them
                _, waiting = concurrent.futures.wait(waiting, _LOOK_S)
                shared.show()
        except BaseException:
            stop.set()
            raise
    for future in working:
        outcome = future.result()
        outcomes[outcome.serial] = outcome
    return tuple(outcomes[each.serial] for each in attached)


class _SharedProgress:
    """Progress of several phones through one: told in their threads, shown in the main one."""

    def __init__(self, progress: Progress, stop: threading.Event) -> None:
        self._progress, self._stop = progress, stop
        self._lock = threading.Lock()
        self._steps: dict[str, tuple[int, int]] = {}
        self._latest = ""

    def of(self, serial: str) -> Progress:
        """For one phone."""

        def told(step: str, done: int = 0, total: int = 0) -> None:
            if self._stop.is_set():
                raise KeyboardInterrupt
            with self._lock:
                self._steps[serial] = (done, total)
                self._latest = f"{shown(serial, 40)}: {step}"

        return told

    def show(self) -> None:
        """The newest step, with all phones' steps added up."""
        with self._lock:
            done, total = (sum(each[n] for each in self._steps.values()) for n in (0, 1))
            latest = self._latest
        if latest:
            self._progress(latest, done, total)
