"""The demo, run once as a user runs it; its figures are checked with the files it left."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters import demo
from converters.demo import KERAS_FILE, PRECISIONS, tflite_file
from converters.tflite.metadata import read_metadata
from swiftformer_keras import data
from swiftformer_keras.errors import MissingToolError, OutputError
from tests.harness import assert_refused
from tests.swiftformer_keras.cli.running import assert_one_line, call_cli, run_cli

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "made" / "by the demo"


@pytest.fixture(scope="module")
def said(folder: Path) -> str:
    ran = run_cli("demo", folder)
    assert ran.returncode == 0, ran.stderr
    assert all(line.endswith(" ...") for line in ran.stderr.splitlines()), ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def report(folder: Path, said: str) -> dict[str, Any]:
    assert said
    return json.loads((folder / "report.json").read_text("utf-8"))


def test_the_table_has_a_row_a_file(said: str) -> None:
    for name in (KERAS_FILE, *map(tflite_file, PRECISIONS)):
        assert sum(line.strip().startswith(f"{name} ") for line in said.splitlines()) == 1, said
    assert said.count("20 of 20") >= 4, said


def test_the_report_is_what_the_files_are(folder: Path, report: dict[str, Any]) -> None:
    files = {row["file"]: row for row in report["files"]}
    assert list(files) == [KERAS_FILE, *map(tflite_file, PRECISIONS)]
    for name, row in files.items():
        assert row["size_bytes"] == (folder / name).stat().st_size
    bounds = {"float32": 1e-3, "float16": 2e-2}
    assert files[KERAS_FILE]["largest_difference"] == 0.0
    for precision, bound in bounds.items():
        assert 0 < files[tflite_file(precision)]["largest_difference"] <= bound
    smaller = [files[tflite_file(precision)]["size_bytes"] for precision in PRECISIONS]
    assert smaller == sorted(smaller, reverse=True)
    assert smaller[2] < 0.35 * smaller[0]


def test_the_records_name_what_went_in(folder: Path, report: dict[str, Any]) -> None:
    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    sources = {
        "checkpoint": data.demo_checkpoint(),
        "labels": data.demo_labels(),
        "preprocessing": data.demo_preprocessing(),
    }
    named = {name: {"file": path.name, "sha256": digest(path)} for name, path in sources.items()}
    assert report["inputs"] == named
    text = (folder / f"{KERAS_FILE}.json").read_text("utf-8")
    record = json.loads(text)
    assert record["settings"]["labels"] == named["labels"]
    assert record["settings"]["preprocessing"] == named["preprocessing"]
    assert record["settings"]["facts"] == data.DEMO_FACTS
    assert "asked for" not in text and str(data.demo_labels()) not in text
    exported = json.loads((folder / f"{tflite_file('float32')}.json").read_text("utf-8"))
    assert exported["source"] == {"file": KERAS_FILE, "sha256": digest(folder / KERAS_FILE)}


def test_the_keras_row_is_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from swiftformer_keras import saving

    load = saving.load_classifier

    def changed(path: Path) -> Any:
        model = load(path)
        bias = model.named_weights()["head/bias"]
        bias.assign(bias + 1)
        return model

    monkeypatch.setattr(saving, "load_classifier", changed)
    monkeypatch.setattr(demo, "PRECISIONS", ())
    report = demo.run_demo(tmp_path / "d")
    assert report.rows[0].largest_difference == pytest.approx(0.5, abs=1e-4)  # one of two heads


def test_what_cannot_be_done_is_refused_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    monkeypatch.chdir(tmp_path)
    assert_refused(OutputError, lambda: demo.run_demo(""), "name is empty")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert_refused(MissingToolError, lambda: demo.run_demo(tmp_path / "d"), "KERAS_BACKEND=tensorflow")
    assert list(tmp_path.iterdir()) == []


def test_the_files_name_their_author_and_licence(folder: Path, report: dict[str, Any]) -> None:
    assert report
    for name in map(tflite_file, PRECISIONS):
        card = read_metadata(folder / name)
        assert card.licence.startswith("Apache-2.0") and "MIT" in card.licence
        assert card.author == data.DEMO_FACTS["author"] and len(card.source.sha256) == 64


def test_the_pictures_are_the_packages(folder: Path, report: dict[str, Any]) -> None:
    originals = {path.name: label for path, label in data.demo_pictures()}
    assert {Path(p["file"]).name: p["label"] for p in report["pictures"]} == originals
    for path, _ in data.demo_pictures():
        copy = folder / "pictures" / path.name
        assert np.array_equal(np.asarray(Image.open(copy)), np.asarray(Image.open(path)))


def test_the_answers_are_tensorflows_own(folder: Path, report: dict[str, Any]) -> None:
    """TensorFlow's interpreter and a resize of Pillow's, without this project's code, agree on the answers."""
    import tensorflow as tf

    labels = data.demo_labels().read_text("utf-8").splitlines()
    interpreter = tf.lite.Interpreter(str(folder / tflite_file("float32")))
    interpreter.allocate_tensors()
    answers = []
    for picture in report["pictures"]:
        image = (
            Image.open(folder / picture["file"]).convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
        )
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.float32(image)[None])
        interpreter.invoke()
        logits = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        answers.append(labels[int(logits.argmax())])
    row = next(row for row in report["files"] if row["file"] == tflite_file("float32"))
    assert row["answers"] == answers
    assert row["correct"] == sum(a == p["label"] for a, p in zip(answers, report["pictures"], strict=True))
    assert row["correct"] >= 17


def test_a_second_demo_keeps_the_first(folder: Path, report: dict[str, Any]) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    ran = call_cli("demo", folder)
    assert ran.returncode == 2
    assert "exists already" in assert_one_line(ran.stderr.splitlines(keepends=True)[-1])
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert report["files"]
