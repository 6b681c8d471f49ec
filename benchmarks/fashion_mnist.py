"""The Fashion-MNIST data set (Zalando Research, MIT licence) as arrays, from its own files.

    from fashion_mnist import load
    pictures, labels = load("test")

The files are looked for in the folder FASHION_MNIST_DIR, else where Debian's package
`dataset-fashion-mnist` puts them.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
LABELS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
"""Class names in class order, as the data set's own README gives them."""

_UNSIGNED_BYTE = 8  # element type in the magic number of an idx file


def folder() -> Path:
    """Where the four `.gz` files are.

    Raises:
        SystemExit: they are not there; the message says how to get them.
    """
    found = Path(os.environ.get("FASHION_MNIST_DIR") or DEBIAN_FOLDER)
    if not (found / "t10k-images-idx3-ubyte.gz").is_file():
        raise SystemExit(
            f"{found}: no Fashion-MNIST here. Run `apt-get install dataset-fashion-mnist`, or set "
            "FASHION_MNIST_DIR to a folder with the four .gz files of "
            "https://github.com/zalandoresearch/fashion-mnist"
        )
    return found


def load(split: Literal["train", "test"]) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 `(n, 28, 28)` and class numbers uint8 `(n,)`; n is 60,000 or 10,000."""
    prefix = {"train": "train", "test": "t10k"}[split]
    pictures = read_idx(folder() / f"{prefix}-images-idx3-ubyte.gz")
    labels = read_idx(folder() / f"{prefix}-labels-idx1-ubyte.gz")
    if len(pictures) != len(labels):
        raise SystemExit(
            f"{folder()}: {len(pictures)} {split} pictures but {len(labels)} labels. Get it again"
        )
    return pictures, labels


def reference_inputs(pictures: np.ndarray, size: int = 64) -> np.ndarray:
    """What the demo model was trained on and its reference logits were made with.

    As `torch.nn.functional.interpolate(..., mode="bilinear")`: enlarged in floating point, and so without the
    rounding to 8 bits that the preprocessing contract has (which moves logits by up to 0.1).

    Args:
        pictures: uint8 `(n, 28, 28)`.

    Returns:
        float32 `(n, size, size, 3)`, grey repeated, ImageNet mean and std.
    """
    floats = (Image.fromarray(picture.astype(np.float32) / np.float32(255)) for picture in pictures)
    enlarged = np.stack([np.asarray(each.resize((size, size), Image.Resampling.BILINEAR)) for each in floats])
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    return (enlarged[..., None] - mean) / std


def read_idx(path: Path) -> np.ndarray:
    """A gzipped idx file of unsigned bytes (yann.lecun.com/exdb/mnist) as an array of its own shape."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != bytes([0, 0, _UNSIGNED_BYTE]):
        raise SystemExit(f"{path}: is not an idx file of bytes. Get it again")
    rank = content[3]
    shape = np.frombuffer(content, ">u4", rank, offset=4).tolist()
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
