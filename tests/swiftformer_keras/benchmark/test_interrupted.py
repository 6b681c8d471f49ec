"""Ctrl-C, SIGTERM and a hang-up at any point: the phone is left as it was, what was measured is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from converters.android.adb_client import Adb
from swiftformer_keras.benchmark import job
from swiftformer_keras.benchmark.execute import no_progress
from swiftformer_keras.benchmark.request import Request, prepare
from swiftformer_keras.benchmark.result import Run
from swiftformer_keras.benchmark.run_file import read_run, write_run
from swiftformer_keras.errors import OutputError
from tests.phone.tool import ABIS, RecordedTool, write_tool
from tests.swiftformer_keras.benchmark.bench import MODEL, TINY, Bench
from tests.swiftformer_keras.benchmark.test_tool_output import output

POINTS = (
    "getprop",
    "screen_off_timeout || exit",
    "mkdir",
    "settings put",
    "pm list",
    "sha256sum",
    "dumpsys thermal",
    "am instrument",
    "cat /sdcard",
)


TINY_COMMAND = f"""
from swiftformer_keras.benchmark import plan
plan.PRESETS["rapid"] = plan.{TINY!r}
from swiftformer_keras.cli.main import run
run()
"""


def start(bench: Bench, *options: str) -> subprocess.Popen[str]:
    """The command in a process of its own, as a user starts it."""
    return subprocess.Popen(
        [sys.executable, "-c", TINY_COMMAND, "benchmark", str(MODEL), "--out", str(bench.out), "--quiet",
         "--delegate", "cpu,gpu", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "number"),
    [
        *((point, signal.SIGINT) for point in POINTS),
        ("mkdir", signal.SIGTERM),
        ("mkdir", signal.SIGHUP),
        ("am instrument", signal.SIGTERM),
        ("am instrument", signal.SIGHUP),
    ],
)
def test_a_signal_at_any_point(bench: Bench, point: str, number: signal.Signals) -> None:
    """The phone sends the signal itself, the moment that a certain command comes to it."""
    started: list[subprocess.Popen[str]] = []
    skip = 1 if point in ("dumpsys thermal", "am instrument", "cat /sdcard") else 0
    bench.phone.faults.do_during(point, lambda: os.kill(started[0].pid, number), skip=skip)
    started.append(start(bench))
    _, err = started[0].communicate(timeout=120)
    assert started[0].returncode == 128 + number, err
    assert "Traceback" not in err and len(err.splitlines()) <= 2
    bench.assert_as_found()
    if bench.out.exists():
        run = read_run(bench.out)
        assert run.finished_at is None and sum(len(each.processes) for each in run.configurations) >= 1
    else:
        assert point not in ("am instrument", "cat /sdcard")


@pytest.mark.slow
@pytest.mark.parametrize("point", ["chmod 755", "num_threads"])
def test_a_signal_while_the_tool_is_used(bench: Bench, tmp_path: Path, point: str) -> None:
    bench.phone.change(abis=ABIS)
    bench.phone.tool = RecordedTool({"cpu": output("tflite_scientific.txt")}, seconds=60.0)
    tool = ("--runner", "benchmark_model", "--binary", str(write_tool(tmp_path / "benchmark_model")))
    started: list[subprocess.Popen[str]] = []
    bench.phone.faults.do_during(point, lambda: os.kill(started[0].pid, signal.SIGINT))
    started.append(start(bench, *tool))
    _, err = started[0].communicate(timeout=120)
    assert started[0].returncode == 130 and len(err.splitlines()) <= 2, err
    bench.assert_as_found()


def test_ctrl_c_in_the_midst_of_a_run_ends_it_on_the_phone_and_keeps_what_there_is(bench: Bench) -> None:
    bench.phone.faults.hang("am instrument", skip=1)
    process = start(bench)
    until = time.monotonic() + 100
    while sum("am instrument" in line for line in bench.phone.lines) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 130 and "Interrupted" in err and f"--resume {bench.out}" in err
    assert any("am force-stop" in line for line in bench.phone.lines)
    assert not bench.phone.processes or all(each.poll() is not None for each in bench.phone.processes)
    assert sum(len(each.processes) for each in read_run(bench.out).configurations) == 1
    bench.assert_as_found()


@pytest.mark.parametrize("full", [False, True])
def test_a_second_ctrl_c_while_it_is_saved_loses_nothing_and_a_full_disk_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], full: bool
) -> None:
    def interrupted(path: Path, run: Run) -> None:
        signal.raise_signal(signal.SIGINT)
        if full:
            raise OutputError(f"{path}: cannot be written: the disk is full; free some space")
        write_run(path, run)

    monkeypatch.setattr(job, "write_run", interrupted)
    bench.phone.faults.do_during("am instrument", lambda: os.kill(os.getpid(), signal.SIGINT), skip=1)
    with pytest.raises(KeyboardInterrupt):
        job.measure(prepare(Request((MODEL,)), no_progress), Adb(bench.phone.serial), bench.out)
    if full:
        assert "the disk is full" in capsys.readouterr().err
    else:
        assert len(read_run(bench.out).configurations[0].processes) == 1
    bench.assert_as_found()


def test_ctrl_c_tells_programs_too_where_the_run_is(bench: Bench) -> None:
    bench.phone.faults.hang("am instrument", skip=1)
    process = start(bench, "--json")
    until = time.monotonic() + 100
    while sum("am instrument" in line for line in bench.phone.lines) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130 and f"--resume {bench.out}" in err
    assert json.loads(out)["error"]["kind"] == "Interrupted"


def test_what_was_interrupted_goes_on(bench: Bench) -> None:
    bench.phone.faults.hang("am instrument", skip=1)
    process = start(bench)
    until = time.monotonic() + 100
    while sum("am instrument" in line for line in bench.phone.lines) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=100) == 143
    (kept,) = [process for each in read_run(bench.out).configurations for process in each.processes]
    ended = bench("--resume", str(bench.out), code=0)
    assert kept in [process for each in ended.run.configurations for process in each.processes]
    assert [(each.status, len(each.processes)) for each in ended.run.configurations] == [("ok", 2)] * 2
    bench.assert_as_found()
