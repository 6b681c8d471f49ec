"""Every container and layout of real files to logits that torch computed, and the choices made."""

from __future__ import annotations

import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from converters.described import describe_origin
from converters.load import convert, load_checkpoint
from swiftformer_keras import SwiftFormerBackbone, SwiftFormerImageClassifier, data, load_model
from swiftformer_keras.errors import (
    ConfigError,
    JsonFileError,
    LabelsError,
    OutputError,
    PreprocessingError,
)
from swiftformer_keras.preprocessing import PREPROCESSINGS
from tests import reference
from tests.harness import FIXTURES, assert_refused, assert_same_logits, recipe

CKPT = FIXTURES / "ckpt"
SIZES = ((64, 64), (96, 64), (224, 224))
LOGITS = {  # file or folder: which stored logits it has
    "orig_model.pth": "orig_model",
    "orig_raw_state_dict.pth": "orig_model",
    "orig_state_dict_key.pth": "orig_model",
    "orig_ddp_module_prefix.pth": "orig_model",
    "orig_parameters.pth": "orig_model",
    "orig_strided.pth": "orig_model",
    "orig_legacy_format.pth": "orig_model",
    "orig_train_full.pth": "orig_ema",
    "orig_ema_only.pth": "orig_ema",
    "orig_no_distillation.pth": "orig_no_distillation",
    "orig_half.pth": "orig_half",
    "orig_bf16.pth": "orig_bf16",
    "timm_model.safetensors": "timm",
    "timm_half.safetensors": "orig_half",
    "timm_bf16.safetensors": "orig_bf16",
    "timm_pytorch_model.bin": "timm",
    "timm_train_checkpoint.pth.tar": "orig_ema",
    "timm_hub": "timm",
    "hf": "hf",
    "hf_2023": "hf",
}


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(CKPT / "ref_logits_micro.npz") as file:
        return {name: file[name] for name in file.files}


def inputs(stored: dict[str, np.ndarray], height: int, width: int) -> np.ndarray:
    image = recipe().image(2, height, width)
    assert zlib.crc32(image.tobytes()) == int(stored[f"{height}x{width}/x_crc"]), "numpy's generator changed"
    return image.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("name", LOGITS)
def test_every_container_and_layout_gives_torchs_logits(name: str, stored: dict[str, np.ndarray]) -> None:
    model = load_checkpoint(CKPT / name).model
    assert isinstance(model, SwiftFormerImageClassifier)
    for height, width in SIZES:
        assert_same_logits(model(inputs(stored, height, width)), stored[f"{height}x{width}/{LOGITS[name]}"])


def test_the_other_attention_on_request(stored: dict[str, np.ndarray]) -> None:
    converted = load_checkpoint(CKPT / "hf", token_weights="l2norm")
    assert_same_logits(converted.model(inputs(stored, 64, 64)), stored["64x64/hf_as_l2norm"])
    (decision,) = [d for d in converted.decisions if d.what == "token weights"]
    assert decision.value == "l2norm" and "--token-weights" in decision.reason


@pytest.mark.parametrize("name", ["orig_train_full.pth", "timm_train_checkpoint.pth.tar"])
def test_the_trained_parameters_on_request(name: str, stored: dict[str, np.ndarray]) -> None:
    model = load_checkpoint(CKPT / name, weights="model").model
    assert_same_logits(model(inputs(stored, 64, 64)), stored["64x64/orig_model"])


def test_a_backbone_without_head(stored: dict[str, np.ndarray]) -> None:
    model = load_checkpoint(CKPT / "hf_backbone").model
    assert isinstance(model, SwiftFormerBackbone)
    for height, width in SIZES:
        last = np.asarray(model(inputs(stored, height, width))).transpose(0, 3, 1, 2)
        assert_same_logits(last, stored[f"{height}x{width}/hf_backbone_last"])


def test_only_the_backbone_of_a_classifier(stored: dict[str, np.ndarray]) -> None:
    model = SwiftFormerBackbone.from_checkpoint(CKPT / "hf")
    last = np.asarray(model(inputs(stored, 64, 64))).transpose(0, 3, 1, 2)
    assert_same_logits(last, stored["64x64/hf_backbone_last"])
    assert_refused(
        ConfigError, lambda: SwiftFormerImageClassifier.from_checkpoint(CKPT / "hf_backbone"), "no classif"
    )


def test_from_checkpoint(stored: dict[str, np.ndarray]) -> None:
    model = SwiftFormerImageClassifier.from_checkpoint(CKPT / "timm_model.safetensors")
    assert_same_logits(model(inputs(stored, 64, 64)), stored["64x64/timm"])


