"""A .tflite file's operators with all that a delegate looks at: types, shapes, constants, options.

The file is only read, within bounds (`bounded.py`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from converters.tflite.bounded import Table
from converters.tflite.inspect import (
    BufferInfo,
    TensorInfo,
    buffer_info,
    check_within,
    operator_code,
    tensor_info,
)
from converters.tflite.model_schema import (
    BufferField,
    ModelField,
    OperatorField,
    QuantizationField,
    SubGraphField,
    TensorField,
    buffer_range,
    open_model,
    read_file,
)
from swiftformer_keras.shown import shown

_MAX_ENDS = 4096  # inputs or outputs of one operator
_MAX_CHANNELS = 1 << 20  # scales of one tensor
_SMALL_BYTES = 128  # constants up to this size are read: axes, paddings, shapes, one epsilon
_NUMBERS = {"int32": "<i4", "int64": "<i8", "float32": "<f4"}

_OPTIONS: Mapping[str, Mapping[str, tuple[int, str, float]]] = {
    "ADD": {"activation": (0, "b", 0)},
    "SUB": {"activation": (0, "b", 0)},
    "MUL": {"activation": (0, "b", 0)},
    "DIV": {"activation": (0, "b", 0)},
    "L2_NORMALIZATION": {"activation": (0, "b", 0)},
    "CONCATENATION": {"activation": (1, "b", 0)},
    "CONV_2D": {"activation": (3, "b", 0), "dilation_w": (4, "i", 1), "dilation_h": (5, "i", 1)},
    "DEPTHWISE_CONV_2D": {
        "multiplier": (3, "i", 0),
        "activation": (4, "b", 0),
        "dilation_w": (5, "i", 1),
        "dilation_h": (6, "i", 1),
    },
    "FULLY_CONNECTED": {"activation": (0, "b", 0), "keep_dims": (2, "B", 0)},
    "AVERAGE_POOL_2D": {"filter_w": (3, "i", 0), "filter_h": (4, "i", 0), "activation": (5, "b", 0)},
    "MAX_POOL_2D": {"filter_w": (3, "i", 0), "filter_h": (4, "i", 0), "activation": (5, "b", 0)},
    "RESIZE_BILINEAR": {"align_corners": (2, "B", 0), "half_pixels": (3, "B", 0)},
    "RESIZE_NEAREST_NEIGHBOR": {"align_corners": (0, "B", 0), "half_pixels": (1, "B", 0)},
    "PACK": {"axis": (1, "i", 0)},
    "LEAKY_RELU": {"alpha": (0, "f", 0)},
}
"""Slot, `struct` code and default of the options that rules ask for, by operator (public schema, version 3)."""


@dataclasses.dataclass(frozen=True)
class Operand:
    """One input or output.

    Attributes:
        tensor: its name, shape (-1 where chosen at run time), type and quantisation.
        constant: its values are in the file.
        stored: the type its values have in the file: "float16" where a DEQUANTIZE of a constant makes it.
        values: of a small constant; None otherwise.
        largest_scale: of its quantisation, be it one or one for each channel; None where it has none.
    """

    tensor: TensorInfo
    constant: bool
    stored: str
    values: tuple[float, ...] | None = None
    largest_scale: float | None = None

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.tensor.shape)


@dataclasses.dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        inputs, outputs: an optional input that is left out is None.
        options: those of the operator that rules ask for, by name.
    """

    index: int
    name: str
    version: int
    inputs: tuple[Operand | None, ...]
    outputs: tuple[Operand, ...]
    options: Mapping[str, float]

    def input(self, index: int) -> Operand | None:
        """One input, or None where there is none."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def runtime_inputs(self) -> tuple[Operand, ...]:
        """Inputs that are computed."""
        return tuple(operand for operand in self.inputs if operand is not None and not operand.constant)

    @property
    def widens_a_constant(self) -> bool:
        """Whether this is the DEQUANTIZE of 16-bit weights, which runtimes do once, when they load the file."""
        source = self.input(0)
        return (
            self.name == "DEQUANTIZE"
            and source is not None
            and source.constant
            and source.tensor.dtype == "float16"
        )


@dataclasses.dataclass(frozen=True)
class Graph:
    """The first subgraph of a file, in the order in which it runs.

    Attributes:
        outside_bytes: weights kept behind the flatbuffer.
        more_graphs: further subgraphs, which are not looked at.
    """

    operators: tuple[Operator, ...]
    outside_bytes: int
    more_graphs: int


def read_graph(path: Path | str) -> Graph:
    """Read a file's first subgraph.

    Raises:
        TFLiteFileError: it is no .tflite file, is damaged, or refers to more than it holds.
    """
    where = shown(path)
    model = open_model(read_file(Path(path)), where)
    tables = list(model.tables(ModelField.BUFFERS))
    buffers = [buffer_info(table, where) for table in tables]
    codes = [operator_code(code) for code in model.tables(ModelField.OPERATOR_CODES)]
    graph, *more = model.tables(ModelField.SUBGRAPHS)
    operands = [
        _operand(index, tensor, tables, buffers, where)
        for index, tensor in enumerate(graph.tables(SubGraphField.TENSORS))
    ]
    operators: list[Operator] = []
    for index, table in enumerate(graph.tables(SubGraphField.OPERATORS)):
        code = table.integer(OperatorField.OPCODE_INDEX, "I")
        check_within(code, len(codes), "operator code", where)
        name, version = codes[code]
        outputs = _ends(table, OperatorField.OUTPUTS, operands, where)
        operator = Operator(
            index=index,
            name=name,
            version=version,
            inputs=_ends(table, OperatorField.INPUTS, operands, where),
            outputs=tuple(output for output in outputs if output is not None),
            options=_options(name, table),
        )
        if operator.widens_a_constant:
            for output in operator.outputs:
                operands[output.tensor.index] = dataclasses.replace(output, constant=True, stored="float16")
        operators.append(operator)
    return Graph(tuple(operators), sum(b.size for b in buffers if b.outside), len(more))


def _operand(index: int, table: Table, tables: list[Table], buffers: list[BufferInfo], where: str) -> Operand:
    buffer = table.integer(TensorField.BUFFER, "I")
    check_within(buffer, len(buffers), "buffer", where)
    info = tensor_info(index, table, buffers[buffer].size)
    return Operand(
        tensor=info,
        constant=info.constant_bytes > 0,
        stored=info.dtype,
        values=_values(info, tables[buffer], where),
        largest_scale=_largest_scale(table),
    )


def _largest_scale(table: Table) -> float | None:
    parameters = table.table(TensorField.QUANTIZATION)
    scales = () if parameters is None else parameters.numbers(QuantizationField.SCALE, "<f4", _MAX_CHANNELS)
    return max(scales, default=None)


def _values(info: TensorInfo, buffer: Table, where: str) -> tuple[float, ...] | None:
    """The numbers of a small constant."""
    kind = _NUMBERS.get(info.dtype)
    if kind is None or not 0 < info.constant_bytes <= _SMALL_BYTES:
        return None
    outside = buffer_range(buffer, where)
    raw = buffer.raw(BufferField.DATA)
    if outside is not None:
        raw = buffer.source.data[outside[0] : outside[0] + outside[1]]
    if raw is None or len(raw) % np.dtype(kind).itemsize:
        return None
    return tuple(np.frombuffer(raw, kind).tolist())


def _ends(table: Table, slot: int, operands: list[Operand], where: str) -> tuple[Operand | None, ...]:
    ends: list[Operand | None] = []
    for number in table.numbers(slot, "<i4", _MAX_ENDS):
        index = int(number)
        if index == -1:
            ends.append(None)
            continue
        check_within(index, len(operands), "tensor", where)
        ends.append(operands[index])
    return tuple(ends)


def _options(name: str, table: Table) -> dict[str, float]:
    known = _OPTIONS.get(name, {})
    options = table.table(OperatorField.OPTIONS) if known else None
    found: dict[str, float] = {}
    for key, (slot, code, default) in known.items():
        if options is None:
            found[key] = default
        elif code == "f":
            found[key] = options.real(slot, default)
        else:
            found[key] = options.integer(slot, code, int(default))
    return found
