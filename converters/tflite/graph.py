"""A folded model -> .tflite bytes: one traced function, one converter run, and smaller weights where wanted.

The graph itself is `swiftformer_keras.folding.forward`; tracing it on the TensorFlow backend gives exactly the
operators wanted (rank-4 maps, 1x1 convolutions, fused bias and ReLU, one XNNPACK partition), so there is no second
version of it here.
"""

from __future__ import annotations

from typing import Any

from converters.tflite.card import OutputKind
from converters.tflite.dynamic import quantize_weights
from converters.tflite.flatbuffer import repack
from converters.tflite.float16 import halve_weights
from converters.tflite.settings import Precision, check_backend
from swiftformer_keras.folding import FoldedSwiftFormer, forward

INPUT_NAME = "image"


def to_tflite(
    folded: FoldedSwiftFormer,
    input_size: tuple[int, int],
    *,
    precision: Precision = "float32",
    output: OutputKind = "logits",
) -> bytes:
    """Convert to a .tflite model of batch 1 with one signature, `image` to `logits` or `probabilities`.

    The same arguments give the same bytes.

    Args:
        folded: see `swiftformer_keras.folding`.
        input_size: height and width in pixels.
        precision: how weights are stored: "float32", "float16" (`float16.py`, with a head that is safe in float16
            arithmetic) or "dynamic" (`dynamic.py`).
        output: whether a softmax ends the graph.

    Raises:
        MissingToolError: Keras runs on another backend than TensorFlow, whose converter is needed.
    """
    import tensorflow as tf

    check_backend()

    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec((1, *input_size, 3), tf.float32, name=INPUT_NAME)]
    )
    def infer(image: Any) -> dict[str, Any]:
        logits = forward(folded, image, head_by_rows=precision == "float16")
        return {output: logits if output == "logits" else tf.nn.softmax(logits)}

    # A module that owns nothing but the function: handing over a Keras model here writes a file without
    # weights and says nothing.
    owner = tf.Module()
    owner.infer = infer
    converter = tf.lite.TFLiteConverter.from_concrete_functions([infer.get_concrete_function()], owner)
    tflite = converter.convert()
    if precision == "float16":
        tflite = halve_weights(tflite)
    elif precision == "dynamic":
        tflite = quantize_weights(tflite)
    return repack(tflite, inputs=(INPUT_NAME,), outputs=(output,))
