"""Names of the three layouts, from lists that torch, timm and transformers printed; no weights involved."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from converters.layouts import LAYOUTS, detect_layout, infer_config, rename, to_keras_axes
from swiftformer_keras.config import PRESETS, SwiftFormerConfig
from swiftformer_keras.errors import LayoutError
from swiftformer_keras.weights import classifier_shapes
from tests.harness import FIXTURES, SHARED, assert_refused

KEYS = {"timm": "timm", "original": "original", "transformers": "hf"}
MICRO = SwiftFormerConfig((1, 1, 2, 1), (8, 12, 16, 24), num_classes=10)


def names(variant: str, layout: str) -> dict[str, tuple[int, ...]]:
    path = FIXTURES / "reference" / f"names_{variant}.json"
    if not path.is_file():
        if SHARED is None:
            pytest.skip("this list is only beside the project")
        path = SHARED / "reference" / path.name
    return {row[KEYS[layout]]: tuple(row["shape"]) for row in json.loads(path.read_text())}


def ours(tensors: dict[str, tuple[int, ...]], layout: str) -> dict[str, tuple[int, ...]]:
    return {place: tensors[name] for name, place in rename(tensors, LAYOUTS[layout]).items()}


@pytest.mark.parametrize("layout", KEYS)
@pytest.mark.parametrize("variant", [*PRESETS, "micro", "tiny"])
def test_every_name_finds_its_place(variant: str, layout: str) -> None:
    tensors = names(variant, layout)
    assert detect_layout(tensors) is LAYOUTS[layout]
    placed = ours(tensors, layout)
    config = infer_config(placed, "l2norm")
    assert config.variant == (variant if variant in PRESETS else "custom")
    assert config.num_classes == (1000 if variant in PRESETS else 10)
    assert config.heads == 2 and config.layer_scale == "all" and config.mlp_ratio == 4
    expected = classifier_shapes(config)
    assert {name: to_keras_axes(name, np.empty(shape)).shape for name, shape in placed.items()} == expected


@pytest.mark.parametrize("layout", ["timm", "original", "transformers"])
def test_the_three_layouts_agree_on_every_place(layout: str) -> None:
    rows = json.loads((FIXTURES / "reference" / "names_micro.json").read_text())
    mapping = rename(names("micro", layout), LAYOUTS[layout])
    timm = rename(names("micro", "timm"), LAYOUTS["timm"])
    for row in rows:
        assert mapping.get(row[KEYS[layout]]) == timm.get(row["timm"])


def test_layouts_know_their_attention() -> None:
    assert {name: layout.token_weights for name, layout in LAYOUTS.items()} == {
        "original": "l2norm",
        "timm": "l2norm",
        "transformers": "ones",
    }


def test_transformers_base_model_has_no_prefix() -> None:
    tensors = {
        name.removeprefix("swiftformer."): shape
        for name, shape in names("micro", "transformers").items()
        if name.startswith("swiftformer.")
    }
    assert detect_layout(tensors) is LAYOUTS["transformers"]
    assert "head/kernel" not in ours(tensors, "transformers")


def test_features_only_of_timm_has_underscores() -> None:
    """As timm.create_model("swiftformer_xs", features_only=True).state_dict() is spelled: no norm, no head."""
    plain = {n: s for n, s in names("micro", "timm").items() if n.startswith(("stem.", "stages."))}
    flat = {n.replace("stem.", "stem_").replace("stages.", "stages_"): s for n, s in plain.items()}
    assert {"stem_0.weight", "stages_0.blocks.0.attn.w_g", "stages_1.downsample.proj.bias"} <= flat.keys()
    assert detect_layout(flat) is LAYOUTS["timm"]
    assert ours(flat, "timm") == ours(plain, "timm")
    assert not infer_config(ours(flat, "timm"), "l2norm").feature_norms
    assert_refused(LayoutError, lambda: rename({**flat, **plain}, LAYOUTS["timm"]), "both are")


def test_one_head() -> None:
    tensors = {k: v for k, v in names("micro", "original").items() if not k.startswith("dist_head.")}
    assert infer_config(ours(tensors, "original"), "l2norm") == MICRO.replace(heads=1)


def test_feature_norms_of_the_fork() -> None:
    tensors = {
        k: v for k, v in names("micro", "original").items() if not k.startswith(("norm", "head", "dist_head"))
    }
    for index, dim in zip((0, 2, 4, 6), (8, 12, 16, 24), strict=True):
        tensors |= {
            f"norm{index}.{kind}": (dim,) for kind in ("weight", "bias", "running_mean", "running_var")
        }
        tensors[f"norm{index}.num_batches_tracked"] = ()
    placed = ours(tensors, "original")
    assert placed["feature_norm2/moving_variance"] == (16,)
    assert infer_config(placed, "l2norm").feature_norms


@pytest.mark.parametrize(
    ("dropped", "left"), [((".layer_scale_1", ".layer_scale_2"), "local"), ((".layer_scale",), "none")]
)
def test_missing_layer_scales_are_recognised(dropped: tuple[str, ...], left: str) -> None:
    tensors = {k: v for k, v in names("micro", "timm").items() if not any(part in k for part in dropped)}
    config = infer_config(ours(tensors, "timm"), "l2norm")
    assert config.layer_scale == left
    assert set(ours(tensors, "timm")) == set(classifier_shapes(config))


@pytest.mark.parametrize("ratio", [1, 2, 3, 2.5, 4 / 3, 0.5])
def test_mlp_ratios_are_recognised(ratio: float) -> None:
    config = MICRO.replace(mlp_ratio=float(ratio))
    shapes = {
        name: (shape[3], shape[2], 1, 1) if name.endswith("fc1/kernel") else shape[::-1]
        for name, shape in classifier_shapes(config).items()
    }
    shapes |= {name: shape[::-1] for name, shape in shapes.items() if name.endswith("w_g")}
    found = infer_config(shapes, "l2norm")
    assert [found.hidden_dim(dim) for dim in found.embed_dims] == [
        config.hidden_dim(d) for d in config.embed_dims
    ]


BAD: dict[str, tuple[Any, str]] = {
    "another network": (lambda n: {"layer1.0.conv1.weight": (64, 64, 3, 3)}, "no SwiftFormer layout"),
    "nothing": (lambda n: {}, "no SwiftFormer layout"),
    "a name with no place": (
        lambda n: {**n, "stages.0.blocks.0.attn.bias": (8,)},
        "stages.0.blocks.0.attn.bias",
    ),
    "a name with a terminal escape": (lambda n: {**n, "stages.0.\x1b[31m": (8,)}, "no place"),
    "a name of a kind that is none": (lambda n: {**n, "head.running_mean": (8,)}, "head.running_mean"),
    "a number with a leading zero": (lambda n: {**n, "stages.00.blocks.0.attn.w_g": (8, 1)}, "stages.00"),
    "a very long name": (lambda n: {**n, "stages." + "9" * 10_000: (8,)}, "no place"),
    "an unknown norm": (lambda n: {**n, "norm7.weight": (8,)}, "norm7.weight"),
}


@pytest.mark.parametrize("case", BAD)
def test_names_without_a_place_are_refused(case: str) -> None:
    change, mention = BAD[case]
    tensors = change(names("micro", "timm"))
    message = assert_refused(LayoutError, lambda: rename(tensors, detect_layout(tensors)), mention)
    assert len(message) < 500


def test_two_names_for_one_place_are_refused() -> None:
    tensors = names("micro", "transformers")
    tensors |= {name.removeprefix("swiftformer."): shape for name, shape in tensors.items()}
    assert_refused(LayoutError, lambda: rename(tensors, LAYOUTS["transformers"]), "both are")


@pytest.mark.parametrize(
    ("change", "mention"),
    [
        (lambda s: {k: v for k, v in s.items() if not k.startswith("stage2_block0")}, "stage 2"),
        (lambda s: {k: v for k, v in s.items() if not k.startswith("stage3_")}, "stage 3"),
        (lambda s: {**s, "stage4_block0/attn/w_g": (8, 1)}, "more than 4 stages"),
        (lambda s: {n: (0,) * len(v) if "stage0" in n else v for n, v in s.items()}, "embed_dims"),
        (lambda s: {k: v for k, v in s.items() if "attn" not in k and "mlp" not in k}, "w_g"),
        (
            lambda s: {
                **s,
                "stage1_block0/mlp/fc1/kernel": (49, 12, 1, 1),
                "stage1_block0/mlp/fc1/bias": (49,),
            },
            "mlp ratio",
        ),
        (lambda s: {**s, "head/kernel": (0, 24), "head/bias": (0,)}, "num_classes"),
    ],
)
def test_shapes_that_make_no_swiftformer_are_refused(change: Any, mention: str) -> None:
    placed = ours(names("micro", "timm"), "timm")
    assert_refused(LayoutError, lambda: infer_config(change(placed), "l2norm"), mention)


@pytest.mark.parametrize("name", ["stage0_block0/attn/w_g", "stage2_block1/mlp/fc1/kernel"])
def test_one_wrong_shape_does_not_change_the_architecture(name: str) -> None:
    placed = ours(names("micro", "timm"), "timm")
    assert infer_config({**placed, name: (99, *placed[name][1:])}, "l2norm") == MICRO


def test_axes() -> None:
    rng = np.random.default_rng(0)
    conv, depthwise, dense = (
        rng.normal(size=(5, 4, 3, 3)),
        rng.normal(size=(6, 1, 3, 3)),
        rng.normal(size=(7, 2)),
    )
    assert to_keras_axes("a/kernel", conv)[1, 2, 3, 4] == conv[4, 3, 1, 2]
    assert to_keras_axes("a/dwconv/kernel", depthwise)[1, 2, 3, 0] == depthwise[3, 0, 1, 2]
    assert to_keras_axes("head/kernel", dense)[1, 6] == dense[6, 1]
    assert to_keras_axes("a/layer_scale/gamma", rng.normal(size=(4, 1, 1))).shape == (4,)
    assert to_keras_axes("a/w_g", rng.normal(size=(4, 1))).shape == (4, 1)
