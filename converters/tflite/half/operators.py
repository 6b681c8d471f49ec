"""The operators of float classifiers on numpy arrays, each as a formula whose steps an `Arithmetic` rounds.

Semantics are those of LiteRT's reference kernels (`tflite/kernels/internal/reference`); tests hold them against
LiteRT tensor by tensor. Arrays are NHWC, as in the file.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from converters.tflite.half.arithmetic import Arithmetic
from converters.tflite.half.graph import SAME, Operator

Options = Mapping[str, float]
Kernel = Callable[[Sequence[np.ndarray], Options, Arithmetic], np.ndarray]

L2_NORM_EPSILON = 1e-6
"""Of L2_NORMALIZATION (`reference/l2normalization.h`): the least length that is divided by."""


class UnsupportedOperator(Exception):  # noqa: N818  never reaches the user: `emulate` says where it stands
    """What of an operator is not known here."""


def evaluate(operator: Operator, inputs: Sequence[np.ndarray], arithmetic: Arithmetic) -> np.ndarray:
    """The operator's result, rounded as a tensor is.

    Args:
        inputs: its inputs, those left out not counted; floats of `arithmetic.dtype`, or integers.

    Raises:
        UnsupportedOperator: there is no such operator here, or not with these options.
        ValueError: shapes do not fit.
    """
    kernel = KERNELS.get(operator.name)
    if kernel is None:
        raise UnsupportedOperator("is not known here")
    with np.errstate(all="ignore"):
        result = kernel(inputs, operator.options, arithmetic)
        return arithmetic.tensor(_activate(result, int(operator.options.get("activation", 0))))


def _activate(x: np.ndarray, activation: int) -> np.ndarray:
    """The fused activation, by its number in the schema's `ActivationFunctionType`."""
    if activation == 0:
        return x
    if activation == 1:
        return np.maximum(x, 0)
    if activation == 3:
        return np.clip(x, 0, 6)
    raise UnsupportedOperator(f"has the fused activation {activation}, which is not known here")


# --- sums of products -------------------------------------------------------------------------------


