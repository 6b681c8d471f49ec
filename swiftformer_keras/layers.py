"""The parts of SwiftFormer (arXiv 2303.15446), leaf to root; all maps are `(batch, height, width, channels)`.

Written with `keras.ops` only, so that every Keras backend runs them. Names of weights are those that
`SwiftFormerBackbone.named_weights` lists and that the converters fill.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from swiftformer_keras.config import SwiftFormerConfig, TokenWeights
from swiftformer_keras.errors import ConfigError

PACKAGE = "swiftformer_keras"
BATCH_NORM_EPSILON = 1e-5
TOKENS, CHANNELS = (2, 1), (3,)  # axes of a map: width, then height
NORM_FLOOR = 1e-12  # torch's F.normalize divides by max(norm, 1e-12)


def gelu(x: Any) -> Any:
    """The exact GELU, `x * (1 + erf(x / sqrt(2))) / 2`; the tanh form would cost up to 9e-4 on logits."""
    return ops.gelu(x, approximate=False)


def sum_over(x: Any, axes: tuple[int, ...]) -> Any:
    """Sums over `axes`, which stay with length 1, one after the other.

    At once, thousands of equal tokens lose up to 3e-4 of the logits to float32's rounding; in stages 1e-5.
    """
    for axis in axes:
        x = ops.sum(x, axis=axis, keepdims=True)
    return x


def l2_normalize(x: Any, axes: tuple[int, ...]) -> Any:
    """`x / max(norm, 1e-12)` in float32, whatever the dtype of `x`; zeros stay zeros, with a finite gradient."""
    x = ops.cast(x, "float32")
    return x * ops.rsqrt(ops.maximum(sum_over(ops.square(x), axes), NORM_FLOOR**2))


def pad_border(x: Any) -> Any:
    """One row or column of zeros on each side: torch's padding=1, which "same" with stride 2 is not."""
    return ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])


def pointwise(filters: int, name: str, dtype: Any = None) -> keras.layers.Conv2D:
    """A 1x1 convolution."""
    return keras.layers.Conv2D(filters, 1, data_format="channels_last", dtype=dtype, name=name)


def drop_path(rate: float, name: str, dtype: Any = None) -> keras.layers.Dropout:
    """Stochastic depth (arXiv 1603.09382): a sample's whole branch is dropped, the others are scaled up."""
    return keras.layers.Dropout(rate, noise_shape=(None, 1, 1, 1), dtype=dtype, name=name)


