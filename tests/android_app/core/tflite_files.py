"""Small .tflite files for the core's tests: whole ones with what Python reads in them, and hostile ones.

`good/NAME.tflite` with `good/NAME.json`; `refused/KIND/NAME.tflite`, where KIND is the problem that the core must
name; `hostile/NAME.tflite`, which must be refused, with whatever problem; `odd/NAME.tflite`, which may be read or
refused (this library refuses them for what the core does not look at), but never with another exception.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.associated_files import append_files
from converters.tflite.card import ModelCard
from converters.tflite.metadata import read_metadata, write_metadata
from swiftformer_keras.preprocessing import PREPROCESSINGS, Preprocessing
from tests.converters.tflite import test_hostile_cards, test_hostile_tflite
from tests.converters.tflite.models import Change, card, tiny

TYPES = schema.TensorType
NOT_LOOKED_AT = {"another input kind", "another name", "another licence"}
"""Cards that this library refuses because the standard metadata says otherwise."""


def quantised(
    kind: int, input_scale: float, input_zero: int, output_scale: float, output_zero: int
) -> Change:
    """Input and output of this type; the graph between them is not run by these tests."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        for index, scale, zero in (
            (graph.inputs[0], input_scale, input_zero),
            (graph.outputs[0], output_scale, output_zero),
        ):
            tensor = graph.tensors[index]
            tensor.type = kind
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.array([scale], np.float32)
            tensor.quantization.zeroPoint = np.array([zero], np.int64)

    return change


def typed(which: str, kind: int) -> Change:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[getattr(graph, which)[0]].type = kind

    return change


def shaped(which: str, *shape: int) -> Change:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[getattr(graph, which)[0]].shape = np.array(shape, np.int32)

    return change


def external(model: Any) -> None:
    group, buffer = schema.ExternalBufferGroupT(), schema.ExternalBufferT()
    group.name, buffer.length = "/etc/passwd", 16
    model.externalBufferGroups, model.externalBuffers = [group], [buffer]


def short_weights(model: Any) -> None:
    model.buffers[2].data = model.buffers[2].data[:8]


def far_tensor(model: Any) -> None:
    model.subgraphs[0].operators[1].inputs = np.array([0, 77, 4], np.int32)


