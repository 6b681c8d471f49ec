"""Damaged and hostile models: each ends in one line, and none takes this process with it."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.classify import classify
from converters.tflite.inspect import inspect_tflite
from converters.tflite.metadata import read_metadata, write_metadata
from converters.tflite.sandbox import run_in_child
from swiftformer_keras.errors import SwiftFormerError, TFLiteFileError
from swiftformer_keras.preprocessing import Preprocessing
from tests.converters.tflite.models import Change, card, picture, tiny, written
from tests.harness import assert_refused

OURS = write_metadata(tiny(), card())
FLATBUFFER = OURS[: OURS.index(b"PK\x03\x04")]  # the model and its standard metadata, no files
PIXELS = Preprocessing(32, 24, "squash")

# --- no file, or none of these ----------------------------------------------------------------------


def test_no_file_a_directory_an_empty_one_a_device(tmp_path: Path) -> None:
    for path, mention in [
        (tmp_path / "missing.tflite", "no such file"),
        (tmp_path, "is a directory"),
        (written(tmp_path, b""), "is empty"),
        (Path("/dev/null"), "no regular file"),
        (tmp_path / ("x" * 300 + ".tflite"), ""),
    ]:
        for read in (inspect_tflite, read_metadata):
            assert_refused(TFLiteFileError, lambda read=read, path=path: read(path), mention)


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the refusal of the system is played."""
    path = written(tmp_path, OURS)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert_refused(TFLiteFileError, lambda: inspect_tflite(path), str(path), "Permission denied")


@pytest.mark.parametrize(
    "data", [b"\x1c\0\0\0TFL2" + bytes(64), b"PK\x03\x04" + bytes(64), b"\0" * 64, b"TFL3"]
)
def test_another_format(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, data)
    assert_refused(TFLiteFileError, lambda: inspect_tflite(path), str(path), "no .tflite file")


def test_cut_at_any_point(tmp_path: Path) -> None:
    for size in sorted({*range(64), *range(64, len(OURS), 61)}):
        path = written(tmp_path, OURS[:size])
        assert_one_line_or_fine(lambda path=path: inspect_tflite(path))
        with pytest.raises(TFLiteFileError) as caught:
            read_metadata(path)
        assert "\n" not in str(caught.value)


def test_any_bytes_changed(tmp_path: Path) -> None:
    """A thousand damaged files: each is read as something or refused in one line."""
    generator = random.Random(3)
    refused = 0
    for _ in range(1000):
        data = bytearray(OURS)
        for _ in range(generator.choice((1, 1, 2, 8))):
            data[generator.randrange(len(data))] = generator.choice(
                (0, 1, 0x7F, 0x80, 0xFF, generator.randrange(256))
            )
        path = written(tmp_path, bytes(data))
        refused += assert_one_line_or_fine(lambda path=path: inspect_tflite(path))
        assert_one_line_or_fine(lambda path=path: read_metadata(path))
    assert refused > 50


def assert_one_line_or_fine(call: Callable[[], Any]) -> bool:
    """Whether `call` was refused; any other exception fails the test."""
    message = ""
    try:
        call()
    except SwiftFormerError as error:
        message = str(error)
    assert "\n" not in message, repr(message)
    return bool(message)


# --- lying flatbuffers ------------------------------------------------------------------------------


def raw_flatbuffer(*words: int) -> bytes:
    """A file of these 32-bit words after root offset and identifier."""
    return struct.pack(f"<I4s{len(words)}I", 8, b"TFL3", *words)


def model_of_shared_vectors() -> bytes:
    """20,000 subgraphs that are all the same one of 20,000 tensors: 160 KB that ask for 4 * 10^8 tensors."""
    builder = flatbuffers.Builder(1 << 20)
    builder.StartObject(1)
    tensor = builder.EndObject()
    builder.StartVector(4, 20_000, 4)
    for _ in range(20_000):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, tensors, 0)
    graph = builder.EndObject()
    builder.StartVector(4, 20_000, 4)
    for _ in range(20_000):
        builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    builder.StartObject(1)
    buffer = builder.EndObject()
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(buffer)
    buffers = builder.EndVector()
    builder.StartObject(5)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.PrependUOffsetTRelativeSlot(4, buffers, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"TFL3")
    return bytes(builder.Output())


