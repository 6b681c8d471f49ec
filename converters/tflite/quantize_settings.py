"""What a quantisation may be asked for, and the checks of it that need no model: they come before any work."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from converters.tflite.int8 import Gelu, Io
from converters.tflite.picture_sources import find_source
from converters.tflite.settings import check_backend, check_size
from swiftformer_keras.errors import ConfigError
from swiftformer_keras.files import check_output, sidecar
from swiftformer_keras.shown import shown

Scheme = Literal["int8", "mixed", "dynamic"]

MIN_SQNR_DB: Mapping[str, float] = {"int8": 25.0, "mixed": 35.0, "dynamic": 30.0}
"""Smallest signal-to-noise ratio to Keras on the held-out pictures, where no other is asked for."""

DEFAULT_GELU: Mapping[str, Gelu] = {"int8": "sigmoid", "mixed": "tanh", "dynamic": "exact"}
"""The form that costs least among those that every runtime of the file takes: dynamic files need LiteRT anyway, whose
GELU operator is fastest. The sigmoid form alone has 37 dB (XS at 64 pixels), which leaves a mixed file too little room.
"""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to quantise; `quantize` says what each means."""

    scheme: Scheme = "int8"
    io: Io = "float32"
    gelu: Gelu | None = None
    samples: int = 128
    held_out: int = 64
    seed: int = 0
    percentile: float = 100.0
    correct_bias: bool = True
    keep_float: str | None = None
    input_size: tuple[int, int] | None = None
    min_sqnr_db: float | None = None

    @property
    def form(self) -> Gelu:
        """The activation's form: as asked for, or the scheme's own."""
        return self.gelu or DEFAULT_GELU[self.scheme]

    @property
    def bound_db(self) -> float:
        """The bound: as asked for, or the scheme's own."""
        return MIN_SQNR_DB[self.scheme] if self.min_sqnr_db is None else self.min_sqnr_db


def check_quantize(out: Path, calibration: Path | str, settings: Settings, *, force: bool) -> None:
    """Refuse what could not be quantised whatever the model is.

    Raises:
        ConfigError: an option has no such value, or does not go with another.
        OutputError: a file exists, or could not be written.
        PictureError: there are no pictures there.
        MissingToolError: Keras runs on another backend than TensorFlow.
    """
    if out.suffix != ".tflite":
        raise ConfigError(f"{shown(out)}: a quantised model's file name ends in .tflite")
    for name, value, choices in (
        ("scheme", settings.scheme, Scheme),
        ("io", settings.io, Io),
        ("gelu", settings.gelu or "sigmoid", Gelu),
    ):
        if value not in get_args(choices):
            allowed = ", ".join(get_args(choices))
            raise ConfigError(f"quantize: {name} must be one of {allowed}, not {shown(value, 60)!r}")
    if not 90 <= settings.percentile <= 100:
        raise ConfigError(f"quantize: percentile must be 90 to 100, not {settings.percentile:g}")
    if not math.isfinite(settings.bound_db):
        raise ConfigError(f"quantize: the bound must be a number of dB, not {settings.bound_db:g}")
    if settings.keep_float is not None:
        try:
            re.compile(settings.keep_float)
        except re.error as error:
            raise ConfigError(
                f"quantize: {shown(settings.keep_float, 60)!r} is no regular expression ({error}). Correct it"
            ) from None
    if settings.scheme == "dynamic" and (settings.io != "float32" or settings.keep_float is not None):
        what = "keep_float" if settings.io == "float32" else f"{settings.io} input"
        raise ConfigError(f"quantize: the dynamic scheme has no {what}. Leave it out, or choose int8")
    if settings.input_size is not None:
        check_size(settings.input_size, "quantize")
    check_output(out, force=force)
    check_output(sidecar(out), force=force)
    find_source(calibration)
    check_backend()
