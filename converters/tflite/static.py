"""Static int8: weights per channel and activations per tensor as int8; what int8 would ruin stays float.

Float operators between int8 ones are islands with DEQUANTIZE and QUANTIZE around them; LiteRT's XNNPACK keeps them in
the same partition, so they cost 0.09 ns an element and no copy. Android's 2.16.1 leaves MEAN and RSQRT out of it.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Mapping, Sequence

import numpy as np

from converters.tflite.flatbuffer import pack
from swiftformer_keras.errors import ConfigError

BITS = 8

ATTENTION_ISLAND = ".*/attn/.*"
"""Output tensors of the attention: its MUL, MEAN, RSQRT and ADD stay float, its convolutions do not."""

GELU_ISLAND = ".*/gelu/.*"
"""Output tensors of the activation: a polynomial in int8 loses everything, the sigmoid form does not."""

RESIDUAL_ISLAND = ".*/residual/.*"
"""Output tensors of the additions around each branch."""


def quantize_static(
    tflite: bytes,
    ranges: Mapping[str, tuple[float, float]],
    *,
    float_gelu: bool,
    float_residuals: bool = True,
    float_ends: bool = True,
    keep_float: Sequence[str] = (),
) -> bytes:
    """The float32 model in int8; `flatbuffer.repack` brings its weights inside.

    Args:
        tflite: as `graph.to_tflite` makes it.
        ranges: smallest and largest value of every computed float tensor, by name.
        float_gelu: leave the activation in float.
        float_residuals: leave the additions around the branches in float.
        float_ends: input and output stay float32; int8 otherwise.
        keep_float: names of output tensors whose operators stay float too.
    """
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            from litert_quantizer import quantizer
            from litert_quantizer.qtyping import TFLOperationName as Name

            recipe = quantizer.Quantizer(bytearray(tflite))
            recipe.add_static_config(".*", Name.ALL_SUPPORTED, activation_num_bits=BITS, weight_num_bits=BITS)
            left = [(ATTENTION_ISLAND, name) for name in (Name.MUL, Name.MEAN, Name.RSQRT, Name.ADD)]
            left.append((".*", Name.GELU))
            if float_gelu:
                left += [(GELU_ISLAND, name) for name in (Name.MUL, Name.ADD, Name.LOGISTIC)]
            if float_residuals:
                left.append((RESIDUAL_ISLAND, Name.ADD))
            if float_ends:
                left += [(".*", Name.INPUT), (".*", Name.OUTPUT)]
            for pattern, name in left:
                recipe.update_quantization_recipe(pattern, name, algorithm_key="no_quantize")
            for pattern in keep_float:
                recipe.update_quantization_recipe(pattern, Name.ALL_SUPPORTED, algorithm_key="no_quantize")
            return bytes(
                recipe.quantize(_statistics(tflite, ranges), enable_progress_report=False).quantized_model
            )
    finally:
        logger.setLevel(level)


def _statistics(tflite: bytes, ranges: Mapping[str, tuple[float, float]]) -> dict[str, dict[str, np.ndarray]]:
    """Ranges as the quantiser takes them: arrays of the tensor's rank."""
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.Model.GetRootAs(tflite, 0).Subgraphs(0)
    ranks = {
        (tensor := graph.Tensors(index)).Name().decode(): tensor.ShapeLength()
        for index in range(graph.TensorsLength())
    }
    return {
        name: {
            "min": np.full((1,) * ranks[name], low, np.float32),
            "max": np.full((1,) * ranks[name], high, np.float32),
        }
        for name, (low, high) in ranges.items()
    }


def unsigned_ends(tflite: bytes) -> bytes:
    """An int8 model with float32 ends, as `repack` leaves it, with uint8 ends.

    Its first operator is a QUANTIZE from float and its last a DEQUANTIZE; both become the change between uint8 and
    int8, in the same place.

    Raises:
        ConfigError: the ends are not such operators, because a part at the end was kept in float.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    graph, builtin = model.subgraphs[0], schema.BuiltinOperator
    given, result = int(graph.inputs[0]), int(graph.outputs[0])
    first = [operator for operator in graph.operators if given in operator.inputs]
    last = [operator for operator in graph.operators if result in operator.outputs]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    if [codes[operator.opcodeIndex] for operator in first + last] != [builtin.QUANTIZE, builtin.DEQUANTIZE]:
        raise ConfigError(
            "quantize: a part at an end of the model is kept in float, so its ends cannot be uint8. "
            "Choose float32 ends, or keep another part"
        )
    for index, like in ((given, first[0].outputs[0]), (result, last[0].inputs[0])):
        inner, quantization = graph.tensors[int(like)].quantization, schema.QuantizationParametersT()
        quantization.scale = inner.scale
        quantization.zeroPoint = np.asarray(inner.zeroPoint, np.int64) + 128
        graph.tensors[index].type = schema.TensorType.UINT8
        graph.tensors[index].quantization = quantization
    last[0].opcodeIndex = first[0].opcodeIndex
    last[0].builtinOptionsType, last[0].builtinOptions = first[0].builtinOptionsType, first[0].builtinOptions
    return pack(model, len(tflite))