LYING = {
    "root beyond the end": struct.pack("<I4s", 1 << 31, b"TFL3") + bytes(64),
    "root points at itself": struct.pack("<I4s", 0, b"TFL3") + bytes(64),
    "field list before the beginning": raw_flatbuffer(0x7FFFFFFF, 0, 0),
    "field list beyond the end": raw_flatbuffer(0x80000000, 0, 0),
    "field list of no length": raw_flatbuffer(0xFFFFFFFC, 0, 0),
    "field list of odd length": raw_flatbuffer(0xFFFFFFFC, 7, 0),
    "field list of 65534 bytes": raw_flatbuffer(0xFFFFFFFC, 0xFFFE, 0),
    "vectors that share vectors": model_of_shared_vectors(),
}


@pytest.mark.parametrize("data", LYING.values(), ids=LYING)
def test_offsets_that_lie(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, data)
    assert_refused(TFLiteFileError, lambda: inspect_tflite(path), str(path))
    assert_refused(TFLiteFileError, lambda: classify(path, [], preprocessing=PIXELS), str(path))
    assert assert_one_line_or_fine(lambda: read_metadata(path))


def test_a_vector_that_claims_four_billion_entries(tmp_path: Path) -> None:
    """Every vector length of the file in turn."""
    refused = 0
    for position in range(8, len(FLATBUFFER) - 4, 4):
        data = bytearray(FLATBUFFER)
        data[position : position + 4] = b"\xff\xff\xff\xff"
        path = written(tmp_path, bytes(data))
        refused += assert_one_line_or_fine(lambda path=path: inspect_tflite(path))
    assert refused > 50


def set_graph(**values: Any) -> Change:
    def change(model: Any) -> None:
        for name, value in values.items():
            setattr(model.subgraphs[0], name, value)

    return change


def no_graph(model: Any) -> None:
    model.subgraphs = []


def old_version(model: Any) -> None:
    model.version = 2


def buffer_number(model: Any) -> None:
    model.subgraphs[0].tensors[0].buffer = 99


def code_number(model: Any) -> None:
    model.subgraphs[0].operators[0].opcodeIndex = 99


def outside_the_file(model: Any) -> None:
    model.buffers[2].offset, model.buffers[2].size = 1 << 40, 48


def many_dimensions(model: Any) -> None:
    model.subgraphs[0].tensors[0].shape = np.ones(100, np.int32)


def metadata_number(model: Any) -> None:
    entry = schema.MetadataT()
    entry.name, entry.buffer = "TFLITE_METADATA", 99
    model.metadata = [entry]


def metadata_twice(model: Any) -> None:
    metadata_number(model)
    model.metadata[0].buffer = 0
    model.metadata = model.metadata * 2


def metadata_of_noise(model: Any) -> None:
    metadata_number(model)
    model.buffers.append(schema.BufferT())
    model.buffers[-1].data = np.frombuffer(b"\x08\0\0\0M001\xff\xff\xff\x7f" + bytes(32), np.uint8)
    model.metadata[0].buffer = len(model.buffers) - 1


DAMAGED = {
    "no graph": (no_graph, "no graph"),
    "schema version": (old_version, "version 2"),
    "input that is not there": (set_graph(inputs=np.array([99], np.int32)), "tensor 99"),
    "negative output": (set_graph(outputs=np.array([-1], np.int32)), "tensor -1"),
    "buffer that is not there": (buffer_number, "buffer 99"),
    "operator code that is not there": (code_number, "operator code 99"),
    "weights beyond the file": (outside_the_file, "outside the file"),
    "a hundred dimensions": (many_dimensions, "100 entries"),
    "metadata that is not there": (metadata_number, "entry 99"),
    "metadata twice": (metadata_twice, "2 entries"),
    "metadata of noise": (metadata_of_noise, "metadata"),
}


