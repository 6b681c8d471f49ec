"""The embedded checkpoint on 1,000 real pictures: torch's stored logits, and how often it is right."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from benchmarks.fashion_mnist import reference_inputs
from swiftformer_keras import SwiftFormerImageClassifier, data
from swiftformer_keras.preprocessing import apply, normalize
from tests.harness import FIXTURES, assert_same_logits

Thousand = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def thousand() -> Thousand:
    with np.load(FIXTURES / "fashion_mnist_1000.npz") as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def model() -> SwiftFormerImageClassifier:
    return SwiftFormerImageClassifier.from_checkpoint(
        data.demo_checkpoint(), preprocessing=data.demo_preprocessing(), labels=data.demo_labels()
    )


def test_the_stored_logits_are_reproduced(model: SwiftFormerImageClassifier, thousand: Thousand) -> None:
    """They were computed by torch on pictures resized in floating point."""
    logits = model.predict(reference_inputs(thousand["pictures"]), batch_size=250, verbose=0)
    assert_same_logits(logits, thousand["logits"])
    assert (logits.argmax(axis=1) == thousand["labels"]).mean() >= 0.91


def test_pictures_through_the_contract_are_named_rightly(
    model: SwiftFormerImageClassifier, thousand: Thousand
) -> None:
    assert model.preprocessing is not None
    pixels = np.stack(
        [apply(Image.fromarray(p).convert("RGB"), model.preprocessing) for p in thousand["pictures"]]
    )
    logits = model.predict(normalize(pixels, model.preprocessing), batch_size=250, verbose=0)
    assert (logits.argmax(axis=1) == thousand["labels"]).mean() >= 0.91
    assert (logits.argmax(axis=1) == thousand["logits"].argmax(axis=1)).mean() >= 0.995
