"""`swiftformer verify` as a user calls it: figures, exit codes, the report, and usage."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converters.tflite.metadata import write_metadata
from tests.converters.tflite.models import BIAS, LABELS, card, tiny
from tests.swiftformer_keras.cli.running import assert_one_line, call_cli


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.tflite").write_bytes(write_metadata(tiny(), card()))
    changed = tiny(bias=BIAS + np.float32([0.5, 0, 0, 0]))
    (tmp_path / "b.tflite").write_bytes(write_metadata(changed, card()))
    for number in range(8):
        path = tmp_path / "images" / LABELS[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30, 30), (30 * number, 20, 40)).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_account(folder: Path) -> None:
    ran = call_cli("verify", "a.tflite", "b.tflite", "--images", "images")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("b.tflite compared with a.tflite, logits of 8 picture(s):\n")
    assert "largest difference   5.00e-01" in ran.stdout
    assert ran.stdout.count("right answers") == 2
    assert call_cli("verify", "a.tflite", "a.tflite", "--images", "images", "-q").stderr == ""


def test_a_bound_that_is_not_met_is_one_line_and_3(folder: Path) -> None:
    command = ("verify", "a.tflite", "b.tflite", "--images", "images", "--max-difference", "0.1")
    ran = call_cli(*command, "--quiet")
    assert ran.returncode == 3
    assert "b.tflite: largest difference 0.5, more than 0.1" in assert_one_line(ran.stderr)
    ran = call_cli(*command, "--json")
    assert ran.returncode == 3
    told = json.loads(ran.stdout)
    assert (told["command"], told["met"], len(told["missed"])) == ("verify", False, 1)
    assert told["difference"]["largest"] == pytest.approx(0.5)
    assert call_cli(*command[:-1], "0.6", "--quiet").returncode == 0


def test_the_report_is_written_whole_and_kept(folder: Path) -> None:
    command = ("verify", "a.tflite", "b.tflite", "--images", "images", "--report", "r.json", "-q")
    assert call_cli(*command, "--min-sqnr", "99").returncode == 3
    report = json.loads((folder / "r.json").read_text())
    assert report["top1"]["a"]["total"] == 8
    assert len(report["pictures_sha256"]) == 8
    again = call_cli(*command)
    assert again.returncode == 2
    assert "--force" in assert_one_line(again.stderr)
    assert call_cli(*command, "--force", "--samples", "8", "--seed", "3").returncode == 0
    nowhere = call_cli(*command[:-2], "nowhere/r.json", "-q")
    assert nowhere.returncode == 2
    assert "nowhere" in assert_one_line(nowhere.stderr)


def test_half_precision(folder: Path) -> None:
    command = ("verify", "a.tflite", "--float16-arithmetic", "--images", "images", "-q")
    ran = call_cli(*command)
    assert ran.returncode == 3, "the tiny model's mean over pixels overflows half accumulators"
    assert "operator 0 (MEAN, mean) overflows" in assert_one_line(ran.stderr)
    assert "float32 accumulators: scores" in ran.stdout
    told = json.loads(call_cli(*command, "--json", "--samples", "2").stdout)
    assert [loss["accumulators"] for loss in told["losses"]] == ["float32", "float16"]
    assert told["met"] is False
    assert call_cli(*command, "--report", "half.json").returncode == 3
    assert json.loads((folder / "half.json").read_text())["pictures"] == 4


@pytest.mark.parametrize(
    ("arguments", "mention"),
    [
        (["a.tflite"], "second model"),
        (["a.tflite", "b.tflite", "--float16-arithmetic"], "one .tflite file"),
        (["a.tflite", "--float16-arithmetic", "--labels", "x.csv"], "--labels"),
        (["a.tflite", "b.tflite", "--samples", "0"], "--samples"),
        (["a.tflite", "b.tflite", "--min-agreement", "7"], "min_agreement"),
        (["a.tflite", "absent.tflite", "--images", "images"], "absent.tflite"),
        (["absent.pth", "a.tflite", "--images", "images"], "absent.pth"),
        (["a.tflite", "b.tflite", "--images", "absent"], "absent"),
        (["a.keras", "--float16-arithmetic"], "a.keras"),
        (["a.tflite", "b.tflite", "--preprocessing", "absent.json"], "absent.json"),
    ],
)
def test_mistakes_are_one_line(folder: Path, arguments: list[str], mention: str) -> None:
    ran = call_cli("verify", *arguments, "--quiet")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert mention in assert_one_line(ran.stderr)
