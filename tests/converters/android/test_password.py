"""The question for a keystore's password, on a terminal of the test's own."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.converters.android.tools import needed_jdk, tiny_model
from tests.swiftformer_keras.cli.running import COMMAND, environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="terminals of another kind")
CTRL_D = b"\x04"


class Terminal:
    """A command that runs on a terminal, and what it writes there."""

    def __init__(self, *arguments: str | Path) -> None:
        import fcntl
        import pty
        import termios

        self.control, own = pty.openpty()
        self.said = b""
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=own,
            stdout=own,
            stderr=own,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=environment(
                PYTHONPATH=os.pathsep.join(p for p in sys.path if p), TERM="xterm", COLUMNS="300"
            ),
        )
        os.close(own)

    def more(self, timeout_s: float) -> bytes:
        """What it writes next; nothing where it is silent for so long, or has ended."""
        if not select.select([self.control], [], [], timeout_s)[0]:
            return b""
        try:
            block = os.read(self.control, 65536)
        except OSError:  # of a terminal whose last user is gone
            return b""
        self.said += block
        return block

    def until(self, text: bytes) -> None:
        while text not in self.said:
            assert self.more(60), self.said

    def type(self, keys: bytes) -> None:
        os.write(self.control, keys)

    def end(self) -> int:
        while self.more(60):
            pass
        return self.process.wait(60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.control)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Terminal]]:
    """Starts a command with a keystore, and waits until it has asked."""
    needed_jdk()
    monkeypatch.delenv("SWIFTFORMER_KEYSTORE_PASSWORD", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "keys.p12").write_text("no keystore")
    started: list[Terminal] = []

    def call(*arguments: str | Path) -> Terminal:
        terminal = Terminal(*arguments, "--keystore", tmp_path / "keys.p12")
        started.append(terminal)
        terminal.until(b"Password of ")
        terminal.until(b"keys.p12: ")
        assert terminal.more(0.5) == b"", "the progress bar goes on over the question"
        return terminal

    yield call
    for terminal in started:
        terminal.close()


def test_the_question_stays_on_the_terminal(start: Callable[..., Terminal], tmp_path: Path) -> None:
    asked = start("app", "build", "--out", tmp_path / "x.apk", "--model", tiny_model(tmp_path))
    asked.type(b"some password\n")
    assert asked.end() == 2
    assert b"is no keystore" in asked.said
    assert b"some password" not in asked.said
    assert not (tmp_path / "x.apk").exists()


def test_the_end_of_the_input_is_no_bug(start: Callable[..., Terminal], tmp_path: Path) -> None:
    asked = start("deploy", "absent.pth", tmp_path / "x.apk")
    asked.type(CTRL_D)
    assert asked.end() == 2, asked.said
    assert b"its password is not known" in asked.said
    assert b"bug in swiftformer" not in asked.said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys.p12"]
