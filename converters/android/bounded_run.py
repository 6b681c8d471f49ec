"""A program run to its end, with limits on its time and on what it says, that a signal may end at any moment."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO

from swiftformer_keras.errors import DeviceAnswerError, DeviceTimeoutError, MissingToolError
from swiftformer_keras.shield import undisturbed
from swiftformer_keras.shown import shown

_BLOCK_BYTES = 1 << 16
_SLICE_S = 0.25
"""How often a waiting call looks whether it shall stop."""


@dataclasses.dataclass(frozen=True)
class Completed:
    """A program that came to its end: its exit code and its output, as bytes."""

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Its stdout; what is no UTF-8 is replaced."""
        return self.stdout.decode("utf-8", "replace")


def run_bounded(
    command: Sequence[str],
    what: str,
    *,
    timeout_s: float,
    limit_bytes: int,
    check: Callable[[], None],
    so_far: bytearray | None = None,
) -> Completed:
    """The program to its end, whatever its exit code; it does not outlive this call.

    Args:
        what: what messages call it.
        limit_bytes: of each of its outputs.
        check: called again and again while it runs, and once after; what it raises ends the program.
        so_far: takes its stdout as it comes.

    Raises:
        MissingToolError: it cannot be started.
        DeviceTimeoutError: it did not end in time.
        DeviceAnswerError: it said more than `limit_bytes`.
    """
    out, err = so_far if so_far is not None else bytearray(), bytearray()
    process: subprocess.Popen[bytes] | None = None
    readers: list[_Reader] = []
    late = DeviceTimeoutError(f"{what} did not end within {timeout_s:g} s; it was ended")
    try:
        with undisturbed():  # a signal between the start and the assignment would leave the program to itself
            process = _started(command)
            for pipe, into in ((process.stdout, out), (process.stderr, err)):
                assert pipe is not None
                readers.append(_Reader(pipe, into, limit_bytes))
        until = time.monotonic() + timeout_s
        for reader in readers:
            while not reader.ended(min(_SLICE_S, until - time.monotonic())):
                check()
                if process.poll() is not None and not reader.ended(_SLICE_S):
                    break  # what holds the pipe still is a server that it has just started
                if time.monotonic() >= until:
                    raise late
                if any(each.overflowed for each in readers):
                    break
        if any(reader.overflowed for reader in readers):
            raise DeviceAnswerError(f"{what} said more than {limit_bytes:,} bytes; it was ended")
        while (returncode := process.poll()) is None:  # it has closed its outputs and goes on
            check()
            if time.monotonic() >= until:
                raise late
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SLICE_S)
    finally:
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        for reader in readers:
            reader.close()
    check()
    return Completed(returncode, bytes(out), bytes(err))


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C of the terminal's is ours alone; we end it when we choose to
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise MissingToolError(f"adb cannot be started: {reason} ({shown(command[0])})") from None


class _Reader:
    """Reads a pipe into a buffer in a thread of its own, up to a limit."""

    def __init__(self, pipe: IO[bytes], into: bytearray, limit: int) -> None:
        self.overflowed = False
        self._pipe = pipe
        # Not `join`: Python 3.11 takes a thread for ended when a signal comes meanwhile.
        self._done = threading.Event()
        threading.Thread(target=self._read, args=(into, limit), daemon=True).start()

    def ended(self, within_s: float) -> bool:
        """Whether the pipe was closed, or the limit reached, within this time."""
        return self._done.wait(max(0.0, within_s))

    def close(self) -> None:
        """Let go of the pipe; something else that holds its other end (a server just started) is not waited for."""
        if self.ended(_SLICE_S):
            self._pipe.close()

    def _read(self, into: bytearray, limit: int) -> None:
        read: Callable[[int], bytes] = self._pipe.read1  # type: ignore[attr-defined]
        try:
            while block := read(_BLOCK_BYTES):
                into += block
                if len(into) > limit:
                    self.overflowed = True
                    return
        except (OSError, ValueError):  # closed here meanwhile
            pass
        finally:
            self._done.set()
