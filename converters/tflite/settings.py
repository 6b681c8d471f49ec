"""What an export may be asked for, and the checks of it that need no model: they come before any work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from converters.tflite.card import InputKind, OutputKind
from swiftformer_keras.errors import ConfigError, MissingToolError
from swiftformer_keras.files import check_output, sidecar
from swiftformer_keras.preprocessing import INPUT_SIZES
from swiftformer_keras.shown import shown

Precision = Literal["float32", "float16", "dynamic"]
Gelu = Literal["exact", "fast"]
"""The forms of the activation that are near enough to Keras for a float file."""
DEFAULT_GELU: Mapping[str, Gelu] = {"float32": "fast", "float16": "fast", "dynamic": "exact"}
"""The form that every runtime and delegate takes; dynamic files need LiteRT anyway, whose GELU operator is fastest."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

MAX_SAMPLES = 16
"""Pictures of a folder that are used, evenly spaced in the order of their names."""


def check_settings(
    out: Path,
    *,
    precision: str = "float32",
    input_size: tuple[int, int] | None = None,
    samples: Path | None = None,
    gelu: str | None = None,
    output: str = "logits",
    input: str = "pixels",  # noqa: A002  the option's name
    force: bool = False,
) -> list[Path]:
    """Refuse what could not be exported whatever the model is; returns the sample pictures to use.

    Raises:
        ConfigError: an option has no such value, or the size makes no sense.
        OutputError: a file exists, or could not be written.
        PictureError: there are no samples there.
        MissingToolError: Keras runs on another backend than TensorFlow.
    """
    if out.suffix != ".tflite":
        raise ConfigError(f"{shown(out)}: an exported model's file name ends in .tflite")
    for name, value, choices in (
        ("precision", precision, Precision),
        ("gelu", gelu or "fast", Gelu),
        ("output", output, OutputKind),
        ("input", input, InputKind),
    ):
        if value not in get_args(choices):
            allowed = ", ".join(get_args(choices))
            raise ConfigError(f"export: {name} must be one of {allowed}, not {shown(value, 60)!r}")
    if input_size is not None:
        check_size(input_size)
    check_output(out, force=force)
    check_output(sidecar(out), force=force)
    paths = _sample_paths(samples)
    check_backend()
    return paths


def check_size(size: tuple[int, int], command: str = "export") -> None:
    """Refuse an input size, height and width in pixels, that makes no sense; messages begin with `command`.

    Raises:
        ConfigError: it does not.
    """
    (height, width), (least, most) = size, INPUT_SIZES
    if not (least <= height <= most and least <= width <= most):
        raise ConfigError(
            f"{command}: the input size {height} x {width} (height x width) is outside {least} to {most} pixels. "
            "Choose another with --input-size"
        )


def check_backend() -> None:
    """Refuse to begin an export where Keras runs on another backend than TensorFlow, whose converter it needs.

    Raises:
        MissingToolError: it does, or on none at all.
    """
    from swiftformer_keras.backend import import_keras

    keras = import_keras()

    if keras.backend.backend() != "tensorflow":
        raise MissingToolError(
            f"export: Keras runs on {keras.backend.backend()}, but the converter is TensorFlow's. "
            "Set KERAS_BACKEND=tensorflow"
        )


def _sample_paths(folder: Path | None) -> list[Path]:
    from swiftformer_keras.data import sample_pictures
    from swiftformer_keras.pictures import find_pictures

    paths = list(sample_pictures()) if folder is None else find_pictures(folder)
    chosen = np.linspace(0, len(paths) - 1, min(len(paths), MAX_SAMPLES)).round().astype(int)
    return [paths[index] for index in chosen]
