"""Every operator in exact arithmetic, against LiteRT tensor by tensor; and what rounding does to some."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from converters.tflite.export import export
from converters.tflite.half.arithmetic import EXACT, HALF
from converters.tflite.half.emulate import run
from converters.tflite.half.graph import Operator, read_graph
from converters.tflite.half.operators import KERNELS, evaluate
from swiftformer_keras.preprocessing import PREPROCESSINGS
from tests import reference

EXPORTS = [  # attention, what differs from the default export
    ("l2norm", {}),
    ("l2norm", {"gelu": "exact", "precision": "float16"}),
    ("l2norm", {"precision": "float16", "output": "probabilities", "input_size": (40, 72)}),
    ("ones", {"input": "normalized", "gelu": "exact"}),
    ("ones", {"precision": "float16"}),
]


def litert_tensors(model: bytes, picture: np.ndarray) -> dict[int, np.ndarray]:
    """Every tensor as LiteRT's own kernels compute it, no delegate between."""
    interpreter = Interpreter(
        model_content=model,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None].astype(np.float32))
    interpreter.invoke()
    made = {int(t) for op in interpreter._get_ops_details() for t in op["outputs"]}
    return {index: interpreter.get_tensor(index) for index in made}


def assert_same_tensors(model: bytes, picture: np.ndarray, relative: float = 1e-5) -> set[str]:
    """Every computed tensor equals LiteRT's, in proportion to its largest value; the operators that made them."""
    graph = read_graph(model, "model")
    ours, theirs = run(graph, picture), litert_tensors(model, picture)
    stored = {index for index in set(theirs) - set(ours) if graph.tensors[index].constant is not None}
    assert set(theirs) - stored == {operator.output for operator in graph.operators}
    for index in stored:
        np.testing.assert_array_equal(graph.tensors[index].constant, theirs[index])
    for operator in graph.operators:
        found, expected = ours[operator.output], theirs[operator.output]
        assert found.shape == expected.shape, operator
        gap = float(np.abs(found - expected).max())
        assert gap <= relative * max(1.0, float(np.abs(expected).max())), (operator.name, operator.index, gap)
    return {operator.name for operator in graph.operators}


@pytest.mark.parametrize(("attention", "settings"), EXPORTS)
def test_exported_files_tensor_by_tensor(tmp_path: Path, attention: str, settings: dict[str, Any]) -> None:
    model = reference.classifier("micro", attention, preprocessing=PREPROCESSINGS["timm"].with_size(64, 64))
    report = export(model, tmp_path / "model.tflite", **settings)
    picture = np.random.default_rng(1).integers(0, 256, (*report.input_size, 3)).astype(np.float32)
    if settings.get("input") == "normalized":
        picture = picture / 128 - 1
    names = assert_same_tensors((tmp_path / "model.tflite").read_bytes(), picture)
    assert ("GELU" in names) == (settings.get("gelu") == "exact")


def one_of_each(tf: Any, x: Any) -> Any:
    """The operators that our exports have not, and the options of those that they have."""
    rng = np.random.default_rng(2)

    def weights(*shape: int) -> Any:
        return tf.constant(rng.normal(0, 0.3, shape), tf.float32)

    x = tf.nn.conv2d(x, weights(3, 2, 3, 8), (2, 1), "SAME") + weights(8)
    x = tf.nn.relu6(tf.nn.conv2d(x, weights(3, 3, 8, 8), 1, "VALID", dilations=(1, 2)))
    x = tf.nn.relu(tf.nn.depthwise_conv2d(x, weights(5, 3, 8, 1), (1, 2, 2, 1), "SAME") + weights(8))
    x = tf.nn.depthwise_conv2d(x, weights(3, 3, 8, 1), (1, 1, 1, 1), "VALID", dilations=(2, 1))
    x = tf.math.l2_normalize(x, axis=-1) + tf.nn.gelu(x, approximate=True)
    x = tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]], constant_values=0.7)
    x = tf.math.squared_difference(x, weights(8)) / (tf.abs(x) + 1.0) - tf.square(-x)
    x = tf.maximum(tf.minimum(x, 2.0), -2.0) + tf.nn.relu(x) * 0.1 + tf.nn.relu6(tf.abs(x))
    x = tf.concat([tf.exp(x * 0.2), tf.sqrt(tf.abs(x)), tf.math.rsqrt(tf.abs(x) + 0.5)], axis=2)
    x = tf.tanh(x) + tf.sigmoid(x) + tf.reduce_sum(x, axis=3, keepdims=True) * 0.1
    x = tf.transpose(tf.reshape(x, (1, 12, 7, 8)), (0, 2, 1, 3))
    dense = tf.matmul(tf.reshape(x, (-1, 8)), weights(8, 5)) + weights(5)
    mean = tf.reduce_mean(x, axis=(1, 2))
    return tf.nn.softmax(tf.concat([tf.reduce_sum(dense, axis=0, keepdims=True), mean], axis=1) * 0.05)


@pytest.fixture(scope="module")
def mixed() -> bytes:
    import tensorflow as tf

    made = tf.function(
        lambda x: one_of_each(tf, x),
        autograph=False,
        input_signature=[tf.TensorSpec((1, 24, 20, 3), tf.float32)],
    )
    owner = tf.Module()
    owner.made = made
    return bytes(
        tf.lite.TFLiteConverter.from_concrete_functions([made.get_concrete_function()], owner).convert()
    )


def test_other_operators_tensor_by_tensor(mixed: bytes) -> None:
    picture = np.random.default_rng(3).normal(0, 1, (24, 20, 3))
    names = assert_same_tensors(mixed, picture)
    of_exports = {"DEQUANTIZE", "PAD"}
    assert set(KERNELS) - names <= of_exports, "each kernel is held against LiteRT here or in the exports"


def call(name: str, *inputs: Any, width: Any = "float16", **options: float) -> np.ndarray:
    arrays = [np.asarray(x, np.float32) for x in inputs]
    return evaluate(Operator(0, name, (), 0, options), arrays, HALF[width])


@pytest.mark.parametrize("width", ["float16", "float32"])
def test_gelu_loses_small_negative_results_as_its_formula_does(width: str) -> None:
    """1 + erf(x / sqrt 2) cancels, and float16 near 1 has steps of 2^-11; only sums are wider with float32."""
    x = -3.0
    true = 0.5 * x * (1 + math.erf(x / math.sqrt(2)))
    found = float(call("GELU", [x], approximate=0, width=width)[0])
    assert abs(found / true - 1) > 2**-5
    assert found == np.float16(-1.5) * np.float16(
        np.float16(1) + np.float16(math.erf(-3 * float(np.float16(0.5**0.5))))
    )


def test_logistic_of_a_very_negative_number_is_zero_not_nan() -> None:
    np.testing.assert_array_equal(call("LOGISTIC", [-200.0, 200.0]), [0.0, 1.0])


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (lambda x: call("MUL", x, x), np.inf),
        (lambda x: call("RSQRT", call("MUL", x, x)), 0.0),
        (lambda x: call("MUL", x, call("RSQRT", call("MUL", x, x))), 0.0),
    ],
)
def test_a_length_that_overflows_makes_a_vector_zero(formula: Callable[[Any], Any], expected: float) -> None:
    assert formula([300.0])[0] == expected


def test_exact_means_float64() -> None:
    third = evaluate(Operator(0, "DIV", (), 0, {"activation": 0}), [np.array(1.0), np.array(3.0)], EXACT)
    assert float(third) == 1 / 3
