"""Make the package's demo data again: Fashion-MNIST pictures, sample pictures, and the tests' thousand.

    python benchmarks/make_demo_data.py PACKAGE_DATA_DIR             # swiftformer_keras/data
    python benchmarks/make_demo_data.py --thousand LOGITS.npz OUT.npz

The checkpoint itself was trained once and is only copied. `--thousand` takes the stored reference logits
(float32, key "logits") and writes the first 1,000 test pictures, their class numbers and logits.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import fashion_mnist
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from swiftformer_keras.data import file_name_of
from swiftformer_keras.preprocessing import Preprocessing

CALIBRATION_PICTURES = 128
PICTURES_PER_CLASS = 2
SAMPLES = 16
SAMPLE_SIZE = 256
SAMPLE_SEED = 2303_15446
DEMO_PREPROCESSING = Preprocessing(64, 64, "squash", 1.0, "bilinear")


def sample_picture(rng: np.random.Generator, size: int = SAMPLE_SIZE) -> Image.Image:
    """One synthetic picture: a sky-like field of 1/f noise, shaded shapes with edges, blur, and a light cast.

    The statistics that matter to a vision model are those of photographs: power that falls with frequency,
    correlated channels, flat regions, hard edges, and brightness that differs from picture to picture.
    """
    field = np.zeros((size, size, 3))
    for cells in (2, 4, 8, 16, 32, 64, 128):
        grey, colour = rng.normal(0, 1, (cells, cells, 1)), rng.normal(0, 0.4, (cells, cells, 3))
        field += _enlarged(grey + colour, size) * (2 / cells) ** 0.75
    base = rng.uniform(70, 185, 3) * 0.5 + rng.uniform(50, 200) * 0.5
    picture = _picture(base + rng.uniform(15, 45) * field)
    for _ in range(rng.integers(2, 9)):
        picture = _with_shape(picture, rng)
    if rng.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    across, down = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35)
    light = 1 + strength * (np.cos(angle) * across + np.sin(angle) * down)
    return _picture(np.asarray(picture, np.float64) * light[..., None])


def _with_shape(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """One more ellipse, polygon or set of stripes, with a gradient of its own, and a soft or hard edge."""
    size = picture.width
    mask = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(mask)
    centre, radius = rng.uniform(0, size, 2), rng.uniform(size * 0.05, size * 0.4, 2)
    kind = rng.integers(0, 3)
    if kind == 0:
        draw.ellipse([*(centre - radius), *(centre + radius)], fill=255)
    elif kind == 1:
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
        corners = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        draw.polygon([tuple(corner) for corner in corners.tolist()], fill=255)
    else:
        step = rng.uniform(4, 24)
        for offset in np.arange(-radius[0], radius[0], 2 * step):
            left, top = centre[0] + offset, centre[1] - radius[1]
            draw.rectangle([left, top, left + step, top + 2 * radius[1]], fill=255)
    if rng.random() < 0.4:
        mask = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 4)))
    first, second = rng.uniform(0, 255, (2, 3))
    shade = np.linspace(0, 1, size)[:, None, None]
    fill = _picture(np.broadcast_to(first * (1 - shade) + second * shade, (size, size, 3)))
    return Image.composite(fill, picture, mask)


def _enlarged(cells: np.ndarray, size: int) -> np.ndarray:
    channels = [Image.fromarray(cells[..., c].astype(np.float32)) for c in range(cells.shape[-1])]
    return np.stack([np.asarray(c.resize((size, size), Image.Resampling.BICUBIC)) for c in channels], axis=-1)


def _picture(values: np.ndarray) -> Image.Image:
    """To 8 bits in steps of four, which halves the PNG files and is well below a camera's noise."""
    return Image.fromarray((np.clip(values, 0, 255).astype(np.uint8) // 4) * 4 + 2)


def sample_pictures() -> list[Image.Image]:
    """The package's sample pictures, in order."""
    rng = np.random.default_rng(SAMPLE_SEED)
    return [sample_picture(rng) for _ in range(SAMPLES)]


def demo_pictures(pictures: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """File name to picture: the first two test pictures of every class."""
    named = {}
    for number, label in enumerate(fashion_mnist.LABELS):
        for count, index in enumerate(np.flatnonzero(labels == number)[:PICTURES_PER_CLASS]):
            named[f"{file_name_of(label)}_{count}.png"] = pictures[index]
    return named


def write_package_data(data: Path) -> None:
    """Write everything but the checkpoint, the ImageNet labels and the README."""
    demo = data / "fashion_mnist"
    for folder in (demo / "pictures", demo / "calibration", data / "samples"):
        folder.mkdir(parents=True, exist_ok=True)
    for name, picture in demo_pictures(*fashion_mnist.load("test")).items():
        Image.fromarray(picture).save(demo / "pictures" / name, optimize=True)
    for index, picture in enumerate(fashion_mnist.load("train")[0][:CALIBRATION_PICTURES]):
        Image.fromarray(picture).save(demo / "calibration" / f"{index:03d}.png", optimize=True)
    for index, sample in enumerate(sample_pictures()):
        sample.save(data / "samples" / f"{index:02d}.png", optimize=True)
    (demo / "labels.txt").write_text("\n".join(fashion_mnist.LABELS) + "\n", encoding="utf-8")
    settings = json.dumps(DEMO_PREPROCESSING.to_dict(), indent=2)
    (demo / "preprocessing.json").write_text(settings + "\n", encoding="utf-8")


def write_thousand(logits: Path, out: Path) -> None:
    """Write the tests' fixture: keys `pictures` uint8, `labels` uint8, `logits` float32."""
    pictures, labels = fashion_mnist.load("test")
    reference = np.load(logits)["logits"][:1000].astype(np.float32)
    np.savez_compressed(out, pictures=pictures[:1000], labels=labels[:1000], logits=reference)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="folder of the package's data")
    parser.add_argument("--thousand", type=Path, nargs=2, metavar=("LOGITS", "OUT"))
    options = parser.parse_args()
    if not options.data and not options.thousand:
        parser.error("name the folder of the package's data, or --thousand LOGITS OUT")
    if options.data:
        write_package_data(options.data)
    if options.thousand:
        write_thousand(*options.thousand)
