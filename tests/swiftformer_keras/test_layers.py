"""Single blocks against what torch computed, and one training step of batch norm."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from converters.layouts import LAYOUTS, rename, to_keras_axes
from swiftformer_keras import layers
from swiftformer_keras.config import SwiftFormerConfig
from swiftformer_keras.errors import ConfigError
from tests import reference
from tests.harness import assert_refused, assert_same_logits

pytestmark = pytest.mark.backend
TINY = SwiftFormerConfig((1, 1, 1, 1), (32, 32, 32, 32))
PREFIXES = {  # where a block's tensors stand in timm's network, and in ours
    "attn": ("stages.0.blocks.0.attn.", "stage0_block0/attn/"),
    "convencoder": ("stages.0.blocks.0.", "stage0_block0/"),
    "localrep": ("stages.0.blocks.0.local_representation.", "stage0_block0/local_representation/"),
    "mlp": ("stages.0.blocks.0.linear.", "stage0_block0/mlp/"),
    "block": ("stages.0.blocks.0.", "stage0_block0/"),
    "downsample": ("stages.1.downsample.", "stage1_downsample/"),
}


def nhwc(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 2, 3, 1)


def filled(block: str, layer: keras.layers.Layer) -> keras.layers.Layer:
    """`layer` with the stored weights of `block`, every one of which has to find its place."""
    arrays, (theirs, ours) = reference.arrays("blocks"), PREFIXES[block]
    stored = {n.removeprefix(f"{block}/w/"): a for n, a in arrays.items() if n.startswith(f"{block}/w/")}
    mapping = rename([theirs + name for name in stored], LAYOUTS["timm"])
    layer.build(nhwc(arrays[f"{block}/in"]).shape)
    weights = {w.path.split("/", 1)[1]: w for w in layer.weights if "seed" not in w.path}
    assert {name.removeprefix(ours) for name in mapping.values()} == set(weights)
    for name, place in mapping.items():
        weights[place.removeprefix(ours)].assign(to_keras_axes(place, stored[name.removeprefix(theirs)]))
    return layer


@pytest.mark.parametrize(
    ("block", "layer"),
    [
        ("attn", lambda: layers.EfficientAdditiveAttention(32)),
        ("convencoder", lambda: layers.ConvEncoder(32, 128)),
        ("localrep", lambda: layers.ConvEncoder(32, 32)),
        ("mlp", lambda: layers.Mlp(32, 128)),
        ("block", lambda: layers.EncoderBlock(TINY, 32)),
        ("downsample", lambda: layers.Downsample(48)),
    ],
)
def test_block_equals_torch(block: str, layer: Any) -> None:
    arrays = reference.arrays("blocks")
    ours = filled(block, layer())(nhwc(arrays[f"{block}/in"]))
    assert_same_logits(ours, nhwc(arrays[f"{block}/out"]), 1e-5)


def test_attention_with_ones_equals_transformers() -> None:
    arrays = reference.arrays("blocks")
    layer = filled("attn", layers.EfficientAdditiveAttention(32, "ones"))
    assert_same_logits(layer(nhwc(arrays["attn/in"])), nhwc(arrays["attn/out_ones"]), 1e-5)


def test_attention_with_rows_of_zeros_equals_torch() -> None:
    """Without biases a row of zeros has norm zero, which must not divide."""
    arrays = reference.arrays("blocks")
    layer = filled("attn", layers.EfficientAdditiveAttention(32))
    for dense in (layer.to_query, layer.to_key):
        dense.bias.assign(np.zeros(32))
    assert_same_logits(layer(nhwc(arrays["attn_zero/in"])), nhwc(arrays["attn_zero/out"]), 1e-5)


def test_thousands_of_equal_tokens_keep_their_precision() -> None:
    """A flat picture: float64 arithmetic in numpy is the reference, which a sum in one go misses by 3e-4."""
    rng = np.random.default_rng(0)
    layer = layers.EfficientAdditiveAttention(16)
    layer.build((1, 96, 96, 16))
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    token = rng.normal(size=16)
    dense = {d.name: [np.asarray(w, np.float64) for w in d.get_weights()] for d in layer._layers}
    query, key = (token @ dense[name][0] + dense[name][1] for name in ("to_query", "to_key"))
    query, key = query / np.linalg.norm(query), key / np.linalg.norm(key)
    score = float(query @ np.asarray(keras.ops.convert_to_numpy(layer.w_g), np.float64)[:, 0])
    pooled = np.sign(score) * 96 * query  # each of 96^2 equal weights is 1/96
    out = ((pooled * key) @ dense["proj"][0] + dense["proj"][1] + query) @ dense["final"][0] + dense["final"][
        1
    ]
    ours = np.asarray(layer(np.broadcast_to(token.astype("float32"), (1, 96, 96, 16))))
    error = np.abs(ours - out).max() / np.abs(out).max()
    assert error < 2e-6


def test_training_step_of_a_conv_encoder_equals_torch() -> None:
    """Batch statistics in the output; torch's momentum and unbiased variance in the moving ones."""
    arrays = reference.arrays("blocks")
    layer = filled("convencoder", layers.ConvEncoder(32, 128))
    ours = layer(nhwc(arrays["convencoder/in"]), training=True)
    assert_same_logits(ours, nhwc(arrays["convencoder_train/out"]), 1e-4)
    assert_same_logits(layer.norm.moving_mean, arrays["convencoder_train/running_mean"], 1e-6)
    assert_same_logits(layer.norm.moving_variance, arrays["convencoder_train/running_var"], 1e-6)


