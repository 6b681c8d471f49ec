"""What every .tflite file of a Keras classifier needs of it, however its weights are stored: how it takes a picture,
what it answers, the scales of its attention, its model card and a fingerprint of its weights.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.tflite.card import InputKind, ModelCard, OutputKind
from converters.tflite.settings import check_size
from swiftformer_keras.config import SwiftFormerConfig
from swiftformer_keras.errors import ConfigError, ModelFileError, PreprocessingError, SwiftFormerError
from swiftformer_keras.labels import check_labels
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import Preprocessing
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.folding import FoldedSwiftFormer
    from swiftformer_keras.gelu import Gelu
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

_BATCH = 4


def preprocessing_of(
    model: SwiftFormerImageClassifier, size: tuple[int, int] | None, command: str = "export"
) -> Preprocessing:
    """The model's preprocessing at the size of the file, its labels checked.

    Args:
        size: height and width in pixels; the model's own where None.
        command: what messages begin with.

    Raises:
        PreprocessingError, LabelsError: the model has no preprocessing, or not one label a class.
        ConfigError: the model is no classifier, or the size makes no sense, or is not the model's fixed one.
    """
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

    if not isinstance(model, SwiftFormerImageClassifier):
        raise ConfigError(
            f"{command}: takes a SwiftFormerImageClassifier, not a {shown(type(model).__name__, 60)}. "
            "Give a model with a classification head"
        )
    if model.preprocessing is None:
        raise PreprocessingError(
            "the model: has no preprocessing, so nobody could feed the file. "
            "Convert it again with --preprocessing, or set model.preprocessing"
        )
    height, width = size or (model.preprocessing.height, model.preprocessing.width)
    check_size((height, width), command)
    if model.input_size is not None and tuple(model.input_size) != (height, width):
        fixed = " x ".join(map(str, model.input_size))
        raise ConfigError(
            f"{command}: the model was built for {fixed} pixels only, not {height} x {width}. "
            "Build it without input_size for other sizes"
        )
    if model.labels is not None:
        check_labels(model.labels, model.config.num_classes, "the model")
    return model.preprocessing.with_size(height, width)


def load_for(command: str, path: Path) -> SwiftFormerImageClassifier:
    """The classifier of a `.keras` file, for a command that needs its float weights.

    Raises:
        ModelFileError: the file cannot be read, is no classifier, or is a .tflite file, quantised or not.
    """
    from converters.tflite.inspect import inspect_tflite
    from converters.tflite.model_schema import IDENTIFIER
    from swiftformer_keras.saving import load_classifier

    try:
        with open(path, "rb") as file:
            exported = file.read(8)[4:] == IDENTIFIER
    except (OSError, ValueError):
        exported = False  # `load_classifier` says what is wrong
    if exported:
        what = "is a .tflite file"
        with contextlib.suppress(SwiftFormerError):
            tensors = [tensor for graph in inspect_tflite(path).graphs for tensor in graph.tensors]
            what += ", quantised already" if any(t.dtype in ("int8", "uint8") for t in tensors) else ""
        raise ModelFileError(f"{shown(path)}: {what}. {command} takes the .keras file that it was made from")
    return load_classifier(path)


def find_scales(
    folded: FoldedSwiftFormer, pixels: np.ndarray, preprocessing: Preprocessing
) -> dict[str, float]:
    """The power of two that brings each query, key and token weight to a root mean square of about 1.

    Their squares are averaged next, in float16 on many a GPU: too large and they overflow, too small and the
    epsilon drowns them.

    Args:
        folded: before `fold_pixels`.
        pixels: sample pictures, uint8 `(n, height, width, 3)`.
    """
    from keras import ops

    from swiftformer_keras.folding import forward
    from swiftformer_keras.preprocessing import normalize

    squares: dict[str, float] = {}
    for batch in batches(pixels):
        taps: dict[str, Any] = {}
        forward(folded, normalize(batch, preprocessing), taps)
        for name, value in taps.items():
            mean = float((ops.convert_to_numpy(value).astype(np.float64) ** 2).mean())
            squares[name] = squares.get(name, 0.0) + mean * len(batch) / len(pixels)
    # one half of log2 of a mean of squares is log2 of its root; a map of zeros needs no scale
    return {
        name: 2.0 ** -round(float(np.clip(np.log2(mean) / 2, -60, 60))) if mean > 0 else 1.0
        for name, mean in squares.items()
    }


def reference_outputs(
    model: SwiftFormerImageClassifier, pixels: np.ndarray, preprocessing: Preprocessing, output: OutputKind
) -> np.ndarray:
    """What Keras gives for the same pictures, in float32 whatever the model was trained in."""
    from keras import ops

    from swiftformer_keras.preprocessing import normalize

    model = in_float32(model)
    logits = []
    for batch in batches(pixels):
        result = model(normalize(batch, preprocessing), training=False)
        heads = list(result.values()) if isinstance(result, dict) else [result]
        logits.append(np.mean([ops.convert_to_numpy(head) for head in heads], axis=0))
    found = np.concatenate(logits)
    return ops.convert_to_numpy(ops.softmax(found)) if output == "probabilities" else found


def in_float32(model: SwiftFormerImageClassifier) -> SwiftFormerImageClassifier:
    """The model itself, or a float32 copy of one with mixed precision, whose own rounding is not to be measured."""
    if all(layer.compute_dtype == "float32" for layer in model._flatten_layers()):
        return model
    copy = type(model)(model.config, dtype="float32")
    values = model.named_weights()
    for name, variable in copy.named_weights().items():
        variable.assign(values[name])
    return copy


def batches(pixels: np.ndarray) -> list[np.ndarray]:
    """A few pictures at a time."""
    return [pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH)]


def card_of(
    model: SwiftFormerImageClassifier,
    preprocessing: Preprocessing,
    precision: str,
    gelu: Gelu,
    output: OutputKind,
    kind: InputKind,
) -> ModelCard:
    """The model card of a file made from `model`."""
    source = model.origin or Origin(name=_name(model.config))
    return ModelCard(
        name=source.name or _name(model.config),
        description=source.description
        or f"SwiftFormer image classifier, {model.config.num_classes} classes.",
        version=source.version or "unknown",  # empty in files of before
        author=source.author,
        licence=source.licence,
        labels=model.labels,
        preprocessing=preprocessing,
        input_kind=kind,
        output_kind=output,
        precision=precision,
        gelu=gelu,
        token_weights=model.config.token_weights,
        source=source,
        needs_litert=precision == "dynamic",
    )


def _name(config: SwiftFormerConfig) -> str:
    return config.variant if config.variant != "custom" else "swiftformer"


def weights_sha256(model: SwiftFormerImageClassifier) -> str:
    """Fingerprint of the weights: names, shapes and values, whatever file they came in."""
    from keras import ops

    digest = hashlib.sha256()
    for name, value in sorted(model.named_weights().items()):
        array = ops.convert_to_numpy(value).astype("<f4")
        digest.update(f"{name} {array.shape}\n".encode() + array.tobytes())
    return digest.hexdigest()
