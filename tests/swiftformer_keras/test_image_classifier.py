"""The whole network against logits of timm, transformers and the authors' code."""

from __future__ import annotations

import numpy as np
import pytest

from tests import reference
from tests.harness import assert_same_logits


@pytest.mark.parametrize("variant", reference.VARIANTS)
def test_logits_heads_and_stages_equal_the_reference(variant: str) -> None:
    model, stored = reference.classifier(variant), reference.arrays(variant)
    parts = model.backbone.feature_extractor(("stage0", "stage1", "stage2", "stage3"))
    for height, width in reference.SIZES:
        x, key = reference.images(height, width), f"{height}x{width}"
        assert_same_logits(model(x), stored[f"{key}/logits"])
        for index, stage in enumerate(parts(x).values()):
            theirs = np.asarray(stage).transpose(0, 3, 1, 2)
            assert theirs.shape == tuple(stored[f"{key}/stage{index}/shape"])
            assert_same_logits(theirs.ravel()[:256], stored[f"{key}/stage{index}/first256"])
            assert theirs.std(dtype=np.float64) == pytest.approx(
                float(stored[f"{key}/stage{index}/std"]), rel=1e-5
            )


@pytest.mark.parametrize("variant", reference.VARIANTS)
def test_attention_of_transformers_equals_the_reference(variant: str) -> None:
    model, stored = reference.classifier(variant, "ones"), reference.arrays(variant)
    for height, width in reference.SIZES:
        assert_same_logits(model(reference.images(height, width)), stored[f"{height}x{width}/hf_ones_logits"])
