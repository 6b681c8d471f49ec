"""The table: which operator which delegate of which runtime takes, in which types, ranks and versions.

An entry is what a runtime does, found with models of one operator (tests/converters/tflite/delegates and, for Android's
library, tests/android_runtime) beside the source that decides it. A delegate's list is complete for the operators in
`COVERED`: one of these that is not in it is known to be left. Any other operator is unknown.

To add a rule: add a builder of the operator to tests/converters/tflite/delegates/one_operator.py, run its tests, and
write down what the runtimes answered.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from converters.tflite.delegates.kernels import LITERT, TFLITE_2_16, Kernels, Kind, versions

Delegate = Literal["xnnpack", "gpu", "nnapi"]
ANY_RANK = (0, 99)


@dataclasses.dataclass(frozen=True)
class Rule:
    """When a delegate takes an operator.

    Attributes:
        kinds: arithmetic that it takes, and the Android API level from which on (0: always).
        ranks: fewest and most dimensions of what is computed, before and after.
        max_version: newest version of the operator that it takes.
        needs: names of `conditions.CONDITIONS`, in the order of asking; "NAME before N" only below API level N.
        fails: the same, but where one of these does not hold, the delegate takes the operator and then fails, and the
            file does not load.
    """

    kinds: Mapping[Kind, int]
    ranks: tuple[int, int] = ANY_RANK
    max_version: int | None = None
    needs: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Runtime:
    """One delegate of one runtime.

    Attributes:
        name, title, short: for JSON, for people, and in the middle of a sentence.
        rules: by operator.
        without: operators that it is known not to have.
        reference: the source that decides.
        kernels: what is below the delegate and decides whether a file is loaded at all.
        api: Android API level; 0 where there is none.
        max_partitions: how many it computes by default; 0: all.
        android: it sees no weights behind the flatbuffer, and its delegates take nothing of a graph with a tensor whose
            size is computed.
    """

    name: str
    title: str
    short: str
    delegate: Delegate
    rules: Mapping[str, Rule]
    without: frozenset[str]
    reference: str
    kernels: Kernels
    api: int = 0
    max_partitions: int = 0
    android: bool = False


def _for(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


def _kinds(names: str, since: int = 0) -> dict[Kind, int]:
    return dict.fromkeys(names.split(), since)


_FLOAT = _kinds("float32")
_QUANT = _kinds("int8 uint8")
_BOTH = _FLOAT | _QUANT
_STORED = _FLOAT | _kinds("float16")

# --- XNNPACK -----------------------------------------------------------------------------------------

_ALIKE = ("same quantisation",)
_CONSTANT = ("one runtime input",)
_SCALED = ("products below 256 outputs",)
_XNNPACK_SHARED: Mapping[str, Rule] = {
    **_for("ABS CEIL FLOOR HARD_SWISH NEG RELU RELU6 RELU_N1_TO_1 ROUND SQRT SQUARE SOFTMAX", Rule(_FLOAT)),
    **_for("DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE PRELU AVERAGE_POOL_2D", Rule(_FLOAT)),
    "ELU": Rule(_FLOAT | _kinds("int8")),
    "LEAKY_RELU": Rule(_BOTH, needs=("slope", "convertible scales")),
    **_for("LOGISTIC TANH", Rule(_BOTH)),
    **_for("ADD MUL SUB", Rule(_BOTH, needs=("scales near each other",))),
    "CONCATENATION": Rule(_BOTH, needs=_ALIKE),
    "QUANTIZE": Rule(_QUANT, needs=("float or its own type", "convertible scales")),
    "DEQUANTIZE": Rule(_QUANT),
}
XNNPACK_LITERT: Mapping[str, Rule] = {
    **_XNNPACK_SHARED,
    **_for("COS EXP GELU LOG RSQRT SIN", Rule(_FLOAT)),
    **_for("MEAN SUM REDUCE_MAX REDUCE_MIN", Rule(_BOTH, needs=_CONSTANT)),
    "RESHAPE": Rule(_BOTH, needs=(*_CONSTANT, *_ALIKE)),
    **_for("TRANSPOSE PAD SLICE SPLIT RESIZE_BILINEAR", Rule(_BOTH, needs=_CONSTANT, fails=_ALIKE)),
    "STRIDED_SLICE": Rule(_BOTH, needs=("unit strides",), fails=_ALIKE),
    **_for("SPACE_TO_DEPTH DEPTH_TO_SPACE MAX_POOL_2D", Rule(_BOTH, fails=_ALIKE)),
    "BATCH_MATMUL": Rule(
        _FLOAT | _kinds("int8 dynamic"),
        needs=("symmetric weights in int8",),
        fails=("symmetric weights",),
    ),
    "CONV_2D": Rule(
        _STORED | _QUANT | _kinds("dynamic"),
        needs=("plain activation", "constant weights", "three inputs"),
        fails=("symmetric weights in int8", *_SCALED),
    ),
    "DEPTHWISE_CONV_2D": Rule(
        _STORED | _QUANT,
        needs=("plain activation", "constant weights", "three inputs"),
        fails=("symmetric weights in int8", *_SCALED),
    ),
    "FULLY_CONNECTED": Rule(
        _STORED | _QUANT | _kinds("dynamic"),
        needs=("plain activation", "constant weights", "symmetric weights in int8"),
        fails=("symmetric weights", *_SCALED),
    ),
    "TRANSPOSE_CONV": Rule(_STORED | _QUANT | _kinds("dynamic"), fails=_SCALED),
}
XNNPACK_2_16: Mapping[str, Rule] = {
    **_XNNPACK_SHARED,
    **_for("RESHAPE PAD SLICE SPLIT RESIZE_BILINEAR", Rule(_BOTH, needs=_CONSTANT)),
    "STRIDED_SLICE": Rule(_BOTH, needs=("unit strides",)),
    **_for("SPACE_TO_DEPTH DEPTH_TO_SPACE MAX_POOL_2D", Rule(_BOTH)),
    "TRANSPOSE": Rule(_BOTH | _kinds("int32"), needs=_CONSTANT),
    **_for("MEAN SUM", Rule(_BOTH, needs=("axes over height and width",))),
    "CONV_2D": Rule(_STORED | _QUANT, needs=("plain activation", "constant weights")),
    "DEPTHWISE_CONV_2D": Rule(
        _STORED | _QUANT, needs=("plain activation", "constant weights", "three inputs")
    ),
    "FULLY_CONNECTED": Rule(_STORED | _QUANT, needs=("constant weights", "per-tensor bias")),
    "TRANSPOSE_CONV": Rule(_STORED | _QUANT, needs=("per-tensor weights",)),
}

# --- the GPU delegate --------------------------------------------------------------------------------

_UP_TO_4 = (0, 4)
_GPU_VERSIONS = versions(
    "ABS 2, ADD 2, AVERAGE_POOL_2D 2, CONCATENATION 2, CONV_2D 6, DEPTHWISE_CONV_2D 6, DEQUANTIZE 3, "
    "FULLY_CONNECTED 9, GATHER 1, LOGISTIC 2, MAXIMUM 2, MAX_POOL_2D 2, MINIMUM 2, MIRROR_PAD 2, MUL 3, "
    "PAD 2, QUANTIZE 2, RELU 2, RELU6 2, RESIZE_BILINEAR 3, RESIZE_NEAREST_NEIGHBOR 3, RSQRT 2, SLICE 2, "
    "SOFTMAX 2, STRIDED_SLICE 4, SUB 2, TANH 2, TRANSPOSE 4, TRANSPOSE_CONV 3 "
)
_GPU: Mapping[str, Rule] = {
    **_for(
        "ABS COS ELU EXP FLOOR GELU HARD_SWISH LEAKY_RELU LOG LOGISTIC NEG RELU RELU6 RELU_N1_TO_1 RSQRT SIN SQRT "
        "SQUARE TANH SOFTMAX ADD SUB MUL DIV MAXIMUM MINIMUM POW SQUARED_DIFFERENCE PRELU RESHAPE TRANSPOSE "
        "CONCATENATION SPLIT TILE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SPACE_TO_DEPTH DEPTH_TO_SPACE "
        "AVERAGE_POOL_2D MAX_POOL_2D MIRROR_PAD",
        Rule(_BOTH, ranks=_UP_TO_4),
    ),
    **_for("QUANTIZE DEQUANTIZE", Rule(_QUANT, ranks=_UP_TO_4)),
    **_for(
        "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD",
        Rule(_BOTH, ranks=_UP_TO_4, needs=("output is no scalar",)),
    ),
    **_for("PAD SLICE STRIDED_SLICE", Rule(_BOTH, ranks=(3, 4))),
    "GATHER": Rule(_BOTH, ranks=_UP_TO_4),
    "TRANSPOSE_CONV": Rule(_BOTH | _kinds("dynamic float16"), ranks=_UP_TO_4),
    "CAST": Rule(_kinds("float32 int32"), ranks=_UP_TO_4),
    "BATCH_MATMUL": Rule(_kinds("float32 int8 dynamic"), ranks=_UP_TO_4, needs=("second input is computed",)),
    **_for(
        "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED",
        Rule(_BOTH | _kinds("dynamic float16"), ranks=_UP_TO_4, needs=("per-tensor weights at run time",)),
    ),
}

GPU_2_16: Mapping[str, Rule] = {
    name: dataclasses.replace(rule, max_version=_GPU_VERSIONS.get(name)) for name, rule in _GPU.items()
}

# --- NNAPI -------------------------------------------------------------------------------------------

_AT_29_FLOAT = Rule(_kinds("float32", 29), max_version=1)
_REDUCED = ("output is no scalar",)
_SMALL_PRODUCTS = "products below the output in uint8 before 29"
NNAPI_2_16: Mapping[str, Rule] = {
    **_for("ABS EXP LOG SIN COS SQRT POW", _AT_29_FLOAT),
    "RSQRT": Rule(_kinds("float32", 29), max_version=2),
    "FLOOR": Rule(_kinds("float32", 27), max_version=1),
    "ELU": Rule(_kinds("float32", 30), max_version=1),
    "HARD_SWISH": Rule(_kinds("float32 int8 uint8", 27)),
    **_for(
        "RELU RELU6 RELU_N1_TO_1 LOGISTIC AVERAGE_POOL_2D MAX_POOL_2D",
        Rule(_kinds("float32 int8 uint8", 27), max_version=2),
    ),
    "LEAKY_RELU": Rule(_kinds("float32 int8 uint8", 29), max_version=1),
    "PRELU": Rule(_kinds("float32 int8 uint8", 29), max_version=1),
    "LOG_SOFTMAX": Rule(_kinds("float32", 29), max_version=1),
    "TANH": Rule(_kinds("float32", 27) | _kinds("int8 uint8", 29), max_version=2),
    "NEG": Rule(_kinds("float32 int32", 29), max_version=2),
    "SOFTMAX": Rule(
        _kinds("float32 int8 uint8", 27),
        ranks=_UP_TO_4,
        max_version=2,
        needs=("two or four dimensions before 29",),
    ),
    "L2_NORMALIZATION": Rule(
        _kinds("float32", 27) | _kinds("int8 uint8", 29),
        max_version=2,
        needs=("four dimensions before 29",),
    ),
    **_for(
        "ADD MUL",
        Rule(
            _kinds("float32 int8 uint8", 27) | _kinds("int32", 30),
            ranks=_UP_TO_4,
            max_version=2,
            needs=("no activation in int32",),
        ),
    ),
    "SUB": Rule(
        _kinds("float32", 28) | _kinds("int8 uint8", 29) | _kinds("int32", 30),
        ranks=_UP_TO_4,
        max_version=3,
        needs=("no activation in int32",),
    ),
    "DIV": Rule(_kinds("float32", 28), ranks=_UP_TO_4, max_version=1),
    **_for("MAXIMUM MINIMUM", Rule(_kinds("float32 int8 uint8 int32", 29), max_version=3)),
    "SQUARED_DIFFERENCE": Rule(
        _kinds("float32", 28) | _kinds("uint8", 29) | _kinds("int8 int32", 30), ranks=_UP_TO_4, max_version=2
    ),
    "MEAN": Rule(
        _kinds("float32", 28) | _kinds("int8 uint8", 29), ranks=_UP_TO_4, max_version=2, needs=_REDUCED
    ),
    **_for("SUM REDUCE_PROD", Rule(_kinds("float32", 29), max_version=1, needs=_REDUCED)),
    **_for("REDUCE_MAX REDUCE_MIN", Rule(_kinds("float32 int8 uint8", 29), max_version=2)),
    "RESHAPE": Rule(_kinds("float32 int8 uint8", 27), ranks=_UP_TO_4, max_version=1),
    "TRANSPOSE": Rule(_kinds("float32 int8 uint8 int32", 28), max_version=2),
    "CONCATENATION": Rule(
        _kinds("float32 int8 uint8", 27),
        ranks=_UP_TO_4,
        max_version=2,
        needs=("same quantisation of inputs in uint8 before 29",),
    ),
    "PAD": Rule(_kinds("float32", 28) | _kinds("int8 uint8", 29), ranks=_UP_TO_4, max_version=2),
    "SLICE": Rule(_kinds("float32 int32 int8 uint8", 29), ranks=_UP_TO_4, max_version=2),
    "STRIDED_SLICE": Rule(_kinds("float32 int8 uint8", 28), ranks=_UP_TO_4, max_version=2),
    "SPLIT": Rule(_kinds("float32 uint8 int32", 29) | _kinds("int8", 30), max_version=3),
    "SQUEEZE": Rule(_kinds("float32 int8 uint8 int32", 28), max_version=1),
    "EXPAND_DIMS": Rule(_kinds("float32 int8 uint8 int32", 29), max_version=1),
    "TILE": Rule(_kinds("float32 int8 uint8 int32", 29), max_version=1),
    "GATHER": Rule(_kinds("float32 int8 uint8 int32", 29), max_version=2),
    "ARG_MAX": Rule(_kinds("float32 int8 uint8 int32", 29), max_version=2),
    "RESIZE_BILINEAR": Rule(
        _kinds("float32", 27) | _kinds("int8 uint8", 29),
        ranks=(4, 4),
        max_version=3,
        needs=("square output before 29", "whole pixels before 30"),
    ),
    "RESIZE_NEAREST_NEIGHBOR": Rule(
        _kinds("float32 int8 uint8", 29), max_version=3, needs=("whole pixels before 30",)
    ),
    **_for("SPACE_TO_DEPTH DEPTH_TO_SPACE", Rule(_kinds("float32 int8 uint8", 27), max_version=2)),
    "CONV_2D": Rule(
        _kinds("float32 float16 uint8", 27) | _kinds("int8 dynamic", 29),
        max_version=5,
        needs=("no dilation before 29", _SMALL_PRODUCTS),
    ),
    "DEPTHWISE_CONV_2D": Rule(
        _kinds("float32 float16 uint8 dynamic", 27) | _kinds("int8", 29),
        max_version=3,
        needs=("no dilation before 29", _SMALL_PRODUCTS),
    ),
    "FULLY_CONNECTED": Rule(
        _kinds("float32 float16 uint8", 27) | _kinds("int8 dynamic", 29),
        max_version=5,
        needs=("keeps no dimensions before 30", _SMALL_PRODUCTS),
    ),
    "TRANSPOSE_CONV": Rule(_kinds("float32 float16 int8 uint8", 29), max_version=4),
    "QUANTIZE": Rule(_kinds("uint8", 29) | _kinds("int8", 30), max_version=2),
    "DEQUANTIZE": Rule(
        _kinds("uint8", 27) | _kinds("int8", 29), max_version=2, needs=("zero point 0 in int8 before 30",)
    ),
    "CAST": Rule(_kinds("float32 int32 uint8", 29) | _kinds("int8", 30), max_version=1),
}

COVERED: frozenset[str] = frozenset(
    {*XNNPACK_LITERT, *GPU_2_16, *NNAPI_2_16, "BROADCAST_TO", "L2_NORMALIZATION", "LOG_SOFTMAX", "ARG_MAX"}
)
"""Operators whose absence from a delegate's list is known."""

