"""Quantised files as `quantize` makes them, of every kind of ends and with parts in float."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.tflite.quantize import quantize

QUANTISED: Mapping[str, Mapping[str, Any]] = {
    "int8": {},
    "int8 ends": {"io": "int8"},
    "uint8 ends": {"io": "uint8"},
    "mixed": {"keep_float": "stage1_.*/mlp/", "gelu": "tanh"},  # without the choice of what stays in float
    "exact": {"gelu": "exact"},
}
"""What is asked of `quantize`, by a name."""


def quantised(
    model: Any, folder: Path, name: str, *, calibration: Path | str = "demo", **options: Any
) -> Path:
    """A file of few pictures and plain biases: which operators it has is what matters, not how near Keras it is."""
    path = folder / f"{name.replace(' ', '_')}.tflite"
    settings = {"samples": 32, "correct_bias": False, "min_sqnr_db": -100.0, **QUANTISED[name], **options}
    quantize(model, path, calibration=calibration, **settings)
    return path
