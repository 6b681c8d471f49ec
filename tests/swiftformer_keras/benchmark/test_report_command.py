"""`swiftformer report`: tables, the page, exit codes, and one line for whatever is wrong."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from swiftformer_keras.benchmark import OUTPUT_VERSION, result
from swiftformer_keras.benchmark.compare import check, compare
from swiftformer_keras.benchmark.report.data import comparison_data, run_data
from swiftformer_keras.benchmark.run_file import encode_run
from swiftformer_keras.benchmark.summary import summarise_run
from swiftformer_keras.shown import shown
from tests.swiftformer_keras.benchmark.hostile_runs import ATTACKS, hostile_run
from tests.swiftformer_keras.benchmark.synthetic_runs import OTHER_DEVICE, synthetic_run
from tests.swiftformer_keras.cli.running import assert_one_line, call_cli

DOCUMENT = Path(result.__file__).with_name("RESULT_FORMAT.md")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs")
    runs = {
        "before": synthetic_run(1),
        "same": synthetic_run(4, days=1),
        "slower": synthetic_run(2, slower=1.2, days=2),
        "other": synthetic_run(3, device=OTHER_DEVICE),
        "hostile": hostile_run(),
    }
    whole = runs["before"].configurations
    failed = (dataclasses.replace(each, status="failed", reason="it crashed") for each in whole)
    runs["failed"] = dataclasses.replace(runs["before"], configurations=tuple(failed))
    runs["fewer"] = dataclasses.replace(runs["same"], configurations=whole[:3])
    for name, run in runs.items():
        (path / f"{name}.json").write_bytes(encode_run(run))
    (path / "damaged.json").write_bytes(encode_run(runs["before"])[:-100])
    return path


def test_a_run_is_shown(folder):
    found = call_cli("report", folder / "before.json")
    assert found.returncode == 0 and found.stderr == ""
    assert "Synthetic Phone One: quick, 9 processes each" in found.stdout
    assert (
        "61.58–62.98" in found.stdout
        and "2.48x, 2.42–2.56" in found.stdout
        and "WRONG ANSWER" in found.stdout
    )


def test_json_has_every_configuration(folder):
    found = call_cli(
        "report", folder / "before.json", folder / "slower.json", "--json", "--max-regression", "5%"
    )
    assert found.returncode == 3 and found.stderr == ""
    content = json.loads(found.stdout)
    assert content["command"] == "report" and content["met"] is False
    assert [len(run["configurations"]) for run in content["runs"]] == [12, 12]
    assert content["runs"][0]["configurations"][10]["compared"] is False
    findings = content["comparisons"][0]["check"]["findings"]
    assert [each["outcome"] for each in findings] == ["regressed"] * 9


def test_the_document_names_every_field_of_json(folder):
    """One table an object, in its order."""
    text = DOCUMENT.read_text("utf-8")
    assert f"# What `--json` prints, version {OUTPUT_VERSION}" in text
    tables = {
        title: re.findall(r"^\| `(\w+)`", section, re.MULTILINE)
        for title, section in re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    }
    summary = summarise_run(synthetic_run(1, processes=6))
    run = run_data(summary)
    comparison = compare(summary, summary)
    compared = comparison_data(comparison, check(comparison, 0.05))
    found = json.loads(
        call_cli(
            "report", folder / "before.json", "--json", folder / "same.json", "--max-regression=5%"
        ).stdout
    )
    assert found["format_version"] == OUTPUT_VERSION
    assert ["command", "version", "format_version", *tables["The object of `report`"]] == list(found)
    assert tables["One of `runs`"] == list(run)
    assert tables["One of its `configurations`"] == list(run["configurations"][0])
    assert tables["One of `comparisons`"] == list(compared)
    assert tables["A `check`"] == list(compared["check"])
    for words in (
        compared["configurations"][0],
        compared["check"]["findings"][0],
        run["configurations"][1]["speed"],
    ):
        assert all(f"`{name}`" in text for name in words)


@pytest.mark.parametrize(
    ("runs", "options", "code"),
    [
        (("before", "same"), ("--max-regression", "5%"), 0),
        (("before", "slower"), ("--max-regression", "5%"), 3),
        (("before", "slower"), ("--max-regression", "0.05"), 3),
        (("before", "slower"), ("--max-regression", "50%"), 0),
        (("before", "same"), ("--max-regression", "0.5%"), 0),
        (("before", "same"), ("--max-regression", "0.5%", "--strict"), 3),
        (("before", "fewer"), ("--max-regression", "5%"), 3),
        (("before", "slower"), (), 0),
        (("before", "fewer"), (), 0),
        (("before", "other"), (), 0),
    ],
)
def test_the_exit_code_is_the_answer(folder, runs, options, code):
    found = call_cli("report", *(folder / f"{run}.json" for run in runs), *options)
    assert found.returncode == code, found.stderr
    lines = found.stderr.splitlines()
    assert bool(lines) == (code == 3) and all(line.startswith("Error: synthetic_xs_") for line in lines)


def test_a_check_of_nothing_is_no_pass(folder):
    found = call_cli("report", folder / "failed.json", folder / "same.json", "--max-regression", "5%")
    assert found.returncode == 3 and "nothing was checked" in assert_one_line(found.stderr)


@pytest.mark.parametrize(
    ("runs", "bound", "code", "met"),
    [
        (("before", "same"), "5%", 0, True),
        (("before", "same"), "0.5%", 0, None),
        (("before", "fewer"), "5%", 3, False),
        (("failed", "same"), "5%", 3, None),
    ],
)
def test_met_is_null_where_it_is_not_known(folder, runs, bound, code, met):
    found = call_cli("report", *(folder / f"{run}.json" for run in runs), "--json", "--max-regression", bound)
    assert found.returncode == code
    content = json.loads(found.stdout)
    assert content["met"] is met and content["comparisons"][0]["check"]["met"] is met


@pytest.mark.parametrize(
    ("arguments", "mention"),
    [
        (("missing.json",), "cannot be read"),
        (("damaged.json",), "is not JSON"),
        (("before.json", "--max-regression", "5%"), "two runs"),
        (("before.json", "same.json", "--max-regression", "much"), "is no bound"),
        (("before.json", "other.json", "--max-regression", "5%"), "different phones"),
        (("before.json", "--strict"), "--max-regression"),
        ((), "RUN.json"),
    ],
)
def test_mistakes_are_one_line(folder, monkeypatch, arguments, mention):
    monkeypatch.chdir(folder)
    found = call_cli("report", *arguments)
    assert found.returncode == 2 and mention in assert_one_line(found.stderr)


def test_the_page_is_written_once(folder, tmp_path):
    path = tmp_path / "page.html"
    assert call_cli("report", folder / "before.json", folder / "other.json", "--html", path).returncode == 0
    assert path.read_text("utf-8").startswith("<!doctype html>")
    again = call_cli("report", folder / "before.json", "--html", path)
    assert again.returncode == 2 and "exists already" in assert_one_line(again.stderr)
    assert call_cli("report", folder / "before.json", "--html", path, "--force", "--quiet").returncode == 0


def test_nothing_of_a_device_reaches_the_terminal(folder):
    found = call_cli("report", folder / "hostile.json", folder / "hostile.json", "--max-regression", "5%")
    assert found.returncode in (0, 3), "configurations that are called alike cannot be told apart"
    for line in (found.stdout + found.stderr).splitlines():
        assert line.isprintable(), line
    seen = [attack for attack in ATTACKS if shown(attack, 400)[:10] in found.stdout]
    assert len(seen) >= 5, "as text, where a terminal does nothing with it"
