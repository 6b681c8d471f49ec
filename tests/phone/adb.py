"""An adb server of the tests' own: the real program, on a free port, with keys of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.phone.phone import Phone

_TIMEOUT_S = 30.0


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class AdbServer:
    """A running adb server that knows only the tests' phones; a context manager.

    Programs find it by `environment()`, whichever adb they call: nobody's real server is asked or ended.
    """

    def __init__(self, program: str) -> None:
        self.program = program
        self._home = Path(tempfile.mkdtemp(prefix="adb-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def __enter__(self) -> AdbServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._end_other()
        shutil.rmtree(self._home, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """What makes any adb talk to this server."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ADB_", "ANDROID_"))
        }
        return {
            **kept,
            "ANDROID_ADB_SERVER_PORT": str(self.port),
            "ADB_SERVER_SOCKET": f"tcp:localhost:{self.port}",
            "HOME": str(self._home),
            "ADB_MDNS": "0",
            "ADB_TRACE": "",
        }

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [self.program, "-L", f"tcp:localhost:{self.port}", "nodaemon", "server"],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self._home / "log").open("ab"),
            start_new_session=True,
        )
        deadline = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.02)
        raise AssertionError(f"adb's server did not start: {(self._home / 'log').read_text()[-500:]}")

    def restart_if_dead(self) -> None:
        """Start it again where a test has ended it."""
        if self._process is None or self._process.poll() is not None:
            self.kill()
            self._end_other()
            self.start()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _end_other(self) -> None:
        """End the server that a client has started where it found this one dead: no test could kill that."""
        deadline = time.monotonic() + _TIMEOUT_S
        while self._answers():
            assert time.monotonic() < deadline, "another adb server does not end"
            self.run("kill-server")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def run(
        self, *words: str, timeout_s: float = _TIMEOUT_S, **options: object
    ) -> subprocess.CompletedProcess[bytes]:
        """One call of adb."""
        return subprocess.run(
            [self.program, *words],
            env=self.environment(),
            capture_output=True,
            timeout=timeout_s,
            check=False,
            **options,  # type: ignore[call-overload]
        )

    def connect(self, phone: Phone, wait: bool = True) -> None:
        """Plug a phone in."""
        said = self.run("connect", phone.serial).stdout.decode()
        if wait:
            self.wait_for(phone, "device", said)

    def state(self, phone: Phone) -> str | None:
        """What `adb devices` says of it."""
        for line in self.run("devices").stdout.decode().splitlines():
            if line.startswith(phone.serial + "\t"):
                return line.partition("\t")[2]
        return None

    def wait_for(self, phone: Phone, state: str, said: str = "") -> None:
        """Until the server says that it is so."""
        deadline = time.monotonic() + _TIMEOUT_S
        found = None
        while time.monotonic() < deadline:
            found = self.state(phone)
            if found == state:
                return
            time.sleep(0.05)
        raise AssertionError(f"the phone is {found!r}, not {state!r}; adb said {said!r}")
