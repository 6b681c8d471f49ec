"""The package's data: complete, what its README says, and made by the committed script."""

from __future__ import annotations

import importlib.util
import json
import struct
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from swiftformer_keras import data
from swiftformer_keras.files import sha256_file
from swiftformer_keras.labels import read_labels
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import IMAGENET_MEAN, IMAGENET_STD, read_preprocessing_file
from tests.harness import FIXTURES, ROOT, SHARED, needs_shared

FOLDER = Path(data.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def thousand() -> dict[str, np.ndarray]:
    with np.load(FIXTURES / "fashion_mnist_1000.npz") as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """benchmarks/make_demo_data.py, which is a script and no package."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        spec = importlib.util.spec_from_file_location(
            "make_demo_data", ROOT / "benchmarks" / "make_demo_data.py"
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.pop(0)


def test_the_checkpoint_is_the_one_that_the_readme_names() -> None:
    assert sha256_file(data.demo_checkpoint()) in README
    content = data.demo_checkpoint().read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert header["head.weight"]["shape"] == [10, 220]


@needs_shared
def test_the_checkpoint_is_the_reference_one() -> None:
    assert SHARED is not None
    reference = SHARED / "reference" / "fashion_mnist" / "swiftformer_xs_64.safetensors"
    assert data.demo_checkpoint().read_bytes() == reference.read_bytes()


def test_the_demo_preprocessing_is_that_of_the_training() -> None:
    contract = read_preprocessing_file(data.demo_preprocessing())
    assert (contract.height, contract.width, contract.resize, contract.filter) == (
        64,
        64,
        "squash",
        "bilinear",
    )
    assert (contract.mean, contract.std) == (IMAGENET_MEAN, IMAGENET_STD)


def test_demo_pictures_are_two_test_pictures_of_every_class(thousand: dict[str, np.ndarray]) -> None:
    labels = read_labels(data.demo_labels())
    pictures = data.demo_pictures()
    assert sorted(label for _, label in pictures) == sorted(labels * 2)
    for path, label in pictures:
        found = np.flatnonzero((thousand["pictures"] == np.asarray(Image.open(path))).all(axis=(1, 2)))
        assert [labels[thousand["labels"][index]] for index in found] == [label], path.name


def test_calibration_pictures_are_128_others_of_every_class(thousand: dict[str, np.ndarray]) -> None:
    paths = data.calibration_pictures()
    assert [path.name for path in paths] == [f"{index:03d}.png" for index in range(128)]
    pictures = np.stack([np.asarray(Image.open(path)) for path in paths])
    assert pictures.shape == (128, 28, 28)
    assert pictures.dtype == np.uint8
    tested = {picture.tobytes() for picture in thousand["pictures"]}
    assert not tested & {picture.tobytes() for picture in pictures}, "a test picture was used for calibration"


def test_the_thousand_test_pictures_fit_their_reference_logits(thousand: dict[str, np.ndarray]) -> None:
    assert {key: (value.shape, value.dtype.name) for key, value in thousand.items()} == {
        "pictures": ((1000, 28, 28), "uint8"),
        "labels": ((1000,), "uint8"),
        "logits": ((1000, 10), "float32"),
    }
    assert np.bincount(thousand["labels"]).min() >= 80
    assert np.mean(thousand["logits"].argmax(1) == thousand["labels"]) >= 0.9


@needs_shared
def test_the_thousand_logits_are_the_reference_ones(thousand: dict[str, np.ndarray]) -> None:
    assert SHARED is not None
    reference = np.load(SHARED / "reference" / "fashion_mnist" / "swiftformer_xs_64_logits.npz")["logits"]
    np.testing.assert_array_equal(thousand["logits"], reference[:1000])


def test_sample_pictures_are_varied() -> None:
    pictures = [np.asarray(open_picture(path)) for path in data.sample_pictures()]
    assert [picture.shape for picture in pictures] == [(256, 256, 3)] * 16
    assert np.ptp([picture.mean() for picture in pictures]) > 40, "bright and dark"
    assert min(picture.std() for picture in pictures) > 10, "no flat ones"
    colourfulness = [np.abs(picture[..., 0].astype(int) - picture[..., 2]).mean() for picture in pictures]
    assert max(colourfulness) > 20, "not grey"


def test_the_committed_script_makes_the_sample_pictures(maker: ModuleType) -> None:
    for path, again in zip(data.sample_pictures(), maker.sample_pictures(), strict=True):
        # One step of four: another processor's last bit may round a value across a boundary.
        difference = np.abs(np.asarray(again).astype(int) - np.asarray(Image.open(path)))
        assert difference.max() <= 4, path.name
        assert difference.mean() < 0.01, path.name


def test_the_committed_script_names_and_describes_the_demo_as_it_is(maker: ModuleType) -> None:
    assert read_labels(data.demo_labels()) == maker.fashion_mnist.LABELS
    assert read_preprocessing_file(data.demo_preprocessing()) == maker.DEMO_PREPROCESSING


def test_a_missing_data_set_is_one_line(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path))
    with pytest.raises(SystemExit, match=r"apt-get install dataset-fashion-mnist"):
        maker.fashion_mnist.load("test")


def test_reference_inputs_are_bilinear_between_pixel_centres(
    maker: ModuleType, thousand: dict[str, np.ndarray]
) -> None:
    picture = thousand["pictures"][0].astype(np.float64) / 255
    at = np.clip((np.arange(64) + 0.5) * 28 / 64 - 0.5, 0, 27)  # half-pixel centres, edges repeated
    rows = np.stack([np.interp(at, np.arange(28), column) for column in picture.T], axis=1)
    both = np.stack([np.interp(at, np.arange(28), row) for row in rows])
    inputs = maker.fashion_mnist.reference_inputs(thousand["pictures"][:1])
    assert (inputs.shape, inputs.dtype) == ((1, 64, 64, 3), np.float32)
    np.testing.assert_allclose(inputs[0], (both[..., None] - IMAGENET_MEAN) / IMAGENET_STD, atol=2e-6)


def test_idx_files_are_read_by_their_own_header(maker: ModuleType, tmp_path: Path) -> None:
    import gzip

    # http://yann.lecun.com/exdb/mnist: two zeros, the type, the rank, big-endian sizes, then the bytes.
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + struct.pack(">III", 2, 1, 3) + bytes(range(6))))
    np.testing.assert_array_equal(maker.fashion_mnist.read_idx(path), [[[0, 1, 2]], [[3, 4, 5]]])
    path.write_bytes(gzip.compress(b"\0\0\x0d\x01" + struct.pack(">I", 1) + bytes(4)))
    with pytest.raises(SystemExit, match="not an idx file"):
        maker.fashion_mnist.read_idx(path)


def test_the_data_is_small_and_every_file_of_it_is_described() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 8_000_000
    described = [path for path in files if path.name in README or f"{path.parent.name}/" in README]
    assert set(files) - set(described) <= {FOLDER / "README.md", FOLDER / "__init__.py"}


@pytest.mark.parametrize(
    ("label", "name"), [("T-shirt/top", "t-shirt-top"), ("Ankle boot", "ankle-boot"), (" a  b/", "a-b")]
)
def test_labels_in_file_names(label: str, name: str) -> None:
    assert data.file_name_of(label) == name
