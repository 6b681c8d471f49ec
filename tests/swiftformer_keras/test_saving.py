"""`.keras` files: what is saved comes back; what is hostile or damaged is refused in one line."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from swiftformer_keras import (
    Origin,
    SwiftFormerBackbone,
    SwiftFormerConfig,
    SwiftFormerImageClassifier,
    load_model,
)
from swiftformer_keras.errors import ModelFileError
from swiftformer_keras.preprocessing import PREPROCESSINGS
from swiftformer_keras.saving import load_classifier
from tests.harness import ROOT, assert_refused

SMALL = SwiftFormerConfig((1, 1, 2, 1), (8, 12, 16, 24), num_classes=3)
X = np.random.default_rng(0).normal(size=(2, 64, 48, 3)).astype("float32")


def classifier(**options: Any) -> SwiftFormerImageClassifier:
    return SwiftFormerImageClassifier(
        SMALL,
        preprocessing=PREPROCESSINGS["timm"].with_size(64, 48),
        labels=["a", "b", "ç"],
        origin=Origin("small", sha256="00", licence="apache-2.0"),
        **options,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    path = tmp_path_factory.mktemp("saved") / "small.keras"
    model = classifier()
    model.save(path)
    return path, np.asarray(model(X))


def test_everything_comes_back(saved: tuple[Path, np.ndarray]) -> None:
    model = load_model(saved[0])
    assert isinstance(model, SwiftFormerImageClassifier)
    assert model.get_config() == classifier().get_config()
    np.testing.assert_array_equal(model(X), saved[1])
    assert model.labels == ("a", "b", "ç") and model.origin == Origin(
        "small", sha256="00", licence="apache-2.0"
    )
    assert model.preprocessing == PREPROCESSINGS["timm"].with_size(64, 48)


def test_keras_itself_reads_it_in_safe_mode(saved: tuple[Path, np.ndarray]) -> None:
    np.testing.assert_array_equal(keras.saving.load_model(saved[0], safe_mode=True)(X), saved[1])


@pytest.mark.parametrize(
    "order",
    [
        "import keras, swiftformer_keras",
        "from swiftformer_keras import SwiftFormerImageClassifier; import keras",
    ],
)
def test_keras_itself_knows_the_classes(saved: tuple[Path, np.ndarray], order: str) -> None:
    program = f"{order}; print(keras.saving.load_model({str(saved[0])!r}).name)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert ran.stdout.strip() == "swiftformer", ran.stderr


def test_a_trained_and_compiled_model_comes_back(tmp_path: Path) -> None:
    model = classifier(return_heads=True)
    model.compile(
        "adam", {head: keras.losses.SparseCategoricalCrossentropy(True) for head in ("head", "head_dist")}
    )
    y = np.array([0, 2])
    model.fit(X, {"head": y, "head_dist": y}, verbose=0)
    model.save(tmp_path / "trained.keras")
    theirs = load_model(tmp_path / "trained.keras")(X)
    np.testing.assert_array_equal(theirs["head_dist"], model(X)["head_dist"])


@pytest.mark.parametrize("feature_norms", [False, True])
def test_a_backbone_comes_back(tmp_path: Path, feature_norms: bool) -> None:
    model = SwiftFormerBackbone(
        SMALL.replace(feature_norms=feature_norms), preprocessing=PREPROCESSINGS["authors"]
    )
    model.save(tmp_path / "backbone.keras")
    again = load_model(tmp_path / "backbone.keras")
    assert again.get_config() == model.get_config()
    for ours, theirs in zip(keras.tree.flatten(again(X)), keras.tree.flatten(model(X)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


# --- hostile files ----------------------------------------------------------------------------------

Entries = dict[str, bytes]


def change_config(change: Callable[[dict[str, Any]], Any]) -> Callable[[Entries], Entries]:
    def edit(entries: Entries) -> Entries:
        config = json.loads(entries["config.json"])
        return {**entries, "config.json": json.dumps(change(config) or config).encode()}

    return edit


def change_weights(change: Callable[[h5py.File], None]) -> Callable[[Entries], Entries]:
    def edit(entries: Entries) -> Entries:
        buffer = io.BytesIO(entries["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            change(file)
        return {**entries, "model.weights.h5": buffer.getvalue()}

    return edit


def lambda_layer(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": "Lambda",
        "registered_name": None,
        "config": {"function": "x"},
    }


def first_dataset(file: h5py.File) -> tuple[str, Any]:
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found[0], file[found[0]]


def external_link(file: h5py.File) -> None:
    name, _ = first_dataset(file)
    del file[name]
    file[name] = h5py.ExternalLink("/etc/passwd", "/x")


def soft_link(file: h5py.File) -> None:
    file["layers/again"] = h5py.SoftLink("/layers")


def external_storage(file: h5py.File) -> None:
    name, dataset = first_dataset(file)
    shape = dataset.shape
    del file[name]
    file.create_dataset(name, shape, "float32", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def huge_dataset(file: h5py.File) -> None:
    name, _ = first_dataset(file)
    del file[name]
    file.create_dataset(name, (1 << 34,), "float32", chunks=(1 << 10,))


def cycle(file: h5py.File) -> None:
    file["layers/again"] = file["layers"]


def without_group(ending: str) -> Callable[[h5py.File], None]:
    """Keras may only warn of this, and leave the weights below at random."""

    def change(file: h5py.File) -> None:
        groups: list[str] = []
        file.visititems(lambda name, _: groups.append(name) if name.endswith(ending) else None)
        assert groups
        del file[groups[0]]

    return change


def wrong_shape(file: h5py.File) -> None:
    name, dataset = first_dataset(file)
    shape = dataset.shape
    del file[name]
    file.create_dataset(name, (*shape, 2), "float32")


HOSTILE: dict[str, tuple[Callable[[Entries], Entries], str]] = {
    "lambda layer": (change_config(lambda_layer), "no SwiftFormer"),
    "class from elsewhere": (change_config(lambda c: c.update(module="os")), "elsewhere"),
    "class renamed": (
        change_config(lambda c: c.update(registered_name="swiftformer_keras>Sequential")),
        "Sequential",
    ),
    "enormous width": (
        change_config(lambda c: c["config"]["config"].update(embed_dims=[8, 12, 16, 60_000])),
        "promises",
    ),
    "enormous depth": (
        change_config(lambda c: c["config"]["config"].update(depths=[1, 1, 2, 998])),
        "promises",
    ),
    "depth that would take all memory": (
        change_config(lambda c: c["config"]["config"].update(depths=[10**9, 1, 1, 1])),
        "depths",
    ),
    "depth beyond the file": (
        change_config(lambda c: c["config"]["config"].update(depths=[999, 999, 999, 999])),
        "promises",
    ),
    "labels that are numbers": (change_config(lambda c: c["config"].update(labels=[1, 2, 3])), "labels"),
    "labels that are lists": (change_config(lambda c: c["config"].update(labels=[["x"]] * 3)), "labels"),
    "labels that are one text": (change_config(lambda c: c["config"].update(labels="abc")), "labels"),
    "labels that steer a terminal": (
        change_config(lambda c: c["config"].update(labels=["a", "\x1b[31m", "c"])),
        "control character",
    ),
    "heads asked for with a word": (
        change_config(lambda c: c["config"].update(return_heads="yes")),
        "return_heads",
    ),
    "enormous input": (change_config(lambda c: c["config"].update(input_size=[10**9, 10**9])), "input_size"),
    "input of one size": (change_config(lambda c: c["config"].update(input_size=[64])), "input_size"),
    "dtype that is a class": (
        change_config(lambda c: c["config"].update(dtype={"class_name": "x"})),
        "dtype",
    ),
    "a name twice": (
        lambda e: {**e, "config.json": e["config.json"].replace(b'"config":', b'"config": {}, "config":', 1)},
        "no JSON",
    ),
    "wrong type": (change_config(lambda c: c["config"]["config"].update(depths="abcd")), "depths"),
    "unknown field": (change_config(lambda c: c["config"]["config"].update(evil=1)), "evil"),
    "unknown argument": (change_config(lambda c: c["config"].update(evil=1)), "evil"),
    "labels of the wrong length": (change_config(lambda c: c["config"].update(labels=["a"])), "labels"),
    "preprocessing of the wrong type": (
        change_config(lambda c: c["config"].update(preprocessing=[1])),
        "preprocessing",
    ),
    "config is a list": (change_config(lambda c: [c]), "describes no model"),
    "config is no JSON": (lambda e: {**e, "config.json": b"{"}, "no JSON"),
    "config nested too deep": (lambda e: {**e, "config.json": b"[" * 100_000}, "no JSON"),
    "config is not UTF-8": (lambda e: {**e, "config.json": b"\xff"}, "no JSON"),
    "weights are empty": (lambda e: {**e, "model.weights.h5": b""}, "promises"),
    "weights are noise": (lambda e: {**e, "model.weights.h5": bytes(500_000)}, "damaged"),
    "weights cut short": (lambda e: {**e, "model.weights.h5": e["model.weights.h5"][:200_000]}, "damaged"),
    "external link": (change_weights(external_link), "link"),
    "soft link": (change_weights(soft_link), "link"),
    "external storage": (change_weights(external_storage), "another file"),
    "dataset larger than the file": (change_weights(huge_dataset), "claims"),
    "cycle of groups": (change_weights(cycle), "repeats"),
    "block missing": (change_weights(without_group("/encoder_block")), ""),
    "attention missing": (change_weights(without_group("/attn")), ""),
    "one weight missing": (change_weights(without_group("/pwconv1/vars/1")), ""),
    "wrong shape": (change_weights(wrong_shape), "cannot load"),
    "extra entry": (lambda e: {**e, "assets/run.sh": b"rm"}, "run.sh"),
    "entry outside": (lambda e: {**e, "../../evil": b"x"}, "evil"),
    "entry missing": (lambda e: {k: v for k, v in e.items() if k != "model.weights.h5"}, "instead of"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused(case: str, saved: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    edit, mention = HOSTILE[case]
    with zipfile.ZipFile(saved[0]) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    path = tmp_path / "hostile.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in edit(entries).items():
            archive.writestr(name, content)
    assert_refused(ModelFileError, lambda: load_model(path), str(path), mention)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", " " * (1 << 23))
        archive.writestr("model.weights.h5", bytes(1 << 26))
    assert_refused(ModelFileError, lambda: load_model(path), "compressed")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip", bytes(1000)])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.keras"
    path.write_bytes(content)
    assert_refused(ModelFileError, lambda: load_model(path), str(path))


def test_places_without_a_file_are_refused(tmp_path: Path) -> None:
    assert_refused(ModelFileError, lambda: load_model(tmp_path), "directory")
    assert_refused(ModelFileError, lambda: load_model(tmp_path / "none.keras"), "No such file")
    assert_refused(ModelFileError, lambda: load_model("a\0b.keras"))


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.keras")
    assert_refused(ModelFileError, lambda: load_model(tmp_path / "pipe.keras"), "no regular file")


def test_a_backbone_is_no_classifier(tmp_path: Path, saved: tuple[Path, np.ndarray]) -> None:
    SwiftFormerBackbone(SMALL).save(tmp_path / "backbone.keras")
    assert_refused(ModelFileError, lambda: load_classifier(tmp_path / "backbone.keras"), "head")
    assert load_classifier(saved[0]).config == SMALL


def test_a_cut_file_is_refused_wherever_it_is_cut(saved: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    content = saved[0].read_bytes()
    path = tmp_path / "cut.keras"
    for part in range(1, 20):
        path.write_bytes(content[: len(content) * part // 20])
        assert_refused(ModelFileError, lambda: load_model(path), str(path))
