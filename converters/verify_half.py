"""Whether a .tflite file is safe in half-precision arithmetic, judged on pictures.

The emulation is `tflite/half/`; here its losses are held against bounds, and the operator at fault is named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from converters.runnable import facts_of
from converters.tflite.half.arithmetic import LARGEST
from converters.tflite.half.emulate import HalfLoss, emulate
from converters.tflite.half.graph import Graph, read_graph
from converters.tflite.inspect import inspect_tflite
from converters.tflite.model_schema import read_file
from converters.verify import Progress, choose_pictures
from swiftformer_keras.errors import PictureError, TFLiteFileError
from swiftformer_keras.files import sha256_file, versions
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import Preprocessing, apply
from swiftformer_keras.shown import shown

SAMPLES = 4
"""Pictures where the user does not say: each takes seconds, and they agree to a few dB."""

MIN_SQNR_DB = 50.0
"""Of the scores, with either width of accumulators."""

MIN_OPERATOR_SQNR_DB = 30.0
"""Of one operator alone; the worst of an exported file has 40 dB."""


@dataclasses.dataclass(frozen=True)
class HalfVerification:
    """What half-precision arithmetic does to a file.

    Attributes:
        file, sha256: the file.
        losses: one for each width of accumulators.
        pictures: how many were run.
        skipped: why a picture could not be read, a line each.
        notes: what the user should know of the pictures.
        missed: what does not meet its bound, a few words each.
    """

    file: str
    sha256: str
    losses: tuple[HalfLoss, ...]
    pictures: int
    skipped: tuple[str, ...]
    notes: tuple[str, ...]
    missed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types but for infinities."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["losses"] = [loss.to_dict() for loss in self.losses]
        return {**values, "versions": versions()}


def verify_half(
    path: Path,
    *,
    images: Path | None = None,
    preprocessing: Preprocessing | None = None,
    samples: int | None = None,
    seed: int = 0,
    min_sqnr_db: float | None = None,
    min_operator_sqnr_db: float = MIN_OPERATOR_SQNR_DB,
    progress: Progress | None = None,
) -> HalfVerification:
    """Work out a .tflite file's scores in half-precision arithmetic; nothing of it is run.

    Args:
        path: a float .tflite file (weights float32 or float16).
        images, preprocessing, seed: as for `verify`.
        samples: how many pictures; `SAMPLES` where None.
        min_sqnr_db: for the scores with both widths of accumulators; `MIN_SQNR_DB` where None.
        min_operator_sqnr_db: for each operator alone.
        progress: is told the step's name, and how many of how many pictures are done.

    Raises:
        TFLiteFileError: the file is damaged, quantised, or has an operator that is not known.
        MetadataError: it does not say how it wants its pictures.
        PictureError: there are no pictures, or none can be read.
    """
    where = shown(path)
    facts = facts_of(inspect_tflite(path), preprocessing, None)
    graph = read_graph(read_file(path), where)
    shape = _shape(graph)
    contract = facts.preprocessing.with_size(*shape)
    facts = dataclasses.replace(facts, preprocessing=contract)
    chosen = choose_pictures(images, None, samples or SAMPLES, seed)
    skipped: list[str] = []

    def inputs() -> Iterator[np.ndarray]:
        for done, each in enumerate(chosen):
            if progress is not None:
                progress("working out half-precision arithmetic", done, len(chosen))
            try:
                yield facts.prepared(apply(open_picture(each.path), contract))
            except PictureError as error:
                name = shown(each.path)
                skipped.append(str(error) if str(error).startswith(name) else f"{name}: {error}")

    found = list(inputs())
    if not found:
        raise PictureError(f"{shown(images)}: none of its pictures can be read; {skipped[0]}")
    losses = emulate(graph, found)
    notes = ("no --images: these are synthetic pictures of the package's",) if images is None else ()
    bound = MIN_SQNR_DB if min_sqnr_db is None else min_sqnr_db
    missed = tuple(told for loss in losses for told in _missed(loss, bound, min_operator_sqnr_db))
    return HalfVerification(str(path), sha256_file(path), losses, len(found), tuple(skipped), notes, missed)


def _shape(graph: Graph) -> tuple[int, int]:
    tensor = graph.tensors[graph.input]
    if len(tensor.shape) != 4 or tensor.shape[0] != 1 or tensor.shape[3] != 3 or tensor.dtype != "float32":
        raise TFLiteFileError(
            f"{graph.where}: takes {tensor.dtype} {tensor.shape}, and a float classifier takes float32 "
            "(1, height, width, 3). Use another file"
        )
    return tensor.shape[1], tensor.shape[2]


def _missed(loss: HalfLoss, min_sqnr_db: float, min_operator_sqnr_db: float) -> Iterator[str]:
    """What is wrong with one width of accumulators: the first cause, or the result."""
    width = f"with {loss.accumulators} accumulators"
    sqnr = loss.difference.sqnr_db
    result = "no loss" if sqnr is None else f"{sqnr:.1f} dB"
    overflowing, losing = loss.overflowing, loss.below(min_operator_sqnr_db)
    if overflowing is not None:
        yield (
            f"{width} {overflowing} overflows (up to {overflowing.largest:.3g} there, float16 ends at {LARGEST:g}); "
            f"scores {result}"
        )
    elif losing is not None:
        yield f"{width} {losing} loses more than {min_operator_sqnr_db:g} dB ({losing.own_db:.1f} dB); scores {result}"
    elif sqnr is not None and not sqnr >= min_sqnr_db:
        worst = loss.costliest
        yield f"{width} scores {result}, less than {min_sqnr_db:g}; {worst} loses most ({worst.own_db:.1f} dB)"
