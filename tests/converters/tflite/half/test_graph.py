"""Reading graphs: a file built from the public schema, and everything that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.half.emulate import emulate, run
from converters.tflite.half.graph import read_graph
from swiftformer_keras.errors import TFLiteFileError
from tests.converters.tflite.models import WEIGHTS, logits, tiny
from tests.harness import SHARED, assert_refused, needs_shared


def test_the_tiny_model() -> None:
    graph = read_graph(tiny(), "tiny")
    assert [operator.name for operator in graph.operators] == ["MEAN", "FULLY_CONNECTED"]
    constants = {t.name: t.constant for t in graph.tensors if t.constant is not None}
    assert set(constants) == {"axes", "weights", "bias"}
    np.testing.assert_array_equal(constants["weights"], WEIGHTS)
    picture = np.random.default_rng(0).integers(0, 256, (32, 24, 3))
    np.testing.assert_allclose(run(graph, picture)[graph.output], logits(picture), atol=1e-6)


def two_inputs(model: Any) -> None:
    model.subgraphs[0].inputs = np.array([0, 2], np.int32)


def no_such_output(model: Any) -> None:
    model.subgraphs[0].outputs = np.array([40], np.int32)


def dynamic_size(model: Any) -> None:
    model.subgraphs[0].tensors[0].shapeSignature = np.array([1, -1, -1, 3], np.int32)


def huge(model: Any) -> None:
    model.subgraphs[0].tensors[2].shape = np.array([1 << 15, 1 << 15], np.int32)


def overflowing(model: Any) -> None:
    model.subgraphs[0].tensors[2].shape = np.array([1 << 30] * 8, np.int32)


def many_axes(model: Any) -> None:
    model.subgraphs[0].tensors[2].shape = np.ones(200, np.int32)


def short_weights(model: Any) -> None:
    model.buffers[2].data = model.buffers[2].data[:-4]


def no_such_tensor(model: Any) -> None:
    model.subgraphs[0].operators[0].inputs = np.array([0, 99], np.int32)


def negative_result(model: Any) -> None:
    model.subgraphs[0].operators[0].outputs = np.array([-1], np.int32)


def no_such_code(model: Any) -> None:
    model.subgraphs[0].operators[0].opcodeIndex = 7


def no_such_buffer(model: Any) -> None:
    model.subgraphs[0].tensors[3].buffer = 77


def two_results(model: Any) -> None:
    model.subgraphs[0].operators[0].outputs = np.array([2, 5], np.int32)


def backwards(model: Any) -> None:
    model.subgraphs[0].operators.reverse()


def made_twice(model: Any) -> None:
    model.subgraphs[0].operators.append(model.subgraphs[0].operators[0])


def no_operators(model: Any) -> None:
    model.subgraphs[0].operators = []


def int8_weights(model: Any) -> None:
    model.subgraphs[0].tensors[3].type = schema.TensorType.INT8


REFUSED = [
    (two_inputs, "has 2 inputs"),
    (no_such_output, "its outputs are no tensors"),
    (dynamic_size, "fixed sizes"),
    (huge, "'mean' has 1,073,741,824 elements"),
    (overflowing, "elements"),
    (many_axes, "damaged"),
    (short_weights, "'weights' of shape (4, 3) has 44 bytes"),
    (no_such_tensor, "operator 0 refers to what is not there"),
    (negative_result, "operator 0 refers to what is not there"),
    (no_such_code, "operator 0 refers to what is not there"),
    (no_such_buffer, "'weights' has no buffer"),
    (two_results, "operator 0 (MEAN) has 2 results"),
    (backwards, "operator 0 (FULLY_CONNECTED) comes before what it needs"),
    (made_twice, "operator 2 (MEAN)"),
    (no_operators, "nothing makes its output"),
    (int8_weights, "operator 1 (FULLY_CONNECTED) takes int8 ('weights')"),
]


@pytest.mark.parametrize(("change", "mention"), REFUSED, ids=[change.__name__ for change, _ in REFUSED])
def test_damaged_and_foreign_graphs_are_refused(change: Callable[[Any], None], mention: str) -> None:
    assert_refused(TFLiteFileError, lambda: read_graph(tiny(change), "file"), "file: ", mention)


def wrong_shape(model: Any) -> None:
    model.subgraphs[0].tensors[2].shape = np.array([1, 4], np.int32)


def far_axis(model: Any) -> None:
    model.buffers[1].data = np.frombuffer(np.array([1, 9], np.int32).tobytes(), np.uint8)


def other_operator(model: Any) -> None:
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.COS


def fused_tanh(model: Any) -> None:
    model.subgraphs[0].operators[1].builtinOptions.fusedActivationFunction = 4


def shuffled(model: Any) -> None:
    model.subgraphs[0].operators[1].builtinOptions.weightsFormat = 1


NOT_RUN = [
    (wrong_shape, "(MEAN) gives (1, 3), but the file says (1, 4)"),
    (far_axis, "(MEAN)"),
    (other_operator, "operator 0 (COS) is not known here"),
    (fused_tanh, "operator 1 (FULLY_CONNECTED) has the fused activation 4"),
    (shuffled, "operator 1 (FULLY_CONNECTED) has shuffled weights"),
]


@pytest.mark.parametrize(("change", "mention"), NOT_RUN, ids=[change.__name__ for change, _ in NOT_RUN])
def test_what_cannot_be_worked_out_is_named(change: Callable[[Any], None], mention: str) -> None:
    graph = read_graph(tiny(change), "file")
    assert_refused(TFLiteFileError, lambda: emulate(graph, [np.zeros((32, 24, 3))]), "file: ", mention)


def test_a_picture_of_another_size_is_refused() -> None:
    graph = read_graph(tiny(), "file")
    assert_refused(TFLiteFileError, lambda: emulate(graph, [np.zeros((24, 32, 3))]), "input size")


@needs_shared
def test_weights_kept_behind_the_flatbuffer_and_int8_files() -> None:
    """litert-quantizer's files: found where they lie, and refused for what they are."""
    assert SHARED is not None
    path = SHARED / "peers" / "swiftformer_xs_224_dyn8.tflite"
    assert_refused(TFLiteFileError, lambda: read_graph(path.read_bytes(), "peer"), "takes int8")
