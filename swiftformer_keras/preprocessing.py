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
from typing import Any, Literal, get_args

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
                raise wrong_value(name, f"a whole number from 1 to {MAX_SIZE}", value)
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise wrong_value(name, f"one of {', '.join(allowed)}", getattr(self, name))
        for name in ("mean", "std"):
            values = getattr(self, name)
            if not isinstance(values, (list, tuple)) or len(values) != 3 or not all(map(is_number, values)):
                raise wrong_value(name, "three finite numbers", values)
            object.__setattr__(self, name, tuple(float(value) for value in values))
        if min(self.std) < 1e-6:
            raise wrong_value("std", "three numbers of at least 1e-6", self.std)
        if not is_number(self.crop_fraction) or not 0.05 <= self.crop_fraction <= 1:
            raise wrong_value("crop_fraction", "a number from 0.05 to 1", self.crop_fraction)
        object.__setattr__(self, "crop_fraction", float(self.crop_fraction))
        if self.resize == "squash" and self.crop_fraction != 1:
            raise wrong_value("crop_fraction", '1 when resize is "squash"', self.crop_fraction)

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


def _offset(surplus: int, rounding: CropOffset) -> int:
    return round(surplus / 2) if rounding == "half_even" else surplus // 2


def is_number(value: object) -> bool:
    """Whether this is a finite number of a sane size, and no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e9 < value < 1e9


def wrong_value(name: str, wanted: str, value: object) -> PreprocessingError:
    """The one line about a field that has a wrong value."""
    return PreprocessingError(f"preprocessing: {name} must be {wanted}, not {shown(repr(value), 60)}")


PREPROCESSINGS: dict[str, Preprocessing] = {
    "timm": Preprocessing(224, 224, "crop", 0.95, "bicubic"),
    "authors": Preprocessing(224, 224, "crop", 0.875, "bicubic"),
    "transformers": Preprocessing(224, 224, "squash", 1.0, "bilinear"),
}
"""The three published settings at 224 pixels: timm scales to 235 and crops, the authors (`main.py` and
`util/datasets.py` of Amshaker/SwiftFormer) to 256, transformers squashes."""
