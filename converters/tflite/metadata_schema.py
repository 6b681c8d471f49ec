"""TFLite metadata as the public schema lays it out (metadata_schema.fbs, identifier M001), written and read.

Any Android app finds a model's name, its input's size and normalisation, and its labels in there. This
module knows the schema and nothing of SwiftFormer: `StandardMetadata` holds the facts of an image
classifier, `build` writes them with the flatbuffers library, `parse` reads those of any file, its own or
foreign. Numbers are the slots of the schema's fields, in the order the schema has them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Literal

from converters.tflite.bounded import Bytes, Table

IDENTIFIER = b"M001"
ENTRY = "TFLITE_METADATA"  # the name under which Model.metadata refers to it
PARSER_VERSION = "1.0.0"  # every field written here has been in the schema since then


class ModelMetadataField(IntEnum):
    NAME = 0
    DESCRIPTION = 1
    VERSION = 2
    SUBGRAPH_METADATA = 3
    AUTHOR = 4
    LICENSE = 5
    ASSOCIATED_FILES = 6
    MIN_PARSER_VERSION = 7


class SubGraphMetadataField(IntEnum):
    NAME = 0
    DESCRIPTION = 1
    INPUT_TENSOR_METADATA = 2
    OUTPUT_TENSOR_METADATA = 3


class TensorMetadataField(IntEnum):
    NAME = 0
    DESCRIPTION = 1
    DIMENSION_NAMES = 2
    CONTENT = 3
    PROCESS_UNITS = 4
    STATS = 5
    ASSOCIATED_FILES = 6


class AssociatedFileField(IntEnum):
    NAME = 0
    DESCRIPTION = 1
    TYPE = 2


class ContentField(IntEnum):
    PROPERTIES_TYPE = 0
    PROPERTIES = 1


class ImagePropertiesField(IntEnum):
    COLOR_SPACE = 0
    DEFAULT_SIZE = 1


class ImageSizeField(IntEnum):
    WIDTH = 0
    HEIGHT = 1


class ProcessUnitField(IntEnum):
    OPTIONS_TYPE = 0
    OPTIONS = 1


class NormalizationField(IntEnum):
    MEAN = 0
    STD = 1


class ScoreThresholdingField(IntEnum):
    GLOBAL_SCORE_THRESHOLD = 0


class StatsField(IntEnum):
    MAX = 0
    MIN = 1


FILE_DESCRIPTIONS, FILE_TENSOR_AXIS_LABELS = 1, 2  # AssociatedFileType
COLOR_RGB = 1  # ColorSpaceType
CONTENT_FEATURE, CONTENT_IMAGE = 1, 2  # union ContentProperties
UNIT_NORMALIZATION, UNIT_SCORE_THRESHOLDING = 1, 3  # union ProcessUnitOptions

_MAX_CHANNELS = 1024  # of a mean or deviation; more belong to no picture


@dataclasses.dataclass(frozen=True)
class File:
    """An associated file: its name in the zip archive and what it is for."""

    name: str
    description: str = ""
    kind: int = FILE_DESCRIPTIONS


@dataclasses.dataclass(frozen=True)
class TensorFacts:
    """What the metadata says of one input or output.

    Attributes:
        image_size: (width, height) in pixels, or None where the tensor is no picture.
        mean, std: normalisation `(x - mean) / std` of values 0..255, one number or one a channel;
            empty where there is none.
        minimum, maximum: of the values the tensor takes; empty where not said.
        score_threshold: scores below are dropped by readers; None where not said.
    """

    name: str = ""
    description: str = ""
    content: Literal["image", "feature", "other"] = "other"
    image_size: tuple[int, int] | None = None
    color_space: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    minimum: tuple[float, ...] = ()
    maximum: tuple[float, ...] = ()
    score_threshold: float | None = None
    files: tuple[File, ...] = ()


@dataclasses.dataclass(frozen=True)
class StandardMetadata:
    """What standard metadata says of a model of one subgraph."""

    name: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    licence: str = ""
    inputs: tuple[TensorFacts, ...] = ()
    outputs: tuple[TensorFacts, ...] = ()
    files: tuple[File, ...] = ()

    @property
    def labels_file(self) -> str | None:
        """Name of the first file that labels an output's axis."""
        for output in self.outputs:
            for file in output.files:
                if file.kind == FILE_TENSOR_AXIS_LABELS:
                    return file.name
        return None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dataclasses.asdict(self)


