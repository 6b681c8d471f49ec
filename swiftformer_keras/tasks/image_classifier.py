"""The backbone with one or two classification heads, and everything a picture needs to become a label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import keras

from swiftformer_keras import layers
from swiftformer_keras.backbone import (
    SwiftFormerBackbone,
    check_constructor,
    facts_from_config,
    from_preset,
    named_weights,
)
from swiftformer_keras.config import SwiftFormerConfig
from swiftformer_keras.errors import ConfigError
from swiftformer_keras.labels import as_labels
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import Preprocessing


@keras.saving.register_keras_serializable(layers.PACKAGE)
class SwiftFormerImageClassifier(keras.Model):
    """SwiftFormer for image classification.

    Input: `(batch, height, width, 3)`, float, normalised as `preprocessing` says. Output: logits
    `(batch, num_classes)`, the mean of the two heads where there are two; with `return_heads` a dict of
    `head` and `head_dist`, as the authors train (one loss on each).

    Args:
        config: the architecture.
        preprocessing: how pictures become its input; travels with the file.
        labels: one name a class; travels with the file.
        origin: where the weights come from; travels with the file.
        input_size: `(height, width)` to fix, or None for any.
        return_heads: return both heads' logits instead of their mean.
        dtype: dtype policy of the layers, such as "mixed_float16"; the global policy by default. Logits
            are float32 under every policy.

    Raises:
        ConfigError: `return_heads` with one head, or feature norms with a classification head.
        LabelsError: `labels` are not one printable text a class.
    """

    def __init__(
        self,
        config: SwiftFormerConfig,
        *,
        preprocessing: Preprocessing | None = None,
        labels: Sequence[str] | None = None,
        origin: Origin | None = None,
        input_size: tuple[int, int] | None = None,
        return_heads: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        check_constructor(config, input_size)
        if return_heads and config.heads != 2:
            raise ConfigError("return_heads needs a configuration with heads=2")
        if config.feature_norms:
            raise ConfigError("feature_norms belong to a dense-prediction backbone, which has no classifier")
        if type(return_heads) is not bool:
            raise ConfigError(f"return_heads must be True or False, not {return_heads!r}")
        labels = as_labels(labels, config.num_classes) if labels is not None else None

        # === Graph ===
        policy = keras.dtype_policies.get(dtype)
        backbone = SwiftFormerBackbone(config, input_size=input_size, dtype=policy, name="backbone")
        inputs = keras.Input(backbone.input_shape[1:], dtype=policy.variable_dtype, name="image")
        x = layers.BatchNormalization(dtype=policy, name="norm")(backbone(inputs))
        x = keras.layers.GlobalAveragePooling2D(data_format="channels_last", dtype=policy, name="pool")(x)
        x = keras.layers.Dropout(config.dropout, dtype=policy, name="dropout")(x)
        # Logits stay float32 under mixed precision, as losses and softmax want them.
        heads = {
            head: keras.layers.Dense(config.num_classes, dtype="float32", name=head)(x)
            for head in ("head", "head_dist")[: config.heads]
        }
        if return_heads:
            outputs: Any = heads
        elif config.heads == 2:
            outputs = keras.layers.Average(name="logits", dtype="float32")(list(heads.values()))
        else:
            outputs = heads["head"]
        super().__init__(inputs=inputs, outputs=outputs, name=name or "swiftformer", **options)

        # === Config ===
        self.dtype_policy = policy
        self.backbone = backbone
        self.config = config
        self.preprocessing = preprocessing
        self.labels = labels
        self.origin = origin
        self.input_size = input_size
        self.return_heads = return_heads

    def named_weights(self) -> dict[str, keras.Variable]:
        """Every weight under the name that checkpoints are mapped to."""
        return named_weights(self)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "config": self.config.to_dict(),
            "preprocessing": self.preprocessing.to_dict() if self.preprocessing else None,
            "labels": list(self.labels) if self.labels is not None else None,
            "origin": self.origin.to_dict() if self.origin else None,
            "input_size": list(self.input_size) if self.input_size else None,
            "return_heads": self.return_heads,
            "dtype": self.dtype_policy.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        return cls(**facts_from_config(config))

    @classmethod
    def from_preset(cls, name: str, /, **options: Any) -> Self:
        """A published variant with random weights, or the real weights of a hub name.

        Args:
            name: a key of `PRESETS` (random weights), or a hub name such as
                `hf://MBZUAI/swiftformer-xs` or `timm/swiftformer_xs.dist_in1k` (downloaded).
            options: for a preset, fields of the configuration and constructor arguments; for a hub
                name, what `from_checkpoint` takes.

        Raises:
            ConfigError: neither a preset nor a hub name.
            HubError: the download failed.
        """
        own = ("preprocessing", "labels", "origin", "input_size", "return_heads", "dtype", "name")
        return from_preset(cls, name, own, options)

    @classmethod
    def from_checkpoint(cls, source: str | Path, **options: Any) -> Self:
        """A PyTorch checkpoint, a folder or a hub name; see `converters.load.load_checkpoint`.

        Beside its options, those in `converters.load.MODEL_OPTIONS` may be given, for training on. Without
        `dtype` the model is float32, whatever Keras' global policy is: it has the checkpoint's own logits.

        Raises:
            CheckpointError: the file cannot be read, or is no SwiftFormer.
            ConfigError: the file has no classification head, or there is no such option.
            HubError: the download failed.
        """
        from converters.load import (
            load_checkpoint,
            split_options,
        )  # the one listed exception to the import direction

        return load_checkpoint(source, model_class=cls, **split_options(options)).model
