"""What conditions ask of scales and zero points: one small function each, which answers whether all is well.

A runtime that computes in fixed point has room for scales near each other only; one that moves numbers without
computing them keeps their scale; and what maps everything to a known range has one right scale for its output.
Conditions that are about int8 and uint8 hold for every other type.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from converters.tflite.delegates.operators import Operand, Operator

QUANTISED = ("int8", "uint8")
_MIDDLE = {"int8": 0, "uint8": 128}  # zero point of a symmetric range
_LOWEST = {"int8": -128, "uint8": 0}
_HIGHEST = {"int8": 127, "uint8": 255}
_BIAS_TOLERANCE = 0.02  # kernel_util.cc, GetQuantizedConvolutionMultipler; of the output's scale


def quantisation(operand: Operand) -> tuple[float | None, int | None]:
    """Scale and zero point."""
    return operand.tensor.scale, operand.tensor.zero_point


def _quantised(operand: Operand | None) -> bool:
    return operand is not None and operand.tensor.dtype in QUANTISED


def same(operator: Operator) -> bool:
    """What goes in and what comes out is quantised alike."""
    ends = [*operator.runtime_inputs, *operator.outputs]
    return len({quantisation(end) for end in ends if _quantised(end)}) <= 1


def same_inputs(operator: Operator) -> bool:
    """What goes in is quantised alike."""
    return len({quantisation(end) for end in operator.runtime_inputs if _quantised(end)}) <= 1


def scale_is(scale: float) -> Callable[[Operator], bool]:
    """The output has this scale."""

    def holds(operator: Operator) -> bool:
        return not _quantised(operator.outputs[0]) or operator.outputs[0].tensor.scale == scale

    return holds


def log_softmax(operator: Operator) -> bool:
    """The output has 16 below zero, and nothing above it."""
    output = operator.outputs[0]
    return not _quantised(output) or quantisation(output) == (16 / 256, _HIGHEST[output.tensor.dtype])


def unit_vector(operator: Operator) -> bool:
    """The output has the range from -1 to 1."""
    output = operator.outputs[0]
    return not _quantised(output) or quantisation(output) == (1 / 128, _MIDDLE[output.tensor.dtype])


def softmax_in_int8(operator: Operator) -> bool:
    """In int8 the output has the range from 0 to 1, to a thousandth (activations.cc, SoftmaxPrepare)."""
    output = operator.outputs[0]
    if output.tensor.dtype != "int8":
        return True
    scale, zero_point = quantisation(output)
    return zero_point == _LOWEST["int8"] and scale is not None and abs(scale * 256 - 1) <= 1e-3


def middle_zero_point(operator: Operator) -> bool:
    """The range of an int8 input is symmetric."""
    source = operator.input(0)
    return source is None or source.tensor.dtype != "int8" or source.tensor.zero_point == 0


def symmetric_weights(operator: Operator) -> bool:
    """The range of int8 weights is symmetric."""
    weights = operator.input(1)
    return weights is None or weights.tensor.dtype != "int8" or weights.tensor.zero_point in (None, 0)


def summable(operator: Operator) -> bool:
    """The kernels' fixed-point sums (add.cc, sub.cc) and squares of them (squared_difference.cc) have room."""
    output = operator.outputs[0].tensor
    inputs = [i.tensor.scale or 0.0 for i in operator.inputs if i is not None]
    if output.dtype not in QUANTISED or not output.scale or not inputs:
        return True
    if operator.name == "SQUARED_DIFFERENCE":
        return output.dtype != "int8" or max(inputs) ** 2 / output.scale < 2**12
    return max(inputs) / output.scale < 2**19


def near(operator: Operator) -> bool:
    """XNNPACK's fixed-point additions and multiplications have room for the scales."""
    output = operator.outputs[0].tensor
    inputs = [i.tensor for i in operator.inputs if i is not None]
    if output.dtype not in QUANTISED or not output.scale or any(not tensor.scale for tensor in inputs):
        return True
    scales = [tensor.scale or 0.0 for tensor in inputs]
    if operator.name == "MUL":
        return 2**-16 <= math.prod(scales) / output.scale < 2**8
    return all(2**-10 <= scale / output.scale < 2**8 for scale in scales)


def _ratio(operator: Operator) -> float | None:
    """The input's scale by the output's; None where one of them has none."""
    source, output = operator.input(0), operator.outputs[0]
    if not _quantised(source) or not _quantised(output) or source is None:
        return None
    return source.tensor.scale / output.tensor.scale if source.tensor.scale and output.tensor.scale else None


def convertible(operator: Operator) -> bool:
    """XNNPACK's fixed-point conversion has room for the scales of input and output, and for the slope's part."""
    ratio = _ratio(operator)
    slope = abs(operator.options.get("alpha", 1))
    return ratio is None or all(2**-8 <= part <= 2**7 for part in (ratio, ratio * slope))


def hard_swish(operator: Operator) -> bool:
    """The output's scale is not far below the input's (activations.cc, HardSwishPrepare)."""
    ratio = _ratio(operator)
    return ratio is None or ratio / 128 < 1


def _product(operator: Operator) -> float | None:
    """The scale of a product of input and weights by the output's; None where one of them has none."""
    source, weights = _source_and_weights(operator)
    output = operator.outputs[0]
    if source is None or weights is None or not _quantised(source) or not _quantised(output):
        return None
    scales = source.tensor.scale, weights.largest_scale, output.tensor.scale
    return None if not all(scales) else scales[0] * scales[1] / scales[2]  # type: ignore[operator]


def _source_and_weights(operator: Operator) -> tuple[Operand | None, Operand | None]:
    return operator.input(2 if operator.name == "TRANSPOSE_CONV" else 0), operator.input(1)


def product_below_256(operator: Operator) -> bool:
    """XNNPACK's products fit the output."""
    product = _product(operator)
    return product is None or product < 2**8


def product_below_output_in_uint8(operator: Operator) -> bool:
    """In uint8, the output's scale is above that of a product of input and weights."""
    product = _product(operator)
    return operator.outputs[0].tensor.dtype != "uint8" or product is None or product < 1


def bias(operator: Operator) -> bool:
    """The bias has the scale of a product of input and weights, where a kernel has one scale to compute with.

    Convolutions in int8 are not asked.
    """
    source, weights = _source_and_weights(operator)
    added, output = operator.input(2), operator.outputs[0].tensor
    asked = ("uint8", "int8") if operator.name == "FULLY_CONNECTED" else ("uint8",)
    if source is None or weights is None or added is None or output.dtype not in asked:
        return True
    scales = source.tensor.scale, weights.tensor.scale, added.tensor.scale, output.scale
    if any(scale is None for scale in scales) or not output.scale:
        return True
    first, second, third, _ = (scale or 0.0 for scale in scales)
    return abs(first * second - third) / output.scale <= _BIAS_TOLERANCE
