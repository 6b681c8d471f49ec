"""A trained classifier -> one quantised .tflite file, calibrated on pictures and measured on others before it is kept.

What was measured of XS (trained on Fashion-MNIST, at 64 pixels / reference weights at 224; signal to noise against
Keras):

- attention and the additions around branches in float, sigmoid GELU in int8: 33.4 / 27.1 dB. The additions in int8
  cost 1.6 / 0.4 dB; the activation as a float polynomial ("tanh") wins 1.8 / 1.2 dB.
- biases corrected towards the exact model, layer after layer (`bias.py`): 34.5 / 32.0 dB. Towards the model with the
  simpler activation only 33.0 dB, because its own mean error stays. They are kept where they help (`int8.py`).
- logits given more room than calibration saw: the largest difference at 224 from 1.66 to 0.23, because what lies
  beyond the range is the top class of an unseen picture.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.tflite.calibrate import Ranges
from converters.tflite.calibration_pictures import CalibrationPictures, choose_pictures, read_pixels
from converters.tflite.check import Difference, compare, run_tflite
from converters.tflite.int8 import (
    BiasChoice,
    build,
    compare_biases,
    prepare,
    scaled,
    with_biases,
    with_ends,
)
from converters.tflite.picture_sources import true_classes
from converters.tflite.quantize_report import QuantizeReport
from converters.tflite.quantize_settings import Settings, check_quantize
from converters.tflite.sensitivity import (
    PICTURES,
    costs,
    groups_of,
    measure_groups,
    measure_weights,
    mixed,
)
from converters.tflite.source import card_of, preprocessing_of, reference_outputs, weights_sha256
from converters.top1 import top1
from swiftformer_keras.errors import BoundNotMetError, ConfigError, LabelsError
from swiftformer_keras.files import fingerprint, write_with_record
from swiftformer_keras.preprocessing import Preprocessing
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.folding import FoldedSwiftFormer
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

Progress = Callable[[str, int, int], None]


def quantize_file(path: Path, out: Path, *, calibration: Path | str, **options: Any) -> QuantizeReport:
    """Quantise the classifier of a `.keras` file; what can be refused without it is refused before it is loaded.

    Args:
        path: the file.
        out, calibration, options: as for `quantize`.

    Raises:
        ModelFileError: the file cannot be read, is no classifier, or is a .tflite file.
        Otherwise as `quantize`.
    """
    from converters.tflite.source import load_for

    facts = {name: value for name, value in options.items() if name not in ("progress", "force")}
    check_quantize(out, calibration, Settings(**facts), force=bool(options.get("force")))
    return quantize(load_for("quantize", path), out, calibration=calibration, source=path, **options)


def quantize(
    model: SwiftFormerImageClassifier,
    out: Path | str,
    *,
    calibration: Path | str,
    source: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> QuantizeReport:
    """Write `model` as a quantised .tflite file of batch 1 that takes RGB 0..255, and a JSON record beside it.

    The same model, pictures and settings give the same bytes.

    Args:
        model: a classifier with its preprocessing.
        out: the file; its name ends in .tflite.
        calibration: pictures like those the model will see, as `picture_sources` lists: a folder, an array file, or
            "demo"; part of them is held out to measure on.
        source: the file that the model was read from, for the record.
        force: replace existing files.
        progress: is told the step's name, and how much of it is done.
        scheme: "int8" (weights and activations), "mixed" (the same, but the fewest groups of operators in float
            that meet the bound) or "dynamic" (weights only; needs LiteRT, and the pictures only measure it).
        io: type of input and output, "float32", "uint8" or "int8". The float32 file is the one that every reader
            and delegate takes.
        gelu: form of the activation, `DEFAULT_GELU` where None. "tanh" and "exact" compute it in float; "exact"
            needs a GELU operator (TFLite 2.9). "sigmoid" is int8 too.
        samples: pictures to calibrate with, at most.
        held_out: pictures to measure on, at most; of few pictures a quarter.
        seed: of the choice of pictures.
        percentile: share of each tensor's values in per cent that its range covers.
        correct_bias: take back what int8 shifts each channel's mean by, where that is nearer to the float model.
        keep_float: a regular expression; operators with an output tensor whose name it is found in stay float.
        input_size: height and width in pixels; the model's own where None.
        min_sqnr_db: bound on the signal-to-noise ratio in dB; `MIN_SQNR_DB` where None.

    Raises:
        ConfigError: an option has no such value, does not go with another, or matches nothing.
        PreprocessingError, LabelsError: the model has no preprocessing, or not one label a class.
        PictureError, CalibrationError: the pictures are not there, or are of no use.
        NonFiniteError: a weight is NaN or infinite.
        BoundNotMetError: the file is further from the model than its bound; it was not kept.
        OutputError: a file exists, or cannot be written.
        MissingToolError: Keras runs on another backend than TensorFlow.
    """
    from converters.tflite.metadata import write_metadata

    def tell(step: str, done: int = 0, total: int = 0) -> None:
        if progress is not None:
            progress(step, done, total)

    out, settings = Path(out), Settings(**options)
    check_quantize(out, calibration, settings, force=force)
    preprocessing = preprocessing_of(model, settings.input_size, "quantize")

    pictures = choose_pictures(
        calibration,
        preprocessing,
        samples=settings.samples,
        held_out=settings.held_out,
        seed=settings.seed,
        progress=progress,
    )
    classes, warnings = _classes(pictures, model)
    held_out = np.stack(list(read_pixels(pictures.held_out, preprocessing)))
    tell("running the model on the held-out pictures")
    reference = reference_outputs(model, held_out, preprocessing, "logits")
    made = _quantised(model, pictures, preprocessing, settings, held_out, tell)
    card = card_of(model, preprocessing, settings.scheme, settings.form, "logits", "pixels")
    data = write_metadata(made.data, card)
    with write_with_record(out, force=force) as (temporary, record):
        temporary.write_bytes(data)
        tell("comparing the file with the model")
        logits = run_tflite(temporary, held_out)
        difference = compare(logits, reference)
        _hold_bound(out, difference, settings, len(held_out), made.dearest)
        _check_quantised(made.data, settings)  # a bound may be met by nothing but a float file
        tell("writing the record")
        report = QuantizeReport(
            file=out.name,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            scheme=settings.scheme,
            io=settings.io,
            gelu=settings.form,
            keep_float=settings.keep_float,
            float_groups=made.float_groups,
            percentile=settings.percentile,
            seed=settings.seed,
            input_size=(preprocessing.height, preprocessing.width),
            calibration_pictures=len(pictures.calibration),
            held_out_pictures=len(pictures.held_out),
            sqnr_db=difference.sqnr_db,
            min_sqnr_db=settings.bound_db,
            biases=made.biases,
            agreement=difference.agreement,
            largest_difference=difference.largest,
            top1=None if classes is None else top1(logits, classes),
            float_top1=None if classes is None else top1(reference, classes),
            warnings=warnings,
            pictures_sha256=hashlib.sha256("\n".join(pictures.sha256).encode()).hexdigest(),
            weights_sha256=weights_sha256(model),
            source=None if source is None else fingerprint(source),
            origin=model.origin,
        )
        record.update(report.to_dict())
    return report


def _classes(
    pictures: CalibrationPictures, model: SwiftFormerImageClassifier
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The held-out pictures' classes, None where they have none, and all warnings."""
    try:
        used = (*pictures.calibration, *pictures.held_out)
        classes = true_classes(used, model.labels, model.config.num_classes)
    except LabelsError as error:
        return None, (*pictures.warnings, f"{error}. Top-1 was not measured")
    return None if classes is None else classes[-len(pictures.held_out) :], pictures.warnings


