"""What is written into a .tflite file is read back equal, by us, by zipfile and by MediaPipe's schema module."""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from converters.tflite import associated_files
from converters.tflite.metadata import read_metadata, read_standard_metadata, write_metadata
from swiftformer_keras.errors import MetadataError, TFLiteFileError
from swiftformer_keras.preprocessing import Preprocessing
from tests.converters.tflite.models import LABELS, card, logits, tiny
from tests.harness import assert_refused

CARDS = {
    "pixels": {},
    "normalized": {"input_kind": "normalized"},
    "probabilities": {"output_kind": "probabilities"},
    "no labels": {"labels": None},
    "bgr": {
        "input_kind": "normalized",
        "preprocessing": Preprocessing(32, 24, "squash", mean=(0.1, 0.2, 0.3), channel_order="bgr"),
    },
    "needs LiteRT": {"needs_litert": True, "precision": "dynamic"},
}


def run(data: bytes, values: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (1, 32, 24, 3)).astype(np.float32)


@pytest.mark.parametrize("changes", CARDS.values(), ids=CARDS)
def test_the_card_is_read_back_equal(changes: dict[str, Any]) -> None:
    written = card(**changes)
    assert read_metadata(write_metadata(tiny(), written)) == written


def test_the_file_runs_as_before_and_keeps_its_parts() -> None:
    before = tiny()
    after = write_metadata(before, card())
    np.testing.assert_array_equal(run(after, picture()), run(before, picture()))
    np.testing.assert_allclose(run(after, picture()), logits(picture()[0]), atol=1e-4)
    old, new = (schema.ModelT.InitFromPackedBuf(data, 0) for data in (before, after))
    assert [t.name for t in new.subgraphs[0].tensors] == [t.name for t in old.subgraphs[0].tensors]
    assert new.description == old.description
    assert len(new.buffers) == len(old.buffers) + 1


def test_weights_lie_at_multiples_of_16_bytes() -> None:
    data = np.frombuffer(write_metadata(tiny(), card()), np.uint8)
    read = schema.Model.GetRootAsModel(data, 0)
    contents = [read.Buffers(index).DataAsNumpy() for index in range(read.BuffersLength())]
    offsets = [
        content.ctypes.data - data.ctypes.data for content in contents if isinstance(content, np.ndarray)
    ]
    assert len(offsets) == 4  # axes, weights, bias, metadata
    assert [offset % 16 for offset in offsets] == [0] * 4


def test_same_inputs_same_bytes_and_writing_twice_changes_nothing() -> None:
    once = write_metadata(tiny(), card())
    assert write_metadata(tiny(), card()) == once
    assert write_metadata(once, card()) == once
    other = write_metadata(once, card(name="Other", labels=None))
    assert other == write_metadata(tiny(), card(name="Other", labels=None))


def test_other_entries_of_the_model_stay() -> None:
    def change(model: Any) -> None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(b"1.14.0\0\0", np.uint8)
        model.buffers.append(buffer)
        entry = schema.MetadataT()
        entry.name, entry.buffer = "min_runtime_version", len(model.buffers) - 1
        model.metadata = [entry]

    read = schema.ModelT.InitFromPackedBuf(write_metadata(tiny(change), card()), 0)
    contents = {entry.name: bytes(read.buffers[entry.buffer].data) for entry in read.metadata}
    assert contents[b"min_runtime_version"] == b"1.14.0\0\0"
    assert set(contents) == {b"min_runtime_version", b"TFLITE_METADATA"}


def test_associated_files_are_stored_with_absolute_offsets_and_a_fixed_date() -> None:
    data = write_metadata(tiny(), card())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["labels.txt", "swiftformer.json"]
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            # zipfile corrects offsets that count from the archive's own beginning; here they must be right as stored
            assert data[entry.header_offset : entry.header_offset + 4] == b"PK\x03\x04"
        assert archive.start_dir == data.index(b"PK\x01\x02")
        assert archive.read("labels.txt").decode() == "\n".join(LABELS) + "\n"
        facts = json.loads(archive.read("swiftformer.json"))
    end = data.rindex(b"PK\x05\x06")
    assert int.from_bytes(data[end + 16 : end + 20], "little") == data.index(b"PK\x01\x02")
    assert facts["source"]["sha256"] == "ab" * 32
    assert facts["preprocessing"]["crop_fraction"] == 0.95


def test_standard_metadata_says_what_the_card_says() -> None:
    standard = read_standard_metadata(write_metadata(tiny(), card(input_kind="normalized")))
    assert standard is not None
    assert (standard.name, standard.author, standard.licence, standard.version) == (
        "Tiny",
        "Zoë",
        "Apache-2.0",
        "1.2",
    )
    image, scores = standard.inputs[0], standard.outputs[0]
    assert image.image_size == (24, 32)  # width, height
    np.testing.assert_allclose(image.mean, (102, 127.5, 153), rtol=1e-6)
    np.testing.assert_allclose(image.std, (51, 63.75, 76.5), rtol=1e-6)
    assert scores.score_threshold == float(np.finfo(np.float32).min)
    assert standard.labels_file == "labels.txt"


