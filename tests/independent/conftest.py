"""Files for readers that are not ours: real exports of the demo model, and tiny models for the corners."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from converters.tflite.metadata import write_metadata
from swiftformer_keras import data
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import Preprocessing, apply
from tests.converters.tflite.models import BIAS, card, tiny

SHIFT = 60.0
"""Taken from every logit of the file "negative", so that no picture has a positive one."""


@dataclasses.dataclass(frozen=True)
class Exports:
    """Files by name, and the pictures to show them: uint8, of the model's input size."""

    files: dict[str, Path]
    pictures: np.ndarray
    picture_files: tuple[Path, ...]
    labels: tuple[str, ...]


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """The demo model exported as its users get it, and once with a head whose logits are all negative."""
    from converters.load import load_checkpoint
    from converters.tflite.export import export
    from converters.tflite.quantize import quantize

    folder = tmp_path_factory.mktemp("exports")
    model = load_checkpoint(
        data.demo_checkpoint(), preprocessing=data.demo_preprocessing(), labels=data.demo_labels()
    ).model
    files = {}
    for name, options in {
        "float32": {"precision": "float32"},
        "float16": {"precision": "float16"},
        "dynamic": {"precision": "dynamic"},
        "probabilities": {"precision": "float16", "output": "probabilities"},
    }.items():
        files[name] = folder / f"{name}.tflite"
        export(model, files[name], **options)  # type: ignore[arg-type]
    for io in ("float32", "uint8", "int8"):
        files[f"quantised {io}"] = folder / f"quantised {io}.tflite"
        quantize(model, files[f"quantised {io}"], calibration="demo", io=io)
    for weight_name, weight in model.named_weights().items():
        if weight_name in ("head/bias", "head_dist/bias"):
            weight.assign(weight - SHIFT)
    files["negative"] = folder / "negative.tflite"
    export(model, files["negative"], precision="float32")
    pictures = tuple(picture for picture, _ in data.demo_pictures())
    pixels = np.stack([apply(open_picture(picture), model.preprocessing) for picture in pictures])
    return Exports(files, pixels, pictures, tuple(model.labels))


@pytest.fixture(scope="session")
def corners(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny models in the kinds that no export of the demo has."""
    folder = tmp_path_factory.mktemp("corners")
    even = Preprocessing(32, 24, "squash", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    contents = {
        "normalized": write_metadata(tiny(), card(input_kind="normalized")),
        "normalized evenly": write_metadata(tiny(), card(input_kind="normalized", preprocessing=even)),
        "no labels": write_metadata(tiny(), card(labels=None)),
        "negative": write_metadata(tiny(bias=BIAS - 50), card()),
        "needs LiteRT": write_metadata(tiny(), card(needs_litert=True)),
    }
    files = {name: folder / f"{name.replace(' ', '_')}.tflite" for name in contents}
    for name, path in files.items():
        path.write_bytes(contents[name])
    return files


@pytest.fixture(scope="session")
def corner_pictures() -> np.ndarray:
    """uint8 `(4, 32, 24, 3)`: three plain colours and noise."""
    plain = [
        np.full((32, 24, 3), colour, np.uint8) for colour in ((15, 25, 220), (10, 200, 40), (230, 20, 30))
    ]
    return np.stack([*plain, np.random.default_rng(0).integers(0, 256, (32, 24, 3)).astype(np.uint8)])
