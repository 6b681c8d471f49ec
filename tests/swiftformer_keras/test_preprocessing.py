"""The preprocessing contract against timm, torchvision and transformers (tests/fixtures/preprocessing)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from swiftformer_keras.errors import PictureError, PreprocessingError
from swiftformer_keras.preprocessing import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    PREPROCESSINGS,
    Preprocessing,
    apply,
    normalize,
    read_preprocessing_file,
)
from swiftformer_keras.published_preprocessing import from_timm_config, from_transformers_config
from tests.harness import FIXTURES, assert_refused

GOLDEN = FIXTURES / "preprocessing"
CASES: list[dict[str, Any]] = json.loads((GOLDEN / "golden.json").read_text())["cases"]


def contract_of(case: dict[str, Any]) -> Preprocessing:
    config = case["config"]
    if case["source"] == "timm":
        return from_timm_config(config)
    if case["source"] == "transformers":
        return from_transformers_config(config)
    return PREPROCESSINGS["authors"].with_size(config["input_size"], config["input_size"])


def case_name(case: dict[str, Any]) -> str:
    contract = contract_of(case)
    return f"{case['source']}-{contract.height}x{contract.width}-{contract.resize}-{contract.filter}"


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_every_byte_is_as_the_library_itself_makes_it(case: dict[str, Any]) -> None:
    contract = contract_of(case)
    for name, golden in case["pixels"].items():
        pixels = apply(Image.open(GOLDEN / name).convert("RGB"), contract)
        assert pixels.dtype == np.uint8
        assert list(pixels.shape) == golden["shape"], name
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == golden["sha256"], name


def test_the_golden_pictures_cover_what_can_go_wrong() -> None:
    sizes = [tuple(map(int, name.removesuffix(".png").split("x"))) for name in CASES[0]["pixels"]]
    assert len(sizes) >= 13
    assert any(min(size) < 224 for size in sizes), "smaller than the crop"
    assert any(w > h for w, h in sizes)
    assert any(h > w for w, h in sizes)
    assert {case["source"] for case in CASES} == {"timm", "authors", "transformers"}


def test_normalized_values_are_those_of_the_libraries() -> None:
    golden = np.load(GOLDEN / "golden_normalized.npz")
    assert len(golden.files) >= 10
    for key in golden.files:
        number, name = key.split("/")
        contract = contract_of(CASES[int(number)])
        ours = normalize(apply(Image.open(GOLDEN / name).convert("RGB"), contract), contract)
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, golden[key], rtol=2e-6, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_the_published_settings_are_what_the_sources_say(name: str) -> None:
    contract = PREPROCESSINGS[name]
    expected = {
        "timm": ((235, 313), "bicubic"),
        "authors": ((256, 341), "bicubic"),
        "transformers": ((224, 224), "bilinear"),
    }[name]
    assert (contract.resized_size(375, 500), contract.filter) == expected
    assert (contract.height, contract.width) == (224, 224)
    assert (contract.mean, contract.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert (contract.channel_order, contract.resampler) == ("rgb", "pillow")


def test_the_authors_size_holds_at_every_input_size() -> None:
    for size in range(32, 1025, 32):
        scaled = PREPROCESSINGS["authors"].with_size(size, size).resized_size(100, 100)
        assert scaled == (int((256 / 224) * size),) * 2, size


def test_timms_own_configuration_gives_the_published_setting() -> None:
    config = {
        "input_size": [3, 224, 224],
        "interpolation": "bicubic",
        "crop_pct": 0.95,
        "crop_mode": "center",
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
        "num_classes": 1000,
    }
    assert from_timm_config(config) == PREPROCESSINGS["timm"]


@pytest.mark.parametrize("size", [224, {"height": 224, "width": 224}, [224, 224]])
@pytest.mark.parametrize(
    "processor", ["ViTImageProcessor", "ViTFeatureExtractor", "ViTImageProcessorFast", None]
)
def test_transformers_own_configuration_gives_the_published_setting(size: Any, processor: str | None) -> None:
    config = {
        "size": size,
        "do_resize": True,
        "image_mean": list(IMAGENET_MEAN),
        "image_std": list(IMAGENET_STD),
    }
    config |= {"image_processor_type": processor, "do_normalize": True}
    assert from_transformers_config(config) == PREPROCESSINGS["transformers"]


def test_a_rescale_factor_written_short_is_still_one_over_255() -> None:
    config = {"rescale_factor": 0.00392156862745098, "image_mean": list(IMAGENET_MEAN)}
    assert from_transformers_config(config).mean == IMAGENET_MEAN


def test_shortest_edge_is_met_exactly_for_every_crop() -> None:
    for crop, edge in [(224, 235), (224, 256), (64, 73), (192, 219), (256, 292), (320, 367), (96, 96)]:
        config = {"size": {"shortest_edge": edge}, "do_center_crop": True, "crop_size": crop}
        assert from_transformers_config(config).resized_size(1000, 2000) == (edge, 2 * edge)


REFUSED_TIMM: dict[str, dict[str, Any]] = {
    "border": {"crop_mode": "border"},
    "random": {"interpolation": "random"},
    "grey": {"input_size": [1, 28, 28]},
    "squash and crop": {"crop_mode": "squash", "crop_pct": 0.9},
    "pads": {"crop_pct": 1.2},
    "size as text": {"input_size": [3, "224", "224"]},
    "size as a number": {"input_size": 224},
    "mean of four": {"mean": [0, 0, 0, 0]},
    "std of zero": {"std": [0.2, 0.0, 0.2]},
    "mean not a number": {"mean": [float("nan"), 0, 0]},
    "trims": {"crop_border_pixels": 4},
    "huge": {"input_size": [3, 10**6, 10**6]},
    "unhashable filter": {"interpolation": ["bicubic"]},
}


@pytest.mark.parametrize("config", REFUSED_TIMM.values(), ids=REFUSED_TIMM)
def test_timm_configurations_outside_the_contract_are_refused(config: dict[str, Any]) -> None:
    assert_refused(PreprocessingError, lambda: from_timm_config(config), "preprocessing")


REFUSED_TRANSFORMERS: dict[str, dict[str, Any]] = {
    "no resize": {"do_resize": False},
    "variable": {"size": {"shortest_edge": 256}},
    "longest": {"size": {"longest_edge": 256}},
    "both edges": {"size": {"shortest_edge": 256, "longest_edge": 300}, "do_center_crop": True},
    "ambiguous": {"size": 224, "do_center_crop": True},
    "two squashes": {"size": {"height": 256, "width": 256}, "crop_size": 224, "do_center_crop": True},
    "crop larger": {"size": {"shortest_edge": 200}, "crop_size": 224, "do_center_crop": True},
    "crop not square": {"size": {"shortest_edge": 200}, "crop_size": [100, 120], "do_center_crop": True},
    "pads": {"do_pad": True},
    "offset": {"rescale_offset": True},
    "convnext": {"crop_pct": 0.875},
    "unknown filter": {"resample": 9},
    "filter as a list": {"resample": [2]},
    "filter as bool": {"resample": True},
    "negative factor": {"rescale_factor": -1},
    "factor as text": {"rescale_factor": "1/255"},
    "mean of two": {"image_mean": [0.5, 0.5]},
    "bgr and normalised": {"do_flip_channel_order": True},
    "own defaults": {"image_processor_type": "CLIPImageProcessor", "size": {"height": 9, "width": 9}},
    "size as text": {"size": "224"},
    "size of zero": {"size": 0},
    "number beyond floats": {"image_mean": 10**400},
}


@pytest.mark.parametrize("config", REFUSED_TRANSFORMERS.values(), ids=REFUSED_TRANSFORMERS)
def test_transformers_configurations_outside_the_contract_are_refused(config: dict[str, Any]) -> None:
    assert_refused(PreprocessingError, lambda: from_transformers_config(config), "preprocessing")


@pytest.mark.parametrize("read", [from_timm_config, from_transformers_config])
@pytest.mark.parametrize("config", [None, [], "bicubic", 3])
def test_a_configuration_that_is_no_object_is_refused(read: Any, config: Any) -> None:
    assert_refused(PreprocessingError, lambda: read(config), "preprocessing")


def test_blue_green_red_is_turned_after_normalising() -> None:
    contract = from_transformers_config({"do_flip_channel_order": True, "do_normalize": False})
    assert contract.channel_order == "bgr"
    np.testing.assert_allclose(
        normalize(np.array([[[255, 51, 0]]], np.uint8), contract), [[[0.0, 0.2, 1.0]]], atol=1e-7
    )


def test_json_round_trip(tmp_path: Path) -> None:
    contract = Preprocessing(64, 96, "crop", 0.875, "lanczos", (0.1, 0.2, 0.3), (1, 2, 3), "bgr", "floor")
    path = tmp_path / "preprocessing.json"
    path.write_text(json.dumps(contract.to_dict()), encoding="utf-8-sig")
    assert read_preprocessing_file(path) == contract
    assert Preprocessing.from_dict({"height": 8, "width": 8}) == Preprocessing(8, 8)


REFUSED_FILES: dict[str, bytes] = {
    "empty": b"",
    "not json": b"height: 64",
    "list": b"[64, 64]",
    "null": b"null",
    "unknown field": b'{"height": 64, "width": 64, "padding": 3}',
    "field with an escape": b'{"height": 64, "width": 64, "\\u001b[31m": 3}',
    "missing field": b'{"height": 64}',
    "twice": b'{"height": 64, "width": 64, "height": 96}',
    "nan": b'{"height": 64, "width": 64, "mean": [NaN, 0, 0]}',
    "infinite": b'{"height": 64, "width": 64, "std": [1e999, 1, 1]}',
    "float size": b'{"height": 64.0, "width": 64}',
    "true as size": b'{"height": true, "width": 64}',
    "zero": b'{"height": 0, "width": 64}',
    "negative": b'{"height": -64, "width": 64}',
    "unknown filter": b'{"height": 64, "width": 64, "filter": "cubic"}',
    "unknown resampler": b'{"height": 64, "width": 64, "resampler": "torchvision"}',
    "filter as an object": b'{"height": 64, "width": 64, "filter": {"name": "box"}}',
    "crop of a squash": b'{"height": 64, "width": 64, "resize": "squash", "crop_fraction": 0.9}',
    "crop of nothing": b'{"height": 64, "width": 64, "crop_fraction": 0}',
    "text as mean": b'{"height": 64, "width": 64, "mean": "0.5"}',
    "mean as an object": b'{"height": 64, "width": 64, "mean": {"r": 1, "g": 1, "b": 1}}',
    "not utf-8": b'{"height": 64, "width": 64, "filter": "\xff"}',
    "utf-16": '{"height": 64, "width": 64}'.encode("utf-16"),
    "deep": b"[" * 30_000 + b"]" * 30_000,
    "many digits": b'{"height": ' + b"9" * 5000 + b', "width": 64}',
    "large": b" " * 70_000 + b'{"height": 64, "width": 64}',
}


@pytest.mark.parametrize("content", REFUSED_FILES.values(), ids=REFUSED_FILES)
def test_files_that_are_no_preprocessing_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    message = assert_refused(PreprocessingError, lambda: read_preprocessing_file(path), "mine.json")
    assert message.isprintable()
    assert len(message) < 500


def test_places_that_are_no_file_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.json", Path("a\0b")):
        assert_refused(PreprocessingError, lambda path=path: read_preprocessing_file(path))


def test_a_picture_that_would_grow_without_bound_is_refused() -> None:
    thin = Image.new("RGB", (1, 20_000))
    assert_refused(
        PictureError, lambda: apply(thin, PREPROCESSINGS["timm"]), "1 x 20000", "too long and thin"
    )
    assert apply(thin, PREPROCESSINGS["transformers"]).shape == (224, 224, 3)


def test_only_rgb_pictures_are_taken() -> None:
    assert_refused(
        PreprocessingError, lambda: apply(Image.new("L", (8, 8)), PREPROCESSINGS["timm"]), "mode is L"
    )
