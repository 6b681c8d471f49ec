"""The real adb, as a program with list arguments: which phones there are, and bytes to and from one of them.

Every call has a time limit and a limit on how much the phone may answer, and what goes wrong becomes one line. What
runs on the phone's shell is framed: its process number comes first and its exit code last. So an answer that was cut
short never passes for a whole one (adb has returned 0 for a connection that was lost), and what does not end in time
is ended on the phone as well.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NewType

from converters.android.adb_failures import failure, ready
from converters.android.bounded_run import Completed, run_bounded
from swiftformer_keras import interruption
from swiftformer_keras.errors import DeviceAnswerError, DeviceError, MissingToolError
from swiftformer_keras.shield import undisturbed
from swiftformer_keras.shown import shown

ShellText = NewType("ShellText", str)
"""A command line for a phone's shell in which whatever came from outside is quoted (`benchmark/quoting.py`)."""

QUICK_S = 30.0
"""Time limit of what a phone answers at once."""
MAX_ANSWER_BYTES = 64 << 20
_AGAIN_S = 0.25
"""How often a phone that is away is asked for."""
_STATES = (
    "device|offline|unauthorized|authorizing|connecting|bootloader|recovery|sideload|rescue|host|unknown"
)
_ADBS_OWN = re.compile(rb"adb: |error: |\* |cannot connect|- |Try |Otherwise ")
"""Lines on stderr that adb says itself; the rest comes from the phone, and is no reason to believe it."""


@dataclasses.dataclass(frozen=True)
class Attached:
    """A line of `adb devices -l`.

    Attributes:
        serial: of the device.
        state: "device" where it can be used, else adb's word for why not.
        model: as adb shows it (blanks are underscores), or None.
    """

    serial: str
    state: str
    model: str | None


def parse_devices(said: str) -> tuple[Attached, ...]:
    """The devices in the output of `adb devices -l`, in its order."""
    found = []
    for line in said.splitlines():
        if line.startswith(("List of devices", "*", "adb ", "adb:", "error:")):
            continue
        match = re.match(rf"(\S.{{0,255}}?)\s{{1,40}}(no permissions|(?:{_STATES})(?=\s|$))(.*)$", line)
        if match is not None:
            model = re.search(r"\bmodel:(\S+)", match[3])
            found.append(Attached(match[1], match[2], model[1] if model else None))
    return tuple(found)


def find_adb() -> str:
    """Where adb is.

    Raises:
        MissingToolError: not on the PATH.
    """
    found = shutil.which("adb")
    if found is None:
        raise MissingToolError(
            "adb not found on the PATH. Install it (Debian: adb; Android SDK: platform-tools)"
        )
    return found


