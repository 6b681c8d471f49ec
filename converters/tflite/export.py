"""A trained classifier -> one checked .tflite file: folded, converted, described, run, compared, then put in place.

The default activation is `fast` because it is the one that is safe everywhere: it is made of MUL, ADD, SUB, MINIMUM
and LOGISTIC, which every TFLite runtime since 1.14 and every delegate has (the converter writes this version into the
file). The GELU operator of `exact` needs 2.9: older runtimes do not load such a file, Android's 2.16.1 leaves it to a
slow kernel (48 ms against 15 ms, XS at 224), and NNAPI does not know it. What `fast` costs is up to 1e-3 on logits and
a tenth of the time on LiteRT 2.3; choose `exact` to be as near to Keras as float32 goes. It is the default of
`dynamic` files, which only LiteRT runs rightly.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.tflite.card import InputKind, OutputKind
from converters.tflite.check import LARGE_LOGIT, Difference, compare, run_tflite
from converters.tflite.settings import DEFAULT_GELU, Gelu, Precision, check_settings
from converters.tflite.source import (
    card_of,
    find_scales,
    preprocessing_of,
    reference_outputs,
    weights_sha256,
)
from swiftformer_keras.errors import BoundNotMetError
from swiftformer_keras.files import fingerprint, sha256_file, write_with_record
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import Preprocessing
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

Progress = Callable[[str, int, int], None]

BOUNDS: Mapping[tuple[str, str], float] = {
    ("float32", "exact"): 1e-4,
    ("float32", "fast"): 1e-3,
    ("float16", "exact"): 2e-2,
    ("float16", "fast"): 2e-2,
}
"""Largest difference from Keras by precision and activation: absolute, on logits up to `check.LARGE_LOGIT` and on
probabilities; in proportion to the picture's largest logit above it."""

MIN_SQNR_DB = 30.0
"""Smallest signal-to-noise ratio of a dynamic-range file."""

