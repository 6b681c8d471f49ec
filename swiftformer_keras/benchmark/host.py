"""What this computer's LiteRT answers to pictures: what a phone's answers are held against.

A phone decodes pictures with its own libraries. So that only the arithmetic differs, each picture is decoded here and
sent as PNG (RGB, no transparency, no colour profile), and the input tensor's SHA-256 must be the same on both sides.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from swiftformer_keras.errors import ComparisonError, TFLiteFileError
from swiftformer_keras.shown import shown

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class HostAnswers:
    """Answers to pictures, in their order.

    Attributes:
        scores: float32 `(pictures, classes)`, dequantised.
        input_sha256: of each picture's input tensor, hexadecimal.
        labels: names of the classes, or None.
        quantised: whether the file computes in integers.
    """

    scores: np.ndarray
    input_sha256: tuple[str, ...]
    labels: tuple[str, ...] | None
    quantised: bool


def host_answers(model: Path, pictures: Sequence[Path], progress: Progress | None = None) -> HostAnswers:
    """Run a .tflite file on pictures, each prepared as the file says.

    Raises:
        TFLiteFileError, MetadataError: the file cannot be run, or does not say how it wants its pictures.
        PictureError: a picture cannot be read.
        ComparisonError: its scores are no numbers.
    """
    from converters.runnable import open_file
    from converters.tflite.inspect import inspect_tflite
    from swiftformer_keras.pictures import open_picture
    from swiftformer_keras.preprocessing import apply

    rows, digests = [], []
    card = inspect_tflite(model).card
    with open_file(model, None, None) as runnable:
        if runnable.tensor is None:
            raise TFLiteFileError(f"{shown(model)}: is no .tflite file")
        for done, path in enumerate(pictures):
            if progress is not None:
                progress("running the model on this computer", done, len(pictures))
            values = runnable.prepared(apply(open_picture(path), runnable.preprocessing))
            digests.append(
                hashlib.sha256(np.ascontiguousarray(runnable.tensor(values)).tobytes()).hexdigest()
            )
            scores, _ = runnable.scores(values)
            if scores.ndim != 2 or len(scores) != 1:
                raise ComparisonError(
                    f"{shown(model)}: gives {scores.shape}, and a classifier gives (1, classes). Use another file"
                )
            if not np.isfinite(scores).all():
                raise ComparisonError(
                    f"{shown(model)}: gives scores that are no numbers (NaN or infinity) for {shown(path)} on this "
                    "computer. Make it again"
                )
            rows.append(np.asarray(scores[0], np.float32))
        labels = runnable.labels
    quantised = card is not None and card.precision not in ("float32", "float16")
    return HostAnswers(np.stack(rows), tuple(digests), labels, quantised)


@contextlib.contextmanager
def as_png(pictures: Sequence[Path], size: int) -> Iterator[Iterator[tuple[Path, tuple[str, ...]]]]:
    """The pictures as PNG files `000000.png` ... in folders of `size` pictures, one folder at a time.

    Gives an iterator of a folder and the names in it; each folder is gone when the next one is asked for.

    Raises:
        PictureError: a picture cannot be read.
    """
    from swiftformer_keras.pictures import open_picture

    with tempfile.TemporaryDirectory(prefix="swiftformer-pictures-") as scratch:

        def folders() -> Iterator[tuple[Path, tuple[str, ...]]]:
            for start in range(0, len(pictures), size):
                with tempfile.TemporaryDirectory(dir=scratch) as folder:
                    names = []
                    for number, path in enumerate(pictures[start : start + size], start):
                        names.append(f"{number:06d}.png")
                        open_picture(path).save(Path(folder) / names[-1], "PNG")
                    yield Path(folder), tuple(names)

        yield folders()
