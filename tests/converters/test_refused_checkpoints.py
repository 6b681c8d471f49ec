"""What is refused of checkpoints that can be read: contents, and options that do not fit them."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from converters.load import convert, load_checkpoint
from swiftformer_keras import SwiftFormerBackbone
from swiftformer_keras.errors import (
    CheckpointError,
    ConfigError,
    JsonFileError,
    LabelsError,
    LayoutError,
    MismatchError,
    NonFiniteError,
    PreprocessingError,
)
from tests.harness import FIXTURES, assert_refused

CKPT = FIXTURES / "ckpt"


@pytest.mark.parametrize(
    ("name", "error", "mention"),
    [
        ("bad_nan.pth", NonFiniteError, "--allow-nonfinite"),
        ("bad_shape.pth", MismatchError, "shape"),
        ("bad_missing_and_extra.pth", CheckpointError, ""),
        ("bad_other_model.pth", LayoutError, "no SwiftFormer layout"),
    ],
)
def test_bad_contents_are_refused(name: str, error: type[CheckpointError], mention: str) -> None:
    with pytest.raises(error) as caught:
        load_checkpoint(CKPT / name)
    assert name in str(caught.value) and mention in str(caught.value) and "\n" not in str(caught.value)


def test_every_bad_file_is_refused_in_one_line() -> None:
    for path in sorted(CKPT.glob("bad_*")):
        with pytest.raises(CheckpointError) as caught:
            load_checkpoint(path)
        assert path.name in str(caught.value) and "\n" not in str(caught.value)


def test_nan_is_loaded_on_request() -> None:
    model = load_checkpoint(CKPT / "bad_nan.pth", allow_nonfinite=True).model
    assert any(np.isnan(np.asarray(weight)).any() for weight in model.weights if weight.dtype == "float32")


def edited(tmp_path: Path, **changes: Any) -> Path:
    tensors = load_file(CKPT / "timm_model.safetensors")
    for name, change in changes.items():
        name = name.replace("__", ".")
        value = change(tensors.get(name))
        tensors.pop(name, None)
        if value is not None:
            tensors[name] = value
    save_file(tensors, tmp_path / "edited.safetensors")
    return tmp_path / "edited.safetensors"


@pytest.mark.parametrize(
    ("name", "change", "error", "mention"),
    [
        ("head__bias", lambda a: None, MismatchError, "head/bias"),
        ("head__bias", lambda a: a[:-1], MismatchError, "head.bias"),
        ("head__bias", lambda a: a.astype("int32"), MismatchError, "int32"),
        ("head__weight", lambda a: a.T.copy(), MismatchError, "head"),
        ("stem__0__weight", lambda a: a[..., :1].copy(), MismatchError, "stem.0.weight"),
        ("stem__1__running_var", lambda a: -a, NonFiniteError, "stem.1.running_var"),
        ("stem__1__running_mean", lambda a: a + np.inf, NonFiniteError, "stem.1.running_mean"),
        ("stages__0__blocks__0__attn__w_g", lambda a: np.zeros((10**6, 1), "float32"), CheckpointError, ""),
    ],
)
def test_edited_tensors_are_refused(
    name: str, change: Any, error: type[CheckpointError], mention: str, tmp_path: Path
) -> None:
    path = edited(tmp_path, **{name: change})
    with pytest.raises(error) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value) and mention in str(caught.value)


@pytest.mark.parametrize(
    ("gone", "mention"),
    [
        (["head.weight"], "head/kernel"),
        (["head.weight", "head.bias"], "head/bias"),
        (["head.weight", "head_dist.weight"], "head/kernel"),
        (["head_dist.weight"], "head_dist/kernel"),
        (["head.weight", "head_dist.weight", "head_dist.bias"], "head/kernel"),
    ],
)
def test_a_classifier_that_lost_a_part_of_its_heads_is_no_backbone(
    gone: list[str], mention: str, tmp_path: Path
) -> None:
    tensors = {k: v for k, v in load_file(CKPT / "timm_model.safetensors").items() if k not in gone}
    save_file(tensors, tmp_path / "damaged.safetensors")
    load = functools.partial(load_checkpoint, tmp_path / "damaged.safetensors")
    assert_refused(MismatchError, load, "damaged.safetensors", mention)
    assert load(backbone_only=True).model.config.num_classes == 10  # a backbone misses nothing


def test_a_last_norm_alone_makes_no_classifier(tmp_path: Path) -> None:
    tensors = load_file(CKPT / "timm_model.safetensors")
    save_file({k: v for k, v in tensors.items() if not k.startswith("head")}, tmp_path / "norm.safetensors")
    assert isinstance(load_checkpoint(tmp_path / "norm.safetensors").model, SwiftFormerBackbone)


def test_wrong_labels_and_preprocessings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "nine.txt").write_text("\n".join("abcdefghi"))
    assert_refused(
        LabelsError, lambda: load_checkpoint(CKPT / "hf", labels=tmp_path / "nine.txt"), "nine.txt", "10"
    )
    assert_refused(
        PreprocessingError, lambda: load_checkpoint(CKPT / "hf", preprocessing="tim"), "tim:", "timm, "
    )
    for size, said in ((0, "0 x 0"), (7, "7 x 7"), (5000, "5000 x 5000"), ((64, 2049), "64 x 2049")):
        call = functools.partial(load_checkpoint, CKPT / "hf", input_size=size)
        mentions = (f"input size {said} (height x width", "8 to 2048", "--input-size")
        assert_refused(PreprocessingError, call, str(CKPT / "hf"), *mentions)
    path = tmp_path / "told.safetensors"
    for metadata, error in (
        ({"input_size": "large"}, PreprocessingError),
        ({"input_size": "5000"}, PreprocessingError),
        ({"input_size": "9" * 5000}, PreprocessingError),
        ({"preprocessing": "{"}, JsonFileError),
        ({"preprocessing": "[]"}, JsonFileError),
        ({"labels": '["a"]'}, LabelsError),
    ):
        save_file(load_file(CKPT / "timm_model.safetensors"), path, metadata=metadata)
        assert_refused(error, lambda: load_checkpoint(path), str(path))


@pytest.mark.parametrize("option", ["labels", "num_classes", "return_heads", "dropout"])
def test_a_backbone_takes_no_option_of_the_heads(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.load.prepare", lambda *a, **k: pytest.fail("work was begun"))
    value = {"labels": list("abcd"), "num_classes": 4, "return_heads": True, "dropout": 0.1}[option]
    for name in ("hf", "hf_backbone"):
        load = functools.partial(SwiftFormerBackbone.from_checkpoint, CKPT / name, **{option: value})
        assert_refused(ConfigError, load, str(CKPT / name), f"no {option}.")


def test_labels_for_a_file_without_a_head_are_refused(tmp_path: Path) -> None:
    """Whether or not there is such a file: it would have been read for nothing, or not at all."""
    out = tmp_path / "a.keras"
    convert_it = functools.partial(convert, CKPT / "hf_backbone", out, labels=tmp_path / "nope.txt")
    message = assert_refused(ConfigError, convert_it, "hf_backbone", "labels")
    assert "written" not in message and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden_act", "relu"),
        ("batch_norm_eps", 0.01),
        ("num_channels", 1),
        ("down_stride", 4),
        ("down_pad", 0),
    ],
)
def test_another_arithmetic_than_swiftformers_is_refused(field: str, value: object, tmp_path: Path) -> None:
    """The weights would fit, and the logits be wrong without a word."""
    shutil.copytree(CKPT / "hf", tmp_path / "hf")
    path = tmp_path / "hf" / "config.json"
    path.chmod(0o600)
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    assert_refused(MismatchError, lambda: load_checkpoint(tmp_path / "hf"), field, str(value))


def test_timms_own_arguments_are_heard(tmp_path: Path) -> None:
    shutil.copytree(CKPT / "timm_hub", tmp_path / "timm")
    path = tmp_path / "timm" / "config.json"
    path.chmod(0o600)
    config = json.loads(path.read_text())
    config["model_args"]["act_layer"] = "silu"
    path.write_text(json.dumps(config))
    assert_refused(MismatchError, lambda: load_checkpoint(tmp_path / "timm"), "act_layer", "silu")


@pytest.mark.parametrize(
    ("name", "change", "error", "mention"),
    [
        (
            "preprocessor_config.json",
            {"size": {"height": 0, "width": 0}},
            PreprocessingError,
            "--preprocessing",
        ),
        ("preprocessor_config.json", {"do_resize": False}, PreprocessingError, "do_resize"),
        ("config.json", {"id2label": {"0": "a\nb"}}, LabelsError, "id2label"),
        ("config.json", {"id2label": {"x": "a"}}, LabelsError, "id2label"),
    ],
)
def test_bad_values_beside_the_weights_name_their_file(
    name: str, change: dict[str, Any], error: type[Any], mention: str, tmp_path: Path
) -> None:
    shutil.copytree(CKPT / "hf", tmp_path / "hf")
    path = tmp_path / "hf" / name
    path.chmod(0o600)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert_refused(error, lambda: load_checkpoint(tmp_path / "hf"), str(tmp_path / "hf"), name, mention)


def test_timms_label_names_are_heard_and_checked(tmp_path: Path) -> None:
    shutil.copytree(CKPT / "timm_hub", tmp_path / "timm")
    path = tmp_path / "timm" / "config.json"
    path.chmod(0o600)
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "label_names": list("abcdefghij")}))
    assert load_checkpoint(tmp_path / "timm").model.labels == tuple("abcdefghij")
    path.write_text(json.dumps({**config, "label_names": ["a", 3]}))
    assert_refused(
        LabelsError, lambda: load_checkpoint(tmp_path / "timm"), str(tmp_path / "timm"), "label_names"
    )


def test_a_folder_that_lies_about_its_labels(tmp_path: Path) -> None:
    shutil.copytree(CKPT / "hf", tmp_path / "hf")
    config = json.loads((tmp_path / "hf" / "config.json").read_text())
    config["id2label"] = {"0": "only"}
    (tmp_path / "hf" / "config.json").chmod(0o600)
    (tmp_path / "hf" / "config.json").write_text(json.dumps(config))
    assert_refused(LabelsError, lambda: load_checkpoint(tmp_path / "hf"), "hf")