def two_inputs(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.inputs = np.array([graph.inputs[0], graph.inputs[0]], np.int32)


def changed_after(change: Change, **options: Any) -> bytes:
    """A file whose graph was changed after its metadata were written."""
    data = write_metadata(tiny(), card(**options))
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    change(model)
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return append_files(bytes(builder.Output()), test_hostile_cards.FILES)


def undated(data: bytes) -> bytes:
    """The same file with the first date there is in its archive, which Python's zipfile fills in from the clock."""
    changed = bytearray(data)
    for signature, place in ((b"PK\x03\x04", 10), (b"PK\x01\x02", 12)):
        position = -1
        while (position := changed.find(signature, position + 1)) >= 0:
            changed[position + place : position + place + 4] = struct.pack("<HH", 0, 0x21)
    return bytes(changed)


def good() -> dict[str, tuple[bytes, ModelCard]]:
    """Files that the core reads, with their cards."""
    made: dict[str, tuple[bytes, ModelCard]] = {}

    def add(name: str, change: Change | None = None, **changes: Any) -> None:
        wanted = card(**changes)
        size = {"height": wanted.preprocessing.height, "width": wanted.preprocessing.width}
        made[name] = (write_metadata(tiny(change, **size), wanted), wanted)

    add("tiny")
    add("normalized", input_kind="normalized")
    add("bgr", input_kind="normalized", preprocessing=Preprocessing(32, 24, channel_order="bgr"))
    add("no labels", labels=None)
    add("probabilities", output_kind="probabilities")
    add("int8", quantised(TYPES.INT8, 0.0186, -14, 0.25, 7), input_kind="normalized", precision="int8")
    add("uint8", quantised(TYPES.UINT8, 1.0, 0, 0.125, 128), precision="int8")
    for name, preprocessing in PREPROCESSINGS.items():
        add(name, preprocessing=preprocessing, input_kind="normalized")
    return made


def refused() -> dict[str, bytes]:
    """Files by the problem that the core must name, and a name."""
    labels = test_hostile_cards.FILES
    return {
        "EMPTY/nothing": b"",
        "NOT_TFLITE/text": b"This is no model, only a line of text.\n",
        "NOT_TFLITE/zip": b"PK\x03\x04" + bytes(64),
        "NOT_TFLITE/four bytes": b"TFL3",
        "NOT_TFLITE/zeros": bytes(4096),
        "NO_METADATA/plain": tiny(),
        "NO_CARD/labels only": test_hostile_cards.with_files({"labels.txt": labels["labels.txt"]}),
        "NO_CARD/no files": test_hostile_cards.FLATBUFFER,
        "DAMAGED/weights too short": tiny(short_weights),
        "DAMAGED/operator of tensor 77": tiny(far_tensor),
        "DAMAGED/other files": tiny(external),
        "WRONG_TYPE/int32 input": changed_after(typed("inputs", TYPES.INT32)),
        "WRONG_TYPE/float16 output": changed_after(typed("outputs", TYPES.FLOAT16)),
        "NO_SCALE/int8 without": changed_after(typed("inputs", TYPES.INT8)),
        "NO_SCALE/nan": changed_after(quantised(TYPES.INT8, float("nan"), 0, 1.0, 0)),
        "NO_SCALE/zero point": changed_after(quantised(TYPES.INT8, 1.0, 1000, 1.0, 0)),
        "NOT_A_PICTURE_INPUT/one channel": changed_after(shaped("inputs", 1, 32, 24, 1)),
        "NOT_A_PICTURE_INPUT/two": changed_after(two_inputs),
        "NOT_A_PICTURE_INPUT/batch": changed_after(shaped("inputs", 2, 32, 24, 3)),
        "NOT_SCORES/map": changed_after(shaped("outputs", 1, 2, 2)),
        "WRONG_INPUT_SIZE/taller": changed_after(shaped("inputs", 1, 40, 24, 3)),
        "WRONG_LABEL_COUNT/classes": changed_after(shaped("outputs", 1, 7)),
        "LABELS_MISSING/gone": test_hostile_cards.with_files(
            {"swiftformer.json": labels["swiftformer.json"]}
        ),
        "WRONG_LABEL_COUNT/three": test_hostile_cards.with_files({**labels, "labels.txt": b"a\nb\nc\n"}),
        "BAD_LABELS/blank": test_hostile_cards.with_files({**labels, "labels.txt": b"a\n\nc\nd\n"}),
        "BAD_LABELS/right to left": test_hostile_cards.with_files(
            {**labels, "labels.txt": "a\nb\nc\n\u202ed\n".encode()}
        ),
        "BAD_PREPROCESSING/filter": test_hostile_cards.with_card(
            b'"filter": "bicubic"', b'"filter": "magic"'
        ),
        "BAD_PREPROCESSING/std": test_hostile_cards.with_card(b"0.25", b"0"),
        "BAD_CARD/output": test_hostile_cards.with_card(b'"logits"', b'"entropy"'),
        "OTHER_CARD_FORMAT/two": test_hostile_cards.with_card(b'"format": 1', b'"format": 2'),
    }


def files() -> dict[str, bytes]:
    """All of them by their names in the archive."""
    made: dict[str, bytes] = {}
    for name, (data, wanted) in good().items():
        read = read_metadata(data)
        assert read == wanted
        facts = {**read.to_dict(), "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        made[f"good/{name}.tflite"] = data
        made[f"good/{name}.json"] = json.dumps(facts, sort_keys=True).encode()
    for name, data in refused().items():
        made[f"refused/{name}.tflite"] = data
    for name, (data, _) in test_hostile_cards.LYING_CARDS.items():
        folder = "odd" if name in NOT_LOOKED_AT else "hostile"
        made[f"{folder}/card {name}.tflite"] = undated(data)
    for name, data in test_hostile_tflite.LYING.items():
        made[f"hostile/offsets {name}.tflite"] = data
    for name, (change, _) in test_hostile_tflite.DAMAGED.items():
        made[f"hostile/graph {name}.tflite"] = tiny(change)
    return made
