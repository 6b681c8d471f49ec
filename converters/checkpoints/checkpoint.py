"""What reading a checkpoint gives: named arrays and the facts that the files state about themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from converters.checkpoints.select import Weights
from converters.checkpoints.source import FileStamp, place, reason
from swiftformer_keras.errors import UnreadableFileError


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint's tensors under the names in its file, less what wrappers put before all of them.

    Attributes:
        path: what was read: a file, or a folder.
        tensors: name -> array in torch's layout and the file's element type, but native-endian; bfloat16 is
            `ml_dtypes.bfloat16`, as in JAX and TensorFlow. The arrays are the reader's only copy; those that
            share a storage in the file share memory, and strided ones are views.
        left_aside: names in the file of tensors that are not the network's: a detector's other parts, counters of
            an average.
        container: "safetensors", "torch zip" or "torch legacy".
        weights: "model" or "ema", the set that was taken.
        metadata: `__metadata__` of a safetensors file.
        config: config.json beside the weights.
        preprocessor_config: preprocessor_config.json beside the weights.
        file_name: the weights file's name; the index's for a sharded checkpoint.
        size_bytes: of all weights files together.
        files: the weights files as they were when they were read.
    """

    path: Path
    tensors: dict[str, np.ndarray]
    left_aside: tuple[str, ...]
    container: str
    weights: Weights
    metadata: dict[str, str]
    config: dict[str, Any] | None
    preprocessor_config: dict[str, Any] | None
    file_name: str
    size_bytes: int
    files: tuple[FileStamp, ...] = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the weights file; of the sorted lines "digest  name" when there are several.

        Computed when first asked for: it takes longer than reading the tensors does.

        Raises:
            UnreadableFileError: a file is no longer the one that was read.
        """
        digests = [(_digest(stamp), stamp.path.name) for stamp in self.files]
        if len(digests) == 1:
            return digests[0][0]
        lines = sorted(f"{digest}  {name}\n" for digest, name in digests)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def _digest(stamp: FileStamp) -> str:
    try:
        with open(stamp.path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        unchanged = FileStamp.of(stamp.path, stamp.path.stat()) == stamp
    except OSError as error:
        raise UnreadableFileError(
            f"{place(stamp.path)}: cannot be read again ({reason(error)}). Keep the file until the command ends"
        ) from error
    if not unchanged:
        raise UnreadableFileError(
            f"{place(stamp.path)}: changed after its tensors were read. Run the command again"
        )
    return digest