_SIZED = (
    "RESHAPE TRANSPOSE PAD PADV2 MIRROR_PAD MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD STRIDED_SLICE TILE "
    "BROADCAST_TO EXPAND_DIMS RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SPLIT"
)
SIZED_BY_INPUTS: frozenset[str] = frozenset(_SIZED.split())
"""Operators whose output's size depends on the values of inputs beside what they compute with."""

ADVICE: Mapping[str, str] = {
    "GELU": "export with the fast GELU, which is made of MUL, ADD and LOGISTIC",
    "RSQRT": "nothing for short vectors, where it costs little; else use SQRT and DIV",
    "SQRT": "keep it in float",
    "L2_NORMALIZATION": "write it as MUL, MEAN, RSQRT and MUL over a map of four dimensions",
    "HARD_SWISH": "keep it in float, or use MUL and LOGISTIC",
    "EXP": "use LOGISTIC or SOFTMAX",
    "BATCH_MATMUL": "use FULLY_CONNECTED or a 1x1 convolution where one side is constant",
    "AVERAGE_POOL_2D": "use MEAN over height and width",
    "SQUARED_DIFFERENCE": "use SUB and MUL",
}
"""What to put in an operator's place, where there is something."""

_TREE = "tensorflow/lite/delegates"
_XNNPACK_SOURCE = f"{_TREE}/xnnpack/xnnpack_delegate.cc, Subgraph::VisitNode"


