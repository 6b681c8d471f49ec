"""The whole network against logits of timm, transformers and the authors' code."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest

from swiftformer_keras import SwiftFormerConfig, SwiftFormerImageClassifier
from swiftformer_keras.errors import ConfigError, LabelsError
from swiftformer_keras.weights import classifier_shapes
from tests import reference
from tests.harness import assert_refused, assert_same_logits


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
            place = f"{key}/stage{index}"
            assert_same_logits(theirs.ravel()[:256], stored[f"{place}/first256"])
            assert theirs.std(dtype=np.float64) == pytest.approx(float(stored[f"{place}/std"]), rel=1e-5)
            assert theirs.mean(dtype=np.float64) == pytest.approx(float(stored[f"{place}/mean"]), abs=1e-5)
            if f"{place}/full" in stored:
                assert_same_logits(theirs[:1], stored[f"{place}/full"])  # of the first picture


@pytest.mark.backend
@pytest.mark.parametrize(("variant", "token_weights"), [("swiftformer_xs", "l2norm"), ("micro", "ones")])
def test_compiled_logits_equal_the_reference(variant: str, token_weights: str) -> None:
    """`predict` compiles; the second backend is tested here."""
    model, stored = reference.classifier(variant, token_weights), reference.arrays(variant)
    key = {"l2norm": "logits", "ones": "hf_ones_logits"}[token_weights]
    for height, width in reference.SIZES[:2] if variant == "micro" else reference.SIZES[:1]:
        logits = model.predict(reference.images(height, width), verbose=0)
        assert_same_logits(logits, stored[f"{height}x{width}/{key}"])


@pytest.mark.parametrize("variant", reference.VARIANTS)
def test_attention_of_transformers_equals_the_reference(variant: str) -> None:
    model, stored = reference.classifier(variant, "ones"), reference.arrays(variant)
    for height, width in reference.SIZES:
        assert_same_logits(model(reference.images(height, width)), stored[f"{height}x{width}/hf_ones_logits"])


SMALL = SwiftFormerConfig((1, 1, 2, 1), (8, 12, 16, 24), num_classes=3)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 64, 64, 3)).astype("float32")
Y = RNG.integers(0, 3, 8)


def test_logits_are_the_mean_of_the_heads() -> None:
    both = reference.classifier("micro", return_heads=True)
    stored = reference.arrays("micro")
    heads = both(reference.images(224, 224))
    assert_same_logits(heads["head"], stored["224x224/head"])
    assert_same_logits(heads["head_dist"], stored["224x224/head_dist"])


def test_norm_and_pooling_equal_the_reference() -> None:
    model = reference.classifier("micro")
    pooled = keras.Model(model.inputs[0], model.get_layer("pool").output)
    assert_same_logits(pooled(reference.images(192, 160)), reference.arrays("micro")["192x160/pre_logits"])


def test_one_head() -> None:
    model = SwiftFormerImageClassifier(SMALL.replace(heads=1))
    assert model(X).shape == (8, 3)
    assert "head_dist/kernel" not in model.named_weights()


@pytest.mark.parametrize("changes", [{}, {"heads": 1}, {"layer_scale": "none"}])
def test_the_list_of_weights_is_the_models(changes: dict[str, object]) -> None:
    config = SMALL.replace(**changes)
    weights = SwiftFormerImageClassifier(config).named_weights()
    assert {name: tuple(weight.shape) for name, weight in weights.items()} == classifier_shapes(config)


XLA = pytest.param(True, "float32", marks=() if keras.backend.backend() == "jax" else pytest.mark.slow)
"""JAX's only way to compile; in TensorFlow it takes most of a minute."""


@pytest.mark.backend
@pytest.mark.parametrize(("jit_compile", "policy"), [XLA, (False, "mixed_float16")])
def test_training_learns_with_every_regulariser_on(jit_compile: bool, policy: str) -> None:
    """Two heads, drop path, dropout and batch norm together fit eight pictures; nothing becomes NaN."""
    if not jit_compile and keras.backend.backend() == "jax":
        pytest.skip("JAX compiles every operator on its own then, which takes minutes")
    keras.utils.set_random_seed(0)
    config = SMALL.replace(drop_path_rate=0.1, dropout=0.1, mlp_dropout=0.05, layer_scale_init=0.1)
    model = SwiftFormerImageClassifier(config, return_heads=True, dtype=policy)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), {"head": loss, "head_dist": loss}, jit_compile=jit_compile)
    history = model.fit(X, {"head": Y, "head_dist": Y}, epochs=25, batch_size=8, verbose=0).history["loss"]
    assert np.isfinite(history).all() and history[-1] < 0.5 * history[0]


def test_every_weight_is_trained() -> None:
    config = SMALL.replace(layer_scale_init=0.1)
    model = SwiftFormerImageClassifier(config, return_heads=True)
    before = {
        name: keras.ops.convert_to_numpy(weight).copy() for name, weight in model.named_weights().items()
    }
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), {"head": loss, "head_dist": loss})
    model.fit(X, {"head": Y, "head_dist": Y}, epochs=1, verbose=0)
    still = [
        name
        for name, weight in model.named_weights().items()
        if np.array_equal(before[name], keras.ops.convert_to_numpy(weight))
    ]
    # The bias before a batch norm has no gradient but rounding; it may stay where it is.
    assert not [name for name in still if not name.endswith("bias")]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_stays_close(policy: str) -> None:
    exact = reference.classifier("micro")
    half = reference.classifier("micro", dtype=policy)
    x = reference.images(192, 160)
    logits = half(x)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert half.backbone.get_layer("stage3_block0").compute_dtype == policy.removeprefix("mixed_")
    difference = np.abs(np.asarray(logits) - np.asarray(exact(x))).max()
    assert difference < (0.02 if policy == "mixed_float16" else 0.15)


def test_from_preset() -> None:
    model = SwiftFormerImageClassifier.from_preset(
        "swiftformer_xs", num_classes=5, labels=list("abcde"), name="mine"
    )
    assert model.config.variant == "swiftformer_xs" and model.labels == tuple("abcde")
    assert model.name == "mine"
    assert model(X[:1]).shape == (1, 5)


def test_mistakes_are_named() -> None:
    build = SwiftFormerImageClassifier
    assert_refused(ConfigError, lambda: build(SMALL.replace(heads=1), return_heads=True), "heads=2")
    assert_refused(ConfigError, lambda: build(SMALL.replace(feature_norms=True)), "feature_norms")
    assert_refused(LabelsError, lambda: build(SMALL, labels=["a"]), "has 1 labels")
    assert_refused(LabelsError, lambda: build(SMALL, labels="abc"), "list")  # type: ignore[arg-type]
    assert_refused(LabelsError, lambda: build(SMALL, labels=[1, 2, 3]), "not text")  # type: ignore[list-item]
    for size in (64, (64,), (0, 64), (64, 64, 3), ("a", "b"), (-5, 10)):
        assert_refused(ConfigError, functools.partial(build, SMALL, input_size=size), "input_size")  # type: ignore[arg-type]
    assert_refused(ConfigError, lambda: build({"depths": 1}), "SwiftFormerConfig")  # type: ignore[arg-type]
    assert_refused(ConfigError, lambda: build.from_preset("swiftformer_m"), "swiftformer_xs")
    assert_refused(ConfigError, lambda: build.from_preset("swiftformer_xs", nonsense=1), "nonsense")
