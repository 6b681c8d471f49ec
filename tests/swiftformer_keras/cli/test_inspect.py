"""`swiftformer inspect`: what delegates take, and tables on terminals that are too narrow for them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from converters.tflite.delegates.rules import RUNTIMES
from tests.converters.tflite.delegates.sketch import Sketch
from tests.converters.tflite.models import tiny, written
from tests.swiftformer_keras.cli.running import COMMAND, call_cli, environment


def shown_on_a_terminal(*arguments: str | Path, columns: int) -> list[str]:
    """The lines that a command prints on a terminal of this width, without their colours."""
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=terminal,
        stderr=terminal,
        env=environment(TERM="xterm", COLUMNS=str(columns)),
    )
    os.close(terminal)
    said = b""
    while True:
        try:
            block = os.read(control, 65536)
        except OSError:  # the terminal is gone, and everything was read
            break
        if not block:
            break
        said += block
    os.close(control)
    assert process.wait(60) == 0, said
    return re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).replace("\r", "").split("\n")


@pytest.fixture
def gelus(tmp_path: Path) -> Path:
    """RELU, GELU, RSQRT, GELU with a name longer than any terminal."""
    sketch = Sketch()
    first = last = sketch.tensor((1, 4, 6, 8))
    for name in ("RELU", "GELU", "RSQRT", "GELU"):
        following = sketch.tensor((1, 4, 6, 8))
        sketch.graph.tensors[following].name = f"{name.lower()}/" + "block/" * 20
        sketch.operator(name, [last], [following])
        last = following
    return written(tmp_path, sketch.packed([first], [last]))


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_narrow_terminals_get_a_list_of_whole_words(gelus: Path, columns: int) -> None:
    tensors = shown_on_a_terminal("inspect", gelus, columns=columns)
    assert max(map(len, tensors)) <= columns, max(tensors, key=len)
    assert "0  t0" in tensors
    assert any(line.startswith("    shape: 1x4x6x8; type:") for line in tensors), tensors
    text = "".join(line.strip() for line in tensors)
    assert "gelu/" + "block/" * 20 in text, "nothing of a name is lost"
    causes = shown_on_a_terminal("inspect", gelus, "--delegate", "xnnpack", columns=columns)
    first = causes.index("GELU  float32")
    assert causes[first + 1].startswith("    count: 2; where: 1, 3;")
    assert max(map(len, causes[first : first + 4])) <= columns


def test_wide_terminals_keep_a_line_a_row(tmp_path: Path) -> None:
    lines = shown_on_a_terminal("inspect", written(tmp_path, tiny()), columns=120)
    row = next(line for line in lines if " image " in line)
    assert row.split() == ["0", "image", "1x32x24x3", "float32", "0", "input"]


def test_delegates_are_explained(gelus: Path) -> None:
    ran = call_cli("inspect", gelus, "--delegate", "xnnpack")
    assert ran.returncode == 0, ran.stderr
    assert "XNNPACK in LiteRT 2.3: takes 4 of 4 operators in 1 partition(s)\n" in ran.stdout
    assert "takes 1 of 4 operators in 1 partition(s), the graph falls into 2 pieces" in ran.stdout
    (row,) = (line for line in ran.stdout.splitlines() if line.split()[:3] == ["GELU", "float32", "2"])
    assert "1, 3" in row and "XNNPACK has no GELU" in row and "fast GELU" in row
    assert "rules: tensorflow/lite/delegates/xnnpack/xnnpack_delegate.cc" in ran.stdout
    assert "tensors" not in ran.stdout


def test_api_levels_with_the_same_answer_are_one(gelus: Path) -> None:
    ran = call_cli("inspect", gelus, "--delegate", "nnapi")
    titles = re.findall(r"API level (\d+(?: to \d+)?): takes", ran.stdout)
    assert titles == ["27 to 28", "29 to 35"], "RSQRT comes with 29"


def test_runtimes_with_the_same_answer_are_two(tmp_path: Path) -> None:
    ran = call_cli("inspect", written(tmp_path, tiny()), "--delegate", "xnnpack")
    assert ran.stdout == (
        "XNNPACK in LiteRT 2.3: takes 2 of 2 operators in 1 partition(s)\n\n"
        "XNNPACK in Android's TFLite 2.16.1: takes 2 of 2 operators in 1 partition(s)\n"
    )


def test_delegates_as_json(gelus: Path) -> None:
    told = json.loads(call_cli("inspect", gelus, "--delegate", "all", "--json").stdout)
    assert [report["runtime"] for report in told["delegates"]] == [runtime.name for runtime in RUNTIMES]
    assert told["graphs"][0]["operators"], "beside what inspect always gives"
    verdict = told["delegates"][1]["verdicts"][1]
    assert (verdict["name"], verdict["outcome"], verdict["shape"]) == ("GELU", "left", [1, 4, 6, 8])
    assert "delegates" not in json.loads(call_cli("inspect", gelus, "--json").stdout)


def test_an_unknown_delegate_is_a_mistake(gelus: Path) -> None:
    ran = call_cli("inspect", gelus, "--delegate", "npu")
    assert ran.returncode == 2
    assert "npu" in ran.stderr and "Traceback" not in ran.stderr


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, tiny()[:300])
    ran = call_cli("inspect", path, "--delegate", "all")
    assert ran.returncode == 2
    assert ran.stderr.startswith("Error: ") and ran.stderr.count("\n") == 1
