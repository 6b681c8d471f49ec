"""SwiftFormer in Keras 3: config and presets, backbone, image classifier, preprocessing.

In come named weights (see `converters`) or random ones; out goes a Keras model, a folded inference
model, or a `.keras` file. Nothing here reads files of other formats. Start at `config.py`, then
`layers.py` from leaf to root, `backbone.py` and `tasks/`.

Names are imported when first used, so that a command which needs no Keras starts at once. Where Keras is
there already, its classes are registered at once; otherwise name one of them before `keras.saving.load_model`.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swiftformer_keras.backbone import SwiftFormerBackbone
    from swiftformer_keras.config import PRESETS, SwiftFormerConfig
    from swiftformer_keras.origin import Origin
    from swiftformer_keras.preprocessing import Preprocessing
    from swiftformer_keras.saving import load_model
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

__version__ = "0.1.0"

_HOMES = {
    "PRESETS": "swiftformer_keras.config",
    "Origin": "swiftformer_keras.origin",
    "Preprocessing": "swiftformer_keras.preprocessing",
    "SwiftFormerBackbone": "swiftformer_keras.backbone",
    "SwiftFormerConfig": "swiftformer_keras.config",
    "SwiftFormerImageClassifier": "swiftformer_keras.tasks.image_classifier",
    "load_model": "swiftformer_keras.saving",
}

__all__ = [
    "PRESETS",
    "Origin",
    "Preprocessing",
    "SwiftFormerBackbone",
    "SwiftFormerConfig",
    "SwiftFormerImageClassifier",
    "__version__",
    "load_model",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


if "keras" in sys.modules:
    importlib.import_module("swiftformer_keras.tasks.image_classifier")
