"""A trained model's weights -> the form that runs on a phone: pure functions on numpy arrays, then one new model.

Everything constant is folded: batch norms into the convolution beside them, layer scales into the last convolution of
their branch, both heads and the last norm into one dense layer, `final(proj(g * k) + q)` into one 1x1 convolution.
Sums are formed in float64 and stored as float32. Each function takes a `FoldedSwiftFormer` and returns another; the
trained model is never touched.

    folded = fold_model(model)                              # or fold(arrays, config): no Keras needed
    logits = forward(folded, picture)                       # keras.ops: any backend, any input size
    fast = fold_pixels(fold_gelu(folded, "fast"), preprocessing)

`forward` is the one place where the inference graph is written; `converters.tflite.graph` traces this same function.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from swiftformer_keras.config import SwiftFormerConfig
from swiftformer_keras.errors import ConfigError, NonFiniteError
from swiftformer_keras.gelu import ACTIVATIONS, Gelu, gelu_scale
from swiftformer_keras.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras

Arrays = Mapping[str, np.ndarray]

BATCH_NORM_EPSILON = 1e-5
"""Of every batch norm in all three published sources."""

NORM_EPSILON = 2.0**-23
"""Added to a mean of squares before its root, so that a token of zeros stays zeros.

The reference's floor of 1e-12 under a norm is zero in float16. This is two of float16's smallest steps, and small
enough that a token a tenth as large as the others (see `scale_convs`) is off by 1e-5 of its value at most."""

NORMALIZED = ("/attn/query", "/attn/key", "/attn/token_weight")
"""Convolutions whose result is divided by its own length straight after, so that a positive factor cancels."""


class Conv(NamedTuple):
    """One convolution: kernel `(height, width, in, out)`, or `(height, width, channels, 1)` where depthwise."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclasses.dataclass(frozen=True)
class FoldedSwiftFormer:
    """The inference form of one classifier; every array float32.

    Attributes:
        config: of the model it was folded from.
        convs: by name, as in the trained model without the norms and scales: `stem_conv1`, `stem_conv2`,
            `stage{i}_downsample`, `stage{i}_block{j}/{dwconv,pwconv1,pwconv2}`, the same below
            `local_representation/`, `attn/{query,key,token_weight,final}`, `mlp/{fc1,fc2}`, and `head`
            with the kernel `(channels, classes)`. `attn/token_weight` is absent for token weights "ones".
        gelu: form of the activation (`gelu.py`); the hidden maps are scaled by `gelu_scale`.
        border: what surrounds the picture, one value a channel: zeros for a normalised picture, the
            mean colour for one of raw pixels.
        centre: what is subtracted from the picture first, one value a channel; the border is of what is left.
    """

    config: SwiftFormerConfig
    convs: Mapping[str, Conv]
    gelu: Gelu = "exact"
    border: tuple[float, float, float] = (0.0, 0.0, 0.0)
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)


# --- trained weights to folded weights ----------------------------------------------------------------


def fold(weights: Arrays, config: SwiftFormerConfig) -> FoldedSwiftFormer:
    """Fold named arrays (the names and shapes of `model.named_weights()`) into the inference form. Pure.

    Raises:
        NonFiniteError: an array holds NaN or infinity.
    """
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise NonFiniteError(f"weights: tensor {name!r} holds NaN or infinity. Take another checkpoint")
    get = {name: np.asarray(array, np.float64) for name, array in weights.items()}
    convs: dict[str, Conv] = {}

    def put(name: str, kernel: np.ndarray, bias: np.ndarray) -> None:
        convs[name] = Conv(kernel.astype(np.float32), bias.astype(np.float32))

    for number in (1, 2):
        scale, shift = _norm(get, f"stem_norm{number}")
        kernel, bias = get[f"stem_conv{number}/kernel"], get[f"stem_conv{number}/bias"]
        put(f"stem_conv{number}", kernel * scale, bias * scale + shift)
    for stage, depth in enumerate(config.depths):
        if stage:
            name = f"stage{stage}_downsample"
            scale, shift = _norm(get, f"{name}/norm")
            put(name, get[f"{name}/conv/kernel"] * scale, get[f"{name}/conv/bias"] * scale + shift)
        for index in range(depth):
            block = f"stage{stage}_block{index}"
            if index < depth - 1:
                _fold_convolutions(get, put, block, config)
            else:
                _fold_convolutions(get, put, f"{block}/local_representation", config)
                _fold_attention(get, put, block, config)
                _fold_mlp(get, put, block, config)

    heads = ("head", "head_dist")[: config.heads]
    scale, shift = _norm(get, "norm")
    kernel = np.mean([get[f"{head}/kernel"] for head in heads], axis=0)
    bias = np.mean([get[f"{head}/bias"] for head in heads], axis=0)
    put("head", kernel * scale[:, None], bias + shift @ kernel)
    return FoldedSwiftFormer(config, convs)


