"""The configuration: published sizes, round trips and mistakes."""

from __future__ import annotations

import json
import math

import pytest

from swiftformer_keras.config import PRESETS, SwiftFormerConfig, preset
from swiftformer_keras.errors import ConfigError
from swiftformer_keras.weights import classifier_shapes
from tests.harness import assert_refused


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("swiftformer_xs", 3_475_360),
        ("swiftformer_s", 6_092_128),
        ("swiftformer_l1", 12_057_920),
        ("swiftformer_l3", 28_494_736),
    ],
)
def test_presets_have_the_published_sizes(name: str, parameters: int) -> None:
    shapes = classifier_shapes(PRESETS[name])
    trainable = (shape for key, shape in shapes.items() if "/moving_" not in key)
    assert sum(math.prod(shape) for shape in trainable) == parameters


def test_round_trip_through_json() -> None:
    config = preset("swiftformer_l1", num_classes=7, heads=1, drop_path_rate=0.1, token_weights="ones")
    assert SwiftFormerConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.variant == "swiftformer_l1"
    assert SwiftFormerConfig((1, 1, 1, 1), (8, 8, 8, 8)).variant == "custom"


@pytest.mark.parametrize(
    ("changes", "mention"),
    [
        ({"depths": [1, 2, 3]}, "depths"),
        ({"depths": [1, 2, 3, 0]}, "depths"),
        ({"depths": [1, 2, 3, 1.5]}, "depths"),
        ({"depths": [1, 2, 3, True]}, "depths"),
        ({"embed_dims": [1, 8, 8, 8]}, "embed_dims"),
        ({"embed_dims": "abcd"}, "embed_dims"),
        ({"embed_dims": None}, "embed_dims"),
        ({"mlp_ratio": 0}, "mlp_ratio"),
        ({"mlp_ratio": float("nan")}, "mlp_ratio"),
        ({"mlp_ratio": "4"}, "mlp_ratio"),
        ({"num_classes": 0}, "num_classes"),
        ({"num_classes": 2.0}, "num_classes"),
        ({"heads": 3}, "heads"),
        ({"token_weights": "softmax"}, "token_weights"),
        ({"token_weights": ["ones"]}, "token_weights"),
        ({"layer_scale": "some"}, "layer_scale"),
        ({"layer_scale_init": "x"}, "layer_scale_init"),
        ({"feature_norms": "yes"}, "feature_norms"),
        ({"drop_path_rate": 1.0}, "drop_path_rate"),
        ({"drop_path_rate": "0"}, "drop_path_rate"),
        ({"dropout": -0.1}, "dropout"),
        ({"mlp_dropout": float("inf")}, "mlp_dropout"),
        ({"colour": 1}, "colour"),
    ],
)
def test_values_out_of_range_are_refused(changes: dict[str, object], mention: str) -> None:
    assert_refused(ConfigError, lambda: preset("swiftformer_xs", **changes), mention)


def test_a_missing_field_is_named() -> None:
    assert_refused(ConfigError, lambda: SwiftFormerConfig.from_dict({"depths": [1, 1, 1, 1]}), "embed_dims")
