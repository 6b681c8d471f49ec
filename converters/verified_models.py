"""Two models opened side by side, each fed as it wants, after a look at whether they can be compared at all."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from converters.runnable import Runnable, of_classifier, open_file
from converters.tflite.inspect import inspect_tflite
from swiftformer_keras.errors import ComparisonError, ModelFileError
from swiftformer_keras.files import sha256_file
from swiftformer_keras.preprocessing import Preprocessing
from swiftformer_keras.shown import shown

Kind = Literal["keras", "tflite", "checkpoint"]


@dataclasses.dataclass(frozen=True)
class OpenedModel:
    """One side of a comparison.

    Attributes:
        where: the file or hub name, as it was given.
        kind: what it is.
        runnable: the model, ready to run.
        sha256: of the file, or of the checkpoint's weights.
    """

    where: str
    kind: Kind
    runnable: Runnable
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        runnable = self.runnable
        return {
            "file": self.where,
            "kind": self.kind,
            "sha256": self.sha256,
            "name": runnable.name,
            "preprocessing": runnable.preprocessing.to_dict(),
            "input_kind": runnable.input_kind,
            "output_kind": runnable.output_kind,
        }


@contextlib.contextmanager
def open_both(
    a: str | Path, b: str | Path, preprocessing: Preprocessing | None = None, threads: int = 1
) -> Iterator[tuple[tuple[OpenedModel, OpenedModel], tuple[str, ...]]]:
    """Open two models; gives them and what the user should know of how they are fed.

    Each is fed by its own contract, as its user would; where they differ in nothing but the size, a model that takes
    any size is given the other's. A checkpoint, and a .tflite file without a model card, take
    the other model's: they say nothing themselves, or only what is usual for their layout.

    Args:
        preprocessing: for both, instead of their own; its size gives way to a model's where that is fixed.
        threads: of the runtime, for .tflite files.

    Raises:
        ComparisonError: other numbers of classes, or the same labels in another order.
        MetadataError: nothing says how a model wants its pictures.
        Otherwise what opening a model raises.
    """
    sources = (a, b)
    ranks = [_rank(source) for source in sources]
    first = 0 if ranks[0] <= ranks[1] else 1
    notes: list[str] = []
    opened: dict[int, OpenedModel] = {}
    with contextlib.ExitStack() as stack:
        opened[first] = stack.enter_context(_open(sources[first], preprocessing, threads))
        second, borrowed = 1 - first, preprocessing
        if preprocessing is None and ranks[second] > ranks[first]:
            borrowed = opened[first].runnable.preprocessing
            notes.append(
                f"{shown(sources[second])} is fed as {shown(sources[first])} is: "
                "it does not say itself how it wants its pictures"
            )
        opened[second] = stack.enter_context(_open(sources[second], borrowed, threads))
        both = _same_size(opened[0], opened[1])
        notes += _differing_contracts(*both)
        notes += _check_labels(*both)
        yield both, tuple(notes)


def check_classes(a: str, classes_a: int, b: str, classes_b: int) -> None:
    """Refuse models of different numbers of classes.

    Raises:
        ComparisonError: they are.
    """
    if classes_a != classes_b:
        raise ComparisonError(
            f"{a} has {classes_a} classes and {b} has {classes_b}: their scores cannot be compared. "
            "Give two forms of one model"
        )


def kind_of_file(source: str | Path) -> Kind:
    """By its ending; anything else is a checkpoint."""
    suffix = Path(source).suffix.lower()
    return "keras" if suffix == ".keras" else "tflite" if suffix == ".tflite" else "checkpoint"


def _rank(source: str | Path) -> int:
    """0 says how it wants its pictures, 1 is a checkpoint, 2 is a .tflite file that says nothing."""
    kind = kind_of_file(source)
    if kind == "tflite":
        inspection = inspect_tflite(source)
        return 0 if inspection.card is not None or inspection.card_problem is not None else 2
    return 1 if kind == "checkpoint" else 0


@contextlib.contextmanager
def _open(source: str | Path, preprocessing: Preprocessing | None, threads: int) -> Iterator[OpenedModel]:
    kind = kind_of_file(source)
    if kind != "checkpoint":
        with open_file(Path(source), preprocessing, None, threads) as runnable:
            yield OpenedModel(str(source), kind, runnable, sha256_file(Path(source)))
        return
    from converters.load import load_checkpoint
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

    model = load_checkpoint(source, preprocessing=preprocessing).model
    if not isinstance(model, SwiftFormerImageClassifier):
        raise ModelFileError(
            f"{shown(source)}: is a backbone without a classification head. Give a checkpoint that has one"
        )
    sha256 = model.origin.sha256 if model.origin is not None else ""
    yield OpenedModel(str(source), kind, of_classifier(model, None, None, shown(source)), sha256)


def _same_size(a: OpenedModel, b: OpenedModel) -> tuple[OpenedModel, OpenedModel]:
    """The same, but a model of any size takes the other's size where that is all they differ in."""
    ours, theirs = a.runnable.preprocessing, b.runnable.preprocessing
    if ours.with_size(theirs.height, theirs.width) != theirs or a.runnable.any_size == b.runnable.any_size:
        return a, b
    if a.runnable.any_size:
        return dataclasses.replace(a, runnable=dataclasses.replace(a.runnable, preprocessing=theirs)), b
    return a, dataclasses.replace(b, runnable=dataclasses.replace(b.runnable, preprocessing=ours))


def _differing_contracts(a: OpenedModel, b: OpenedModel) -> Iterator[str]:
    ours, theirs = (model.runnable.preprocessing.to_dict() for model in (a, b))
    fields = [name for name in ours if ours[name] != theirs[name]]
    if fields:
        told = ", ".join(f"{name} {ours[name]} and {theirs[name]}" for name in fields)
        yield (
            f"{shown(a.where)} and {shown(b.where)} prepare pictures differently ({told}); each is fed as it says. "
            "Give --preprocessing to feed both alike"
        )


def _check_labels(a: OpenedModel, b: OpenedModel) -> Iterator[str]:
    """The order of the classes is compared by their names, where both have names."""
    where = shown(a.where), shown(b.where)
    if a.runnable.classes is not None and b.runnable.classes is not None:
        check_classes(where[0], a.runnable.classes, where[1], b.runnable.classes)
    ours, theirs = a.runnable.labels, b.runnable.labels
    if ours is None or theirs is None or ours == theirs:
        return
    check_classes(where[0], len(ours), where[1], len(theirs))
    number = next(n for n, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
    names = shown(ours[number], 60), shown(theirs[number], 60)
    told = f"class {number} is {names[0]!r} in {where[0]} and {names[1]!r} in {where[1]}"
    if sorted(ours) == sorted(theirs):
        raise ComparisonError(
            f"{told}: they have the same labels in another order. Export one of them again with the other's labels"
        )
    yield f"{told}; classes are compared by their numbers"
