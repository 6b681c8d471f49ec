"""Bias correction: what int8 shifts the mean of a channel by goes into that channel's bias, layer after layer.

Rounded weights times inputs of a large mean are a constant error, and so is what a simpler activation gets wrong on
average; a bias takes both back (arXiv 1906.04721, section 4.2, measured instead of derived). The layers are corrected
in the order they run in, each with the ones before it already corrected: all at once, each would take back the same
shift again.

The model is run in pieces, from one layer to the next, and the maps between pieces are kept for every picture: so
each operator runs once a picture and each layer twice, whatever the number of layers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from converters.tflite.calibrate import TensorReader, plain_interpreter
from converters.tflite.check import stored_values
from converters.tflite.flatbuffer import pack
from swiftformer_keras.errors import TFLiteFileError


class Layer(NamedTuple):
    """A convolution or dense layer: its place among the operators and its tensors' indices."""

    operator: int
    bias: int
    output: int


def mean_outputs(tflite: bytes, inputs: Sequence[np.ndarray] | np.ndarray) -> dict[str, np.ndarray]:
    """The mean of every channel of every convolution's output, by the output tensor's name.

    Args:
        tflite: a float model of one subgraph.
        inputs: `(height, width, 3)` each, of any type of number.
    """
    model = _unpacked(tflite)
    names = {layer.output: _name(model, layer.output) for layer in layers_of(model)}
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
    inputs: Sequence[np.ndarray] | np.ndarray,
    progress: Callable[[int, int], None] | None = None,
) -> bytes:
    """The int8 model with its biases moved so that every convolution's channels have the wanted means.

    Convolutions that were left in float are left alone.

    Args:
        tflite: an int8 model, its weights inside the flatbuffer.
        wanted: as `mean_outputs` gives it for the float model, whose convolutions have the same names.
        inputs: the pictures that `wanted` was measured on; the maps between two layers are kept for all of them.
        progress: is told how many of how many layers are done.

    Raises:
        TFLiteFileError: a convolution has another name than in the float model.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = _unpacked(tflite)
    graph = model.subgraphs[0]
    int32 = schema.TensorType.INT32
    layers = [layer for layer in layers_of(model) if graph.tensors[layer.bias].type == int32]
    given = int(graph.inputs[0])
    held: list[dict[int, np.ndarray]] = [{given: np.asarray(values)[None]} for values in inputs]
    first = 0
    for done, layer in enumerate(layers):
        if progress is not None:
            progress(done, len(layers))
        name = _name(model, layer.output)
        if name not in wanted:
            raise TFLiteFileError(f"the model: the float model has no convolution {name!r}. Report this")
        # the layer corrected last comes first in this piece, to be run again with its new bias
        piece = _Piece(model, first, layer.operator)
        found: Any = 0.0
        for picture in held:
            piece.run(picture)
            found = found + _channel_means(piece.value(layer.output))
            piece.keep(picture)
        quantization = graph.tensors[layer.output].quantization
        mean = (found / len(held) - quantization.zeroPoint[0]) * quantization.scale[0]
        bias = graph.tensors[layer.bias]
        stored = np.array(model.buffers[bias.buffer].data, np.uint8).view("<i4")
        steps = np.round((wanted[name] - mean) / np.asarray(bias.quantization.scale))
        limits = np.iinfo(np.int32)
        moved = np.clip(stored + steps, limits.min, limits.max).astype("<i4")
        model.buffers[bias.buffer].data = moved.view(np.uint8)
        first = layer.operator
    return pack(model, len(tflite))


def layers_of(model: Any) -> list[Layer]:
    """The layers of an unpacked model (`ModelT`) that have weights and a bias, in the order they run in."""
    from ai_edge_litert import schema_py_generated as schema

    builtin = schema.BuiltinOperator
    kinds = {builtin.CONV_2D, builtin.DEPTHWISE_CONV_2D, builtin.FULLY_CONNECTED}
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    return [
        Layer(number, int(operator.inputs[2]), int(operator.outputs[0]))
        for number, operator in enumerate(model.subgraphs[0].operators)
        if codes[operator.opcodeIndex] in kinds and len(operator.inputs) > 2 and operator.inputs[2] >= 0
    ]


class _Piece:
    """The operators `first` to `last` of a model as a model of their own.

    Its inputs are the computed tensors that it reads, its outputs those that operators from `last` on read, and what
    `last` makes.
    """

    def __init__(self, model: Any, first: int, last: int) -> None:
        graph = model.subgraphs[0]
        operators = graph.operators[first : last + 1]
        self._given = int(graph.inputs[0])
        read = {int(index) for operator in operators for index in operator.inputs if index >= 0}
        made = {int(index) for operator in operators for index in operator.outputs}
        constant = {index for index in read if _is_constant(model, index)}
        later = {int(i) for operator in graph.operators[last:] for i in operator.inputs if i >= 0}
        before = {int(i) for operator in operators[:-1] for i in operator.outputs} | (read - constant - made)
        sources = sorted(read - constant - made)
        self._kept = sorted(later & before)
        self._later = later
        targets = sorted({*self._kept, *(int(i) for i in operators[-1].outputs)} & made)
        content = _extract(model, operators, sorted(read | made), sources, targets)
        self._interpreter = plain_interpreter(content)
        self._inputs = {int(detail["name"]): detail for detail in self._interpreter.get_input_details()}
        self._outputs = {
            int(detail["name"]): int(detail["index"]) for detail in self._interpreter.get_output_details()
        }

    def run(self, held: Mapping[int, np.ndarray]) -> None:
        """Run on the tensors held of one picture, by their index in the whole model."""
        for source, detail in self._inputs.items():
            values = held[source]
            stored = stored_values(values, detail) if source == self._given else values
            self._interpreter.set_tensor(detail["index"], stored)
        self._interpreter.invoke()

    def value(self, index: int) -> np.ndarray:
        """What the last run made of the tensor `index` of the whole model."""
        found: np.ndarray = self._interpreter.get_tensor(self._outputs[index])
        return found

    def keep(self, held: dict[int, np.ndarray]) -> None:
        """Take what the next piece will read, and drop what nothing reads any more."""
        for index in [index for index in held if index not in self._later]:
            del held[index]
        for index in self._kept:
            if index in self._outputs:
                held[index] = self.value(index)


def _extract(
    model: Any,
    operators: Sequence[Any],
    tensors: Sequence[int],
    sources: Sequence[int],
    targets: Sequence[int],
) -> bytes:
    """A model of these operators and tensors only; its tensors are named by their index in the whole one."""
    from ai_edge_litert import schema_py_generated as schema

    graph = model.subgraphs[0]
    places = {index: place for place, index in enumerate(tensors)}
    part, sub, empty = schema.ModelT(), schema.SubGraphT(), schema.BufferT()
    part.version, part.operatorCodes = model.version, model.operatorCodes
    part.buffers, part.subgraphs = [empty], [sub]
    sub.tensors, sub.operators = [], []
    for index in tensors:
        tensor = copy.copy(graph.tensors[index])
        buffer = model.buffers[tensor.buffer]
        tensor.name, tensor.buffer = str(index), 0
        if _is_constant(model, index):
            tensor.buffer = len(part.buffers)
            part.buffers.append(buffer)
        sub.tensors.append(tensor)
    for operator in operators:
        moved = copy.copy(operator)
        moved.inputs = [places[int(i)] if i >= 0 else -1 for i in operator.inputs]
        moved.outputs = [places[int(i)] for i in operator.outputs]
        sub.operators.append(moved)
    sub.inputs, sub.outputs = [places[i] for i in sources], [places[i] for i in targets]
    return pack(part, 1 << 16)


def _unpacked(tflite: bytes) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(tflite, 0)


def _is_constant(model: Any, index: int) -> bool:
    data = model.buffers[model.subgraphs[0].tensors[index].buffer].data
    return data is not None and len(data) > 0


def _name(model: Any, index: int) -> str:
    name: bytes = model.subgraphs[0].tensors[index].name
    return name.decode()


def _channel_means(values: np.ndarray) -> np.ndarray:
    means: np.ndarray = values.reshape(-1, values.shape[-1]).mean(axis=0, dtype=np.float64)
    return means
