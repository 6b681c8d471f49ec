"""Every example of the README is run, and prints what the README says."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest

from swiftformer_keras import data
from swiftformer_keras.preprocessing import (
    MAX_SIZE,
    PREPROCESSINGS,
    ChannelOrder,
    CropOffset,
    Filter,
    Preprocessing,
    Resize,
    read_preprocessing_file,
)
from tests.harness import ROOT
from tests.swiftformer_keras.cli.running import call_cli

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for file in (data.demo_checkpoint(), data.demo_labels(), data.demo_preprocessing()):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without_figures(text: str) -> list[list[str]]:
    """Lines of words; figures may differ in their last digits from machine to machine."""
    return [
        re.sub(r"\d+(\.\d+)?(e[-+]\d+)?", "#", line).replace("─", "").split() for line in text.splitlines()
    ]


def test_the_readme_has_examples() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds.count("console") >= 4
    assert kinds.count("python") >= 4


def test_the_commands_print_what_the_readme_shows(folder: Path) -> None:
    for kind, block in BLOCKS:
        if kind != "console":
            continue
        line, _, shown = block.partition("\n")
        program, *arguments = shlex.split(line.removeprefix("$ "))
        assert program == "swiftformer"
        ran = call_cli(*arguments)
        assert ran.returncode == 0, ran.stderr
        assert without_figures(ran.stdout) == without_figures(shown), line
    assert (folder / "fashion.tflite").is_file()


def test_the_python_examples_print_what_the_readme_shows(folder: Path) -> None:
    names: dict[str, Any] = {}
    expected: list[str] = []
    printed: list[str] = []
    for kind, block in BLOCKS:
        if kind == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(block, "README.md", "exec"), names)
            printed += out.getvalue().splitlines()
        elif kind == "text":
            expected += block.splitlines()
    assert printed == expected
    assert (folder / "fashion.tflite").is_file()


def test_the_preprocessing_file_is_as_the_readme_says(tmp_path: Path) -> None:
    (block,) = [block for kind, block in BLOCKS if kind == "json"]
    (tmp_path / "own.json").write_text(block)
    assert read_preprocessing_file(tmp_path / "own.json") == PREPROCESSINGS["transformers"]
    shown = json.loads(block)
    assert list(shown) == list(PREPROCESSINGS["transformers"].to_dict())
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| (.+) \|$", README, re.MULTILINE)
    values = {field: text for fields, text in rows for field in re.findall("`([a-z_]+)`", fields)}
    assert list(values) == list(shown)
    for field, allowed in {
        "resize": Resize,
        "filter": Filter,
        "channel_order": ChannelOrder,
        "crop_offset": CropOffset,
    }.items():
        assert set(get_args(allowed)) <= set(re.findall("`([a-z_]+)`", values[field]))
        default = next(f.default for f in dataclasses.fields(Preprocessing) if f.name == field)
        assert re.search(rf"`{default}`[^`]*the default", values[field])
    assert f"1 to {MAX_SIZE} pixels" in values["height"]


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_make_has_the_commands_of_the_readme_and_contributing() -> None:
    text = README + (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets
