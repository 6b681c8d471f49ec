"""The phone: its folder, its state, and the port on which its adbd listens."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from tests.phone import kernel_files
from tests.phone.app import App, SyntheticApp
from tests.phone.connection import Connection, Service
from tests.phone.description import PhoneDescription
from tests.phone.faults import Faults
from tests.phone.packages import Package
from tests.phone.paths import Paths
from tests.phone.programs import PROGRAMS
from tests.phone.programs.activity import Instrument
from tests.phone.shell_service import kill_group, serve_raw, serve_shell
from tests.phone.sync_service import serve_sync
from tests.phone.tool import nothing_recorded
from tests.phone.userland import Call, Program, Userland
from tests.phone.wire import Stream

FOLDERS = ("data/local/tmp", "storage/emulated/0/Android/data", "system/bin", "proc", "sys")


class Phone:
    """A phone that is switched on and plugged in; a context manager.

    Attributes:
        description: what kind of phone it is; may be replaced while it runs.
        settings: Android's settings by namespace and name, as they are now.
        screen_on: whether the screen is awake.
        packages: the apps that are installed, by their id.
        app: what runs when a benchmark is started in it (`app.SyntheticApp`, or the app itself on a JVM).
        tool: what a `benchmark_model` of `tool.write_tool` does here (`tool.RecordedTool`).
        install_failure: what the next installations end with, such as "INSTALL_FAILED_INSUFFICIENT_STORAGE".
        log: logcat's lines.
        lines: every command line that adb asked to run, in order.
        pushes: the paths of every push, in order.
        authorisation: see `connection.Connection`; holds for the next connection.
    """

    def __init__(self, description: PhoneDescription | None = None) -> None:
        self.description = description or PhoneDescription()
        self._own = Path(tempfile.mkdtemp(prefix="phone-"))
        (self._own / "root").mkdir()
        self.paths = Paths(self._own / "root")
        self.faults = Faults(self)
        self.authorisation = self.description.authorisation
        self.settings = {(space, name): value for space, name, value in self.description.settings}
        self.screen_on = self.description.screen_on
        self.packages: dict[str, Package] = {}
        self.app: App = SyntheticApp()
        self.tool: Program = nothing_recorded
        self.install_failure: str | None = None
        self.sessions: list[bytes] = []  # of installations, as far as they have come
        self.log: list[str] = []
        self.lines: list[str] = []
        self.calls: list[str] = []
        self.pushes: list[str] = []
        self.processes: set[subprocess.Popen[bytes]] = set()
        self.readings: dict[str, int] = {}
        self.started = time.monotonic()
        self._connections: set[Connection] = set()
        self._listener: socket.socket | None = None
        self._timers: list[threading.Timer] = []
        self.port = 0
        for folder in FOLDERS:
            (self.paths.root / folder).mkdir(parents=True)
        (self.paths.root / "sdcard").symlink_to("storage/emulated/0")
        self.boot_id = str(uuid.uuid4())
        kernel_files.write(self.paths.root, self.description, self.boot_id)
        self.userland = Userland(self, self._own, PROGRAMS)
        self.plug_in()

    @property
    def serial(self) -> str:
        """What adb calls it."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Phone:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Switch it off and remove its folder."""
        for timer in self._timers:
            timer.cancel()
        self.unplug()
        self._kill_processes()
        self.userland.close()
        shutil.rmtree(self._own, ignore_errors=True)

    # The cable.

    def plug_in(self) -> None:
        """Listen; on the port of before, so that a server that knows the phone finds it again."""
        if self._listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(16)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True, name="adbd").start()

    def unplug(self) -> None:
        """Pull the cable: every connection ends in the middle of what it says, and none begins."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in list(self._connections):
            connection.cut()

    def reconnect_as(self, authorisation: str) -> None:
        """Drop the connections; the next one meets this (`connection.Connection` has the choices)."""
        self.authorisation = authorisation
        for connection in list(self._connections):
            connection.cut()

    def reboot(self, down_s: float = 0.5) -> None:
        """Everything that runs ends; after `down_s` the phone is there again, its files still on it."""
        self.unplug()
        self._kill_processes()
        self.boot_id = str(uuid.uuid4())
        self.screen_on = True
        kernel_files.write(self.paths.root, self.description, self.boot_id)
        timer = threading.Timer(down_s, self.plug_in)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def change(self, **facts: object) -> None:
        """Another description from now on."""
        self.description = dataclasses.replace(self.description, **facts)
        kernel_files.write(self.paths.root, self.description, self.boot_id)

    # What programs ask.

    def next_of(self, name: str, values: tuple[int, ...]) -> int:
        """The value of this reading; each reading goes one further, the last value stays."""
        index = self.readings.get(name, 0)
        self.readings[name] = index + 1
        return values[min(index, len(values) - 1)]

    def used_kib(self) -> int:
        """What the tests' own files take."""
        tmp = self.paths.real("/data/local/tmp")
        return sum(file.stat().st_size for file in tmp.rglob("*") if file.is_file()) // 1024

    def run(self, call: Call, program: Program) -> int:
        """One of Android's own commands."""
        self.calls.append(call.line)
        return program(call)

    def instrument(self, call: Call, wanted: Instrument) -> int:
        """`am instrument` of an app that is there."""
        return self.app(call, wanted)

    def files(self, folder: str = "/data/local/tmp") -> list[str]:
        """Names of all files below a folder."""
        base = self.paths.real(folder)
        return sorted(str(file.relative_to(base)) for file in base.rglob("*") if not file.is_dir())

    # Connections.

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                wire, _ = listener.accept()
            except OSError:
                return
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(wire, self.description.banner(), self._service, self.authorisation)
            self._connections.add(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True, name="adb").start()

    def _talk(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            self._connections.discard(connection)

    def _service(self, name: str) -> Service | None:
        kind, _, rest = name.partition(":")
        if kind == "sync":
            return lambda stream: serve_sync(self, stream)
        if kind.startswith("shell"):
            return self._shell(serve_shell if ",v2" in kind else serve_raw, rest)
        if kind == "exec":
            return self._shell(serve_raw, rest)
        if kind == "reboot":
            return self._reboot_service
        return None

    def _shell(self, served: Callable[[Phone, Stream, str], None], line: str) -> Service:
        self.lines.append(line)
        return lambda stream: served(self, stream, line)

    def _reboot_service(self, stream: Stream) -> None:
        stream.close()
        self.reboot()

    def _kill_processes(self) -> None:
        for process in list(self.processes):
            if process.poll() is None:
                kill_group(process)
        self.processes.clear()
