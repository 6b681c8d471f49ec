"""Whole exports: the file, its record, what it says of itself, and everything that must be refused."""

from __future__ import annotations

import errno
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
from converters.tflite.check import delegation, interpreter_of, run_tflite
from converters.tflite.export import export, export_file
from converters.tflite.metadata import read_metadata
from converters.tflite.settings import PRECISIONS
from swiftformer_keras import SwiftFormerImageClassifier, data
from swiftformer_keras.errors import (
    BoundNotMetError,
    ConfigError,
    LabelsError,
    MissingToolError,
    ModelFileError,
    NonFiniteError,
    OutputError,
    PictureError,
    PreprocessingError,
    SwiftFormerError,
)
from swiftformer_keras.files import sidecar
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import PREPROCESSINGS, apply, normalize
from tests import reference
from tests.harness import FIXTURES, assert_refused, assert_same_logits
from tests.swiftformer_keras.cli.running import call_cli

P64 = PREPROCESSINGS["timm"].with_size(64, 64)
LABELS = tuple(f"class {index}" for index in range(10))
ORIGIN = Origin(name="micro", author="nobody", licence="CC0-1.0", sha256="ab" * 32)
SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "exact": {"gelu": "exact"},
    "float16": {"precision": "float16"},
    "dynamic": {"precision": "dynamic"},
    "normalized": {"input": "normalized", "gelu": "exact", "input_size": (48, 80)},
    "probabilities": {"output": "probabilities"},
}


def micro(**options: Any) -> SwiftFormerImageClassifier:
    facts: dict[str, Any] = {"preprocessing": P64, "labels": LABELS, "origin": ORIGIN, **options}
    model: SwiftFormerImageClassifier = reference.classifier("micro", **facts)
    return model


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
    refused(BoundNotMetError, tmp_path, mention, model=model, gelu="exact")


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
        "fast",
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


# --- refused ----------------------------------------------------------------------------------------


def refused(
    error: type[SwiftFormerError], folder: Path, *mentions: str, model: Any = None, **settings: Any
) -> None:
    """The export is refused in one line, and nothing is left in the folder."""
    before = sorted(folder.iterdir())
    out = settings.pop("out", folder / "x.tflite")
    assert_refused(error, lambda: export(model if model is not None else micro(), out, **settings), *mentions)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("size", [(1, 1), (7, 64), (64, 100_000), (0, 0), (-64, 64), (2049, 64)])
def test_sizes_that_make_no_sense_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    refused(ConfigError, tmp_path, f"{size[0]} x {size[1]}", "8 to 2048", input_size=size)


@pytest.mark.parametrize(
    ("option", "value"),
    [("precision", "int4"), ("gelu", "tanh"), ("output", "labels"), ("input", "uint8"), ("precision", "")],
)
def test_unknown_settings_are_refused(tmp_path: Path, option: str, value: str) -> None:
    refused(ConfigError, tmp_path, option, **{option: value})


def test_models_that_cannot_be_exported_are_refused(tmp_path: Path) -> None:
    refused(PreprocessingError, tmp_path, "no preprocessing", model=micro(preprocessing=None))
    refused(ConfigError, tmp_path, "96 x 96", model=micro(input_size=(96, 96)))
    mislabelled = micro()
    mislabelled.labels = LABELS[:9]
    refused(LabelsError, tmp_path, "9 labels", "10 classes", model=mislabelled)
    broken = micro()
    broken.named_weights()["stem_conv1/bias"].assign(np.full(4, np.nan))
    refused(NonFiniteError, tmp_path, "stem_conv1/bias", model=broken)