def _conv(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    x, kernel = inputs[0], inputs[1]  # (1, h, w, in), (out, kh, kw, in)
    if kernel.shape[3] != x.shape[3]:
        raise UnsupportedOperator(f"has {x.shape[3]} channels in groups of {kernel.shape[3]}")
    patches = _patches(x, kernel.shape[1:3], options)
    rows = np.concatenate([patch.reshape(-1, x.shape[3]) for patch in patches], axis=1)
    result = a.dot(rows, np.ascontiguousarray(kernel.reshape(len(kernel), -1).T), x.shape[3])
    return _plus_bias(result.reshape(*patches[0].shape[:3], len(kernel)), inputs, a)


def _depthwise(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    x, kernel = inputs[0], inputs[1]  # (1, h, w, c), (1, kh, kw, c)
    if kernel.shape[3] != x.shape[3]:
        raise UnsupportedOperator(f"has {kernel.shape[3]} results of {x.shape[3]} channels")
    patches = _patches(x, kernel.shape[1:3], options)
    return _plus_bias(a.total_of_products(patches, kernel.reshape(-1, x.shape[3])), inputs, a)


def _patches(x: np.ndarray, window: tuple[int, int], options: Options) -> list[np.ndarray]:
    """For each tap of the window, row by row, what it meets at every place: `(1, rows, columns, channels)`."""
    taps: list[list[tuple[int, int]]] = []
    padding = [(0, 0)]
    counts = []
    for size, taps_here, axis in ((x.shape[1], window[0], "h"), (x.shape[2], window[1], "w")):
        stride, dilation = int(options[f"stride_{axis}"]), int(options[f"dilation_{axis}"])
        if stride < 1 or dilation < 1 or taps_here < 1:
            raise ValueError(f"stride {stride}, dilation {dilation}, window {taps_here}")
        reach = (taps_here - 1) * dilation + 1
        count = -(-size // stride) if options["padding"] == SAME else (size - reach) // stride + 1
        if count < 1:
            raise ValueError(f"a window of {reach} on {size}")
        missing = max(0, (count - 1) * stride + reach - size) if options["padding"] == SAME else 0
        padding.append((missing // 2, missing - missing // 2))
        counts.append(count)
        taps.append([(tap * dilation, stride) for tap in range(taps_here)])
    x = np.pad(x, [*padding, (0, 0)])
    return [
        x[:, top : top + (counts[0] - 1) * down + 1 : down, left : left + (counts[1] - 1) * right + 1 : right]
        for top, down in taps[0]
        for left, right in taps[1]
    ]


def _dense(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    x, weights = inputs[0], inputs[1]  # (..., in), (out, in)
    if options["weights_format"]:
        raise UnsupportedOperator("has shuffled weights")
    result = a.dot(x.reshape(-1, weights.shape[1]), np.ascontiguousarray(weights.T), weights.shape[1])
    if options["keep_num_dims"]:
        result = result.reshape(*x.shape[:-1], len(weights))
    return _plus_bias(result, inputs, a)


def _plus_bias(x: np.ndarray, inputs: Sequence[np.ndarray], a: Arithmetic) -> np.ndarray:
    """The sum is float16 before the bias is added, whatever its width was (`conv_generic.cc`, its last lines)."""
    return a.step(a.tensor(x) + inputs[2]) if len(inputs) > 2 else x


# --- sums -------------------------------------------------------------------------------------------


def _sum(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    return _reduced(a.total, inputs, options)


def _mean(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    return _reduced(a.mean, inputs, options)


def _reduced(
    reduce: Callable[[np.ndarray], np.ndarray], inputs: Sequence[np.ndarray], options: Options
) -> np.ndarray:
    x = inputs[0]
    axes = tuple(sorted({int(axis) % x.ndim for axis in inputs[1].reshape(-1)}))
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    terms = x.transpose(*axes, *kept).reshape(-1, *(x.shape[axis] for axis in kept))
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    return reduce(terms).reshape(shape if options["keep_dims"] else [x.shape[axis] for axis in kept])


def _softmax(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    x = inputs[0]
    shifted = a.step((x - x.max(axis=-1, keepdims=True)) * a.dtype(options["beta"]))
    powers = a.step(np.exp(shifted))
    return powers / a.total(np.moveaxis(powers, -1, 0))[..., None]


def _l2_normalize(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    x = inputs[0]
    terms = list(np.moveaxis(x, -1, 0))
    squares = a.total_of_products(terms, np.stack(terms))[..., None]
    return x / np.maximum(a.step(np.sqrt(squares)), a.step(np.asarray(L2_NORM_EPSILON, a.dtype)))


# --- element by element -----------------------------------------------------------------------------


def _logistic(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    return 1 / a.step(1 + a.step(np.exp(-inputs[0])))


def _gelu(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    x = inputs[0]
    if options["approximate"]:
        cube = a.step(a.step(x * x) * x)
        inner = a.step(a.dtype(math.sqrt(2 / math.pi)) * a.step(x + a.step(a.dtype(0.044715) * cube)))
        shape = a.step(np.tanh(inner))
    else:
        shape = a.step(_erf(a.step(x * a.step(np.asarray(math.sqrt(0.5), a.dtype)))).astype(a.dtype))
    return a.step(x * a.dtype(0.5)) * a.step(1 + shape)


_erf_of_objects = np.frompyfunc(math.erf, 1, 1)


def _erf(x: np.ndarray) -> np.ndarray:
    return _erf_of_objects(x).astype(np.float64)


def _binary(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Kernel:
    def kernel(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
        return function(inputs[0], inputs[1])

    return kernel


def _unary(function: Callable[[np.ndarray], np.ndarray]) -> Kernel:
    def kernel(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
        return function(inputs[0])

    return kernel


def _rsqrt(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    return 1 / np.sqrt(inputs[0])  # one operation of the hardware: rounded once


# --- shapes -----------------------------------------------------------------------------------------


def _concatenate(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    return np.concatenate(inputs, axis=int(options["axis"]))


def _pad(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    value = inputs[2].reshape(-1)[0] if len(inputs) > 2 else 0
    return np.pad(inputs[0], inputs[1].reshape(-1, 2), constant_values=value)


def _reshape(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    if len(inputs) < 2:
        raise UnsupportedOperator("has its shape in an option and not in a tensor")
    return inputs[0].reshape([int(size) for size in inputs[1].reshape(-1)])


def _transpose(inputs: Sequence[np.ndarray], options: Options, a: Arithmetic) -> np.ndarray:
    return inputs[0].transpose([int(axis) for axis in inputs[1].reshape(-1)])


KERNELS: Mapping[str, Kernel] = MappingProxyType(
    {
        "CONV_2D": _conv,
        "DEPTHWISE_CONV_2D": _depthwise,
        "FULLY_CONNECTED": _dense,
        "SUM": _sum,
        "MEAN": _mean,
        "SOFTMAX": _softmax,
        "L2_NORMALIZATION": _l2_normalize,
        "ADD": _binary(np.add),
        "SUB": _binary(np.subtract),
        "MUL": _binary(np.multiply),
        "DIV": _binary(np.divide),
        "MINIMUM": _binary(np.minimum),
        "MAXIMUM": _binary(np.maximum),
        "SQUARED_DIFFERENCE": lambda inputs, options, a: a.step(inputs[0] - inputs[1]) ** 2,
        "RSQRT": _rsqrt,
        "SQRT": _unary(np.sqrt),
        "SQUARE": _unary(np.square),
        "EXP": _unary(np.exp),
        "TANH": _unary(np.tanh),
        "ABS": _unary(np.abs),
        "NEG": _unary(np.negative),
        "RELU": _unary(functools.partial(np.maximum, 0)),
        "RELU6": _unary(lambda x: np.clip(x, 0, 6)),
        "LOGISTIC": _logistic,
        "GELU": _gelu,
        "CONCATENATION": _concatenate,
        "PAD": _pad,
        "PADV2": _pad,
        "RESHAPE": _reshape,
        "TRANSPOSE": _transpose,
        "DEQUANTIZE": _unary(np.asarray),
    }
)
"""By name in the schema. An operator of the hardware's own (RSQRT, TANH, EXP) is rounded once."""
