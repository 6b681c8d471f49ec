"""The backbone: pyramid, hidden states, any input size, presets."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from swiftformer_keras import PRESETS, SwiftFormerBackbone, SwiftFormerConfig
from swiftformer_keras.errors import ConfigError
from swiftformer_keras.weights import backbone_shapes
from tests.harness import assert_refused

SMALL = SwiftFormerConfig((1, 1, 2, 1), (8, 12, 16, 24))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 47), (33, 1), (1, 1), (224, 96)])
def test_pyramid_has_strides_4_to_32_at_any_size(height: int, width: int) -> None:
    model = SwiftFormerBackbone(SMALL)
    maps = model.feature_extractor()(np.zeros((1, height, width, 3), "float32"))
    assert list(maps) == ["P2", "P3", "P4", "P5"] == list(model.pyramid_outputs)
    for level, dim in zip(range(2, 6), SMALL.embed_dims, strict=True):
        stride = 2**level
        assert maps[f"P{level}"].shape == (1, math.ceil(height / stride), math.ceil(width / stride), dim)


def test_hidden_states_are_transformers_eight_in_order() -> None:
    model = SwiftFormerBackbone(SMALL)
    assert list(model.hidden_states) == [
        "stem",
        "stage0",
        "downsample1",
        "stage1",
        "downsample2",
        "stage2",
        "downsample3",
        "stage3",
    ]
    x = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype("float32")
    states = model.feature_extractor(tuple(model.hidden_states))(x)
    assert [states[name].shape[1] for name in model.hidden_states] == [16, 16, 8, 8, 4, 4, 2, 2]
    np.testing.assert_array_equal(states["stage3"], model(x))


def test_a_backbone_has_no_classification_part() -> None:
    names = set(SwiftFormerBackbone(SMALL).named_weights())
    assert not [name for name in names if name.split("/")[0] in ("norm", "head", "head_dist")]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"layer_scale": "local"},
        {"layer_scale": "none"},
        {"feature_norms": True},
        {"mlp_ratio": 2.5, "drop_path_rate": 0.1, "mlp_dropout": 0.1},
    ],
)
def test_the_list_of_weights_is_the_models(changes: dict[str, object]) -> None:
    config = SMALL.replace(**changes)
    weights = SwiftFormerBackbone(config).named_weights()
    assert {name: tuple(weight.shape) for name, weight in weights.items()} == backbone_shapes(config)


def test_feature_norms_are_on_the_pyramid_and_nowhere_else() -> None:
    model = SwiftFormerBackbone(SMALL.replace(feature_norms=True))
    x = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype("float32")
    before = {
        name: np.asarray(value)
        for name, value in model.feature_extractor(("P3", "stage1", "stage2"))(x).items()
    }
    model.named_weights()["feature_norm1/beta"].assign_add(np.full(12, 2.0))
    after = model.feature_extractor(("P3", "stage1", "stage2"))(x)
    np.testing.assert_allclose(after["P3"], before["P3"] + 2, atol=1e-5)
    np.testing.assert_array_equal(after["stage2"], before["stage2"])
    assert set(model(x)) == {"P2", "P3", "P4", "P5"}


def test_drop_path_rates_follow_the_depth() -> None:
    config = PRESETS["swiftformer_xs"].replace(drop_path_rate=0.15)
    model = SwiftFormerBackbone(config)
    rates = [layer.drop_path_rate for layer in model.layers if hasattr(layer, "drop_path_rate")]
    np.testing.assert_allclose(rates, np.linspace(0, 0.15, sum(config.depths)))
    authors = SwiftFormerBackbone(config.replace(drop_path_blocks="encoder"))
    kept = {layer.name for layer in authors.layers if getattr(layer, "drop_path_rate", 0) > 0}
    assert kept == {"stage0_block2", "stage1_block2", "stage2_block5", "stage3_block3"}
    local = model.get_layer("stage3_block3").local_representation
    assert local.drop_path_rate == 0


def test_a_fixed_input_size_is_kept() -> None:
    model = SwiftFormerBackbone(SMALL, input_size=(96, 64))
    assert model.input_shape == (None, 96, 64, 3) and model.output_shape == (None, 3, 2, 24)


def test_a_fixed_input_size_may_be_as_small_as_any() -> None:
    assert SwiftFormerBackbone(SMALL, input_size=(32, 1)).output_shape == (None, 1, 1, 24)


def test_config_round_trip() -> None:
    model = SwiftFormerBackbone(SMALL, input_size=(96, 64), dtype="mixed_bfloat16", name="mine")
    again = SwiftFormerBackbone.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert again.get_layer("stage0_block0").compute_dtype == "bfloat16"


def test_a_backbone_is_a_layer_of_another_model() -> None:
    inputs = keras.Input((64, 64, 3))
    model = keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(SwiftFormerBackbone(SMALL)(inputs)))
    assert model(np.zeros((2, 64, 64, 3), "float32")).shape == (2, 24)


def test_from_preset_takes_fields_and_arguments() -> None:
    model = SwiftFormerBackbone.from_preset(
        "swiftformer_xs", token_weights="ones", input_size=(64, 32), name="mine"
    )
    assert model.config == PRESETS["swiftformer_xs"].replace(token_weights="ones")
    assert (model.name, model.input_shape) == ("mine", (None, 64, 32, 3))


def test_from_preset_goes_to_the_hub_for_a_hub_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(
        SwiftFormerBackbone, "from_checkpoint", lambda *args, **options: asked.append((args, options))
    )
    SwiftFormerBackbone.from_preset("timm/swiftformer_xs.dist_in1k", update=True)
    assert asked == [(("timm/swiftformer_xs.dist_in1k",), {"update": True})]


def test_mistakes_are_named() -> None:
    assert_refused(ConfigError, lambda: SwiftFormerBackbone.from_preset("swiftformer_m"), "swiftformer_xs")
    assert_refused(ConfigError, lambda: SwiftFormerBackbone(SMALL).feature_extractor(("P6",)), "P6", "stage0")