def test_samples_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    refused(PictureError, tmp_path, "nowhere", samples=tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(PictureError, tmp_path, "empty", samples=empty)
    (empty / "a.png").write_bytes(b"no picture")
    refused(PictureError, tmp_path, "a.png", samples=empty)


def test_outputs_that_cannot_be_written_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swiftformer_keras.folding.fold_model", lambda model: pytest.fail("work was begun"))
    refused(ConfigError, tmp_path, ".tflite", out=tmp_path / "model.bin")
    refused(OutputError, tmp_path, "folder", out=tmp_path / "nowhere" / "x.tflite")
    (tmp_path / "x.tflite").write_bytes(b"mine")
    refused(OutputError, tmp_path, "exists already", "--force")
    (tmp_path / "x.tflite").rename(tmp_path / "x.tflite.json")
    refused(OutputError, tmp_path, "x.tflite.json", "exists already")
    (tmp_path / "d.tflite").mkdir()
    refused(OutputError, tmp_path, "directory", out=tmp_path / "d.tflite", force=True)


def test_mistakes_are_found_before_the_model_is_read(tmp_path: Path) -> None:
    path = tmp_path / "not even there.keras"
    for error, mention, settings in (
        (PictureError, "typo", {"samples": tmp_path / "typo"}),
        (ConfigError, ".tflite", {"out": tmp_path / "x.bin"}),
        (ConfigError, "8 to 2048", {"input_size": (4, 4)}),
        (ConfigError, "gelu", {"gelu": "tanh"}),
    ):
        options: dict[str, Any] = {"out": tmp_path / "x.tflite", **settings}
        assert_refused(error, lambda options=options: export_file(path, **options), mention)  # type: ignore[misc]
    ran = call_cli("export", path, tmp_path / "x.tflite", "--samples", tmp_path / "typo", "-q")
    assert ran.returncode == 2 and "typo" in ran.stderr


def test_another_backend_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr("swiftformer_keras.folding.fold_model", lambda model: pytest.fail("work was begun"))
    refused(MissingToolError, tmp_path, "KERAS_BACKEND=tensorflow")


def test_a_backbone_is_refused(tmp_path: Path) -> None:
    backbone = micro().backbone
    refused(ConfigError, tmp_path, "SwiftFormerBackbone", "classification head", model=backbone)
    backbone.save(tmp_path / "b.keras")
    assert_refused(
        ModelFileError,
        lambda: export_file(tmp_path / "b.keras", tmp_path / "x.tflite"),
        "b.keras",
        "classification head",
    )


def test_a_disk_that_is_full_at_the_record_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *content: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    model = micro()
    monkeypatch.setattr(Path, "write_text", full)
    refused(OutputError, tmp_path, "disk is full", model=model)


def test_the_command_line_offers_the_precisions_there_are() -> None:
    from swiftformer_keras.cli.options import Precision

    assert tuple(Precision) == PRECISIONS


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    model = micro()
    monkeypatch.setattr(Path, "write_bytes", full)
    refused(OutputError, tmp_path, "disk is full", model=model)


@pytest.mark.parametrize(
    ("settings", "mentions"),
    [
        ({"gelu": "exact"}, "bound of 0.0001"),
        ({"precision": "float16"}, "bound of 0.02"),
        ({"precision": "dynamic"}, "30 dB"),
    ],
)
def test_a_file_that_differs_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], mentions: str
) -> None:
    """One channel's sign turned in the graph: what a mistake in folding would look like."""
    from converters.tflite import graph

    right = graph.to_tflite

    def wrong(folded: Any, *arguments: Any, **options: Any) -> bytes:
        kernel, bias = folded.convs["stem_conv2"]
        convs = {**folded.convs, "stem_conv2": type(folded.convs["stem_conv2"])(-kernel, bias)}
        return right(type(folded)(folded.config, convs, folded.gelu, folded.border), *arguments, **options)

    monkeypatch.setattr(graph, "to_tflite", wrong)
    (tmp_path / "x.tflite").write_bytes(b"the one before")
    refused(BoundNotMetError, tmp_path, mentions, "not kept", force=True, **settings)
    assert (tmp_path / "x.tflite").read_bytes() == b"the one before"
    assert BoundNotMetError.exit_code == 3


