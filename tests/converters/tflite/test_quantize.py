"""Whole quantisations: accuracy on pictures that did not calibrate them. What must fail: `test_quantize_refused.py`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters.tflite import int8
from converters.tflite.check import compare, delegation, interpreter_of, run_tflite
from converters.tflite.inspect import inspect_tflite
from converters.tflite.metadata import read_metadata
from converters.tflite.quantize import quantize
from converters.tflite.quantize_report import QuantizeReport
from swiftformer_keras import SwiftFormerImageClassifier, data
from swiftformer_keras.files import sidecar
from swiftformer_keras.preprocessing import apply, normalize
from tests.converters.tflite import pictures
from tests.converters.tflite.classifiers import LABELS, ORIGIN, P64, micro
from tests.harness import FIXTURES, ROOT

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "exact": {"gelu": "exact"},
    "tanh": {"gelu": "tanh"},
    "uint8": {"io": "uint8"},
    "int8": {"io": "int8"},
    "dynamic": {"scheme": "dynamic"},
    "uncorrected": {"correct_bias": False},
    "kept": {"keep_float": "stage1_.*/mlp/"},
    "percentile": {"percentile": 99.99, "input_size": (48, 80)},
}
MADE_FOR_MICRO = 15.0
"""dB; the bound here, because random weights in so few channels leave int8 less room than a trained network."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quantize")


@pytest.fixture(scope="module")
def calibration(folder: Path) -> Path:
    return pictures.fashion(folder / "calibration", 40)


Made = dict[str, tuple[Path, QuantizeReport]]


@pytest.fixture(scope="module")
def made(folder: Path, calibration: Path) -> Made:
    """One file for each of `SETTINGS`, made once."""
    model, files = micro(), {}
    for name, settings in SETTINGS.items():
        path = folder / f"{name}.tflite"
        report = quantize(model, path, calibration=calibration, min_sqnr_db=MADE_FOR_MICRO, **settings)
        files[name] = (path, report)
    return files