def test_a_bgr_input_is_not_called_rgb() -> None:
    standard = read_standard_metadata(write_metadata(tiny(), card(**CARDS["bgr"])))
    assert standard is not None
    assert standard.inputs[0].color_space == 0
    np.testing.assert_allclose(standard.inputs[0].mean, (76.5, 51, 25.5), rtol=1e-6)  # in the input's order


def generated_schema() -> ModuleType:
    """The module alone: importing its package would take ten seconds."""
    package = importlib.util.find_spec("mediapipe")
    if package is None or not package.submodule_search_locations:
        pytest.skip("mediapipe is not installed")
    folder = Path(package.submodule_search_locations[0]) / "tasks" / "metadata"
    spec = importlib.util.spec_from_file_location("generated", folder / "metadata_schema_py_generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mediapipes_own_schema_module_reads_every_field() -> None:
    """The bindings that flatc generated from the public schema, as an independent reading of our slots."""
    generated = generated_schema()
    data = write_metadata(tiny(), card())
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    content = next(
        bytes(model.buffers[entry.buffer].data)
        for entry in model.metadata
        if entry.name == b"TFLITE_METADATA"
    )
    assert generated.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
    read = generated.ModelMetadataT.InitFromObj(generated.ModelMetadata.GetRootAsModelMetadata(content, 0))
    assert (read.name, read.author) == (b"Tiny", "Zoë".encode())
    assert (read.license, read.version, read.minParserVersion) == (b"Apache-2.0", b"1.2", b"1.0.0")
    assert [(file.name, file.type) for file in read.associatedFiles] == [(b"swiftformer.json", 1)]
    image, scores = (
        read.subgraphMetadata[0].inputTensorMetadata[0],
        read.subgraphMetadata[0].outputTensorMetadata[0],
    )
    properties = image.content.contentProperties
    assert (properties.colorSpace, properties.defaultSize.width, properties.defaultSize.height) == (1, 24, 32)
    assert (list(image.processUnits[0].options.mean), list(image.processUnits[0].options.std)) == ([0], [1])
    assert (list(image.stats.min), list(image.stats.max)) == ([0], [255])
    assert scores.processUnits[0].options.globalScoreThreshold == np.finfo(np.float32).min
    labels = scores.associatedFiles[0]
    assert (labels.name, labels.type) == (b"labels.txt", generated.AssociatedFileType.TENSOR_AXIS_LABELS)


def test_a_file_without_metadata_says_what_to_do() -> None:
    assert read_standard_metadata(tiny()) is None
    assert_refused(MetadataError, lambda: read_metadata(tiny()), "no metadata", "--preprocessing", "export")


WRONG_CARDS = {
    "another size": ({"preprocessing": Preprocessing(24, 32)}, "(1, 24, 32, 3)"),
    "too few labels": ({"labels": LABELS[:3]}, "4 classes"),
    "a blank label": ({"labels": (*LABELS[:3], " ")}, "label 3"),
    "a label of two lines": ({"labels": ("a\nb", *LABELS[1:])}, "label 0"),
    "a label of two lines elsewhere": ({"labels": ("a\u2028b", *LABELS[1:])}, "label 0"),
}


@pytest.mark.parametrize(("changes", "mention"), WRONG_CARDS.values(), ids=WRONG_CARDS)
def test_a_card_that_does_not_fit_is_refused(changes: dict[str, Any], mention: str) -> None:
    assert_refused(MetadataError, lambda: write_metadata(tiny(), card(**changes)), mention)


@pytest.mark.parametrize(
    "changes",
    [{"input_kind": "bytes"}, {"output_kind": "labels"}, {"name": ""}, {"gelu": None}, {"needs_litert": 1}],
)
def test_a_card_of_wrong_values_is_refused(changes: dict[str, Any]) -> None:
    assert_refused(MetadataError, lambda: card(**changes), "model card")


def test_weights_outside_the_flatbuffer_are_refused_not_lost() -> None:
    """litert-quantizer leaves them there; a packer that does not know this drops them without a word."""

    def change(model: Any) -> None:
        model.buffers[2].data, model.buffers[2].offset, model.buffers[2].size = None, 64, 48

    assert_refused(TFLiteFileError, lambda: write_metadata(tiny(change), card()), "outside the flatbuffer")


def test_a_large_labels_file_reads_in_full() -> None:
    many = tuple(f"class number {index} · {'x' * 60}" for index in range(1000))
    data = associated_files.append_files(tiny(), {"labels.txt": "\n".join(many).encode()})
    content = associated_files.read_file(data, "labels.txt", "it")
    assert content is not None
    assert tuple(content.decode().split("\n")) == many
