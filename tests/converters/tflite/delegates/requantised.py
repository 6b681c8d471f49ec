"""Other scales and zero points for a model of one operator: what else a delegate or a kernel may mind.

The values are never run, so any are valid. Constants keep theirs where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.converters.tflite.models import pack

_MIDDLE = {schema.TensorType.INT8: 0, schema.TensorType.UINT8: 128}
Ends = tuple[list[Any], list[Any], list[Any]]
"""Tensors of int8 or uint8 with one scale: inputs of the model, outputs, and constants."""


def _scale(factor: float) -> Callable[[Any], None]:
    def change(tensor: Any) -> None:
        tensor.quantization.scale = np.array(tensor.quantization.scale * factor, np.float32)

    return change


def _scale_to(value: float) -> Callable[[Any], None]:
    def change(tensor: Any) -> None:
        tensor.quantization.scale = np.array([value], np.float32)

    return change


def _zero(above_middle: int) -> Callable[[Any], None]:
    def change(tensor: Any) -> None:
        tensor.quantization.zeroPoint = np.array([_MIDDLE[tensor.type] + above_middle], np.int64)

    return change


def _each(change: Callable[[Any], None], tensors: list[Any]) -> None:
    for tensor in tensors:
        change(tensor)


def _alike(ends: Ends) -> None:
    _each(_scale_to(0.05), ends[0] + ends[1])
    _each(_zero(3), ends[0] + ends[1])


def _apart(ends: Ends) -> None:
    for index, tensor in enumerate(ends[0] + ends[1]):
        _scale_to(0.01 + 0.003 * index)(tensor)
        _zero(3 + index)(tensor)


CHANGES: dict[str, Callable[[Ends], None]] = {
    "output scale by 4": lambda ends: _each(_scale(4), ends[1]),
    "output scale nearly the same": lambda ends: _each(_scale(1.0005), ends[1]),
    "output scale of 1e-8": lambda ends: _each(_scale_to(1e-8), ends[1]),
    "output scale of 1000": lambda ends: _each(_scale_to(1000), ends[1]),
    "input scale by 4": lambda ends: _each(_scale(4), ends[0][:1]),
    "output zero point 11": lambda ends: _each(_zero(11), ends[1]),
    "lowest output zero point": lambda ends: _each(_zero(-128), ends[1]),
    "input zero point 11": lambda ends: _each(_zero(11), ends[0][:1]),
    "zero points 0": lambda ends: _each(_zero(0), ends[0] + ends[1]),
    "ends alike": _alike,
    "ends apart": _apart,
    "constants' zero point 5": lambda ends: _each(_zero(5), ends[2]),
}


def requantised(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Each change that makes another model of `data`, and that model."""
    seen = {data}
    for name, change in CHANGES.items():
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        change(_ends(model.subgraphs[0]))
        changed = pack(model)
        if changed not in seen:
            seen.add(changed)
            yield name, changed


def _ends(graph: Any) -> Ends:
    def asked(tensor: Any) -> bool:
        return (
            tensor.type in _MIDDLE and tensor.quantization is not None and len(tensor.quantization.scale) == 1
        )

    inputs, outputs = ([int(i) for i in ends] for ends in (graph.inputs, graph.outputs))
    rest = [i for i in range(len(graph.tensors)) if i not in (*inputs, *outputs)]
    first, second, third = (
        [graph.tensors[i] for i in numbers if asked(graph.tensors[i])] for numbers in (inputs, outputs, rest)
    )
    return first, second, third