def unseen(size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """Pixels of pictures that no file was made with."""
    with np.load(FIXTURES / "fashion_mnist_1000.npz") as stored:
        chosen = stored["pictures"][500:540]
    return np.stack([apply(Image.fromarray(p).convert("RGB"), P64.with_size(*size)) for p in chosen])


@pytest.mark.parametrize("name", SETTINGS)
def test_pictures_that_made_no_file_are_near_keras(made: Made, name: str) -> None:
    path, report = made[name]
    pixels = unseen(report.input_size)
    found = compare(run_tflite(path, pixels), np.asarray(micro()(normalize(pixels, P64))))
    assert found.sqnr_db is not None
    assert found.sqnr_db >= MADE_FOR_MICRO
    assert report.sqnr_db == pytest.approx(found.sqnr_db, abs=4)


@pytest.mark.parametrize("name", [name for name in SETTINGS if name not in ("uint8", "exact")])
def test_everything_runs_in_one_partition(made: Made, name: str) -> None:
    split = delegation(made[name][0])
    assert (split.partitions, split.left) == (1, ())


def test_only_the_change_of_type_is_left_out_with_uint8_ends(made: Made) -> None:
    split = delegation(made["uint8"][0])
    assert (split.partitions, split.left) == (1, ("QUANTIZE", "QUANTIZE"))


def test_ends_are_of_the_type_asked_for_and_give_the_same_logits(made: Made) -> None:
    pixels = unseen()[:8]
    expected = run_tflite(made["default"][0], pixels)
    for io in ("uint8", "int8"):
        path = made[io][0]
        interpreter = interpreter_of(path)
        ends = (*interpreter.get_input_details(), *interpreter.get_output_details())
        assert [end["name"] for end in ends] == ["image", "logits"]
        assert {end["dtype"].__name__ for end in ends} == {io}
        scale, zero_point = ends[0]["quantization"]
        assert scale == pytest.approx(1, abs=1e-6), "a pixel is a step"
        assert zero_point == {"uint8": 0, "int8": -128}[io]
        np.testing.assert_allclose(run_tflite(path, pixels), expected, atol=1e-5)


def test_weights_are_int8_and_inside_the_flatbuffer(made: Made) -> None:
    for name in ("default", "dynamic"):
        found = inspect_tflite(made[name][0])
        assert found.outside_bytes == 0
    tensors = inspect_tflite(made["default"][0]).graphs[0].tensors
    kernels = [t for t in tensors if t.quantisation == "per-channel" and t.dtype == "int8"]
    assert len(kernels) >= 30


def test_what_is_kept_in_float_is_float(made: Made) -> None:
    kept = [t for t in inspect_tflite(made["kept"][0]).graphs[0].tensors if "stage1_" in t.name]
    convolutions = [t for t in kept if "/mlp/fc" in t.name and t.constant_bytes > 100]
    assert convolutions
    assert {t.dtype for t in convolutions} == {"float32"}
    assert made["kept"][1].size_bytes > made["default"][1].size_bytes


def test_biases_are_corrected_where_that_is_nearer_on_calibration_pictures(made: Made) -> None:
    path, report = made["default"]
    assert made["uncorrected"][1].biases is None
    biases = report.biases
    assert biases is not None
    assert biases.corrected_db is not None
    assert biases.uncorrected_db is not None
    assert biases.kept == (biases.corrected_db > biases.uncorrected_db)
    assert biases.pictures == 30 // 4
    same = path.read_bytes() == made["uncorrected"][0].read_bytes()
    assert same != biases.kept


def test_corrected_biases_that_harm_are_not_kept(
    made: Made, calibration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wanted of the biases is turned into nonsense: the file has to be the uncorrected one."""
    right, path = int8.mean_outputs, tmp_path / "x.tflite"

    def wrong(tflite: bytes, inputs: np.ndarray) -> dict[str, np.ndarray]:
        return {name: -3 * mean - 1 for name, mean in right(tflite, inputs).items()}

    monkeypatch.setattr(int8, "mean_outputs", wrong)
    report = quantize(micro(), path, calibration=calibration, min_sqnr_db=MADE_FOR_MICRO)
    assert report.biases is not None
    assert not report.biases.kept
    assert path.read_bytes() == made["uncorrected"][0].read_bytes()


def test_reports_describe_the_file(made: Made) -> None:
    for path, report in made.values():
        content = path.read_bytes()
        assert (report.size_bytes, report.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert (report.calibration_pictures, report.held_out_pictures) == (30, 10)
        assert report.sqnr_db is not None
        assert report.sqnr_db >= report.min_sqnr_db == MADE_FOR_MICRO
        record = json.loads(sidecar(path).read_text())
        assert record["sqnr_db"] == report.sqnr_db
        assert record["agreement"] == report.agreement
        assert record["largest_difference"] == report.largest_difference
        assert record["origin"]["sha256"] == ORIGIN.sha256
        assert "litert-quantizer" in record["versions"]


def test_the_file_carries_its_card(made: Made) -> None:
    card = read_metadata(made["default"][0])
    assert (card.precision, card.gelu, card.input_kind, card.labels) == ("int8", "sigmoid", "pixels", LABELS)
    assert not card.needs_litert
    assert read_metadata(made["uint8"][0]).precision == "int8"
    dynamic = read_metadata(made["dynamic"][0])
    assert (dynamic.precision, dynamic.gelu, dynamic.needs_litert) == ("dynamic", "exact", True)


def test_classify_takes_every_type_of_ends(made: Made) -> None:
    from converters.tflite.classify import classify

    picture = data.demo_pictures()[0][0]
    results = [classify(made[io][0], [picture]).results[0] for io in ("default", "uint8", "int8")]
    assert len({result.predictions[0].label for result in results}) == 1


def test_same_inputs_give_the_same_bytes(made: Made, calibration: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tflite"
    quantize(micro(), again, calibration=calibration, min_sqnr_db=MADE_FOR_MICRO)
    assert again.read_bytes() == made["default"][0].read_bytes()


@pytest.mark.slow
def test_another_process_writes_the_same_bytes(made: Made, calibration: Path, tmp_path: Path) -> None:
    """With another hash seed, so that no order of a set or dictionary gets into the file."""
    program = (
        "import sys; from pathlib import Path; from converters.tflite.quantize import quantize; "
        "from tests.converters.tflite.test_quantize import MADE_FOR_MICRO, micro; "
        "quantize(micro(), sys.argv[1], calibration=Path(sys.argv[2]), min_sqnr_db=MADE_FOR_MICRO)"
    )
    path = tmp_path / "again.tflite"
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    command = [sys.executable, "-c", program, path, calibration]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert path.read_bytes() == made["default"][0].read_bytes()


# --- the trained checkpoint -------------------------------------------------------------------------

Trained = tuple[SwiftFormerImageClassifier, Path, QuantizeReport]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from converters.load import load_checkpoint

    model = load_checkpoint(
        data.demo_checkpoint(), preprocessing=data.demo_preprocessing(), labels=data.demo_labels()
    ).model
    assert isinstance(model, SwiftFormerImageClassifier)
    path = tmp_path_factory.mktemp("trained") / "xs.tflite"
    return model, path, quantize(model, path, calibration=data.calibration_pictures()[0].parent)


def assert_near(trained: Trained, count: int) -> None:
    """The int8 file agrees with Keras on the first test pictures."""
    model, path, _ = trained
    assert model.preprocessing is not None
    with np.load(FIXTURES / "fashion_mnist_1000.npz") as stored:
        chosen = stored["pictures"][:count]
    pixels = np.stack([apply(Image.fromarray(p).convert("RGB"), model.preprocessing) for p in chosen])
    expected = model.predict(normalize(pixels, model.preprocessing), batch_size=100, verbose=0)
    found = compare(run_tflite(path, pixels), expected)
    assert found.sqnr_db is not None
    assert found.sqnr_db >= 33
    assert found.agreement >= 0.995


def test_trained_xs_is_near_keras_small_and_one_partition(trained: Trained) -> None:
    assert_near(trained, 200)
    _, path, report = trained
    assert path.stat().st_size <= 3_500_000
    split = delegation(path)
    assert (split.partitions, split.left) == (1, ())
    assert report.sqnr_db is not None
    assert report.sqnr_db >= 33


@pytest.mark.slow
def test_a_thousand_pictures_agree_with_keras(trained: Trained) -> None:
    assert_near(trained, 1000)
