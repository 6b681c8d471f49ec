"""The reference variants as models of ours: seeded weights in, the reference arrays beside them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from converters.assign import assign, prepare
from converters.layouts import LAYOUTS, infer_config, rename
from swiftformer_keras.config import SwiftFormerConfig
from swiftformer_keras.weights import classifier_shapes
from tests.harness import FIXTURES, recipe

VARIANTS = ("swiftformer_xs", "swiftformer_s", "swiftformer_l1", "swiftformer_l3", "tiny", "micro")
SIZES = ((224, 224), (192, 160), (256, 256))


@functools.cache
def arrays(variant: str) -> dict[str, np.ndarray]:
    """The stored reference arrays of a variant (or of "blocks")."""
    with np.load(FIXTURES / "reference" / f"ref_{variant}.npz") as file:
        return {name: file[name] for name in file.files}


def weights(variant: str, token_weights: str = "l2norm") -> tuple[SwiftFormerConfig, dict[str, np.ndarray]]:
    """The configuration and the seeded weights under our names, in Keras' axis order."""
    source = recipe()
    tensors = source.weights(attn=token_weights, **source.VARIANTS[variant])
    mapping = rename(tensors, LAYOUTS["timm"])
    named = {ours: tensors[theirs] for theirs, ours in mapping.items()}
    config = infer_config({k: v.shape for k, v in named.items()}, token_weights)  # type: ignore[arg-type]
    names = {ours: theirs for theirs, ours in mapping.items()}
    return config, prepare(named, classifier_shapes(config), names, variant)


def classifier(variant: str, token_weights: str = "l2norm", **options: Any) -> Any:
    """A classifier of ours with the reference weights."""
    from swiftformer_keras import SwiftFormerImageClassifier

    config, values = weights(variant, token_weights)
    model = SwiftFormerImageClassifier(config, **options)
    assign(model, values)
    return model


def images(height: int, width: int, batch: int = 2) -> np.ndarray:
    """The seeded, already normalised input, NHWC float32."""
    return recipe().image(batch, height, width).transpose(0, 2, 3, 1)
