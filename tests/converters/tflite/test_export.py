"""Whole exports: the file, its record and what it says of itself."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from converters.tflite import export as module
from converters.tflite.check import interpreter_of, run_tflite
from converters.tflite.export import export, export_file
from converters.tflite.metadata import read_metadata
from swiftformer_keras import data
from swiftformer_keras.errors import (
    BoundNotMetError,
)
from swiftformer_keras.files import sidecar
from swiftformer_keras.preprocessing import apply, normalize
from tests import reference
from tests.converters.tflite.classifiers import LABELS, ORIGIN, P64, micro
from tests.harness import assert_refused, assert_same_logits
from tests.swiftformer_keras.cli.running import call_cli

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "exact": {"gelu": "exact"},
    "float16": {"precision": "float16"},
    "dynamic": {"precision": "dynamic"},
    "normalized": {"input": "normalized", "gelu": "exact", "input_size": (48, 80)},
    "probabilities": {"output": "probabilities"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def exported(folder: Path) -> dict[str, tuple[Path, module.ExportReport]]:
    """One export for each of `SETTINGS`, made once."""
    model = micro()
    made = {}
    for name, settings in SETTINGS.items():
        path = folder / f"{name}.tflite"
        made[name] = (path, export(model, path, **settings))
    return made


@pytest.mark.parametrize(("name", "bound"), [("default", 1e-3), ("exact", 1e-4), ("float16", 2e-2)])
def test_pixels_in_give_the_reference_weights_logits(exported: Any, name: str, bound: float) -> None:
    """Pictures that the export did not see, through the whole preprocessing."""
    rng = np.random.default_rng(3)
    pictures = [Image.fromarray(rng.integers(0, 256, (90, 120, 3), np.uint8)) for _ in range(3)]
    pixels = np.stack([apply(picture, P64) for picture in pictures])
    logits = micro()(normalize(pixels, P64))
    assert_same_logits(run_tflite(exported[name][0], pixels.astype(np.float32)), logits, bound)


def test_normalized_input_takes_what_normalize_gives(exported: Any) -> None:
    path, report = exported["normalized"]
    x = reference.images(48, 80)
    assert_same_logits(run_tflite(path, x), micro()(x), 1e-4)
    assert (report.input_size, read_metadata(path).preprocessing.width) == ((48, 80), 80)


def test_probabilities_are_the_softmax_of_the_logits(exported: Any) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    logits = run_tflite(exported["default"][0], pixels).astype(np.float64)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_same_logits(run_tflite(exported["probabilities"][0], pixels), softmax, 1e-6)
    assert interpreter_of(exported["probabilities"][0]).get_output_details()[0]["name"] == "probabilities"


def test_the_default_is_made_of_operators_that_every_runtime_has(exported: Any) -> None:
    names = {op["op_name"] for op in interpreter_of(exported["default"][0])._get_ops_details()}
    assert "GELU" not in names
    assert "LOGISTIC" in names
    assert b"1.14.0" in exported["default"][0].read_bytes(), "the converter's own word: min_runtime_version"
    assert exported["default"][1].gelu == "fast"


def test_reports_hold_the_bounds_and_describe_the_file(exported: Any) -> None:
    for name, (path, report) in exported.items():
        content = path.read_bytes()
        assert (report.size_bytes, report.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert report.bound is None or report.largest_difference <= report.bound
        assert (report.bound is None) == (name == "dynamic")
        assert name != "dynamic" or (report.sqnr_db or 0) >= 30
        assert report.pictures == 16 + 4
        assert set(report.scales.values()) <= {2.0**power for power in range(-10, 11)}
        assert len(report.scales) == 12
        assert report.weights_sha256 == exported["default"][1].weights_sha256


def test_the_record_beside_the_file_says_what_made_it(exported: Any) -> None:
    path, report = exported["float16"]
    record = json.loads(sidecar(path).read_text())
    assert record["file"] == path.name
    assert record["sha256"] == report.sha256
    assert record["origin"]["sha256"] == ORIGIN.sha256
    assert record["precision"] == "float16"
    assert {"keras", "tensorflow", "ai-edge-litert"} <= set(record["versions"])
    assert record["samples"]["00.png"] == hashlib.sha256(data.sample_pictures()[0].read_bytes()).hexdigest()


def test_large_logits_are_held_in_proportion_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = micro()
    for name, variable in model.named_weights().items():
        if name.startswith("head"):
            variable.assign(variable * 1e3)
    path = tmp_path / "large.keras"
    model.save(path)
    ran = call_cli("export", path, tmp_path / "large.tflite", "--gelu", "exact")
    assert ran.returncode == 0, ran.stderr
    record = json.loads((tmp_path / "large.tflite.json").read_text())
    assert record["largest_difference"] > record["bound"] >= record["excess"]
    assert record["proportional_above"] == 16 < record["largest_output"]
    line = ran.stdout.splitlines()[-1]
    for figure in ("largest_difference", "largest_output", "excess"):
        assert f"{record[figure]:.1e}" in line
    assert "against 0.0001 (in proportion above logits of 16)" in line
    monkeypatch.setitem(module.BOUNDS, ("float32", "exact"), 1e-9)
    mention = "1e-09, in proportion above logits of 16"
    out = tmp_path / "refused.tflite"
    assert_refused(BoundNotMetError, lambda: export(model, out, gelu="exact"), mention)
    assert not out.exists()


def test_the_record_names_the_models_file(tmp_path: Path) -> None:
    micro().save(tmp_path / "m.keras")
    export_file(tmp_path / "m.keras", tmp_path / "x.tflite", gelu="exact")
    digest = hashlib.sha256((tmp_path / "m.keras").read_bytes()).hexdigest()
    assert json.loads((tmp_path / "x.tflite.json").read_text())["source"] == {
        "file": "m.keras",
        "sha256": digest,
    }


def test_names_that_are_not_utf8_are_names(tmp_path: Path) -> None:
    out = tmp_path / os.fsdecode(b"o\xff.tflite")
    export(micro(), out)
    assert json.loads(sidecar(out).read_text())["file"] == out.name


def test_the_file_carries_its_card(exported: Any) -> None:
    card = read_metadata(exported["dynamic"][0])
    assert (card.name, card.author, card.licence, card.labels) == ("micro", "nobody", "CC0-1.0", LABELS)
    assert (card.precision, card.gelu, card.input_kind, card.output_kind) == (
        "dynamic",
        "exact",
        "pixels",
        "logits",
    )
    assert card.preprocessing == P64
    assert card.source == ORIGIN
    assert card.needs_litert
    assert not read_metadata(exported["exact"][0]).needs_litert
    assert read_metadata(exported["exact"][0]).gelu == "exact"


def test_same_inputs_give_the_same_bytes(exported: Any, tmp_path: Path) -> None:
    again = tmp_path / "again.tflite"
    export(micro(), again)
    assert again.read_bytes() == exported["default"][0].read_bytes()


def test_a_model_without_labels_and_origin_exports(tmp_path: Path) -> None:
    export(micro(labels=None, origin=None), tmp_path / "bare.tflite", gelu="exact")
    card = read_metadata(tmp_path / "bare.tflite")
    assert (card.labels, card.licence, card.name) == (None, "unknown", "swiftformer")


def test_bgr_models_take_rgb_pixels(tmp_path: Path) -> None:
    bgr = P64.replace(channel_order="bgr")
    report = export(micro(preprocessing=bgr), tmp_path / "bgr.tflite", gelu="exact")
    assert report.largest_difference <= 1e-4
    pixels = np.random.default_rng(6).integers(0, 256, (1, 64, 64, 3)).astype(np.float32)
    plain = micro()(normalize(pixels[..., ::-1], P64.replace(mean=P64.mean[::-1], std=P64.std[::-1])))
    assert_same_logits(run_tflite(tmp_path / "bgr.tflite", pixels), plain, 1e-4)


def test_models_with_both_heads_or_mixed_precision_export_their_logits(tmp_path: Path) -> None:
    assert (
        export(micro(return_heads=True), tmp_path / "heads.tflite", gelu="exact").largest_difference <= 1e-4
    )
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = micro()
    finally:
        keras.config.set_dtype_policy(policy)
    assert export(mixed, tmp_path / "mixed.tflite", gelu="exact").largest_difference <= 1e-4


def test_samples_of_the_user_set_the_scales(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(18):
        Image.new("RGB", (70, 70), (index * 14, 0, 0)).save(pictures / f"{index:02d}.png")
    report = export(micro(), tmp_path / "own.tflite", samples=pictures)
    assert len(report.samples) == 16
    assert {"00.png", "17.png"} <= set(report.samples)


def test_progress_is_told_in_order(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    export(micro(), tmp_path / "told.tflite", progress=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == list(range(len(told)))
    assert {total for _, _, total in told} == {len(told)}
