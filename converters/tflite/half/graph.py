"""The graph of a .tflite file as plain facts: tensors with their constants, operators with their options.

Read within bounds (`bounded.py`); every size that is allocated later is a declared shape that was checked here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from converters.tflite.bounded import Table
from converters.tflite.inspect import operator_code, tensor_type
from converters.tflite.model_schema import (
    BufferField,
    ModelField,
    OperatorField,
    SubGraphField,
    TensorField,
    buffer_range,
    open_model,
)
from swiftformer_keras.errors import TFLiteFileError
from swiftformer_keras.shown import shown

MAX_RANK = 8
MAX_ELEMENTS = 1 << 26
"""Most elements of one tensor: the largest map of a SwiftFormer-L3 at 2048 pixels has 2^25."""

DTYPES: Mapping[str, np.dtype] = MappingProxyType(
    {name: np.dtype(name).newbyteorder("<") for name in ("float32", "float16", "int32", "int64")}
)
"""Types of constants whose values are read."""

SAME, VALID = 0, 1
"""Values of the schema's `Padding`."""

_OPTIONS: Mapping[str, Mapping[str, tuple[int, str, int]]] = MappingProxyType(
    {  # name of the option: slot in the schema's table, code of its type, default
        "CONV_2D": {
            "padding": (0, "b", SAME),
            "stride_w": (1, "i", 0),
            "stride_h": (2, "i", 0),
            "activation": (3, "b", 0),
            "dilation_w": (4, "i", 1),
            "dilation_h": (5, "i", 1),
        },
        "DEPTHWISE_CONV_2D": {
            "padding": (0, "b", SAME),
            "stride_w": (1, "i", 0),
            "stride_h": (2, "i", 0),
            "activation": (4, "b", 0),
            "dilation_w": (5, "i", 1),
            "dilation_h": (6, "i", 1),
        },
        "FULLY_CONNECTED": {
            "activation": (0, "b", 0),
            "weights_format": (1, "b", 0),
            "keep_num_dims": (2, "b", 0),
        },
        "CONCATENATION": {"axis": (0, "i", 0), "activation": (1, "b", 0)},
        "GELU": {"approximate": (0, "b", 0)},
        **{name: {"activation": (0, "b", 0)} for name in ("ADD", "SUB", "MUL", "DIV", "L2_NORMALIZATION")},
        **{name: {"keep_dims": (0, "b", 0)} for name in ("MEAN", "SUM", "REDUCE_MAX")},
    }
)
_SOFTMAX_BETA = 0  # the one option that is a real number


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One tensor; `constant` has its values where the file does, else None."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    constant: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Operator:
    """One operator: its name in the schema, tensors by index (-1 for an input that is left out), and options."""

    index: int
    name: str
    inputs: tuple[int, ...]
    output: int
    options: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Graph:
    """A file of one picture in and one row of scores out; operators stand in the order they run.

    A DEQUANTIZE of stored float16 weights is no operator here but their values, as in every runtime that loads it.
    """

    where: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    input: int
    output: int


def read_graph(data: bytes, where: str) -> Graph:
    """Read the first subgraph of a .tflite file.

    Raises:
        TFLiteFileError: it is no .tflite file or damaged, has more than one input or output, sizes that are
            chosen at run time, a tensor of more than `MAX_ELEMENTS`, or an operator before what it needs.
    """
    model = open_model(data, where)
    codes = [operator_code(code)[0] for code in model.tables(ModelField.OPERATOR_CODES)]
    buffers = [_content(buffer, data, where) for buffer in model.tables(ModelField.BUFFERS)]
    graph = model.element(ModelField.SUBGRAPHS, 0)
    tensors = tuple(
        _tensor(index, table, buffers, where)
        for index, table in enumerate(graph.tables(SubGraphField.TENSORS))
    )
    ends = []
    for what, slot in (("inputs", SubGraphField.INPUTS), ("outputs", SubGraphField.OUTPUTS)):
        indices = [int(index) for index in graph.numbers(slot, "<i4", len(tensors))]
        if len(indices) != 1:
            raise TFLiteFileError(
                f"{where}: has {len(indices)} {what}, but an image classifier has one. Use another file"
            )
        if not 0 <= indices[0] < len(tensors):
            raise TFLiteFileError(f"{where}: damaged: its {what} are no tensors of it. Get it again")
        ends += indices
    operators = tuple(
        _operator(index, table, codes, len(tensors), where)
        for index, table in enumerate(graph.tables(SubGraphField.OPERATORS))
    )
    found = Graph(where, tensors, operators, *ends)
    _check_order(found)
    return _with_stored_weights(found)


