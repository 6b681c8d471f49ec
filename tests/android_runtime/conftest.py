"""The libraries, made once a session, and the files and pictures they run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.android_runtime import host, library, opencl
from tests.android_runtime.engine import Engine, build_app
from tests.android_runtime.exported import Files
from tests.android_runtime.runtime import AndroidRuntime
from tests.android_runtime.standins import MissingError
from tests.harness import absent


@pytest.fixture(scope="session")
def android() -> AndroidRuntime:
    """Android's TFLite for arm64; skips (or fails, see `absent`) where this machine cannot fetch or emulate it."""
    try:
        return AndroidRuntime(library.build())
    except MissingError as error:
        absent(str(error))


@pytest.fixture(scope="session")
def gpu() -> opencl.Gpu:
    """Android's TFLite for x86-64 with a GPU; skips or fails likewise."""
    try:
        return opencl.build()
    except MissingError as error:
        absent(str(error))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The app's Kotlin with that library on the JVM; skips or fails likewise."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = Engine(build_app(Path(folder)), host.build())
        except MissingError as error:
            absent(str(error))
        yield made


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Files of ours, made when they are asked for."""
    base = tmp_path_factory.getbasetemp()
    return Files(
        (base.parent if base.name.startswith("popen-") else base) / "exported"
    )  # xdist's workers share it


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
