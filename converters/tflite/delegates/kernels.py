"""What is below the delegates: the runtimes' own kernels, without which a file is not loaded at all.

An operator that a delegate leaves, and often one that it takes, must have a kernel of its version and type here. Found
in the same way as the rules (`rules.py`), with every version of every operator.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

Kind = str
"""A type of arithmetic: "float32", "int8", "uint8", "int32", ...; "dynamic" is float32 with int8 weights, and "float16"
float32 with weights stored in 16 bits."""


@dataclasses.dataclass(frozen=True)
class Kernels:
    """One runtime's own kernels.

    Attributes:
        title: for people, and as the reference of a refusal.
        newest: newest version of each operator.
        refused: arithmetic for which an operator has no kernel.
        demanded: names of `conditions.CONDITIONS` without which an operator is not loaded.
        ask_first: every operator's kernel must accept it before a delegate may take it; otherwise only the kernels of
            what the delegate leaves are asked.
    """

    title: str
    newest: Mapping[str, int]
    refused: Mapping[str, Iterable[Kind]]
    demanded: Mapping[str, tuple[str, ...]]
    ask_first: bool


def versions(text: str) -> dict[str, int]:
    """`"ADD 5, MUL 7"` as a mapping."""
    return {name: int(number) for name, number in (entry.split() for entry in text.split(","))}


_Q8 = ("int8", "uint8")
_ALL_BUT_FLOAT: Mapping[str, Iterable[Kind]] = dict.fromkeys(
    ("CEIL", "FLOOR", "ROUND", "COS", "SIN", "SQUARE"), (*_Q8, "int32")
)
_REFUSED: Mapping[str, Iterable[Kind]] = {
    **_ALL_BUT_FLOAT,
    "ABS": ("uint8",),
    "LOG": ("uint8", "int32"),
    "POW": _Q8,
    "RSQRT": ("uint8", "int32"),
    "SQRT": ("uint8", "int32"),
    "L2_NORMALIZATION": ("int32",),
}
_BIASED = ("bias scale",)
_DEMANDED: Mapping[str, tuple[str, ...]] = {
    "CONV_2D": ("three inputs", "symmetric weights in int8", *_BIASED),
    "DEPTHWISE_CONV_2D": _BIASED,
    "FULLY_CONNECTED": ("plain activation with equal types", *_BIASED),
    **dict.fromkeys(("EXPAND_DIMS", "MIRROR_PAD"), ("same quantisation",)),
    **dict.fromkeys(("ADD", "SQUARED_DIFFERENCE"), ("summable scales",)),
    "HARD_SWISH": ("input scale below 128 outputs",),
    "SOFTMAX": ("softmax's output in int8",),
    "LOG_SOFTMAX": ("log-softmax's output",),
}

LITERT = Kernels(
    title="LiteRT 2.3, its kernels",
    newest=versions(
        "ABS 5, ADD 6, ARG_MAX 3, AVERAGE_POOL_2D 3, BATCH_MATMUL 4, BROADCAST_TO 4, CAST 9, CEIL 1, "
        "CONCATENATION 7, CONV_2D 8, COS 2, DEPTHWISE_CONV_2D 7, DEPTH_TO_SPACE 2, DEQUANTIZE 9, DIV 2, ELU "
        "1, EXP 2, EXPAND_DIMS 1, FLOOR 1, FULLY_CONNECTED 14, GATHER 8, GELU 3, HARD_SWISH 1, "
        "L2_NORMALIZATION 2, LEAKY_RELU 2, LOG 2, LOGISTIC 3, LOG_SOFTMAX 2, MAXIMUM 4, MAX_POOL_2D 3, MEAN "
        "3, MINIMUM 4, MIRROR_PAD 3, MUL 8, NEG 1, PAD 6, POW 1, PRELU 1, QUANTIZE 6, REDUCE_MAX 3, "
        "REDUCE_MIN 3, REDUCE_PROD 2, RELU 3, RELU6 3, RELU_N1_TO_1 1, RESHAPE 1, RESIZE_BILINEAR 4, "
        "RESIZE_NEAREST_NEIGHBOR 4, ROUND 1, RSQRT 3, SIN 2, SLICE 8, SOFTMAX 4, SPACE_TO_DEPTH 2, SPLIT 5, "
        "SQRT 2, SQUARE 1, SQUARED_DIFFERENCE 2, SQUEEZE 2, STRIDED_SLICE 8, SUB 5, SUM 2, TANH 3, TILE 3, "
        "TRANSPOSE 9, TRANSPOSE_CONV 5 "
    ),
    refused={**_REFUSED, "REDUCE_PROD": ("uint8", "int32")},
    demanded={
        **_DEMANDED,
        "CONCATENATION": (
            "same scale in int8",
            "no activation in int32",
            "no activation between scales",
        ),
        "L2_NORMALIZATION": ("no activation", "unit vector's output"),
    },
    ask_first=False,
)
TFLITE_2_16 = Kernels(
    title="TFLite 2.16.1, its kernels",
    newest=versions(
        "ABS 5, ADD 5, ARG_MAX 3, AVERAGE_POOL_2D 3, BATCH_MATMUL 4, BROADCAST_TO 3, CAST 6, CEIL 1, "
        "CONCATENATION 4, CONV_2D 8, COS 1, DEPTHWISE_CONV_2D 7, DEPTH_TO_SPACE 2, DEQUANTIZE 5, DIV 2, ELU "
        "1, EXP 2, EXPAND_DIMS 1, FLOOR 1, FULLY_CONNECTED 11, GATHER 7, GELU 2, HARD_SWISH 1, "
        "L2_NORMALIZATION 2, LEAKY_RELU 2, LOG 2, LOGISTIC 3, LOG_SOFTMAX 2, MAXIMUM 4, MAX_POOL_2D 3, MEAN "
        "3, MINIMUM 4, MIRROR_PAD 3, MUL 7, NEG 1, PAD 4, POW 1, PRELU 1, QUANTIZE 3, REDUCE_MAX 3, "
        "REDUCE_MIN 3, REDUCE_PROD 2, RELU 3, RELU6 3, RELU_N1_TO_1 1, RESHAPE 1, RESIZE_BILINEAR 4, "
        "RESIZE_NEAREST_NEIGHBOR 4, ROUND 1, RSQRT 3, SIN 1, SLICE 6, SOFTMAX 3, SPACE_TO_DEPTH 2, SPLIT 4, "
        "SQRT 1, SQUARE 1, SQUARED_DIFFERENCE 2, SQUEEZE 2, STRIDED_SLICE 8, SUB 5, SUM 2, TANH 3, TILE 3, "
        "TRANSPOSE 6, TRANSPOSE_CONV 5 "
    ),
    refused={**_REFUSED, "SQRT": ("int8", "uint8", "int32"), "TRANSPOSE_CONV": ("dynamic",)},
    demanded={
        **_DEMANDED,
        "CONCATENATION": ("same scale in int8", "no activation"),
        "SUB": ("summable scales",),
        "LOGISTIC": ("sigmoid's output scale",),
        "L2_NORMALIZATION": ("at most four dimensions", "no activation", "unit vector's output"),
    },
    ask_first=True,
)
