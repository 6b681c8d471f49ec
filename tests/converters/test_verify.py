"""Comparing models: figures against those worked out by numpy, and everything that cannot be compared."""

from __future__ import annotations

import dataclasses
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters.load import convert
from converters.tflite.export import export
from converters.tflite.metadata import write_metadata
from converters.verify import Bounds, choose_pictures, verify
from swiftformer_keras import data
from swiftformer_keras.errors import (
    ComparisonError,
    ConfigError,
    LabelsError,
    MetadataError,
    ModelFileError,
    PictureError,
    TFLiteFileError,
)
from swiftformer_keras.preprocessing import PREPROCESSINGS
from tests.converters.tflite.models import BIAS, LABELS, card, logits, tiny
from tests.harness import FIXTURES, SHARED, assert_refused, needs_shared

COLOURS = [(230, 20, 30), (10, 200, 40), (15, 25, 220), (90, 90, 90), (250, 250, 240)]
CHANGED = BIAS + np.float32([0.5, 0, -0.25, 0])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, colour in enumerate(COLOURS):
        Image.new("RGB", (40, 50), colour).save(folder / f"{number}.png")
    return folder


def scores(bias: np.ndarray = BIAS) -> np.ndarray:
    """One colour: no resizing changes its mean."""
    return np.concatenate([logits(np.full((2, 2, 3), colour), bias) for colour in COLOURS])


def put(folder: Path, name: str, *, bias: np.ndarray = BIAS, softmax: bool = False, **facts: Any) -> Path:
    """A tiny classifier with its card."""
    path = folder / f"{name}.tflite"
    if softmax:
        facts["output_kind"] = "probabilities"
    if len(bias) == 4:
        path.write_bytes(write_metadata(tiny(bias=bias, softmax=softmax), card(**facts)))
    else:
        path.write_bytes(tiny(bias=bias))
    return path


def test_figures_are_those_done_by_hand(tmp_path: Path, images: Path) -> None:
    a, b = put(tmp_path, "a"), put(tmp_path, "b", bias=CHANGED)
    found = verify(a, b, images=images, min_pictures=5)
    expected, other = scores().astype(float), scores(CHANGED).astype(float)
    assert found.pictures == 5
    assert found.difference.largest == pytest.approx(0.5, abs=1e-5)
    power = 10 * math.log10((expected**2).sum() / ((other - expected) ** 2).sum())
    assert found.difference.sqnr_db == pytest.approx(power, abs=1e-3)
    assert found.difference.agreement == np.mean(expected.argmax(1) == other.argmax(1))
    assert (found.scores, found.top1_a, found.notes, found.missed) == ("logits", None, (), ())
    told = found.to_dict()
    assert told["a"]["sha256"] != told["b"]["sha256"]
    assert list(told["pictures_sha256"]) == [f"{n}.png" for n in range(5)]


def test_a_model_equals_itself(tmp_path: Path, images: Path) -> None:
    a = put(tmp_path, "a")
    found = verify(a, a, images=images, min_pictures=5, bounds=Bounds(200, 1, 0))
    assert (found.difference.sqnr_db, found.difference.agreement, found.missed) == (None, 1.0, ())


def test_each_bound_is_held_on_its_own(tmp_path: Path, images: Path) -> None:
    a, b = put(tmp_path, "a"), put(tmp_path, "b", bias=CHANGED)
    found = verify(a, b, images=images, min_pictures=5, bounds=Bounds(60, 1.0, 0.4))
    told = " / ".join(found.missed)
    assert "less than 60" in told
    assert "more than 0.4" in told
    assert ("agreement" in told) == (found.difference.agreement < 1)
    assert verify(a, b, images=images, min_pictures=5, bounds=Bounds(1, 0, 0.6)).missed == ()


@pytest.mark.parametrize(
    "wrong",
    [{"min_agreement": 1.5}, {"min_agreement": math.nan}, {"max_difference": -1.0}, {"min_sqnr_db": 1e9}],
)
def test_bounds_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    assert_refused(ConfigError, lambda: Bounds(**wrong), next(iter(wrong)))