# --- writing ----------------------------------------------------------------------------------------


def build(metadata: StandardMetadata) -> bytes:
    """The flatbuffer of `metadata`; the same facts give the same bytes."""
    import flatbuffers

    writer = _Writer(flatbuffers.Builder(1024))
    subgraph = writer.table(
        writer.tables(SubGraphMetadataField.INPUT_TENSOR_METADATA, map(writer.tensor, metadata.inputs)),
        writer.tables(SubGraphMetadataField.OUTPUT_TENSOR_METADATA, map(writer.tensor, metadata.outputs)),
    )
    root = writer.table(
        writer.text(ModelMetadataField.NAME, metadata.name),
        writer.text(ModelMetadataField.DESCRIPTION, metadata.description),
        writer.text(ModelMetadataField.VERSION, metadata.version),
        writer.tables(ModelMetadataField.SUBGRAPH_METADATA, [subgraph]),
        writer.text(ModelMetadataField.AUTHOR, metadata.author),
        writer.text(ModelMetadataField.LICENSE, metadata.licence),
        writer.tables(ModelMetadataField.ASSOCIATED_FILES, map(writer.file, metadata.files)),
        writer.text(ModelMetadataField.MIN_PARSER_VERSION, PARSER_VERSION),
    )
    writer.builder.Finish(root, file_identifier=IDENTIFIER)
    return bytes(writer.builder.Output())


_Slot = tuple[int, str, Any]  # slot, name of the builder's Prepend...Slot method, value


