"""Pictures in, names out: a .keras or .tflite file run on pictures as its own metadata says.

Preprocessing, labels and the kinds of input and output come from the file. A .tflite file is run in a
child process (`sandbox.py`), whoever wrote it: that costs half a second and no crash reaches the user.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters.tflite.card import InputKind, OutputKind
from converters.tflite.inspect import Inspection, inspect_tflite
from converters.tflite.metadata import read_labels_file
from converters.tflite.model_schema import read_file
from converters.tflite.sandbox import TensorDetails, run_in_child
from swiftformer_keras.errors import MetadataError, PictureError, TFLiteFileError
from swiftformer_keras.labels import check_labels, read_labels
from swiftformer_keras.pictures import find_pictures, open_picture
from swiftformer_keras.preprocessing import Preprocessing, apply, normalize
from swiftformer_keras.shown import shown

Scores = Callable[[np.ndarray], tuple[np.ndarray, float]]  # normalised or pixels (H, W, 3) -> scores, ms


@dataclasses.dataclass(frozen=True)
class Prediction:
    """One class: its name (its number where there are no labels), index, raw score and probability."""

    label: str
    index: int
    score: float
    probability: float


@dataclasses.dataclass(frozen=True)
class PictureResult:
    """What is in one picture, best first; or why it could not be read.

    Attributes:
        preprocessing_ms: reading, scaling and cutting the picture.
        model_ms: the model alone; the first run of a file is slower than those after it.
    """

    picture: str
    predictions: tuple[Prediction, ...] = ()
    preprocessing_ms: float | None = None
    model_ms: float | None = None
    error: str | None = None


@dataclasses.dataclass(frozen=True)
class Classification:
    """All pictures of one call, in the order given; `failed` of them could not be read."""

    model: str
    name: str
    output_kind: OutputKind
    results: tuple[PictureResult, ...]

    @property
    def failed(self) -> int:
        return sum(result.error is not None for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**dataclasses.asdict(self), "failed": self.failed}


@dataclasses.dataclass(frozen=True)
class _Model:
    """A model ready to run, and how it wants its pictures."""

    name: str
    preprocessing: Preprocessing
    labels: tuple[str, ...] | None
    classes: int | None  # None: decided by the scores of the first picture
    input_kind: InputKind
    output_kind: OutputKind | None  # None: decided by the values of the first picture
    scores: Scores


def classify(
    model_path: Path | str,
    pictures: Sequence[Path | str],
    top: int = 5,
    *,
    preprocessing: Preprocessing | None = None,
    labels: Sequence[str] | Path | None = None,
    threads: int = 1,
    on_result: Callable[[PictureResult], None] | None = None,
) -> Classification:
    """Name what is in pictures.

    Args:
        model_path: a .keras file of this project, or any .tflite image classifier with one picture in
            and one row of scores out.
        pictures: picture files; folders stand for the pictures in them.
        top: how many classes for each picture.
        preprocessing: instead of the file's own; needed where it has none. Its size gives way to the
            model's where that is fixed. For a file without a model card the input is normalised with its
            mean and std.
        labels: instead of the file's own: class names, or a file of them.
        threads: of the runtime, for .tflite files.
        on_result: called after each picture.

    Returns:
        One result for each picture. A picture that cannot be read has an error and the others go on.

    Raises:
        MetadataError: the file does not say how it wants its pictures, and `preprocessing` is not given.
        TFLiteFileError, ModelFileError: the model cannot be read or run.
        LabelsError: `labels` cannot be read or are not one a class.
    """
    path = Path(model_path)
    if top < 1:
        raise MetadataError(f"top must be 1 or more, not {top}")
    results = []
    given = read_labels(labels) if isinstance(labels, Path) else labels
    with _open(path, preprocessing, None if given is None else tuple(given), threads) as model:
        if model.labels is not None and model.classes is not None:
            where = path if labels is None else labels if isinstance(labels, Path) else "labels"
            check_labels(model.labels, model.classes, where)
        kind = model.output_kind
        for picture, problem in _expand(pictures):
            if problem is not None:
                result = PictureResult(str(picture), error=problem)
            else:
                try:
                    values, preprocessing_ms = _prepare(picture, model)
                except PictureError as error:
                    result = PictureResult(str(picture), error=str(error))
                else:
                    scores, model_ms = model.scores(values)
                    _check_scores(scores, model, shown(path))
                    kind = kind or _kind_of(scores)
                    predictions = _best(scores, kind, model.labels, top)
                    result = PictureResult(str(picture), predictions, preprocessing_ms, model_ms)
            results.append(result)
            if on_result is not None:
                on_result(result)
        return Classification(str(path), model.name, kind or "logits", tuple(results))


def _expand(pictures: Sequence[Path | str]) -> Iterator[tuple[Path, str | None]]:
    """Every picture, folders opened; with what is wrong where a folder has none."""
    for entry in map(Path, pictures):
        if not entry.is_dir():
            yield entry, None
            continue
        try:
            found = find_pictures(entry)
        except PictureError as error:
            yield entry, str(error)
        else:
            for picture in found:
                yield picture, None


def _prepare(picture: Path, model: _Model) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    try:
        pixels = apply(open_picture(picture), model.preprocessing)
    except PictureError as error:
        where = shown(picture)
        message = str(error)
        raise PictureError(message if message.startswith(where) else f"{where}: {message}") from None
    values = pixels if model.input_kind == "pixels" else normalize(pixels, model.preprocessing)
    return np.asarray(values, np.float32), (time.perf_counter() - start) * 1e3


def _check_scores(scores: np.ndarray, model: _Model, where: str) -> None:
    if scores.ndim != 2 or len(scores) != 1:
        raise TFLiteFileError(
            f"{where}: gives {scores.shape}, and a classifier gives (1, classes). Use another file"
        )
    if not np.isfinite(scores).all():
        raise TFLiteFileError(f"{where}: gives scores that are no numbers. It is damaged; export it again")
    if model.labels is not None:
        check_labels(model.labels, scores.shape[1], where)


def _kind_of(scores: np.ndarray) -> OutputKind:
    """Of a file that does not say: probabilities are not negative and sum to 1."""
    return "probabilities" if scores.min() >= 0 and abs(float(scores.sum()) - 1) < 1e-2 else "logits"


def _best(
    scores: np.ndarray, kind: OutputKind, labels: tuple[str, ...] | None, top: int
) -> tuple[Prediction, ...]:
    row = scores[0].astype(np.float64)
    if kind == "logits":
        probabilities = np.exp(row - row.max())
        probabilities /= probabilities.sum()
    else:
        probabilities = row
    order = np.argsort(-row, kind="stable")[:top]
    return tuple(
        Prediction(
            str(index) if labels is None else labels[index],
            int(index),
            float(row[index]),
            float(probabilities[index]),
        )
        for index in order
    )


# --- models -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _open(
    path: Path, preprocessing: Preprocessing | None, labels: tuple[str, ...] | None, threads: int
) -> Iterator[_Model]:
    if path.suffix.lower() == ".keras":
        yield _keras_model(path, preprocessing, labels)
        return
    if path.suffix.lower() != ".tflite":
        raise TFLiteFileError(f"{shown(path)}: is neither a .keras nor a .tflite file. Give one of these")
    inspection = inspect_tflite(path)
    if inspection.other_files:
        raise TFLiteFileError(
            f"{shown(path)}: wants to read other files, which is not done. Use another file"
        )
    with run_in_child(path, threads=threads) as runner:
        source, target = _ends(runner.inputs, runner.outputs, shown(path))
        height, width, arrangement = _arrangement(inspection.inputs[0].shape, shown(path))
        facts = _facts(inspection, preprocessing, labels)

        def scores(values: np.ndarray) -> tuple[np.ndarray, float]:
            arranged = values.transpose(arrangement)[None]
            output, model_ms = runner.run(_quantise(arranged, source, shown(path)))
            return _dequantise(output, target, shown(path)), model_ms

        yield dataclasses.replace(
            facts,
            preprocessing=facts.preprocessing.with_size(height, width),
            classes=target.shape[1] if len(target.shape) == 2 else None,
            scores=scores,
        )


def _arrangement(shape: tuple[int, ...], where: str) -> tuple[int, int, tuple[int, int, int]]:
    """Height, width, and the order that height, width and channels have in the input."""
    if len(shape) == 4 and shape[0] == 1 and min(shape) > 0:
        if shape[3] == 3:
            return shape[1], shape[2], (0, 1, 2)
        if shape[1] == 3:  # as litert-torch writes them
            return shape[2], shape[3], (2, 0, 1)
    raise TFLiteFileError(
        f"{where}: takes {shape}, and one colour picture is (1, height, width, 3) with a fixed size. Use another file"
    )


def _no_scores(values: np.ndarray) -> tuple[np.ndarray, float]:
    raise AssertionError("the model is not loaded yet")


def _facts(
    inspection: Inspection, preprocessing: Preprocessing | None, labels: tuple[str, ...] | None
) -> _Model:
    """What the file says, with options before it."""
    where = shown(inspection.path)
    card = inspection.card
    if card is not None:
        return _Model(
            card.name,
            preprocessing or card.preprocessing,
            card.labels if labels is None else labels,
            None,
            card.input_kind,
            card.output_kind,
            _no_scores,
        )
    if preprocessing is None:
        if inspection.card_problem is not None:
            raise MetadataError(inspection.card_problem)
        has = "has no metadata" if inspection.standard is None else "has metadata, but no model card"
        raise MetadataError(
            f"{where}: {has}, so how it wants its pictures is not known. Give --preprocessing (and --labels), "
            "or export the model with swiftformer export"
        )
    standard = inspection.standard
    if labels is None and standard is not None and standard.labels_file is not None:
        lines = read_labels_file(read_file(Path(inspection.path)), standard.labels_file, where)
        labels = None if lines is None else tuple(map(shown, lines))
    name = shown(standard.name, 80) if standard is not None and standard.name else Path(inspection.path).stem
    return _Model(name, preprocessing, labels, None, "normalized", None, _no_scores)


def _ends(
    inputs: tuple[TensorDetails, ...], outputs: tuple[TensorDetails, ...], where: str
) -> tuple[TensorDetails, TensorDetails]:
    if len(inputs) != 1 or len(outputs) != 1:
        raise TFLiteFileError(
            f"{where}: has {len(inputs)} inputs and {len(outputs)} outputs, but an image classifier has one of each. "
            "Use another file"
        )
    return inputs[0], outputs[0]


def _quantise(values: np.ndarray, tensor: TensorDetails, where: str) -> np.ndarray:
    if tensor.dtype == "float32":
        return values
    if tensor.dtype not in ("int8", "uint8"):
        raise TFLiteFileError(
            f"{where}: takes {tensor.dtype}, but pictures are float32, int8 or uint8. Export it again"
        )
    _check_scale(tensor, "input", where)
    limits = np.iinfo(tensor.dtype)
    steps = np.round(values / np.float32(tensor.scale)) + tensor.zero_point
    return np.clip(steps, limits.min, limits.max).astype(tensor.dtype)


def _dequantise(values: np.ndarray, tensor: TensorDetails, where: str) -> np.ndarray:
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    _check_scale(tensor, "output", where)
    return (values.astype(np.float32) - tensor.zero_point) * np.float32(tensor.scale)


def _check_scale(tensor: TensorDetails, which: str, where: str) -> None:
    if not (np.isfinite(tensor.scale) and tensor.scale > 0):
        raise TFLiteFileError(f"{where}: its {tensor.dtype} {which} has no scale. Quantise the model again")


def _keras_model(path: Path, preprocessing: Preprocessing | None, labels: tuple[str, ...] | None) -> _Model:
    from swiftformer_keras.saving import load_classifier

    model = load_classifier(path)
    import keras  # after it was found to work

    preprocessing = preprocessing or model.preprocessing
    if preprocessing is None:
        raise MetadataError(
            f"{shown(path)}: does not say how it wants its pictures. Give --preprocessing, or convert it again with it"
        )

    if model.input_size is not None:
        preprocessing = preprocessing.with_size(*model.input_size)

    def scores(values: np.ndarray) -> tuple[np.ndarray, float]:
        start = time.perf_counter()
        logits = model(values[None], training=False)
        if isinstance(logits, dict):  # both heads; their mean is the model's answer
            logits = sum(logits.values()) / len(logits)
        result = keras.ops.convert_to_numpy(logits)
        return result, (time.perf_counter() - start) * 1e3

    name = model.origin.name if model.origin is not None else model.name
    labels = model.labels if labels is None else labels
    return _Model(name, preprocessing, labels, model.config.num_classes, "normalized", "logits", scores)
