"""Pictures and camera frames that Python and Kotlin make alike from a few numbers, so that no file carries them.

Whole numbers modulo 2^32 only; `GoldenPictures.kt` in the core's tests has the same lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image


def mixed(values: np.ndarray, seed: int) -> np.ndarray:
    """Bytes without a visible pattern, one for each whole number."""
    h = (values.astype(np.uint64) * 2654435761 + seed * 40503 + 97) & 0xFFFFFFFF
    h ^= h >> np.uint64(15)
    h = (h * 2246822519) & 0xFFFFFFFF
    h ^= h >> np.uint64(13)
    h = (h * 3266489917) & 0xFFFFFFFF
    return (h >> np.uint64(24)).astype(np.uint8)


def plane(width: int, height: int, kind: str, seed: int) -> np.ndarray:
    """One channel, uint8 `(height, width)`: "noise", "slope" (smooth, with wraps) or "blocks" (black and white)."""
    y, x = np.mgrid[0:height, 0:width]
    if kind == "noise":
        return mixed(y * width + x, seed)
    if kind == "slope":
        return ((x * (seed % 5 + 1) + y * (seed % 7 + 1) + seed * 29) & 255).astype(np.uint8)
    return (((x // (seed % 3 + 2) + y // (seed % 4 + 3)) & 1) * 255).astype(np.uint8)


def picture(width: int, height: int, kind: str, seed: int) -> Image.Image:
    """An RGB picture of three such channels."""
    channels = [plane(width, height, kind, 3 * seed + channel) for channel in range(3)]
    return Image.fromarray(np.stack(channels, -1))


def upright_frame(case: dict[str, Any]) -> Image.Image:
    """What a camera frame is upright, by Pillow: chroma repeated, converted, cut, turned and mirrored."""
    width, height, seed = case["width"], case["height"], case["seed"]
    chroma = ((width + 1) // 2, (height + 1) // 2)
    planes = [plane(width, height, case["kind"], seed)]
    for channel in (1, 2):
        small = plane(*chroma, case["kind"], seed + channel)
        planes.append(small.repeat(2, 0).repeat(2, 1)[:height, :width])
    rgb = Image.merge("YCbCr", [Image.fromarray(np.ascontiguousarray(values)) for values in planes]).convert(
        "RGB"
    )
    turned = rgb.crop(tuple(case["crop"]))
    turns = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
    if case["rotation"]:
        turned = turned.transpose(turns[case["rotation"]])  # Pillow turns the other way round
    return turned.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if case["mirror"] else turned