@pytest.mark.parametrize(("change", "mention"), DAMAGED.values(), ids=DAMAGED)
def test_models_that_refer_to_what_is_not_there(tmp_path: Path, change: Change, mention: str) -> None:
    path = written(tmp_path, tiny(change))
    assert_refused(TFLiteFileError, lambda: inspect_tflite(path), str(path), mention)


def test_a_model_that_wants_to_read_other_files(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        group = schema.ExternalBufferGroupT()
        group.name = "/etc/passwd"
        buffer = schema.ExternalBufferT()
        buffer.length = 16
        model.externalBufferGroups, model.externalBuffers = [group], [buffer]

    path = written(tmp_path, tiny(change))
    assert inspect_tflite(path).other_files == 1
    assert_refused(TFLiteFileError, lambda: classify(path, [], preprocessing=PIXELS), "other files")


# --- files that are run -----------------------------------------------------------------------------


def crash(model: Any) -> None:
    """SPLIT into no parts: LiteRT 2.3 reads a null pointer."""
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SPLIT
    operator = model.subgraphs[0].operators[0]
    operator.builtinOptionsType, operator.builtinOptions = (
        schema.BuiltinOptions.SplitOptions,
        schema.SplitOptionsT(),
    )
    operator.inputs = operator.inputs[::-1].copy()


def two_inputs(model: Any) -> None:
    model.subgraphs[0].inputs = np.array([0, 2], np.int32)


def too_large(model: Any) -> None:
    model.subgraphs[0].tensors[0].shape = np.array([1, 1 << 15, 1 << 15, 3], np.int32)


def negative_size(model: Any) -> None:
    model.subgraphs[0].tensors[0].shape = np.array([1, -5, 24, 3], np.int32)


def dynamic_size(model: Any) -> None:
    model.subgraphs[0].tensors[0].shape = np.array([1, 1, 1, 3], np.int32)
    model.subgraphs[0].tensors[0].shapeSignature = np.array([1, -1, -1, 3], np.int32)


def one_channel(model: Any) -> None:
    model.subgraphs[0].tensors[0].shape = np.array([1, 32, 24, 1], np.int32)
    model.buffers[2].data = model.buffers[2].data[:16]
    model.subgraphs[0].tensors[2].shape = np.array([1, 1], np.int32)
    model.subgraphs[0].tensors[3].shape = np.array([4, 1], np.int32)


def short_weights(model: Any) -> None:
    model.buffers[2].data = model.buffers[2].data[:8]


def custom_operator(model: Any) -> None:
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "Evil"


def not_numbers(model: Any) -> None:
    model.buffers[3].data = np.frombuffer(np.full(4, np.nan, np.float32).tobytes(), np.uint8)


RUN = {
    "crash": (crash, "SIGSEGV"),
    "two inputs": (two_inputs, "2 inputs"),
    "more memory than allowed": (too_large, "LiteRT refuses"),
    "negative size": (negative_size, "LiteRT refuses"),
    "size chosen at run time": (dynamic_size, "(1, -1, -1, 3)"),
    "one grey channel": (one_channel, "(1, 32, 24, 1)"),
    "weights cut short": (short_weights, "LiteRT refuses"),
    "operator nobody has": (custom_operator, "Evil"),
    "scores that are no numbers": (not_numbers, "no numbers"),
}


@pytest.mark.parametrize(("change", "mention"), RUN.values(), ids=RUN)
def test_files_that_fail_when_run(tmp_path: Path, change: Change, mention: str) -> None:
    path = written(tmp_path, tiny(change))
    assert_refused(
        TFLiteFileError, lambda: classify(path, [picture(tmp_path)], preprocessing=PIXELS), str(path), mention
    )


def test_a_file_that_runs_too_long_is_stopped(tmp_path: Path) -> None:
    def run() -> None:
        with run_in_child(written(tmp_path, OURS), timeout_s=0.01):
            pass

    assert_refused(TFLiteFileError, run, "took longer")
