"""Whether a phone computes what this computer does: golden inputs under each delegate, beside the host's LiteRT.

A delegate can be fast and wrong. The comparison is pure; the bound is the one that the app holds its own golden picture
against (`converters/android/models.py`), for each picture from the spread of its own scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from swiftformer_keras.benchmark.host import HostAnswers
from swiftformer_keras.benchmark.result import Verification
from swiftformer_keras.benchmark.runners.app_result import PictureScores
from swiftformer_keras.errors import BenchmarkOutputError
from swiftformer_keras.shown import shown


def golden_pictures() -> tuple[Path, ...]:
    """The inputs: the package's sixteen synthetic colour pictures."""
    from swiftformer_keras.data import sample_pictures

    return sample_pictures()


def matched(names: Sequence[str], answers: Sequence[PictureScores] | None) -> list[PictureScores]:
    """The phone's answers in the order of the pictures that were sent.

    Raises:
        BenchmarkOutputError: one is missing, comes twice, or was never sent.
    """
    if answers is None:
        raise BenchmarkOutputError("the app gave no scores of the pictures that it was sent")
    by_name = {answer.file: answer for answer in answers}
    if len(by_name) != len(answers) or set(by_name) != set(names):
        strange = sorted(set(by_name) ^ set(names))
        which = f", such as {shown(strange[0], 60)!r}" if strange else ""
        raise BenchmarkOutputError(
            f"the app answered to {len(answers)} pictures and was sent {len(names)}{which}"
        )
    return [by_name[name] for name in names]


def compare(host: HostAnswers, phone: Sequence[PictureScores]) -> Verification:
    """The phone's answers beside the host's, picture by picture.

    It passes where every picture was read, its input tensor is the host's to the bit, every score is a number, and no
    score is further from the host's than the bound of its picture.
    """
    from converters.android.models import largest_difference

    held: list[tuple[float, float]] = []  # of each picture: its difference, and the bound of it
    same = not_finite = 0
    reasons: dict[str, int] = {}

    def note(reason: str) -> None:
        reasons[reason] = reasons.get(reason, 0) + 1

    for row, digest, answer in zip(host.scores, host.input_sha256, phone, strict=True):
        bound = largest_difference(row, quantised=host.quantised)
        if answer.scores is None:
            note(f"a picture has no scores ({shown(answer.error or 'no reason given', 80)})")
            continue
        if answer.scores.shape != row.shape:
            note(f"it gives {answer.scores.size} scores and the host {row.size}")
            continue
        if answer.input_sha256 != digest:
            note("the input tensor differs from the host's")
        if not np.isfinite(answer.scores).all():
            not_finite += 1
            note("scores are no numbers (NaN or infinity)")
            continue
        difference = float(np.abs(answer.scores.astype(np.float64) - row).max())
        held.append((difference, bound))
        same += int(answer.scores.argmax() == row.argmax())
        if difference > bound:
            note("scores differ from the host's by more than the bound")
    total = len(host.scores)
    largest, its_bound = max(held, key=_nearest) if held else (None, None)
    return Verification(
        inputs=total,
        passed=not reasons,
        largest_difference=largest,
        bound=its_bound,
        top1_agreement=same / total if total else None,
        not_finite=not_finite,
        reason="; ".join(f"{reason} ({count} of {total} pictures)" for reason, count in reasons.items())
        or None,
    )


def _nearest(held: tuple[float, float]) -> tuple[float, float]:
    """What is largest for the picture that is nearest to its bound, or furthest beyond it; of equals, the strictest."""
    difference, bound = held
    share = difference / bound if bound > 0 else np.inf if difference > 0 else 0.0
    return share, -bound
