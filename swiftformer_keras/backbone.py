"""The network without a head: a stem and four stages, as a functional Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import keras

from swiftformer_keras import layers
from swiftformer_keras.config import PRESETS, SwiftFormerConfig, preset
from swiftformer_keras.errors import ConfigError
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import MAX_SIZE, Preprocessing


@keras.saving.register_keras_serializable(layers.PACKAGE)
class SwiftFormerBackbone(keras.Model):
    """SwiftFormer's feature extractor.

    Input: `(batch, height, width, 3)`, float, normalised as `preprocessing` says. Output: the last map,
    `(batch, ceil(height / 32), ceil(width / 32), embed_dims[3])`; with `config.feature_norms` the dict
    `pyramid_outputs` instead, since every map then has weights of its own.

    Attributes:
        pyramid_outputs: symbolic tensors P2, P3, P4, P5 at strides 4, 8, 16, 32.
        hidden_states: the eight symbolic tensors that transformers' `SwiftFormerModel` returns under this
            name, in its order: stem, stage0, downsample1, stage1, downsample2, stage2, downsample3, stage3.

    Args:
        config: the architecture; fields about classification are kept but have no effect.
        input_size: `(height, width)` to fix, or None for any.
        preprocessing: how pictures become its input, carried along.
        origin: where the weights come from, carried along.
        dtype: dtype policy of the layers, such as "mixed_float16"; the global policy by default.
    """

    def __init__(
        self,
        config: SwiftFormerConfig,
        *,
        input_size: tuple[int, int] | None = None,
        preprocessing: Preprocessing | None = None,
        origin: Origin | None = None,
        dtype: Any = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        check_constructor(config, input_size)
        # === Graph ===
        policy = keras.dtype_policies.get(dtype)
        height, width = input_size or (None, None)
        # In the weights' precision: left alone, pictures would be rounded to keras.config.floatx().
        inputs = keras.Input((height, width, 3), dtype=policy.variable_dtype, name="image")
        x = inputs
        for index, filters in ((1, config.embed_dims[0] // 2), (2, config.embed_dims[0])):
            x = keras.layers.ZeroPadding2D(
                1, data_format="channels_last", dtype=policy, name=f"stem_pad{index}"
            )(x)
            convolution = keras.layers.Conv2D(
                filters, 3, strides=2, data_format="channels_last", dtype=policy, name=f"stem_conv{index}"
            )
            x = layers.BatchNormalization(dtype=policy, name=f"stem_norm{index}")(convolution(x))
            x = keras.layers.ReLU(dtype=policy, name=f"stem_relu{index}")(x)
        hidden_states = {"stem": x}
        pyramid_outputs = {}
        for stage, rates in enumerate(config.block_drop_path_rates()):
            if stage:
                x = layers.Downsample(
                    config.embed_dims[stage], dtype=policy, name=f"stage{stage}_downsample"
                )(x)
                hidden_states[f"downsample{stage}"] = x
            for block, rate in enumerate(rates):
                last = block == len(rates) - 1
                x = _block(config, stage, last, rate, policy, f"stage{stage}_block{block}")(x)
            hidden_states[f"stage{stage}"] = x
            if config.feature_norms:
                pyramid_outputs[f"P{stage + 2}"] = layers.BatchNormalization(
                    dtype=policy, name=f"feature_norm{stage}"
                )(x)
            else:
                pyramid_outputs[f"P{stage + 2}"] = x
        outputs = pyramid_outputs if config.feature_norms else x
        super().__init__(inputs=inputs, outputs=outputs, name=name or "swiftformer_backbone", **options)

        # === Config ===
        self.dtype_policy = policy
        self.config = config
        self.input_size = input_size
        self.preprocessing = preprocessing
        self.origin = origin
        self.pyramid_outputs = pyramid_outputs
        self.hidden_states = hidden_states

    def feature_extractor(self, names: Sequence[str] = ("P2", "P3", "P4", "P5")) -> keras.Model:
        """A model that shares the weights and returns a dict of the named maps.

        Args:
            names: any of P2..P5 and of the keys of `hidden_states`.

        Raises:
            ConfigError: a name is unknown.
        """
        known = {**self.hidden_states, **self.pyramid_outputs}
        if unknown := [name for name in names if name not in known]:
            raise ConfigError(f"no intermediate output {unknown[0]!r}; there are {', '.join(known)}")
        return keras.Model(self.inputs[0], {name: known[name] for name in names}, name="features")

    def named_weights(self) -> dict[str, keras.Variable]:
        """Every weight under the name that checkpoints are mapped to."""
        return named_weights(self)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "config": self.config.to_dict(),
            "input_size": list(self.input_size) if self.input_size else None,
            "preprocessing": self.preprocessing.to_dict() if self.preprocessing else None,
            "origin": self.origin.to_dict() if self.origin else None,
            "dtype": self.dtype_policy.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        return cls(**facts_from_config(config))

    @classmethod
    def from_preset(cls, name: str, /, **options: Any) -> Self:
        """A published variant with random weights, or the backbone of a hub name's real weights.

        Args:
            name: a key of `PRESETS` (random weights), or a hub name such as
                `hf://MBZUAI/swiftformer-xs` or `timm/swiftformer_xs.dist_in1k` (downloaded).
            options: for a preset, fields of the configuration and constructor arguments; for a hub
                name, what `from_checkpoint` takes.

        Raises:
            ConfigError: neither a preset nor a hub name.
            HubError: the download failed.
        """
        return from_preset(cls, name, ("preprocessing", "origin", "input_size", "dtype", "name"), options)

    @classmethod
    def from_checkpoint(cls, source: str | Path, **options: Any) -> Self:
        """The backbone of a PyTorch checkpoint, a folder or a hub name; see `converters.load.load_checkpoint`.

        Beside its options, those in `converters.load.MODEL_OPTIONS` may be given, for training on. Without
        `dtype` the model is float32, whatever Keras' global policy is: it has the checkpoint's own logits.

        A classification head in the file is left aside.

        Raises:
            CheckpointError: the file cannot be read or is no SwiftFormer.
            HubError: the download failed.
        """
        from converters.load import load_checkpoint, split_options

        options = split_options(options)
        return load_checkpoint(source, backbone_only=True, model_class=cls, **options).model


def named_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """Weights of a SwiftFormer model by layer path, without the state of random generators.

    Names are `layer/sublayer/kind`, for example `stage0_block2/attn/to_query/kernel`.
    """
    return {weight.path: weight for weight in model.weights if "seed_generator" not in weight.path}


def from_preset(model: Any, name: str, own: tuple[str, ...], options: dict[str, Any]) -> Any:
    """`model` (a class) of a preset or a hub name; `own` are its constructor's arguments beside the config."""
    if name not in PRESETS and "/" in name:
        return model.from_checkpoint(name, **options)
    arguments = {key: options.pop(key) for key in own if key in options}
    return model(preset(name, **options), **arguments)


