"""The share of pictures that a model names right, with how far chance may have moved it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

_Z95 = 1.959963984540054
"""Two-sided 95 % point of the standard normal distribution."""


@dataclasses.dataclass(frozen=True)
class Top1:
    """Accuracy on labelled pictures.

    Attributes:
        correct, total: pictures named right, and all of them.
        low, high: Wilson's 95 % confidence interval of the share.
    """

    correct: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """`correct / total`."""
        return self.correct / self.total

    def to_dict(self) -> dict[str, float]:
        """Plain JSON types."""
        return {"share": self.share, **dataclasses.asdict(self)}


def top1(scores: np.ndarray, classes: np.ndarray) -> Top1:
    """Accuracy of scores `(n, classes)` against the true classes `(n,)`, n at least 1.

    The interval is Wilson's (1927, "Probable inference, the law of succession, and statistical inference",
    equation 4): it stays within 0 and 1 and is not empty where every picture is right.
    """
    total = len(classes)
    correct = int((np.asarray(scores).argmax(axis=1) == np.asarray(classes)).sum())
    share, z2 = correct / total, _Z95**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return Top1(correct, total, max(0.0, middle - half), min(1.0, middle + half))
