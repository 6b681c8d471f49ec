"""Our files read and run by MediaPipe, tflite-support and Android's MetadataExtractor, none of which we wrote.

One file, so that a parallel run exports the demo model once.
"""

from __future__ import annotations

import base64
import dataclasses
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.tflite import metadata_schema
from converters.tflite.associated_files import append_files
from converters.tflite.card import CARD_FILE
from converters.tflite.classify import classify
from converters.tflite.entry import set_entry
from converters.tflite.metadata import LABELS_FILE, read_metadata, read_standard_metadata
from tests.android_app.maven import MissingError, maven
from tests.android_app.pinned import CLASS_PATH
from tests.converters.tflite.models import BIAS, LABELS, card, logits
from tests.harness import ROOT, absent
from tests.independent.conftest import Exports

Classes = list[tuple[str | None, int, float]]  # name, index, score: best first

HERE = Path(__file__).parent


def assert_same_classes(theirs: list[Classes], file: Path, exports: Exports) -> None:
    """Every class of every picture: our name, our order, our score."""
    found = classify(file, exports.picture_files, top=10)
    assert len(theirs) == len(found.results) == len(exports.pictures)
    for reader, ours in zip(theirs, found.results, strict=True):
        assert {name for name, _, _ in reader} == set(exports.labels), "classes were dropped"
        assert reader[0][0] == ours.predictions[0].label
        scores = {prediction.label: prediction.score for prediction in ours.predictions}
        for name, index, score in reader:
            assert exports.labels[index] == name
            assert score == pytest.approx(scores[name or ""], abs=TOLERANCE.get(file.stem, 1e-3))


# The readers' runtimes round differently: float16 weights are widened by some and computed as such by others, and
# dynamic-range files quantise every activation anew; int8 files differ by steps of their logits.
TOLERANCE = {
    "float16": 2e-2,
    "probabilities": 2e-3,
    "dynamic": 0.5,
    "quantised float32": 0.5,
    "quantised uint8": 0.5,
}


# --- MediaPipe --------------------------------------------------------------------------------------


def mediapipe_classes(path: Path, pictures: np.ndarray) -> list[Classes]:
    if importlib.util.find_spec("mediapipe") is None:
        absent("mediapipe is not installed")
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=str(path)))
    results = []
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for picture in pictures:
            image = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture)
            )
            found = classifier.classify(image).classifications[0].categories
            results.append([(category.category_name, category.index, category.score) for category in found])
    return results


@pytest.mark.parametrize(
    "name",
    ["float32", "float16", "dynamic", "probabilities", "negative", "quantised float32", "quantised uint8"],
)
@pytest.mark.slow
def test_mediapipe_classifies_as_we_do(exports: Exports, name: str) -> None:
    theirs = mediapipe_classes(exports.files[name], exports.pictures)
    assert_same_classes(theirs, exports.files[name], exports)
    if name == "negative":
        assert all(score < 0 for picture in theirs for _, _, score in picture)


def test_mediapipe_refuses_int8_input_which_is_why_float32_is_the_default(exports: Exports) -> None:
    with pytest.raises((RuntimeError, ValueError, NotImplementedError), match="uint8/float32, got INT8"):
        mediapipe_classes(exports.files["quantised int8"], exports.pictures[:1])


def test_mediapipe_names_classes_by_number_without_labels(
    corners: dict[str, Path], corner_pictures: np.ndarray
) -> None:
    theirs = mediapipe_classes(corners["no labels"], corner_pictures)
    assert [[index for _, index, _ in picture] for picture in theirs] == [
        np.argsort(-logits(picture)[0]).tolist() for picture in corner_pictures
    ]
    assert {name for picture in theirs for name, _, _ in picture} <= {None, ""}


def test_mediapipe_refuses_normalisation_by_channel_which_is_why_pixels_are_the_default(
    corners: dict[str, Path], corner_pictures: np.ndarray
) -> None:
    with pytest.raises(NotImplementedError, match="Per-channel image normalization"):
        mediapipe_classes(corners["normalized"], corner_pictures)