_FACTS = {"name", "config", "input_size", "preprocessing", "origin", "dtype", "labels", "return_heads"}


def check_constructor(config: Any, input_size: Any) -> None:
    """What every constructor refuses before it builds a graph.

    Raises:
        ConfigError: `config` is no configuration, or `input_size` is not two sizes in pixels.
    """
    if not isinstance(config, SwiftFormerConfig):
        raise ConfigError(f"config must be a SwiftFormerConfig, not {type(config).__name__}")
    if input_size is None:
        return
    sizes = input_size if isinstance(input_size, (tuple, list)) else ()
    if len(sizes) != 2 or not all(type(size) is int and 1 <= size <= MAX_SIZE for size in sizes):
        raise ConfigError(f"input_size must be (height, width) of 1 to {MAX_SIZE} pixels, not {input_size!r}")


def facts_from_config(config: dict[str, Any]) -> dict[str, Any]:
    """The plain types of `get_config` back to the constructor's arguments.

    Raises:
        ConfigError, PreprocessingError: a value is unknown or not as `get_config` writes it.
    """
    values = dict(config)
    if unknown := sorted(set(values) - _FACTS):
        raise ConfigError(f"unknown facts {unknown} in the model's configuration")
    for name in ("name", "dtype"):
        if not isinstance(values.get(name), (str, type(None))):
            raise ConfigError(f"{name} must be text, not {values[name]!r}")
    values["config"] = SwiftFormerConfig.from_dict(values["config"])
    check_constructor(values["config"], values.get("input_size"))
    values["input_size"] = tuple(values["input_size"]) if values.get("input_size") is not None else None
    if values.get("preprocessing") is not None:
        values["preprocessing"] = Preprocessing.from_dict(values["preprocessing"])
    if values.get("origin") is not None:
        values["origin"] = Origin.from_dict(values["origin"])
    return values


def _block(
    config: SwiftFormerConfig, stage: int, last: bool, rate: float, dtype: Any, name: str
) -> keras.layers.Layer:
    dim = config.embed_dims[stage]
    if last:
        return layers.EncoderBlock(config, dim, rate, dtype=dtype, name=name)
    return layers.ConvEncoder(
        dim,
        config.hidden_dim(dim),
        rate if config.drop_path_blocks == "all" else 0.0,
        layer_scale=config.layer_scale != "none",
        dtype=dtype,
        name=name,
    )
