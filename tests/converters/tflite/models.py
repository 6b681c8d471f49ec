"""A tiny image classifier as a .tflite file, built from the public schema alone: no converter, no wait.

`(1, height, width, 3)` -> mean over the picture -> dense -> `(1, classes)`. Tests change the unpacked model
before it is packed, to make every kind of odd or hostile file. Its logits are computed here by numpy too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from PIL import Image

from converters.tflite.metadata import ModelCard
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import Preprocessing

LABELS = ("red", "grün", "青", "brown bear, Ursus arctos")
WEIGHTS = np.array([[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1], [0.1, 0.1, -0.3]], np.float32) / 50
BIAS = np.array([0.25, 0, -0.25, 0.5], np.float32)

Change = Callable[[Any], None]


def logits(pixels: np.ndarray, bias: np.ndarray = BIAS) -> np.ndarray:
    """What the model gives for pixels `(height, width, 3)`, shape `(1, 4)`."""
    return np.asarray(pixels, np.float32).mean((0, 1))[None] @ WEIGHTS.T + bias


def model(height: int = 32, width: int = 24, bias: np.ndarray = BIAS, softmax: bool = False) -> Any:
    """The unpacked model (`ModelT`)."""
    result = schema.ModelT()
    result.version = 3
    result.description = "tiny"
    result.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.name, graph.tensors = "main", []
    types = schema.TensorType

    def tensor(
        name: str, shape: tuple[int, ...], values: np.ndarray | None = None, kind: int = types.FLOAT32
    ) -> int:
        entry = schema.TensorT()
        entry.name, entry.shape, entry.type = name, np.array(shape, np.int32), kind
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            result.buffers.append(buffer)
            entry.buffer = len(result.buffers) - 1
        graph.tensors.append(entry)
        return len(graph.tensors) - 1

    def operator(code: int, inputs: list[int], output: int, kind: int, options: Any) -> Any:
        known = schema.OperatorCodeT()
        known.builtinCode, known.deprecatedBuiltinCode, known.version = code, min(code, 127), 1
        result.operatorCodes.append(known)
        entry = schema.OperatorT()
        entry.opcodeIndex = len(result.operatorCodes) - 1
        entry.inputs, entry.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        entry.builtinOptionsType, entry.builtinOptions = kind, options
        return entry

    result.operatorCodes = []
    classes = len(bias)
    image = tensor("image", (1, height, width, 3))
    axes = tensor("axes", (2,), np.array([1, 2], np.int32), types.INT32)
    mean = tensor("mean", (1, 3))
    weights = tensor("weights", (classes, 3), WEIGHTS)
    offset = tensor("bias", (classes,), np.asarray(bias, np.float32))
    scores = tensor("scores", (1, classes))
    builtin, options = schema.BuiltinOperator, schema.BuiltinOptions
    graph.operators = [
        operator(builtin.MEAN, [image, axes], mean, options.ReducerOptions, schema.ReducerOptionsT()),
        operator(
            builtin.FULLY_CONNECTED,
            [mean, weights, offset],
            scores,
            options.FullyConnectedOptions,
            schema.FullyConnectedOptionsT(),
        ),
    ]
    if softmax:
        settings = schema.SoftmaxOptionsT()
        settings.beta = 1.0
        output = tensor("probabilities", (1, classes))
        graph.operators.append(operator(builtin.SOFTMAX, [scores], output, options.SoftmaxOptions, settings))
        scores = output
    graph.inputs, graph.outputs = np.array([image], np.int32), np.array([scores], np.int32)
    result.subgraphs = [graph]
    return result


def pack(unpacked: Any) -> bytes:
    """The file's bytes."""
    builder = flatbuffers.Builder(4096)
    builder.Finish(unpacked.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def tiny(change: Change | None = None, **options: Any) -> bytes:
    """The tiny model's bytes, changed by `change` before packing."""
    unpacked = model(**options)
    if change is not None:
        change(unpacked)
    return pack(unpacked)


def card(**changes: Any) -> ModelCard:
    """A card that fits `tiny()`."""
    values: dict[str, Any] = {
        "name": "Tiny",
        "description": "Names a picture's mean colour.",
        "version": "1.2",
        "author": "Zoë",
        "licence": "Apache-2.0",
        "labels": LABELS,
        "preprocessing": Preprocessing(32, 24, "crop", 0.95, "bicubic", (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)),
        "input_kind": "pixels",
        "output_kind": "logits",
        "precision": "float32",
        "gelu": "exact",
        "token_weights": "l2norm",
        "source": Origin("tiny", author="Zoë", file_name="tiny.safetensors", sha256="ab" * 32, layout="timm"),
        "needs_litert": False,
    }
    return ModelCard(**{**values, **changes})


def written(folder: Path, data: bytes) -> Path:
    """A file of these bytes."""
    path = folder / "model.tflite"
    path.write_bytes(data)
    return path


def picture(folder: Path) -> Path:
    """A green picture."""
    path = folder / "picture.png"
    Image.new("RGB", (30, 30), (10, 200, 30)).save(path)
    return path
