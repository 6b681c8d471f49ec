"""Every weight of a SwiftFormer by name and shape, as a pure function of the configuration.

With it a file is measured against the network it claims to be before any of that network is built.
"""

from __future__ import annotations

from swiftformer_keras.config import SwiftFormerConfig

Shape = tuple[int, ...]


def backbone_shapes(config: SwiftFormerConfig) -> dict[str, Shape]:
    """Names and shapes (Keras' axis order) of `SwiftFormerBackbone.named_weights`, in no particular order."""
    shapes: dict[str, Shape] = {}
    first = config.embed_dims[0]
    for index, (inputs, outputs) in enumerate(((3, first // 2), (first // 2, first)), start=1):
        shapes |= _affine(f"stem_conv{index}", (3, 3, inputs, outputs)) | _norm(f"stem_norm{index}", outputs)
    for stage, (depth, dim) in enumerate(zip(config.depths, config.embed_dims, strict=True)):
        if stage:
            name = f"stage{stage}_downsample"
            shapes |= _affine(f"{name}/conv", (3, 3, config.embed_dims[stage - 1], dim))
            shapes |= _norm(f"{name}/norm", dim)
        for block in range(depth - 1):
            shapes |= _conv_encoder(f"stage{stage}_block{block}", dim, config.hidden_dim(dim), config)
        shapes |= _encoder_block(f"stage{stage}_block{depth - 1}", dim, config)
        if config.feature_norms:
            shapes |= _norm(f"feature_norm{stage}", dim)
    return shapes


def classifier_shapes(config: SwiftFormerConfig) -> dict[str, Shape]:
    """Names and shapes of `SwiftFormerImageClassifier.named_weights`."""
    dim = config.embed_dims[-1]
    shapes = backbone_shapes(config) | _norm("norm", dim)
    for head in ("head", "head_dist")[: config.heads]:
        shapes |= _affine(head, (dim, config.num_classes))
    return shapes


def _affine(name: str, kernel: Shape) -> dict[str, Shape]:
    return {f"{name}/kernel": kernel, f"{name}/bias": kernel[-1:]}


def _norm(name: str, dim: int) -> dict[str, Shape]:
    return {f"{name}/{kind}": (dim,) for kind in ("gamma", "beta", "moving_mean", "moving_variance")}


def _conv_encoder(name: str, dim: int, hidden: int, config: SwiftFormerConfig) -> dict[str, Shape]:
    shapes = {f"{name}/dwconv/kernel": (3, 3, dim, 1), f"{name}/dwconv/bias": (dim,)} | _norm(
        f"{name}/norm", dim
    )
    shapes |= _affine(f"{name}/pwconv1", (1, 1, dim, hidden)) | _affine(
        f"{name}/pwconv2", (1, 1, hidden, dim)
    )
    if config.layer_scale != "none":
        shapes[f"{name}/layer_scale/gamma"] = (dim,)
    return shapes


def _encoder_block(name: str, dim: int, config: SwiftFormerConfig) -> dict[str, Shape]:
    hidden = config.hidden_dim(dim)
    shapes = _conv_encoder(f"{name}/local_representation", dim, dim, config) | {f"{name}/attn/w_g": (dim, 1)}
    for layer in ("to_query", "to_key", "proj", "final"):
        shapes |= _affine(f"{name}/attn/{layer}", (dim, dim))
    shapes |= _norm(f"{name}/mlp/norm", dim)
    shapes |= _affine(f"{name}/mlp/fc1", (1, 1, dim, hidden)) | _affine(
        f"{name}/mlp/fc2", (1, 1, hidden, dim)
    )
    if config.layer_scale == "all":
        shapes |= {f"{name}/layer_scale_{index}/gamma": (dim,) for index in (1, 2)}
    return shapes
