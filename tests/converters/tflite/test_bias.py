"""Bias correction: what the channels' means are before and after, and that nothing but biases changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.bias import correct_biases, layers_of, mean_outputs
from converters.tflite.calibrate import TensorReader, collect_ranges
from converters.tflite.flatbuffer import pack, repack
from converters.tflite.graph import to_tflite
from converters.tflite.static import quantize_static
from swiftformer_keras import folding
from swiftformer_keras.errors import TFLiteFileError
from tests import reference
from tests.harness import assert_refused

Case = tuple[bytes, bytes, list[np.ndarray]]


@pytest.fixture(scope="module")
def case() -> Case:
    """The float micro model, the same in int8, and four inputs."""
    config, values = reference.weights("micro")
    plain = to_tflite(folding.fold_gelu(folding.fold(values, config), "sigmoid"), (32, 32))
    inputs = list(reference.images(32, 32, batch=4))
    static = quantize_static(plain, collect_ranges(plain, lambda: iter(inputs)), float_gelu=False)
    return plain, repack(static, inputs=("image",), outputs=("logits",)), inputs


def unpacked(tflite: bytes) -> Any:
    return schema.ModelT.InitFromPackedBuf(tflite, 0)


def contents(model: Any) -> list[np.ndarray]:
    return [np.array([] if buffer.data is None else buffer.data, np.uint8) for buffer in model.buffers]


def shifts(tflite: bytes, wanted: Mapping[str, np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
    """Of each layer: by how many int8 steps its channels' means are off at most, and over how many values they go."""
    model = unpacked(tflite)
    layers = layers_of(model)
    reader = TensorReader(tflite)
    totals, counts = [0.0] * len(layers), [0] * len(layers)
    for values in inputs:
        reader.run(values)
        for index, layer in enumerate(layers):
            output = reader.value(layer.output).reshape(-1, reader.value(layer.output).shape[-1])
            totals[index] += output.sum(0, dtype=np.float64)
            counts[index] += len(output)
    found = []
    for layer, total, count in zip(layers, totals, counts, strict=True):
        tensor = model.subgraphs[0].tensors[layer.output]
        scale, zero = tensor.quantization.scale[0], tensor.quantization.zeroPoint[0]
        found.append((np.abs(total / count - zero - wanted[tensor.name.decode()] / scale).max(), count))
    return np.array(found)


def test_the_means_of_every_layer_come_to_those_wanted(case: Case) -> None:
    """A mean over few int8 values cannot be nearer than their rounding: half a step each, less the more there are."""
    plain, static, inputs = case
    wanted = mean_outputs(plain, inputs)
    before, _ = shifts(static, wanted, inputs).T
    after, counts = shifts(correct_biases(static, wanted, inputs), wanted, inputs).T
    assert np.median(before) > 3 * np.median(after)
    linear = np.arange(len(after)) > 1  # the first two have a ReLU, through which a shift does not come whole
    assert after[linear & (counts >= 64)].max() < 0.2
    assert after.max() < 1


def test_nothing_but_biases_changes(case: Case) -> None:
    plain, static, inputs = case
    corrected = correct_biases(static, mean_outputs(plain, inputs), inputs)
    assert len(corrected) == len(static)
    before, after = unpacked(static), unpacked(corrected)
    graph = before.subgraphs[0]
    biases = {graph.tensors[layer.bias].buffer for layer in layers_of(before)}
    same = [np.array_equal(*pair) for pair in zip(contents(before), contents(after), strict=True)]
    assert {number for number, equal in enumerate(same) if not equal} <= biases
    assert not all(same)
    for model in (before, after):
        model.buffers = []
    assert pack(before, 1 << 16) == pack(after, 1 << 16), "all but the buffers is the same"


def test_the_same_inputs_give_the_same_bytes_and_progress_is_told(case: Case) -> None:
    plain, static, inputs = case
    told: list[tuple[int, int]] = []
    wanted = mean_outputs(plain, inputs)
    once = correct_biases(static, wanted, inputs, lambda *step: told.append(step))
    assert once == correct_biases(static, wanted, inputs)
    assert told == [(done, len(layers_of(unpacked(static)))) for done in range(len(told))]


def test_models_that_are_not_the_same_are_refused(case: Case) -> None:
    _, static, inputs = case
    assert_refused(TFLiteFileError, lambda: correct_biases(static, {}, inputs), "no convolution")