def test_mediapipe_normalises_when_all_channels_have_the_same_values(
    corners: dict[str, Path], corner_pictures: np.ndarray
) -> None:
    for theirs, picture in zip(
        mediapipe_classes(corners["normalized evenly"], corner_pictures), corner_pictures, strict=True
    ):
        wanted = logits((picture / 255 - 0.5) / 0.25)[0]
        for _, index, score in theirs:
            assert score == pytest.approx(wanted[index], abs=1e-3)


# --- tflite-support ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def support_python() -> Path:
    """The Python of tflite-support's own environment, which `make test` makes."""
    name = "bin/python" if sys.platform != "win32" else "Scripts/python.exe"
    path = Path(os.environ.get("SWIFTFORMER_TFLITE_SUPPORT_PYTHON") or ROOT / ".venv-tflite-support" / name)
    if not path.is_file():
        absent(f"tflite-support's environment is not there ({path.name} not found; make test makes it)")
    return path


def support_reads(python: Path, folder: Path, pictures: np.ndarray, *files: Path) -> list[dict[str, Any]]:
    run = support_run(python, folder, pictures, *files)
    assert run.returncode == 0, run.stderr[-2000:]
    return list(json.loads(run.stdout))


def support_run(
    python: Path, folder: Path, pictures: np.ndarray, *files: Path
) -> subprocess.CompletedProcess[str]:
    stored = folder / "pictures.npz"
    np.savez(stored, **{f"{index:04}": picture for index, picture in enumerate(pictures)})
    script = HERE / "read_with_tflite_support.py"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(
        [python, script, stored, *files],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
    )


def test_tflite_support_refuses_int8_input(exports: Exports, support_python: Path, tmp_path: Path) -> None:
    run = support_run(support_python, tmp_path, exports.pictures[:1], exports.files["quantised int8"])
    assert run.returncode != 0
    assert "got INT8" in run.stderr, run.stderr[-2000:]


def test_tflite_support_reads_and_runs_our_files(
    exports: Exports, support_python: Path, tmp_path: Path
) -> None:
    """Dynamic-range files are left out: that old runtime gives garbage on them, and they are labelled so."""
    names = ("float32", "float16", "probabilities", "negative", "quantised float32", "quantised uint8")
    files = [exports.files[name] for name in names]
    for path, read in zip(
        files, support_reads(support_python, tmp_path, exports.pictures, *files), strict=True
    ):
        assert_same_classes(
            [[(n, i, s) for n, i, s in picture] for picture in read["classes"]], path, exports
        )
        assert read["files"][LABELS_FILE].splitlines() == list(exports.labels)
        facts, ours = read["metadata"], read_metadata(path)
        assert (facts["name"], facts["author"], facts["license"]) == (ours.name, ours.author, ours.licence)
        # Its writer accepts the metadata and needs no later parser than we say.
        assert read["rewritten"] == facts
        if path.stem == "negative":
            assert all(score < 0 for picture in read["classes"] for _, _, score in picture)


def test_tflite_support_reads_the_other_kinds(
    corners: dict[str, Path], corner_pictures: np.ndarray, support_python: Path, tmp_path: Path
) -> None:
    names = ("normalized", "normalized evenly", "no labels", "negative", "needs LiteRT")
    reads = support_reads(support_python, tmp_path, corner_pictures, *(corners[name] for name in names))
    results = dict(zip(names, reads, strict=True))
    p = card().preprocessing
    wanted = {
        "normalized": lambda pixels: logits((pixels / 255 - p.mean) / p.std),
        "normalized evenly": lambda pixels: logits((pixels / 255 - 0.5) / 0.25),
        "no labels": logits,
        "negative": lambda pixels: logits(pixels, BIAS - 50),
        "needs LiteRT": logits,
    }
    for name, read in results.items():
        for classes, picture in zip(read["classes"], corner_pictures, strict=True):
            scores = wanted[name](picture)[0]
            assert [index for _, index, _ in classes] == np.argsort(-scores).tolist()
            for label, index, score in classes:
                assert score == pytest.approx(scores[index], abs=1e-3)
                assert label == ("" if name == "no labels" else LABELS[index])
        assert read["rewritten"] == read["metadata"]
    assert "Needs LiteRT" in results["needs LiteRT"]["metadata"]["description"]


