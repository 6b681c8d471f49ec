"""A trained classifier -> one int8 .tflite file, calibrated on pictures and measured on others before it is kept.

What was measured of XS (trained on Fashion-MNIST, at 64 pixels / reference weights at 224; signal to noise against
Keras):

- attention and the additions around branches in float, sigmoid GELU in int8: 33.4 / 27.1 dB. The additions in int8
  cost 1.6 / 0.4 dB; the activation as a float polynomial ("tanh") wins 1.8 / 1.2 dB.
- biases corrected towards the exact model, layer after layer (`bias.py`): 34.5 / 32.0 dB. Towards the model with the
  simpler activation only 33.0 dB, because its own mean error stays.
- logits given more room than calibration saw: the largest difference at 224 from 1.66 to 0.23, because what lies
  beyond the range is the top class of an unseen picture.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from converters.tflite.calibrate import Ranges, collect_ranges
from converters.tflite.calibration_pictures import CalibrationPictures, choose_pictures, read_pixels
from converters.tflite.check import Difference, compare, run_tflite
from converters.tflite.source import (
    card_of,
    find_scales,
    preprocessing_of,
    reference_outputs,
    weights_sha256,
)
from swiftformer_keras.errors import BoundNotMetError, ConfigError
from swiftformer_keras.files import check_output, sidecar, write_with_record
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import Preprocessing
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.folding import FoldedSwiftFormer
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

Scheme = Literal["int8", "dynamic"]
Io = Literal["float32", "uint8", "int8"]
Gelu = Literal["exact", "tanh", "sigmoid"]
Progress = Callable[[str, int, int], None]

MIN_SQNR_DB: Mapping[str, float] = {"int8": 25.0, "dynamic": 30.0}
"""Smallest signal-to-noise ratio to Keras on the held-out pictures, where no other is asked for."""

DEFAULT_GELU: Mapping[str, Gelu] = {"int8": "sigmoid", "dynamic": "tanh"}
"""The form that needs no GELU operator and costs least: dynamic files compute it in float anyway."""

LOGIT_ROOM = 1.25
"""How much wider than seen in calibration the range of the logits is."""

CORRECTION_SAMPLES = 32
"""Calibration pictures that biases are corrected on; they are kept in memory. 8 give 33.2 dB on 1,000 Fashion-MNIST
pictures, 16 give 34.1, 32 give 34.4; the time grows with them."""

_SCALE_SAMPLES = 16


@dataclasses.dataclass(frozen=True)
class QuantizeReport:
    """What was written and how near it is to the Keras model.

    Attributes:
        file, size_bytes, sha256: of the file.
        scheme, io, gelu, keep_float, percentile, seed, input_size: the settings it was made with.
        calibration_pictures, held_out_pictures: how many calibrated it, and how many others measured it.
        sqnr_db: signal-to-noise ratio to Keras on the held-out pictures; None where there is no difference.
        min_sqnr_db: what it was held against.
        uncorrected_sqnr_db: the same before biases were corrected; None where none were.
        agreement: share of held-out pictures with the same top class as Keras.
        largest_difference: largest absolute difference of a logit there.
        warnings: what was odd about the pictures.
        pictures_sha256: one fingerprint of all prepared pictures, in the order calibration, held out.
        weights_sha256: of the model's weights (names, shapes and values).
        origin: where the weights come from, if the model knows.
    """

    file: str
    size_bytes: int
    sha256: str
    scheme: str
    io: str
    gelu: str
    keep_float: str | None
    percentile: float
    seed: int
    input_size: tuple[int, int]
    calibration_pictures: int
    held_out_pictures: int
    sqnr_db: float | None
    min_sqnr_db: float
    uncorrected_sqnr_db: float | None
    agreement: float
    largest_difference: float
    warnings: tuple[str, ...]
    pictures_sha256: str
    weights_sha256: str
    origin: Origin | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["input_size"], values["warnings"] = list(self.input_size), list(self.warnings)
        values["origin"] = self.origin.to_dict() if self.origin else None
        return values


def quantize(
    model: SwiftFormerImageClassifier,
    out: Path | str,
    *,
    calibration: Path | str,
    scheme: Scheme = "int8",
    io: Io = "float32",
    gelu: Gelu | None = None,
    samples: int = 128,
    seed: int = 0,
    percentile: float = 100.0,
    correct_bias: bool = True,
    keep_float: str | None = None,
    input_size: tuple[int, int] | None = None,
    min_sqnr_db: float | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> QuantizeReport:
    """Write `model` as a quantised .tflite file of batch 1 that takes RGB 0..255, and a JSON record beside it.

    The same model, pictures and settings give the same bytes.

    Args:
        model: a classifier with its preprocessing.
        out: the file; its name ends in .tflite.
        calibration: a folder of pictures like those the model will see; part of them is held out to measure on.
        scheme: "int8" (weights and activations) or "dynamic" (weights only; needs LiteRT, and the pictures only
            measure it).
        io: type of input and output. The float32 file is the one that every reader and delegate takes.
        gelu: form of the activation; `DEFAULT_GELU` where None. "tanh" and "exact" compute it in float; "exact"
            needs a GELU operator (TFLite 2.9).
        samples: pictures to calibrate with, at most.
        seed: of the choice of pictures.
        percentile: share of each tensor's values in per cent that its range covers.
        correct_bias: take back what int8 shifts each channel's mean by.
        keep_float: a regular expression; operators with an output tensor whose name it is found in stay float.
        input_size: height and width in pixels; the model's own where None.
        min_sqnr_db: bound on the signal-to-noise ratio in dB; `MIN_SQNR_DB` where None.
        force: replace existing files.
        progress: is told the step's name, and how much of it is done.

    Raises:
        ConfigError: an option has no such value, does not go with another, or matches nothing.
        PreprocessingError, LabelsError: the model has no preprocessing, or not one label a class.
        PictureError, CalibrationError: the folder is not there, or its pictures are of no use.
        NonFiniteError: a weight is NaN or infinite.
        BoundNotMetError: the file is further from the model than its bound; it was not kept.
        OutputError: a file exists, or cannot be written.
    """
    from converters.tflite.metadata import write_metadata

    def tell(step: str, done: int = 0, total: int = 0) -> None:
        if progress is not None:
            progress(step, done, total)

    out = Path(out)
    gelu = gelu or DEFAULT_GELU.get(scheme, "sigmoid")
    _check_options(out, scheme, io, gelu, percentile, keep_float)
    bound = MIN_SQNR_DB[scheme] if min_sqnr_db is None else min_sqnr_db
    check_output(out, force=force)
    check_output(sidecar(out), force=force)
    preprocessing = preprocessing_of(model, input_size, "quantize")

    pictures = choose_pictures(calibration, preprocessing, samples=samples, seed=seed, progress=progress)
    held_out = np.stack(list(read_pixels(pictures.held_out, preprocessing)))
    tell("running the model on the held-out pictures")
    reference = reference_outputs(model, held_out, preprocessing, "logits")

    uncorrected: Difference | None = None
    folded = _prepared(model, pictures, preprocessing)
    if scheme == "dynamic":
        tell("converting")
        data = _convert(folded, gelu, preprocessing, "dynamic")
    else:
        data, before = _static(
            folded,
            pictures,
            preprocessing,
            io=io,
            gelu=gelu,
            percentile=percentile,
            keep_float=keep_float,
            correct_bias=correct_bias,
            tell=tell,
        )
        if before is not None:
            uncorrected = compare(run_tflite(before, held_out), reference)
    card = card_of(model, preprocessing, scheme, gelu, "logits", "pixels")
    data = write_metadata(data, card)
    with write_with_record(out, force=force) as (temporary, record):
        temporary.write_bytes(data)
        tell("comparing the file with the model")
        difference = compare(run_tflite(temporary, held_out), reference)
        _hold_bound(out, difference, bound, scheme, len(held_out))
        tell("writing the record")
        report = QuantizeReport(
            file=out.name,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            scheme=scheme,
            io=io,
            gelu=gelu,
            keep_float=keep_float,
            percentile=percentile,
            seed=seed,
            input_size=(preprocessing.height, preprocessing.width),
            calibration_pictures=len(pictures.calibration),
            held_out_pictures=len(pictures.held_out),
            sqnr_db=difference.sqnr_db,
            min_sqnr_db=bound,
            uncorrected_sqnr_db=uncorrected.sqnr_db if uncorrected else None,
            agreement=difference.agreement,
            largest_difference=difference.largest,
            warnings=pictures.warnings,
            pictures_sha256=hashlib.sha256("\n".join(pictures.sha256).encode()).hexdigest(),
            weights_sha256=weights_sha256(model),
            origin=model.origin,
        )
        record.update(report.to_dict())
    return report


def _check_options(
    out: Path, scheme: str, io: str, gelu: str, percentile: float, keep_float: str | None
) -> None:
    if out.suffix != ".tflite":
        raise ConfigError(f"{shown(out)}: a quantised model's file name ends in .tflite")
    for name, value, choices in (("scheme", scheme, Scheme), ("io", io, Io), ("gelu", gelu, Gelu)):
        if value not in get_args(choices):
            allowed = ", ".join(get_args(choices))
            raise ConfigError(f"quantize: {name} must be one of {allowed}, not {shown(value, 60)!r}")
    if not 90 <= percentile <= 100:
        raise ConfigError(f"quantize: percentile must be 90 to 100, not {percentile:g}")
    if keep_float is not None:
        try:
            re.compile(keep_float)
        except re.error as error:
            raise ConfigError(
                f"quantize: {shown(keep_float, 60)!r} is no regular expression ({error}). Correct it"
            ) from None
    if scheme == "dynamic" and (io != "float32" or keep_float is not None):
        what = "keep_float" if io == "float32" else f"{io} input"
        raise ConfigError(f"quantize: the dynamic scheme has no {what}. Leave it out, or choose int8")


def _prepared(
    model: SwiftFormerImageClassifier, pictures: CalibrationPictures, preprocessing: Preprocessing
) -> FoldedSwiftFormer:
    """The folded model at the right scales, for raw pixels."""
    from swiftformer_keras import folding

    folded = folding.fold_model(model)
    samples = np.stack(list(read_pixels(pictures.calibration[:_SCALE_SAMPLES], preprocessing)))
    folded = folding.scale_convs(folded, find_scales(folded, samples, preprocessing))
    return folding.fold_pixels(folded, preprocessing)


def _convert(
    folded: FoldedSwiftFormer,
    gelu: Gelu,
    preprocessing: Preprocessing,
    precision: Literal["float32", "dynamic"] = "float32",
) -> bytes:
    from converters.tflite.graph import to_tflite
    from swiftformer_keras.folding import fold_gelu

    size = (preprocessing.height, preprocessing.width)
    return to_tflite(fold_gelu(folded, gelu), size, precision=precision)


def _static(
    folded: FoldedSwiftFormer,
    pictures: CalibrationPictures,
    preprocessing: Preprocessing,
    *,
    io: Io,
    gelu: Gelu,
    percentile: float,
    keep_float: str | None,
    correct_bias: bool,
    tell: Callable[[str, int, int], None],
) -> tuple[bytes, bytes | None]:
    """The int8 file, and what it was before its biases were corrected (None where they were not)."""
    from converters.tflite.bias import correct_biases, mean_outputs
    from converters.tflite.flatbuffer import repack
    from converters.tflite.graph import INPUT_NAME
    from converters.tflite.static import quantize_static, unsigned_ends

    tell("converting", 0, 0)
    plain = _convert(folded, gelu, preprocessing)

    def inputs() -> Iterator[np.ndarray]:
        total = len(pictures.calibration)
        for done, pixels in enumerate(read_pixels(pictures.calibration, preprocessing)):
            tell("calibrating", done, total)
            yield pixels.astype(np.float32)

    ranges = _fixed_ends(collect_ranges(plain, inputs, percentile=percentile))
    tell("quantising", 0, 0)
    static = quantize_static(
        plain,
        ranges,
        float_gelu=gelu != "sigmoid",
        float_ends=io != "int8",
        keep_float=_matching(keep_float, ranges),
    )
    static = repack(static, inputs=(INPUT_NAME,), outputs=("logits",))
    before = None
    if correct_bias:
        samples = [
            pixels.astype(np.float32)
            for pixels in read_pixels(pictures.calibration[:CORRECTION_SAMPLES], preprocessing)
        ]
        exact = plain if gelu == "exact" else _convert(folded, "exact", preprocessing)
        wanted = _as_scaled(mean_outputs(exact, samples), gelu)
        before, static = (
            static,
            correct_biases(
                static, wanted, samples, lambda done, total: tell("correcting biases", done, total)
            ),
        )
    return unsigned_ends(static) if io == "uint8" else static, before


def _as_scaled(means: Mapping[str, np.ndarray], gelu: Gelu) -> dict[str, np.ndarray]:
    """Means of the exact form's convolutions in the scale that another form has before its activation."""
    from swiftformer_keras.folding import gelu_scale

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


def _matching(keep_float: str | None, names: Ranges) -> tuple[str, ...]:
    """Patterns for exactly the tensors that the user's expression is found in.

    Raises:
        ConfigError: it is found in none.
    """
    if keep_float is None:
        return ()
    found = sorted(name for name in names if re.search(keep_float, name))
    if not found:
        raise ConfigError(
            f"quantize: {shown(keep_float, 60)!r} matches no operator. "
            "Their names begin like stage0_block2/attn/query, stem_conv1 and logits"
        )
    return tuple(re.escape(name) for name in found)


def _hold_bound(out: Path, difference: Difference, bound: float, scheme: Scheme, pictures: int) -> None:
    if difference.sqnr_db is None or difference.sqnr_db >= bound:
        return
    advice = (
        "Try more calibration pictures, gelu tanh, or keep_float for a part of the model"
        if scheme == "int8"
        else "Export float16 instead"
    )
    raise BoundNotMetError(
        f"{shown(out)}: its signal-to-noise ratio to the Keras model is {difference.sqnr_db:.1f} dB on {pictures} "
        f"held-out pictures, less than {bound:g} dB; it was not kept. {advice}"
    )