@dataclasses.dataclass(frozen=True)
class _Made:
    """A quantised model without its card.

    Attributes:
        data: the .tflite model.
        biases: what was chosen of its biases, None where there was nothing to choose.
        float_groups: what the mixed scheme left in float.
        dearest: measures which of the groups that are not in float cost most, for a message; may take minutes.
    """

    data: bytes
    biases: BiasChoice | None
    float_groups: tuple[str, ...]
    dearest: Callable[[], str]


def _quantised(
    model: SwiftFormerImageClassifier,
    pictures: CalibrationPictures,
    preprocessing: Preprocessing,
    settings: Settings,
    held_out: np.ndarray,
    tell: Progress,
) -> _Made:
    from swiftformer_keras import folding

    folded = scaled(folding.fold_model(model), pictures.calibration, preprocessing)
    if settings.scheme == "dynamic":
        tell("converting", 0, 0)
        return _dynamic(folded, settings, held_out, tell)
    prepared = prepare(
        folded,
        pictures.calibration,
        preprocessing,
        gelu=settings.form,
        percentile=settings.percentile,
        correct_bias=settings.correct_bias,
        tell=tell,
    )
    kept = _matching(settings.keep_float, prepared.ranges)
    tell("quantising", 0, 0)
    static = build(prepared, float_ends=settings.io != "int8", keep_float=kept)
    _check_quantised(static, settings)
    with_ends(static, settings.io)  # before the minutes that follow: not every file can have such ends
    if settings.scheme == "mixed":
        static, biases, groups = mixed(
            prepared, settings.bound_db, io=settings.io, keep_float=kept, tell=tell
        )
    else:
        groups = ()
        biases = compare_biases(prepared, static, tell)
        static = with_biases(prepared, static, biases, tell)
    patterns = groups_of(prepared.ranges)
    in_float = [*kept, *(patterns[name] for name in groups)]
    return _Made(
        with_ends(static, settings.io),
        biases,
        groups,
        lambda: costs(measure_groups(prepared, tell, in_float).groups),
    )