def test_without_our_threshold_tflite_support_drops_negative_scores(
    corners: dict[str, Path], corner_pictures: np.ndarray, support_python: Path, tmp_path: Path
) -> None:
    """What the score threshold in our metadata is for; if this fails, it is no longer needed."""
    standard = read_standard_metadata(corners["negative"])
    assert standard is not None
    output = dataclasses.replace(standard.outputs[0], score_threshold=None)
    without = metadata_schema.build(dataclasses.replace(standard, outputs=(output,)))
    model = set_entry(corners["negative"].read_bytes(), metadata_schema.ENTRY, without)
    path = tmp_path / "without.tflite"
    path.write_bytes(append_files(model, {LABELS_FILE: "\n".join(LABELS).encode(), CARD_FILE: b"{}"}))
    read = support_reads(support_python, tmp_path, corner_pictures, path)[0]
    assert read["classes"] == [[]] * len(corner_pictures)


# --- Android's MetadataExtractor --------------------------------------------------------------------


@pytest.fixture(scope="session")
def android_classpath(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Android's metadata library and what it needs, fetched by Maven by their coordinates."""
    for tool in ("java", "javac", "mvn"):
        if shutil.which(tool) is None:
            absent(f"{tool} is not installed (a JDK of version 11 or later and Maven are needed)")
    written = tmp_path_factory.mktemp("android") / "classpath"
    try:
        maven(HERE / "android_metadata", CLASS_PATH, f"-Dmdep.outputFile={written}")
    except MissingError as error:
        absent(str(error))
    return written.read_text().strip()


def android_reads(classpath: str, path: Path) -> dict[str, str]:
    run = subprocess.run(
        ["java", "-cp", classpath, HERE / "android_metadata" / "ReadMetadata.java", path],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    pairs = (line.split("\t", 1) for line in run.stdout.decode().splitlines())
    return {key: base64.b64decode(value).decode() for key, value in pairs}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["float32", "float16", "dynamic", "probabilities"])
def test_androids_extractor_reads_our_files(exports: Exports, android_classpath: str, name: str) -> None:
    path = exports.files[name]
    read, ours = android_reads(android_classpath, path), read_metadata(path)
    assert read["has metadata"] == read["parser is new enough"] == "true"
    assert (read["name"], read["author"], read["license"]) == (ours.name, ours.author, ours.licence)
    assert read["input shape"] == "[1, 64, 64, 3]"
    assert (read["width"], read["height"], read["color space"]) == ("64", "64", "1")
    assert (read["mean 0"], read["std 0"]) == ("0.0", "1.0")
    assert "mean 1" not in read
    assert read["score threshold"] == ("0.0" if name == "probabilities" else "-3.4028235E38")
    assert read["output file"] == "labels.txt 2"
    assert read["file labels.txt"].splitlines() == list(exports.labels)
    assert json.loads(read[f"file {CARD_FILE}"])["source"]["sha256"] == ours.source.sha256


@pytest.mark.slow
def test_androids_extractor_reads_normalisation_by_channel(
    corners: dict[str, Path], android_classpath: str
) -> None:
    read = android_reads(android_classpath, corners["normalized"])
    means, stds = ([float(read[f"{key} {channel}"]) for channel in range(3)] for key in ("mean", "std"))
    np.testing.assert_allclose(means, np.multiply(card().preprocessing.mean, 255), rtol=1e-6)
    np.testing.assert_allclose(stds, np.multiply(card().preprocessing.std, 255), rtol=1e-6)
    assert read["file labels.txt"].splitlines() == list(LABELS)
    assert read["author"] == "Zoë"