def test_feature_norms_of_the_fork_load_and_act(tmp_path: Path) -> None:
    """The authors' dense-prediction files: P_i is the batch norm of stage i, computed here in numpy."""
    source = recipe()
    names = json.loads((FIXTURES / "reference" / "names_micro.json").read_text())
    tensors = source.weights(**source.VARIANTS["micro"])
    fork = {r["original"]: tensors[r["timm"]] for r in names if not r["timm"].startswith(("norm", "head"))}
    rng = np.random.default_rng(3)
    norms = {
        i: rng.uniform(0.5, 1.5, (4, d)).astype("float32")
        for i, d in zip((0, 2, 4, 6), (8, 12, 16, 24), strict=True)
    }
    for index, values in norms.items():
        for kind, value in zip(("weight", "bias", "running_mean", "running_var"), values, strict=True):
            fork[f"norm{index}.{kind}"] = value
    save_file({k: np.ascontiguousarray(v) for k, v in fork.items()}, tmp_path / "fork.safetensors")
    model = load_checkpoint(tmp_path / "fork.safetensors").model
    stages = load_checkpoint(CKPT / "orig_model.pth").model.backbone.feature_extractor(
        [f"stage{i}" for i in range(4)]
    )
    x = reference.images(64, 64)
    pyramid, maps = model(x), stages(x)
    for stage, (gamma, beta, mean, variance) in enumerate(norms.values()):
        expected = (np.asarray(maps[f"stage{stage}"]) - mean) / np.sqrt(variance + 1e-5) * gamma + beta
        assert_same_logits(pyramid[f"P{stage + 2}"], expected)


def test_the_parts_of_a_detector_that_are_left_aside_are_said(
    tmp_path: Path, stored: dict[str, np.ndarray]
) -> None:
    tensors = {
        f"backbone.{name}": value for name, value in load_file(CKPT / "timm_model.safetensors").items()
    }
    others = {"neck.conv.weight": np.ones(2, np.float32), "neck.conv.bias": np.ones(2, np.float32)}
    save_file({**tensors, **others}, tmp_path / "detector.safetensors")
    converted = load_checkpoint(tmp_path / "detector.safetensors")
    assert decision(converted, "other parts")[0] == "2 tensors left aside (neck)"
    assert_same_logits(converted.model(inputs(stored, 64, 64)), stored["64x64/timm"])


def test_a_checkpoint_to_train_on(stored: dict[str, np.ndarray]) -> None:
    model = SwiftFormerImageClassifier.from_checkpoint(
        CKPT / "hf",
        return_heads=True,
        dtype="mixed_bfloat16",
        drop_path_rate=0.2,
        dropout=0.1,
        labels=list("abcdefghij"),
        preprocessing=PREPROCESSINGS["authors"],
    )
    assert (model.config.drop_path_rate, model.config.dropout, model.config.token_weights) == (
        0.2,
        0.1,
        "ones",
    )
    assert model.labels == tuple("abcdefghij") and model.preprocessing == PREPROCESSINGS["authors"]
    heads = model(inputs(stored, 64, 64))
    mean = (np.asarray(heads["head"]) + np.asarray(heads["head_dist"])) / 2
    assert np.abs(mean - stored["64x64/hf"]).max() < 0.2


def test_new_heads_for_another_number_of_classes(stored: dict[str, np.ndarray]) -> None:
    model = SwiftFormerImageClassifier.from_checkpoint(CKPT / "hf", num_classes=3)
    assert model(inputs(stored, 64, 64)).shape == (2, 3) and model.labels is None
    theirs = SwiftFormerImageClassifier.from_checkpoint(CKPT / "hf").backbone
    assert_same_logits(model.backbone(inputs(stored, 64, 64)), theirs(inputs(stored, 64, 64)), 0)


def test_options_that_do_not_exist_are_refused() -> None:
    build = SwiftFormerImageClassifier.from_checkpoint
    assert_refused(ConfigError, lambda: build(CKPT / "hf", nonsense=1), "nonsense", "drop_path_rate")
    assert_refused(ConfigError, lambda: build(CKPT / "hf", drop_path_rate=2), "drop_path_rate")
    assert_refused(PreprocessingError, lambda: build(CKPT / "hf", input_size=(64,)), "input size")


# --- choices ----------------------------------------------------------------------------------------


def decision(converted: Any, what: str) -> tuple[str, str]:
    (found,) = [d for d in converted.decisions if d.what == what]
    return found.value, found.reason


def test_layout_defaults_of_the_preprocessing() -> None:
    original = load_checkpoint(CKPT / "orig_model.pth")
    assert original.model.preprocessing == PREPROCESSINGS["authors"]
    assert "usual for the original layout" in decision(original, "preprocessing")[1]
    assert load_checkpoint(CKPT / "timm_model.safetensors").model.preprocessing == PREPROCESSINGS["timm"]


