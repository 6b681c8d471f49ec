"""Quantisations that must be refused, broken off or warned about: nothing is left half-written."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

import pytest

from converters.tflite import quantize_settings as settings_module
from converters.tflite.quantize import quantize
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
from tests.converters.tflite import pictures
from tests.converters.tflite.classifiers import micro
from tests.harness import assert_refused


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures.fashion(tmp_path_factory.mktemp("calibration"), 40)


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


def test_leaving_everything_in_float_is_refused(tmp_path: Path, calibration: Path) -> None:
    refused(ConfigError, tmp_path, calibration, "leaves every operator in float", keep_float=".")
    refused(ConfigError, tmp_path, calibration, "leaves every operator in float", keep_float=".", io="int8")
    refused(
        ConfigError, tmp_path, calibration, "leaves every operator in float", keep_float=".", scheme="mixed"
    )


@pytest.mark.slow
def test_a_bound_that_only_a_float_file_meets_is_refused(tmp_path: Path, calibration: Path) -> None:
    settings: dict[str, Any] = {"scheme": "mixed", "gelu": "exact", "min_sqnr_db": 100}
    refused(ConfigError, tmp_path, calibration, "the bound leaves every operator in float", **settings)


@pytest.mark.parametrize("scheme", ["int8", "mixed"])
def test_ends_that_cannot_be_are_refused_before_biases_are_corrected(
    tmp_path: Path, calibration: Path, scheme: str
) -> None:
    told: list[str] = []
    settings: dict[str, Any] = {
        "io": "uint8",
        "keep_float": "stem_conv1",
        "scheme": scheme,
        "progress": lambda *step: told.append(step[0]),
    }
    refused(ConfigError, tmp_path, calibration, "ends cannot be uint8", **settings)
    assert told[-1] == "quantising"


@pytest.mark.slow
def test_what_costs_most_is_named_and_what_is_in_float_is_not(tmp_path: Path, calibration: Path) -> None:
    def said(**settings: Any) -> str:
        with pytest.raises(BoundNotMetError) as caught:
            quantize(micro(), tmp_path / "x.tflite", calibration=calibration, min_sqnr_db=90, **settings)
        return str(caught.value)

    plain = said(gelu="tanh")
    dearest = re.findall(r"(stem|head|stage\S+) \d+%", plain)
    assert len(dearest) == 3
    assert "--gelu exact" in plain and "--scheme mixed" in plain
    kept = said(gelu="tanh", keep_float=dearest[1])
    assert dearest[1] not in kept.partition("comes from")[2]
    assert re.findall(r"(stem|head|stage\S+) \d+%", kept)[0] == dearest[0]
    weights = said(scheme="dynamic")
    assert len(re.findall(r"(head|stage\S+) \d+%", weights)) == 3
    assert "attn" not in weights and "stem" not in weights, "they are float"
    assert "--precision float16" in weights and "--gelu" not in weights


def test_calibration_folders_of_no_use_are_refused(tmp_path: Path) -> None:
    refused(PictureError, tmp_path, tmp_path / "nowhere", "no such folder")
    refused(CalibrationError, tmp_path, pictures.repeated(tmp_path / "one", 40), "1 different")
    refused(CalibrationError, tmp_path, pictures.noise(tmp_path / "noise", 40), "noise")
    refused(CalibrationError, tmp_path, pictures.plain(tmp_path / "plain", 40), "one colour")


def test_a_corrupt_picture_among_good_ones_is_a_warning(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("scheme", ["int8", "dynamic"])
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, calibration: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    def full(path: Path, content: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    model = micro()
    monkeypatch.setattr(Path, "write_bytes", full)
    refused(OutputError, tmp_path, calibration, "disk is full", model=model, scheme=scheme, min_sqnr_db=0)


def test_a_disk_that_is_full_when_the_record_is_written_leaves_nothing(
    tmp_path: Path, calibration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *arguments: object, **options: object) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    model = micro()
    monkeypatch.setattr(Path, "write_text", full)
    refused(OutputError, tmp_path, calibration, "disk is full", model=model, scheme="dynamic", min_sqnr_db=0)


GROUPS = "quantising with groups in float"
READING = ("reading the pictures", "running the model on the held-out pictures", "converting")
CALIBRATING = ("calibrating", "running the float model")
ENDING = ("comparing the file with the model", "writing the record")
PHASES = {
    "int8": (*READING, *CALIBRATING, "quantising", "correcting biases", *ENDING),
    "mixed": (
        *READING,
        *CALIBRATING,
        "quantising",
        "quantising one group at a time",
        GROUPS,
        "correcting biases",
        *ENDING,
    ),
    "dynamic": (*READING, *ENDING),
}


def phase_of(step: str) -> str:
    """A step's name without the numbers in it."""
    return GROUPS if step.startswith("quantising with") else step


SCHEMES = tuple(
    pytest.param(scheme, marks=pytest.mark.slow if scheme == "mixed" else ()) for scheme in PHASES
)


@pytest.mark.parametrize(
    ("scheme", "phase"),
    [pytest.param(*s.values, phase, marks=s.marks) for s in SCHEMES for phase in PHASES[str(s.values[0])]],
)
def test_ctrl_c_in_any_phase_leaves_nothing_half_written(
    tmp_path: Path, calibration: Path, scheme: str, phase: str
) -> None:
    (tmp_path / "x.tflite").write_bytes(b"the one before")
    sidecar(tmp_path / "x.tflite").write_text("its record")

    def interrupt(step: str, done: int, total: int) -> None:
        if phase_of(step) == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quantize(
            micro(),
            tmp_path / "x.tflite",
            calibration=calibration,
            scheme=scheme,
            min_sqnr_db=0,
            force=True,
            progress=interrupt,
        )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "x.tflite": b"the one before",
        "x.tflite.json": b"its record",
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_phase_is_told(tmp_path: Path, calibration: Path, scheme: str) -> None:
    told: list[str] = []
    quantize(
        micro(),
        tmp_path / "x.tflite",
        calibration=calibration,
        scheme=scheme,
        min_sqnr_db=0,
        progress=lambda step, done, total: told.append(phase_of(step)),
    )
    assert tuple(dict.fromkeys(told)) == PHASES[scheme]
