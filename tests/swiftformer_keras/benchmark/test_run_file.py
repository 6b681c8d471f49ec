"""A run's JSON: what was written is read back the same, and whatever is damaged or hostile is one line."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from swiftformer_keras.benchmark import fields, records, result, run_file
from swiftformer_keras.benchmark.facts import MAX_CLUSTERS, CpuCluster
from swiftformer_keras.benchmark.parsing.thermal import MAX_SENSORS
from swiftformer_keras.benchmark.plan import MAX_CONFIGURATIONS
from swiftformer_keras.benchmark.result import Replacing
from swiftformer_keras.benchmark.run_file import decode_run, encode_run, read_run, write_run
from swiftformer_keras.benchmark.state import ClusterState
from swiftformer_keras.benchmark.warm_up import MOST_RUNS
from swiftformer_keras.errors import RunFileError
from tests.harness import assert_refused
from tests.swiftformer_keras.benchmark.synthetic_runs import synthetic_run

DOCUMENT = Path(result.__file__).with_name("RESULT_FORMAT.md")


@pytest.fixture(scope="module")
def run():
    return synthetic_run(1, processes=6)


@pytest.fixture(scope="module")
def small(run):
    """The object of a run with one process in each of two configurations, everything filled."""
    keep = tuple(
        dataclasses.replace(each, processes=each.processes[-1:])
        for each in (run.configurations[10], run.configurations[11])
    )
    short = dataclasses.replace(run, configurations=keep)
    return json.loads(encode_run(short))


def refused(values: object, *mentions: str) -> str:
    content = values if isinstance(values, bytes) else json.dumps(values).encode()
    message = assert_refused(RunFileError, lambda: decode_run(content, "run.json"), "run.json", *mentions)
    assert len(message) < 600
    return message


def test_what_was_written_is_read_back(run, tmp_path):
    path = tmp_path / "run.json"
    write_run(path, run)
    assert read_run(path) == run
    write_run(path, dataclasses.replace(run, notes=("again",)))
    assert read_run(path).notes == ("again",)
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


def test_any_text_of_a_device_survives(run):
    odd = ("\x1b[31m", "\u202etxt", "\ud800", "\x00", "</script>", "é漢字", '"\\')
    found = decode_run(encode_run(dataclasses.replace(run, notes=odd)), "x")
    assert found.notes == odd


def test_texts_are_cut_when_written_and_not_refused_when_read(run):
    first = run.configurations[11].processes[-1]
    long = dataclasses.replace(first, error="e" * 5000, log_excerpt="l" * 50_000, notes=("n" * 5000,))
    configuration = dataclasses.replace(run.configurations[11], processes=(long,))
    found = decode_run(encode_run(dataclasses.replace(run, configurations=(configuration,))), "x")
    [process] = found.configurations[0].processes
    assert (len(process.error), len(process.log_excerpt), len(process.notes[0])) == (400, 20_000, 400)


@pytest.mark.parametrize(
    ("content", "mention"),
    [
        (b"", "is not JSON"),
        (b"{}", "is not a benchmark run"),
        (b"[]", "is not a benchmark run"),
        (b"\xff\xfe{}", "is not UTF-8"),
        (b'{"format": "swiftformer-benchmark", "version": 1}', "is not a benchmark run"),
        (b'{"format": "swiftformer-benchmark-run", "version": 3}', "is version 3 of the format"),
        (b'{"format": "swiftformer-benchmark-run", "version": "\x1b[31m"}', "is not JSON"),
        (b'{"format": "swiftformer-benchmark-run", "version": 1}', "is version 1 of the format"),
        (b'{"format": "swiftformer-benchmark-run", "version": 2}', "lacks 'configurations'"),
        (b'{"format": 1, "format": "swiftformer-benchmark-run"}', "a name occurs twice"),
        (b'{"format": NaN}', "NaN is not a JSON number"),
        (b'{"format": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 2_100_000, "fields and lists"),
    ],
)
def test_what_is_no_run_is_one_line(content, mention):
    refused(content, mention)


def largest(run, configurations: int, runs: int):
    """The full preset of a quick model on a phone with as many sensors as are read."""
    full = next(each for each in run.configurations if each.status == "ok")
    process = full.processes[-1]
    heat = {f"synthetic_sensor_{number:07}": 41.234 for number in range(MAX_SENSORS)}
    clusters = process.state_before.clusters[:1] * MAX_CLUSTERS
    state = dataclasses.replace(process.state_before, temperatures_c=heat, clusters=clusters)
    process = dataclasses.replace(
        process,
        state_before=state,
        state_after=state,
        warm_up_ms=(0.987654,) * MOST_RUNS,
        samples_ms=(0.498765,) * runs,
        notes=("n" * 400,) * 3,
        replacing=process.replacing * result.MAX_REPLACING,
    )
    processes = tuple(dataclasses.replace(process, round=number) for number in range(12))
    each = dataclasses.replace(full, processes=processes)
    return dataclasses.replace(run, configurations=(each,) * configurations)


def test_the_largest_plan_stays_within_the_bounds_of_its_file(run):
    alone = encode_run(largest(run, 1, result.MAX_RUNS_KEPT))
    assert len(alone) * MAX_CONFIGURATIONS < run_file.MAX_BYTES
    marks = run_file.structure(alone)
    assert marks * MAX_CONFIGURATIONS < run_file.MAX_STRUCTURE
    assert len(decode_run(alone, "x").configurations[0].processes[0].samples_ms) == result.MAX_RUNS_KEPT


@pytest.mark.slow
def test_the_largest_plan_is_read_back(run, tmp_path):
    """All of it but for most of the single runs, which would take a minute."""
    all_of_it = largest(run, MAX_CONFIGURATIONS, 100)
    write_run(tmp_path / "run.json", all_of_it)
    assert read_run(tmp_path / "run.json") == all_of_it


def test_a_file_that_is_cut_short_is_one_line(run):
    content = encode_run(run)
    for end in (1, 100, len(content) // 2, len(content) - 3):
        refused(content[:end], "is not JSON")


def test_a_file_that_is_too_large_is_not_parsed(monkeypatch):
    monkeypatch.setattr(run_file, "MAX_BYTES", 1000)
    refused(b" " * 1001, "1,000 bytes")


def test_every_field_must_be_there_and_no_other(small):
    paths = [path for path, value in walk(small) if isinstance(value, dict)]
    assert len(paths) > 20
    for path in paths:
        if path and path[-1] == "temperatures_c":
            continue  # names of sensors, not of fields
        changed = copy.deepcopy(small)
        at(changed, path)["surprise"] = 1
        refused(changed, "unknown field 'surprise'")
        for name in at(small, path):
            changed = copy.deepcopy(small)
            del at(changed, path)[name]
            refused(changed, *([] if name in ("format", "version") else [f"lacks {name!r}"]))


def test_every_value_has_its_type_and_its_bounds(small):
    """Each leaf in turn becomes a thing that it may not be."""
    for path, value in walk(small):
        if not path:
            continue
        wrong: list[object] = [] if isinstance(value, (dict, list)) else [{}, [[]]]
        if isinstance(value, bool):
            wrong += [0, "true"]
        elif isinstance(value, (int, float)):
            wrong += [-1e9, 10**400, "1", True]
        elif isinstance(value, str):
            wrong += [1, "x" * 30_000]
        elif isinstance(value, list):
            wrong += [{}, "list", 0]
        elif isinstance(value, dict):
            wrong += [[], "dict", 0]
        for each in wrong:
            changed = copy.deepcopy(small)
            at(changed, path[:-1])[path[-1]] = each
            refused(changed)


def test_lists_are_cut_when_written_and_not_refused_when_read(run):
    first = run.configurations[0].processes[0]
    notes = tuple(f"note {number}" for number in range(fields.MAX_ITEMS + 1))
    entries = tuple(Replacing("TfLiteGpuDelegateV2", 1, 2, 1) for _ in range(result.MAX_REPLACING + 1))
    full = dataclasses.replace(first, notes=notes, replacing=entries)
    configuration = dataclasses.replace(run.configurations[0], processes=(full,))
    found = decode_run(encode_run(dataclasses.replace(run, configurations=(configuration,))), "x")
    [process] = found.configurations[0].processes
    assert process.notes == notes[:-1] and process.replacing == entries[:-1]


def test_lists_of_as_many_items_as_the_document_says_are_read(small):
    small = copy.deepcopy(small)
    small["notes"] = ["n"] * 1024
    assert len(decode_run(json.dumps(small).encode(), "x").notes) == 1024
    refused({**small, "notes": ["n"] * 1025}, "1,025 items; 1024 is the limit")


def test_brackets_within_texts_are_no_structure(run):
    """A phone's log may hold as many as it likes: 100 configurations with one excerpt each."""
    log = "[" * 10_000 + ":{" * 5_000
    crashed = dataclasses.replace(run.configurations[0].processes[0], log_excerpt=log, error='"\\')
    each = dataclasses.replace(run.configurations[0], processes=(crashed,), log_excerpt=log)
    many = dataclasses.replace(run, configurations=(each,) * MAX_CONFIGURATIONS)
    assert len(decode_run(encode_run(many), "x").configurations) == MAX_CONFIGURATIONS


