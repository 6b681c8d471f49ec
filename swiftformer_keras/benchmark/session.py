"""A phone held for a benchmark, and left as it was found.

`with DeviceSession(adb) as session:` reads what the phone is, makes a folder of its own on it and keeps the screen on.
When the block ends, in whatever way, the screen's settings are as before and the folder is gone; where the phone
cannot be reached any more, the message says what is left, and the next session with it puts it back
(`leftover.py`). Files are sent under the name of their content and compared on the phone before they get it
(`transfer.py`), so what is measured is what was given.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from converters.android.adb_client import MAX_ANSWER_BYTES, QUICK_S, Adb, ShellText
from converters.android.bounded_run import Completed
from swiftformer_keras.benchmark import leftover, screen
from swiftformer_keras.benchmark.cooling import CoolLimit, Waited, wait_until_cool
from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.leftover import AppRun, Hold, Leftover
from swiftformer_keras.benchmark.quoting import words
from swiftformer_keras.benchmark.reading import read_facts, read_identity, read_state
from swiftformer_keras.benchmark.state import DeviceState
from swiftformer_keras.benchmark.transfer import RemoteFile, Transfer
from swiftformer_keras.errors import DeviceAnswerError, DeviceError, SwiftFormerError
from swiftformer_keras.interruption import Terminated
from swiftformer_keras.shield import undisturbed
from swiftformer_keras.shown import shown

_MAX_LOOKS = 3


class DeviceSession:
    """One phone for the length of a `with` block. Not to be shared between threads.

    Args:
        adb: of this phone (`adb_client.choose`).
        keep_awake: whether the screen is kept on.
        comeback_s: how long a phone that went away is waited for at the end, to put things back.
        problem: told in one line what could not be put back when the block ends by Ctrl-C; by default on stderr.
        clock, sleep: for tests.

    Attributes:
        facts: of the phone, once the block has begun.
        folder: on the phone, this session's own.
        notes: what a reader of the results should know, such as that the screen could not be kept on.

    Raises:
        DeviceError: as `Adb.shell`; or another process measures on this phone.
    """

    facts: DeviceFacts
    folder: str

    def __init__(
        self,
        adb: Adb,
        *,
        keep_awake: bool = True,
        comeback_s: float = 10.0,
        problem: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        if adb.serial is None:
            raise ValueError("a session needs the serial number of its phone")
        self.adb = adb
        self.notes: list[str] = []
        self._keep_awake, self._comeback_s = keep_awake, comeback_s
        self._problem = problem or (lambda line: print(f"Error: {shown(line, 1000)}", file=sys.stderr))
        self._clock, self._sleep = clock, sleep or adb.pause
        self._hold: Hold | None = None
        self._pending: Leftover | None = None
        self._transfer: Transfer | None = None

    def __enter__(self) -> DeviceSession:
        try:
            self._begin()
        except BaseException as error:
            self._end(error)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(error)

    def owe(self, app: AppRun) -> None:
        """An app is about to run: until `settle`, ending it is among what is put back, be it by the next session.

        Raises:
            OutputError: this cannot be written down.
        """
        assert self._pending is not None, "outside of its `with` block"
        self._pending = dataclasses.replace(self._pending, app=app)
        leftover.keep(self._pending)

    def settle(self) -> None:
        """The app's run is over and its result is gone."""
        if self._pending is not None:
            self._pending = dataclasses.replace(self._pending, app=None)

    def state(self) -> DeviceState:
        """Heat, battery, screen and clocks now; asked once more where the answer was cut short.

        Raises:
            DeviceError: as `Adb.shell`.
        """
        try:
            return read_state(self.adb, self.facts.sdk)
        except DeviceAnswerError:
            return read_state(self.adb, self.facts.sdk)

    def push(self, path: Path, recorded: str | None = None) -> RemoteFile:
        """Send a file under the name of its content, unless it is there already; verified on the phone either way.

        Args:
            recorded: the SHA-256 that it must have.

        Raises:
            SwiftFormerError: it cannot be read here.
            DeviceStorageError, PushMismatchError, DeviceToolError: as `Transfer.push`.
            DeviceError: as `Adb.shell`.
        """
        assert self._transfer is not None, "outside of its `with` block"
        return self._transfer.push(path, recorded)

    def check_room(self, what: str, size_bytes: int) -> None:
        """Refuse what would fill the phone.

        Raises:
            DeviceStorageError: it would.
            DeviceError: as `Adb.shell`.
        """
        assert self._transfer is not None, "outside of its `with` block"
        self._transfer.check_room(what, size_bytes, anew=True)

    def shell(
        self,
        arguments: Sequence[str],
        timeout_s: float,
        *,
        limit_bytes: int = MAX_ANSWER_BYTES,
        what: str | None = None,
    ) -> Completed:
        """Run a program on the phone: its own exit code and output, whole. Each argument is one quoted word.

        Raises:
            UnsafeTextError: an argument has characters that a phone's shell is not given.
            DeviceTimeoutError: it did not end in time, and was ended on the phone.
            DeviceError: as `Adb.shell`.
        """
        called = what or f"{shown(arguments[0], 60)} on the phone"
        return self.adb.shell(words(*arguments), timeout_s=timeout_s, limit_bytes=limit_bytes, what=called)

    def run_script(
        self,
        text: ShellText,
        timeout_s: float = QUICK_S,
        *,
        limit_bytes: int = MAX_ANSWER_BYTES,
        what: str = "a command on the phone",
    ) -> Completed:
        """As `shell`, for shell text that `quoting.script` made: several commands in one call.

        Raises:
            DeviceError: as `Adb.shell`.
        """
        return self.adb.shell(text, timeout_s=timeout_s, limit_bytes=limit_bytes, what=what)

    def wait_until_cool(self, limit: CoolLimit, told: Callable[[str], None] | None = None) -> Waited:
        """Wait until the phone is no hotter than `limit` says, or its time is over; `told` what is too hot meanwhile.

        Raises:
            DeviceError: as `Adb.shell`.
        """
        return wait_until_cool(self.state, limit, clock=self._clock, sleep=self._sleep, told=told)

    def _begin(self) -> None:
        self.facts = read_facts(self.adb)
        phone = read_identity(self.adb)
        self._hold = Hold(phone)
        self._hold.__enter__()
        self._clear_leftover(phone)
        now = self._screen_now() if self._keep_awake else None
        self.folder = f"/data/local/tmp/swiftformer-{secrets.token_hex(8)}"
        self._pending = Leftover(phone, os.getpid(), now, self.folder)
        leftover.keep(self._pending)
        self._transfer = Transfer(self.adb, self.folder)
        if now is not None and not screen.keep_on(self.adb):
            self.notes.append("the phone did not allow everything that keeps its screen on")

    def _screen_now(self) -> screen.Screen | None:
        try:
            return screen.read_screen(self.adb)
        except DeviceAnswerError as error:
            self.notes.append(f"the screen was left alone: {error}")
            return None

    def _clear_leftover(self, phone: str) -> None:
        """Put back what an earlier session could not."""
        found = leftover.find(phone)
        if found is None:
            return
        with undisturbed():
            leftover.put_back(found, self.adb, comeback_s=0.0)
        self.notes.append("what an earlier benchmark had left changed on the phone was put back first")

    def _end(self, error: BaseException | None) -> None:
        """Put everything back, and let go of the phone's lock."""
        try:
            self._put_back(error)
        finally:
            if self._hold is not None:
                self._hold.release()

    def _put_back(self, error: BaseException | None) -> None:
        """Whatever signals come meanwhile; what cannot be put back is said."""
        later: BaseException | None = None
        why: str | None = None
        for _ in range(_MAX_LOOKS):
            try:
                with undisturbed():
                    if self._pending is not None:
                        leftover.put_back(self._pending, self.adb, comeback_s=self._comeback_s)
                        self._pending = None
                break
            except DeviceError as problem:
                self._pending, why = None, str(problem)
                break
            except (KeyboardInterrupt, Terminated) as signal:
                later = signal
        if why is not None and (later is not None or not isinstance(error, (SwiftFormerError, type(None)))):
            self._problem(why)
        if later is not None:
            raise later
        if why is None or not isinstance(error, (SwiftFormerError, type(None))):
            return
        if error is None:
            raise DeviceError(why)
        raise type(error)(f"{error}. Besides, {why}") from error
