"""The app's own benchmark, with TFLite 2.16.1 itself, as the `am instrument` of the tests' phones.

One JVM runs it for a whole session: Robolectric lends it Android's classes, `tests/android_runtime/host.py` Android's
x86-64 library. `BenchmarkServer.kt` in the app's tests is the other end. Times are a desktop's; all else is the app's:
what it refuses, what it writes, what the runtime says of its delegates.

    with JvmApp(build_app(), host.build()) as app:
        phone.app = app
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from converters.android.artifacts import MAVEN_PLUGIN
from tests.android_app.maven import maven
from tests.android_runtime.cache import made_once
from tests.android_runtime.host import Host
from tests.harness import ROOT
from tests.phone.programs.activity import Instrument, result_lines, status_lines

if TYPE_CHECKING:
    from tests.phone.userland import Call

APP = ROOT / "android_app" / "app"
CORE = ROOT / "android_app" / "core"
MAIN = "dev.swiftformer.app.tools.BenchmarkServer"
_BUILT = APP / "build" / "maven"
_CONFIG = Path("com/android/tools/test_config.properties")
_START_S = 300.0
_MAX_LINE = 1 << 24


def build_app() -> Path:
    """Compile the app and its tests, or find what an earlier call has made of the same sources.

    Raises:
        MissingError: see `maven`.
    """
    folders = [CORE / "src" / "main", APP / "src" / "main", APP / "src" / "benchmark", APP / "src" / "test"]
    sources = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return made_once(_make, [*sources, APP / "pom.xml", Path(__file__)])


def _make(out: Path, scratch: Path) -> None:
    listing = out / "classpath.txt"
    maven(
        APP,
        "test-compile",
        f"{':'.join(MAVEN_PLUGIN)}:build-classpath",
        f"-Dmdep.outputFile={listing}",
        "-Dmdep.includeScope=test",
    )
    for name in ("classes", "test-classes"):
        shutil.copytree(_BUILT / name, out / name, ignore=shutil.ignore_patterns(_CONFIG.name))
    for name in ("AndroidManifest.xml", "resources.apk"):
        shutil.copyfile(_BUILT / "aapt" / name, out / name)
    (out / "robolectric").mkdir()
    for jar in (_BUILT / "robolectric").glob("*.jar"):
        try:
            os.link(jar, out / "robolectric" / jar.name)
        except OSError:  # another file system
            shutil.copyfile(jar, out / "robolectric" / jar.name)


class JvmApp:
    """A running JVM with the app in it; what a phone's `app` may be. A context manager.

    Args:
        built: what `build_app` gave.
    """

    def __init__(self, built: Path, host: Host) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="jvm-app-"))
        self._lock = threading.Lock()
        config = self._folder / "config" / _CONFIG
        config.parent.mkdir(parents=True)
        config.write_text(
            f"android_merged_manifest={built / 'AndroidManifest.xml'}\n"
            f"android_resource_apk={built / 'resources.apk'}\n"
            f"android_merged_assets={APP / 'src' / 'test' / 'assets'}\n"
            "android_custom_package=dev.swiftformer.app\n"
        )
        folders = [self._folder / "config", built / "test-classes", built / "classes"]
        classpath = os.pathsep.join([*map(str, folders), (built / "classpath.txt").read_text().strip()])
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            self._log = (self._folder / "jvm.log").open("wb")
            self._process = subprocess.Popen(
                [
                    *("java", "-Xmx900m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
                    *(
                        "--add-opens=java.base/java.io=ALL-UNNAMED",
                        "--add-opens=java.base/java.lang=ALL-UNNAMED",
                    ),
                    *host.jvm_arguments(),
                    *("-Drobolectric.offline=true", f"-Drobolectric.dependency.dir={built / 'robolectric'}"),
                    f"-Dphone.port={listener.getsockname()[1]}",
                    *("-cp", classpath, "org.junit.runner.JUnitCore", MAIN),
                ],
                env=host.environment(log=self._folder / "android.log"),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
            )
            self._connection = self._accepted(listener)
        self._lines: IO[bytes] = self._connection.makefile("rb")

    def __enter__(self) -> JvmApp:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __call__(self, call: Call, wanted: Instrument) -> int:
        """`am instrument` of one run; runs of several phones take their turns."""
        phone = call.phone
        job = {
            "arguments": wanted.extras,
            "root": str(phone.paths.root),
            "manufacturer": phone.description.manufacturer,
            "model": phone.description.model,
        }
        crash = phone.faults.crash()
        if crash is not None:
            phone.log += crash.splitlines()
            call.out(result_lines({"shortMsg": "Process crashed."}, 0))
            return 0
        with self._lock:
            answer = self._run(job, lambda status: call.out(status) if wanted.wait else None)
        if "crash" in answer:
            return self._crashed(call, wanted, answer["crash"])
        values = dict(answer["result"])
        if "result" in values:
            values["result"] = self._delivered(call, wanted, Path(values["result"]))
        if wanted.wait:
            call.out(result_lines(values, answer["code"]))
        return 0

    def _run(self, job: dict[str, Any], step: Callable[[str], None]) -> dict[str, Any]:
        self._connection.sendall(json.dumps(job).encode() + b"\n")
        while True:
            line = self._lines.readline(_MAX_LINE)
            if not line:
                raise AssertionError(f"the app's JVM ended: {self._said()}")
            answer = json.loads(line)
            if "status" not in answer:
                return answer
            step(status_lines(answer["status"], answer["code"]))

    @staticmethod
    def _crashed(call: Call, wanted: Instrument, lines: list[str]) -> int:
        call.phone.log += [
            "E/AndroidRuntime: FATAL EXCEPTION: Instr: " + wanted.runner,
            f"E/AndroidRuntime: Process: {wanted.package}, PID: 12345",
            *(f"E/AndroidRuntime: {line}" for line in lines if line),
        ]
        kind, _, _ = lines[0].partition(":")
        call.out(result_lines({"longMsg": lines[0], "shortMsg": kind}, 0))
        return 0

    @staticmethod
    def _delivered(call: Call, wanted: Instrument, file: Path) -> str:
        """The result where the phone would have it."""
        folder = f"/storage/emulated/0/Android/data/{wanted.package}/files"
        target = call.phone.paths.real(folder)
        target.mkdir(parents=True, exist_ok=True)
        text = call.phone.paths.back(file.read_text(encoding="utf-8"))
        (target / file.name).write_text(text, encoding="utf-8")
        file.unlink()
        return f"{folder}/{file.name}"

    def _accepted(self, listener: socket.socket) -> socket.socket:
        listener.settimeout(1.0)
        for _ in range(int(_START_S)):
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                if self._process.poll() is not None:
                    break
                continue
            connection.settimeout(None)
            return connection
        self._process.kill()
        raise AssertionError(f"the app's JVM did not start: {self._said()}")

    def _said(self) -> str:
        self._log.flush()
        return (self._folder / "jvm.log").read_text(errors="replace")[-4000:]
