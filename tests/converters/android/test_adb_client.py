"""What becomes of adb's own process: it never outlives the call that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from converters.android import bounded_run
from converters.android.adb_client import Adb, ShellText
from swiftformer_keras.errors import DeviceTimeoutError
from tests.converters.android.tools import pretend

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pretended adb is a shell script")


def test_an_adb_that_says_nothing_more_and_does_not_end_is_ended(tmp_path: Path) -> None:
    adb = Adb("x", pretend(tmp_path, "adb", "exec >&- 2>&-; exec sleep 6"))
    begun = time.monotonic()
    with pytest.raises(DeviceTimeoutError, match=r"did not end within 0\.5 s"):
        adb.run(["devices"], timeout_s=0.5)
    assert time.monotonic() - begun < 5


def test_ctrl_c_while_adb_is_started_leaves_none_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(bounded_run.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        Adb("x", pretend(tmp_path, "adb", "exec sleep 6")).run(["devices"], timeout_s=60)
    (process,) = started
    ended = process.poll() is not None
    process.kill()
    assert ended


def test_a_pause_ends_when_it_shall_stop() -> None:
    stop = threading.Event()
    adb = Adb("x", "adb", stop)
    adb.pause(0.01)
    stop.set()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        adb.pause(5)
    assert time.monotonic() - begun < 4


def test_a_second_ctrl_c_does_not_keep_the_phones_program_from_being_ended(tmp_path: Path) -> None:
    script = f"""case "$*" in
    *"kill -9 "*) kill -INT {os.getpid()}; sleep 0.6; echo "$*" >>{tmp_path}/ended ;;
    *) sh -c "${{6}}" ;;
    esac"""
    adb = Adb("x", pretend(tmp_path, "adb", script))
    begun = time.monotonic()
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        adb.shell(ShellText("sleep 5"), timeout_s=60)
    assert "kill -9 " in (tmp_path / "ended").read_text()
    assert time.monotonic() - begun < 4  # what still holds adb's outputs is not waited for
