"""Folders as transformers and timm publish them: weights, in one file or in shards, and JSON beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from converters.checkpoints.checkpoint import Checkpoint
from converters.checkpoints.containers import WeightsFile, read_file
from converters.checkpoints.select import Weights, network_tensors
from converters.checkpoints.source import exists, place, quoted, reason
from converters.checkpoints.strict_json import read_json_file
from swiftformer_keras.errors import JsonFileError, NotACheckpointError, ShardIndexError, UnreadableFileError

SINGLE_FILES = ("model.safetensors", "pytorch_model.bin")
INDEX_FILES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt", ".tar")
MAX_SHARDS = 256


def read_folder(folder: Path, weights: Weights | None) -> Checkpoint:
    """Read a folder: safetensors before pickles, one file before shards.

    Raises:
        NotACheckpointError: it holds no weights, or several files and none under a known name.
        CheckpointError: any other subclass, about the file concerned.
    """
    return read_file_in_folder(_weights_file(folder), weights, folder)


def read_file_in_folder(path: Path, weights: Weights | None, named: Path) -> Checkpoint:
    """Read a weights file or a shard index together with the JSON beside it; `named` is what the user gave."""
    folder = path.parent
    config = _optional(folder / "config.json")
    preprocessor_config = _optional(folder / "preprocessor_config.json")
    if path.name.endswith(".index.json"):
        files = _shards(path, weights)
        tensors = {name: array for file in files for name, array in file.tensors.items()}
        metadata: dict[str, str] = {}
    else:
        files = [read_file(path, weights)]
        tensors, metadata = files[0].tensors, files[0].metadata
    own, left_aside = network_tensors(tensors)
    return Checkpoint(
        path=named,
        tensors=own,
        left_aside=left_aside,
        container=files[0].container,
        weights=files[0].weights,
        metadata=metadata,
        config=config,
        preprocessor_config=preprocessor_config,
        file_name=path.name,
        size_bytes=sum(file.stamp.size_bytes for file in files),
        files=tuple(file.stamp for file in files),
    )


def _weights_file(folder: Path) -> Path:
    try:
        present = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise UnreadableFileError(
            f"{place(folder)}: cannot be read ({reason(error)}). Check its permissions"
        ) from error
    names = {path.name: path for path in present}
    for name in SINGLE_FILES[:1] + INDEX_FILES[:1] + SINGLE_FILES[1:] + INDEX_FILES[1:]:
        if name in names:
            return names[name]
    others = [path for path in present if path.suffix in _SUFFIXES]
    if len(others) == 1:
        return others[0]
    if others:
        raise NotACheckpointError(
            f"{place(folder)}: holds {len(others)} weights files. Name one of them, such as {quoted(others[0].name)}"
        )
    raise NotACheckpointError(
        f"{place(folder)}: is a folder without {', '.join(SINGLE_FILES)} or an index of shards. Give a folder as "
        "transformers or timm save it, or a file of weights"
    )


def _optional(path: Path) -> dict[str, Any] | None:
    return read_json_file(path) if exists(path) else None


def _shards(index: Path, weights: Weights | None) -> list[WeightsFile]:
    """The files that an index names, each holding exactly the tensors that the index says."""
    where = place(index)
    weight_map = read_json_file(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise JsonFileError(f"{where}: has no weight_map. Fetch the file again")
    promised: dict[str, set[str]] = {}
    for name, file_name in weight_map.items():
        if not isinstance(file_name, str) or not _is_plain(file_name):
            raise ShardIndexError(
                f"{where}: tensor {quoted(name)} is said to be in {quoted(file_name)}, which is no file of this "
                "folder. Fetch the index again"
            )
        promised.setdefault(file_name, set()).add(name)
    if len(promised) > MAX_SHARDS:
        raise ShardIndexError(
            f"{where}: names {len(promised):,} files, more than {MAX_SHARDS}. Fetch the index again"
        )
    files = []
    for file_name, names in sorted(promised.items()):
        path = index.parent / file_name
        if not exists(path):
            raise ShardIndexError(f"{where}: names {quoted(file_name)}, which is not there. Fetch all shards")
        file = read_file(path, weights)
        different = names ^ file.tensors.keys()
        if different:
            name = min(different)
            side = (
                "in the index but not in the shard" if name in names else "in the shard but not in the index"
            )
            raise ShardIndexError(
                f"{place(path)}: tensor {quoted(name)} is {side}. Fetch the index and all shards again"
            )
        files.append(file)
    return files


def _is_plain(name: str) -> bool:
    """A name of a file in the same folder, on every system."""
    return 0 < len(name) <= 255 and name not in (".", "..") and not set(name) & set("/\\:\0")
