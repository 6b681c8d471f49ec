"""What a quantisation came to: the record beside the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from converters.tflite.int8 import BiasChoice
from converters.top1 import Top1
from swiftformer_keras.origin import Origin


@dataclasses.dataclass(frozen=True)
class QuantizeReport:
    """What was written and how near it is to the Keras model.

    Attributes:
        file, size_bytes, sha256: of the file.
        scheme, io, gelu, keep_float, percentile, seed, input_size: the settings it was made with.
        float_groups: what the mixed scheme left in float (see `sensitivity.py`).
        calibration_pictures, held_out_pictures: how many calibrated it, and how many others measured it.
        sqnr_db: signal-to-noise ratio to Keras on the held-out pictures; None where there is no difference.
        min_sqnr_db: what it was held against.
        biases: whether corrected biases were kept, and why; None where none were tried.
        agreement: share of held-out pictures with the same top class as Keras.
        largest_difference: largest absolute difference of a logit there.
        top1, float_top1: accuracy of the file and of Keras there; None where the pictures have no classes.
        warnings: what was odd about the pictures.
        pictures_sha256: one fingerprint of all prepared pictures, in the order calibration, held out.
        weights_sha256: of the model's weights (names, shapes and values).
        source: name and SHA-256 of the model's file, where it was read from one.
        origin: where the weights come from, if the model knows.
    """

    file: str
    size_bytes: int
    sha256: str
    scheme: str
    io: str
    gelu: str
    keep_float: str | None
    float_groups: tuple[str, ...]
    percentile: float
    seed: int
    input_size: tuple[int, int]
    calibration_pictures: int
    held_out_pictures: int
    sqnr_db: float | None
    min_sqnr_db: float
    biases: BiasChoice | None
    agreement: float
    largest_difference: float
    top1: Top1 | None
    float_top1: Top1 | None
    warnings: tuple[str, ...]
    pictures_sha256: str
    weights_sha256: str
    source: Mapping[str, str] | None
    origin: Origin | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in ("biases", "top1", "float_top1", "origin"):
            values[name] = None if values[name] is None else values[name].to_dict()
        values["source"] = dict(self.source) if self.source else None
        for name in ("input_size", "warnings", "float_groups"):
            values[name] = list(values[name])
        return values
