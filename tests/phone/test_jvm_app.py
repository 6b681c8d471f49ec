"""The app's own benchmark on the tests' phone: arguments in by adb, its result out by adb, beside LiteRT's answers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.runnable import open_file
from swiftformer_keras.data import sample_pictures
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import apply
from tests.harness import ROOT
from tests.phone.adb import AdbServer
from tests.phone.app import ID, RUNNER, SyntheticApp, package
from tests.phone.jvm_app import JvmApp
from tests.phone.phone import Phone

pytestmark = pytest.mark.slow

MODEL = ROOT / "android_app" / "app" / "src" / "test" / "assets" / "models" / "micro_float32.tflite"
REMOTE = "/data/local/tmp/model.tflite"


@pytest.fixture
def app_phone(phone: Phone, jvm_app: JvmApp, adb_server: AdbServer) -> Phone:
    """A phone with the app and a model on it."""
    phone.app = jvm_app
    phone.packages[ID] = package()
    assert adb_server.run("-s", phone.serial, "push", str(MODEL), REMOTE).returncode == 0
    return phone


def run(server: AdbServer, phone: Phone, **arguments: object) -> tuple[str, dict[str, Any] | None]:
    """What `am instrument` prints, and the result file."""
    phone.paths.real(f"/sdcard/Android/data/{ID}/files/benchmark.json").unlink(missing_ok=True)
    words = " ".join(f"-e {name} {value}" for name, value in {"model": REMOTE, **arguments}.items())
    ran = server.run("-s", phone.serial, "shell", f"am instrument -w -r {words} {ID}/{RUNNER}", timeout_s=300)
    assert ran.returncode == 0, ran
    file = server.run("-s", phone.serial, "exec-out", f"cat /sdcard/Android/data/{ID}/files/benchmark.json")
    return ran.stdout.decode(), json.loads(file.stdout) if file.stdout.startswith(b"{") else None


def test_it_measures_what_was_asked_for(adb_server: AdbServer, app_phone: Phone) -> None:
    said, result = run(adb_server, app_phone, runs=9, seconds=0.05, warm_up="auto", threads=2)
    assert said.startswith("INSTRUMENTATION_STATUS: status=loading /data/local/tmp/model.tflite\n")
    assert said.endswith(
        f"result=/storage/emulated/0/Android/data/{ID}/files/benchmark.json\nINSTRUMENTATION_CODE: -1\n"
    )
    assert result is not None
    assert result["error"] is None
    assert result["model"]["sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert result["device"]["model"] == app_phone.description.model
    assert (result["running"]["delegate"], result["running"]["threads"]) == ("cpu", 2)
    assert result["running"]["runtime_version"] == "2.16.1"
    assert result["running"]["replacing"][0]["delegate"] == "TfLiteXNNPackDelegate"
    assert len(result["samples_ms"]) >= 9 and sum(result["samples_ms"]) >= 50
    assert len(result["warm_up_ms"]) % 8 == 0 and len(result["warm_up_ms"]) >= 24
    assert result["warm_up_ended"] in ("stable", "limit")
    assert str(app_phone.paths.root) not in json.dumps(result)


def test_the_runtimes_own_kernels_take_nothing(adb_server: AdbServer, app_phone: Phone) -> None:
    _, result = run(adb_server, app_phone, delegate="cpu_plain", runs=2, warm_up=1)
    assert result is not None
    assert (result["running"]["replacing"], result["running"]["xnnpack"]) == ([], False)
    assert (len(result["warm_up_ms"]), result["warm_up_ended"]) == (1, "count")


def test_what_a_synthetic_app_writes_has_the_same_fields(adb_server: AdbServer, app_phone: Phone) -> None:
    arguments = {"runs": 2, "warm_up": 1, "threads": 1}
    _, real = run(adb_server, app_phone, **arguments)
    app_phone.app = SyntheticApp()
    _, made_up = run(adb_server, app_phone, **arguments)
    assert real is not None and made_up is not None
    assert list(made_up) == list(real)
    for name in ("plan", "app", "device", "running", "memory", "thermal"):
        assert list(made_up[name]) == list(real[name]), name
    assert {name: type(value) for name, value in made_up["plan"].items()} == {
        name: type(value) for name, value in real["plan"].items()
    }


@pytest.mark.parametrize("delegate", ["gpu", "nnapi"])
def test_a_delegate_that_is_not_there_is_refused(
    adb_server: AdbServer, app_phone: Phone, delegate: str
) -> None:
    said, result = run(adb_server, app_phone, delegate=delegate)
    assert result is not None and result["error"] and result["samples_ms"] == []
    assert "\nINSTRUMENTATION_RESULT: error=" in said and said.endswith("INSTRUMENTATION_CODE: 0\n")


def test_scores_of_pictures_are_litert_s(adb_server: AdbServer, app_phone: Phone, tmp_path: Path) -> None:
    pictures = sample_pictures()[:3]
    for picture in pictures:
        adb_server.run(
            "-s", app_phone.serial, "push", str(picture), f"/data/local/tmp/pictures/{picture.name}"
        )
    _, result = run(adb_server, app_phone, runs=1, warm_up=0, evaluate="/data/local/tmp/pictures")
    assert result is not None
    assert result["error"] is None
    assert [entry["file"] for entry in result["evaluation"]] == [picture.name for picture in pictures]
    with open_file(MODEL, None, None) as model:
        for entry, picture in zip(result["evaluation"], pictures, strict=True):
            tensor = model.prepared(apply(open_picture(picture), model.preprocessing))
            assert hashlib.sha256(tensor.tobytes()).hexdigest() == entry["input_sha256"]
            expected, _ = model.scores(tensor)
            np.testing.assert_allclose(entry["scores"], expected[0], atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"runs": 0}, "runs"),
        ({"model": "/etc/passwd"}, "model"),
        ({"warm_up": "soon"}, "warm_up"),
        ({"spoon": 1}, "spoon"),
    ],
)
def test_wrong_arguments_are_one_line(
    adb_server: AdbServer, app_phone: Phone, arguments: dict[str, object], word: str
) -> None:
    said, result = run(adb_server, app_phone, **arguments)
    assert result is None
    (line,) = [line for line in said.splitlines() if line.startswith("INSTRUMENTATION_RESULT: error=")]
    assert word in line and said.endswith("INSTRUMENTATION_CODE: 0\n")


def test_a_file_that_is_no_model_is_in_the_result(
    adb_server: AdbServer, app_phone: Phone, tmp_path: Path
) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"no model" * 100)
    adb_server.run("-s", app_phone.serial, "push", str(tmp_path / "bad.tflite"), "/data/local/tmp/bad.tflite")
    _, result = run(adb_server, app_phone, model="/data/local/tmp/bad.tflite")
    assert result is not None and "bad.tflite" in result["error"] and "\n" not in result["error"]


def test_what_the_app_crashes_of_is_in_the_log(adb_server: AdbServer, app_phone: Phone) -> None:
    app_phone.faults.crash_app("F/libc: Fatal signal 11 (SIGSEGV)")
    said, result = run(adb_server, app_phone)
    assert result is None and "shortMsg=Process crashed." in said
    assert "SIGSEGV" in adb_server.run("-s", app_phone.serial, "shell", "logcat -d").stdout.decode()
