"""Several phones at once, each in a thread of its own: one bad phone never stops the others."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from converters.android.adb_client import Adb, Attached
from converters.android.adb_failures import advice
from swiftformer_keras.benchmark.execute import Progress
from swiftformer_keras.benchmark.job import Job, measure
from swiftformer_keras.benchmark.reading import read_identity
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


def connected(adb: Adb) -> list[Attached]:
    """The phones that are there, in whatever state.

    Raises:
        NoDeviceError: no phone is connected.
    """
    attached = list(adb.devices())
    if not attached:
        raise NoDeviceError(
            "no phone is connected. Plug one in, allow USB debugging on it, and see swiftformer devices"
        )
    return attached


def run_fleet(
    job: Job,
    adb: Adb,
    out_of: Callable[[str], Path],
    progress: Progress,
) -> tuple[Outcome, ...]:
    """Do the job on all phones that are connected, at the same time.

    Phones that cannot be used are among the outcomes, with what to do about them; so is a phone that adb has under a
    second serial number (USB and Wi-Fi), which is measured once. A Ctrl-C ends all of them, each left as it was found.

    Args:
        out_of: the file for a phone's run.
        progress: is told each phone's steps with its serial number before them.

    Raises:
        NoDeviceError: no phone is connected.
        KeyboardInterrupt, interruption.Terminated: a signal came; what was measured is saved.
    """
    attached = connected(adb)
    stop = threading.Event()
    shared = _SharedProgress(progress, stop)
    outcomes: dict[str, Outcome] = {}
    ready: list[str] = []
    for each in attached:
        why = advice(each.state)
        if why is None and len(ready) >= MAX_PHONES:
            why = f"was not measured: {MAX_PHONES} phones at once are the limit. Name it with --device"
        if why is None:
            ready.append(each.serial)
        else:
            outcomes[each.serial] = Outcome(each.serial, out_of(each.serial), error=f"the phone {why}")

    claims = _Claims()

    def one(serial: str) -> Outcome:
        out = out_of(serial)
        phone = Adb(serial, adb.program, stop)
        try:
            first = claims.claim(read_identity(phone), serial)
            if first != serial:
                why = f"is the same phone as {shown(first, 60)}, which is measured; disconnect one of the two"
                return Outcome(serial, out, error=f"the phone {why}")
            return Outcome(serial, out, measure(job, phone, out, shared.of(serial)))
        except SwiftFormerError as error:
            return Outcome(serial, out, error=str(error))
        except Exception as error:  # noqa: BLE001 - a bug of ours must not cost what the others measured
            return Outcome(serial, out, error=_mistake(error, out))

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


class _Claims:
    """Which serial number each phone is measured under: the first that says who it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: dict[str, str] = {}

    def claim(self, identity: str, serial: str) -> str:
        """The serial number that this phone is measured under."""
        with self._lock:
            return self._first.setdefault(identity, serial)


def _mistake(error: Exception, out: Path) -> str:
    """One line of an error that nothing expected, with where it came from."""
    *_, last = traceback.extract_tb(error.__traceback__)
    where = f"{Path(last.filename).name}:{last.lineno}"
    kept = f". What was measured is in {shown(out)}" if out.exists() else ""
    return f"a bug in swiftformer ({where}): {type(error).__name__}: {shown(error, 200)}{kept}"


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
