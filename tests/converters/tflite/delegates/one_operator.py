"""Models of one operator, in every type, rank and quantisation that a delegate may mind: what the rules are held
against."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.converters.tflite.delegates.builders import (
    BINARY,
    SIGMOID,
    TANH,
    UNARY,
    Build,
    batch_matmul,
    binary,
    cast,
    concatenation,
    converting,
    reduce,
    unary,
    weighted,
    with_constants,
)
from tests.converters.tflite.delegates.requantised import requantised
from tests.converters.tflite.delegates.sketch import IN, OUT, SHAPES, TYPES, Kind
from tests.converters.tflite.models import pack


@dataclasses.dataclass(frozen=True)
class Case:
    """One model; `name` says all there is to it: operator, type, rank and what is special."""

    name: str
    operator: str
    kind: Kind
    data: bytes = dataclasses.field(repr=False)


def _middle(rank: int) -> list[int]:
    return [1, 2] if rank >= 4 else [rank - 2] if rank > 1 else [0]


_POOL = {"kind": "Pool2DOptions", "strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}


COMPUTED: dict[str, tuple[Any, Any, str]] = {
    "RESHAPE": (lambda r: [[48, 4]], lambda r: (48, 4), "ReshapeOptions"),
    "TRANSPOSE": (lambda r: [[0, 3, 2, 1]], lambda r: (1, 8, 6, 4), "TransposeOptions"),
    "PAD": (lambda r: [[[0, 0], [1, 1], [1, 1], [0, 0]]], lambda r: (1, 6, 8, 8), "PadOptions"),
    "MIRROR_PAD": (lambda r: [[[0, 0], [1, 1], [1, 1], [0, 0]]], lambda r: (1, 6, 8, 8), "MirrorPadOptions"),
    "STRIDED_SLICE": (
        lambda r: [[0] * 4, [1, 4, 6, 4], [1] * 4],
        lambda r: (1, 4, 6, 4),
        "StridedSliceOptions",
    ),
    "TILE": (lambda r: [[1, 1, 1, 2]], lambda r: (1, 4, 6, 16), "TileOptions"),
    "BROADCAST_TO": (lambda r: [[2, 4, 6, 8]], lambda r: (2, 4, 6, 8), "BroadcastToOptions"),
    "EXPAND_DIMS": (lambda r: [np.int32(0)], lambda r: (1, 1, 4, 6, 8), "ExpandDimsOptions"),
    "RESIZE_BILINEAR": (lambda r: [[8, 8]], lambda r: (1, 8, 8, 8), "ResizeBilinearOptions"),
    "RESIZE_NEAREST_NEIGHBOR": (lambda r: [[8, 8]], lambda r: (1, 8, 8, 8), "ResizeNearestNeighborOptions"),
    "SLICE": (lambda r: [[0] * 4, [1, 4, 6, 4]], lambda r: (1, 4, 6, 4), "SliceOptions"),
}


def builders() -> Iterator[tuple[str, str, Build, tuple[int, ...]]]:
    """Operator, what is special, how to build it, and in which ranks."""
    for name, (options, out) in UNARY.items():
        filled: dict[str, Any] = {"kind": options} if options else {}
        if name == "LEAKY_RELU":
            filled["alpha"] = 0.1
        yield name, "", unary(name, out, **filled), (2, 3, 4, 5)
    yield "LEAKY_RELU", "flat", unary("LEAKY_RELU", OUT, kind="LeakyReluOptions", alpha=0.0), (4,)
    fused = {"kind": "L2NormOptions", "fusedActivationFunction": 1}
    yield "L2_NORMALIZATION", "relu", unary("L2_NORMALIZATION", TANH, **fused), (4,)
    yield "LOGISTIC", "rescaled", unary("LOGISTIC", OUT), (4,)
    yield "TANH", "rescaled", unary("TANH", OUT), (4,)
    yield "NEG", "rescaled", unary("NEG", OUT, kind="NegOptions"), (4,)
    yield "SOFTMAX", "", unary("SOFTMAX", SIGMOID, kind="SoftmaxOptions", beta=1.0), (2, 3, 4, 5)
    yield "RELU", "rescaled", unary("RELU", OUT), (4,)
    for name, options in BINARY.items():
        out = IN if name in ("MAXIMUM", "MINIMUM") else OUT
        yield name, "", binary(name, out=out, kind=options), (2, 3, 4, 5)
        yield name, "vector", binary(name, "vector", out=out, kind=options), (4,)
        yield name, "scalar", binary(name, "scalar", out=out, kind=options), (4,)
    for name in ("ADD", "MUL", "SUB"):
        steep = (1e-6, 0)
        yield name, "steep", binary(name, out=steep, kind=BINARY[name]), (4,)
        yield name, "any size", binary(name, out=OUT, dynamic=True, kind=BINARY[name]), (4,)
        yield name, "batch", binary(name, out=OUT, batch=2, kind=BINARY[name]), (4,)
        yield name, "relu", binary(name, kind=BINARY[name], fusedActivationFunction=1), (4,)
    yield "PRELU", "", binary("PRELU", "vector", out=OUT), (2, 3, 4)
    for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        yield name, "keep", reduce(name, _middle, True), (2, 3, 4, 5)
        yield name, "drop", reduce(name, _middle, False), (2, 3, 4)
        yield name, "channels", reduce(name, lambda rank: [-1], True), (2, 3, 4)
    yield "MEAN", "keep rescaled", reduce("MEAN", _middle, True, OUT), (4,)
    yield "MEAN", "width", reduce("MEAN", lambda rank: [2], True), (4,)
    yield "MEAN", "height", reduce("MEAN", lambda rank: [1], True), (4,)
    yield "MEAN", "all", reduce("MEAN", lambda rank: [1, 2, 3], True), (4,)
    for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        yield name, "whole", reduce(name, lambda rank: list(range(rank)), False), (2,)
    for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
        yield name, "computed axes", reduce(name, _middle, True, computed=True), (4,)
    yield "SUM", "width", reduce("SUM", lambda rank: [2], True), (4,)
    yield "SUM", "keep rescaled", reduce("SUM", _middle, True, OUT), (4,)
    yield (
        "RESHAPE",
        "",
        with_constants(
            "RESHAPE", lambda r: [[-1, 4]], lambda r: (int(np.prod(SHAPES[r])) // 4, 4), kind="ReshapeOptions"
        ),
        (2, 3, 4, 5),
    )
    yield (
        "TRANSPOSE",
        "",
        with_constants(
            "TRANSPOSE",
            lambda r: [[0, *range(r - 1, 0, -1)]],
            lambda r: (SHAPES[r][0], *SHAPES[r][:0:-1]),
            kind="TransposeOptions",
        ),
        (2, 3, 4, 5),
    )
    yield "CONCATENATION", "", concatenation(IN), (2, 3, 4, 5)
    yield "CONCATENATION", "relu", concatenation(IN, activation=1), (4,)
    yield "CONCATENATION", "rescaled", concatenation(OUT), (4,)
    yield (
        "PAD",
        "",
        with_constants(
            "PAD",
            lambda r: [[[0, 0], *[[1, 1]] * (r - 2), [0, 0]]],
            lambda r: (SHAPES[r][0], *(n + 2 for n in SHAPES[r][1:-1]), SHAPES[r][-1]),
            kind="PadOptions",
        ),
        (2, 3, 4),
    )
    yield (
        "MIRROR_PAD",
        "",
        with_constants(
            "MIRROR_PAD",
            lambda r: [[[0, 0], *[[1, 1]] * (r - 2), [0, 0]]],
            lambda r: (SHAPES[r][0], *(n + 2 for n in SHAPES[r][1:-1]), SHAPES[r][-1]),
            kind="MirrorPadOptions",
        ),
        (4,),
    )
    yield (
        "SLICE",
        "",
        with_constants(
            "SLICE",
            lambda r: [[0] * r, [*SHAPES[r][:-1], 4]],
            lambda r: (*SHAPES[r][:-1], 4),
            kind="SliceOptions",
        ),
        (2, 3, 4),
    )
    yield (
        "STRIDED_SLICE",
        "",
        with_constants(
            "STRIDED_SLICE",
            lambda r: [[0] * r, [*SHAPES[r][:-1], 4], [1] * r],
            lambda r: (*SHAPES[r][:-1], 4),
            kind="StridedSliceOptions",
        ),
        (2, 3, 4),
    )
    yield (
        "STRIDED_SLICE",
        "strides",
        with_constants(
            "STRIDED_SLICE",
            lambda r: [[0] * r, [*SHAPES[r]], [1, 2, 2, 1]],
            lambda r: (1, 2, 3, 8),
            kind="StridedSliceOptions",
        ),
        (4,),
    )
    halves = (lambda r: [np.int32(r - 1)], lambda r: (*SHAPES[r][:-1], 4))
    halved: dict[str, Any] = {"first": 1, "outputs": 2, "kind": "SplitOptions", "numSplits": 2}
    yield "SPLIT", "", with_constants("SPLIT", *halves, **halved), (2, 3, 4)
    yield "SPLIT", "computed", with_constants("SPLIT", *halves, computed=True, **halved), (4,)
    yield (
        "SQUEEZE",
        "",
        with_constants(
            "SQUEEZE",
            lambda r: [],
            lambda r: SHAPES[r][1:],
            kind="SqueezeOptions",
            squeezeDims=np.array([0], np.int32),
        ),
        (3, 4),
    )
    yield (
        "EXPAND_DIMS",
        "",
        with_constants(
            "EXPAND_DIMS", lambda r: [np.int32(0)], lambda r: (1, *SHAPES[r]), kind="ExpandDimsOptions"
        ),
        (2, 3),
    )
    yield (
        "TILE",
        "",
        with_constants(
            "TILE", lambda r: [[1] * (r - 1) + [2]], lambda r: (*SHAPES[r][:-1], 16), kind="TileOptions"
        ),
        (4,),
    )
    yield (
        "BROADCAST_TO",
        "",
        with_constants(
            "BROADCAST_TO",
            lambda r: [[2, *SHAPES[r][1:]]],
            lambda r: (2, *SHAPES[r][1:]),
            kind="BroadcastToOptions",
        ),
        (4,),
    )
    yield (
        "GATHER",
        "",
        with_constants(
            "GATHER", lambda r: [[0, 1]], lambda r: (*SHAPES[r][:-1], 2), kind="GatherOptions", axis=-1
        ),
        (4,),
    )
    for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        options = {
            "RESIZE_BILINEAR": "ResizeBilinearOptions",
            "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
        }
        for special, changed in {
            "": {},
            "corners": {"alignCorners": True},
            "centres": {"halfPixelCenters": True},
        }.items():
            size = (lambda r: [[8, 12]], lambda r: (1, 8, 12, 8))
            yield name, special, with_constants(name, *size, kind=options[name], **changed), (4,)
            square = (lambda r: [[8, 8]], lambda r: (1, 8, 8, 8))
            label = f"square {special}".strip()
            yield name, label, with_constants(name, *square, kind=options[name], **changed), (4,)
    yield (
        "SPACE_TO_DEPTH",
        "",
        with_constants(
            "SPACE_TO_DEPTH", lambda r: [], lambda r: (1, 2, 3, 32), kind="SpaceToDepthOptions", blockSize=2
        ),
        (4,),
    )
    yield (
        "DEPTH_TO_SPACE",
        "",
        with_constants(
            "DEPTH_TO_SPACE", lambda r: [], lambda r: (1, 8, 12, 2), kind="DepthToSpaceOptions", blockSize=2
        ),
        (4,),
    )
    for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        yield name, "", with_constants(name, lambda r: [], lambda r: (1, 2, 3, 8), **_POOL), (4,)
    yield (
        "ARG_MAX",
        "",
        with_constants(
            "ARG_MAX",
            lambda r: [np.int32(-1)],
            lambda r: SHAPES[r][:-1],
            out_type="int32",
            kind="ArgMaxOptions",
            outputType=TYPES["int32"],
        ),
        (2, 4),
    )
    for name, (constants, shape, kind) in COMPUTED.items():
        yield name, "computed", with_constants(name, constants, shape, computed=True, kind=kind), (4,)
    yield "BATCH_MATMUL", "", batch_matmul(False), (2, 3, 4)
    yield "BATCH_MATMUL", "constant", batch_matmul(True), (2, 3, 4)
    convolution = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
    depthwise = {"kind": "DepthwiseConv2DOptions", "depthMultiplier": 1, **convolution}
    convolution["kind"] = "Conv2DOptions"
    for name, plain in (("CONV_2D", convolution), ("DEPTHWISE_CONV_2D", depthwise)):
        yield name, "", weighted(name, **plain), (4,)
        yield name, "per tensor", weighted(name, per_channel=False, **plain), (4,)
        yield name, "any size", weighted(name, dynamic=True, **plain), (4,)
        yield name, "runtime weights", weighted(name, runtime=True, **plain), (4,)
        yield name, "no bias", weighted(name, bias=False, **plain), (4,)
        yield name, "old", weighted(name, version=1, **plain), (4,)
        for label, code in (("relu6", 3), ("tanh", 4)):
            yield name, label, weighted(name, **plain, fusedActivationFunction=code), (4,)
        dilated = {**plain, "dilationWFactor": 2, "dilationHFactor": 2}
        yield name, "dilated", weighted(name, **dilated), (4,)
    for keep in (False, True):
        yield (
            "FULLY_CONNECTED",
            "keep" if keep else "",
            weighted("FULLY_CONNECTED", kind="FullyConnectedOptions", keepNumDims=keep),
            (2, 3, 4) if keep else (2,),
        )
    for special, changed in {
        "no bias": {"bias": False},
        "per tensor": {"per_channel": False},
        "any size": {"dynamic": True},
        "runtime weights": {"runtime": True},
        "relu6": {"fusedActivationFunction": 3},
        "tanh": {"fusedActivationFunction": 4},
    }.items():
        yield (
            "FULLY_CONNECTED",
            special,
            weighted("FULLY_CONNECTED", kind="FullyConnectedOptions", **changed),
            (2,),
        )
    for per_channel in (True, False):
        yield (
            "TRANSPOSE_CONV",
            "" if per_channel else "per tensor",
            weighted(
                "TRANSPOSE_CONV",
                bias=False,
                per_channel=per_channel,
                kind="TransposeConvOptions",
                strideW=2,
                strideH=2,
            ),
            (4,),
        )
    for name in ("QUANTIZE", "DEQUANTIZE"):
        yield name, "", converting(name), (2, 4)
    for other in ("int8", "uint8"):
        yield "QUANTIZE", f"of {other}", converting("QUANTIZE", other), (4,)
    yield "CAST", "", cast, (4,)


WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


@functools.cache
def cases() -> tuple[Case, ...]:
    """Every model, each once."""
    return tuple(_cases())


def in_version(case: Case, version: int) -> bytes:
    """The same model with another version of its operator."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(case.data, 0))
    model.operatorCodes[-1].version = version
    return pack(model)


def _cases() -> Iterator[Case]:
    for operator, special, build, ranks in builders():
        kinds: tuple[Kind, ...] = ("float32", "int8", "uint8", "int32")
        if operator in WEIGHTED:
            kinds = ("float32", "int8", "uint8", "dynamic", "float16")
        elif operator == "BATCH_MATMUL":
            kinds = ("float32", "int8", "dynamic")
        elif operator in ("QUANTIZE", "DEQUANTIZE"):
            kinds = ("int8", "uint8")
        if special in ("any size", "batch", "computed", "computed axes", "whole"):
            kinds = ("float32", "int8")
        if special == "runtime weights":
            kinds = ("float32", "int8", "dynamic")
        for kind in kinds:
            usual = min(4, max(ranks))  # the rest says in every rank what it says in this one
            for rank in ranks if kind in ("float32", "int8", "float16", "dynamic") else (usual,):
                name = " ".join(filter(None, (operator, special, kind, f"rank {rank}")))
                case = Case(name, operator, kind, build(kind, rank))
                yield case
                if rank == usual:
                    for changed, data in requantised(case.data):
                        yield dataclasses.replace(case, name=f"{name}, {changed}", data=data)
