"""Every way a command can end: its exit code, the one line it says, and what it leaves behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from swiftformer_keras.cli import main as entry
from swiftformer_keras.errors import BoundNotMetError, OutputError
from tests.swiftformer_keras.cli.running import COMMAND, assert_one_line, environment, run_cli


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `swiftformer inspect FILE` meet this error in the room behind it."""

    def inspect_tflite(_path: Path) -> Any:
        raise error

    module = types.ModuleType("converters.tflite.inspect")
    module.inspect_tflite = inspect_tflite  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "converters.tflite.inspect", module)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutputError("x.keras: exists already. Choose another name"), 2),
        (BoundNotMetError("x.tflite: differs by 0.5, the bound is 0.0001. The file was not kept"), 3),
        (MemoryError(), 2),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
        (ZeroDivisionError("division by zero"), 1),
        (OutputError("two\nlines and \x1b[31mcolour"), 2),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_exit_codes(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, error)
    monkeypatch.delenv(entry.DEBUG_VARIABLE, raising=False)
    assert entry.main(["inspect", "x.tflite"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    if code == 141:
        assert said.err == ""
    else:
        assert_one_line(said.err)


def test_errors_with_json_are_one_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, BoundNotMetError("x.tflite: differs. The file was not kept"))
    assert entry.main(["inspect", "x.tflite", "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == {
        "error": {
            "kind": "BoundNotMetError",
            "message": "x.tflite: differs. The file was not kept",
            "exit_code": 3,
        }
    }


def test_a_bug_says_where_its_traceback_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    raising(monkeypatch, ZeroDivisionError("division by zero"))
    monkeypatch.delenv(entry.DEBUG_VARIABLE, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert entry.main(["inspect", "x.tflite"]) == 1
    line = assert_one_line(capsys.readouterr().err)
    assert "a bug in swiftformer" in line
    assert "report it" in line
    named = re.search(r"traceback is in (\S+);", line)
    assert named is not None
    text = Path(named[1]).read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text
    assert "ZeroDivisionError: division by zero" in text


def test_a_bug_shows_its_traceback_when_debugging(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    raising(monkeypatch, ZeroDivisionError("division by zero"))
    monkeypatch.setenv(entry.DEBUG_VARIABLE, "1")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert entry.main(["inspect", "x.tflite"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


MISTAKES = {
    "no such checkpoint": ["convert", "absent.pth", "out.keras"],
    "a directory without weights": ["convert", ".", "out.keras"],
    "no such model": ["export", "absent.keras", "out.tflite"],
    "not a model": ["export", "text.keras", "out.tflite"],
    "no such tflite": ["inspect", "absent.tflite"],
    "not a tflite": ["inspect", "text.tflite"],
    "nothing to classify with": ["classify", "absent.tflite", "picture.png"],
    "output in no folder": ["export", "text.keras", "nowhere/out.tflite"],
    "output is a folder": ["export", "text.keras", "folder.tflite"],
    "output is there": ["export", "text.keras", "text.tflite"],
    "nothing to calibrate with": ["quantize", "text.keras", "new.tflite", "--calibration", "nowhere"],
    "no --calibration": ["quantize", "text.keras", "new.tflite"],
    "no such scheme": ["quantize", "text.keras", "new.tflite", "--calibration", ".", "--scheme", "int4"],
    "nothing to measure on": ["sensitivity", "text.keras", "--calibration", "nowhere"],
    "a drawing of no kind": ["sensitivity", "text.keras", "--calibration", "demo", "--plot", "x.jpg"],
    "quantised output is there": ["quantize", "text.keras", "text.tflite", "--calibration", "."],
    "demo in a file": ["demo", "text.tflite"],
    "name with an escape": ["inspect", "\x1b[2Jcleared.tflite"],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line_and_leave_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("not a model")
    (tmp_path / "text.tflite").write_text("not a model")
    (tmp_path / "folder.tflite").mkdir()
    before = sorted(tmp_path.rglob("*"))
    ran = run_cli(*MISTAKES[name], "--quiet", cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert ran.stdout == ""
    assert assert_one_line(ran.stderr).startswith("Error: ")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("number", "code", "step"),
    [(signal.SIGINT, 130, "exporting"), (signal.SIGTERM, 143, "converting")],
    ids=["Ctrl-C", "terminated"],
)
@pytest.mark.slow
def test_a_stopped_demo_leaves_nothing_half_written(
    number: signal.Signals, code: int, step: str, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [*COMMAND, "demo", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if step in line:
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert out == ""
    assert "Traceback" not in err
    ending = "Interrupted" if code == 130 else "Terminated"
    assert err.endswith(f"{ending}. Nothing half-written was left.\n")
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left <= {"pictures", "fashion_mnist.keras", "fashion_mnist.keras.json"}, left
