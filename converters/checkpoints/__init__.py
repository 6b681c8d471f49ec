"""Checkpoint files in, named numpy arrays out, without torch and without running anything of the file.

`read_checkpoint` recognises the container (`containers.py`): safetensors (`safetensors.py`), torch's zip
(`torch_zip.py`) and legacy (`torch_legacy.py`) files, whose pickles `pickle_machine.py` interprets with the names
in `inert.py` only, or a folder of transformers or timm (`folder.py`). `select.py` chooses between a model and its
moving average and takes off what wrappers and detectors put around a network, `tensors.py` checks every size against
the file and reads. Next: `converters/layouts.py`.
"""

from __future__ import annotations

from pathlib import Path

from converters.checkpoints.checkpoint import Checkpoint
from converters.checkpoints.containers import read_file
from converters.checkpoints.folder import INDEX_FILES, SINGLE_FILES, read_file_in_folder, read_folder
from converters.checkpoints.select import Weights, network_tensors
from converters.checkpoints.source import place, quoted
from swiftformer_keras.errors import NoWeightsError

__all__ = ["Checkpoint", "read_checkpoint"]


def read_checkpoint(path: str | Path, *, weights: Weights | None = None) -> Checkpoint:
    """Read a file or a folder of weights.

    A file under the name that transformers and timm give it, such as model.safetensors, is read together with
    config.json and preprocessor_config.json beside it.

    Args:
        path: a .pth, .pt, .bin, .safetensors or other file that torch or safetensors wrote; an index of shards; or a
            folder.
        weights: which set of a training file: "model", "ema", or None for the EMA where there is one.

    Raises:
        CheckpointError: a subclass that says what is wrong, where, and what to do.
    """
    path = Path(path)
    if weights not in (None, "model", "ema"):
        raise NoWeightsError(
            f"{place(path)}: no file has weights {quoted(weights)}. Ask for 'model' or 'ema'"
        )
    if _is_directory(path):
        return read_folder(path, weights)
    if path.name in SINGLE_FILES + INDEX_FILES:
        return read_file_in_folder(path, weights, path)
    file = read_file(path, weights)
    tensors, left_aside = network_tensors(file.tensors)
    return Checkpoint(
        path=path,
        tensors=tensors,
        left_aside=left_aside,
        container=file.container,
        weights=file.weights,
        metadata=file.metadata,
        config=None,
        preprocessor_config=None,
        file_name=path.name,
        size_bytes=file.stamp.size_bytes,
        files=(file.stamp,),
    )


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # reading it will say why
        return False