@keras.saving.register_keras_serializable(PACKAGE)
class BatchNormalization(keras.layers.BatchNormalization):
    """Batch norm as torch trains it: epsilon 1e-5, and the moving variance takes the unbiased batch variance."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"momentum": 0.9, "epsilon": BATCH_NORM_EPSILON, **options})

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        kept = self.momentum * ops.convert_to_tensor(self.moving_variance)
        outputs = super().call(inputs, training=training, mask=mask)
        count = ops.cast(ops.size(inputs) // inputs.shape[-1], kept.dtype)
        unbiased = (self.moving_variance - kept) * count / ops.maximum(count - 1, 1)
        self.moving_variance.assign(kept + unbiased)
        return outputs


@keras.saving.register_keras_serializable(PACKAGE)
class LayerScale(keras.layers.Layer):
    """One learned factor per channel (arXiv 2103.17239). Shapes: `(..., dim)` to the same."""

    def __init__(self, initial: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.initial = initial

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.gamma = self.add_weight(
            name="gamma", shape=(input_shape[-1],), initializer=keras.initializers.Constant(self.initial)
        )

    def call(self, x: Any) -> Any:
        return x * self.gamma

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable(PACKAGE)
class EfficientAdditiveAttention(keras.layers.Layer):
    """Global context in time linear in the number of tokens.

    Queries are pooled into one global query with learned weights, which then gates every key
    (SwiftFormer, arXiv 2303.15446, eq. 4-6). Shapes: `(batch, height, width, dim)` to the same.
    The norms and the token sum are taken in float32 under every dtype policy.

    Args:
        dim: channels of the map and of queries and keys.
        token_weights: "l2norm" (weights normalised over tokens: timm, and the authors' code since
            July 2023) or "ones" (every token counts 1: transformers, and the authors' first release).

    Raises:
        ConfigError: `token_weights` is neither.
    """

    def __init__(self, dim: int, token_weights: TokenWeights = "l2norm", **options: Any) -> None:
        super().__init__(**options)
        if token_weights not in ("l2norm", "ones"):
            raise ConfigError(f"token_weights must be 'l2norm' or 'ones', not {token_weights!r}")
        self.dim = dim
        self.token_weights = token_weights
        self.to_query = keras.layers.Dense(dim, dtype=self.dtype_policy, name="to_query")
        self.to_key = keras.layers.Dense(dim, dtype=self.dtype_policy, name="to_key")
        self.proj = keras.layers.Dense(dim, dtype=self.dtype_policy, name="proj")
        self.final = keras.layers.Dense(dim, dtype=self.dtype_policy, name="final")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        for layer in (self.to_query, self.to_key, self.proj, self.final):
            layer.build((*input_shape[:-1], self.dim))
        self.w_g = self.add_weight(
            name="w_g",
            shape=(self.dim, 1),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            autocast=False,
        )

    def weigh(self, query: Any) -> Any:
        """One weight a token, `(batch, height, width, 1)`."""
        if self.token_weights == "ones":
            return ops.ones_like(query[..., :1])
        scores = ops.matmul(query, self.w_g) * self.dim**-0.5
        return l2_normalize(scores, TOKENS)

    def call(self, tokens: Any) -> Any:
        query = l2_normalize(self.to_query(tokens), CHANNELS)
        key = l2_normalize(self.to_key(tokens), CHANNELS)
        global_query = sum_over(self.weigh(query) * query, TOKENS)
        gated = ops.cast(global_query * key, self.compute_dtype)
        return self.final(self.proj(gated) + ops.cast(query, self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dim": self.dim, "token_weights": self.token_weights}


@keras.saving.register_keras_serializable(PACKAGE)
class ConvEncoder(keras.layers.Layer):
    """`x + scale * pw2(gelu(pw1(norm(dw3x3(x)))))`; with `hidden_dim == dim` also the local representation.

    Shapes: `(batch, height, width, dim)` to the same.

    Args:
        dim: channels outside.
        hidden_dim: channels inside.
        drop_path_rate: probability that a sample skips the branch in training.
        layer_scale: whether the branch has a learned factor per channel (starting at 1).
    """

    def __init__(
        self,
        dim: int,
        hidden_dim: int,
        drop_path_rate: float = 0.0,
        layer_scale: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.dim, self.hidden_dim = dim, hidden_dim
        self.drop_path_rate, self.has_layer_scale = drop_path_rate, layer_scale
        self.dwconv = keras.layers.DepthwiseConv2D(
            3, padding="same", data_format="channels_last", dtype=self.dtype_policy, name="dwconv"
        )
        self.norm = BatchNormalization(dtype=self.dtype_policy, name="norm")
        self.pwconv1 = pointwise(hidden_dim, "pwconv1", self.dtype_policy)
        self.pwconv2 = pointwise(dim, "pwconv2", self.dtype_policy)
        self.layer_scale = LayerScale(dtype=self.dtype_policy, name="layer_scale") if layer_scale else None
        self.drop_path = drop_path(drop_path_rate, "drop_path", self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        outer, inner = (*input_shape[:-1], self.dim), (*input_shape[:-1], self.hidden_dim)
        for layer, shape in (
            (self.dwconv, outer),
            (self.norm, outer),
            (self.pwconv1, outer),
            (self.pwconv2, inner),
            (self.layer_scale, outer),
        ):
            if layer is not None:
                layer.build(shape)

    def call(self, x: Any, training: bool | None = None) -> Any:
        branch = self.norm(self.dwconv(x), training=training)
        branch = self.pwconv2(gelu(self.pwconv1(branch)))
        if self.layer_scale is not None:
            branch = self.layer_scale(branch)
        return x + self.drop_path(branch, training=training)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dim": self.dim,
            "hidden_dim": self.hidden_dim,
            "drop_path_rate": self.drop_path_rate,
            "layer_scale": self.has_layer_scale,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class Mlp(keras.layers.Layer):
    """`fc2(gelu(fc1(norm(x))))` with 1x1 convolutions. Shapes: `(batch, height, width, dim)` to the same.

    Args:
        dim: channels outside.
        hidden_dim: channels inside.
        dropout: rate after the activation and after fc2, in training.
    """

    def __init__(self, dim: int, hidden_dim: int, dropout: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.dim, self.hidden_dim, self.dropout = dim, hidden_dim, dropout
        self.norm = BatchNormalization(dtype=self.dtype_policy, name="norm")
        self.fc1 = pointwise(hidden_dim, "fc1", self.dtype_policy)
        self.fc2 = pointwise(dim, "fc2", self.dtype_policy)
        self.drop1 = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="drop1")
        self.drop2 = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="drop2")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        outer, inner = (*input_shape[:-1], self.dim), (*input_shape[:-1], self.hidden_dim)
        self.norm.build(outer)
        self.fc1.build(outer)
        self.fc2.build(inner)

    def call(self, x: Any, training: bool | None = None) -> Any:
        hidden = gelu(self.fc1(self.norm(x, training=training)))
        return self.drop2(self.fc2(self.drop1(hidden, training=training)), training=training)

    def get_config(self) -> dict[str, Any]:
        config = {"dim": self.dim, "hidden_dim": self.hidden_dim, "dropout": self.dropout}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(PACKAGE)
class EncoderBlock(keras.layers.Layer):
    """Local representation, then attention and mlp as residual branches: the last block of each stage.

    Shapes: `(batch, height, width, dim)` to the same.

    Args:
        config: the network's configuration as a dict (`SwiftFormerConfig.to_dict`) or itself.
        dim: channels of this stage.
        drop_path_rate: probability that a sample skips a branch in training (never the local one).
    """

    def __init__(
        self,
        config: SwiftFormerConfig | dict[str, Any],
        dim: int,
        drop_path_rate: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.config = config if isinstance(config, SwiftFormerConfig) else SwiftFormerConfig.from_dict(config)
        self.dim, self.drop_path_rate = dim, drop_path_rate
        self.local_representation = ConvEncoder(
            dim,
            dim,
            layer_scale=self.config.layer_scale != "none",
            dtype=self.dtype_policy,
            name="local_representation",
        )
        self.attn = EfficientAdditiveAttention(
            dim, self.config.token_weights, dtype=self.dtype_policy, name="attn"
        )
        self.mlp = Mlp(
            dim, self.config.hidden_dim(dim), self.config.mlp_dropout, dtype=self.dtype_policy, name="mlp"
        )
        self.layer_scale_1, self.layer_scale_2 = (
            LayerScale(self.config.layer_scale_init, dtype=self.dtype_policy, name=name)
            if self.config.layer_scale == "all"
            else None
            for name in ("layer_scale_1", "layer_scale_2")
        )
        self.drop_path_1 = drop_path(drop_path_rate, "drop_path_1", self.dtype_policy)
        self.drop_path_2 = drop_path(drop_path_rate, "drop_path_2", self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        for layer in (self.local_representation, self.attn, self.mlp, self.layer_scale_1, self.layer_scale_2):
            if layer is not None:
                layer.build(input_shape)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.local_representation(x, training=training)
        branch = self.attn(x)
        if self.layer_scale_1 is not None:
            branch = self.layer_scale_1(branch)
        x = x + self.drop_path_1(branch, training=training)
        branch = self.mlp(x, training=training)
        if self.layer_scale_2 is not None:
            branch = self.layer_scale_2(branch)
        return x + self.drop_path_2(branch, training=training)

    def get_config(self) -> dict[str, Any]:
        config = {"config": self.config.to_dict(), "dim": self.dim, "drop_path_rate": self.drop_path_rate}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(PACKAGE)
class Downsample(keras.layers.Layer):
    """A 3x3 convolution of stride 2 with batch norm. `(batch, h, w, c)` to `(batch, ceil(h/2), ceil(w/2), dim)`."""

    def __init__(self, dim: int, **options: Any) -> None:
        super().__init__(**options)
        self.dim = dim
        self.conv = keras.layers.Conv2D(
            dim, 3, strides=2, data_format="channels_last", dtype=self.dtype_policy, name="conv"
        )
        self.norm = BatchNormalization(dtype=self.dtype_policy, name="norm")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        batch, *size, channels = input_shape
        padded = (None if side is None else side + 2 for side in size)
        self.conv.build((batch, *padded, channels))
        self.norm.build((batch, None, None, self.dim))

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.norm(self.conv(pad_border(x)), training=training)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dim": self.dim}