class Adb:
    """adb for one phone, or for none in particular.

    Args:
        serial: of the phone; None only for `devices` and where one alone is connected.
        program: adb's path; by default the one on the PATH.
        stop: when set from another thread, a call that waits ends with KeyboardInterrupt.

    Raises:
        MissingToolError: adb is not installed.
    """

    def __init__(
        self,
        serial: str | None = None,
        program: str | Path | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.serial = serial
        self.program = os.fspath(program) if program is not None else find_adb()
        self.stop = stop

    def for_device(self, serial: str) -> Adb:
        """The same adb for this phone."""
        return Adb(serial, self.program, self.stop)

    def devices(self) -> tuple[Attached, ...]:
        """All that are attached, in whatever state.

        Raises:
            AdbServerError: the server cannot be started.
            DeviceTimeoutError: adb does not answer.
        """
        done = self._run([self.program, "devices", "-l"], "adb devices", timeout_s=QUICK_S)
        if done.returncode:
            raise failure(_words(done), None, "adb devices")
        return parse_devices(done.text)

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        timeout_s: float,
        limit_bytes: int = MAX_ANSWER_BYTES,
        uninterrupted: bool = False,
        what: str | None = None,
    ) -> Completed:
        """`adb -s SERIAL ARGUMENTS` to its end, whatever its exit code.

        Args:
            uninterrupted: a Ctrl-C that came before does not end this call: for putting things back.
            what: what messages call it; by default adb and its first argument.

        Raises:
            DeviceTimeoutError: it did not end in time; it was ended.
            DeviceAnswerError: it said more than `limit_bytes`.
            KeyboardInterrupt, interruption.Terminated: a signal came, or `stop` was set.
        """
        command = [self.program, *self._chosen(), *(os.fspath(argument) for argument in arguments)]
        called = what or f"adb {shown(arguments[0], 40)}"
        return self._run(
            command, called, timeout_s=timeout_s, limit_bytes=limit_bytes, uninterrupted=uninterrupted
        )

    def shell(
        self,
        command: ShellText,
        *,
        timeout_s: float = QUICK_S,
        limit_bytes: int = MAX_ANSWER_BYTES,
        uninterrupted: bool = False,
        what: str = "a command on the phone",
    ) -> Completed:
        """Run a command line on the phone and return its own exit code and output.

        Raises:
            DeviceGoneError, AdbServerError, DeviceNotReadyError, NoDeviceError: no whole answer came, and why.
            DeviceTimeoutError: as `run`; it was ended on the phone too.
            DeviceAnswerError: the answer is cut short though the phone is there, or is too long.
        """
        mark = secrets.token_hex(8)
        framed = f"echo {mark} $$; ( {command}\n); code=$?; echo; echo {mark} $code"
        so_far = bytearray()
        arguments = [self.program, *self._chosen(), "shell", "-n", "-T", framed]
        try:
            done = self._run(
                arguments,
                what,
                timeout_s=timeout_s,
                limit_bytes=limit_bytes + 256,
                uninterrupted=uninterrupted,
                so_far=so_far,
            )
        except BaseException:
            self._end_on_phone(bytes(so_far), mark)
            raise
        match = re.fullmatch(
            rb"%b (\d{1,9})\r?\n(.*?)\r?\n%b (\d{1,9})\r?\n" % (mark.encode(), mark.encode()),
            done.stdout,
            re.DOTALL,
        )
        if match is None:
            own = b"\n".join(line for line in done.stderr.splitlines() if _ADBS_OWN.match(line))
            raise self.failure_of(Completed(done.returncode, b"", own), what)
        return Completed(int(match[3]), match[2], done.stderr)

    def push(self, local: Path, remote: str, *, timeout_s: float) -> None:
        """Copy a file to the phone. That it arrived whole is for the caller to verify.

        Raises:
            DeviceStorageError: no room on the phone.
            DeviceError: as `shell`, or the phone refuses.
        """
        what = f"sending {shown(local, 120)}"
        done = self.run(["push", local.absolute(), remote], timeout_s=timeout_s, what=what)
        if done.returncode:
            raise self.failure_of(done, what)

    def pull(self, remote: str, local: Path, *, timeout_s: float) -> None:
        """Copy a file from the phone.

        Raises:
            DeviceError: as `shell`, or the file is not there.
        """
        what = f"fetching {shown(remote, 120)}"
        done = self.run(["pull", remote, local.absolute()], timeout_s=timeout_s, what=what)
        if done.returncode:
            raise self.failure_of(done, what)

    def pause(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            KeyboardInterrupt: `stop` was set meanwhile.
        """
        if self.stop is None:
            time.sleep(seconds)
        elif self.stop.wait(seconds):
            raise KeyboardInterrupt

    def reach(self, *, timeout_s: float) -> bool:
        """Whether the phone answers, or does within this time; a phone in the network is asked for again."""
        if self.serial is None:
            return False
        until = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(DeviceError):
                done = self.run(["get-state"], timeout_s=QUICK_S, uninterrupted=True)
                if done.returncode == 0 and done.stdout.strip() == b"device":
                    return True
                if re.fullmatch(r"[^\s:]+:\d{1,5}", self.serial):
                    for word in ("disconnect", "connect"):  # adb itself tries again every ten seconds only
                        self._run(
                            [self.program, word, self.serial],
                            f"adb {word}",
                            timeout_s=QUICK_S,
                            uninterrupted=True,
                        )
            if time.monotonic() >= until:
                return False
            time.sleep(_AGAIN_S)

    def failure_of(self, done: Completed, what: str) -> DeviceError:
        """The error that says why `what` failed: from adb's own words, else from where the phone is now."""
        found = failure(_words(done), self.serial, what)
        if type(found) not in (DeviceError, DeviceAnswerError):
            return found
        try:
            asked = self.run(["get-state"], timeout_s=QUICK_S, uninterrupted=True)
        except DeviceError as error:
            return error
        words = _words(asked)
        if asked.returncode == 0 and asked.stdout.strip() == b"device" and "daemon" not in words:
            return found
        return failure(words, self.serial, what, went_away=True)

    def _chosen(self) -> list[str]:
        return [] if self.serial is None else ["-s", self.serial]

    def _end_on_phone(self, so_far: bytes, mark: str) -> None:
        """End what a frame began: its process number is the first thing it said."""
        match = re.match(rb"%b (\d{1,9})\r?\n" % mark.encode(), so_far)
        if match is None or int(match[1]) <= 1:
            return
        number = int(match[1])
        with contextlib.suppress(DeviceError), undisturbed():
            self.run(
                ["shell", "-n", "-T", f"kill -9 -{number} || kill -9 {number}"],
                timeout_s=QUICK_S,
                uninterrupted=True,
            )

    def _run(
        self,
        command: Sequence[str],
        what: str,
        *,
        timeout_s: float,
        limit_bytes: int = MAX_ANSWER_BYTES,
        uninterrupted: bool = False,
        so_far: bytearray | None = None,
    ) -> Completed:
        return run_bounded(
            command,
            f"{what}{self._named()}",
            timeout_s=timeout_s,
            limit_bytes=limit_bytes,
            check=lambda: self._check(uninterrupted),
            so_far=so_far,
        )

    def _check(self, uninterrupted: bool) -> None:
        if uninterrupted:
            return
        interruption.check()
        if self.stop is not None and self.stop.is_set():
            raise KeyboardInterrupt

    def _named(self) -> str:
        return "" if self.serial is None else f" ({shown(self.serial, 60)})"


def choose(serial: str | None, adb: Adb | None = None, option: str = "--device") -> tuple[Adb, Attached]:
    """adb for the one phone that is connected, or for the one of this serial number.

    Args:
        option: how the caller names a phone, for messages.

    Raises:
        MissingToolError: adb is not installed.
        NoDeviceError, SeveralDevicesError, DeviceNotReadyError: none, several without a name, or not ready.
    """
    adb = adb or Adb()
    chosen = ready(adb.devices(), serial, option)
    return adb.for_device(chosen.serial), chosen


def _words(done: Completed) -> str:
    return " ".join((done.stderr + b"\n" + done.stdout[-2000:]).decode("utf-8", "replace").split())
