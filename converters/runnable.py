"""Any classifier ready to run on pictures: a .keras file, a .tflite file, or an original checkpoint.

In comes a file's name, out comes a `Runnable`: how the file wants its pictures, what its classes are called, and a
function from its inputs to its scores. A .tflite file is run in a child process (`tflite/sandbox.py`), whoever wrote
it: that costs half a second and no crash reaches the user.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.tflite.card import InputKind, OutputKind
from converters.tflite.inspect import Inspection, inspect_tflite
from converters.tflite.metadata import read_labels_file
from converters.tflite.model_schema import read_file
from converters.tflite.sandbox import TensorDetails, run_in_child
from swiftformer_keras.errors import MetadataError, TFLiteFileError
from swiftformer_keras.preprocessing import Preprocessing, normalize
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

Scores = Callable[[np.ndarray], tuple[np.ndarray, float]]
Tensor = Callable[[np.ndarray], np.ndarray]

_RUNS_BEFORE_TRACING = 24


@dataclasses.dataclass(frozen=True)
class Runnable:
    """A model ready to run, and how it wants its pictures.

    Attributes:
        name: what the model calls itself.
        preprocessing: how a picture becomes its pixels, at the size it takes.
        labels: names of its classes, or None.
        classes: how many there are; None where only its scores show it.
        input_kind: "pixels" takes RGB 0..255, "normalized" what `preprocessing.normalize` gives.
        output_kind: None where only the values of its scores show it.
        scores: from one input, float32 `(height, width, 3)`, to its output (`(1, classes)` of a classifier) and
            how long that took, in milliseconds.
        any_size: it takes pictures of other sizes than its preprocessing gives as well.
        tensor: of a .tflite file, the input tensor itself (its shape and type) for what `scores` takes.
    """

    name: str
    preprocessing: Preprocessing
    labels: tuple[str, ...] | None
    classes: int | None
    input_kind: InputKind
    output_kind: OutputKind | None
    scores: Scores
    any_size: bool = False
    tensor: Tensor | None = None

    def prepared(self, pixels: np.ndarray) -> np.ndarray:
        """What `scores` takes of pixels uint8 `(height, width, 3)`."""
        values = pixels if self.input_kind == "pixels" else normalize(pixels, self.preprocessing)
        return np.asarray(values, np.float32)


@contextlib.contextmanager
def open_file(
    path: Path, preprocessing: Preprocessing | None, labels: tuple[str, ...] | None, threads: int = 1
) -> Iterator[Runnable]:
    """A .keras or .tflite file.

    Args:
        preprocessing, labels: instead of the file's own; needed where it has none. The size gives way to the
            file's where that is fixed.
        threads: of the runtime, for .tflite files.

    Raises:
        MetadataError: the file does not say how it wants its pictures, and `preprocessing` is not given.
        TFLiteFileError, ModelFileError: it cannot be read or run, or is neither.
    """
    if path.suffix.lower() == ".keras":
        from swiftformer_keras.saving import load_classifier

        yield of_classifier(load_classifier(path), preprocessing, labels, shown(path))
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
        facts = facts_of(inspection, preprocessing, labels)

        def tensor(values: np.ndarray) -> np.ndarray:
            return _quantise(values.transpose(arrangement)[None], source, shown(path))

        def scores(values: np.ndarray) -> tuple[np.ndarray, float]:
            output, model_ms = runner.run(tensor(values))
            return _dequantise(output, target, shown(path)), model_ms

        yield dataclasses.replace(
            facts,
            preprocessing=facts.preprocessing.with_size(height, width),
            classes=target.shape[1] if len(target.shape) == 2 else None,
            scores=scores,
            tensor=tensor,
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


def facts_of(
    inspection: Inspection, preprocessing: Preprocessing | None, labels: tuple[str, ...] | None
) -> Runnable:
    """What the file says, with options before it."""
    where = shown(inspection.path)
    card = inspection.card
    if card is not None:
        return Runnable(
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
    return Runnable(name, preprocessing, labels, None, "normalized", None, _no_scores)


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


def of_classifier(
    model: SwiftFormerImageClassifier,
    preprocessing: Preprocessing | None,
    labels: tuple[str, ...] | None,
    where: str,
) -> Runnable:
    """A Keras classifier; arguments as for `open_file`, `where` is what it is called in a message.

    Raises:
        MetadataError: it has no preprocessing, and none is given.
    """
    import keras

    preprocessing = preprocessing or model.preprocessing
    if preprocessing is None:
        raise MetadataError(
            f"{where}: does not say how it wants its pictures. Give --preprocessing, or convert it again with it"
        )

    if model.input_size is not None:
        preprocessing = preprocessing.with_size(*model.input_size)

    runs = itertools.count()

    def scores(values: np.ndarray) -> tuple[np.ndarray, float]:
        start = time.perf_counter()
        # Tracing takes as long as some twenty runs without it, and a traced run a tenth of one.
        trace = next(runs) >= _RUNS_BEFORE_TRACING
        logits: Any = model.predict_on_batch(values[None]) if trace else model(values[None], training=False)
        if isinstance(logits, dict):  # both heads; their mean is the model's answer
            logits = sum(logits.values()) / len(logits)
        result = keras.ops.convert_to_numpy(logits)
        return result, (time.perf_counter() - start) * 1e3

    name = model.origin.name if model.origin is not None else model.name
    labels = model.labels if labels is None else labels
    return Runnable(
        name,
        preprocessing,
        labels,
        model.config.num_classes,
        "normalized",
        "logits",
        scores,
        any_size=model.input_size is None,
    )
