"""A folded model and calibration pictures -> int8 models: what is measured once, and what is built from it.

`prepare` converts and calibrates once; from it come as many int8 models as are wanted, each with other parts left in
float.

Whether corrected biases are kept is measured on calibration pictures, never on those held out: they are corrected on
three quarters of them, compared with the uncorrected ones on the last quarter, and where they are better corrected
again on all. How much they win depends on how well the means are known (XS at 64 pixels, trained on Fashion-MNIST,
400 test pictures): with 32 pictures 0.7 dB of the sigmoid form and -0.5 dB of the tanh form, with 96 1.7 and 0.6 dB.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from converters.tflite.bias import correct_biases, mean_outputs
from converters.tflite.calibrate import Ranges, collect_ranges
from converters.tflite.calibration_pictures import read_pixels
from converters.tflite.check import Difference, compare, run_tflite
from converters.tflite.flatbuffer import repack
from converters.tflite.picture_sources import SourcePicture
from converters.tflite.source import find_scales
from converters.tflite.static import quantize_static, unsigned_ends
from swiftformer_keras.folding import FoldedSwiftFormer
from swiftformer_keras.preprocessing import Preprocessing

Gelu = Literal["exact", "tanh", "sigmoid"]
Io = Literal["float32", "uint8", "int8"]
Tell = Callable[[str, int, int], None]

LOGIT_ROOM = 1.25
"""How much wider than seen in calibration the range of the logits is."""

MAX_SAMPLES = 128
"""Calibration pictures that biases are corrected on and int8 models compared on. The maps between two layers are kept
for all of them, about 100 MB at 224 pixels; above `_LARGE_PIXELS` there are fewer."""

_LEAST_SAMPLES = 32
_LARGE_PIXELS = 256 * 256
_SCALE_SAMPLES = 16


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A model converted and calibrated.

    Attributes:
        plain: the float32 .tflite model with the activation `gelu`.
        exact: the same with the exact activation.
        gelu: form of the activation.
        ranges: of every computed tensor of `plain`.
        samples: calibration pictures `(n, height, width, 3)` uint8.
        first: how many of `samples`, from the start, biases are corrected on for a comparison on the rest.
        wanted: mean of every convolution's channels in `exact` on those first ones; None where no biases are
            corrected.
        wanted_of_all: the same on all `samples`.
        reference: logits of `exact` on `choice`.
    """

    plain: bytes
    exact: bytes
    gelu: Gelu
    ranges: Ranges
    samples: np.ndarray
    first: int
    wanted: Mapping[str, np.ndarray] | None
    wanted_of_all: Mapping[str, np.ndarray] | None
    reference: np.ndarray

    @property
    def choice(self) -> np.ndarray:
        """The pictures that int8 models are compared on."""
        return self.samples[self.first :]


@dataclasses.dataclass(frozen=True)
class BiasChoice:
    """Whether corrected biases are kept, and what tells so.

    Attributes:
        kept: they are.
        corrected_db, uncorrected_db: signal-to-noise ratio with and without, on `pictures` calibration pictures
            that the biases were not corrected on; None where there is no difference from the float model at all.
    """

    kept: bool
    corrected_db: float | None
    uncorrected_db: float | None
    pictures: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dataclasses.asdict(self)


def scaled(
    folded: FoldedSwiftFormer, pictures: Sequence[SourcePicture], preprocessing: Preprocessing
) -> FoldedSwiftFormer:
    """The folded model with its attention at the scales that the pictures ask for, and taking raw pixels."""
    from swiftformer_keras import folding

    samples = np.stack(list(read_pixels(pictures[:_SCALE_SAMPLES], preprocessing)))
    folded = folding.scale_convs(folded, find_scales(folded, samples, preprocessing))
    return folding.fold_pixels(folded, preprocessing)