def _dynamic(folded: FoldedSwiftFormer, settings: Settings, held_out: np.ndarray, tell: Progress) -> _Made:
    from converters.tflite.graph import to_tflite
    from swiftformer_keras.folding import fold_gelu

    size = (held_out.shape[1], held_out.shape[2])
    folded = fold_gelu(folded, settings.form)
    return _Made(
        to_tflite(folded, size, precision="dynamic"),
        None,
        (),
        lambda: costs(measure_weights(to_tflite(folded, size), held_out[:PICTURES], tell)),
    )


def _check_quantised(static: bytes, settings: Settings) -> None:
    """Refuse a model without any int8 weights: it would be a float file under another name.

    Raises:
        ConfigError: it has none.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(static, 0)
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(index) for index in range(graph.TensorsLength())]
    if not any(
        t.Type() == schema.TensorType.INT8 and model.Buffers(t.Buffer()).DataLength() for t in tensors
    ):
        why = "the bound" if settings.keep_float is None else shown(settings.keep_float, 60)
        raise ConfigError(f"quantize: {why} leaves every operator in float. Keep less, or use export")


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
    # the quantiser searches the names of all outputs of an operator, each with a semicolon after it
    return tuple(f"(^|;){re.escape(name)}(;|$)" for name in found)


def _hold_bound(
    out: Path, found: Difference, settings: Settings, pictures: int, dearest: Callable[[], str]
) -> None:
    if found.sqnr_db is None or found.sqnr_db >= settings.bound_db:
        return
    said = (
        f"{shown(out)}: its signal-to-noise ratio to the Keras model is {found.sqnr_db:.1f} dB on {pictures} "
        f"held-out pictures, less than {settings.bound_db:g} dB; it was not kept"
    )
    most = dearest()
    why = f"Of the noise of int8, the most comes from {most}" if most else "Nothing more can stay in float"
    ways = {
        "int8": ["more calibration pictures", "--scheme mixed"],
        "mixed": ["more calibration pictures", "export --precision float16"],
        "dynamic": ["export --precision float16"],
    }[settings.scheme]
    nearer = {"sigmoid": "tanh", "tanh": "exact", "exact": None}[settings.form]
    if nearer is not None:
        ways.insert(-1, f"--gelu {nearer}, whose form is nearer to Keras'")
    *first, last = ways
    raise BoundNotMetError(f"{said}. {why}. Try {', '.join(first)}{' or ' if first else ''}{last}")
