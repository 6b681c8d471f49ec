"""The converted graph against reference logits, and what it is made of."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from converters.tflite.check import delegation, interpreter_of, run_tflite
from converters.tflite.flatbuffer import ALIGNMENT, repack
from converters.tflite.graph import to_tflite
from swiftformer_keras import folding
from swiftformer_keras.errors import TFLiteFileError
from swiftformer_keras.gelu import Gelu
from tests import reference
from tests.harness import assert_refused, assert_same_logits

KEYS = {"l2norm": "logits", "ones": "hf_ones_logits"}
OPERATORS = {
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "ADD",
    "MUL",
    "MEAN",
    "RSQRT",
    "CONCATENATION",
    "PAD",
}
FAST = {"MINIMUM", "SUB", "LOGISTIC"}


@functools.cache
def converted(
    variant: str = "micro",
    token_weights: str = "l2norm",
    gelu: Gelu = "fast",
    precision: str = "float32",
    size: tuple[int, int] = (224, 224),
) -> bytes:
    config, values = reference.weights(variant, token_weights)
    folded = folding.fold_gelu(folding.fold(values, config), gelu)
    return to_tflite(folded, size, precision=precision)  # type: ignore[arg-type]


def theirs(variant: str, token_weights: str, size: tuple[int, int]) -> np.ndarray:
    return reference.arrays(variant)[f"{size[0]}x{size[1]}/{KEYS[token_weights]}"]


@pytest.mark.parametrize("size", [(224, 224), (192, 160)])
@pytest.mark.parametrize("token_weights", ["l2norm", "ones"])
@pytest.mark.parametrize(("gelu", "bound"), [("exact", 1e-4), ("fast", 1e-3)])
def test_float32_logits_equal_the_reference(
    gelu: Gelu, bound: float, token_weights: str, size: tuple[int, int]
) -> None:
    data = converted("micro", token_weights, gelu, "float32", size)
    assert_same_logits(run_tflite(data, reference.images(*size)), theirs("micro", token_weights, size), bound)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["swiftformer_xs", "swiftformer_s", "swiftformer_l1", "swiftformer_l3"])
@pytest.mark.parametrize("token_weights", ["l2norm", "ones"])
@pytest.mark.parametrize(
    ("gelu", "precision", "bound"),
    [("exact", "float32", 1e-4), ("fast", "float32", 1e-3), ("fast", "float16", 2e-2)],
)
def test_published_variants_equal_the_reference(
    gelu: Gelu, precision: str, bound: float, token_weights: str, variant: str
) -> None:
    config, values = reference.weights(variant, token_weights)
    folded = folding.fold_gelu(folding.fold(values, config), gelu)
    data = to_tflite(folded, (224, 224), precision=precision)  # type: ignore[arg-type]
    assert_same_logits(
        run_tflite(data, reference.images(224, 224)), theirs(variant, token_weights, (224, 224)), bound
    )
    assert delegation(data).left == ()


@pytest.mark.parametrize("token_weights", ["l2norm", "ones"])
@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic"])
@pytest.mark.parametrize("gelu", ["exact", "fast"])
def test_xnnpack_takes_every_operator_in_one_partition(
    gelu: Gelu, precision: str, token_weights: str
) -> None:
    found = delegation(converted("micro", token_weights, gelu, precision))
    assert (found.partitions, found.left) == (1, ())


@pytest.mark.parametrize(("gelu", "more"), [("exact", {"GELU"}), ("fast", FAST)])
def test_operators_and_ranks_are_those_intended(gelu: Gelu, more: set[str]) -> None:
    """No RESHAPE, no TRANSPOSE, biases and ReLUs fused; every map before the head has rank 4."""
    interpreter = interpreter_of(converted(gelu=gelu))
    operators = [op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]
    assert {op["op_name"] for op in operators} == OPERATORS | more
    ranks = {
        detail["index"]: len(detail["shape"]) for detail in interpreter.get_tensor_details() if detail["name"]
    }
    outputs = {int(i) for op in operators for i in op["outputs"] if op["op_name"] != "FULLY_CONNECTED"}
    assert [ranks[i] for i in sorted(outputs)].count(2) == 1, "only the pooled features are a vector"
    assert {ranks[i] for i in outputs} == {2, 4}


def test_the_head_of_float16_files_is_a_convolution_of_the_rows() -> None:
    """Its weights stored in float16 as all others; nothing else differs from the float32 file's graph."""
    names = [
        op["op_name"]
        for op in interpreter_of(converted(precision="float16"))._get_ops_details()
        if op["op_name"] not in ("DELEGATE", "DEQUANTIZE")
    ]
    assert names[-3:] == ["MEAN", "CONV_2D", "MEAN"]
    plain = [
        op["op_name"] for op in interpreter_of(converted())._get_ops_details() if op["op_name"] != "DELEGATE"
    ]
    assert plain[-2:] == ["MEAN", "FULLY_CONNECTED"]
    assert sorted(names[:-3]) == sorted(plain[:-2])


def test_batch_names_and_signature() -> None:
    interpreter = interpreter_of(converted())
    (image,), (logits,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (image["name"], tuple(image["shape"]), image["dtype"]) == ("image", (1, 224, 224, 3), np.float32)
    assert (logits["name"], tuple(logits["shape"]), logits["dtype"]) == ("logits", (1, 10), np.float32)
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["image"], "outputs": ["logits"]}
    }
    x = reference.images(224, 224)[:1]
    run = interpreter.get_signature_runner()
    assert_same_logits(run(image=x)["logits"], theirs("micro", "l2norm", (224, 224))[:1], 1e-3)


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic"])
def test_same_weights_give_the_same_bytes(precision: str) -> None:
    data = converted(precision=precision)
    converted.cache_clear()
    assert converted(precision=precision) == data


def test_smaller_weights_make_smaller_files() -> None:
    sizes = {
        precision: len(converted("tiny", precision=precision))
        for precision in ("float32", "float16", "dynamic")
    }
    assert sizes["float16"] < 0.62 * sizes["float32"]
    assert sizes["dynamic"] < 0.55 * sizes["float32"]


def test_weights_lie_inside_the_file_and_aligned() -> None:
    from ai_edge_litert import schema_py_generated as schema

    for precision in ("float32", "float16", "dynamic"):
        data = converted(precision=precision)
        model = schema.Model.GetRootAsModel(data, 0)
        start = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
        held = 0
        for index in range(model.BuffersLength()):
            buffer = model.Buffers(index)
            assert (buffer.Offset(), buffer.Size()) == (0, 0)
            if buffer.DataLength():
                held += buffer.DataLength()
                assert (buffer.DataAsNumpy().__array_interface__["data"][0] - start) % ALIGNMENT == 0
        assert held > 0.4 * len(data)


def test_repacking_keeps_the_model_and_its_names() -> None:
    data = converted()
    again = repack(data, inputs=("picture",), outputs=("scores",))
    x = reference.images(224, 224)
    np.testing.assert_array_equal(run_tflite(again, x), run_tflite(data, x))
    assert interpreter_of(again).get_input_details()[0]["name"] == "picture"


def test_repacking_refuses_what_is_no_model() -> None:
    assert_refused(TFLiteFileError, lambda: repack(b"\0" * 100, inputs=("a",), outputs=("b",)), "no .tflite")
