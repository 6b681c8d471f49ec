"""One named entry (`Model.metadata`) put into a .tflite flatbuffer.

The model is unpacked and packed again by the public schema's own module, in the order it had. Its Python
packer leaves out one demand of the schema, that buffers lie at multiples of 16 bytes (delegates read the
weights where they lie), so buffers are packed here.
"""

from __future__ import annotations

from typing import Any


def set_entry(model: bytes, name: str, content: bytes) -> bytes:
    """`model` with `content` under `name`; an entry of that name is replaced.

    What lies behind the flatbuffer (an archive of associated files) is not taken along. The same input
    gives the same bytes.

    Args:
        model: a sound .tflite file of our own, all of its weights inside the flatbuffer.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    unpacked = schema.ModelT.InitFromPackedBuf(model, 0)
    buffer = schema.BufferT(data=content)
    entries = list(unpacked.metadata or [])
    existing = next((entry for entry in entries if entry.name == name.encode()), None)
    if existing is not None:
        unpacked.buffers[existing.buffer] = buffer
    else:
        unpacked.buffers.append(buffer)
        entries.append(schema.MetadataT(name=name, buffer=len(unpacked.buffers) - 1))
    unpacked.metadata = entries
    unpacked.buffers = [_Packed(schema, buffer.data) for buffer in unpacked.buffers]
    builder = flatbuffers.Builder(len(model) + len(content) + 4096)
    builder.Finish(unpacked.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


class _Packed:
    """A `Buffer` that packs itself with its data at a multiple of 16 bytes (`force_align` in schema.fbs)."""

    def __init__(self, schema: Any, data: Any) -> None:
        self.schema = schema
        self.data = data

    def Pack(self, builder: Any) -> int:  # noqa: N802  the generated packer calls it by this name
        offset = None
        if self.data is not None and len(self.data):
            content = bytes(memoryview(self.data))
            builder.Prep(16, len(content))
            offset = builder.CreateByteVector(content)
        self.schema.BufferStart(builder)
        if offset is not None:
            self.schema.BufferAddData(builder, offset)
        return int(self.schema.BufferEnd(builder))
