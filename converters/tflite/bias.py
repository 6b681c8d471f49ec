"""Bias correction: what int8 shifts the mean of a channel by goes into that channel's bias, layer after layer.

Rounded weights times inputs of a large mean are a constant error, and so is what a simpler activation gets wrong on
average; a bias takes both back (arXiv 1906.04721, section 4.2, measured instead of derived). The layers are corrected
in the order they run in, each with the ones before it already corrected: all at once, each would take back the same
shift again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from converters.tflite.calibrate import TensorReader
from swiftformer_keras.errors import TFLiteFileError

_OPERATORS = 10  # vtable offset of SubGraph.operators, slot 3 in schema.fbs


class _Convolution(NamedTuple):
    """A convolution or dense layer: its place among the operators and its tensors' indices."""

    operator: int
    bias: int
    output: int


def mean_outputs(tflite: bytes, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """The mean of every channel of every convolution's output, by the output tensor's name.

    Args:
        tflite: a float model of one subgraph.
        inputs: `(height, width, 3)` each.
    """
    _, graph, convolutions = _convolutions(tflite)
    names = {layer.output: graph.Tensors(layer.output).Name().decode() for layer in convolutions}
    reader = TensorReader(tflite)
    sums: dict[str, Any] = dict.fromkeys(names.values(), 0.0)
    for values in inputs:
        reader.run(values)
        for index, name in names.items():
            sums[name] = sums[name] + _channel_means(reader.value(index))
    return {name: total / len(inputs) for name, total in sums.items()}


def correct_biases(
    tflite: bytes,
    wanted: Mapping[str, np.ndarray],
    inputs: Sequence[np.ndarray],
    progress: Callable[[int, int], None] | None = None,
) -> bytes:
    """The int8 model with its biases moved so that every convolution's channels have the wanted means.

    Args:
        tflite: an int8 model, its weights inside the flatbuffer.
        wanted: as `mean_outputs` gives it for the float model, whose convolutions have the same names.
        inputs: the pictures that `wanted` was measured on.
        progress: is told how many of how many layers are done.

    Raises:
        TFLiteFileError: a convolution has another name than in the float model.
    """
    from ai_edge_litert import schema_py_generated as schema

    data = bytearray(tflite)
    model, graph, convolutions = _convolutions(data)
    layers = [layer for layer in convolutions if graph.Tensors(layer.bias).Type() == schema.TensorType.INT32]
    for done, layer in enumerate(layers):
        if progress is not None:
            progress(done, len(layers))
        output = graph.Tensors(layer.output)
        name = output.Name().decode()
        if name not in wanted:
            raise TFLiteFileError(f"the model: the float model has no convolution {name!r}. Report this")
        scale, zero_point = output.Quantization().Scale(0), output.Quantization().ZeroPoint(0)
        reader = TensorReader(_cut_after(data, layer.operator))
        total: Any = 0.0
        for values in inputs:
            reader.run(values)
            total = total + (_channel_means(reader.value(layer.output)) - zero_point) * scale
        bias = graph.Tensors(layer.bias)
        stored = model.Buffers(bias.Buffer()).DataAsNumpy().view("<i4")
        steps = np.round((wanted[name] - total / len(inputs)) / bias.Quantization().ScaleAsNumpy())
        limits = np.iinfo(np.int32)
        stored[:] = np.clip(stored + steps, limits.min, limits.max).astype(np.int32)
    return bytes(data)


def _channel_means(values: np.ndarray) -> np.ndarray:
    means: np.ndarray = values.reshape(-1, values.shape[-1]).mean(axis=0, dtype=np.float64)
    return means


def _convolutions(tflite: bytes | bytearray) -> tuple[Any, Any, list[_Convolution]]:
    """The model, its graph, and the layers with weights and bias in the order they run in."""
    from ai_edge_litert import schema_py_generated as schema

    builtin = schema.BuiltinOperator
    kinds = {builtin.CONV_2D, builtin.DEPTHWISE_CONV_2D, builtin.FULLY_CONNECTED}
    model = schema.Model.GetRootAs(tflite, 0)
    graph, found = model.Subgraphs(0), []
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex())
        known = max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) in kinds
        if known and operator.InputsLength() > 2 and operator.Inputs(2) >= 0:
            found.append(_Convolution(number, operator.Inputs(2), operator.Outputs(0)))
    return model, graph, found


def _cut_after(tflite: bytearray, operator: int) -> bytes:
    """A copy that runs no further than this operator: the list of operators is said to end there."""
    from ai_edge_litert import schema_py_generated as schema

    copy = bytearray(tflite)
    table = schema.Model.GetRootAs(copy, 0).Subgraphs(0)._tab
    length = table.Vector(table.Offset(_OPERATORS)) - 4
    struct.pack_into("<I", copy, length, operator + 1)
    return bytes(copy)
