"""The whole way once, with the checkpoint that comes with the package: convert, export, classify, compare.

In comes a folder, out go in it a `.keras` file, one `.tflite` file for each precision, the test pictures and
`report.json` with the figures of the table that `swiftformer demo` prints.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.tflite.settings import PRECISIONS, Precision, check_backend
from swiftformer_keras import data
from swiftformer_keras.errors import OutputError
from swiftformer_keras.files import as_json, check_output, fingerprint, sidecar, versions, write_atomically
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

KERAS_FILE = "fashion_mnist.keras"
PICTURES = "pictures"
REPORT = "report.json"
REASONS = {"labels": "they come with the checkpoint", "preprocessing": "it comes with the checkpoint"}


@dataclasses.dataclass(frozen=True)
class DemoRow:
    """How one file did on the test pictures.

    Attributes:
        file: its name in the demo's folder.
        size_bytes: of the file.
        largest_difference: largest absolute difference of a logit from the Keras model's.
        agreeing: pictures for which it names the same class first as the Keras model.
        correct: pictures for which that class is the true one.
        answers: the class it names first, for each picture.
    """

    file: str
    size_bytes: int
    largest_difference: float
    agreeing: int
    correct: int
    answers: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class DemoReport:
    """What the demo found: the Keras model's row first, then one for each precision.

    Attributes:
        inputs: name and SHA-256 of the checkpoint, its labels and its preprocessing.
        pictures, truths: names of the test pictures, and the class of each.
    """

    inputs: Mapping[str, Mapping[str, str]]
    pictures: tuple[str, ...]
    truths: tuple[str, ...]
    rows: tuple[DemoRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "versions": versions(),
            "inputs": {name: dict(facts) for name, facts in self.inputs.items()},
            "pictures": [
                {"file": f"{PICTURES}/{name}", "label": truth}
                for name, truth in zip(self.pictures, self.truths, strict=True)
            ],
            "files": [{**dataclasses.asdict(row), "answers": list(row.answers)} for row in self.rows],
        }


def tflite_file(precision: Precision) -> str:
    """Name of the exported file of one precision."""
    return f"fashion_mnist_{precision}.tflite"


def run_demo(
    out_dir: Path | str, *, force: bool = False, progress: Callable[[str, int, int], None] | None = None
) -> DemoReport:
    """Convert the embedded checkpoint, export it in every precision and classify the test pictures with each.

    Args:
        out_dir: made where it does not exist.
        force: replace files of an earlier run.
        progress: is told the step's name, and how many of how many steps are done.

    Raises:
        OutputError: a file exists already, or the folder has no name or cannot be written.
        MissingToolError: Keras runs on another backend than TensorFlow.
        BoundNotMetError: an exported file differs from the model by more than its bound.
    """

    def tell(step: str, done: int) -> None:
        if progress is not None:
            progress(step, done, len(PRECISIONS) + 2)

    if not str(out_dir):
        raise OutputError("demo: the folder's name is empty. Name a folder; . is the current one")
    out_dir = Path(out_dir)
    check_backend()
    _prepare(out_dir, force)
    from converters.load import convert
    from converters.tflite.check import run_tflite
    from converters.tflite.export import export
    from swiftformer_keras.saving import load_classifier

    tell("converting the checkpoint", 0)
    model: Any = convert(
        data.demo_checkpoint(),
        out_dir / KERAS_FILE,
        labels=data.demo_labels(),
        preprocessing=data.demo_preprocessing(),
        facts=data.DEMO_FACTS,
        reasons=REASONS,
        force=force,
    ).model
    for done, precision in enumerate(PRECISIONS, 1):
        tell(f"exporting and checking {precision}", done)
        export(
            model,
            out_dir / tflite_file(precision),
            precision=precision,
            samples=data.calibration_pictures()[0].parent,
            source=out_dir / KERAS_FILE,
            force=force,
        )

    tell("classifying the pictures", len(PRECISIONS) + 1)
    pictures = data.demo_pictures()
    pixels = _copy_and_prepare(model, [path for path, _ in pictures], out_dir / PICTURES, force)
    truths = tuple(label for _, label in pictures)
    reference = _keras_logits(model, pixels)
    found = {KERAS_FILE: _keras_logits(load_classifier(out_dir / KERAS_FILE), pixels)}
    for precision in PRECISIONS:
        name = tflite_file(precision)
        found[name] = run_tflite(out_dir / name, pixels.astype(np.float32))
    rows = tuple(
        _row(out_dir / name, logits, reference, model.labels, truths) for name, logits in found.items()
    )
    inputs = {
        "checkpoint": fingerprint(data.demo_checkpoint()),
        "labels": fingerprint(data.demo_labels()),
        "preprocessing": fingerprint(data.demo_preprocessing()),
    }
    report = DemoReport(inputs, tuple(path.name for path, _ in pictures), truths, rows)
    with write_atomically(out_dir / REPORT, force=force) as temporary:
        temporary.write_text(as_json(report.to_dict()), "utf-8")
    return report


def _prepare(out_dir: Path, force: bool) -> None:
    """Make the folders, and refuse before any work what could not be written at the end."""
    if out_dir.exists() and not out_dir.is_dir():
        raise OutputError(f"{shown(out_dir)}: is a file. Name a folder")
    try:
        (out_dir / PICTURES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{shown(out_dir)}: cannot be made: {error.strerror}. Choose another folder"
        ) from None
    for name in (KERAS_FILE, *map(tflite_file, PRECISIONS)):
        check_output(out_dir / name, force=force)
        check_output(sidecar(out_dir / name), force=force)
    for name in (REPORT, *(f"{PICTURES}/{path.name}" for path, _ in data.demo_pictures())):
        check_output(out_dir / name, force=force)


def _copy_and_prepare(
    model: SwiftFormerImageClassifier, sources: list[Path], folder: Path, force: bool
) -> np.ndarray:
    """The pictures beside the files, and their pixels as the model takes them: uint8 (N, H, W, 3)."""
    from swiftformer_keras import pictures, preprocessing

    assert model.preprocessing is not None, "the demo gives the checkpoint its preprocessing"
    pixels = []
    for source in sources:
        with write_atomically(folder / source.name, force=force) as temporary:
            temporary.write_bytes(source.read_bytes())
        pixels.append(preprocessing.apply(pictures.open_picture(source), model.preprocessing))
    return np.stack(pixels)


def _keras_logits(model: SwiftFormerImageClassifier, pixels: np.ndarray) -> np.ndarray:
    import keras

    from swiftformer_keras import preprocessing

    assert model.preprocessing is not None, "as above"
    inputs = preprocessing.normalize(pixels, model.preprocessing)
    return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)), np.float32)


def _row(
    path: Path,
    logits: np.ndarray,
    reference: np.ndarray,
    labels: Sequence[str],
    truths: tuple[str, ...],
) -> DemoRow:
    answers = tuple(labels[index] for index in logits.argmax(axis=1))
    expected = tuple(labels[index] for index in reference.argmax(axis=1))
    return DemoRow(
        file=path.name,
        size_bytes=path.stat().st_size,
        largest_difference=float(np.abs(logits - reference).max()),
        agreeing=sum(a == b for a, b in zip(answers, expected, strict=True)),
        correct=sum(a == b for a, b in zip(answers, truths, strict=True)),
        answers=answers,
    )
