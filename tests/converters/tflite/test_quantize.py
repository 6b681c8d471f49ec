"""Whole quantisations: accuracy on pictures that did not calibrate them, and everything that must be refused."""

from __future__ import annotations

import errno
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
from converters.tflite import quantize_settings as settings_module
from converters.tflite.check import compare, delegation, interpreter_of, run_tflite
from converters.tflite.inspect import inspect_tflite
from converters.tflite.metadata import read_metadata
from converters.tflite.quantize import quantize
from converters.tflite.quantize_report import QuantizeReport
from swiftformer_keras import SwiftFormerImageClassifier, data
from swiftformer_keras.errors import (
    BoundNotMetError,
    CalibrationError,
    ConfigError,
    OutputError,
    PictureError,
    PreprocessingError,
    SwiftFormerError,
)
from swiftformer_keras.files import sidecar
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import PREPROCESSINGS, apply, normalize
from tests import reference
from tests.converters.tflite import pictures
from tests.harness import FIXTURES, ROOT, assert_refused

P64 = PREPROCESSINGS["timm"].with_size(64, 64)
LABELS = tuple(f"class {index}" for index in range(10))
ORIGIN = Origin(name="micro", author="nobody", licence="CC0-1.0", sha256="ab" * 32)
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


def micro(**options: Any) -> SwiftFormerImageClassifier:
    facts: dict[str, Any] = {"preprocessing": P64, "labels": LABELS, "origin": ORIGIN, **options}
    model: SwiftFormerImageClassifier = reference.classifier("micro", **facts)
    return model


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
    assert (dynamic.precision, dynamic.gelu, dynamic.needs_litert) == ("dynamic", "tanh", True)


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


# --- refused ----------------------------------------------------------------------------------------


def refused(
    error: type[SwiftFormerError], folder: Path, calibration: Path, *mentions: str, **settings: Any
) -> None:
    """The quantisation is refused in one line, and nothing is left in the folder."""
    before = sorted(folder.iterdir())
    model, out = settings.pop("model", None) or micro(), settings.pop("out", folder / "x.tflite")
    assert_refused(error, lambda: quantize(model, out, calibration=calibration, **settings), *mentions)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("option", "value", "mentions"),
    [
        ("scheme", "int4", "int8, mixed, dynamic"),
        ("io", "float16", "float32, uint8, int8"),
        ("gelu", "fast", "exact, tanh, sigmoid"),
        ("percentile", 89.0, "90 to 100"),
        ("percentile", float("nan"), "90 to 100"),
        ("min_sqnr_db", float("nan"), "a number of dB"),
        ("held_out", 3, "8 to 2,048"),
        ("samples", 3, "24 to 4,096"),
        ("keep_float", "stage(", "no regular expression"),
        ("input_size", (4, 64), "4 x 64"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    tmp_path: Path, calibration: Path, option: str, value: Any, mentions: str
) -> None:
    refused(ConfigError, tmp_path, calibration, mentions, **{option: value})


def test_settings_that_do_not_go_together_are_refused(tmp_path: Path, calibration: Path) -> None:
    refused(ConfigError, tmp_path, calibration, "uint8", scheme="dynamic", io="uint8")
    refused(ConfigError, tmp_path, calibration, "keep_float", scheme="dynamic", keep_float=".*")
    refused(ConfigError, tmp_path, calibration, "end", io="uint8", keep_float="logits")


def test_an_expression_that_matches_nothing_is_refused(tmp_path: Path, calibration: Path) -> None:
    refused(ConfigError, tmp_path, calibration, "matches no operator", keep_float="stage9")


def test_calibration_folders_of_no_use_are_refused(tmp_path: Path) -> None:
    refused(PictureError, tmp_path, tmp_path / "nowhere", "no such folder")
    refused(CalibrationError, tmp_path, pictures.repeated(tmp_path / "one", 40), "1 different")
    refused(CalibrationError, tmp_path, pictures.noise(tmp_path / "noise", 40), "noise")
    refused(CalibrationError, tmp_path, pictures.plain(tmp_path / "plain", 40), "one colour")


def test_a_corrupt_picture_among_good_ones_is_a_warning(
    calibration: Path, folder: Path, tmp_path: Path
) -> None:
    mixed = pictures.fashion(tmp_path / "mixed", 40)
    (mixed / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    report = quantize(micro(), tmp_path / "x.tflite", calibration=mixed, scheme="dynamic", min_sqnr_db=0)
    assert len(report.warnings) == 1
    assert "broken.png" in report.warnings[0]


def test_models_without_preprocessing_are_refused(tmp_path: Path, calibration: Path) -> None:
    refused(PreprocessingError, tmp_path, calibration, "no preprocessing", model=micro(preprocessing=None))


def test_outputs_that_cannot_be_written_are_refused_before_any_work(
    tmp_path: Path, calibration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "find_source", lambda *_: pytest.fail("work was begun"))
    refused(ConfigError, tmp_path, calibration, ".tflite", out=tmp_path / "model.bin")
    refused(OutputError, tmp_path, calibration, "folder", out=tmp_path / "nowhere" / "x.tflite")
    (tmp_path / "x.tflite").write_bytes(b"mine")
    refused(OutputError, tmp_path, calibration, "exists already", "--force")
    assert (tmp_path / "x.tflite").read_bytes() == b"mine"


def test_a_bound_that_is_not_met_leaves_the_file_there_was(tmp_path: Path, calibration: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"the one before")
    settings: dict[str, Any] = {"min_sqnr_db": 90.0, "force": True}
    refused(BoundNotMetError, tmp_path, calibration, "less than 90 dB", "not kept", **settings)
    refused(BoundNotMetError, tmp_path, calibration, "float16", scheme="dynamic", **settings)
    assert (tmp_path / "x.tflite").read_bytes() == b"the one before"
    assert BoundNotMetError.exit_code == 3


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, calibration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    model = micro()
    monkeypatch.setattr(Path, "write_bytes", full)
    refused(OutputError, tmp_path, calibration, "disk is full", model=model, scheme="dynamic")


PHASES = (
    *("reading the pictures", "running the model on the held-out pictures", "converting", "calibrating"),
    *("running the float model", "quantising", "correcting biases", "comparing the file with the model"),
    "writing the record",
)


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_in_any_phase_leaves_nothing_half_written(
    tmp_path: Path, calibration: Path, phase: str
) -> None:
    (tmp_path / "x.tflite").write_bytes(b"the one before")
    sidecar(tmp_path / "x.tflite").write_text("its record")

    def interrupt(step: str, done: int, total: int) -> None:
        if step == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quantize(
            micro(),
            tmp_path / "x.tflite",
            calibration=calibration,
            min_sqnr_db=0,
            force=True,
            progress=interrupt,
        )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "x.tflite": b"the one before",
        "x.tflite.json": b"its record",
    }


def test_every_phase_is_told(tmp_path: Path, calibration: Path) -> None:
    told: list[str] = []
    quantize(
        micro(),
        tmp_path / "x.tflite",
        calibration=calibration,
        min_sqnr_db=0,
        progress=lambda step, done, total: told.append(step),
    )
    assert tuple(dict.fromkeys(told)) == PHASES


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
