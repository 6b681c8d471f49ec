"""Dynamic-range quantisation: weights as int8, one scale an output channel; activations quantised as they come.

Needs LiteRT: older TFLite runtimes read such files and give wrong results.

What stays float, and what int8 there would cost (signal-to-noise ratio to Keras, 16 sample pictures as raw pixels;
reference XS at 224, reference micro at 64, XS at 64 trained on Fashion-MNIST; XS file of 1,000 classes):

| int8                                    | XS 224  | micro 64 | trained | size    | partitions |
|-----------------------------------------|---------|----------|---------|---------|------------|
| every convolution                       | 28.0 dB | 14.1 dB  | 41.9 dB | 3.55 MB | 17         |
| all but depthwise                       | 27.2    | 13.8     | 43.0    | 3.58    | 1          |
| all but depthwise, stem                 | 30.2    | 28.6     | 47.0    | 3.61    | 1          |
| **all but depthwise, stem, attention**  | 34.2    | 32.9     | 46.7    | 4.39    | 1          |

Raw pixels have a large mean and one scale a picture; the attention's concatenation holds two halves of different
size; XNNPACK takes no depthwise convolution of this kind.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Sequence

WEIGHT_BITS = 8

FLOAT_PARTS = (".*stem_conv.*", ".*/attn/.*")
"""Names of output tensors (scopes of `folding.forward`) whose convolutions keep float weights."""


def quantize_weights(tflite: bytes, keep_float: Sequence[str] = ()) -> bytes:
    """The float32 model with int8 weights in its 1x1 and downsampling convolutions and its dense layer.

    The result keeps its weights behind the flatbuffer; `flatbuffer.repack` brings them inside.

    Args:
        tflite: as `graph.to_tflite` makes it.
        keep_float: patterns of further output tensors whose operators keep float weights.
    """
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        # the quantiser draws two bars on stderr and logs every operator that it leaves alone
        with contextlib.redirect_stderr(io.StringIO()):
            from litert_quantizer import quantizer
            from litert_quantizer.qtyping import TFLOperationName

            recipe = quantizer.Quantizer(bytearray(tflite))
            for operation in (TFLOperationName.CONV_2D, TFLOperationName.FULLY_CONNECTED):
                recipe.add_dynamic_config(".*", operation, num_bits=WEIGHT_BITS)
                for part in (*FLOAT_PARTS, *keep_float):
                    recipe.update_quantization_recipe(part, operation, algorithm_key="no_quantize")
            return bytes(recipe.quantize(enable_progress_report=False).quantized_model)
    finally:
        logger.setLevel(level)