@pytest.mark.parametrize("end", [b'"', b"\\", b'\\"'])
def test_a_text_without_an_end_takes_no_time(end):
    refused(b'{"' + b'\\"' * 1_000_000 + end, "is not JSON")


def test_lists_are_bounded(small):
    changed = copy.deepcopy(small)
    process = changed["configurations"][0]["processes"][0]
    changed["configurations"][0]["processes"] = [process] * 65
    refused(changed, "processes", "65 items; 64 is the limit")
    process["samples_ms"] = [1] * 500_001
    changed["configurations"][0]["processes"] = [process]
    refused(changed, "samples_ms", "500,001 items")


def test_a_bad_number_among_thousands_is_named(small):
    changed = copy.deepcopy(small)
    changed["configurations"][0]["processes"][0]["samples_ms"] = [1.5] * 1000 + [-2.0]
    refused(changed, "samples_ms[1000]")


def test_places_that_are_no_files_are_one_line(tmp_path):
    for name in ("missing.json", "folder"):
        (tmp_path / "folder").mkdir(exist_ok=True)
        assert_refused(RunFileError, lambda name=name: read_run(tmp_path / name), name)
    os.mkfifo(tmp_path / "pipe")
    assert_refused(RunFileError, lambda: read_run(tmp_path / "pipe"), "is not a file")
    assert_refused(RunFileError, lambda: read_run(tmp_path / "nul\0"), "nul")


