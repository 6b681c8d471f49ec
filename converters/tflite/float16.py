"""Weights as float16: half the size, for runtimes that compute in float32 or float16 as they like.

The form is the usual one (each weight goes through a DEQUANTIZE operator, which XNNPACK and the GPU delegate resolve
when they load the file), but only for the weights of convolutions and the dense layer. TFLiteConverter's own halves
the biases and the first kernel too; pixels of 0..255 have a large mean, so what rounding does to them is a constant
shift that the whole network sees (largest logit difference on samples, black, white and noise: reference XS at 224
from 4.4e-2 to 8.5e-3, XS trained on Fashion-MNIST from 1.7e-3 to 6e-4, for 16 kB more). Where the arithmetic is
half precision too, the runtime rounds them after all: `round_stem` makes the first convolution, the only one that
sees pixels, one that this does nothing to (then 8.6e-3 and 1.2e-3).

Where float16 also holds the sums, long ones cost most (`half/arithmetic.py` says how they are formed). Two changes of
the graph make the scores of every variant 50.5 to 54 dB, which were 45 to 51 (reference weights at 224, both
attentions, pixels and normalised): `folding.centre_pixels`, one SUB, and the head applied to the mean of each row
instead of to the mean of all (`forward(head_by_rows=True)`: 3 dB, XS and S on normalised pictures).
Downsampling convolutions in two halves and an ADD would win 0.6 to 1.2 dB more, and are not worth their operators.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import flatbuffers
import numpy as np

from converters.tflite.half.arithmetic import to_half
from converters.tflite.model_schema import IDENTIFIER
from swiftformer_keras.folding import Conv, FoldedSwiftFormer

FLOAT32_PART = "stem_conv1/"
"""In the names of the tensors of the one convolution that keeps float32 weights (a scope of `folding.forward`)."""

_CANDIDATES = 1024
_PIXEL_SPREAD = (
    64.0  # of a pixel about the mean colour: what a sum of weights that is off costs beside a bias
)

_DEQUANTIZE_VERSION = (
    3  # the first that takes float16 (tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc)
)


def halve_weights(tflite: bytes) -> bytes:
    """The float32 model of one subgraph with float16 weights.

    Values beyond float16's range become infinite; running the file shows it.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    graph = model.subgraphs[0]
    weighted = {
        schema.BuiltinOperator.CONV_2D,
        schema.BuiltinOperator.DEPTHWISE_CONV_2D,
        schema.BuiltinOperator.FULLY_CONNECTED,
    }
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = _DEQUANTIZE_VERSION
    model.operatorCodes.append(code)
    halved: set[int] = set()
    operators = []
    for operator in graph.operators:
        index = int(operator.inputs[1]) if len(operator.inputs) > 1 else -1
        if (
            model.operatorCodes[operator.opcodeIndex].builtinCode in weighted
            and index not in halved
            and FLOAT32_PART not in graph.tensors[index].name.decode()
        ):
            halved.add(index)
            operators.append(_halve(schema, model, graph, index))
        operators.append(operator)
    graph.operators = operators
    builder = flatbuffers.Builder(len(tflite))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _halve(schema: Any, model: Any, graph: Any, index: int) -> Any:
    """Give a constant tensor's values to a new float16 one, and make it the result of a DEQUANTIZE operator."""
    tensor = graph.tensors[index]
    half = schema.TensorT()
    half.name, half.shape, half.type = tensor.name + b"_float16", tensor.shape, schema.TensorType.FLOAT16
    half.buffer = len(model.buffers)
    values = np.asarray(model.buffers[tensor.buffer].data, np.uint8).view("<f4")
    buffer = schema.BufferT()
    with np.errstate(over="ignore"):
        buffer.data = values.astype("<f2").view(np.uint8)
    model.buffers.append(buffer)
    model.buffers[tensor.buffer].data = None
    tensor.buffer = 0  # by convention the empty buffer
    graph.tensors.append(half)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [len(graph.tensors) - 1], [index]
    operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    operator.builtinOptions = schema.DequantizeOptionsT()
    return operator


def round_stem(folded: FoldedSwiftFormer) -> FoldedSwiftFormer:
    """The same model of raw pixels with the first convolution's weights and bias on float16's grid.

    A GPU rounds them anyway, each to its nearest; times pixels of a mean of 120 that is a shift of the whole map
    (scores in float16 arithmetic with all sums in float32, reference XS at 224, two pictures: 45 dB; so: 63 dB).
    After `folding.centre_pixels` the mean is less than one, and it is the border and other colours that matter.
    Only a ReLU stands before the second convolution, so every channel may have a factor of its own, which the second
    convolution takes back: of `_CANDIDATES` factors the one is taken at which the roundings of the kernel and the
    bias cancel best, on the mean colour and on other colours. The factors lie about the one that gives both kernels
    the same root mean square: the first, divided by 255 and the deviation, would be subnormal here and there.
    """
    first, second = folded.convs["stem_conv1"], folded.convs["stem_conv2"]
    kernel, bias = (np.asarray(a, np.float64) for a in first)
    about = math.sqrt((_rms(second.kernel) or 1.0) / (_rms(kernel) or 1.0))
    factors = (
        about * 2.0 ** np.linspace(-0.5, 0.5, _CANDIDATES)[:, None]
    )  # (candidates, 1): of (candidates, out)
    rounded = to_half(kernel * factors[:, :, None, None, None]).astype(np.float64)
    gaps = (rounded / factors[:, :, None, None, None] - kernel).sum(axis=(1, 2))  # (candidates, 3, out)
    wanted = (bias - np.asarray(folded.border) @ gaps) * factors
    rounded_bias = to_half(wanted).astype(np.float64)
    cost = ((rounded_bias - wanted) / factors) ** 2 + ((_PIXEL_SPREAD * gaps) ** 2).sum(axis=1)
    best, channels = cost.argmin(axis=0), np.arange(len(bias))
    stem = Conv(
        np.moveaxis(rounded[best, ..., channels], 0, -1).astype(np.float32),
        rounded_bias[best, channels].astype(np.float32),
    )
    after = Conv((second.kernel / factors[best, 0][:, None]).astype(np.float32), second.bias)
    return dataclasses.replace(folded, convs={**folded.convs, "stem_conv1": stem, "stem_conv2": after})


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt((np.asarray(values, np.float64) ** 2).mean()))
