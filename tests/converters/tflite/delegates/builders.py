"""How each shape of operator is built: one in, two in, with constants, with weights, ...

A builder takes the type of arithmetic and the rank and gives the packed model. Operator versions are those that the
converter writes for a type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.converters.tflite.delegates.sketch import IN, OUT, SHAPES, Kind, Quantisation, Sketch

Build = Callable[[Kind, int], bytes]

SIGMOID, TANH = (1 / 256, -128), (1 / 128, 0)
UNARY: dict[str, tuple[str | None, Quantisation]] = {
    "ABS": ("AbsOptions", IN),
    "CEIL": (None, IN),
    "COS": ("CosOptions", IN),
    "ELU": (None, IN),
    "EXP": ("ExpOptions", OUT),
    "FLOOR": (None, IN),
    "GELU": ("GeluOptions", OUT),
    "HARD_SWISH": ("HardSwishOptions", OUT),
    "LEAKY_RELU": ("LeakyReluOptions", OUT),
    "LOG": (None, OUT),
    "LOGISTIC": (None, SIGMOID),
    "LOG_SOFTMAX": ("LogSoftmaxOptions", (16 / 256, 127)),
    "L2_NORMALIZATION": ("L2NormOptions", TANH),
    "NEG": ("NegOptions", IN),
    "RELU": (None, IN),
    "RELU6": (None, IN),
    "RELU_N1_TO_1": (None, IN),
    "ROUND": (None, IN),
    "RSQRT": (None, OUT),
    "SIN": (None, IN),
    "SQRT": (None, OUT),
    "SQUARE": ("SquareOptions", IN),
    "TANH": (None, TANH),
}
BINARY = {
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "DIV": "DivOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "POW": "PowOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
}

# Version of an operator by type where it is not 1, as the converter writes it.
INT8_VERSION = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "TRANSPOSE_CONV": 2,
    "RESHAPE": 1,
    "RELU": 2,
    "RELU6": 2,
    "RELU_N1_TO_1": 1,
    "HARD_SWISH": 1,
    "GELU": 1,
    "TILE": 1,
    "ELU": 1,
    "NEG": 1,
    "SQUEEZE": 1,
    "EXPAND_DIMS": 1,
    "BROADCAST_TO": 2,
    "QUANTIZE": 1,
    "MIRROR_PAD": 2,
    "PRELU": 1,
    "SQUARE": 1,
    "COS": 1,
    "SIN": 1,
    "FLOOR": 1,
    "CEIL": 1,
    "ROUND": 1,
    "POW": 1,
    "DIV": 1,
    "BATCH_MATMUL": 2,
}
UINT8_VERSION = {"BROADCAST_TO": 2}
DYNAMIC_VERSION = {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 3, "BATCH_MATMUL": 1}
FLOAT_VERSION = {"BROADCAST_TO": 2}


def version_of(operator: str, kind: Kind) -> int:
    if kind == "int8":
        return INT8_VERSION.get(operator, 2)
    if kind == "uint8":
        return UINT8_VERSION.get(operator, 1)
    if kind == "dynamic":
        return DYNAMIC_VERSION.get(operator, 1)
    return FLOAT_VERSION.get(operator, 1)


def _activation(kind: Kind) -> str:
    return "float32" if kind in ("dynamic", "float16") else kind


def unary(operator: str, out: Quantisation = IN, **options: Any) -> Build:
    def build(kind: Kind, rank: int) -> bytes:
        sketch, dtype = Sketch(), _activation(kind)
        source = sketch.tensor(SHAPES[rank], dtype, IN)
        target = sketch.tensor(SHAPES[rank], dtype, out)
        sketch.operator(operator, [source], [target], version_of(operator, kind), **options)
        return sketch.packed([source], [target])

    return build


def binary(
    operator: str,
    second: str = "runtime",
    out: Quantisation = OUT,
    dynamic: bool = False,
    batch: int | None = None,
    **options: Any,
) -> Build:
    """`second`: "runtime", "vector" (a constant of the channels), or "scalar" (a constant)."""

    def build(kind: Kind, rank: int) -> bytes:
        sketch, dtype = Sketch(), _activation(kind)
        shape = SHAPES[rank] if batch is None else (batch, *SHAPES[rank][1:])
        source = sketch.tensor(shape, dtype, IN, dynamic=dynamic)
        if second == "runtime":
            other = sketch.tensor(shape, dtype, (0.03, 1), dynamic=dynamic)
        else:
            other = sketch.tensor((8,) if second == "vector" else (), dtype, (0.03, 1), values=2)
        target = sketch.tensor(shape, dtype, out, dynamic=dynamic)
        sketch.operator(operator, [source, other], [target], version_of(operator, kind), **options)
        return sketch.packed([source] + [other] * (second == "runtime"), [target])

    return build


def with_constants(
    operator: str,
    constants: Callable[[int], list[Any]],
    shape: Callable[[int], tuple[int, ...]],
    out: Quantisation = IN,
    first: int = 0,
    outputs: int = 1,
    out_type: str | None = None,
    computed: bool = False,
    **options: Any,
) -> Build:
    """One runtime input and int32 constants by rank.

    `first`: constants that come before the input; `computed`: they are inputs of the model instead.
    """

    def build(kind: Kind, rank: int) -> bytes:
        sketch, dtype = Sketch(), _activation(kind)
        source = sketch.tensor(SHAPES[rank], dtype, IN)
        made = [
            sketch.tensor(np.shape(value), "int32", values=None if computed else np.asarray(value))
            for value in constants(rank)
        ]
        targets = [sketch.tensor(shape(rank), out_type or dtype, out) for _ in range(outputs)]
        inputs = [*made[:first], source, *made[first:]]
        filled = {k: v(rank) if callable(v) else v for k, v in options.items()}
        sketch.operator(operator, inputs, targets, version_of(operator, kind), **filled)
        return sketch.packed([source, *made] if computed else [source], targets)

    return build


def weighted(
    operator: str,
    bias: bool = True,
    per_channel: bool = True,
    dynamic: bool = False,
    runtime: bool = False,
    version: int | None = None,
    **options: Any,
) -> Build:
    """An operator with weights, which a kind may store in another type than the activations.

    `runtime`: the weights are an input; `dynamic`: the batch is chosen at run time; `version`: of the operator, where
    it is not the converter's.
    """

    def build(kind: Kind, rank: int) -> bytes:
        sketch, dtype = Sketch(), _activation(kind)
        source = sketch.tensor(SHAPES[rank], dtype, IN, dynamic=dynamic)
        shape, axis, count = {
            "CONV_2D": ((16, 1, 1, 8), 0, 16),
            "DEPTHWISE_CONV_2D": ((1, 3, 3, 8), 3, 8),
            "FULLY_CONNECTED": ((16, 8), 0, 16),
            "TRANSPOSE_CONV": ((16, 2, 2, 8), 0, 16),
        }[operator]
        stored = {"dynamic": "int8", "float16": "float16"}.get(kind, dtype)
        channels = axis if stored == "int8" and per_channel else None
        weights = sketch.tensor(shape, stored, (0.01, 0), values=None if runtime else 1, channels=channels)
        if kind == "float16":
            widened = sketch.tensor(shape)
            sketch.operator("DEQUANTIZE", [weights], [widened], 3, kind="DequantizeOptions")
            weights = widened
        inputs = [source, weights]
        if bias:
            quantised = (0.0005, 0) if kind in ("int8", "uint8") else None
            of = "int32" if quantised else dtype
            per = 0 if kind == "int8" and per_channel else None
            inputs.append(sketch.tensor((count,), of, quantised, values=1, channels=per))
        *middle, _ = SHAPES[rank]
        if operator == "TRANSPOSE_CONV":
            target = sketch.tensor((1, 8, 12, count), dtype, OUT)
            size = sketch.tensor((4,), "int32", values=np.array([1, 8, 12, count]))
            inputs = [size, weights, source, *inputs[2:]]
        else:
            target = sketch.tensor((*middle, count), dtype, OUT, dynamic=dynamic)
        sketch.operator(operator, inputs, [target], version or version_of(operator, kind), **options)
        return sketch.packed([source, weights] if runtime else [source], [target])

    return build


def batch_matmul(constant: bool) -> Build:
    def build(kind: Kind, rank: int) -> bytes:
        sketch, dtype = Sketch(), _activation(kind)
        *lead, rows, inner = SHAPES[rank]
        shape = (*lead, inner, 4)
        stored = "int8" if kind == "dynamic" else dtype
        a = sketch.tensor(SHAPES[rank], dtype, IN)
        b = sketch.tensor(shape, stored, (0.03, 0), values=1 if constant else None)
        target = sketch.tensor((*lead, rows, 4), dtype, OUT)
        sketch.operator(
            "BATCH_MATMUL", [a, b], [target], version_of("BATCH_MATMUL", kind), kind="BatchMatMulOptions"
        )
        return sketch.packed([a] if constant else [a, b], [target])

    return build


def concatenation(out: Quantisation, activation: int = 0) -> Build:
    def build(kind: Kind, rank: int) -> bytes:
        sketch, dtype = Sketch(), _activation(kind)
        parts = [sketch.tensor(SHAPES[rank], dtype, IN) for _ in range(2)]
        target = sketch.tensor((*SHAPES[rank][:-1], 16), dtype, out)
        sketch.operator(
            "CONCATENATION",
            parts,
            [target],
            version_of("CONCATENATION", kind),
            kind="ConcatenationOptions",
            axis=-1,
            fusedActivationFunction=activation,
        )
        return sketch.packed(parts, [target])

    return build


def converting(operator: str, other: str = "float32") -> Build:
    """QUANTIZE from `other` to a kind, or DEQUANTIZE from a kind to `other`."""

    def build(kind: Kind, rank: int) -> bytes:
        sketch = Sketch()
        ends = (other, kind) if operator == "QUANTIZE" else (kind, other)
        out = IN if "float32" in ends else OUT
        source, target = sketch.tensor(SHAPES[rank], ends[0], IN), sketch.tensor(SHAPES[rank], ends[1], out)
        version = 2 if operator == "DEQUANTIZE" and kind == "int8" else 1
        sketch.operator(operator, [source], [target], version, kind=f"{operator.title()}Options")
        return sketch.packed([source], [target])

    return build


def cast(kind: Kind, rank: int) -> bytes:
    sketch = Sketch()
    source = sketch.tensor(SHAPES[rank], kind, IN)
    target = sketch.tensor(SHAPES[rank], "int32" if kind == "float32" else "float32")
    sketch.operator("CAST", [source], [target], kind="CastOptions")
    return sketch.packed([source], [target])


def reduce(
    operator: str,
    axes: Callable[[int], list[int]],
    keep: bool,
    out: Quantisation = IN,
    computed: bool = False,
) -> Build:
    def shape(rank: int) -> tuple[int, ...]:
        cut = {axis % rank for axis in axes(rank)}
        sizes = enumerate(SHAPES[rank])
        return tuple(1 if axis in cut else size for axis, size in sizes if keep or axis not in cut)

    return with_constants(
        operator,
        lambda rank: [axes(rank)],
        shape,
        out,
        computed=computed,
        kind="ReducerOptions",
        keepDims=keep,
    )
