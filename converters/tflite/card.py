"""The model card: everything this project knows of a .tflite file, as one record.

Standard metadata says what any app needs; the card says the rest (the whole preprocessing contract, where
the weights come from, how the file was made). It travels as JSON among the file's associated files.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal, get_args

from swiftformer_keras import strict_json
from swiftformer_keras.errors import ConfigError, MetadataError, PreprocessingError
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import Preprocessing
from swiftformer_keras.shown import shown

CARD_FILE = "swiftformer.json"
FORMAT = 1
MAX_CARD_BYTES = 1 << 20

InputKind = Literal["pixels", "normalized"]
OutputKind = Literal["logits", "probabilities"]

_TEXTS = ("name", "description", "version", "author", "licence", "precision", "gelu", "token_weights")


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """What a .tflite file is, how to feed it, how to read it, and where it comes from.

    Attributes:
        name, description, version, author, licence: as in standard metadata; licence and author are
            "unknown" where the source does not say.
        labels: names of the classes in the order of the output, or None where there are none.
        preprocessing: how a picture becomes the input; its size is the input's.
        input_kind: "pixels" takes RGB 0..255, "normalized" what `preprocessing.normalize` gives.
        output_kind: "logits" or "probabilities" (which sum to 1).
        precision: "float32", "float16", "dynamic" or "int8".
        gelu: "exact", "fast", "tanh" or "sigmoid".
        token_weights: "l2norm" or "ones".
        source: the checkpoint the weights were read from.
        needs_litert: older TFLite runtimes run the file with wrong results or not at all.
    """

    name: str
    description: str
    version: str
    author: str
    licence: str
    labels: tuple[str, ...] | None
    preprocessing: Preprocessing
    input_kind: InputKind
    output_kind: OutputKind
    precision: str
    gelu: str
    token_weights: str
    source: Origin
    needs_litert: bool

    def __post_init__(self) -> None:
        for field in _TEXTS:
            if not isinstance(getattr(self, field), str):
                raise MetadataError(
                    f"model card: {field} must be text, not {shown(repr(getattr(self, field)), 60)}"
                )
        if not self.name:
            raise MetadataError("model card: the name is empty. Give the model a name")
        for field, kinds in (("input_kind", InputKind), ("output_kind", OutputKind)):
            if getattr(self, field) not in get_args(kinds):
                raise MetadataError(
                    f"model card: {field} must be {' or '.join(get_args(kinds))}, "
                    f"not {shown(repr(getattr(self, field)), 60)}"
                )
        if type(self.needs_litert) is not bool:
            raise MetadataError("model card: needs_litert must be true or false")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` reads it back."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["labels"] = None if self.labels is None else list(self.labels)
        values["preprocessing"] = self.preprocessing.to_dict()
        values["source"] = self.source.to_dict()
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelCard:
        """Inverse of `to_dict`.

        Raises:
            MetadataError: a field is unknown, missing or of the wrong kind.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise MetadataError(f"model card: unknown field {shown(unknown[0], 60)!r}")
        if missing := sorted(known - set(values)):
            raise MetadataError(f"model card: {missing[0]} is missing")
        labels = values["labels"]
        if labels is not None and not (
            isinstance(labels, list) and all(isinstance(label, str) for label in labels)
        ):
            raise MetadataError("model card: labels must be a list of texts or null")
        if not isinstance(values["source"], dict):
            raise MetadataError("model card: source must be an object")
        try:
            preprocessing = Preprocessing.from_dict(values["preprocessing"])
            source = Origin.from_dict(values["source"])
        except (PreprocessingError, ConfigError) as error:
            raise MetadataError(f"model card: {error}") from None
        return cls(
            **{
                **values,
                "labels": None if labels is None else tuple(labels),
                "preprocessing": preprocessing,
                "source": source,
            }
        )


def dump_card(card: ModelCard, labels_file: str | None) -> bytes:
    """The card as JSON bytes; of the labels only the name of the file that has them."""
    values = {**card.to_dict(), "labels": labels_file, "format": FORMAT}
    return json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def load_card(data: bytes, where: str) -> tuple[dict[str, Any], str | None]:
    """Inverse of `dump_card`: the card's fields with labels None, and the labels file's name.

    Raises:
        MetadataError: it is no JSON object of this format.
    """
    if len(data) > MAX_CARD_BYTES:
        raise MetadataError(
            f"{where}: its model card has {len(data):,} bytes, too many. Export the model again"
        )
    try:
        values = strict_json.parse(data.decode())
    except ValueError as error:
        reason = shown(error, 100)
        raise MetadataError(
            f"{where}: its model card is not valid JSON ({reason}). Export the model again"
        ) from None
    if not isinstance(values, dict):
        raise MetadataError(f"{where}: its model card is no JSON object. Export the model again")
    if type(values.get("format")) is not int or values["format"] != FORMAT:
        raise MetadataError(
            f"{where}: its model card has format {shown(repr(values.get('format')), 40)}, this version reads {FORMAT}. "
            "Install the swiftformer-keras that wrote it, or export the model again"
        )
    labels_file = values.get("labels")
    if labels_file is not None and not isinstance(labels_file, str):
        raise MetadataError(
            f"{where}: its model card must name the labels file as text. Export the model again"
        )
    return {**{key: value for key, value in values.items() if key != "format"}, "labels": None}, labels_file
