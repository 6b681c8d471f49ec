"""What the package carries with it: the demo model and its pictures, sample pictures, ImageNet's labels.

Nothing comes in; paths of read-only files go out. Origin, licence and making of every file are stated in
`README.md` beside them; `benchmarks/make_demo_data.py` makes them again. Go on to
`swiftformer_keras.pictures`, `.labels` and `.preprocessing`, which read them.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

DEMO_FACTS = {
    "description": "SwiftFormer-XS for pictures of 64 x 64 pixels, trained on Fashion-MNIST: ten kinds of clothes.",
    "author": "the swiftformer-keras authors",
    "licence": "Apache-2.0; the training pictures are Fashion-MNIST's, MIT",
}
"""What the demo checkpoint does not say of itself; `README.md` beside it does."""


def demo_checkpoint() -> Path:
    """SwiftFormer-XS at 64 pixels trained on Fashion-MNIST: safetensors, float16, timm's names."""
    return _folder() / "fashion_mnist" / "swiftformer_xs_64.safetensors"


def demo_labels() -> Path:
    """The ten Fashion-MNIST classes, one a line."""
    return _folder() / "fashion_mnist" / "labels.txt"


def demo_preprocessing() -> Path:
    """How the demo model takes a picture, as `preprocessing.read_preprocessing_file` reads it."""
    return _folder() / "fashion_mnist" / "preprocessing.json"


def demo_pictures() -> tuple[tuple[Path, str], ...]:
    """Twenty test pictures (28 x 28 grey PNG), two of every class, each with its true label."""
    by_name = {file_name_of(label): label for label in _lines(demo_labels())}
    pictures = sorted((_folder() / "fashion_mnist" / "pictures").glob("*.png"))
    return tuple((picture, by_name[picture.stem.rsplit("_", 1)[0]]) for picture in pictures)


def calibration_pictures() -> tuple[Path, ...]:
    """The first 128 training pictures of Fashion-MNIST (28 x 28 grey PNG), in the data set's order."""
    return tuple(sorted((_folder() / "fashion_mnist" / "calibration").glob("*.png")))


def sample_pictures() -> tuple[Path, ...]:
    """Sixteen synthetic colour pictures of 256 x 256: what a model without pictures of its own is run on."""
    return tuple(sorted((_folder() / "samples").glob("*.png")))


def imagenet_labels_file() -> Path:
    """The 1,000 class names of ImageNet-1k, one a line."""
    return _folder() / "imagenet1k_labels.txt"


def file_name_of(label: str) -> str:
    """A label as it stands in a file name: "Ankle boot" is "ankle-boot", "T-shirt/top" is "t-shirt-top"."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def _folder() -> Path:
    # The wheel is installed unzipped, so the traversable is a path.
    return Path(str(resources.files(__name__)))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
