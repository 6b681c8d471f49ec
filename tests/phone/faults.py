"""What goes wrong with a phone, at a chosen moment.

Each method arms one fault; it strikes once (or `times` times) and is then gone. Command lines are found by a regular
expression that is searched in them, as the shell gets them.
"""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.phone.phone import Phone


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the phone says instead of running a command."""

    out: bytes = b""
    err: bytes = b""
    status: int = 0


@dataclasses.dataclass
class LineFault:
    """What happens to one command line.

    Attributes:
        pattern: searched in the line.
        skip: so many lines that match are left alone first.
        times: so many are struck then.
        answer: said instead of running it.
        hang: it says nothing and does not end, until it is killed.
        after_bytes: when so many bytes of its output have gone out, `then` is done and the rest is lost.
        then: done at that moment, or before the command begins where `after_bytes` is None.
    """

    pattern: str
    skip: int = 0
    times: int = 1
    answer: Answer | None = None
    hang: bool = False
    after_bytes: int | None = None
    then: Callable[[], None] | None = None


class Faults:
    """The faults that are armed."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self._lock = threading.Lock()
        self._lines: list[LineFault] = []
        self._push: list[tuple[int, Callable[[], None]]] = []
        self._full = False
        self._truncate: int | None = None
        self._crash: str | None = None

    # Arming them.

    def answer(self, pattern: str, out: bytes = b"", err: bytes = b"", status: int = 0, **when: int) -> None:
        """The command is not run; this is said instead: garbage, hostile text, an error of the phone's."""
        self._arm(LineFault(pattern, answer=Answer(out, err, status), **when))

    def hang(self, pattern: str, **when: int) -> None:
        """The command never ends by itself."""
        self._arm(LineFault(pattern, hang=True, **when))

    def cut_output(self, pattern: str, after_bytes: int, **when: int) -> None:
        """The command's output ends after so many bytes, and it ends as if all were well."""
        self._arm(LineFault(pattern, after_bytes=after_bytes, then=lambda: None, **when))

    def unplug_during(self, pattern: str, after_bytes: int | None = None, **when: int) -> None:
        """The cable is pulled when the command begins, or in the middle of its output."""
        self._arm(LineFault(pattern, after_bytes=after_bytes, then=self._phone.unplug, **when))

    def reboot_during(
        self, pattern: str, after_bytes: int | None = None, down_s: float = 0.5, **when: int
    ) -> None:
        """The phone restarts when the command begins, or in the middle of its output."""
        self._arm(
            LineFault(pattern, after_bytes=after_bytes, then=lambda: self._phone.reboot(down_s), **when)
        )

    def do_during(
        self, pattern: str, action: Callable[[], None], after_bytes: int | None = None, **when: int
    ) -> None:
        """Something of the test's own happens when the command begins, or in the middle of its output."""
        self._arm(LineFault(pattern, after_bytes=after_bytes, then=action, **when))

    def unplug_during_push(self, after_bytes: int = 1) -> None:
        """The cable is pulled when so many bytes of the next push have arrived."""
        self._push.append((after_bytes, self._phone.unplug))

    def do_during_push(self, action: Callable[[], None], after_bytes: int = 1) -> None:
        """Something of the test's own happens when so many bytes of the next push have arrived."""
        self._push.append((after_bytes, action))

    def fill_storage(self, full: bool = True) -> None:
        """Nothing can be written any more (df still says what the description says)."""
        self._full = full

    def truncate_push(self, to_bytes: int) -> None:
        """The next push is taken as if all of it had come, but only so many bytes are kept."""
        self._truncate = to_bytes

    def crash_app(self, log: str) -> None:
        """The app's process dies in its next benchmark; `log` is what logcat then has."""
        self._crash = log

    # Striking.

    def for_line(self, line: str) -> LineFault | None:
        """The fault that strikes this command line, if one does."""
        with self._lock:
            for fault in self._lines:
                if fault.times > 0 and re.search(fault.pattern, line):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None

    def is_full(self) -> bool:
        return self._full

    def during_push(self, taken: int) -> None:
        """Called as a push comes in, with the bytes so far."""
        due = [entry for entry in self._push if taken >= entry[0]]
        for entry in due:
            self._push.remove(entry)
            entry[1]()

    def kept_of_push(self) -> int | None:
        """How many bytes of the push that begins now are kept; None for all."""
        kept, self._truncate = self._truncate, None
        return kept

    def crash(self) -> str | None:
        """The log of the crash that is due now."""
        log, self._crash = self._crash, None
        return log

    def _arm(self, fault: LineFault) -> None:
        with self._lock:
            self._lines.append(fault)
