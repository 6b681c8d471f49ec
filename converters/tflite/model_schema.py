"""Field numbers of the public TFLite schema (schema.fbs, version 3), and a model file's own tables by name.

Only what `inspect`, the delegates' rules and the metadata need; operators' options are read where they are used.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from converters.tflite.bounded import Bytes, Table
from swiftformer_keras.errors import TFLiteFileError

IDENTIFIER = b"TFL3"
MAX_FILE_BYTES = (1 << 31) - 1  # flatbuffer offsets are 32 bits, the runtime's are signed


class ModelField(IntEnum):
    VERSION = 0
    OPERATOR_CODES = 1
    SUBGRAPHS = 2
    DESCRIPTION = 3
    BUFFERS = 4
    METADATA_BUFFER = 5
    METADATA = 6
    SIGNATURE_DEFS = 7
    EXTERNAL_BUFFER_GROUPS = 8
    EXTERNAL_BUFFERS = 9


class OperatorCodeField(IntEnum):
    DEPRECATED_BUILTIN_CODE = 0
    CUSTOM_CODE = 1
    VERSION = 2
    BUILTIN_CODE = 3


class SubGraphField(IntEnum):
    TENSORS = 0
    INPUTS = 1
    OUTPUTS = 2
    OPERATORS = 3
    NAME = 4


class TensorField(IntEnum):
    SHAPE = 0
    TYPE = 1
    BUFFER = 2
    NAME = 3
    QUANTIZATION = 4
    IS_VARIABLE = 5
    SPARSITY = 6
    SHAPE_SIGNATURE = 7


class QuantizationField(IntEnum):
    MIN = 0
    MAX = 1
    SCALE = 2
    ZERO_POINT = 3
    QUANTIZED_DIMENSION = 6


class OperatorField(IntEnum):
    OPCODE_INDEX = 0
    INPUTS = 1
    OUTPUTS = 2
    OPTIONS = 4  # a table of the operator's own kind, which field 3 names


class BufferField(IntEnum):
    DATA = 0
    OFFSET = 1
    SIZE = 2


class MetadataField(IntEnum):
    NAME = 0
    BUFFER = 1


class SignatureField(IntEnum):
    INPUTS = 0
    OUTPUTS = 1
    SIGNATURE_KEY = 2
    SUBGRAPH_INDEX = 4


class TensorMapField(IntEnum):
    NAME = 0
    TENSOR_INDEX = 1


def read_file(path: Path) -> bytes:
    """A .tflite file's bytes.

    Raises:
        TFLiteFileError: there is no such file, it is a directory or empty, too large, or may not be read.
    """
    try:
        if path.is_dir():
            raise TFLiteFileError(f"{path}: is a directory. Give a .tflite file")
        if not path.exists():
            raise TFLiteFileError(f"{path}: there is no such file. Check the name")
        if not path.is_file():
            raise TFLiteFileError(f"{path}: is no regular file. Give a .tflite file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise TFLiteFileError(
                f"{path}: {size:,} bytes are more than a .tflite file can have. Give a .tflite file"
            )
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise TFLiteFileError(f"{path}: cannot be read: {reason or error}") from None
    if not data:
        raise TFLiteFileError(f"{path}: is empty. The download or copy failed; get it again")
    return data


def open_model(data: bytes, where: str) -> Table:
    """The root table `Model` of a .tflite file.

    Raises:
        TFLiteFileError: it is none, of another schema version, or has no subgraph.
    """
    model = Bytes(data, where).root(IDENTIFIER, ".tflite file")
    version = model.integer(ModelField.VERSION, "I")
    if version != 3:
        raise TFLiteFileError(
            f"{where}: schema version {version}, but .tflite files have 3. Convert the model again"
        )
    if not model.length(ModelField.SUBGRAPHS):
        raise TFLiteFileError(f"{where}: holds no graph. It is damaged or no model; get it again")
    return model


def buffer_range(buffer: Table, where: str) -> tuple[int, int] | None:
    """Offset in the file and size of a buffer kept outside the flatbuffer, or None when it is inside.

    Raises:
        TFLiteFileError: it lies outside the file.
    """
    offset, size = buffer.integer(BufferField.OFFSET, "Q"), buffer.integer(BufferField.SIZE, "Q")
    if offset <= 1 and size <= 1:  # the schema's own words: 0 and 1 mean that there is none
        return None
    if offset + size > len(buffer.source.data):
        raise TFLiteFileError(
            f"{where}: damaged: weights at byte {offset:,} ({size:,} bytes) lie outside the file. Get it again"
        )
    return offset, size


def named_buffer(model: Table, name: str, where: str) -> memoryview | None:
    """What a file keeps under a metadata name (`Model.metadata`), or None.

    Raises:
        TFLiteFileError: the name is there twice, or its buffer is not there.
    """
    found = [entry for entry in model.tables(ModelField.METADATA) if entry.text(MetadataField.NAME) == name]
    if not found:
        return None
    if len(found) > 1:
        raise TFLiteFileError(f"{where}: has {len(found)} entries named {name}. Write the metadata again")
    buffer = model.element(ModelField.BUFFERS, found[0].integer(MetadataField.BUFFER, "I"))
    outside = buffer_range(buffer, where)
    if outside is not None:
        offset, size = outside
        return buffer.source.data[offset : offset + size]
    return buffer.raw(BufferField.DATA)