def _with_stored_weights(graph: Graph) -> Graph:
    tensors, operators = list(graph.tensors), []
    for operator in graph.operators:
        result = tensors[operator.output]
        loads = operator.name == "DEQUANTIZE" and len(operator.inputs) == 1 and operator.inputs[0] >= 0
        stored = tensors[operator.inputs[0]].constant if loads else None
        if stored is None or stored.shape != result.shape:
            operators.append(operator)
        else:
            tensors[operator.output] = dataclasses.replace(result, constant=stored.astype(np.float32))
    return dataclasses.replace(graph, tensors=tuple(tensors), operators=tuple(operators))


def _content(buffer: Table, data: bytes, where: str) -> memoryview:
    outside = buffer_range(buffer, where)
    if outside is not None:
        return memoryview(data)[outside[0] : outside[0] + outside[1]]
    return buffer.raw(BufferField.DATA) or memoryview(b"")


def _tensor(index: int, table: Table, buffers: list[memoryview], where: str) -> Tensor:
    name = shown(table.text(TensorField.NAME), 200)
    shape = tuple(int(size) for size in table.numbers(TensorField.SHAPE, "<i4", MAX_RANK))
    if any(size < 0 for size in (*shape, *table.numbers(TensorField.SHAPE_SIGNATURE, "<i4", MAX_RANK))):
        raise TFLiteFileError(
            f"{where}: tensor {name!r} has a size that is chosen at run time. Export it with fixed sizes"
        )
    if math.prod(shape) > MAX_ELEMENTS:
        raise TFLiteFileError(
            f"{where}: tensor {name!r} has {math.prod(shape):,} elements, and {MAX_ELEMENTS:,} are the most. "
            "Use a smaller input"
        )
    dtype = tensor_type(table)
    number = table.integer(TensorField.BUFFER, "I")
    if number >= len(buffers):
        raise TFLiteFileError(f"{where}: damaged: tensor {name!r} has no buffer. Get it again")
    constant = None
    if len(buffers[number]) and dtype in DTYPES:
        kind = DTYPES[dtype]
        if len(buffers[number]) != math.prod(shape) * kind.itemsize:
            raise TFLiteFileError(
                f"{where}: damaged: tensor {name!r} of shape {shape} has {len(buffers[number]):,} bytes. Get it again"
            )
        constant = np.frombuffer(buffers[number], kind).reshape(shape)
    return Tensor(index, name, shape, dtype, constant)


def _operator(index: int, table: Table, codes: list[str], tensors: int, where: str) -> Operator:
    code = table.integer(OperatorField.OPCODE_INDEX, "I")
    inputs = tuple(int(i) for i in table.numbers(OperatorField.INPUTS, "<i4", 1 << 10))
    outputs = tuple(int(i) for i in table.numbers(OperatorField.OUTPUTS, "<i4", 1 << 10))
    if (
        code >= len(codes)
        or any(not -1 <= i < tensors for i in inputs)
        or any(not 0 <= i < tensors for i in outputs)
    ):
        raise TFLiteFileError(f"{where}: damaged: operator {index} refers to what is not there. Get it again")
    name = codes[code]
    if len(outputs) != 1:
        raise TFLiteFileError(
            f"{where}: operator {index} ({name}) has {len(outputs)} results, and only operators of one are known "
            "here. Export the model with swiftformer export"
        )
    own = table.table(OperatorField.OPTIONS)
    options: dict[str, float] = {
        option: default if own is None else own.integer(slot, code, default)
        for option, (slot, code, default) in _OPTIONS.get(name, {}).items()
    }
    if name == "SOFTMAX":
        options["beta"] = 0.0 if own is None else own.real(_SOFTMAX_BETA)
    return Operator(index, name, inputs, outputs[0], options)


def _check_order(graph: Graph) -> None:
    """Every tensor is there before it is needed, and is made once."""
    there = {tensor.index for tensor in graph.tensors if tensor.constant is not None} | {graph.input}
    for operator in graph.operators:
        if operator.output in there or any(index >= 0 and index not in there for index in operator.inputs):
            _refuse_types(graph, operator)
            raise TFLiteFileError(
                f"{graph.where}: damaged: operator {operator.index} ({operator.name}) comes before what it needs, "
                "or writes what is there already. Get it again"
            )
        there.add(operator.output)
    if graph.output not in there:
        raise TFLiteFileError(f"{graph.where}: damaged: nothing makes its output. Get it again")


def _refuse_types(graph: Graph, operator: Operator) -> None:
    """An input without values may be one whose type is not read."""
    for index in operator.inputs:
        if index < 0:
            continue
        tensor = graph.tensors[index]
        if tensor.dtype not in DTYPES:
            raise TFLiteFileError(
                f"{graph.where}: operator {operator.index} ({operator.name}) takes {tensor.dtype} "
                f"({tensor.name!r}), and half-precision arithmetic is that of float files. "
                "Give a float16 or float32 file"
            )
