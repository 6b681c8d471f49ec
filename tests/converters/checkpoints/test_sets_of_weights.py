"""Which set of weights is read of a training file, and which of its names belong to the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from converters.checkpoints import read_checkpoint
from converters.checkpoints.select import network_tensors
from swiftformer_keras.errors import NoWeightsError
from tests.converters.checkpoints.reading import assert_equal, read
from tests.harness import FIXTURES, assert_refused
from tests.torch_files import archive, dump, ordered, tensor, torch_zip

CKPT = FIXTURES / "ckpt"


@pytest.mark.parametrize("key", ["model_ema", "state_dict_ema", "ema_state_dict", "ema"])
@pytest.mark.parametrize("other", ["model", "state_dict", "model_state_dict"])
def test_keys_of_training_files(key: str, other: str, tmp_path: Path) -> None:
    found = {other: ordered({"module.w": tensor("0", (1,))}), key: ordered({"w": tensor("1", (1,))})}
    storages = [np.float32(1).tobytes(), np.float32(2).tobytes()]
    data = archive(dump(found), storages).to_bytes()
    assert [
        read(tmp_path, data, **o)["w"].item() for o in ({}, {"weights": "model"}, {"weights": "ema"})
    ] == [2, 1, 2]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["module.a", "module.b"], ["a", "b"]),
        (["module.module.a"], ["a"]),
        (["_orig_mod.module.a"], ["a"]),
        (["module.a", "n_averaged"], ["a"]),
        (["module.a", "b"], ["module.a", "b"]),
        (["n_averaged"], ["n_averaged"]),
        (["module.backbone.a", "steps"], ["a"]),
        (["model.a", "model.b"], ["a", "b"]),
        (["module.model.a"], ["a"]),
        (["model.module._orig_mod.backbone.a"], ["a"]),
        (["model.a", "loss.weight"], ["model.a", "loss.weight"]),
        (["backbone.a", "neck.a", "rpn_head.a", "roi_head.bbox_head.a"], ["a"]),
        (["module.backbone.module.a", "module.decode_head.a", "module.auxiliary_head.a"], ["a"]),
        (["model.backbone.a", "model.head.fc.weight", "model.data_preprocessor.mean"], ["a"]),
        (["backbone.a", "something.a"], ["backbone.a", "something.a"]),
        (["neck.a", "head.a"], ["neck.a", "head.a"]),
        ([], []),
    ],
)
def test_prefixes_of_wrappers(names: list[str], wanted: list[str]) -> None:
    kept, left_aside = network_tensors({name: name for name in names})
    assert list(kept) == wanted
    assert sorted([*kept.values(), *left_aside]) == sorted(names)


def _nested(*keys: str, number: int = 0) -> Any:
    """A state_dict of one tensor, all of its elements `number`, under these keys."""
    value: Any = ordered({"w": tensor(str(number), (1,))})
    for key in reversed(keys):
        value = {key: value}
    return value


@pytest.mark.parametrize(
    ("found", "wanted", "kind"),
    [
        (_nested("state_dict", "model"), 0, "model"),
        (_nested("checkpoint"), 0, "model"),
        (_nested("checkpoint", "state_dict"), 0, "model"),
        (_nested("net"), 0, "model"),
        (_nested("params"), 0, "model"),
        ({**_nested("params"), **_nested("params_ema", number=1)}, 1, "ema"),
        (_nested("ema", "state_dict"), 0, "ema"),
        (_nested("state_dict", "model_ema"), 0, "ema"),
        ({"checkpoint": {**_nested("model"), **_nested("model_ema", number=1)}}, 1, "ema"),
        ({**_nested("model"), "checkpoint": _nested("model", number=1)}, 0, "model"),
    ],
)
def test_sets_under_known_keys(found: Any, wanted: int, kind: str, tmp_path: Path) -> None:
    storages = [np.full(1, number, np.float32).tobytes() for number in range(2)]
    path = tmp_path / "weights.pth"
    path.write_bytes(archive(dump({"epoch": 3, **found}), storages).to_bytes())
    checkpoint = read_checkpoint(path)
    assert (checkpoint.weights, checkpoint.tensors["w"].item()) == (kind, wanted)


def test_known_keys_are_followed_for_two_levels(tmp_path: Path) -> None:
    data = archive(dump(_nested("checkpoint", "state_dict", "model")), [bytes(4)]).to_bytes()
    assert_refused(NoWeightsError, lambda: read(tmp_path, data), "weights.pth", "'checkpoint'")


@pytest.mark.parametrize(
    ("prefix", "others"),
    [("model.", ()), ("module.model.", ()), ("backbone.", ("neck.conv.weight", "bbox_head.fc.weight"))],
)
def test_a_file_of_lightning_or_mmengine_becomes_a_model(
    prefix: str, others: tuple[str, ...], tmp_path: Path
) -> None:
    from converters.layouts import detect_layout, rename

    timm = safetensors.numpy.load_file(CKPT / "timm_model.safetensors")
    arrays = {prefix + name: value for name, value in timm.items()} | dict.fromkeys(others, np.ones(2))
    path = tmp_path / "epoch=3.ckpt"
    path.write_bytes(torch_zip(arrays, lambda state: {"state_dict": state, "epoch": 3}))
    checkpoint = read_checkpoint(path)
    tensors = checkpoint.tensors
    assert_equal(tensors, timm)
    assert checkpoint.left_aside == others
    assert "head/kernel" in rename(tensors, detect_layout(tensors)).values()
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors.numpy.save(arrays))
    assert_equal(read_checkpoint(path).tensors, timm)


@pytest.mark.parametrize(
    "name", ["timm_model.safetensors", "timm_hub", "hf_2023", "orig_model.pth", "absent"]
)
def test_an_unknown_set_is_refused(name: str) -> None:
    for weights in ("x", "EMA", "", 7, "a\n"):
        call = lambda: read_checkpoint(CKPT / name, weights=weights)  # type: ignore[arg-type]  # noqa: E731, B023
        assert_refused(NoWeightsError, call, name, "'model' or 'ema'")


def test_an_ema_of_nothing_counts_as_absent(tmp_path: Path) -> None:
    data = archive(dump({"model": ordered({"w": tensor("0", (1,))}), "model_ema": {}}), [bytes(4)]).to_bytes()
    assert read(tmp_path, data).keys() == {"w"}
    assert_refused(NoWeightsError, lambda: read(tmp_path, data, weights="ema"), "weights.pth", "'ema'")
