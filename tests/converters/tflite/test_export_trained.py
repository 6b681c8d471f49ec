"""Exports of the trained checkpoint and of the published variants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters.tflite import export as module
from converters.tflite.check import delegation, run_tflite
from converters.tflite.export import export
from swiftformer_keras import SwiftFormerImageClassifier, data
from swiftformer_keras.preprocessing import PREPROCESSINGS, apply, normalize
from tests import reference
from tests.harness import FIXTURES


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
@pytest.mark.parametrize(
    ("variant", "token_weights"),
    [("swiftformer_s", "ones"), ("swiftformer_l1", "l2norm"), ("swiftformer_l3", "ones")],
)
def test_larger_variants_export(tmp_path: Path, variant: str, token_weights: str) -> None:
    """Each with one attention: `test_graph.py` converts every pair of them."""
    model = reference.classifier(variant, token_weights, preprocessing=PREPROCESSINGS["timm"])
    for settings in ({"gelu": "exact"}, {"precision": "float16"}, {"precision": "dynamic"}):
        report = export(model, tmp_path / "x.tflite", force=True, **settings)  # type: ignore[arg-type]
        assert delegation(tmp_path / "x.tflite").partitions == 1
        if report.bound is None:  # of random weights' thousand near-equal logits, int8 may swap the first two
            assert report.sqnr_db is not None
            assert report.sqnr_db >= 30
        else:
            assert report.agreement == 1.0
