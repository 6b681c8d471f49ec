"""The emulated library, made once a session, and the files and pictures it runs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.android_runtime.library import MissingError, build
from tests.android_runtime.runtime import AndroidRuntime
from tests.harness import absent


@pytest.fixture(scope="session")
def android() -> AndroidRuntime:
    """Android's TFLite; skips (or fails, see `absent`) where this machine cannot fetch or emulate it."""
    try:
        return AndroidRuntime(build())
    except MissingError as error:
        absent(str(error))


def pictures(size: int) -> list[np.ndarray]:
    """Three kinds of RGB picture, uint8 `(1, size, size, 3)`: a slope with an edge, soft blots, and noise."""
    rng = np.random.default_rng(size)
    y, x = np.mgrid[0:size, 0:size] / size
    slope = np.stack([x, y, (x > 0.5) * (y > 0.3)], -1)
    waves = rng.normal(size=(3, 4, 4))
    blots = np.stack([np.cos(np.pi * y * k) * np.cos(np.pi * x * k) for k in range(4)], -1)
    soft = np.tanh(blots @ waves.sum(1).T) / 2 + 0.5
    noise = rng.random((size, size, 3))
    return [np.round(255 * picture).astype(np.uint8)[None] for picture in (slope, soft, noise)]
