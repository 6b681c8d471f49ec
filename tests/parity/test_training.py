"""Training mode: gradients of every weight, the update of the batch norms, and the two heads, against timm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.parity import peers

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def _loaded(model: Any, folder: Path, *, return_heads: bool = False) -> Any:
    from converters.load import load_checkpoint
    from swiftformer_keras import SwiftFormerImageClassifier

    torch.save(model.state_dict(), folder / "m.pth")
    loaded = load_checkpoint(folder / "m.pth").model
    if not return_heads:
        return loaded
    twin = SwiftFormerImageClassifier(loaded.config, return_heads=True)
    for name, weight in twin.named_weights().items():
        weight.assign(loaded.named_weights()[name])
    return twin


def _in_our_terms(values: dict[str, Any]) -> dict[str, np.ndarray]:
    """timm's names and axes to ours; the mapping itself is proved by every logits test."""
    from converters import layouts

    mapping = layouts.rename(values, layouts.LAYOUTS["timm"])
    return {
        ours: layouts.to_keras_axes(ours, values[theirs].detach().numpy()) for theirs, ours in mapping.items()
    }


@pytest.mark.parametrize("seed", range(2000, 2010))
def test_gradients_and_batch_norms(seed: int, tmp_path: Path) -> None:
    import tensorflow as tf

    case = peers.random_case(seed)
    model = peers.timm_model(case)
    loaded = _loaded(model, tmp_path)
    pixels = peers.image(case, case.sizes[1], batch=4)
    target = peers.image(case, (4, case.num_classes), batch=1)[0, 0]

    model.train()
    logits = model(torch.from_numpy(pixels))
    ((logits - torch.from_numpy(target)) ** 2).mean().backward()
    theirs = {name: parameter.grad for name, parameter in model.named_parameters()}

    with tf.GradientTape() as tape:
        our_logits = loaded(pixels.transpose(0, 2, 3, 1), training=True)
        loss = keras.ops.mean((our_logits - target) ** 2)
    weights = {name: weight for name, weight in loaded.named_weights().items() if weight.trainable}
    gradients = tape.gradient(loss, [weight.value for weight in weights.values()])

    peers.compare("training, logits", our_logits, logits)
    expected = _in_our_terms(theirs)
    assert set(expected) == set(weights)
    for name, gradient in zip(weights, gradients, strict=True):
        scale = max(1.0, float(np.abs(expected[name]).max()))
        peers.compare(
            "training, gradients (of the largest)", np.asarray(gradient) / scale, expected[name] / scale
        )
    buffers = {name: value for name, value in model.state_dict().items() if "running" in name}
    for name, value in _in_our_terms(buffers).items():
        peers.compare("training, batch-norm statistics", loaded.named_weights()[name], value)


@pytest.mark.parametrize("seed", range(2100, 2105))
def test_both_heads(seed: int, tmp_path: Path) -> None:
    case = peers.random_case(seed)
    model = peers.timm_model(case)
    loaded = _loaded(model, tmp_path, return_heads=True)
    model.set_distilled_training(True)
    model.train()
    pixels = peers.image(case, case.sizes[1], batch=4)
    head, distilled = model(torch.from_numpy(pixels))
    found = loaded(pixels.transpose(0, 2, 3, 1), training=True)
    peers.compare("training, head", found["head"], head)
    peers.compare("training, distillation head", found["head_dist"], distilled)
