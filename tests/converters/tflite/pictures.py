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


def synthetic(folder: Path, count: int, seed: int) -> Path:
    """Seeded synthetic pictures of 256 x 256: colour fields of every frequency and blocks; a folder there stays."""
    if folder.is_dir():
        return folder
    folder.mkdir()
    rng = np.random.default_rng(seed)
    size = 256
    for number in range(count):
        picture = np.zeros((size, size, 3))
        for grid in (2, 4, 8, 16, 32, 64, 128):
            index = np.arange(size) * grid // size
            picture += rng.normal(0, 1, (grid, grid, 3))[index][:, index] * (2 / grid) ** 0.6
        for _ in range(rng.integers(1, 6)):
            top, bottom = np.sort(rng.integers(0, size, 2))
            left, right = np.sort(rng.integers(0, size, 2))
            picture[top:bottom, left:right] += rng.normal(0, 1, 3)
        pixels = np.clip(128 + 50 * picture, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")
    return folder
