"""The inference form against reference logits, and against the plain model where no reference exists."""

from __future__ import annotations

import dataclasses
import math

import keras
import numpy as np
import pytest

from swiftformer_keras import SwiftFormerConfig, SwiftFormerImageClassifier, folding
from swiftformer_keras.errors import ConfigError, NonFiniteError
from swiftformer_keras.gelu import ACTIVATIONS, Gelu, gelu_scale
from swiftformer_keras.preprocessing import PREPROCESSINGS, normalize
from tests import reference
from tests.harness import assert_refused, assert_same_logits

KEYS = {"l2norm": "logits", "ones": "hf_ones_logits"}
RNG = np.random.default_rng(5)


def logits(folded: folding.FoldedSwiftFormer, x: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(folding.forward(folded, x))


def random_model(config: SwiftFormerConfig, **options) -> SwiftFormerImageClassifier:
    """Every weight away from its initial value, so that a fold left out shows."""
    model = SwiftFormerImageClassifier(config, **options)
    for name, variable in model.named_weights().items():
        value = RNG.normal(size=variable.shape) / np.sqrt(max(1, np.prod(variable.shape[:-1])))
        if name.endswith(("gamma", "moving_variance")):
            value = RNG.uniform(0.5, 1.5, variable.shape)
        if name.endswith(("pwconv2/kernel", "fc2/kernel", "final/kernel")):
            value *= 0.2  # last layers of branches, so that logits stay of a usual size without layer scales
        variable.assign(value)
    return model


@pytest.mark.parametrize("token_weights", ["l2norm", "ones"])
@pytest.mark.parametrize(
    "variant",
    [
        pytest.param("micro", marks=pytest.mark.backend),
        "tiny",
        "swiftformer_xs",
        pytest.param("swiftformer_s", marks=pytest.mark.slow),
        pytest.param("swiftformer_l1", marks=pytest.mark.slow),
        pytest.param("swiftformer_l3", marks=pytest.mark.slow),
    ],
)
def test_folded_logits_equal_the_reference(variant: str, token_weights: str) -> None:
    config, values = reference.weights(variant, token_weights)
    exact = folding.fold(values, config)
    fast = folding.fold_gelu(exact, "fast")
    for height, width in reference.SIZES if variant in ("micro", "tiny") else reference.SIZES[:2]:
        theirs = reference.arrays(variant)[f"{height}x{width}/{KEYS[token_weights]}"]
        x = reference.images(height, width)
        assert_same_logits(logits(exact, x), theirs, 1e-4)
        assert assert_same_logits(logits(fast, x), theirs, 1e-3) > 1e-6, "the fast form is another function"


@pytest.mark.parametrize("size", [(64, 64), (33, 47), (8, 200)])
@pytest.mark.parametrize("layer_scale", ["all", "local", "none"])
@pytest.mark.parametrize("heads", [1, 2])
def test_every_option_folds_as_the_model_computes(
    heads: int, layer_scale: str, size: tuple[int, int]
) -> None:
    config = SwiftFormerConfig(
        (2, 1, 1, 2),
        (6, 8, 10, 12),
        mlp_ratio=1.5,
        num_classes=4,
        heads=heads,  # type: ignore[arg-type]
        layer_scale=layer_scale,  # type: ignore[arg-type]
        token_weights="ones" if heads == 1 else "l2norm",
        dropout=0.5,
        drop_path_rate=0.5,
    )
    model = random_model(config)
    x = RNG.normal(size=(2, *size, 3)).astype("float32")
    assert_same_logits(logits(folding.fold_model(model), x), model(x), 1e-4)


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("size", [(64, 64), (31, 50)])
def test_pixels_give_what_normalized_pictures_give(order: str, size: tuple[int, int]) -> None:
    model = reference.classifier("tiny")
    preprocessing = PREPROCESSINGS["timm"].replace(channel_order=order)
    pixels = RNG.integers(0, 256, (2, *size, 3)).astype("float32")
    pixels[1] = 0
    folded = folding.fold_pixels(folding.fold_model(model), preprocessing)
    assert_same_logits(logits(folded, pixels), model(normalize(pixels, preprocessing)), 1e-4)


@pytest.mark.parametrize("size", [(64, 64), (31, 50)])
def test_centred_pixels_and_a_head_by_rows_give_the_same(size: tuple[int, int]) -> None:
    """What float16 files are made of; the last map has several rows, one alone is no test."""
    model, preprocessing = reference.classifier("tiny"), PREPROCESSINGS["timm"]
    pixels = RNG.integers(0, 256, (2, *size, 3)).astype("float32")
    folded = folding.centre_pixels(folding.fold_pixels(folding.fold_model(model), preprocessing))
    expected = model(normalize(pixels, preprocessing))
    assert_same_logits(logits(folded, pixels), expected, 1e-4)
    by_rows = folding.forward(folded, pixels, head_by_rows=True)
    assert_same_logits(keras.ops.convert_to_numpy(by_rows), expected, 1e-4)


def test_pixels_are_centred_by_whole_levels_and_once() -> None:
    """124, 116 and 104 are ImageNet's mean colour; float16 holds every pixel less these."""
    config, values = reference.weights("micro")
    plain = folding.fold(values, config)
    centred = folding.centre_pixels(folding.fold_pixels(plain, PREPROCESSINGS["timm"]))
    assert centred.centre == (124.0, 116.0, 104.0)
    assert max(abs(value) for value in centred.border) <= 0.5
    assert np.abs(centred.convs["stem_conv1"].bias).max() < 10, "it no longer takes back a mean of 120"
    for nothing_left in (centred, plain):
        again = folding.centre_pixels(nothing_left)
        assert (again.centre, again.border) == (nothing_left.centre, nothing_left.border)
        np.testing.assert_array_equal(again.convs["stem_conv1"].bias, nothing_left.convs["stem_conv1"].bias)


def test_folded_model_runs_under_keras_and_keeps_the_trained_one() -> None:
    model = reference.classifier("micro")
    before = {name: np.array(value) for name, value in model.named_weights().items()}
    folded = folding.fold_gelu(folding.fold_model(model), "fast")
    new = folding.folded_classifier(folded, (64, 96))
    x = RNG.normal(size=(3, 64, 96, 3)).astype("float32")
    assert_same_logits(new.predict(x, verbose=0), model(x), 1e-3)
    assert not new.trainable_variables
    for name, value in model.named_weights().items():
        np.testing.assert_array_equal(np.array(value), before[name])


def test_folding_changes_no_input_and_keeps_no_reference_to_it() -> None:
    config, values = reference.weights("micro")
    copies = {name: value.copy() for name, value in values.items()}
    folded = folding.fold(values, config)
    for name, value in values.items():
        np.testing.assert_array_equal(value, copies[name])
        value[...] = np.nan
    assert all(
        np.isfinite(conv.kernel).all() and np.isfinite(conv.bias).all() for conv in folded.convs.values()
    )
    assert {array.dtype for conv in folded.convs.values() for array in conv} == {np.dtype("float32")}


def test_scales_on_queries_keys_and_token_weights_change_nothing() -> None:
    folded = folding.fold(reference.weights("tiny")[1], reference.weights("tiny")[0])
    names = [name for name in folded.convs if name.endswith(folding.NORMALIZED)]
    assert len(names) == 12
    scaled = folding.scale_convs(folded, {name: 2.0 ** (index % 5 - 1) for index, name in enumerate(names)})
    x = reference.images(192, 160)
    assert_same_logits(logits(scaled, x), reference.arrays("tiny")["192x160/logits"], 1e-4)


@pytest.mark.parametrize("gelu", ["fast", "tanh", "sigmoid"])
def test_gelu_can_be_chosen_again(gelu: Gelu) -> None:
    config, values = reference.weights("micro")
    exact = folding.fold(values, config)
    back = folding.fold_gelu(folding.fold_gelu(exact, gelu), "exact")
    for name, conv in exact.convs.items():
        np.testing.assert_allclose(back.convs[name].kernel, conv.kernel, rtol=3e-7)
    assert_refused(ConfigError, lambda: folding.fold_gelu(exact, "relu"), "relu")  # type: ignore[arg-type]


@pytest.mark.parametrize(("gelu", "bound"), [("fast", 2.6e-5), ("tanh", 5e-4), ("sigmoid", 2.1e-2)])
def test_gelu_forms_are_within_their_stated_errors_everywhere(gelu: Gelu, bound: float) -> None:
    x = np.concatenate([np.linspace(-12, 12, 20_001), [-1e4, -300.0, 300.0, 1e4]])
    exact = np.array([0.5 * value * math.erfc(-value / math.sqrt(2)) for value in x])
    scale = gelu_scale(gelu)
    ours = keras.ops.convert_to_numpy(ACTIVATIONS[gelu]((x * scale).astype("float32"))) / scale
    assert np.abs(ours - exact)[:-4].max() < bound
    np.testing.assert_allclose(ours[-4:], exact[-4:], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("silent", ["attn/to_query", "attn/to_key", "attn/w_g"])
def test_rows_of_zeros_stay_zeros(silent: str) -> None:
    """torch divides by max(norm, 1e-12), so zeros stay zeros; nothing becomes NaN."""
    model = reference.classifier("micro")
    for name, variable in model.named_weights().items():
        if silent in name:
            variable.assign(np.zeros(variable.shape))
    x = reference.images(64, 64)
    assert_same_logits(logits(folding.fold_model(model), x), model(x), 1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(value: float) -> None:
    config, values = reference.weights("micro")
    values["stage2_block0/pwconv1/bias"][3] = value
    assert_refused(NonFiniteError, lambda: folding.fold(values, config), "stage2_block0/pwconv1/bias")


def test_attention_holds_in_float16_where_the_plain_form_overflows() -> None:
    """All arithmetic in float16, queries and keys a thousand times too large, brought back by their scales."""
    config, values = reference.weights("tiny")
    for name in list(values):
        if "/attn/to_query/" in name or "/attn/to_key/" in name:
            values[name] = values[name] * np.float32(1000)
    folded = folding.fold(values, config)
    names = [name for name in folded.convs if name.endswith(("/attn/query", "/attn/key"))]
    scaled = folding.fold_gelu(folding.scale_convs(folded, dict.fromkeys(names, 2.0**-10)), "fast")
    theirs = reference.arrays("tiny")["224x224/logits"]
    x = reference.images(224, 224)
    good = logits(_in_float16(scaled), x.astype("float16")).astype("float32")
    assert 20 * np.log10(np.linalg.norm(theirs) / np.linalg.norm(good - theirs)) > 35
    bad = logits(_in_float16(folded), x.astype("float16")).astype("float32")
    assert not np.abs(bad - theirs).max() < 1, "the test's point: without scales it overflows"


def _in_float16(folded: folding.FoldedSwiftFormer) -> folding.FoldedSwiftFormer:
    convs = {
        name: folding.Conv(conv.kernel.astype("float16"), conv.bias.astype("float16"))
        for name, conv in folded.convs.items()
    }
    return dataclasses.replace(folded, convs=convs)