def test_class_folders_give_top1_of_both(tmp_path: Path, images: Path) -> None:
    sorted_out = tmp_path / "sorted"
    truths = ("red", "grün", "青", "red", LABELS[3])
    for number, truth in enumerate(truths):
        (sorted_out / truth).mkdir(parents=True, exist_ok=True)
        shutil.copy(images / f"{number}.png", sorted_out / truth / f"{number}.png")
    a, b = put(tmp_path, "a"), put(tmp_path, "b", bias=CHANGED)
    found = verify(a, b, images=sorted_out, min_pictures=5)
    numbers = np.array([LABELS.index(truth) for truth in truths])
    assert found.top1_a is not None and found.top1_b is not None
    assert found.top1_a.correct == (scores().argmax(1) == numbers).sum()
    assert found.top1_b.correct == (scores(CHANGED).argmax(1) == numbers).sum()
    assert found.to_dict()["top1"]["a"]["total"] == 5

    listed = tmp_path / "truths.csv"
    listed.write_text("".join(f'{n}.png,"{truth}"\n' for n, truth in enumerate(truths)), "utf-8")
    again = verify(a, b, images=images, truths=listed, min_pictures=5)
    assert (again.top1_a, again.top1_b) == (found.top1_a, found.top1_b)
    (sorted_out / "red").rename(sorted_out / "rot")
    assert_refused(LabelsError, lambda: verify(a, b, images=sorted_out, min_pictures=5), "'rot'")


def test_unreadable_pictures_are_skipped_and_too_few_are_an_error(tmp_path: Path, images: Path) -> None:
    (images / "2.png").write_bytes(b"no picture")
    (images / "3.png").write_bytes((images / "3.png").read_bytes()[:60])
    a = put(tmp_path, "a")
    found = verify(a, a, images=images, min_pictures=3)
    assert (found.pictures, len(found.skipped)) == (3, 2)
    assert str(images / "2.png") in found.skipped[0]
    assert_refused(
        PictureError,
        lambda: verify(a, a, images=images, min_pictures=4),
        *("3 picture(s) can be read, and 4 are needed", "2.png", "--min-pictures"),
    )
    assert_refused(PictureError, lambda: verify(a, a, images=images), "8 are needed")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert_refused(PictureError, lambda: verify(a, a, images=empty), "holds no pictures")


def test_the_choice_of_pictures_is_the_seeds(images: Path) -> None:
    first = choose_pictures(images, None, 3, 1)
    assert first == choose_pictures(images, None, 3, 1)
    assert len(set(first)) == 3
    assert len({choose_pictures(images, None, 3, seed) for seed in range(20)}) > 5
    assert len(choose_pictures(images, None, 99, 0)) == 5
    assert len(choose_pictures(None, None, None, 0)) == len(data.sample_pictures())


def test_without_images_the_packages_are_taken_and_that_is_said(tmp_path: Path) -> None:
    a = put(tmp_path, "a")
    found = verify(a, a)
    assert found.pictures == 16
    assert "no --images" in found.notes[0]


# --- what cannot be compared ---------------------------------------------------------------------------


