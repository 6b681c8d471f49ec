"""What a user may have set for Keras, in the environment or in keras.json, before a command starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.harness import FIXTURES, ROOT, assert_same_logits
from tests.swiftformer_keras.cli.running import assert_one_line, environment, run_cli

CHECKPOINT = FIXTURES / "ckpt" / "timm_model.safetensors"


def keras_home(tmp_path: Path, **settings: str) -> str:
    """A folder for KERAS_HOME with such a keras.json."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "keras.json").write_text(json.dumps(settings))
    return str(tmp_path / "home")


LOGITS = """
import sys, keras, numpy
if sys.argv[3]:
    keras.config.set_dtype_policy(sys.argv[3])
from swiftformer_keras import SwiftFormerImageClassifier, load_model
from swiftformer_keras.config import PRESETS
from swiftformer_keras.folding import fold_model, folded_classifier
from tests.harness import recipe

image = recipe().image(2, 64, 64).transpose(0, 2, 3, 1)
model = SwiftFormerImageClassifier.from_checkpoint(sys.argv[1])
folded = folded_classifier(fold_model(model), (64, 64))
saved = sys.argv[2] + ".keras"
model.save(saved)
own = SwiftFormerImageClassifier(PRESETS["swiftformer_xs"].replace(depths=(1, 1, 1, 1)))
numpy.savez(sys.argv[2], model=model(image), folded=folded(image), loaded=load_model(saved)(image))
print(keras.config.floatx(), own.dtype_policy.name)
"""


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


@pytest.mark.parametrize(
    ("floatx", "policy", "own"),
    [("float16", "", "float16"), ("float32", "mixed_bfloat16", "mixed_bfloat16")],
)
def test_logits_are_torchs_whatever_precision_keras_is_set_to(
    floatx: str, policy: str, own: str, tmp_path: Path
) -> None:
    """Loaded, saved and loaded again, and folded; only a model built without a checkpoint follows the setting."""
    home = keras_home(tmp_path, floatx=floatx)
    out = tmp_path / "logits.npz"
    ran = subprocess.run(
        [sys.executable, "-c", LOGITS, str(CHECKPOINT), str(out), policy],
        env=environment(KERAS_HOME=home, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.split() == [floatx, own], ran.stderr
    with np.load(out) as found, np.load(FIXTURES / "ckpt" / "ref_logits_micro.npz") as stored:
        for name in ("model", "loaded", "folded"):
            assert_same_logits(found[name], stored["64x64/timm"])


def test_an_export_holds_its_bound_whatever_floatx_is(tmp_path: Path) -> None:
    home = keras_home(tmp_path, floatx="float16")
    model, tflite = tmp_path / "a.keras", tmp_path / "a.tflite"
    for arguments in (
        ("convert", CHECKPOINT, model, "--input-size", "64"),
        ("export", model, tflite, "--gelu", "exact"),
    ):
        ran = run_cli(*arguments, "--quiet", KERAS_HOME=home)
        assert ran.returncode == 0, ran.stderr
