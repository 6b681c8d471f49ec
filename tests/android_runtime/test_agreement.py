"""Our files on Android's own library: the same outputs as LiteRT gives, and what XNNPACK takes of them there."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.tflite.check import interpreter_of
from converters.tflite.delegates.operators import read_graph
from converters.tflite.flatbuffer import repack
from converters.tflite.float16 import round_stem
from converters.tflite.graph import to_tflite
from converters.tflite.quantize import quantize
from converters.tflite.settings import Precision
from swiftformer_keras import folding
from swiftformer_keras.preprocessing import PREPROCESSINGS
from tests import reference
from tests.android_runtime.conftest import pictures
from tests.android_runtime.library import VERSION
from tests.android_runtime.runtime import AndroidRuntime, RefusedError, Request
from tests.converters.tflite.models import pack, written
from tests.harness import SHARED, assert_same_logits, needs_shared

pytestmark = pytest.mark.slow

MODELS = [("swiftformer_xs", 224), ("swiftformer_s", 224), ("swiftformer_xs", 64)]
STEPS = 2  # of quantisation, between two runtimes' int8 outputs


@functools.cache
def classifier(variant: str) -> Any:
    return reference.classifier(variant, preprocessing=PREPROCESSINGS["timm"])


def converted(variant: str, size: int, precision: Precision = "float32") -> bytes:
    """What `export` converts by default (pixels in, fast GELU), without its check against Keras."""
    folded = folding.fold_pixels(folding.fold_model(classifier(variant)), PREPROCESSINGS["timm"])
    if precision == "float16":
        folded = round_stem(folding.centre_pixels(folded))
    return to_tflite(folding.fold_gelu(folded, "fast"), (size, size), precision=precision)


def litert(model: Path, inputs: list[np.ndarray]) -> list[np.ndarray]:
    interpreter = interpreter_of(model)
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for array in inputs:
        interpreter.set_tensor(source["index"], array)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target["index"]).copy())
    return outputs


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize(("variant", "size"), MODELS)
def test_float_files_give_what_litert_gives(
    android: AndroidRuntime, tmp_path: Path, variant: str, size: int, precision: Precision
) -> None:
    """Both compute in float32, also where the weights are stored in 16 bits: one bound for both."""
    path = written(tmp_path, converted(variant, size, precision))
    inputs = [picture.astype(np.float32) for picture in pictures(size)]
    ran = android.run(path, inputs)
    assert ran.version == VERSION
    assert ran.inputs[0].shape == (1, size, size, 3)
    assert 0 < ran.taken < ran.delegations[0].total, "RSQRT is left there, everything else taken"
    for (ours,), theirs in zip(ran.results, litert(path, inputs), strict=True):
        assert_same_logits(ours, theirs, 1e-4)
    tops = {int(np.argmax(ours)) for (ours,) in ran.results}
    outputs = np.stack([ours for (ours,) in ran.results])
    assert tops and np.ptp(outputs, axis=0).max() > 0.01, "outputs follow the picture"


@pytest.mark.parametrize("io", ["float32", "int8", "uint8"])
@pytest.mark.parametrize(("variant", "size"), MODELS)
def test_int8_files_give_what_litert_gives(
    android: AndroidRuntime, tmp_path: Path, variant: str, size: int, io: str
) -> None:
    """Float ends, the default, are held to the same two steps: those of the logits before they are widened."""
    if io == "uint8" and size != 64:
        pytest.skip("the type of the ends is shown on the smallest model")
    path = tmp_path / "model.tflite"
    # Few pictures and plain biases: what is compared is two runtimes, not how near they are to Keras.
    options = {"samples": 32, "correct_bias": False, "min_sqnr_db": 0.0}
    quantize(classifier(variant), path, calibration="demo", io=io, input_size=(size, size), **options)
    lowest = {"float32": 0, "int8": -128, "uint8": 0}[io]
    inputs = [(picture.astype(np.int16) + lowest).astype(io) for picture in pictures(size)]
    ran = android.run(path, inputs)
    assert ran.inputs[0].dtype == ran.outputs[0].dtype == np.dtype(io)
    step = 1.0 if io != "float32" else last_step(path)
    outputs = [ours.astype(np.float64) for (ours,) in ran.results]
    for ours, theirs in zip(outputs, litert(path, inputs), strict=True):
        assert np.abs(ours - theirs.astype(np.float64)).max() <= (STEPS + 1e-3) * step
    assert np.ptp(np.stack(outputs), axis=0).max() > STEPS * step, "outputs follow the picture"


def last_step(path: Path) -> float:
    """The scale of the int8 numbers that a file's float outputs are made of."""
    last = read_graph(path).operators[-1]
    source = last.inputs[0]
    assert last.name == "DEQUANTIZE" and source is not None and source.tensor.dtype == "int8"
    assert source.tensor.scale
    return source.tensor.scale


def test_with_and_without_xnnpack_and_with_threads_it_is_the_same_model(
    android: AndroidRuntime, tmp_path: Path
) -> None:
    path = written(tmp_path, converted("micro", 64))
    inputs = [picture.astype(np.float32) for picture in pictures(64)]
    plain = android.run(path, inputs, delegate="none")
    assert plain.delegations == ()
    for ran in (android.run(path, inputs), android.run(path, inputs, threads=2)):
        assert ran.taken > 0
        for (ours,), (theirs,) in zip(ran.results, plain.results, strict=True):
            assert_same_logits(ours, theirs, 1e-4)


@needs_shared
def test_weights_behind_the_flatbuffer_are_not_seen_there(android: AndroidRuntime, tmp_path: Path) -> None:
    """Why every file of ours has its weights inside: another tool's file does not run, repacked it does.

    The plain kernels round otherwise than XNNPACK in each of the 70 operators, so the outputs are only similar.
    """
    assert SHARED is not None
    source = SHARED / "peers" / "mobilenetv2_100_224_int8.tflite"
    inputs = [np.zeros((1, 3, 224, 224), np.int8)]
    with pytest.raises(RefusedError, match="lacks data"):
        android.run(source, inputs, delegate="none")
    inside = written(tmp_path, repack(source.read_bytes(), inputs=("image",), outputs=("logits",)))
    (ours,) = android.run(inside, inputs, delegate="none").results[0]
    difference = ours.astype(int) - litert(source, inputs)[0].astype(int)
    assert np.sqrt(np.mean(difference**2)) < 2 < np.ptp(ours.astype(int)) / 20


def test_what_is_no_model_is_refused_and_takes_no_other_with_it(
    android: AndroidRuntime, tmp_path: Path
) -> None:
    from tests.converters.tflite.models import tiny

    good = written(tmp_path, tiny())
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"\0" * 100)
    answers = android.ask([Request(good), Request(bad), Request(good, delegate="none")])
    assert [bool(answer.refused) for answer in answers] == [False, True, False]
    assert "load" in (answers[1].refused or "")
    assert [answer.taken for answer in answers] == [2, 0, 0]


def test_an_operator_that_2_16_does_not_know_is_refused(android: AndroidRuntime, tmp_path: Path) -> None:
    from tests.converters.tflite.models import model

    unpacked = model()
    unpacked.operatorCodes[0].version = 99
    with pytest.raises(RefusedError, match="MEAN"):
        android.run(written(tmp_path, pack(unpacked)), [np.zeros((1, 32, 24, 3), np.float32)])