def test_frozen_batch_norm_keeps_its_statistics() -> None:
    layer = filled("convencoder", layers.ConvEncoder(32, 128))
    layer.trainable = False
    before = np.asarray(keras.ops.convert_to_numpy(layer.norm.moving_variance)).copy()
    layer(nhwc(reference.arrays("blocks")["convencoder/in"]), training=True)
    np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(layer.norm.moving_variance))


def test_drop_path_drops_whole_samples_and_scales_the_rest() -> None:
    layer = layers.drop_path(0.4, "drop")
    ones = np.ones((4000, 2, 3, 5), np.float32)
    kept = np.asarray(layer(ones, training=True))
    per_sample = kept.reshape(len(ones), -1)
    assert (per_sample == per_sample[:, :1]).all(), "a sample was dropped in part"
    assert set(np.round(np.unique(per_sample), 5)) == {0.0, np.round(np.float32(1 / 0.6), 5)}
    assert abs((per_sample[:, 0] == 0).mean() - 0.4) < 5 * np.sqrt(0.4 * 0.6 / len(ones))
    np.testing.assert_array_equal(layer(ones, training=False), ones)


def test_gradient_of_a_zero_map_is_finite() -> None:
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        pytest.skip("uses TensorFlow's tape")
    layer = layers.EfficientAdditiveAttention(8)
    x = tf.Variable(tf.zeros((1, 2, 2, 8)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x))
    assert np.isfinite(tape.gradient(loss, x).numpy()).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_attention_survives_large_values_in_half_precision(policy: str) -> None:
    """Squares of these queries are beyond float16; the norms are taken in float32."""
    arrays = reference.arrays("blocks")
    exact = filled("attn", layers.EfficientAdditiveAttention(32))
    half = filled("attn", layers.EfficientAdditiveAttention(32, dtype=policy))
    x = nhwc(arrays["attn/in"]) * 300
    theirs = np.asarray(exact(x))
    ours = np.asarray(keras.ops.cast(half(x), "float32"))
    error = np.sqrt(((ours - theirs) ** 2).mean() / (theirs**2).mean())
    assert error < (5e-3 if policy == "mixed_float16" else 4e-2)


def test_layers_round_trip_through_their_config() -> None:
    for layer in (
        layers.EfficientAdditiveAttention(8, "ones"),
        layers.ConvEncoder(8, 16, 0.1, layer_scale=False),
        layers.Mlp(8, 16, 0.2),
        layers.EncoderBlock(TINY, 32, 0.3),
        layers.Downsample(9),
        layers.LayerScale(0.5),
        layers.BatchNormalization(),
    ):
        config = layer.get_config()
        assert type(layer).from_config(config).get_config() == config


def test_unknown_token_weights_are_refused() -> None:
    assert_refused(ConfigError, lambda: layers.EfficientAdditiveAttention(8, "softmax"), "softmax")  # type: ignore[arg-type]
