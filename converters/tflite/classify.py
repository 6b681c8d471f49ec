"""Pictures in, names out: a .keras or .tflite file run on pictures as its own metadata says.

Preprocessing, labels and the kinds of input and output come from the file (`converters/runnable.py`).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters.runnable import Runnable, open_file
from converters.tflite.card import OutputKind
from swiftformer_keras.errors import MetadataError, PictureError, TFLiteFileError
from swiftformer_keras.labels import check_labels, read_labels
from swiftformer_keras.pictures import find_pictures, open_picture
from swiftformer_keras.preprocessing import Preprocessing, apply
from swiftformer_keras.shown import shown


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
    with open_file(path, preprocessing, None if given is None else tuple(given), threads) as model:
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
                    kind = kind or kind_of(scores)
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


def _prepare(picture: Path, model: Runnable) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    try:
        values = model.prepared(apply(open_picture(picture), model.preprocessing))
    except PictureError as error:
        where = shown(picture)
        message = str(error)
        raise PictureError(message if message.startswith(where) else f"{where}: {message}") from None
    return values, (time.perf_counter() - start) * 1e3


def _check_scores(scores: np.ndarray, model: Runnable, where: str) -> None:
    if scores.ndim != 2 or len(scores) != 1:
        raise TFLiteFileError(
            f"{where}: gives {scores.shape}, and a classifier gives (1, classes). Use another file"
        )
    if not np.isfinite(scores).all():
        raise TFLiteFileError(f"{where}: gives scores that are no numbers. It is damaged; export it again")
    if model.labels is not None:
        check_labels(model.labels, scores.shape[1], where)


def kind_of(scores: np.ndarray) -> OutputKind:
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