class _Writer:
    """Tables through `flatbuffers.Builder`: children first, then `table` with the slots that are set."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def table(self, *slots: _Slot | None) -> int:
        present = [slot for slot in slots if slot is not None]
        self.builder.StartObject(1 + max((slot for slot, _, _ in present), default=-1))
        for slot, method, value in present:
            getattr(self.builder, method)(slot, value, 0)
        return int(self.builder.EndObject())

    def text(self, slot: int, value: str) -> _Slot | None:
        return self.offset(slot, self.builder.CreateString(value)) if value else None

    def tables(self, slot: int, offsets: Any) -> _Slot | None:
        made = list(offsets)
        if not made:
            return None
        self.builder.StartVector(4, len(made), 4)
        for offset in reversed(made):
            self.builder.PrependUOffsetTRelative(offset)
        return self.offset(slot, self.builder.EndVector())

    def floats(self, slot: int, values: Sequence[float]) -> _Slot | None:
        if not values:
            return None
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependFloat32(value)
        return self.offset(slot, self.builder.EndVector())

    def offset(self, slot: int, offset: int) -> _Slot:
        return (slot, "PrependUOffsetTRelativeSlot", offset)

    def file(self, file: File) -> int:
        return self.table(
            self.text(AssociatedFileField.NAME, file.name),
            self.text(AssociatedFileField.DESCRIPTION, file.description),
            (AssociatedFileField.TYPE, "PrependInt8Slot", file.kind),
        )

    def unit(self, kind: int, options: int) -> int:
        return self.table(
            (ProcessUnitField.OPTIONS_TYPE, "PrependUint8Slot", kind),
            self.offset(ProcessUnitField.OPTIONS, options),
        )

    def content(self, facts: TensorFacts) -> int:
        if facts.image_size is None:
            kind, properties = CONTENT_FEATURE, self.table()
        else:
            width, height = facts.image_size
            size = self.table(
                (ImageSizeField.WIDTH, "PrependUint32Slot", width),
                (ImageSizeField.HEIGHT, "PrependUint32Slot", height),
            )
            kind, properties = (
                CONTENT_IMAGE,
                self.table(
                    (ImagePropertiesField.COLOR_SPACE, "PrependInt8Slot", facts.color_space),
                    self.offset(ImagePropertiesField.DEFAULT_SIZE, size),
                ),
            )
        return self.table(
            (ContentField.PROPERTIES_TYPE, "PrependUint8Slot", kind),
            self.offset(ContentField.PROPERTIES, properties),
        )

    def tensor(self, facts: TensorFacts) -> int:
        units = []
        if facts.mean:
            options = self.table(
                self.floats(NormalizationField.MEAN, facts.mean),
                self.floats(NormalizationField.STD, facts.std),
            )
            units.append(self.unit(UNIT_NORMALIZATION, options))
        if facts.score_threshold is not None:
            threshold = (
                ScoreThresholdingField.GLOBAL_SCORE_THRESHOLD,
                "PrependFloat32Slot",
                facts.score_threshold,
            )
            units.append(self.unit(UNIT_SCORE_THRESHOLDING, self.table(threshold)))
        stats = self.table(
            self.floats(StatsField.MAX, facts.maximum), self.floats(StatsField.MIN, facts.minimum)
        )
        return self.table(
            self.text(TensorMetadataField.NAME, facts.name),
            self.text(TensorMetadataField.DESCRIPTION, facts.description),
            self.offset(TensorMetadataField.CONTENT, self.content(facts)),
            self.tables(TensorMetadataField.PROCESS_UNITS, units),
            self.offset(TensorMetadataField.STATS, stats),
            self.tables(TensorMetadataField.ASSOCIATED_FILES, map(self.file, facts.files)),
        )


# --- reading ----------------------------------------------------------------------------------------


def parse(data: bytes | memoryview, where: str) -> StandardMetadata:
    """The facts in a metadata flatbuffer, whoever wrote it; what an image classifier has none of is skipped.

    Raises:
        TFLiteFileError: it is damaged, or no metadata.
    """
    root = Bytes(data, f"{where}: metadata").root(IDENTIFIER, "TFLite metadata")
    subgraphs = list(root.tables(ModelMetadataField.SUBGRAPH_METADATA))[:1]
    inputs = (t for s in subgraphs for t in s.tables(SubGraphMetadataField.INPUT_TENSOR_METADATA))
    outputs = (t for s in subgraphs for t in s.tables(SubGraphMetadataField.OUTPUT_TENSOR_METADATA))
    return StandardMetadata(
        name=root.text(ModelMetadataField.NAME),
        description=root.text(ModelMetadataField.DESCRIPTION),
        version=root.text(ModelMetadataField.VERSION),
        author=root.text(ModelMetadataField.AUTHOR),
        licence=root.text(ModelMetadataField.LICENSE),
        inputs=tuple(map(_tensor, inputs)),
        outputs=tuple(map(_tensor, outputs)),
        files=_files(root, ModelMetadataField.ASSOCIATED_FILES),
    )


def _tensor(table: Table) -> TensorFacts:
    facts: dict[str, Any] = {
        "name": table.text(TensorMetadataField.NAME),
        "description": table.text(TensorMetadataField.DESCRIPTION),
        "files": _files(table, TensorMetadataField.ASSOCIATED_FILES),
    }
    content = table.table(TensorMetadataField.CONTENT)
    kind = content.integer(ContentField.PROPERTIES_TYPE, "B") if content else 0
    facts["content"] = {CONTENT_FEATURE: "feature", CONTENT_IMAGE: "image"}.get(kind, "other")
    properties = content.table(ContentField.PROPERTIES) if content and kind == CONTENT_IMAGE else None
    if properties is not None:
        facts["color_space"] = properties.integer(ImagePropertiesField.COLOR_SPACE, "b")
        if size := properties.table(ImagePropertiesField.DEFAULT_SIZE):
            facts["image_size"] = (
                size.integer(ImageSizeField.WIDTH, "I"),
                size.integer(ImageSizeField.HEIGHT, "I"),
            )
    for unit in table.tables(TensorMetadataField.PROCESS_UNITS):
        options = unit.table(ProcessUnitField.OPTIONS)
        kind = unit.integer(ProcessUnitField.OPTIONS_TYPE, "B") if options else 0
        if options is not None and kind == UNIT_NORMALIZATION:
            facts["mean"] = options.numbers(NormalizationField.MEAN, "<f4", _MAX_CHANNELS)
            facts["std"] = options.numbers(NormalizationField.STD, "<f4", _MAX_CHANNELS)
        elif options is not None and kind == UNIT_SCORE_THRESHOLDING:
            facts["score_threshold"] = options.real(ScoreThresholdingField.GLOBAL_SCORE_THRESHOLD)
    if stats := table.table(TensorMetadataField.STATS):
        facts["maximum"] = stats.numbers(StatsField.MAX, "<f4", _MAX_CHANNELS)
        facts["minimum"] = stats.numbers(StatsField.MIN, "<f4", _MAX_CHANNELS)
    return TensorFacts(**facts)


def _files(table: Table, slot: int) -> tuple[File, ...]:
    return tuple(
        File(
            file.text(AssociatedFileField.NAME),
            file.text(AssociatedFileField.DESCRIPTION),
            file.integer(AssociatedFileField.TYPE, "b"),
        )
        for file in table.tables(slot)
    )