def prepare(
    folded: FoldedSwiftFormer,
    pictures: Sequence[SourcePicture],
    preprocessing: Preprocessing,
    *,
    gelu: Gelu,
    percentile: float,
    correct_bias: bool,
    tell: Tell,
) -> Prepared:
    """Convert a model and collect what quantising it needs.

    Args:
        folded: as `scaled` gives it.
        pictures: to calibrate with.
        gelu: form of the activation.
        percentile: see `calibrate.collect_ranges`.
        correct_bias: measure the means that biases are corrected to.
        tell: is told the step's name, and how much of it is done.
    """
    from converters.tflite.graph import to_tflite
    from swiftformer_keras.folding import fold_gelu

    size = (preprocessing.height, preprocessing.width)
    tell("converting", 0, 0)
    plain = to_tflite(fold_gelu(folded, gelu), size)
    exact = plain if gelu == "exact" else to_tflite(fold_gelu(folded, "exact"), size)

    def inputs() -> Iterator[np.ndarray]:
        for done, pixels in enumerate(read_pixels(pictures, preprocessing)):
            tell("calibrating", done, len(pictures))
            yield pixels.astype(np.float32)

    ranges = _fixed_ends(collect_ranges(plain, inputs, percentile=percentile))
    tell("running the float model", 0, 0)
    most = max(_LEAST_SAMPLES, min(MAX_SAMPLES, MAX_SAMPLES * _LARGE_PIXELS // (size[0] * size[1])))
    samples = np.stack(list(read_pixels(pictures[:most], preprocessing)))
    first = len(samples) - len(samples) // 4
    wanted: dict[str, np.ndarray] | None = None
    wanted_of_all: dict[str, np.ndarray] | None = None
    if correct_bias:
        parts = [_as_scaled(mean_outputs(exact, part), gelu) for part in (samples[:first], samples[first:])]
        wanted, share = parts[0], first / len(samples)
        wanted_of_all = {name: mean * share + parts[1][name] * (1 - share) for name, mean in wanted.items()}
    reference = run_tflite(exact, samples[first:])
    return Prepared(plain, exact, gelu, ranges, samples, first, wanted, wanted_of_all, reference)


def build(prepared: Prepared, *, float_ends: bool = True, keep_float: Sequence[str] = ()) -> bytes:
    """An int8 model, its biases as they are.

    Args:
        float_ends: input and output stay float32; int8 otherwise.
        keep_float: regular expressions; operators with an output tensor that one is found in stay float.
    """
    from converters.tflite.graph import INPUT_NAME

    static = quantize_static(
        prepared.plain,
        prepared.ranges,
        float_gelu=prepared.gelu != "sigmoid",
        float_ends=float_ends,
        keep_float=keep_float,
    )
    return repack(static, inputs=(INPUT_NAME,), outputs=("logits",))


def compare_biases(prepared: Prepared, static: bytes, tell: Tell) -> BiasChoice | None:
    """Whether corrected biases bring an int8 model nearer to the float model; None where none are wanted."""
    if prepared.wanted is None:
        return None
    corrected = correct_biases(static, prepared.wanted, prepared.samples[: prepared.first], _layers(tell))
    after, before = measure(prepared, corrected), measure(prepared, static)
    return BiasChoice(decibels(after) > decibels(before), after.sqnr_db, before.sqnr_db, len(prepared.choice))


def with_biases(prepared: Prepared, static: bytes, choice: BiasChoice | None, tell: Tell) -> bytes:
    """An int8 model with the biases chosen, corrected on all pictures."""
    if choice is None or not choice.kept or prepared.wanted_of_all is None:
        return static
    return correct_biases(static, prepared.wanted_of_all, prepared.samples, _layers(tell))


def _layers(tell: Tell) -> Callable[[int, int], None]:
    return lambda done, total: tell("correcting biases", done, total)


def with_ends(static: bytes, io: Io) -> bytes:
    """The model with ends of the type asked for; built with `float_ends` unless that is int8."""
    return unsigned_ends(static) if io == "uint8" else static


def measure(prepared: Prepared, tflite: bytes) -> Difference:
    """How far a model is from the exact float model on the pictures that int8 models are compared on."""
    return compare(run_tflite(tflite, prepared.choice), prepared.reference)


def decibels(difference: Difference) -> float:
    """The signal-to-noise ratio as a number to compare; infinite where there is no difference."""
    return float("inf") if difference.sqnr_db is None else difference.sqnr_db


def _as_scaled(means: Mapping[str, np.ndarray], gelu: Gelu) -> dict[str, np.ndarray]:
    """Means of the exact form's convolutions in the scale that another form has before its activation."""
    from swiftformer_keras.gelu import gelu_scale

    return {
        name: mean * gelu_scale(gelu) if "/pwconv1/" in name or "/fc1/" in name else mean
        for name, mean in means.items()
    }


def _fixed_ends(ranges: Ranges) -> dict[str, tuple[float, float]]:
    """Pixels are 0..255 whatever the pictures hold, and logits get room for what they did not show."""
    fixed = dict(ranges)
    for name, (low, high) in ranges.items():
        if name == "image" or name.startswith("stem_conv1/concat"):
            fixed[name] = (0.0, 255.0)
        elif name == "logits":
            fixed[name] = (low * LOGIT_ROOM, high * LOGIT_ROOM)
    return fixed
