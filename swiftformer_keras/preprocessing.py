"""The preprocessing contract: how a picture becomes the pixels a model was trained on.

It is written down once, here, and travels with the model (in the `.keras` file and in the .tflite
metadata). The reference for the resampling is that of Pillow 13, antialiased and in 8 bits: torchvision's resize
of tensors differs from it by a level here and there, and so does Pillow 12 in some sizes.
"""

from __future__ import annotations

import dataclasses
import math
import os
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
from PIL import Image

from swiftformer_keras import strict_json
from swiftformer_keras.errors import PictureError, PreprocessingError
from swiftformer_keras.shown import shown

Resize = Literal["crop", "squash"]
Filter = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]
ChannelOrder = Literal["rgb", "bgr"]
CropOffset = Literal["half_even", "floor"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "resize": get_args(Resize),
    "filter": get_args(Filter),
    "channel_order": get_args(ChannelOrder),
    "crop_offset": get_args(CropOffset),
    "resampler": ("pillow",),
}

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

MAX_SIZE = 4096
"""Largest height or width of a model's input, in pixels."""

INPUT_SIZES = (8, 2048)
"""Smallest and largest height or width that a model is converted and exported for, in pixels: below, nothing is left
after the stem's two strides; above, the maps of the first stage alone take gigabytes. A model in Keras may be given
any size up to `MAX_SIZE`."""

MAX_FILE_BYTES = 65_536
"""Largest JSON file that is read as preprocessing."""