def test_other_numbers_of_classes(tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.converters.tflite.models.WEIGHTS", np.ones((3, 3), np.float32))
    three = put(tmp_path, "three", bias=np.zeros(3, np.float32))
    monkeypatch.undo()
    a = put(tmp_path, "a")
    assert_refused(
        ComparisonError, lambda: verify(a, three, images=images, min_pictures=1), "4 classes", "has 3"
    )


def test_the_same_labels_in_another_order(tmp_path: Path, images: Path) -> None:
    a, b = put(tmp_path, "a"), put(tmp_path, "b", labels=(LABELS[1], LABELS[0], *LABELS[2:]))
    assert_refused(
        ComparisonError,
        lambda: verify(a, b, images=images, min_pictures=1),
        *("class 0 is 'red'", "'grün'", "another order"),
    )
    renamed = put(tmp_path, "c", labels=("rot", *LABELS[1:]))
    found = verify(a, renamed, images=images, min_pictures=1)
    assert "'rot'" in found.notes[0] and "numbers" in found.notes[0]
    assert verify(a, put(tmp_path, "d", labels=None), images=images, min_pictures=1).notes == ()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_no_numbers(tmp_path: Path, images: Path, value: float) -> None:
    a, b = put(tmp_path, "a"), put(tmp_path, "b", bias=np.float32([0, value, 0, 0]))
    assert_refused(
        ComparisonError, lambda: verify(a, b, images=images, min_pictures=1), str(b), "no numbers", "0.png"
    )


def test_logits_are_compared_with_probabilities_as_probabilities(tmp_path: Path, images: Path) -> None:
    found = verify(put(tmp_path, "a"), put(tmp_path, "b", softmax=True), images=images, min_pictures=1)
    assert found.scores == "probabilities"
    assert found.difference.largest < 1e-6
    assert found.difference.largest_output <= 1
    assert "probabilities" in found.notes[0]


# --- how each is fed -----------------------------------------------------------------------------------


def test_differing_contracts_are_said_and_each_is_fed_by_its_own(tmp_path: Path, images: Path) -> None:
    p = card().preprocessing
    Image.fromarray(np.arange(60 * 60 * 3, dtype=np.uint32).reshape(60, 60, 3).astype(np.uint8)).save(
        images / "5.png"
    )
    a, b = put(tmp_path, "a"), put(tmp_path, "b", preprocessing=p.replace(crop_fraction=0.5))
    found = verify(a, b, images=images, min_pictures=1)
    assert "crop_fraction 0.95 and 0.5" in found.notes[0]
    assert found.difference.largest > 0.001
    alike = verify(a, b, images=images, min_pictures=1, preprocessing=p)
    assert alike.notes == ()
    assert alike.difference.largest == 0


def test_a_file_that_says_nothing_is_fed_as_the_other(tmp_path: Path, images: Path) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(tiny())
    a = put(tmp_path, "a", input_kind="normalized")
    for pair in ((a, bare), (bare, a)):
        found = verify(*pair, images=images, min_pictures=1)
        assert f"{bare} is fed as {a}" in found.notes[0]
        assert found.difference.largest == 0
    assert_refused(
        MetadataError, lambda: verify(bare, bare, images=images, min_pictures=1), "--preprocessing"
    )


def test_damaged_files_and_backbones_are_refused(tmp_path: Path, images: Path) -> None:
    a, cut = put(tmp_path, "a"), tmp_path / "cut.tflite"
    cut.write_bytes(a.read_bytes()[:300])
    assert_refused(TFLiteFileError, lambda: verify(a, cut, images=images, min_pictures=1), str(cut))
    backbone = next((FIXTURES / "ckpt").glob("hf_backbone*"), None)
    if backbone is not None:
        assert_refused(ModelFileError, lambda: verify(backbone, a, images=images, min_pictures=1), "head")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The embedded checkpoint, its .keras file, and exported files of several kinds."""
    folder = tmp_path_factory.mktemp("demo")
    model: Any = convert(
        data.demo_checkpoint(),
        folder / "model.keras",
        labels=data.demo_labels(),
        preprocessing=data.demo_preprocessing(),
    ).model
    export(model, folder / "float16.tflite", precision="float16")
    export(model, folder / "normalized.tflite", input="normalized", output="probabilities")
    export(model, folder / "dynamic.tflite", precision="dynamic", input_size=(96, 96))
    return {
        "checkpoint": data.demo_checkpoint(),
        **{p.stem: p for p in folder.iterdir() if p.suffix != ".json"},
    }


PAIRS = [  # a, b, smallest signal to noise: the bounds that each export was held to, and 5 dB of other pictures
    ("checkpoint", "model", 100.0),
    ("model", "float16", 60.0),
    ("float16", "checkpoint", 60.0),
    ("model", "normalized", 60.0),
    ("dynamic", "model", 25.0),
]


@pytest.mark.parametrize(("a", "b", "bound"), PAIRS)
def test_every_kind_with_every_other(demo: dict[str, Path], a: str, b: str, bound: float) -> None:
    images = data.demo_pictures()[0][0].parent
    found = verify(demo[a], demo[b], images=images, samples=8, bounds=Bounds(bound))
    assert found.missed == ()
    assert found.pictures == 8
    if "dynamic" in (a, b):
        assert found.a.runnable.preprocessing == found.b.runnable.preprocessing, (
            "of any size: takes the other's"
        )
    assert found.a.kind == ("keras" if a == "model" else "checkpoint" if a == "checkpoint" else "tflite")


def test_another_model_is_told_apart(demo: dict[str, Path], tmp_path: Path) -> None:
    from swiftformer_keras import SwiftFormerImageClassifier, load_model

    model = load_model(demo["model"])
    assert isinstance(model, SwiftFormerImageClassifier)
    weight = model.named_weights()["stage3_block3/mlp/fc1/kernel"]
    weight.assign(weight * 1.2)
    model.save(tmp_path / "other.keras")
    images = data.demo_pictures()[0][0].parent
    found = verify(demo["model"], tmp_path / "other.keras", images=images, samples=8, bounds=Bounds(40))
    assert len(found.missed) == 1


@needs_shared
def test_peers_files_in_int8(tmp_path: Path) -> None:
    """Foreign files without a card, channels first; their int8 file's signal to noise is 23.6 dB on such weights."""
    assert SHARED is not None
    a, b = (SHARED / "peers" / f"swiftformer_xs_224_{kind}.tflite" for kind in ("fp32", "dyn8"))
    found = verify(a, b, preprocessing=PREPROCESSINGS["timm"], samples=2, min_pictures=2)
    assert found.difference.sqnr_db is not None
    assert 15 < found.difference.sqnr_db < 50


def test_facts_of_a_verification_are_plain(tmp_path: Path, images: Path) -> None:
    import json

    a = put(tmp_path, "a")
    found = verify(a, a, images=images, min_pictures=1)
    infinite = dataclasses.replace(found, difference=dataclasses.replace(found.difference, sqnr_db=-math.inf))
    from converters.verify import write_report

    write_report(tmp_path / "r.json", infinite.to_dict())
    assert json.loads((tmp_path / "r.json").read_text())["difference"]["sqnr_db"] == "-inf"
