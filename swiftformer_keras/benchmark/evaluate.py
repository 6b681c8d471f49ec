"""Accuracy on a phone: a labelled folder classified there, beside this computer's answers to the same pictures."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converters.labelled_pictures import LabelledPicture, class_numbers, find_labelled
from converters.top1 import top1
from swiftformer_keras.benchmark.host import HostAnswers, Progress, host_answers
from swiftformer_keras.benchmark.result import Accuracy
from swiftformer_keras.benchmark.runners.app_result import PictureScores
from swiftformer_keras.errors import BenchmarkOutputError, LabelsError, PictureError
from swiftformer_keras.files import sha256_file
from swiftformer_keras.shown import shown


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A labelled folder: its name, and its pictures, each with the name of its class."""

    name: str
    pictures: tuple[LabelledPicture, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The pictures' files."""
        return tuple(picture.path for picture in self.pictures)

    def sha256(self) -> str:
        """Of the pictures' names, classes and bytes, wherever the folder lies.

        Raises:
            PictureError: one cannot be read.
        """
        digest = hashlib.sha256()
        for picture in self.pictures:
            try:
                content = sha256_file(picture.path)
            except OSError as error:
                raise PictureError(f"{shown(picture.path)}: cannot be read: {error.strerror}") from None
            digest.update(f"{picture.path.name!a} {picture.truth!a} {content}\n".encode("ascii"))
        return digest.hexdigest()


def open_dataset(folder: Path, truths: Path | None = None) -> Dataset:
    """The pictures of a folder of folders named after classes, or of a folder with a list of its pictures' classes.

    Raises:
        PictureError: there are no pictures.
        LabelsError: a picture's class is not known.
    """
    pictures = find_labelled(folder, truths)
    unknown = next((picture for picture in pictures if picture.truth is None), None)
    if unknown is not None:
        raise LabelsError(
            f"{shown(unknown.path)}: nothing says what it shows. Sort the pictures into folders named after classes, "
            "or give --labels"
        )
    return Dataset(folder.name or str(folder), pictures)


@dataclasses.dataclass(frozen=True)
class HostSide:
    """This computer's answers to a dataset, and the classes that would be right, int64 `(pictures,)`."""

    answers: HostAnswers
    truth: np.ndarray


def host_side(model: Path, dataset: Dataset, progress: Progress | None = None) -> HostSide:
    """Run the model on this computer.

    Raises:
        LabelsError: a class of the dataset is none of the model's.
        Otherwise as `host_answers`.
    """
    answers = host_answers(model, dataset.paths, progress)
    truths = [picture.truth or "" for picture in dataset.pictures]
    numbers = class_numbers(truths, answers.labels, answers.scores.shape[1])
    return HostSide(answers, np.array([numbers[truth] for truth in truths]))


def accuracy(dataset: Dataset, host: HostSide, phone: Sequence[PictureScores]) -> Accuracy:
    """Top-1 of both on the same pictures. Scores that are no numbers are a wrong answer.

    Raises:
        BenchmarkOutputError: the phone could not read a picture, saw another one than this computer, or gives another
            number of scores.
    """
    classes = host.answers.scores.shape[1]
    rows = []
    for picture, digest, answer in zip(dataset.pictures, host.answers.input_sha256, phone, strict=True):
        if answer.scores is None:
            raise BenchmarkOutputError(
                f"{shown(picture.path)}: the app has no scores of it "
                f"({shown(answer.error or 'no reason given', 100)})"
            )
        if answer.input_sha256 != digest:
            raise BenchmarkOutputError(
                f"{shown(picture.path)}: the app saw another picture than this computer: the input tensors differ"
            )
        if answer.scores.shape != (classes,):
            raise BenchmarkOutputError(
                f"the app gives {answer.scores.size} scores, and the model has {classes}"
            )
        rows.append(answer.scores)
    scores = np.stack(rows)
    finite = np.isfinite(scores).all(axis=1)
    given = np.where(finite, np.where(np.isfinite(scores), scores, 0).argmax(axis=1), -1)
    # A class that is out of the truth's range stands for a wrong answer: one-hot rows, with a column more.
    answers = np.eye(classes + 1, dtype=np.float32)[given]
    return Accuracy(
        dataset=dataset.name,
        device=top1(answers, host.truth),
        host=top1(host.answers.scores, host.truth),
        same_answer=int((given == host.answers.scores.argmax(axis=1)).sum()),
    )
