"""Exports that must be refused, and that nothing is left of them."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from converters.tflite import export as module
from converters.tflite.export import export, export_file
from converters.tflite.settings import PRECISIONS
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
from tests.converters.tflite.classifiers import LABELS, micro
from tests.harness import assert_refused
from tests.swiftformer_keras.cli.running import call_cli


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
        return right(dataclasses.replace(folded, convs=convs), *arguments, **options)

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
