"""One weights file to named arrays: the container is recognised by how the file begins, never by its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.checkpoints.safetensors import read_safetensors
from converters.checkpoints.select import Weights, select
from converters.checkpoints.source import ByteSource, FileStamp
from converters.checkpoints.tensors import materialise
from converters.checkpoints.torch_legacy import TorchLegacy
from converters.checkpoints.torch_zip import TorchZip
from swiftformer_keras.errors import NotACheckpointError, NoWeightsError, TruncatedError

# How files begin that people take for checkpoints, and what to do with each.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"version https://git-lfs", "is a git-lfs pointer, not the file itself. Run `git lfs pull`"),
    (0, b"<", "is a web page, probably of a failed download. Download the file again"),
    (0, b"\x89HDF", "is an HDF5 file. Give the PyTorch checkpoint it was made from"),
    (4, b"TFL3", "is a .tflite file. Give the PyTorch checkpoint it was made from"),
    (0, b"\x1f\x8b", "is compressed with gzip. Unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", "is compressed with zstd. Unpack it first"),
    (0, b"GGUF", "is a GGUF file. Give the PyTorch checkpoint it was made from"),
    (257, b"ustar", "is a tar archive. Unpack it first, or save it again with torch 0.4 or later"),
)


@dataclass(frozen=True)
class WeightsFile:
    """What one file holds, under the names in it."""

    tensors: dict[str, np.ndarray]
    container: str
    weights: Weights
    metadata: dict[str, str]
    stamp: FileStamp


def read_file(path: Path, weights: Weights | None) -> WeightsFile:
    """Read one weights file of any container.

    Raises:
        CheckpointError: a subclass that says what is wrong with it.
    """
    with ByteSource(path) as source:
        head = bytes(source.read(0, min(source.size, 512)))
        if _is_safetensors(head, source.size):
            return _safetensors(source, weights)
        if head.startswith(b"PK"):
            archive = TorchZip(source)
            return _torch(source, archive, "torch zip", weights)
        if head.startswith(b"\x80"):
            return _torch(source, TorchLegacy(source), "torch legacy", weights)
        if head[8:9] == b"{" or path.suffix == ".safetensors":
            return _safetensors(source, weights)
        for offset, magic, advice in _OTHERS:
            if head[offset:].startswith(magic):
                raise NotACheckpointError(f"{source.place}: {advice}")
        if not any(head):
            raise TruncatedError(
                f"{source.place}: begins with zeros. Its download was not finished; start it again"
            )
        raise NotACheckpointError(
            f"{source.place}: is no checkpoint of a known kind. Give a .pth, .pt, .bin or .safetensors file of weights"
        )


def _is_safetensors(head: bytes, size: int) -> bool:
    """A length that fits into the file, then an object. Asked first: the length may spell a zip or a pickle."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8


def _torch(
    source: ByteSource, reader: TorchZip | TorchLegacy, container: str, weights: Weights | None
) -> WeightsFile:
    chosen, kind = select(reader.describe(), weights, source.place)
    arrays = materialise(source, chosen, reader.locate, big_endian=reader.big_endian)
    return WeightsFile(arrays, container, kind, {}, source.stamp)


def _safetensors(source: ByteSource, weights: Weights | None) -> WeightsFile:
    if weights == "ema":
        raise NoWeightsError(
            f"{source.place}: a safetensors file holds one set of weights and does not say that it is 'ema'. Leave "
            "--weights away"
        )
    arrays, metadata = read_safetensors(source)
    if not arrays:
        raise NoWeightsError(f"{source.place}: holds no tensors. Download the file again")
    return WeightsFile(arrays, "safetensors", "model", metadata, source.stamp)
