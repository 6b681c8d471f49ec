"""Dynamic-range quantisation: weights as int8, one scale an output channel; activations quantised as they come.

Needs LiteRT: older TFLite runtimes read such files and give wrong results. The depthwise convolutions stay float:
their nine weights a channel are next to nothing in size, and int8 there costs accuracy (the reference networks lose
up to half of their signal-to-noise ratio).
"""

from __future__ import annotations

import logging

WEIGHT_BITS = 8


def quantize_weights(tflite: bytes, *, depthwise: bool = False) -> bytes:
    """The float32 model with int8 weights in its convolutions and its dense layer.

    The result keeps its weights behind the flatbuffer; `flatbuffer.repack` brings them inside.

    Args:
        tflite: a float32 model.
        depthwise: quantise the depthwise convolutions too (smaller by a hair, less accurate).
    """
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # the quantiser tells of every operator that it skips
    try:
        from litert_quantizer import qtyping, quantizer

        recipe = quantizer.Quantizer(bytearray(tflite))
        names = qtyping.TFLOperationName
        for operation in (names.CONV_2D, names.FULLY_CONNECTED, *((names.DEPTHWISE_CONV_2D,) if depthwise else ())):
            recipe.add_dynamic_config(".*", operation, num_bits=WEIGHT_BITS)
        return bytes(recipe.quantize(enable_progress_report=False).quantized_model)
    finally:
        logger.setLevel(level)