def test_the_files_own_word_wins_over_the_default() -> None:
    timm = load_checkpoint(CKPT / "timm_hub")
    assert timm.model.preprocessing == PREPROCESSINGS["timm"]
    assert "config.json" in decision(timm, "preprocessing")[1]
    assert timm.model.origin.licence == "apache-2.0" and timm.model.labels is None
    for folder in ("hf", "hf_2023"):
        converted = load_checkpoint(CKPT / folder)
        assert converted.model.preprocessing == PREPROCESSINGS["transformers"]
        assert "preprocessor_config.json" in decision(converted, "preprocessing")[1]
        assert converted.model.labels == tuple(f"class {i}" for i in range(10))
        assert converted.model.origin.licence == "unknown" and converted.model.origin.author == "unknown"


def test_an_option_wins_over_the_files_word(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\n".join(f"thing {i}" for i in range(10)))
    converted = load_checkpoint(
        CKPT / "hf", preprocessing="authors", input_size=160, labels=tmp_path / "labels.txt", name="mine"
    )
    assert converted.model.preprocessing == PREPROCESSINGS["authors"].with_size(160, 160)
    assert converted.model.labels is not None and converted.model.labels[3] == "thing 3"
    assert "--input-size" in decision(converted, "input size")[1]
    assert "--labels" in decision(converted, "labels")[1]


def test_metadata_of_a_safetensors_file_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "told.safetensors"
    save_file(
        load_file(CKPT / "timm_model.safetensors"),
        path,
        metadata={
            "input_size": "96",
            "labels": json.dumps(list("abcdefghij")),
            "license": "mit",
            "author": "somebody",
            "architecture": "my net",
            "preprocessing": json.dumps(PREPROCESSINGS["transformers"].to_dict()),
        },
    )
    model = load_checkpoint(path).model
    assert model.preprocessing == PREPROCESSINGS["transformers"].with_size(96, 96)
    assert model.labels == tuple("abcdefghij")
    assert (model.origin.licence, model.origin.author, model.origin.name) == ("mit", "somebody", "my net")


def test_every_model_has_a_version_and_a_sentence() -> None:
    """A .tflite file's standard metadata has both; here without the checkpoint that would be read for them."""
    hub = {"revision": "0123456789abcdef" * 2}
    for metadata, known, version, description in (
        ({"version": "2.1", "description": "Mine."}, hub, "2.1", "Mine."),
        ({"dataset": "Birds"}, hub, "0123456789ab", "SwiftFormer image classifier trained on Birds."),
        ({}, {}, "unknown", ""),
    ):
        origin = describe_origin({}, metadata, known, "name")
        assert (origin.version, origin.description) == (version, description)
    assert data.DEMO_FACTS["description"].endswith(".") and " " in data.DEMO_FACTS["description"]


def test_no_labels_is_a_warning_and_1000_classes_are_imagenets(tmp_path: Path) -> None:
    (warning,) = load_checkpoint(CKPT / "timm_model.safetensors").warnings
    assert "--labels" in warning and "\n" not in warning
    source = recipe()
    cfg = {**source.VARIANTS["micro"], "num_classes": 1000}
    save_file(source.weights(**cfg), tmp_path / "imagenet.safetensors")
    converted = load_checkpoint(tmp_path / "imagenet.safetensors")
    assert not converted.warnings and converted.model.labels is not None
    assert converted.model.labels[0].startswith("tench") and "ImageNet-1k" in decision(converted, "labels")[0]


def test_the_origin_names_the_file() -> None:
    origin = load_checkpoint(CKPT / "orig_train_full.pth").model.origin
    assert (
        origin.file_name == "orig_train_full.pth" and origin.layout == "original" and origin.weights == "ema"
    )
    import hashlib

    assert origin.sha256 == hashlib.sha256((CKPT / "orig_train_full.pth").read_bytes()).hexdigest()


def test_what_the_hub_has_to_say_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own tests fetch from a server; here only what becomes of its notes and its facts."""
    from converters.hub import pinned

    heard: list[tuple[Any, ...]] = []

    def fetch(source: str, *, update: bool, progress: Any) -> pinned.HubSnapshot:
        progress("model.safetensors", 1, 2)
        return pinned.HubSnapshot(
            CKPT / "hf", "owner/name", "main", "c" * 40, {}, "mit", "owner", ("main has moved",)
        )

    monkeypatch.setattr(pinned, "fetch", fetch)
    converted = load_checkpoint("hf://owner/name", progress=lambda *step: heard.append(step))
    assert converted.warnings == ("main has moved",) and heard == [("model.safetensors", 1, 2)]
    assert (converted.model.origin.revision, converted.model.origin.licence) == ("c" * 40, "mit")
    assert decision(converted, "hub commit")[0] == "c" * 40


def hf_saying(tmp_path: Path, **said: object) -> Path:
    """The transformers folder with other fields in its config.json."""
    shutil.copytree(CKPT / "hf", tmp_path / "hf")
    path = tmp_path / "hf" / "config.json"
    path.chmod(0o600)
    path.write_text(json.dumps({**json.loads(path.read_text()), **said}))
    return tmp_path / "hf"


def test_transformers_settings_of_training_are_kept(tmp_path: Path, stored: dict[str, np.ndarray]) -> None:
    """The rates are transformers' for depths 1, 1, 2, 1: rate * j / 4 where block j has the attention."""
    said = {"drop_path_rate": 0.2, "drop_mlp_rate": 0.1, "layer_scale_init_value": 1e-4}
    path = hf_saying(tmp_path, **said, drop_conv_encoder_rate=0.3)
    converted = load_checkpoint(path)
    config = converted.model.config
    assert (config.drop_path_rate, config.mlp_dropout, config.layer_scale_init) == (0.2, 0.1, 1e-4)
    assert "config.json" in decision(converted, "drop_path_rate")[1]
    assert decision(converted, "drop_conv_encoder_rate")[0] == "left aside"
    blocks = [layer for layer in converted.model.backbone.layers if "_block" in layer.name]
    assert [block.name for block in blocks][2:4] == ["stage2_block0", "stage2_block1"]
    assert [block.drop_path_rate for block in blocks] == pytest.approx([0, 0.05, 0, 0.15, 0.2])
    assert blocks[-1].mlp.drop1.rate == 0.1
    assert_same_logits(converted.model(inputs(stored, 64, 64)), stored["64x64/hf"])
    own = load_checkpoint(path, model_options={"drop_path_rate": 0.0}).model.config
    assert (own.drop_path_rate, own.drop_path_blocks) == (0.0, "all")


def test_settings_of_training_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    path = hf_saying(tmp_path, drop_path_rate=1.5)
    assert_refused(JsonFileError, lambda: load_checkpoint(path), str(path), "drop_path_rate", "1.5")
    assert load_checkpoint(path, model_options={"drop_path_rate": 0.1}).model.config.drop_path_rate == 0.1


# --- writing ----------------------------------------------------------------------------------------


def test_convert_writes_the_model_and_its_record(tmp_path: Path, stored: dict[str, np.ndarray]) -> None:
    out = tmp_path / "micro.keras"
    convert(CKPT / "hf", out)
    model = load_model(out)
    assert_same_logits(model(inputs(stored, 96, 64)), stored["96x64/hf"])
    record = json.loads((tmp_path / "micro.keras.json").read_text())
    assert record["origin"]["sha256"] == model.origin.sha256 and record["versions"]["keras"]
    assert {d["what"] for d in record["decisions"]} >= {
        "layout",
        "variant",
        "token weights",
        "preprocessing",
        "labels",
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["micro.keras", "micro.keras.json"]


def test_convert_keeps_an_existing_file(tmp_path: Path) -> None:
    out = tmp_path / "micro.keras"
    out.write_text("mine")
    assert_refused(OutputError, lambda: convert(CKPT / "hf", out), str(out), "--force")
    assert out.read_text() == "mine"
    convert(CKPT / "hf", out, force=True)
    assert load_model(out).config.num_classes == 10
    assert_refused(ConfigError, lambda: convert(CKPT / "hf", tmp_path / "a.h5"), ".keras")
    assert_refused(OutputError, lambda: convert(CKPT / "hf", tmp_path / "none" / "a.keras"), "none")


def test_an_input_that_went_away_is_not_called_an_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "labels.txt").write_text("\n".join("abcdefghij"))
    monkeypatch.setattr("converters.load.write_with_record", lambda *a, **k: pytest.fail("output was opened"))

    def gone(path: Path) -> dict[str, str]:
        raise FileNotFoundError(2, "No such file", str(path))

    monkeypatch.setattr("converters.load.fingerprint", gone)
    with pytest.raises(LabelsError, match=r"labels\.txt"):
        convert(CKPT / "hf", tmp_path / "a.keras", labels=tmp_path / "labels.txt")


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Any, path: Any, *args: Any, **kwargs: Any) -> None:
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(SwiftFormerImageClassifier, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert(CKPT / "hf", tmp_path / "a.keras")
    assert list(tmp_path.iterdir()) == []
