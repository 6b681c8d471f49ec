"""Ctrl-C, SIGTERM and a hang-up wait while something is started, saved or put back."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from swiftformer_keras.interruption import TERMINATING


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """A signal that comes while the block runs is handled when it has ended.

    Only the main thread gets signals; in another one nothing changes. Whatever runs here must have time limits.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def keep(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    before = {}
    try:
        for number in (signal.SIGINT, *TERMINATING):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, keep)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])
