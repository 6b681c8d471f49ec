"""The preprocessing settings that other libraries publish with their weights, as our contract.

timm writes `pretrained_cfg` into `config.json`, transformers a `preprocessor_config.json`. What they leave out is as
their own code fills it in; what the contract has no word for is refused, because a picture that is prepared almost
right gives answers that are almost right.
"""

from __future__ import annotations

import math
from typing import Any, cast

from PIL import Image

from swiftformer_keras.errors import PreprocessingError
from swiftformer_keras.preprocessing import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Filter,
    Preprocessing,
    is_number,
    wrong_value,
)
from swiftformer_keras.shown import shown

_MISSING = object()
_VIT_DEFAULTS: dict[str, Any] = {
    "size": {"height": 224, "width": 224},
    "resample": 2,
    "image_mean": 0.5,
    "image_std": 0.5,
    "do_resize": True,
    "do_rescale": True,
    "do_normalize": True,
    "rescale_factor": 1 / 255,
}


def from_timm_config(pretrained_cfg: dict[str, Any]) -> Preprocessing:
    """The preprocessing that timm's evaluation transform makes of a `pretrained_cfg`.

    What is missing is as `timm.data.resolve_data_config` fills it in: 224 pixels, bicubic, `crop_pct` 0.875,
    centre crop, ImageNet mean and std. Test-time sizes are not used, as timm does not unless told.

    Raises:
        PreprocessingError: it asks for something the contract has no word for (borders, random filters,
            other than three channels), or a value is out of range.
    """
    config = _object(pretrained_cfg, "timm")
    size = config.get("input_size") or (3, 224, 224)
    if not isinstance(size, (list, tuple)) or len(size) != 3 or size[0] != 3:
        raise _unsupported("timm", f"input_size {shown(size, 60)} is not (3, height, width)")
    crop_fraction = config.get("crop_pct") or 0.875
    mode = config.get("crop_mode") or "center"
    if mode not in ("center", "squash"):
        raise _unsupported("timm", f"crop_mode {shown(mode, 60)!r} is neither center nor squash")
    if mode == "squash" and crop_fraction != 1:
        raise _unsupported(
            "timm", f"crop_mode squash with crop_pct {shown(crop_fraction, 60)} squashes and crops"
        )
    for key in ("crop_border_pixels", "naflex"):
        if config.get(key):
            raise _unsupported("timm", f"{key} is set")
    return Preprocessing(
        height=size[1],
        width=size[2],
        resize="squash" if mode == "squash" else "crop",
        crop_fraction=crop_fraction,
        filter=config.get("interpolation") or "bicubic",
        mean=config.get("mean") or IMAGENET_MEAN,
        std=config.get("std") or IMAGENET_STD,
    )


def from_transformers_config(preprocessor_config: dict[str, Any]) -> Preprocessing:
    """The preprocessing of a `preprocessor_config.json` of the transformers library.

    What is missing is as `ViTImageProcessor`, which SwiftFormer uses, fills it in (224 pixels squashed,
    bilinear, mean and std 0.5); for other processors it must be stated. A bare number as size squashes
    to a square; `shortest_edge` with a centre crop becomes "crop" with offsets rounded down; rescaling
    other than by 1 / 255 moves into mean and std, which is the same calculation.

    Raises:
        PreprocessingError: it asks for something the contract has no word for (no resizing, padding, sizes
            that depend on the picture), or a value is out of range.
    """
    config = _object(preprocessor_config, "transformers")
    processor = (
        config.get("image_processor_type") or config.get("feature_extractor_type") or "ViTImageProcessor"
    )
    stated = (
        config if str(processor).startswith("ViT") else {**dict.fromkeys(_VIT_DEFAULTS, _MISSING), **config}
    )
    settings = {**_VIT_DEFAULTS, **{key: value for key, value in stated.items() if value is not None}}
    for key in _VIT_DEFAULTS:
        if settings[key] is _MISSING:
            raise _unsupported(
                "transformers", f"{shown(processor, 60)} leaves {key} to its own default; state it"
            )
    if not settings["do_resize"]:
        raise _unsupported("transformers", "do_resize is false, so the input has no fixed size")
    for key in ("do_pad", "do_thumbnail", "do_align_long_axis", "rescale_offset", "crop_pct", "size_divisor"):
        if settings.get(key):
            raise _unsupported("transformers", f"{key} is set")
    factor = settings["rescale_factor"] if settings["do_rescale"] else 1.0
    if not is_number(factor) or factor <= 0:
        raise _unsupported("transformers", f"rescale_factor is {shown(factor, 60)}")
    if settings.get("do_flip_channel_order") and settings["do_normalize"]:
        raise _unsupported("transformers", "do_flip_channel_order together with do_normalize")
    mean, std = (settings["image_mean"], settings["image_std"]) if settings["do_normalize"] else (0.0, 1.0)
    # (x * factor - mean) / std = (x / 255 - mean / scale) / (std / scale)
    scale = 1.0 if math.isclose(factor * 255, 1.0, rel_tol=1e-6) else factor * 255
    return Preprocessing(
        **_transformers_size(settings),
        filter=_pillow_filter(settings["resample"]),
        mean=_three(mean, "image_mean", scale),
        std=_three(std, "image_std", scale),
        channel_order="bgr" if settings.get("do_flip_channel_order") else "rgb",
    )