MAX_RESIZED_PIXELS = 2**26
"""A picture that would grow beyond this before the crop (a very long strip) is refused."""


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes a model's input; `apply` and `normalize` carry it out.

    Attributes:
        height, width: of the input, in pixels.
        resize: "crop" scales so that the shorter side covers the size divided by `crop_fraction` and cuts
            out the centre; "squash" goes straight to `(height, width)`.
        crop_fraction: share of the scaled picture that the crop keeps; 1 with "squash".
        filter: Pillow's resampling filter of this name, antialiased, on 8-bit channels.
        mean, std: of red, green and blue, where channels run from 0 to 1.
        channel_order: of the model's input after `normalize`; `apply` always gives RGB.
        crop_offset: how `(size - crop) / 2` is rounded: "half_even" (torchvision and timm) or "floor"
            (transformers).
        resampler: whose resampling it is; "pillow" is the only one.

    Raises:
        PreprocessingError: a value is unknown or out of range.
    """

    height: int
    width: int
    resize: Resize = "crop"
    crop_fraction: float = 1.0
    filter: Filter = "bicubic"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    channel_order: ChannelOrder = "rgb"
    crop_offset: CropOffset = "half_even"
    resampler: str = "pillow"

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= MAX_SIZE:
                raise _wrong(name, f"a whole number from 1 to {MAX_SIZE}", value)
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise _wrong(name, f"one of {', '.join(allowed)}", getattr(self, name))
        for name in ("mean", "std"):
            values = getattr(self, name)
            if not isinstance(values, (list, tuple)) or len(values) != 3 or not all(map(_is_number, values)):
                raise _wrong(name, "three finite numbers", values)
            object.__setattr__(self, name, tuple(float(value) for value in values))
        if min(self.std) < 1e-6:
            raise _wrong("std", "three numbers of at least 1e-6", self.std)
        if not _is_number(self.crop_fraction) or not 0.05 <= self.crop_fraction <= 1:
            raise _wrong("crop_fraction", "a number from 0.05 to 1", self.crop_fraction)
        object.__setattr__(self, "crop_fraction", float(self.crop_fraction))
        if self.resize == "squash" and self.crop_fraction != 1:
            raise _wrong("crop_fraction", '1 when resize is "squash"', self.crop_fraction)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` reads it back."""
        values = dataclasses.asdict(self)
        values["mean"], values["std"] = list(self.mean), list(self.std)
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocessing:
        """Inverse of `to_dict`; fields with a default may be left out, others may not be added.

        Raises:
            PreprocessingError: a field is unknown, missing or out of range.
        """
        if not isinstance(values, dict):
            raise PreprocessingError(f"preprocessing: must be a JSON object, not {shown(values, 60)}")
        known = [field.name for field in dataclasses.fields(cls)]
        if unknown := [key for key in values if key not in known]:
            raise PreprocessingError(
                f"preprocessing: unknown field {shown(unknown[0], 60)!r}. Known are {', '.join(known)}"
            )
        if missing := [name for name in ("height", "width") if name not in values]:
            raise PreprocessingError(f"preprocessing: {missing[0]} is missing. Add it, in pixels")
        return cls(**values)

    def replace(self, **changes: Any) -> Preprocessing:
        """A copy with some fields changed."""
        return self.from_dict({**self.to_dict(), **changes})

    def with_size(self, height: int, width: int) -> Preprocessing:
        """The same for another input size."""
        return self.replace(height=height, width=width)

    def resized_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that a picture of this height and width is scaled to before the crop.

        A square input follows torchvision's `Resize(int)` (the long side is `int(size * long / short)`),
        any other timm's `ResizeKeepRatio` (`timm/data/transforms.py`), as timm itself does.
        """
        if self.resize == "squash":
            return self.height, self.width
        target = (math.floor(self.height / self.crop_fraction), math.floor(self.width / self.crop_fraction))
        if target[0] == target[1]:
            short, long = min(height, width), max(height, width)
            scaled = int(target[0] * long / short)
            return (target[0], scaled) if height <= width else (scaled, target[0])
        ratio = min(height / target[0], width / target[1])
        return round(height / ratio), round(width / ratio)


def apply(picture: Image.Image, preprocessing: Preprocessing) -> np.ndarray:
    """Scale and crop a picture of mode RGB (see `pictures.open_picture`).

    Returns:
        uint8 `(height, width, 3)`, RGB, 0 to 255.

    Raises:
        PictureError: the picture is so long and thin that scaling it would take unreasonable memory.
        PreprocessingError: the picture's mode is not RGB.
    """
    if picture.mode != "RGB":
        raise PreprocessingError(
            f"picture: mode is {picture.mode}. Open it with open_picture, or convert it to RGB"
        )
    height, width = preprocessing.resized_size(picture.height, picture.width)
    if height * width > MAX_RESIZED_PIXELS:
        raise PictureError(
            f"picture: {picture.width} x {picture.height} pixels is too long and thin to be scaled to "
            f"{width} x {height}. Cut it first"
        )
    resampling = Image.Resampling[preprocessing.filter.upper()]
    scaled = picture.resize((width, height), resampling)
    top = _offset(height - preprocessing.height, preprocessing.crop_offset)
    left = _offset(width - preprocessing.width, preprocessing.crop_offset)
    cropped = scaled.crop((left, top, left + preprocessing.width, top + preprocessing.height))
    return np.array(cropped, dtype=np.uint8)


def normalize(pixels: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """What the model takes: `(pixels / 255 - mean) / std`, then channels in the contract's order.

    Args:
        pixels: `(..., 3)` RGB, 0 to 255, uint8 or float.

    Returns:
        float32 of the same shape.
    """
    mean, std = (np.asarray(values, np.float32) for values in (preprocessing.mean, preprocessing.std))
    normalized = (np.asarray(pixels, np.float32) / np.float32(255) - mean) / std
    return normalized if preprocessing.channel_order == "rgb" else normalized[..., ::-1]


def read_preprocessing_file(path: str | os.PathLike[str]) -> Preprocessing:
    """Read a JSON file as `Preprocessing.to_dict` gives it.

    Raises:
        PreprocessingError: it cannot be read, is not JSON, or is no such setting.
    """
    where = shown(path)
    try:
        file = Path(path)
        if not file.is_file():
            known = ", ".join(PREPROCESSINGS)
            raise PreprocessingError(f"{where}: is neither a file nor one of {known}. Give one of these")
        if (size := file.stat().st_size) > MAX_FILE_BYTES:
            raise PreprocessingError(f"{where}: has {size:,} bytes, too many for this. Check the path")
        return Preprocessing.from_dict(strict_json.parse(file.read_text(encoding="utf-8-sig")))
    except PreprocessingError as error:
        raise error if str(error).startswith(where) else PreprocessingError(f"{where}: {error}") from None
    except OSError as error:
        raise PreprocessingError(f"{where}: cannot be read ({error.strerror}). Check the path") from None
    except ValueError as error:
        reason = shown(error, 100)
        raise PreprocessingError(
            f"{where}: is not valid JSON ({reason}). Correct it, see the README"
        ) from None


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
    if not _is_number(factor) or factor <= 0:
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
    if _is_number(size) and crops:
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
    raise _wrong("resample", "one of Pillow's filter numbers 0 to 5", number)


def _three(value: Any, name: str, scale: float) -> tuple[float, float, float]:
    """One number for all channels, or one each, divided by `scale`."""
    values = [value] * 3 if _is_number(value) else value
    if not isinstance(values, (list, tuple)) or len(values) != 3 or not all(map(_is_number, values)):
        raise _wrong(name, "a number or three", value)
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


def _offset(surplus: int, rounding: CropOffset) -> int:
    return round(surplus / 2) if rounding == "half_even" else surplus // 2


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e9 < value < 1e9


def _wrong(name: str, wanted: str, value: object) -> PreprocessingError:
    return PreprocessingError(f"preprocessing: {name} must be {wanted}, not {shown(repr(value), 60)}")


PREPROCESSINGS: dict[str, Preprocessing] = {
    "timm": Preprocessing(224, 224, "crop", 0.95, "bicubic"),
    "authors": Preprocessing(224, 224, "crop", 0.875, "bicubic"),
    "transformers": Preprocessing(224, 224, "squash", 1.0, "bilinear"),
}
"""The three published settings at 224 pixels: timm scales to 235 and crops, the authors (`main.py` and
`util/datasets.py` of Amshaker/SwiftFormer) to 256, transformers squashes."""

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
