"""Model cards into .tflite files and back: what the file is, for this project and for everybody else.

In come the bytes of a finished model and its `ModelCard`; out come bytes that MediaPipe, tflite-support
and Android's MetadataExtractor read (standard metadata, `metadata_schema.py`; labels as an associated
file, `associated_files.py`) and that `read_metadata` turns back into an equal card.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from converters.tflite import associated_files, metadata_schema
from converters.tflite.bounded import Table
from converters.tflite.card import CARD_FILE, InputKind, ModelCard, OutputKind, dump_card, load_card
from converters.tflite.entry import set_entry
from converters.tflite.metadata_schema import File, StandardMetadata, TensorFacts
from converters.tflite.model_schema import (
    ModelField,
    SubGraphField,
    TensorField,
    buffer_range,
    named_buffer,
    open_model,
    read_file,
)
from swiftformer_keras.errors import MetadataError, TFLiteFileError
from swiftformer_keras.shown import shown

__all__ = [
    "InputKind",
    "ModelCard",
    "OutputKind",
    "read_metadata",
    "read_standard_metadata",
    "write_metadata",
]

LABELS_FILE = "labels.txt"
_FLOAT32_LOWEST = -3.4028234663852886e38
_MAX_RANK = 8
_LINE_BREAKERS = frozenset({"Cc", "Cs", "Zl", "Zp"})  # Unicode categories: controls, halves, separators


def write_metadata(tflite_bytes: bytes, card: ModelCard) -> bytes:
    """The same model with `card` in it; metadata that it had before is replaced.

    The same model and card give the same bytes.

    Args:
        tflite_bytes: a model of one subgraph with one input `(1, height, width, 3)` and one output
            `(1, classes)`, its weights inside the flatbuffer.

    Raises:
        MetadataError: the card does not fit the model (input size, number of labels), or a label would
            not survive as a line of the labels file.
        TFLiteFileError: the bytes are no such model, or keep weights outside the flatbuffer.
    """
    where = "the model"
    model = open_model(tflite_bytes, where)
    _refuse_outside_weights(model, where)
    _check_fit(model, card, where)
    standard = _standard(card)
    whole = set_entry(tflite_bytes, metadata_schema.ENTRY, metadata_schema.build(standard))
    files = {} if card.labels is None else {LABELS_FILE: _labels_text(card.labels)}
    files[CARD_FILE] = dump_card(card, standard.labels_file)
    return associated_files.append_files(whole, files)


def read_metadata(source: Path | str | bytes, *, where: str | None = None) -> ModelCard:
    """The card that `write_metadata` wrote.

    Args:
        source: a path, or the file's bytes.
        where: what messages call the file, when bytes are given.

    Raises:
        MetadataError: the file has no card of this project, or one that contradicts the file.
        TFLiteFileError: it is no .tflite file.
    """
    where, data = _load(source, where)
    model = open_model(data, where)
    standard = _read_standard(model, where)
    content = associated_files.read_file(data, CARD_FILE, where)
    if standard is None or content is None:
        has = "has no metadata" if standard is None else "has metadata, but no model card"
        raise MetadataError(
            f"{where}: {has}, so its preprocessing is not known. Give --preprocessing and --labels, "
            "or export it with swiftformer export"
        )
    fields, labels_file = load_card(content, where)
    try:
        card = ModelCard.from_dict({**fields, "labels": read_labels_file(data, labels_file, where)})
    except MetadataError as error:
        message = str(error)
        raise MetadataError(
            message if message.startswith(where) else f"{where}: {message}. Export it again"
        ) from None
    _check_fit(model, card, where)
    _check_standard(standard, card, where)
    return card


def read_standard_metadata(
    source: Path | str | bytes, *, where: str | None = None
) -> StandardMetadata | None:
    """What standard metadata says of any .tflite file; None where there is none.

    Raises:
        TFLiteFileError: it is no .tflite file, or the metadata is damaged.
    """
    where, data = _load(source, where)
    return _read_standard(open_model(data, where), where)


def read_labels_file(data: bytes, name: str | None, where: str) -> list[str] | None:
    """The lines of a labels file among the associated files.

    Raises:
        MetadataError: it is not there or no UTF-8 text.
    """
    if name is None:
        return None
    content = associated_files.read_file(data, name, where)
    if content is None:
        raise MetadataError(
            f"{where}: the labels file {shown(name, 60)!r} is not in it. Write the metadata again"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise MetadataError(f"{where}: its labels are no UTF-8 text. Write the metadata again") from None
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def _load(source: Path | str | bytes, where: str | None) -> tuple[str, bytes]:
    if isinstance(source, bytes):
        return where or "the model", source
    return shown(source), read_file(Path(source))


def _read_standard(model: Table, where: str) -> StandardMetadata | None:
    data = named_buffer(model, metadata_schema.ENTRY, where)
    return None if data is None else metadata_schema.parse(data, where)


def _standard(card: ModelCard) -> StandardMetadata:
    """What the card says in the words of the public schema."""
    p = card.preprocessing
    fit = "centre crop" if p.resize == "crop" else "squashed"
    how = f"{p.height} x {p.width} pixels, {fit}, {p.filter}"
    if card.input_kind == "pixels":
        image = TensorFacts(
            description=f"RGB picture, {how}; values 0 to 255, normalised inside the model.",
            mean=(0.0,),
            std=(1.0,),
            minimum=(0.0,),
            maximum=(255.0,),
        )
    else:
        order = 1 if p.channel_order == "rgb" else -1
        mean: tuple[float, ...] = p.mean[::order]
        std: tuple[float, ...] = p.std[::order]
        if len(set(mean)) == len(set(std)) == 1:  # MediaPipe takes one value, but none a channel
            mean, std = mean[:1], std[:1]
        image = TensorFacts(
            description=f"{p.channel_order.upper()} picture, {how}; (value / 255 - mean) / std.",
            mean=tuple(255 * value for value in mean),
            std=tuple(255 * value for value in std),
            minimum=tuple((0 - m) / s for m, s in zip(mean, std, strict=True)),
            maximum=tuple((1 - m) / s for m, s in zip(mean, std, strict=True)),
        )
    rgb = card.input_kind == "pixels" or p.channel_order == "rgb"
    image = dataclasses.replace(
        image,
        name="image",
        content="image",
        image_size=(p.width, p.height),
        color_space=metadata_schema.COLOR_RGB if rgb else 0,
    )
    labels = File(
        LABELS_FILE, "One class a line, in the order of the output.", metadata_schema.FILE_TENSOR_AXIS_LABELS
    )
    logits = card.output_kind == "logits"
    scores = TensorFacts(
        name="score" if logits else "probability",
        description="Logits of the classes; any number, softmax gives probabilities."
        if logits
        else "Probabilities of the classes.",
        content="feature",
        minimum=() if logits else (0.0,),
        maximum=() if logits else (1.0,),
        # Readers that find no threshold drop what is below 0, so a picture with negative logits only would
        # have no class at all (tflite-support's Task library).
        score_threshold=_FLOAT32_LOWEST if logits else 0.0,
        files=() if card.labels is None else (labels,),
    )
    needs = " Needs LiteRT: older TFLite runtimes give wrong results." if card.needs_litert else ""
    return StandardMetadata(
        name=card.name,
        description=card.description + needs,
        version=card.version,
        author=card.author,
        licence=card.licence,
        inputs=(image,),
        outputs=(scores,),
        files=(File(CARD_FILE, "Preprocessing, source and making of this file."),),
    )


def _check_fit(model: Table, card: ModelCard, where: str) -> None:
    """The card's input size and number of labels are the graph's."""
    inputs, outputs = (_shapes(model, slot, where) for slot in (SubGraphField.INPUTS, SubGraphField.OUTPUTS))
    wanted = (1, card.preprocessing.height, card.preprocessing.width, 3)
    if inputs != [wanted]:
        raise MetadataError(
            f"{where}: takes {_words(inputs)}, but its model card says {wanted}. Export it again"
        )
    if len(outputs) != 1 or len(outputs[0]) != 2 or outputs[0][0] != 1:
        raise MetadataError(
            f"{where}: gives {_words(outputs)}, but a classifier gives (1, classes). Export it again"
        )
    _check_labels(card.labels or (), where)
    if card.labels is not None and len(card.labels) != outputs[0][1]:
        raise MetadataError(
            f"{where}: has {outputs[0][1]:,} classes, but its model card has {len(card.labels):,} labels. "
            "Give as many labels as classes"
        )


def _shapes(model: Table, slot: int, where: str) -> list[tuple[int, ...]]:
    if model.length(ModelField.SUBGRAPHS) != 1:
        raise TFLiteFileError(f"{where}: has several graphs; metadata is for one. Export the model again")
    graph = model.element(ModelField.SUBGRAPHS, 0)
    tensors = (graph.element(SubGraphField.TENSORS, int(i)) for i in graph.numbers(slot, "<i4", 64))
    return [tuple(int(n) for n in tensor.numbers(TensorField.SHAPE, "<i4", _MAX_RANK)) for tensor in tensors]


def _words(shapes: list[tuple[int, ...]]) -> str:
    return " and ".join(map(str, shapes)) or "nothing"


def _check_standard(standard: StandardMetadata, card: ModelCard, where: str) -> None:
    """Whoever reads the standard metadata gets the same facts as whoever reads the card."""
    for part, ours, theirs in _facts(_standard(card), standard):
        if ours != theirs:
            raise MetadataError(
                f"{where}: its metadata and its model card disagree on the {part} "
                f"({shown(repr(theirs), 60)} and {shown(repr(ours), 60)}). It was changed afterwards; export it again"
            )


def _facts(ours: StandardMetadata, theirs: StandardMetadata) -> list[tuple[str, object, object]]:
    pairs: list[tuple[str, object, object]] = [
        (part, getattr(ours, part), getattr(theirs, part))
        for part in ("name", "version", "author", "licence")
    ]
    pairs.append(("labels file", ours.labels_file, theirs.labels_file))
    pairs.append(("number of inputs", len(ours.inputs), len(theirs.inputs)))
    pairs.append(("number of outputs", len(ours.outputs), len(theirs.outputs)))
    for mine, other in zip(ours.inputs, theirs.inputs, strict=False):
        pairs.append(("input size", mine.image_size, other.image_size))
        for part in ("mean", "std"):
            pairs.append((part, _float32(getattr(mine, part)), getattr(other, part)))
    return pairs


def _float32(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(np.asarray(values, np.float32).tolist())


def _refuse_outside_weights(model: Table, where: str) -> None:
    """litert-quantizer can leave weights behind the flatbuffer, where rewriting it would lose them."""
    outside = sum(buffer_range(buffer, where) is not None for buffer in model.tables(ModelField.BUFFERS))
    outside += model.length(ModelField.EXTERNAL_BUFFERS)
    if outside:
        raise TFLiteFileError(
            f"{where}: keeps {outside} buffers outside the flatbuffer, which writing metadata would lose. "
            "Put them back inside first"
        )


def _check_labels(labels: Iterable[str], where: str) -> None:
    """One line each: blank labels and line breaks would shift every class after them in some reader."""
    for index, label in enumerate(labels):
        if not label.strip() or any(unicodedata.category(character) in _LINE_BREAKERS for character in label):
            raise MetadataError(
                f"{where}: label {index} is {shown(repr(label), 60)}, but a label is one line of printable text. "
                "Correct it"
            )


def _labels_text(labels: tuple[str, ...]) -> bytes:
    """One label a line."""
    return "\n".join(labels).encode() + b"\n"
