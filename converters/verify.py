"""Two forms of one model on the same pictures: how far their scores are apart, and how often each is right.

In come any two of a .keras file, a .tflite file and an original checkpoint; out comes a `Verification`, which knows
whether it meets bounds. `tflite/check.py` has the measure, `top1.py` the accuracy.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters.labelled_pictures import LabelledPicture, class_numbers, find_labelled
from converters.tflite.check import Difference, compare
from converters.tflite.classify import kind_of
from converters.top1 import Top1, top1
from converters.verified_models import OpenedModel, check_classes, open_both
from swiftformer_keras.data import sample_pictures
from swiftformer_keras.errors import ComparisonError, ConfigError, PictureError
from swiftformer_keras.files import as_json, sha256_file, versions, write_atomically
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import Preprocessing, apply
from swiftformer_keras.shown import shown
from swiftformer_keras.strict_json import plain

MIN_PICTURES = 8
"""Fewer readable pictures than this are no comparison, unless the user says otherwise."""

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What a comparison has to meet; None is not asked for.

    Attributes:
        min_sqnr_db: smallest signal-to-noise ratio of B's scores against A's, in dB.
        min_agreement: smallest share of pictures with the same first class, 0 to 1.
        max_difference: largest absolute difference of a score.

    Raises:
        ConfigError: a bound is none that could be met or missed.
    """

    min_sqnr_db: float | None = None
    min_agreement: float | None = None
    max_difference: float | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("min_sqnr_db", -1e3, 1e3),
            ("min_agreement", 0.0, 1.0),
            ("max_difference", 0.0, 1e30),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ConfigError(f"verify: {name} must be from {low:g} to {high:g}, not {value:g}")

    def missed(self, difference: Difference) -> tuple[str, ...]:
        """What a difference does not meet, a few words each."""
        found = []
        sqnr = difference.sqnr_db
        if self.min_sqnr_db is not None and sqnr is not None and not sqnr >= self.min_sqnr_db:
            found.append(f"signal to noise {sqnr:.1f} dB, less than {self.min_sqnr_db:g}")
        if self.min_agreement is not None and not difference.agreement >= self.min_agreement:
            found.append(f"agreement {difference.agreement:.4f}, less than {self.min_agreement:g}")
        if self.max_difference is not None and not difference.largest <= self.max_difference:
            found.append(f"largest difference {difference.largest:.3g}, more than {self.max_difference:g}")
        return tuple(found)


