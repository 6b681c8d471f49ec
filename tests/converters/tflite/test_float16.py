"""The first convolution of float16 files: on float16's grid, and no shift of the whole map."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from converters.tflite.float16 import round_stem
from swiftformer_keras import folding
from swiftformer_keras.folding import Conv, FoldedSwiftFormer
from swiftformer_keras.preprocessing import PREPROCESSINGS
from tests import reference


@pytest.fixture(scope="module")
def folded() -> FoldedSwiftFormer:
    config, weights = reference.weights("swiftformer_xs")
    return folding.fold_pixels(folding.fold(weights, config), PREPROCESSINGS["timm"])


def stem(folded: FoldedSwiftFormer, pixels: np.ndarray) -> np.ndarray:
    """Both convolutions in float64 at one place: pixels `(25, 3)` of a 5 x 5 patch, and so 2 x 2 of 3 x 3 below."""
    first, second = folded.convs["stem_conv1"], folded.convs["stem_conv2"]
    patch = pixels.reshape(5, 5, 3).astype(np.float64)
    middle = [
        [
            np.maximum(np.einsum("hwi,hwio->o", patch[y : y + 3, x : x + 3], first.kernel) + first.bias, 0)
            for x in (0, 2)
        ]
        for y in (0, 2)
    ]
    return np.asarray(np.einsum("hwi,hwio->o", np.array(middle), second.kernel[1:, 1:].astype(np.float64)))


def nearest(folded: FoldedSwiftFormer) -> FoldedSwiftFormer:
    """What a GPU makes of the stem as it is: each number to its nearest float16."""
    kernel, bias = (np.asarray(a).astype(np.float16).astype(np.float32) for a in folded.convs["stem_conv1"])
    return dataclasses.replace(folded, convs={**folded.convs, "stem_conv1": Conv(kernel, bias)})


def test_the_first_convolution_is_made_of_normal_float16(folded: FoldedSwiftFormer) -> None:
    kernel, bias = round_stem(folded).convs["stem_conv1"]
    for values in (kernel, bias):
        np.testing.assert_array_equal(values.astype(np.float16).astype(np.float32), values)
        sizes = np.abs(values[values != 0])
        assert sizes.min() >= 2.0**-14
    assert np.abs(kernel).sum(axis=(0, 1, 2)).max() * 255 < 65504, "no sum on the way overflows"


@pytest.mark.parametrize("seed", range(3))
def test_pictures_of_one_colour_come_out_nearer_than_with_nearest_weights(
    folded: FoldedSwiftFormer, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(10):
        colour = np.broadcast_to(rng.integers(0, 256, 3), (25, 3)) + rng.integers(-3, 4, (25, 3))
        pixels = np.clip(colour, 0, 255)
        true = stem(folded, pixels)
        ours.append(float(((stem(round_stem(folded), pixels) - true) ** 2).sum()))
        theirs.append(float(((stem(nearest(folded), pixels) - true) ** 2).sum()))
    assert sum(ours) * 10 < sum(theirs), "10 dB at least"


def test_the_logits_stay(folded: FoldedSwiftFormer) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (1, 64, 64, 3)).astype(np.float32)
    before = np.asarray(folding.forward(folded, pixels))
    after = np.asarray(folding.forward(round_stem(folded), pixels))
    assert np.abs(after - before).max() < 2e-2


def test_centred_pixels_need_no_large_sums(folded: FoldedSwiftFormer) -> None:
    """On the mean colour, sums on the way are as small as the result; as they were, they cancel in the bias."""

    def largest(of: FoldedSwiftFormer, colour: np.ndarray) -> float:
        kernel = of.convs["stem_conv1"].kernel.astype(np.float64)
        terms = (kernel * colour[:, None]).reshape(-1, kernel.shape[-1])
        size = np.abs(np.maximum(np.cumsum(terms, axis=0)[-1] + of.convs["stem_conv1"].bias, 1e-3))
        return float((np.abs(np.cumsum(terms, axis=0)).max(axis=0) / size).max())

    colour = np.asarray(folded.border)
    centred = folding.centre_pixels(folded)
    plain, better = (
        largest(round_stem(folded), colour),
        largest(round_stem(centred), colour - np.asarray(centred.centre)),
    )
    assert better * 50 < plain


@pytest.mark.parametrize("zero", ["stem_conv1", "stem_conv2"])
def test_kernels_of_zeros_are_left_alone(folded: FoldedSwiftFormer, zero: str) -> None:
    kernel, bias = folded.convs[zero]
    convs: dict[str, Any] = {**folded.convs, zero: Conv(np.zeros_like(kernel), bias)}
    found = round_stem(dataclasses.replace(folded, convs=convs)).convs
    assert all(np.isfinite(value).all() for value in (*found["stem_conv1"], *found["stem_conv2"]))