def test_the_document_names_every_field():
    """One table a class, in its order; a field that is new, gone or renamed must be told there."""
    text = DOCUMENT.read_text("utf-8")
    assert f'`"{result.FORMAT}"`' in text and f"run, version {result.VERSION}" in text
    classes = {
        each for each in vars(result).values() if isinstance(each, type) and dataclasses.is_dataclass(each)
    }
    assert len(classes) > 12
    for each in classes - {records.Limit, records.Range} | {CpuCluster, ClusterState}:
        section = re.search(rf"^## [^\n]*`{each.__name__}`.*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
        assert section is not None, each.__name__
        named = re.findall(r"^\| `(\w+)`", section[0], re.MULTILINE)
        assert named == [field.name for field in dataclasses.fields(each)], each.__name__


def test_a_record_with_an_annotation_that_cannot_be_read_is_a_bug():
    @dataclasses.dataclass(frozen=True)
    class Odd:
        value: complex

    with pytest.raises(TypeError):
        records.read_record(Odd, {"value": 1}, "odd")


def walk(value: object, path: tuple = ()) -> Iterator[tuple[tuple, object]]:
    """Every value with its path; of a list of numbers only the first."""
    yield path, value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from walk(item, (*path, name))
    elif isinstance(value, list):
        plain = bool(value) and not isinstance(value[0], (dict, list))
        for index, item in enumerate(value[:1] if plain else value):
            yield from walk(item, (*path, index))


def at(value: object, path: tuple) -> object:
    for step in path:
        value = value[step]
    return value
