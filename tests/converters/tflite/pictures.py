"""Folders of pictures for the calibration tests: real ones, and every kind that must be refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.harness import FIXTURES


def fashion(folder: Path, count: int, first: int = 0) -> Path:
    """`count` Fashion-MNIST test pictures as grey PNG files."""
    folder.mkdir(exist_ok=True)
    with np.load(FIXTURES / "fashion_mnist_1000.npz") as stored:
        pictures = stored["pictures"][first : first + count]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{first + number:04d}.png")
    return folder


def noise(folder: Path, count: int) -> Path:
    """Pictures whose values know nothing of each other."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(1)
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (80, 96, 3), np.uint8)).save(folder / f"noise{number:03d}.png")
    return folder


def plain(folder: Path, count: int) -> Path:
    """Pictures of one colour each."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.new("RGB", (40, 40), (number, 255 - number, 7)).save(folder / f"plain{number:03d}.png")
    return folder


def repeated(folder: Path, count: int) -> Path:
    """One picture under `count` names."""
    fashion(folder, 1)
    content = (folder / "0000.png").read_bytes()
    for number in range(1, count):
        (folder / f"copy{number:03d}.png").write_bytes(content)
    return folder
