"""Standard streams that are closed, full or gone: the place's fault, said in one line where one can be said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.swiftformer_keras.cli.running import COMMAND, assert_one_line, environment

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
FULL = "Error: the output cannot be written: No space left on device"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    from converters.doctor import tiny_model

    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model())
    return path


def shell(arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command behind a shell's redirections."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {arguments}', "sh", *COMMAND],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(PYTHONPATH=":".join(p for p in (str(Path.cwd()), *sys.path) if p)),
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", ["inspect tiny.tflite", "inspect tiny.tflite --json -q", "--help", "--version"]
)
def test_a_full_disk_is_no_bug(arguments: str, model: Path) -> None:
    ran = shell(f"{arguments} > /dev/full", model.parent)
    assert ran.returncode == 2, ran.stderr
    assert assert_one_line(ran.stderr) == FULL


def test_an_error_is_told_on_stderr_when_stdout_is_full(tmp_path: Path) -> None:
    ran = shell("inspect absent.tflite --json > /dev/full", tmp_path)
    assert ran.returncode == 2
    assert "absent.tflite" in assert_one_line(ran.stderr)


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
@pytest.mark.parametrize(
    ("arguments", "code"), [("inspect tiny.tflite", 0), ("inspect absent.tflite --json", 2)]
)
def test_a_closed_stream_changes_nothing(streams: str, arguments: str, code: int, model: Path) -> None:
    plain, ran = shell(arguments, model.parent), shell(f"{arguments} {streams}", model.parent)
    assert plain.returncode == ran.returncode == code, ran.stderr
    assert ran.stdout == ("" if ">&-" in streams.split() else plain.stdout)
    assert ran.stderr == ("" if "2>" in streams else plain.stderr)


def test_output_to_a_stream_open_for_reading_only(model: Path) -> None:
    ran = shell("inspect tiny.tflite 1</dev/null", model.parent)
    assert ran.returncode == 2
    assert assert_one_line(ran.stderr) == "Error: the output cannot be written: Bad file descriptor"