def _without(rules: Mapping[str, Rule]) -> frozenset[str]:
    return COVERED - frozenset(rules)


def _nnapi(api: int) -> Runtime:
    return Runtime(
        name=f"nnapi-2.16.1-api{api}",
        title=f"NNAPI by Android's TFLite 2.16.1, API level {api}",
        short="NNAPI",
        delegate="nnapi",
        rules=NNAPI_2_16,
        without=_without(NNAPI_2_16),
        reference=f"{_TREE}/nnapi/nnapi_delegate.cc, NNAPIDelegateKernel::Validate",
        kernels=TFLITE_2_16,
        api=api,
        max_partitions=3,
        android=True,
    )


API_LEVELS = range(27, 36)
RUNTIMES: tuple[Runtime, ...] = (
    Runtime(
        name="xnnpack-litert-2.3",
        title="XNNPACK in LiteRT 2.3",
        short="XNNPACK",
        delegate="xnnpack",
        rules=XNNPACK_LITERT,
        without=_without(XNNPACK_LITERT),
        reference=_XNNPACK_SOURCE,
        kernels=LITERT,
    ),
    Runtime(
        name="xnnpack-2.16.1",
        title="XNNPACK in Android's TFLite 2.16.1",
        short="XNNPACK",
        delegate="xnnpack",
        rules=XNNPACK_2_16,
        without=_without(XNNPACK_2_16),
        reference=_XNNPACK_SOURCE,
        kernels=TFLITE_2_16,
        android=True,
    ),
    Runtime(
        name="gpu-2.16.1",
        title="GPU delegate of Android's TFLite 2.16.1",
        short="the GPU delegate",
        delegate="gpu",
        rules=GPU_2_16,
        without=_without(GPU_2_16),
        reference="tensorflow/lite/tools/versioning/gpu_compatibility.cc, CheckGpuDelegateCompatibility",
        kernels=TFLITE_2_16,
        max_partitions=1,
        android=True,
    ),
    *map(_nnapi, API_LEVELS),
)