def fold_model(model: Any) -> FoldedSwiftFormer:
    """`fold` of a `SwiftFormerImageClassifier`'s present weights."""
    import keras

    arrays = {name: keras.ops.convert_to_numpy(value) for name, value in model.named_weights().items()}
    return fold(arrays, model.config)


def _norm(get: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A batch norm at inference as `x * scale + shift`."""
    scale = get[f"{name}/gamma"] / np.sqrt(get[f"{name}/moving_variance"] + BATCH_NORM_EPSILON)
    return scale, get[f"{name}/beta"] - get[f"{name}/moving_mean"] * scale


def _fold_convolutions(get: Arrays, put: Any, block: str, config: SwiftFormerConfig) -> None:
    """ConvEncoder and local representation: `x + layer_scale * pwconv2(gelu(pwconv1(norm(dwconv(x)))))`."""
    scale, shift = _norm(get, f"{block}/norm")
    kernel, bias = get[f"{block}/dwconv/kernel"], get[f"{block}/dwconv/bias"]
    put(f"{block}/dwconv", kernel * scale[:, None], bias * scale + shift)
    put(f"{block}/pwconv1", get[f"{block}/pwconv1/kernel"], get[f"{block}/pwconv1/bias"])
    gamma = 1.0 if config.layer_scale == "none" else get[f"{block}/layer_scale/gamma"]
    put(f"{block}/pwconv2", get[f"{block}/pwconv2/kernel"] * gamma, get[f"{block}/pwconv2/bias"] * gamma)


def _fold_attention(get: Arrays, put: Any, block: str, config: SwiftFormerConfig) -> None:
    """`layer_scale_1 * final(proj(g * k) + q)` as one convolution over the concatenation of `g * k` and `q`.

    `forward` divides q and k by the root of the *mean* square over C channels, not of the sum, so that
    float16 holds it: both come out sqrt(C) too large (and g with q), which this kernel takes back. The factor
    of the number of tokens is left to `forward`, the only place that knows it.
    """
    attn = f"{block}/attn"
    for ours, theirs in (("query", "to_query"), ("key", "to_key")):
        put(f"{attn}/{ours}", get[f"{attn}/{theirs}/kernel"][None, None], get[f"{attn}/{theirs}/bias"])
    if config.token_weights == "l2norm":
        direction = get[f"{attn}/w_g"]
        length = np.linalg.norm(direction)
        put(f"{attn}/token_weight", (direction / (length or 1.0))[None, None], np.zeros(1))
    gamma = get[f"{block}/layer_scale_1/gamma"] if config.layer_scale == "all" else 1.0
    project, project_bias = get[f"{attn}/proj/kernel"], get[f"{attn}/proj/bias"]
    final, final_bias = get[f"{attn}/final/kernel"] * gamma, get[f"{attn}/final/bias"] * gamma
    channels = len(project)
    kernel = np.concatenate([project @ final / channels, final / math.sqrt(channels)])
    put(f"{attn}/final", kernel[None, None], project_bias @ final + final_bias)


def _fold_mlp(get: Arrays, put: Any, block: str, config: SwiftFormerConfig) -> None:
    """`layer_scale_2 * fc2(gelu(fc1(norm(x))))`."""
    scale, shift = _norm(get, f"{block}/mlp/norm")
    kernel, bias = get[f"{block}/mlp/fc1/kernel"], get[f"{block}/mlp/fc1/bias"]
    put(f"{block}/mlp/fc1", kernel * scale[:, None], bias + shift @ kernel[0, 0])
    gamma = get[f"{block}/layer_scale_2/gamma"] if config.layer_scale == "all" else 1.0
    put(f"{block}/mlp/fc2", get[f"{block}/mlp/fc2/kernel"] * gamma, get[f"{block}/mlp/fc2/bias"] * gamma)


# --- folded weights to folded weights -----------------------------------------------------------------


def scale_convs(folded: FoldedSwiftFormer, factors: Mapping[str, float]) -> FoldedSwiftFormer:
    """Multiply the output of some convolutions by a constant.

    Meant for those in `NORMALIZED`: a factor changes nothing but moves them to where float16 is accurate. Powers
    of two cost no rounding.
    """
    convs = dict(folded.convs)
    for name, factor in factors.items():
        kernel, bias = convs[name]
        convs[name] = Conv(kernel * np.float32(factor), bias * np.float32(factor))
    return dataclasses.replace(folded, convs=convs)


def fold_gelu(folded: FoldedSwiftFormer, gelu: Gelu) -> FoldedSwiftFormer:
    """Choose the activation; the scale it works at goes into the convolutions around it.

    Raises:
        ConfigError: there is no such activation.
    """
    if gelu not in get_args(Gelu):
        raise ConfigError(f"gelu must be one of {get_args(Gelu)}, not {gelu!r}")
    factor = gelu_scale(gelu) / gelu_scale(folded.gelu)
    convs = dict(folded.convs)
    for name, (kernel, bias) in folded.convs.items():
        if name.endswith(("/pwconv1", "/fc1")):
            convs[name] = Conv(kernel * np.float32(factor), bias * np.float32(factor))
        elif name.endswith(("/pwconv2", "/fc2")):
            convs[name] = Conv(kernel / np.float32(factor), bias)
    return dataclasses.replace(folded, convs=convs, gelu=gelu)


def fold_pixels(folded: FoldedSwiftFormer, preprocessing: Preprocessing) -> FoldedSwiftFormer:
    """Take RGB pixels 0..255 instead of a normalised picture, at no cost.

    The first convolution absorbs `(pixel / 255 - mean) / std` (and the order of channels, where the model
    wants BGR). Its padding was with zeros, which is the mean colour before the normalisation.
    """
    mean = 255.0 * np.asarray(preprocessing.mean, np.float64)
    std = 255.0 * np.asarray(preprocessing.std, np.float64)
    kernel, bias = (np.asarray(a, np.float64) for a in folded.convs["stem_conv1"])
    if preprocessing.channel_order == "bgr":
        kernel = kernel[:, :, ::-1]
    kernel = kernel / std[:, None]
    bias = bias - np.einsum("hwio,i->o", kernel, mean)
    stem = Conv(kernel.astype(np.float32), bias.astype(np.float32))
    border = (float(mean[0]), float(mean[1]), float(mean[2]))
    return dataclasses.replace(folded, convs={**folded.convs, "stem_conv1": stem}, border=border)


def centre_pixels(folded: FoldedSwiftFormer) -> FoldedSwiftFormer:
    """Subtract the mean colour from raw pixels before the first convolution, whose bias takes it back.

    It is rounded to whole levels, so that what is left of a pixel is a whole number in -255..255, which float16
    holds. The first convolution's sums are then as small as its results, and its weights' roundings no shift.
    """
    centre = np.round(np.asarray(folded.border, np.float64))
    kernel, bias = (np.asarray(a, np.float64) for a in folded.convs["stem_conv1"])
    stem = Conv(
        folded.convs["stem_conv1"].kernel, (bias + np.einsum("hwio,i->o", kernel, centre)).astype(np.float32)
    )
    red, green, blue = (float(value) for value in centre)
    border = tuple(value - whole for value, whole in zip(folded.border, (red, green, blue), strict=True))
    return dataclasses.replace(
        folded,
        convs={**folded.convs, "stem_conv1": stem},
        border=(border[0], border[1], border[2]),
        centre=(folded.centre[0] + red, folded.centre[1] + green, folded.centre[2] + blue),
    )


# --- the graph ----------------------------------------------------------------------------------------


def forward(
    folded: FoldedSwiftFormer,
    image: Any,
    taps: dict[str, Any] | None = None,
    *,
    head_by_rows: bool = False,
) -> Any:
    """Logits `(batch, classes)` of pictures `(batch, height, width, 3)`, in `keras.ops`.

    Every map stays rank 4 and channels last, every product a convolution; height and width must be static. Name
    scopes become the tensor names of the .tflite file: `stage0_block2/attn/query`, `.../gelu`, `.../residual`.

    Args:
        folded: the weights, as constants of the graph.
        image: a normalised picture, or pixels after `fold_pixels`.
        taps: if given, filled with the outputs of every convolution in `NORMALIZED`, by name.
        head_by_rows: apply the head to the mean of each row of the last map, and average its results. The same
            function, but in float16 each row's long sums round for themselves, and most of that averages out.
    """
    import keras
    from keras import ops

    def conv(x: Any, name: str) -> Any:
        kernel, bias = folded.convs[name]
        with keras.name_scope(name.rpartition("/")[2]):
            y = ops.conv(x, kernel, padding="valid", data_format="channels_last") + bias
        if taps is not None and name.endswith(NORMALIZED):
            taps[name] = y
        return y

    def downsample(x: Any, name: str, border: tuple[float, ...]) -> Any:
        """3x3, stride 2, padded by one on both sides as torch does; the far side only where it is read."""
        kernel, bias = folded.convs[name]
        with keras.name_scope(name):
            x = _surround(x, border) if any(border) else ops.pad(x, _padding(x))
            y = ops.conv(x, kernel, strides=2, padding="valid", data_format="channels_last") + bias
            return ops.relu(y) if name.startswith("stem") else y

    def local(x: Any, name: str) -> Any:
        kernel, bias = folded.convs[f"{name}/dwconv"]
        with keras.name_scope("dwconv"):
            y = ops.depthwise_conv(x, kernel, padding="same", data_format="channels_last") + bias
        y = conv(activate(conv(y, f"{name}/pwconv1")), f"{name}/pwconv2")
        with keras.name_scope("residual"):
            return x + y

    def mlp(x: Any, name: str) -> Any:
        y = conv(activate(conv(x, f"{name}/fc1")), f"{name}/fc2")
        with keras.name_scope("residual"):
            return x + y

    def activate(x: Any) -> Any:
        with keras.name_scope("gelu"):
            return ACTIVATIONS[folded.gelu](x)

    def attention(x: Any, name: str) -> Any:
        tokens, channels = x.shape[1] * x.shape[2], x.shape[3]
        query, key = _normalize(conv(x, f"{name}/query")), _normalize(conv(x, f"{name}/key"))
        if folded.config.token_weights == "l2norm":
            weight = conv(query, f"{name}/token_weight")
            # A = a / ||a|| over the tokens is one number a picture, so it is applied after the sum
            gate = _token_mean(weight * query) * ops.rsqrt(_token_mean(weight * weight) + NORM_EPSILON)
            amount = math.sqrt(tokens)
        else:
            gate, amount = _token_mean(query), float(tokens)
        both = ops.concatenate([gate * key, query], axis=-1)
        kernel, bias = folded.convs[f"{name}/final"]
        kernel = np.concatenate([kernel[:, :, :channels] * amount, kernel[:, :, channels:]], axis=2)
        with keras.name_scope("final"):
            y = ops.conv(both, kernel, padding="valid", data_format="channels_last") + bias
        with keras.name_scope("residual"):
            return x + y

    zeros = (0.0, 0.0, 0.0)
    if any(folded.centre):
        with keras.name_scope("centre"):
            image = image - np.asarray(folded.centre, np.float32)
    x = downsample(image, "stem_conv1", folded.border)
    x = downsample(x, "stem_conv2", zeros)
    for stage, depth in enumerate(folded.config.depths):
        if stage:
            x = downsample(x, f"stage{stage}_downsample", zeros)
        for index in range(depth - 1):
            block = f"stage{stage}_block{index}"
            with keras.name_scope(block):
                x = local(x, block)
        block = f"stage{stage}_block{depth - 1}"
        with keras.name_scope(block):
            for name, part in (("local_representation", local), ("attn", attention), ("mlp", mlp)):
                with keras.name_scope(name):
                    x = part(x, f"{block}/{name}")
    kernel, bias = folded.convs["head"]
    with keras.name_scope("head"):
        if not head_by_rows:
            return ops.matmul(ops.mean(x, axis=(1, 2)), kernel) + bias
        rows = ops.mean(x, axis=2, keepdims=True)
        rows = ops.conv(rows, kernel[None, None], padding="valid", data_format="channels_last") + bias
        return ops.mean(rows, axis=(1, 2))


def _padding(x: Any) -> list[list[int]]:
    return [[0, 0], [1, x.shape[1] % 2], [1, x.shape[2] % 2], [0, 0]]


def _surround(x: Any, border: tuple[float, ...]) -> Any:
    """Pad with one colour: concatenated constants, because PAD knows one value for all channels only."""
    from keras import ops

    for axis in (1, 2):
        near, far = _padding(x)[axis]
        edge = ops.zeros_like(x[:, :1] if axis == 1 else x[:, :, :1]) + np.asarray(border, np.float32)
        x = ops.concatenate([edge] * near + [x] + [edge] * far, axis=axis)
    return x


def _normalize(x: Any) -> Any:
    """`x` over its root mean square over channels: l2 normalisation times sqrt(channels), safe in float16."""
    from keras import ops

    return x * ops.rsqrt(ops.mean(x * x, axis=-1, keepdims=True) + NORM_EPSILON)


def _token_mean(x: Any) -> Any:
    """Mean over a map in two steps, width then height, so that a float16 accumulator stays accurate."""
    from keras import ops

    return ops.mean(ops.mean(x, axis=2, keepdims=True), axis=1, keepdims=True)


def folded_classifier(folded: FoldedSwiftFormer, input_size: tuple[int, int]) -> keras.Model:
    """A new Keras model, `(batch, height, width, 3)` to logits; its weights are constants: nothing trains it."""
    import keras

    image = keras.Input((*input_size, 3), dtype="float32", name="image")
    return keras.Model(image, forward(folded, image), name="folded_swiftformer")