@dataclasses.dataclass(frozen=True)
class Verification:
    """What comparing two models came to.

    Attributes:
        a, b: the models; `difference` measures b against a.
        scores: "logits" or "probabilities", whichever was compared.
        difference: over all scores of all pictures.
        pictures: how many were compared.
        pictures_sha256: of each compared picture, by its name from the folder.
        skipped: why a picture could not be read, a line each.
        top1_a, top1_b: accuracy, where the pictures' classes are known.
        notes: what the user should know of how the models were fed and compared.
        missed: the bounds that are not met, a few words each.
    """

    a: OpenedModel
    b: OpenedModel
    scores: str
    difference: Difference
    pictures: int
    pictures_sha256: dict[str, str]
    skipped: tuple[str, ...]
    top1_a: Top1 | None
    top1_b: Top1 | None
    notes: tuple[str, ...]
    missed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types but for infinities."""
        return {
            "a": self.a.to_dict(),
            "b": self.b.to_dict(),
            "scores": self.scores,
            "difference": dataclasses.asdict(self.difference),
            "pictures": self.pictures,
            "skipped": list(self.skipped),
            "top1": None
            if self.top1_a is None or self.top1_b is None
            else {"a": self.top1_a.to_dict(), "b": self.top1_b.to_dict()},
            "notes": list(self.notes),
            "missed": list(self.missed),
            "pictures_sha256": self.pictures_sha256,
            "versions": versions(),
        }


def verify(
    a: str | Path,
    b: str | Path,
    *,
    images: Path | None = None,
    truths: Path | None = None,
    preprocessing: Preprocessing | None = None,
    samples: int | None = None,
    seed: int = 0,
    min_pictures: int = MIN_PICTURES,
    bounds: Bounds | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Verification:
    """Run two models on the same pictures and compare their scores.

    Args:
        a, b: a .keras file, a .tflite file, or what `converters.load.load_checkpoint` reads.
        images: a folder of pictures, or of sub-folders named after classes; the package's pictures where None.
        truths: a list of the pictures' classes (`labelled_pictures.read_truths`).
        preprocessing: for both models instead of their own.
        samples: how many pictures to take, at random; all where None.
        seed: of the choice.
        min_pictures: so many must be readable.
        bounds: to hold the difference against.
        threads: of the runtime, for .tflite files.
        progress: is told the step's name, and how many of how many pictures are done.

    Raises:
        ComparisonError: the models cannot be compared, or a score is no number.
        PictureError: there are no pictures, or too few that can be read.
        LabelsError: a picture's class is none of the models'.
        Otherwise what opening a model raises.
    """
    chosen = choose_pictures(images, truths, samples, seed)
    if len(chosen) < min_pictures:
        raise _too_few(images, len(chosen), min_pictures)
    with open_both(a, b, preprocessing, threads) as (models, notes):
        numbers = _numbers(chosen, models)
        read, scores, skipped = _run(chosen, models, progress)
    if len(read) < min_pictures:
        raise _too_few(images, len(read), min_pictures, skipped)
    kinds = [m.runnable.output_kind or kind_of(s[:1]) for m, s in zip(models, scores, strict=True)]
    if kinds[0] != kinds[1]:
        scores = [_softmax(s) if kind == "logits" else s for s, kind in zip(scores, kinds, strict=True)]
        notes = (*notes, "one model gives logits and the other probabilities; probabilities are compared")
    if images is None:
        notes = (*notes, f"no --images: these are {len(read)} synthetic pictures of the package's")
    difference = compare(scores[1], scores[0])
    truth = None if numbers is None else np.array([numbers[each.truth or ""] for each in read])
    return Verification(
        a=models[0],
        b=models[1],
        scores=kinds[0] if kinds[0] == kinds[1] else "probabilities",
        difference=difference,
        pictures=len(read),
        pictures_sha256={_name(each.path, images): sha256_file(each.path) for each in read},
        skipped=tuple(skipped),
        top1_a=None if truth is None else top1(scores[0], truth),
        top1_b=None if truth is None else top1(scores[1], truth),
        notes=notes,
        missed=(bounds or Bounds()).missed(difference),
    )


def choose_pictures(
    images: Path | None, truths: Path | None, samples: int | None, seed: int
) -> tuple[LabelledPicture, ...]:
    """The pictures to compare on, in a fixed order; the same arguments and files give the same ones.

    Raises:
        PictureError, LabelsError: as `find_labelled`.
    """
    if images is None:
        found: Sequence[LabelledPicture] = [LabelledPicture(path) for path in sample_pictures()]
    else:
        found = find_labelled(images, truths)
    if samples is None or samples >= len(found):
        return tuple(found)
    chosen = sorted(random.Random(seed).sample(range(len(found)), samples))
    return tuple(found[index] for index in chosen)


def _numbers(chosen: Sequence[LabelledPicture], models: Sequence[OpenedModel]) -> dict[str, int] | None:
    """The class number of each class name; None where some picture has none."""
    truths = [each.truth for each in chosen]
    if any(truth is None for truth in truths):
        return None
    labels = next((m.runnable.labels for m in models if m.runnable.labels is not None), None)
    counts = [m.runnable.classes for m in models if m.runnable.classes is not None]
    return class_numbers([truth or "" for truth in truths], labels, min(counts, default=0))


def _run(
    chosen: Sequence[LabelledPicture], models: tuple[OpenedModel, OpenedModel], progress: Progress | None
) -> tuple[list[LabelledPicture], list[np.ndarray], list[str]]:
    """The pictures that could be read, the two models' scores of them `(n, classes)`, and what was wrong elsewhere."""
    read: list[LabelledPicture] = []
    rows: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    skipped: list[str] = []
    for done, each in enumerate(chosen):
        if progress is not None:
            progress("running both models", done, len(chosen))
        try:
            picture = open_picture(each.path)
            pixels = [apply(picture, model.runnable.preprocessing) for model in models]
        except PictureError as error:
            where = shown(each.path)
            skipped.append(str(error) if str(error).startswith(where) else f"{where}: {error}")
            continue
        read.append(each)
        for model, row, values in zip(models, rows, pixels, strict=True):
            row.append(_scores(model, values, each.path))
        if len(read) == 1:
            check_classes(shown(models[0].where), rows[0][0].size, shown(models[1].where), rows[1][0].size)
    return read, [np.stack(row) if row else np.empty((0, 0)) for row in rows], skipped


def _scores(model: OpenedModel, pixels: np.ndarray, picture: Path) -> np.ndarray:
    """One row of scores, checked."""
    scores, _ = model.runnable.scores(model.runnable.prepared(pixels))
    where = shown(model.where)
    if scores.ndim != 2 or len(scores) != 1:
        raise ComparisonError(
            f"{where}: gives {scores.shape}, and a classifier gives (1, classes). Use another file"
        )
    if not np.isfinite(scores).all():
        raise ComparisonError(
            f"{where}: gives scores that are no numbers (NaN or infinity) for {shown(picture)}. "
            "Look for them in its weights, and make it again"
        )
    return np.asarray(scores[0], np.float32)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _name(path: Path, images: Path | None) -> str:
    return path.name if images is None else path.relative_to(images).as_posix()


def _too_few(images: Path | None, found: int, wanted: int, skipped: Sequence[str] = ()) -> PictureError:
    where = "the package" if images is None else shown(images)
    first = f"; the first that cannot is {skipped[0].rstrip('.')}" if skipped else ""
    return PictureError(
        f"{where}: {found} picture(s) can be read, and {wanted} are needed{first}. Give more, or set --min-pictures"
    )


def write_report(path: Path, content: dict[str, Any], *, force: bool = False) -> None:
    """All figures as a JSON file, whole or not at all.

    Raises:
        OutputError: it exists and `force` is not set, or cannot be written.
    """
    with write_atomically(path, force=force) as temporary:
        temporary.write_text(as_json(plain(content)), "utf-8")
