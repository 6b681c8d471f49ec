"""A tiny classifier with reference weights and everything that an export asks of a model."""

from __future__ import annotations

from typing import Any

from swiftformer_keras import SwiftFormerImageClassifier
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import PREPROCESSINGS
from tests import reference

P64 = PREPROCESSINGS["timm"].with_size(64, 64)
LABELS = tuple(f"class {index}" for index in range(10))
ORIGIN = Origin(name="micro", author="nobody", licence="CC0-1.0", sha256="ab" * 32)


def micro(**options: Any) -> SwiftFormerImageClassifier:
    facts: dict[str, Any] = {"preprocessing": P64, "labels": LABELS, "origin": ORIGIN, **options}
    model: SwiftFormerImageClassifier = reference.classifier("micro", **facts)
    return model
