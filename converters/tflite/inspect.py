"""What a .tflite file holds: tensors, operators, sizes, quantisation, metadata.

In comes any file, ours or not; out comes an `Inspection`. The file is only read, within bounds
(`bounded.py`), and never run.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from converters.tflite import associated_files
from converters.tflite.bounded import Table
from converters.tflite.card import CARD_FILE
from converters.tflite.metadata import ModelCard, read_metadata, read_standard_metadata
from converters.tflite.metadata_schema import StandardMetadata
from converters.tflite.model_schema import (
    BufferField,
    ModelField,
    OperatorCodeField,
    OperatorField,
    QuantizationField,
    SignatureField,
    SubGraphField,
    TensorField,
    TensorMapField,
    buffer_range,
    named_buffer,
    open_model,
    read_file,
)
from swiftformer_keras.errors import TFLiteFileError
from swiftformer_keras.shown import shown

Quantisation = Literal["none", "per-tensor", "per-channel"]
_MAX_RANK = 32
_MAX_NAME = 1000  # characters shown; litert-torch names a tensor after its whole module path
_CUSTOM = 32  # BuiltinOperator.CUSTOM


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """One tensor of a graph.

    Attributes:
        shape: -1 where a size is chosen at run time.
        constant_bytes: bytes of its values in the file; 0 for one that is computed.
        quantisation: "per-channel" has a scale for each index of axis `axis`.
        scale, zero_point: of a per-tensor quantisation.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    constant_bytes: int
    quantisation: Quantisation
    scale: float | None = None
    zero_point: int | None = None
    axis: int | None = None


@dataclasses.dataclass(frozen=True)
class OperatorCount:
    """How often an operator occurs in one version."""

    name: str
    version: int
    count: int


@dataclasses.dataclass(frozen=True)
class GraphInfo:
    """One subgraph; `inputs` and `outputs` are indices into `tensors`, operators are sorted by count."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    tensors: tuple[TensorInfo, ...]
    operators: tuple[OperatorCount, ...]


@dataclasses.dataclass(frozen=True)
class SignatureInfo:
    """A named entry point: names of its inputs and outputs and the subgraph it runs."""

    key: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    graph: int


@dataclasses.dataclass(frozen=True)
class Inspection:
    """Everything `swiftformer inspect` shows of a file.

    Attributes:
        weights_bytes: all constants together; a buffer that tensors share counts once.
        outside_bytes: those of them kept behind the flatbuffer.
        other_files: how many constants the model wants to read from other files.
        files: associated files and their sizes in bytes.
        card: what this project wrote into the file, or None.
        card_problem: why the card cannot be trusted, or None.
        standard: what standard TFLite metadata says, or None.
        minimum_runtime: oldest TFLite version that runs the file, where the converter wrote it.
    """

    path: str
    file_bytes: int
    description: str
    weights_bytes: int
    outside_bytes: int
    other_files: int
    graphs: tuple[GraphInfo, ...]
    signatures: tuple[SignatureInfo, ...]
    files: dict[str, int]
    card: ModelCard | None
    card_problem: str | None
    standard: StandardMetadata | None
    minimum_runtime: str | None

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Inputs of the first graph."""
        return tuple(self.graphs[0].tensors[index] for index in self.graphs[0].inputs)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Outputs of the first graph."""
        return tuple(self.graphs[0].tensors[index] for index in self.graphs[0].outputs)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in ("graphs", "signatures"):
            values[name] = [dataclasses.asdict(entry) for entry in values[name]]
        values["card"] = None if self.card is None else self.card.to_dict()
        values["standard"] = None if self.standard is None else self.standard.to_dict()
        return values


def inspect_tflite(path: Path | str) -> Inspection:
    """Read what a .tflite file holds, without running it.

    Raises:
        TFLiteFileError: it is no .tflite file, is damaged, or refers to more than it holds.
    """
    where = shown(path)
    data = read_file(Path(path))
    model = open_model(data, where)
    buffers = [buffer_info(buffer, where) for buffer in model.tables(ModelField.BUFFERS)]
    codes = [operator_code(code) for code in model.tables(ModelField.OPERATOR_CODES)]
    used: set[int] = set()
    graphs = tuple(_graph(graph, codes, buffers, used, where) for graph in model.tables(ModelField.SUBGRAPHS))
    card, problem = None, None
    files = associated_files.list_files(data, where)
    if CARD_FILE in files:
        try:
            card = read_metadata(data, where=where)
        except TFLiteFileError as error:
            problem = str(error)
    runtime = named_buffer(model, "min_runtime_version", where)
    return Inspection(
        path=str(path),
        file_bytes=len(data),
        description=model.text(ModelField.DESCRIPTION),
        weights_bytes=sum(buffers[index].size for index in used),
        outside_bytes=sum(buffers[index].size for index in used if buffers[index].outside),
        other_files=model.length(ModelField.EXTERNAL_BUFFERS),
        graphs=graphs,
        signatures=tuple(_signature(entry) for entry in model.tables(ModelField.SIGNATURE_DEFS)),
        files=files,
        card=card,
        card_problem=problem,
        standard=read_standard_metadata(data, where=where),
        minimum_runtime=None
        if runtime is None
        else shown(str(runtime, "ascii", "replace").rstrip("\0"), 32) or None,
    )


@dataclasses.dataclass(frozen=True)
class BufferInfo:
    """How many bytes a buffer has, and whether they lie behind the flatbuffer."""

    size: int
    outside: bool


def buffer_info(table: Table, where: str) -> BufferInfo:
    """One entry of the model's list of buffers."""
    outside = buffer_range(table, where)
    if outside is not None:
        return BufferInfo(outside[1], True)
    content = table.raw(BufferField.DATA)
    return BufferInfo(0 if content is None else len(content), False)