def test_an_interrupted_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_tflite", interrupt)
    with pytest.raises(KeyboardInterrupt):
        export(micro(), tmp_path / "x.tflite")
    assert list(tmp_path.iterdir()) == []


# --- the trained checkpoint -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained() -> SwiftFormerImageClassifier:
    from converters.load import load_checkpoint

    model = load_checkpoint(
        data.demo_checkpoint(), preprocessing=data.demo_preprocessing(), labels=data.demo_labels()
    ).model
    assert isinstance(model, SwiftFormerImageClassifier)
    return model


def fashion_pixels(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first test pictures through the trained model's preprocessing, and their classes."""
    from swiftformer_keras.preprocessing import read_preprocessing_file

    contract = read_preprocessing_file(data.demo_preprocessing())
    with np.load(FIXTURES / "fashion_mnist_1000.npz") as file:
        pictures, classes = (file[name][:count] for name in ("pictures", "labels"))
    return np.stack([apply(Image.fromarray(p).convert("RGB"), contract) for p in pictures]), classes


def test_xs_is_one_partition_and_names_what_is_in_pictures(
    trained: SwiftFormerImageClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "xs.tflite"
    for gelu in ("exact", "fast"):
        export(trained, path, gelu=gelu, force=True)  # type: ignore[arg-type]
        assert (delegation(path).partitions, delegation(path).left) == (1, ())
    pixels, classes = fashion_pixels(100)
    logits = run_tflite(path, pixels.astype(np.float32))
    assert (logits.argmax(axis=1) == classes).mean() >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "bound", "agreement"),
    [
        ({"gelu": "exact"}, 1e-4, 1.0),
        ({"gelu": "fast"}, 1e-3, 0.999),
        ({"precision": "float16"}, 2e-2, 0.999),
        ({"precision": "dynamic"}, None, 0.99),
    ],
)
def test_a_thousand_pictures_agree_with_keras(
    trained: SwiftFormerImageClassifier,
    tmp_path: Path,
    settings: dict[str, Any],
    bound: float | None,
    agreement: float,
) -> None:
    path = tmp_path / "xs.tflite"
    export(trained, path, **settings)
    pixels, _ = fashion_pixels(1000)
    assert trained.preprocessing is not None
    reference_logits = trained.predict(normalize(pixels, trained.preprocessing), verbose=0)
    found = module.compare(run_tflite(path, pixels.astype(np.float32)), reference_logits)
    assert bound is None or found.largest <= bound
    assert found.agreement >= agreement
    assert bound is not None or (found.sqnr_db or 0) >= 30


@pytest.mark.slow
@pytest.mark.parametrize("size", [(192, 192), (224, 224), (384, 384), (192, 256)])
def test_xs_exports_at_other_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    model = reference.classifier("swiftformer_xs", preprocessing=PREPROCESSINGS["timm"])
    for settings in ({}, {"gelu": "exact"}, {"precision": "float16"}, {"precision": "dynamic"}):
        export(model, tmp_path / "x.tflite", input_size=size, force=True, **settings)  # type: ignore[arg-type]
        assert delegation(tmp_path / "x.tflite").partitions == 1


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["swiftformer_s", "swiftformer_l1", "swiftformer_l3"])
@pytest.mark.parametrize("token_weights", ["l2norm", "ones"])
def test_larger_variants_export(tmp_path: Path, variant: str, token_weights: str) -> None:
    model = reference.classifier(variant, token_weights, preprocessing=PREPROCESSINGS["timm"])
    for settings in ({"gelu": "exact"}, {"precision": "float16"}, {"precision": "dynamic"}):
        report = export(model, tmp_path / "x.tflite", force=True, **settings)  # type: ignore[arg-type]
        assert delegation(tmp_path / "x.tflite").partitions == 1
        if report.bound is None:  # of random weights' thousand near-equal logits, int8 may swap the first two
            assert report.sqnr_db is not None
            assert report.sqnr_db >= 30
        else:
            assert report.agreement == 1.0
