"""A .tflite file unpacked, changed and packed again, with every weight inside the flatbuffer and aligned.

litert-quantizer keeps weights behind the flatbuffer (`Buffer.offset`), where writers of metadata that do not know
this field lose them without a word; and flatbuffers' Python classes drop the alignment of 16 bytes that the public
schema asks for (`Buffer.data`, `force_align: 16` in schema.fbs). Both are set right here.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

from converters.tflite.model_schema import IDENTIFIER
from swiftformer_keras.errors import TFLiteFileError

ALIGNMENT = 16
"""Of a buffer's data inside the file, in bytes."""


def repack(tflite: bytes, *, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> bytes:
    """The same model with its weights inside the flatbuffer and its inputs and outputs named.

    Args:
        tflite: a model of one subgraph, as a converter or quantiser wrote it.
        inputs, outputs: names for the subgraph's input and output tensors, in its order.

    Raises:
        TFLiteFileError: the bytes are no such model, or a buffer reaches past their end.
    """
    from ai_edge_litert import schema_py_generated as schema

    if tflite[4:8] != IDENTIFIER:
        raise TFLiteFileError("the model: is no .tflite file. Export it again")
    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    if len(model.subgraphs) != 1:
        raise TFLiteFileError(f"the model: has {len(model.subgraphs)} subgraphs, not one. Export it again")
    for buffer in model.buffers:
        _bring_inside(buffer, tflite)
    graph = model.subgraphs[0]
    for indices, names in ((graph.inputs, inputs), (graph.outputs, outputs)):
        for index, name in zip(indices, names, strict=True):
            graph.tensors[int(index)].name = name.encode()
    return pack(model, len(tflite))


def pack(model: Any, size_bytes: int) -> bytes:
    """An unpacked model (`ModelT`, its weights inside) as a file; `size_bytes` is about how large it will be."""
    builder = _AlignedBuilder(size_bytes + (1 << 20))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _bring_inside(buffer: Any, tflite: bytes) -> None:
    # offsets 0 and 1 mean "none" (schema.fbs: "the offset must be at least 2")
    if buffer.offset > 1:
        if buffer.offset + buffer.size > len(tflite):
            raise TFLiteFileError("the model: a buffer reaches past the end of the file. Export it again")
        buffer.data = np.frombuffer(tflite, np.uint8, buffer.size, buffer.offset)
    buffer.offset = buffer.size = 0


class _AlignedBuilder(flatbuffers.Builder):
    """Aligns the vectors of bytes made from arrays (weights and metadata) as the schema asks."""

    def CreateNumpyVector(self, x: np.ndarray) -> int:  # noqa: N802  flatbuffers' own name
        if x.dtype != np.uint8:
            return int(super().CreateNumpyVector(x))
        self.StartVector(1, x.size, ALIGNMENT)
        self.head -= x.size
        self.Bytes[self.head : self.head + x.size] = x.tobytes()
        return int(self.EndVector())
