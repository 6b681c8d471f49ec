"""One named entry (`Model.metadata`) put into a .tflite flatbuffer: unpacked and packed again in the order it had."""

from __future__ import annotations

import numpy as np

from converters.tflite.flatbuffer import pack


def set_entry(model: bytes, name: str, content: bytes) -> bytes:
    """`model` with `content` under `name`; an entry of that name is replaced.

    What lies behind the flatbuffer (an archive of associated files) is not taken along. The same input
    gives the same bytes.

    Args:
        model: a sound .tflite file of our own, all of its weights inside the flatbuffer.
    """
    from ai_edge_litert import schema_py_generated as schema

    unpacked = schema.ModelT.InitFromPackedBuf(model, 0)
    buffer = schema.BufferT(data=np.frombuffer(content, np.uint8))
    entries = list(unpacked.metadata or [])
    existing = next((entry for entry in entries if entry.name == name.encode()), None)
    if existing is not None:
        unpacked.buffers[existing.buffer] = buffer
    else:
        unpacked.buffers.append(buffer)
        entries.append(schema.MetadataT(name=name, buffer=len(unpacked.buffers) - 1))
    unpacked.metadata = entries
    return pack(unpacked, len(model) + len(content))
