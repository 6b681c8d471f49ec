"""What a user may have set for Keras, in the environment or in keras.json, before a command starts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness import FIXTURES
from tests.swiftformer_keras.cli.running import assert_one_line, run_cli

CHECKPOINT = FIXTURES / "ckpt" / "timm_model.safetensors"


def keras_home(tmp_path: Path, **settings: str) -> str:
    """A folder for KERAS_HOME with such a keras.json."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "keras.json").write_text(json.dumps(settings))
    return str(tmp_path / "home")


def test_a_backend_that_is_not_there_is_a_mistake_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "a.keras"
    ran = run_cli("convert", CHECKPOINT, out, KERAS_BACKEND="tensorflaw")
    line = assert_one_line(ran.stderr.splitlines(keepends=True)[-1])
    assert ran.returncode == 2 and not out.exists(), ran.stderr
    for mention in ("'tensorflaw'", "(KERAS_BACKEND)", "Set KERAS_BACKEND=tensorflow"):
        assert mention in line


@pytest.mark.parametrize("command", ["convert", "export", "demo"])
def test_a_backend_that_is_not_installed_is_a_mistake(command: str, tmp_path: Path) -> None:
    """Also where it is the user's keras.json that says it, and with --json."""
    arguments = {
        "convert": (CHECKPOINT, tmp_path / "a.keras"),
        "export": (tmp_path / "a.keras", tmp_path / "a.tflite"),
        "demo": (tmp_path / "demo",),
    }[command]
    home = keras_home(tmp_path, backend="cntk")
    ran = run_cli(command, *arguments, "--json", "--quiet", KERAS_HOME=home)
    error = json.loads(ran.stdout)["error"]
    assert (ran.returncode, error["kind"]) == (2, "MissingToolError"), ran.stderr
    assert "'cntk'" in error["message"] and "keras.json" in error["message"]