NOISE_SEED = 20_260_101


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What was written and how near it is to the Keras model.

    Attributes:
        file, size_bytes, sha256: of the file.
        precision, gelu, input_kind, output_kind, input_size: the settings it was made with.
        largest_difference: largest absolute difference of an output from Keras' over all check pictures.
        largest_output: largest absolute output of Keras' over all check pictures.
        excess: `largest_difference`, but in proportion on pictures with outputs above `proportional_above`.
        bound: what `excess` was held against; None for "dynamic".
        proportional_above: the size of a picture's largest logit up to which the bound is absolute
            (`check.LARGE_LOGIT` says why); None where there is no bound.
        sqnr_db: signal-to-noise ratio over all check pictures; None where there is no difference.
        min_sqnr_db: what it was held against; None but for "dynamic".
        agreement: share of check pictures with the same top class.
        pictures: number of check pictures: samples, black, white and noise.
        scales: the power of two on each attention's query, key and token weight, by name.
        samples: SHA-256 of each sample picture, by file name.
        weights_sha256: of the model's weights (names, shapes and values), whatever file they came in.
        source: name and SHA-256 of the model's file, where it was read from one.
        origin: where the weights come from, if the model knows.
    """

    file: str
    size_bytes: int
    sha256: str
    precision: str
    gelu: str
    input_kind: str
    output_kind: str
    input_size: tuple[int, int]
    largest_difference: float
    largest_output: float
    excess: float
    bound: float | None
    proportional_above: float | None
    sqnr_db: float | None
    min_sqnr_db: float | None
    agreement: float
    pictures: int
    scales: Mapping[str, float]
    samples: Mapping[str, str]
    weights_sha256: str
    source: Mapping[str, str] | None
    origin: Origin | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["input_size"] = list(self.input_size)
        values["scales"], values["samples"] = dict(self.scales), dict(self.samples)
        values["source"] = dict(self.source) if self.source else None
        values["origin"] = self.origin.to_dict() if self.origin else None
        return values


def export_file(path: Path, out: Path, **options: Any) -> ExportReport:
    """Export the classifier of a `.keras` file; what can be refused without it is refused before it is loaded.

    Args:
        path: the file.
        out, options: as for `export`.

    Raises:
        ModelFileError: the file cannot be read, or is no classifier.
        Otherwise as `export`.
    """
    from swiftformer_keras.saving import load_classifier

    check_settings(out, **{name: value for name, value in options.items() if name != "progress"})
    return export(load_classifier(path), out, source=path, **options)


def export(
    model: SwiftFormerImageClassifier,
    out: Path | str,
    *,
    precision: Precision = "float32",
    input_size: tuple[int, int] | None = None,
    samples: Path | None = None,
    gelu: Gelu | None = None,
    output: OutputKind = "logits",
    input: InputKind = "pixels",  # noqa: A002  the option's name
    source: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> ExportReport:
    """Write `model` as a .tflite file of batch 1, and a JSON record of its making beside it.

    The same model and settings give the same bytes.

    Args:
        model: a classifier with its preprocessing.
        out: the file; its name ends in .tflite.
        precision: "float32", "float16" (weights) or "dynamic" (int8 weights, needs LiteRT).
        input_size: height and width in pixels; the model's own where None.
        samples: a folder of pictures like those the model will see; the package's where None.
        gelu: "fast" or "exact", see above; `settings.DEFAULT_GELU` where None.
        output: "logits" or "probabilities".
        input: "pixels" takes RGB 0..255, "normalized" what `preprocessing.normalize` gives.
        source: the file that the model was read from, for the record.
        force: replace existing files.
        progress: is told the step's name, and how many of how many steps are done.

    Raises:
        ConfigError: an option has no such value, the size does not fit, or the model is no classifier.
        PreprocessingError, LabelsError: the model has no preprocessing, or not one label a class.
        PictureError: the samples cannot be read.
        NonFiniteError: a weight is NaN or infinite.
        BoundNotMetError: the file differs from the model by more than its bound; it was not kept.
        OutputError: a file exists, or cannot be written.
        MissingToolError: Keras runs on another backend than TensorFlow.
    """
    from converters.tflite.float16 import round_stem
    from converters.tflite.graph import to_tflite
    from converters.tflite.metadata import write_metadata
    from swiftformer_keras import folding

    def tell(step: str, done: int) -> None:
        if progress is not None:
            progress(step, done, 5)

    out = Path(out)
    paths = check_settings(
        out,
        precision=precision,
        input_size=input_size,
        samples=samples,
        gelu=gelu,
        output=output,
        input=input,
        force=force,
    )
    gelu = gelu or DEFAULT_GELU[precision]
    preprocessing = preprocessing_of(model, input_size)
    size = (preprocessing.height, preprocessing.width)
    pixels = _check_pixels(paths, preprocessing)

    tell("folding the weights", 0)
    folded = folding.fold_model(model)
    tell("running the model on the sample pictures", 1)
    reference = reference_outputs(model, pixels, preprocessing, output)
    scales = find_scales(folded, pixels[: len(paths)], preprocessing)

    tell("converting", 2)
    folded = folding.scale_convs(folded, scales)
    if input == "pixels":
        folded = folding.fold_pixels(folded, preprocessing)
        if precision == "float16":
            folded = round_stem(folding.centre_pixels(folded))
    data = to_tflite(folding.fold_gelu(folded, gelu), size, precision=precision, output=output)
    data = write_metadata(data, card_of(model, preprocessing, precision, gelu, output, input))

    with write_with_record(out, force=force) as (temporary, record):
        temporary.write_bytes(data)
        tell("comparing the file with the model", 3)
        outputs = run_tflite(temporary, _inputs(pixels, preprocessing, input))
        difference = compare(outputs, reference)
        _hold_bound(out, difference, precision, gelu)
        tell("writing the record", 4)
        bound = BOUNDS.get((precision, gelu))
        report = ExportReport(
            file=out.name,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            precision=precision,
            gelu=gelu,
            input_kind=input,
            output_kind=output,
            input_size=size,
            largest_difference=difference.largest,
            largest_output=difference.largest_output,
            excess=difference.excess,
            bound=bound,
            proportional_above=None if bound is None else LARGE_LOGIT,
            sqnr_db=difference.sqnr_db,
            min_sqnr_db=MIN_SQNR_DB if precision == "dynamic" else None,
            agreement=difference.agreement,
            pictures=len(pixels),
            scales=scales,
            samples={path.name: sha256_file(path) for path in paths},
            weights_sha256=weights_sha256(model),
            source=None if source is None else fingerprint(source),
            origin=model.origin,
        )
        record.update(report.to_dict())
    return report


def _check_pixels(paths: list[Path], preprocessing: Preprocessing) -> np.ndarray:
    """uint8 `(n, height, width, 3)`: the samples, then black, white and two pictures of noise."""
    from swiftformer_keras.pictures import open_picture
    from swiftformer_keras.preprocessing import apply

    shape = (preprocessing.height, preprocessing.width, 3)
    noise = np.random.default_rng(NOISE_SEED).integers(0, 256, (2, *shape), np.uint8)
    flat = [np.full(shape, value, np.uint8) for value in (0, 255)]
    return np.stack([*(apply(open_picture(path), preprocessing) for path in paths), *flat, *noise])


def _inputs(pixels: np.ndarray, preprocessing: Preprocessing, kind: InputKind) -> np.ndarray:
    from swiftformer_keras.preprocessing import normalize

    return pixels.astype(np.float32) if kind == "pixels" else normalize(pixels, preprocessing)


def _hold_bound(out: Path, difference: Difference, precision: Precision, gelu: Gelu) -> None:
    if precision == "dynamic":
        if difference.sqnr_db is not None and not difference.sqnr_db >= MIN_SQNR_DB:
            raise BoundNotMetError(
                f"{shown(out)}: its signal-to-noise ratio to the Keras model is {difference.sqnr_db:.1f} dB, less "
                f"than {MIN_SQNR_DB:g} dB; it was not kept. Export float16 instead"
            )
        return
    bound = BOUNDS[precision, gelu]
    if not difference.excess <= bound:
        advice = "Try --gelu exact" if (precision, gelu) == ("float32", "fast") else "Check the weights"
        advice = "Export float32 instead" if precision == "float16" else advice
        large = difference.largest_output > LARGE_LOGIT
        rule = f", in proportion above logits of {LARGE_LOGIT:g}" if large else ""
        raise BoundNotMetError(
            f"{shown(out)}: differs from the Keras model by {difference.largest:.3g} "
            f"({difference.excess / bound:.3g} times the bound of {bound:g}{rule}); it was not kept. {advice}"
        )
