"""A .tflite model under construction, from the public schema alone."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.converters.tflite.models import pack

Kind = Literal["float32", "int8", "uint8", "dynamic", "float16", "int32"]
KINDS: tuple[Kind, ...] = ("float32", "int8", "uint8", "dynamic", "float16", "int32")
SHAPES = {1: (8,), 2: (4, 8), 3: (1, 4, 8), 4: (1, 4, 6, 8), 5: (1, 2, 3, 4, 8)}
_T = schema.TensorType
TYPES = {"float32": _T.FLOAT32, "int8": _T.INT8, "uint8": _T.UINT8, "int32": _T.INT32, "float16": _T.FLOAT16}
TYPES |= {"bool": _T.BOOL, "int64": _T.INT64}
STORED = {"float32": np.float32, "int8": np.int8, "uint8": np.uint8, "int32": np.int32, "float16": np.float16}
STORED |= {"int64": np.int64}
Quantisation = tuple[float, int]
IN: Quantisation = (0.05, 3)
OUT: Quantisation = (0.04, -5)


class Sketch:
    """A model under construction; tensors are numbers."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, "one operator"
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.graph = schema.SubGraphT()
        self.graph.name, self.graph.tensors, self.graph.operators = "main", [], []
        self.model.subgraphs = [self.graph]

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: str = "float32",
        quantisation: Quantisation | None = None,
        values: Any = None,
        channels: int | None = None,
        dynamic: bool = False,
    ) -> int:
        """One tensor; constant where it has values, quantised per channel where `channels` names an axis."""
        entry = schema.TensorT()
        entry.name, entry.shape = f"t{len(self.graph.tensors)}", np.array(shape, np.int32)
        entry.type = TYPES[dtype]
        if dynamic:
            entry.shapeSignature = np.array([-1, *shape[1:]], np.int32)
        if dtype in ("int8", "uint8") or (quantisation is not None and dtype == "int32"):
            scale, zero = quantisation or IN
            if dtype == "uint8":
                zero += 128
            count = 1 if channels is None else shape[channels]
            parameters = schema.QuantizationParametersT()
            parameters.scale = np.full(count, scale, np.float32)
            parameters.zeroPoint = np.full(count, zero, np.int64)
            parameters.quantizedDimension = channels or 0
            entry.quantization = parameters
        if values is not None:
            buffer = schema.BufferT()
            array = np.broadcast_to(np.asarray(values, STORED[dtype]), shape)
            buffer.data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            entry.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(entry)
        return len(self.graph.tensors) - 1

    def operator(
        self, name: str, inputs: list[int], outputs: list[int], version: int = 1, **options: Any
    ) -> None:
        """One operator; `kind` names its options' table, the rest are fields of it."""
        code = getattr(schema.BuiltinOperator, name)
        known = schema.OperatorCodeT()
        known.builtinCode, known.deprecatedBuiltinCode, known.version = code, min(code, 127), version
        self.model.operatorCodes.append(known)
        entry = schema.OperatorT()
        entry.opcodeIndex = len(self.model.operatorCodes) - 1
        entry.inputs, entry.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        kind = options.pop("kind", None)
        if kind is not None:
            table = getattr(schema, f"{kind}T")()
            for field, value in options.items():
                assert hasattr(table, field), f"{kind} has no {field}"
                setattr(table, field, value)
            entry.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            entry.builtinOptions = table
        self.graph.operators.append(entry)

    def packed(self, inputs: list[int], outputs: list[int]) -> bytes:
        self.graph.inputs, self.graph.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        return pack(self.model)