def operator_code(table: Table) -> tuple[str, int]:
    """Name and version of an entry of `Model.operator_codes`. Codes above 127 are only in the newer of two fields."""
    code = max(
        table.integer(OperatorCodeField.DEPRECATED_BUILTIN_CODE, "b"),
        table.integer(OperatorCodeField.BUILTIN_CODE, "i"),
    )
    name = _names("BuiltinOperator").get(code, f"BUILTIN_{code}")
    if code == _CUSTOM:
        name = f"CUSTOM:{shown(table.text(OperatorCodeField.CUSTOM_CODE), 60)}"
    return name, table.integer(OperatorCodeField.VERSION, "i", 1)


def _graph(
    table: Table, codes: list[tuple[str, int]], buffers: list[BufferInfo], used: set[int], where: str
) -> GraphInfo:
    """One subgraph; adds the buffers that its tensors have to `used`."""
    tensors = []
    for index, tensor in enumerate(table.tables(SubGraphField.TENSORS)):
        buffer = tensor.integer(TensorField.BUFFER, "I")
        check_within(buffer, len(buffers), "buffer", where)
        used.add(buffer)
        tensors.append(tensor_info(index, tensor, buffers[buffer].size))
    operators: Counter[tuple[str, int]] = Counter()
    for operator in table.tables(SubGraphField.OPERATORS):
        code = operator.integer(OperatorField.OPCODE_INDEX, "I")
        check_within(code, len(codes), "operator code", where)
        operators[codes[code]] += 1
    ends = []
    for slot in (SubGraphField.INPUTS, SubGraphField.OUTPUTS):
        indices = tuple(int(index) for index in table.numbers(slot, "<i4", len(tensors)))
        for index in indices:
            check_within(index, len(tensors), "tensor", where)
        ends.append(indices)
    ordered = sorted(operators.items(), key=lambda item: (-item[1], item[0]))
    return GraphInfo(
        name=shown(table.text(SubGraphField.NAME)),
        inputs=ends[0],
        outputs=ends[1],
        tensors=tuple(tensors),
        operators=tuple(OperatorCount(name, version, count) for (name, version), count in ordered),
    )


def tensor_info(index: int, table: Table, constant_bytes: int) -> TensorInfo:
    """One tensor, whose buffer has `constant_bytes`."""
    shape = table.numbers(TensorField.SHAPE, "<i4", _MAX_RANK)
    signature = table.numbers(TensorField.SHAPE_SIGNATURE, "<i4", _MAX_RANK)  # has -1 where shape has 1
    known: dict[str, Any] = {
        "index": index,
        "name": shown(table.text(TensorField.NAME), _MAX_NAME),
        "shape": tuple(int(size) for size in signature or shape),
        "dtype": tensor_type(table),
        "constant_bytes": constant_bytes,
    }
    parameters = table.table(TensorField.QUANTIZATION)
    scales = 0 if parameters is None else parameters.length(QuantizationField.SCALE)
    if parameters is None or scales == 0:
        return TensorInfo(**known, quantisation="none")
    if scales > 1:
        axis = parameters.integer(QuantizationField.QUANTIZED_DIMENSION, "i")
        return TensorInfo(**known, quantisation="per-channel", axis=axis)
    zero_points = parameters.numbers(QuantizationField.ZERO_POINT, "<i8", 1)
    return TensorInfo(
        **known,
        quantisation="per-tensor",
        scale=float(parameters.numbers(QuantizationField.SCALE, "<f4", 1)[0]),
        zero_point=int(zero_points[0]) if zero_points else 0,
    )


def tensor_type(table: Table) -> str:
    """Name of a tensor's type, such as "float32"."""
    code = table.integer(TensorField.TYPE, "b")
    return _names("TensorType").get(code, f"TYPE_{code}").lower()


def _signature(table: Table) -> SignatureInfo:
    def names(slot: int) -> tuple[str, ...]:
        return tuple(shown(entry.text(TensorMapField.NAME)) for entry in table.tables(slot))

    return SignatureInfo(
        key=shown(table.text(SignatureField.SIGNATURE_KEY)),
        inputs=names(SignatureField.INPUTS),
        outputs=names(SignatureField.OUTPUTS),
        graph=table.integer(SignatureField.SUBGRAPH_INDEX, "I"),
    )


def check_within(index: int, length: int, what: str, where: str) -> None:
    """Refuse an index into a list that is shorter."""
    if not 0 <= index < length:
        raise TFLiteFileError(
            f"{where}: damaged: it refers to {what} {index}, but has {length}. Get it again"
        )


@functools.cache
def _names(enum: str) -> dict[int, str]:
    """Names of an enum of the public schema, from LiteRT's copy of it."""
    from ai_edge_litert import schema_py_generated as schema

    return {value: name for name, value in vars(getattr(schema, enum)).items() if isinstance(value, int)}
