"""Accuracy and its interval, against published values."""

import numpy as np
import pytest

from converters.top1 import top1


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [  # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_interval_equals_the_published_one(correct: int, total: int, low: float, high: float) -> None:
    scores = np.zeros((total, 2), np.float32)
    scores[:, 0] = 1
    found = top1(scores, np.array([0] * correct + [1] * (total - correct)))
    assert (found.correct, found.total) == (correct, total)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_all_right_leaves_room_below() -> None:
    found = top1(np.eye(4, dtype=np.float32), np.arange(4))
    assert found.share == found.high == 1.0
    assert 0.4 < found.low < 0.6  # 4 / (4 + z^2)
    assert found.to_dict()["share"] == 1.0
