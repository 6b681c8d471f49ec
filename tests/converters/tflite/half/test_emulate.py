"""Whole graphs in half precision: what is exported passes, and what overflows is named."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.load import load_checkpoint
from converters.tflite.export import export
from converters.tflite.graph import to_tflite
from converters.tflite.half.emulate import emulate
from converters.tflite.half.graph import read_graph
from swiftformer_keras import data, folding
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import PREPROCESSINGS, Preprocessing, apply
from tests import reference

MIN_SQNR_DB = 50.0
"""With both widths of accumulators."""


@functools.cache
def trained() -> Any:
    return load_checkpoint(
        data.demo_checkpoint(), preprocessing=data.demo_preprocessing(), labels=data.demo_labels()
    ).model


def pixels(paths: Any, contract: Preprocessing) -> list[np.ndarray]:
    return [apply(open_picture(path), contract) for path in paths]


def fashion(count: int) -> list[np.ndarray]:
    return pixels([path for path, _ in data.demo_pictures()[:count]], trained().preprocessing)


@pytest.mark.parametrize("gelu", ["fast", "exact"])
def test_the_trained_file_passes_with_both_accumulators(tmp_path: Path, gelu: Any) -> None:
    path = tmp_path / "model.tflite"
    export(trained(), path, precision="float16", gelu=gelu, samples=data.calibration_pictures()[0].parent)
    for loss in emulate(read_graph(path.read_bytes(), "file"), fashion(6)):
        assert loss.overflowing is None
        assert loss.difference.sqnr_db is not None
        assert loss.difference.sqnr_db >= MIN_SQNR_DB, loss.accumulators
        assert loss.difference.agreement == 1.0


def test_the_naive_attention_overflows_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """`q / sqrt(sum of q * q)` without scales: the sum is 2e5 in the trained network's last attention."""
    from keras import ops

    def naive(x: Any) -> Any:
        return x * ops.rsqrt(ops.sum(x * x, axis=-1, keepdims=True) + 1e-12) * float(np.sqrt(x.shape[-1]))

    monkeypatch.setattr(folding, "_normalize", naive)
    model = trained()
    folded = folding.fold_pixels(folding.fold_model(model), model.preprocessing)
    file = to_tflite(folded, (64, 64), precision="float16")
    for loss in emulate(read_graph(file, "naive"), fashion(4)):
        named = loss.overflowing
        assert named is not None
        assert named.operator == "SUM"
        assert "attn" in named.tensor
        assert named.largest > 65504
        assert str(named) == f"operator {named.index} (SUM, {named.tensor})"
        assert loss.costliest == named
        assert loss.difference.sqnr_db is not None
        assert loss.difference.sqnr_db < 25


def chain(tf: Any, x: Any) -> Any:
    """Squares too large, at the second operator; then one that loses its input's small part."""
    y = tf.reduce_mean(x, axis=(1, 2))
    square = y * y
    return tf.minimum(square, 4.0) + (y + 3000.0 - 3000.0)


def test_each_operator_answers_for_its_own_loss_only() -> None:
    import tensorflow as tf

    spec = tf.TensorSpec((1, 2, 2, 3), tf.float32)
    made = tf.function(lambda x: chain(tf, x), autograph=False, input_signature=[spec])
    owner = tf.Module()
    owner.made = made
    converter = tf.lite.TFLiteConverter.from_concrete_functions([made.get_concrete_function()], owner)
    graph = read_graph(bytes(converter.convert()), "chain")
    names = [operator.name for operator in graph.operators]
    assert names == ["MEAN", "MUL", "MINIMUM", "ADD", "ADD", "ADD"] or "SUB" in names, names
    wide, _ = emulate(graph, [np.full((2, 2, 3), 300.3)])
    assert wide.overflowing is not None
    assert (wide.overflowing.operator, wide.overflowing.overflows) == ("MUL", 3)
    by_place = dict(zip(names, wide.operators, strict=False))
    assert by_place["MINIMUM"].own_db is None, "the minimum of infinity and 4 is 4"
    assert by_place["MINIMUM"].total_db is None
    losing = wide.below(80)
    assert losing is not None
    assert losing.index <= wide.overflowing.index
    assert wide.to_dict()["operators"][losing.index]["operator"] == losing.operator


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "attention"),
    [
        ("swiftformer_xs", "l2norm"),
        ("swiftformer_xs", "ones"),
        ("swiftformer_s", "ones"),
        ("swiftformer_l1", "l2norm"),
        ("swiftformer_l3", "l2norm"),
    ],
)
def test_every_variant_on_the_reference_inputs(tmp_path: Path, variant: str, attention: str) -> None:
    """Reference weights and a seeded normalised input, those of the reference logits."""
    path = tmp_path / "model.tflite"
    model = reference.classifier(variant, attention, preprocessing=PREPROCESSINGS["timm"])
    export(model, path, precision="float16", input="normalized")
    inputs = list(reference.images(224, 224)[:1])
    for loss in emulate(read_graph(path.read_bytes(), "file"), inputs):
        assert loss.overflowing is None
        assert loss.difference.sqnr_db is not None
        assert loss.difference.sqnr_db >= MIN_SQNR_DB, loss.accumulators


@pytest.mark.slow
def test_raw_pixels_pass_as_well(tmp_path: Path) -> None:
    path, contract = tmp_path / "model.tflite", PREPROCESSINGS["timm"]
    model = reference.classifier("swiftformer_xs", "l2norm", preprocessing=contract)
    export(model, path, precision="float16")
    inputs = pixels(data.sample_pictures()[:1], contract)
    for loss in emulate(read_graph(path.read_bytes(), "file"), inputs):
        assert loss.overflowing is None
        assert loss.difference.sqnr_db is not None
        assert loss.difference.sqnr_db >= MIN_SQNR_DB, loss.accumulators
