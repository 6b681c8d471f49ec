"""What a rule can ask of an operator beside its type, rank and version: one small function each, by name.

`rules.py` says which delegate asks which of them. A function answers whether the condition holds; what it reads is
in the operator alone. What is asked of scales and zero points is in `scales.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from converters.tflite.delegates import scales
from converters.tflite.delegates.operators import Operator

RELU_TO_RELU6 = (0, 1, 2, 3)  # ActivationFunctionType: NONE, RELU, RELU_N1_TO_1, RELU6


@dataclasses.dataclass(frozen=True)
class Condition:
    """`holds` or not; `reason` says what is wrong when it does not, `advice` what to change."""

    holds: Callable[[Operator], bool]
    reason: str
    advice: str


def _axes(operator: Operator) -> tuple[int, ...] | None:
    source, axes = operator.input(0), operator.input(1)
    if source is None or axes is None or axes.values is None:
        return None
    return tuple(sorted({int(axis) % max(source.rank, 1) for axis in axes.values}))


def _over_height_and_width(operator: Operator) -> bool:
    source = operator.input(0)
    return source is not None and source.rank == 4 and _axes(operator) in ((1, 2), (2,))


def _constant_rest(operator: Operator) -> bool:
    return len(operator.runtime_inputs) <= 1


def _types_differ(operator: Operator) -> bool:
    source, weights = operator.input(0), operator.input(1)
    return source is not None and weights is not None and source.tensor.dtype != weights.tensor.dtype


def _input_type(operator: Operator) -> str | None:
    source = operator.input(0)
    return None if source is None else source.tensor.dtype


def _weights_constant(operator: Operator) -> bool:
    weights = operator.input(1)
    return weights is not None and weights.constant


def _per_tensor(operator: Operator) -> bool:
    return all(i is None or i.tensor.quantisation != "per-channel" for i in operator.inputs)


def _runtime_per_tensor(operator: Operator) -> bool:
    return all(i.tensor.quantisation != "per-channel" for i in operator.runtime_inputs)


def _bias_per_tensor(operator: Operator) -> bool:
    bias = operator.input(2)
    return bias is None or bias.tensor.quantisation != "per-channel"


def _unit_strides(operator: Operator) -> bool:
    strides = operator.input(3)
    return strides is not None and strides.values is not None and set(strides.values) == {1}


def _no_activation(operator: Operator) -> bool:
    return operator.options.get("activation", 0) == 0


def _square_output(operator: Operator) -> bool:
    shape = operator.outputs[0].tensor.shape
    return len(shape) < 3 or shape[1] == shape[2]


def _ranks(*wanted: int) -> Callable[[Operator], bool]:
    def holds(operator: Operator) -> bool:
        return all(end.rank in wanted for end in operator.runtime_inputs)

    return holds


def _output_rank(operator: Operator) -> bool:
    return operator.outputs[0].rank > 0


CONDITIONS: Mapping[str, Condition] = {
    "same quantisation": Condition(
        scales.same,
        "scale or zero point of its inputs and outputs differ",
        "quantise them alike, or keep this operator in float",
    ),
    "axes over height and width": Condition(
        _over_height_and_width,
        "taken only over height and width, or width alone, of four dimensions",
        "reduce over axes 1 and 2, or 2 alone; over channels it costs little",
    ),
    "one runtime input": Condition(
        _constant_rest, "more than its first input is computed at run time", "make the others constants"
    ),
    "constant weights": Condition(
        _weights_constant, "its weights are not constant", "make the weights a constant"
    ),
    "sigmoid's output scale": Condition(
        scales.scale_is(1 / 256),
        "its output is not quantised with scale 1/256",
        "quantise the output with scale 1/256",
    ),
    "softmax's output in int8": Condition(
        scales.softmax_in_int8,
        "its output is not quantised with scale 1/256 and zero point -128",
        "quantise the output from 0 to 1",
    ),
    "log-softmax's output": Condition(
        scales.log_softmax,
        "its output is not quantised with scale 1/16 and the highest zero point",
        "quantise the output from -16 to 0, or keep this operator in float",
    ),
    "unit vector's output": Condition(
        scales.unit_vector,
        "its output is not quantised with scale 1/128 and the middle zero point",
        "quantise the output from -1 to 1, or keep this operator in float",
    ),
    "input scale below 128 outputs": Condition(
        scales.hard_swish,
        "its input's scale is 128 times its output's, or more",
        "calibrate again; its output hardly varies",
    ),
    "bias scale": Condition(
        scales.bias,
        "its bias does not have the scale of its input times that of its weights",
        "quantise the bias with the product of both scales",
    ),
    "products below 256 outputs": Condition(
        scales.product_below_256,
        "the scale of its input times that of its weights is 256 times its output's, or more",
        "calibrate again; its output hardly varies",
    ),
    "products below the output in uint8": Condition(
        scales.product_below_output_in_uint8,
        "the scale of its input times that of its weights is not below its output's",
        "calibrate again, or use API level 29 or later",
    ),
    "convertible scales": Condition(
        scales.convertible,
        "the scales of input and output are too far apart for its fixed-point arithmetic",
        "calibrate again; one of the tensors hardly varies",
    ),
    "float or its own type": Condition(
        lambda operator: _input_type(operator) in ("float32", operator.outputs[0].tensor.dtype),
        "it changes int8 to uint8 or back",
        "give the file ends of the type that it computes in",
    ),
    "same quantisation of inputs in uint8": Condition(
        lambda operator: operator.outputs[0].tensor.dtype != "uint8" or scales.same_inputs(operator),
        "scale or zero point of its inputs differ",
        "quantise them alike, or use API level 29 or later",
    ),
    "zero point 0 in int8": Condition(
        scales.middle_zero_point,
        "taken only with zero point 0 there",
        "compute on the CPU on older phones, or keep this operator at the graph's edge",
    ),
    "symmetric weights in int8": Condition(
        lambda operator: _input_type(operator) != "int8" or scales.symmetric_weights(operator),
        "its weights are not quantised with zero point 0",
        "quantise the weights symmetrically",
    ),
    "symmetric weights": Condition(
        scales.symmetric_weights,
        "its weights are not quantised with zero point 0",
        "quantise the weights symmetrically",
    ),
    "summable scales": Condition(
        scales.summable,
        "its inputs' scales are too far above its output's for its fixed-point arithmetic",
        "calibrate again; its output hardly varies",
    ),
    "per-tensor weights": Condition(
        _per_tensor,
        "its weights are quantised per channel",
        "quantise them with one scale, or keep it in float",
    ),
    "per-tensor weights at run time": Condition(
        _runtime_per_tensor,
        "the delegate accepts it and then fails, because what is quantised per channel is no constant to it",
        "keep the weights inside the file, as constants",
    ),
    "per-tensor bias": Condition(
        _bias_per_tensor,
        "its bias is quantised per channel",
        "quantise its weights with one scale, or keep it in float",
    ),
    "scales near each other": Condition(
        scales.near,
        "the scales of inputs and output are too far apart for its fixed-point arithmetic",
        "calibrate again; one of the tensors hardly varies",
    ),
    "unit strides": Condition(
        _unit_strides, "its strides are not all 1", "slice without strides, or use a pooling or convolution"
    ),
    "plain activation": Condition(
        lambda operator: operator.options.get("activation", 0) in RELU_TO_RELU6,
        "it has an activation fused into it that is neither ReLU nor ReLU6",
        "make the activation an operator of its own",
    ),
    "plain activation with equal types": Condition(
        lambda operator: _types_differ(operator) or operator.options.get("activation", 0) in RELU_TO_RELU6,
        "its kernel has no activation but ReLU and ReLU6 to fuse",
        "make the activation an operator of its own",
    ),
    "no activation": Condition(
        _no_activation, "it has an activation fused into it", "make the activation an operator of its own"
    ),
    "no dilation": Condition(
        lambda operator: operator.options.get("dilation_w") == operator.options.get("dilation_h") == 1,
        "it is dilated",
        "use a larger kernel, or several",
    ),
    "keeps no dimensions": Condition(
        lambda operator: not operator.options.get("keep_dims"),
        "it keeps its input's dimensions",
        "reshape to two dimensions before it, or use a 1x1 convolution",
    ),
    "three inputs": Condition(
        lambda operator: len(operator.inputs) == 3, "it has no bias", "give it a bias of zeros"
    ),
    "output is no scalar": Condition(_output_rank, "its output is a scalar", "keep the reduced dimensions"),
    "whole pixels": Condition(
        lambda operator: not (operator.options.get("align_corners") or operator.options.get("half_pixels")),
        "it aligns corners or centres pixels",
        "resize without align_corners and half_pixel_centers",
    ),
    "square output": Condition(
        _square_output,
        "its output's height and width differ",
        "resize to a square, or on API level 29 or later",
    ),
    "two or four dimensions": Condition(
        _ranks(2, 4),
        "it takes two or four dimensions there",
        "reshape around it, or use API level 29 or later",
    ),
    "four dimensions": Condition(
        _ranks(4),
        "it takes four dimensions there",
        "keep maps in four dimensions (batch, height, width, channels)",
    ),
    "at most four dimensions": Condition(
        _ranks(0, 1, 2, 3, 4),
        "its kernel takes up to four dimensions",
        "reshape to four dimensions around it",
    ),
    "no activation in int32": Condition(
        lambda operator: _no_activation(operator) or operator.outputs[0].tensor.dtype != "int32",
        "it has an activation fused into integer arithmetic",
        "make the activation an operator of its own",
    ),
    "no activation between scales": Condition(
        lambda operator: _no_activation(operator) or scales.same(operator),
        "it has an activation fused into it, and scale or zero point of its inputs and outputs differ",
        "make the activation an operator of its own",
    ),
    "same scale in int8": Condition(
        lambda operator: operator.outputs[0].tensor.dtype != "int8" or scales.same(operator),
        "its kernel wants inputs and output in int8 quantised alike",
        "quantise them alike, or keep this operator in float",
    ),
    "slope": Condition(
        lambda operator: operator.options.get("alpha", 0) not in (0, 1),
        "its slope is 0 or 1",
        "use RELU",
    ),
    "second input is computed": Condition(
        lambda operator: not _weights_constant(operator) or operator.outputs[0].rank < 3,
        "the delegate accepts it and then fails on its constant operand, and with it on everything it took",
        "use FULLY_CONNECTED or a 1x1 convolution",
    ),
}
