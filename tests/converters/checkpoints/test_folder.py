"""Folders: which file is taken, shards, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from converters.checkpoints import read_checkpoint
from converters.checkpoints.source import ByteSource
from swiftformer_keras.errors import (
    CheckpointError,
    JsonFileError,
    NotACheckpointError,
    NoWeightsError,
    ShardIndexError,
    TruncatedError,
    UnreadableFileError,
    UnsafePickleError,
)
from tests.harness import FIXTURES, assert_refused
from tests.torch_files import torch_zip

CKPT = FIXTURES / "ckpt"


def shards(folder: Path, suffix: str, prefix: str = "") -> Path:
    """The timm fixture in three shards as transformers names them."""
    loaded = safetensors.numpy.load_file(CKPT / "timm_model.safetensors")
    tensors = {prefix + name: value for name, value in loaded.items()}
    stem, ending = {"safetensors": ("model", "safetensors"), "bin": ("pytorch_model", "bin")}[suffix]
    weight_map = {}
    for number in range(3):
        name = f"{stem}-0000{number + 1}-of-00003.{ending}"
        part = dict(list(tensors.items())[number::3])
        weight_map |= dict.fromkeys(part, name)
        data = safetensors.numpy.save(part) if suffix == "safetensors" else torch_zip(part)
        (folder / name).write_bytes(data)
    index = folder / f"{stem}.{ending}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return index


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_prefixes_of_wrappers_come_off_shards_too(suffix: str, tmp_path: Path) -> None:
    shards(tmp_path, suffix, "module.model.")
    wanted = safetensors.numpy.load_file(CKPT / "timm_model.safetensors")
    assert read_checkpoint(tmp_path).tensors.keys() == wanted.keys()


@pytest.mark.parametrize(("suffix", "container"), [("safetensors", "safetensors"), ("bin", "torch zip")])
def test_shards_are_read_as_one(suffix: str, container: str, tmp_path: Path) -> None:
    index = shards(tmp_path, suffix)
    wanted = safetensors.numpy.load_file(CKPT / "timm_model.safetensors")
    for source in (tmp_path, index):
        checkpoint = read_checkpoint(source)
        assert checkpoint.container == container
        assert checkpoint.tensors.keys() == wanted.keys()
        for name, value in wanted.items():
            np.testing.assert_array_equal(checkpoint.tensors[name], value)
    files = sorted(path for path in tmp_path.iterdir() if path != index)
    lines = sorted(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    assert checkpoint.sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert checkpoint.size_bytes == sum(path.stat().st_size for path in files)
    assert checkpoint.file_name == index.name


def _change_index(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "model.safetensors.index.json"
        index = json.loads(path.read_text())
        change(index["weight_map"])
        path.write_text(json.dumps(index))

    return apply


def _replace_index(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "model.safetensors.index.json").write_text(text) and None


SHARD_1 = "model-00001-of-00003.safetensors"
BAD_SHARDS: dict[str, tuple[Callable[[Path], Any], type[CheckpointError], str]] = {
    "a file that is not there": (
        _change_index(lambda m: m.update({"x": "y.safetensors"})),
        ShardIndexError,
        "not there",
    ),
    "a file above": (
        _change_index(lambda m: m.update({"x": "../model.safetensors"})),
        ShardIndexError,
        "no file of this",
    ),
    "an absolute file": (
        _change_index(lambda m: m.update({"x": "/etc/passwd"})),
        ShardIndexError,
        "no file of this",
    ),
    "a drive": (
        _change_index(lambda m: m.update({"x": "C:model"})),
        ShardIndexError,
        "no file of this folder",
    ),
    "the folder": (_change_index(lambda m: m.update({"x": ".."})), ShardIndexError, "no file of this folder"),
    "a name without end": (
        _change_index(lambda m: m.update({"x": "y" * 300})),
        ShardIndexError,
        "no file of this",
    ),
    "a number": (_change_index(lambda m: m.update({"x": 3})), ShardIndexError, "no file of this folder"),
    "a tensor too many": (
        _change_index(lambda m: m.update({"x": SHARD_1})),
        ShardIndexError,
        "'x' is in the index",
    ),
    "a tensor too few": (_change_index(lambda m: m.pop(next(iter(m)))), ShardIndexError, "not in the index"),
    "thousands of files": (
        _change_index(lambda m: m.update({f"x{i}": f"y{i}" for i in range(300)})),
        ShardIndexError,
        "more than 256",
    ),
    "no map": (_replace_index("{}"), JsonFileError, "weight_map"),
    "a map that is a list": (_replace_index('{"weight_map": []}'), JsonFileError, "weight_map"),
    "a name twice": (_replace_index('{"weight_map": {"a": "x", "a": "y"}}'), JsonFileError, "'a' twice"),
    "a shard cut short": (
        lambda folder: (folder / SHARD_1).write_bytes((folder / SHARD_1).read_bytes()[:-1]),
        TruncatedError,
        SHARD_1,
    ),
    "a shard that is a command": (
        lambda folder: shutil.copy(CKPT / "bad_malicious_root.pth", folder / SHARD_1),
        UnsafePickleError,
        SHARD_1,
    ),
}


@pytest.mark.parametrize("name", BAD_SHARDS)
def test_bad_shards_are_refused(name: str, tmp_path: Path) -> None:
    change, error, mention = BAD_SHARDS[name]
    shards(tmp_path, "safetensors")
    change(tmp_path)
    assert_refused(error, lambda: read_checkpoint(tmp_path), str(tmp_path), mention)


def test_safetensors_come_before_pickles(tmp_path: Path) -> None:
    shutil.copy(CKPT / "timm_model.safetensors", tmp_path / "model.safetensors")
    shutil.copy(CKPT / "bad_malicious_root.pth", tmp_path / "pytorch_model.bin")
    assert read_checkpoint(tmp_path).file_name == "model.safetensors"


def test_the_only_weights_file_of_a_folder_is_taken(tmp_path: Path) -> None:
    shutil.copy(CKPT / "orig_model.pth", tmp_path / "SwiftFormer_XS.pth")
    (tmp_path / "notes.txt").write_text("hello")
    assert read_checkpoint(tmp_path).file_name == "SwiftFormer_XS.pth"
    shutil.copy(CKPT / "orig_model.pth", tmp_path / "another.pth")
    assert_refused(NotACheckpointError, lambda: read_checkpoint(tmp_path), str(tmp_path), "2 weights files")


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    assert_refused(NotACheckpointError, lambda: read_checkpoint(tmp_path), str(tmp_path), "folder without")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert_refused(UnreadableFileError, lambda: read_checkpoint(tmp_path / "x.pth"), "x.pth", "no such file")
    assert_refused(UnreadableFileError, lambda: read_checkpoint("a\0b"), "cannot be read")
    long = tmp_path / ("x" * 5000)
    assert_refused(UnreadableFileError, lambda: read_checkpoint(long), "too long")


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    assert_refused(UnreadableFileError, lambda: read_checkpoint(tmp_path / "pipe.pth"), "not a regular file")
    assert_refused(UnreadableFileError, lambda: read_checkpoint("/dev/null"), "not a regular file")
    os.mkfifo(tmp_path / "config.json")
    shutil.copy(CKPT / "timm_model.safetensors", tmp_path / "model.safetensors")
    assert_refused(
        UnreadableFileError, lambda: read_checkpoint(tmp_path), "config.json", "not a regular file"
    )


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.pth"
    shutil.copy(CKPT / "orig_model.pth", path)
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("builtins.open", refuse)
    assert_refused(UnreadableFileError, lambda: read_checkpoint(path), str(path), "permission denied")


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert_refused(UnreadableFileError, lambda: read_checkpoint(tmp_path), str(tmp_path), "permission denied")


def test_json_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    shutil.copy(CKPT / "timm_model.safetensors", tmp_path / "model.safetensors")
    monkeypatch.setattr(Path, "exists", refuse)
    assert_refused(UnreadableFileError, lambda: read_checkpoint(tmp_path), "config.json", "permission denied")


def test_a_file_that_becomes_shorter_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(b"x" * 100)
    with ByteSource(path) as source:
        path.write_bytes(b"x" * 10)
        assert_refused(UnreadableFileError, lambda: source.read(0, 100), str(path), "shorter")


def test_a_disk_that_fails_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(b"x" * 100)
    with ByteSource(path) as source:
        source._file.close()

        class Failing:
            def seek(self, _: int) -> None:
                raise OSError(5, "Input/output error")

            def close(self) -> None:
                pass

        monkeypatch.setattr(source, "_file", Failing())
        assert_refused(UnreadableFileError, lambda: source.read(0, 1), str(path), "input/output error")


def test_a_file_that_changed_has_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    shutil.copy(CKPT / "orig_model.pth", path)
    changed, gone = read_checkpoint(path), read_checkpoint(path)
    path.write_bytes(path.read_bytes() + b"x")
    assert_refused(UnreadableFileError, lambda: changed.sha256, str(path), "changed")
    path.unlink()
    assert_refused(UnreadableFileError, lambda: gone.sha256, str(path), "cannot be read again")


def test_the_ema_of_shards_is_not_known(tmp_path: Path) -> None:
    shards(tmp_path, "safetensors")
    assert_refused(NoWeightsError, lambda: read_checkpoint(tmp_path, weights="ema"), "'ema'")
