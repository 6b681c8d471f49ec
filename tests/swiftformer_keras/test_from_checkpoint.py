"""The two `from_checkpoint` of the library, on every Keras backend."""

from __future__ import annotations

import numpy as np
import pytest

from swiftformer_keras import SwiftFormerBackbone, SwiftFormerImageClassifier
from tests.harness import FIXTURES, assert_same_logits, recipe

pytestmark = pytest.mark.backend

CKPT = FIXTURES / "ckpt"


class Classifier(SwiftFormerImageClassifier):
    """Of a user."""


class Backbone(SwiftFormerBackbone):
    """Of a user."""


def test_from_checkpoint_gives_torchs_logits_in_the_class_it_is_called_on() -> None:
    image = recipe().image(2, 64, 64).transpose(0, 2, 3, 1)
    with np.load(CKPT / "ref_logits_micro.npz") as stored:
        model = Classifier.from_checkpoint(CKPT / "hf")
        assert type(model) is Classifier
        assert_same_logits(np.asarray(model(image)), stored["64x64/hf"])
        backbone = Backbone.from_checkpoint(CKPT / "hf")
        assert type(backbone) is Backbone
        last = np.asarray(backbone(image)).transpose(0, 3, 1, 2)
        assert_same_logits(last, stored["64x64/hf_backbone_last"])
