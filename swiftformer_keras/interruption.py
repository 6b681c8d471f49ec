"""Ctrl-C, SIGTERM and a hang-up that no library can swallow.

Python throws away an exception that leaves a garbage collection callback or a `__del__`, and some libraries
turn one into another error. So a signal is remembered as well as raised, and `check` raises it again where
the work can still be undone. Only the command line listens; for users of the library nothing here happens.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

TERMINATING = tuple(
    number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)
"""What ends a program politely: asked to, or its terminal is gone (Windows knows no such signal)."""
_received: int | None = None
_listening: set[int] = set()


class Terminated(SystemExit):
    """SIGTERM or SIGHUP came; `code` is the exit code that says so."""


def listen() -> None:
    """From now on remember SIGINT, SIGTERM and SIGHUP and raise them; one that is ignored (nohup) stays so."""
    for number in (signal.SIGINT, *TERMINATING):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _remember)
            _listening.add(number)
    sys.unraisablehook = _keep


def check() -> None:
    """Raise again what was received.

    Raises:
        KeyboardInterrupt: SIGINT.
        Terminated: SIGTERM or SIGHUP.
    """
    if _received == signal.SIGINT:
        raise KeyboardInterrupt
    if _received is not None:
        raise Terminated(128 + _received)


def stop_listening() -> None:
    """The work is over: Ctrl-C no longer disturbs the account of it, and the others end the process at once."""
    if signal.SIGINT in _listening:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in TERMINATING:
        if number in _listening:
            signal.signal(number, signal.SIG_DFL)
    _listening.clear()


def _remember(number: int, _frame: FrameType | None) -> None:
    global _received
    _received = number
    check()


def _keep(unraisable: UnraisableHookArgs) -> None:
    """What Python is about to throw away: a KeyboardInterrupt is kept, and all else reported as ever."""
    global _received
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _received = signal.SIGINT
    elif not issubclass(unraisable.exc_type, Terminated):
        sys.__unraisablehook__(unraisable)
