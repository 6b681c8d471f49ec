"""Models on their way into an APK: golden logits as LiteRT itself gives them, and every file that is refused."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converters.android.models import (
    FLOAT_BOUND,
    MAX_MODELS,
    asset_name,
    check_models,
    entries,
    golden_picture,
    largest_difference,
)
from converters.tflite.metadata import write_metadata
from swiftformer_keras import preprocessing
from swiftformer_keras.errors import (
    AppOptionError,
    LabelsError,
    MetadataError,
    SwiftFormerError,
    TFLiteFileError,
)
from tests.converters.android.tools import tiny_model
from tests.converters.tflite.models import BIAS, card, tiny
from tests.harness import ROOT, assert_refused


def check(*paths: Path, newer_runtime: bool = False) -> tuple[object, ...]:
    return check_models(paths, newer_runtime=newer_runtime)


def test_the_index_says_what_litert_says(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = tiny_model(tmp_path)
    models = check_models([path], newer_runtime=False)
    files = {entry.name: entry.content for entry in entries(models)}
    assert sorted(files) == [
        "assets/models/golden.png",
        "assets/models/index.json",
        "assets/models/tiny.tflite",
    ]
    index = json.loads(files["assets/models/index.json"])
    assert (index["format"], index["version"]) == ("swiftformer-bundle", 1)
    (model,) = index["models"]
    assert model["file"] == "tiny.tflite"
    assert model["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model["size_bytes"] == path.stat().st_size
    assert model["golden"]["picture"] == "golden.png"
    picture = Image.open(io.BytesIO(files["assets/models/golden.png"]))
    assert picture.mode == "RGB"
    pixels = preprocessing.apply(picture, card().preprocessing)
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels[None].astype(np.float32))
    interpreter.invoke()
    theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    np.testing.assert_allclose(model["golden"]["logits"], theirs, rtol=0, atol=1e-6)
    span = float(theirs.max() - theirs.min())
    assert model["golden"]["largest_difference"] == pytest.approx(FLOAT_BOUND * span, rel=0.05)


def test_a_wrong_answer_is_far_outside_the_bound(tmp_path: Path) -> None:
    """The red and the blue channel exchanged, the commonest mistake of all, is not taken for arithmetic."""
    (model,) = check_models([tiny_model(tmp_path)], newer_runtime=False)
    from tests.converters.tflite.models import logits

    pixels = preprocessing.apply(Image.open(io.BytesIO(golden_picture())), card().preprocessing)
    right, wrong = logits(pixels)[0], logits(pixels[..., ::-1])[0]
    assert np.abs(right - model.logits).max() < model.largest_difference / 100
    assert np.abs(wrong - model.logits).max() > 3 * model.largest_difference


def test_bounds() -> None:
    assert largest_difference(np.array([-4.0, 6.0]), quantised=False) == 0.2
    assert largest_difference(np.array([-4.0, 6.0]), quantised=True) == 0.5
    assert largest_difference(np.zeros(3), quantised=True) == 0.001


def test_names_in_the_apk(tmp_path: Path) -> None:
    assert asset_name(Path("a/My modèl (1).tflite")) == "My_mod_l__1_.tflite"
    assert asset_name(Path(".-hidden.TFLITE")) == "_-hidden.tflite"
    assert len(asset_name(Path("x" * 300 + ".tflite"))) == 100
    rules = (ROOT / "android_app/core/src/main/kotlin/dev/swiftformer/core/ModelIndex.kt").read_text("utf-8")
    (rule,) = re.findall(r'NAME = Regex\("([^"]+)"\)', rules)
    for name in ("My modèl (1).tflite", ".-hidden.tflite", "x" * 300 + ".tflite", "ü.tflite"):
        assert re.fullmatch(rule, asset_name(Path(name))), name
    assert f"MAX_MODELS = {MAX_MODELS}\n" in rules
    assert_refused(AppOptionError, lambda: check(*[Path("x.tflite")] * (MAX_MODELS + 1)), "65 models")
    first = tiny_model(tmp_path, "a b.tflite")
    second = tiny_model(tmp_path, "a_b.tflite")
    assert_refused(AppOptionError, lambda: check(first, second), "a_b.tflite", "Rename one")


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file.tflite"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "error", "mention"),
    [
        (lambda: tiny(), MetadataError, "no metadata"),
        (lambda: write_metadata(tiny(), card(labels=None)), LabelsError, "no labels"),
        (lambda: write_metadata(tiny(), card(needs_litert=True)), MetadataError, "needs LiteRT"),
        (lambda: write_metadata(tiny(bias=BIAS * np.float32(np.nan)), card()), TFLiteFileError, "no numbers"),
        (lambda: b"", SwiftFormerError, "file.tflite"),
        (lambda: b"TFL3 is not all there is to it", SwiftFormerError, "file.tflite"),
        (lambda: write_metadata(tiny(), card())[:700], SwiftFormerError, "file.tflite"),
    ],
)
def test_what_the_app_could_not_run_is_refused(
    tmp_path: Path, content: object, error: type[SwiftFormerError], mention: str
) -> None:
    path = written(tmp_path, content())  # type: ignore[operator]
    with pytest.raises(error) as caught:
        check(path)
    message = str(caught.value)
    assert "file.tflite" in message
    assert mention in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_a_newer_runtime_takes_what_needs_litert(tmp_path: Path) -> None:
    path = written(tmp_path, write_metadata(tiny(), card(needs_litert=True)))
    assert len(check(path, newer_runtime=True)) == 1


def test_other_files_and_none(tmp_path: Path) -> None:
    text = tmp_path / "model.keras"
    text.write_text("x")
    assert_refused(TFLiteFileError, lambda: check(text), "model.keras", "no .tflite file")
    assert_refused(AppOptionError, lambda: check(), "--model")
    with pytest.raises(SwiftFormerError, match="absent"):
        check(tmp_path / "absent.tflite")