def _transformers_size(settings: dict[str, Any]) -> dict[str, Any]:
    """Height, width, and how to get there."""
    size, crop = settings["size"], settings.get("crop_size")
    crops = bool(settings.get("do_center_crop"))
    if is_number(size) and crops:
        raise _unsupported(
            "transformers", "size is a bare number with do_center_crop, which versions read differently"
        )
    size = _height_width(size)
    crop = _height_width(crop if crop is not None else settings["size"]) if crops else size
    if set(size) == set(crop) == {"height", "width"}:
        if size != crop:
            raise _unsupported("transformers", "it squashes to one size and crops another")
        return {**size, "resize": "squash"}
    if set(size) != {"shortest_edge"} or set(crop) != {"height", "width"}:
        raise _unsupported("transformers", f"size {shown(settings['size'], 60)} depends on the picture")
    edge, height, width = size["shortest_edge"], crop["height"], crop["width"]
    if type(edge) is not int or type(height) is not int or height != width or not 0 < height <= edge:
        raise _unsupported(
            "transformers", f"a crop of {shown(crop, 60)} from shortest_edge {shown(edge, 60)}"
        )
    fraction = height / edge
    if math.floor(height / fraction) != edge:  # the quotient fell just below the whole number
        fraction = height / (edge + 0.5)
    return {**crop, "resize": "crop", "crop_fraction": fraction, "crop_offset": "floor"}


def _height_width(size: Any) -> dict[str, Any]:
    """A size of transformers as a dictionary; bare numbers are squares, pairs are height and width."""
    if isinstance(size, dict):
        return {key: value for key, value in size.items() if value is not None}
    if isinstance(size, (list, tuple)) and len(size) == 2:
        return {"height": size[0], "width": size[1]}
    return {"height": size, "width": size}


def _pillow_filter(number: Any) -> Filter:
    """Pillow's filter of this number (0 to 5), by its name."""
    for resampling in Image.Resampling:
        if type(number) is int and resampling.value == number:
            return cast(Filter, resampling.name.lower())
    raise wrong_value("resample", "one of Pillow's filter numbers 0 to 5", number)


def _three(value: Any, name: str, scale: float) -> tuple[float, float, float]:
    """One number for all channels, or one each, divided by `scale`."""
    values = [value] * 3 if is_number(value) else value
    if not isinstance(values, (list, tuple)) or len(values) != 3 or not all(map(is_number, values)):
        raise wrong_value(name, "a number or three", value)
    red, green, blue = (float(value) / scale for value in values)
    return red, green, blue


def _object(config: Any, source: str) -> dict[str, Any]:
    if not isinstance(config, dict):
        raise _unsupported(source, f"it is {shown(config, 60)} and not a JSON object")
    return config


def _unsupported(source: str, what: str) -> PreprocessingError:
    return PreprocessingError(
        f"preprocessing of the {source} configuration: {what}. Choose with --preprocessing what to do instead"
    )
