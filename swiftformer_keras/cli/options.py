"""Options that several commands share, and the parsing of those that are no plain word or number."""

from __future__ import annotations

import enum
import re
from typing import Annotated

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout instead of text.")]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no account, only results.")]
ForceFlag = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]
InputSize = Annotated[
    str | None,
    typer.Option(metavar="N|HxW", help="Input size in pixels: one number, or height x width as in 192x160."),
]
Calibration = Annotated[
    str,
    typer.Option(
        metavar="DIR|FILE|demo",
        help="Pictures like those the model will see, 32 at least: a folder (of pictures, of folders named after "
        "classes, or of idx files), a .npz or .npy file of uint8 pictures, or the package's own (demo).",
    ),
]
PreprocessingOption = Annotated[
    str | None,
    typer.Option(
        metavar="timm|authors|transformers|FILE.json",
        help="How pictures are prepared; by default what the model or its source says.",
    ),
]


class TokenWeights(enum.StrEnum):
    """The two historic attentions."""

    L2NORM = "l2norm"
    ONES = "ones"


class WeightSet(enum.StrEnum):
    """Which of a training file's two sets of weights."""

    MODEL = "model"
    EMA = "ema"


class Precision(enum.StrEnum):
    """Arithmetic of the exported file."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    DYNAMIC = "dynamic"


class Gelu(enum.StrEnum):
    """Form of the activation in the exported file."""

    EXACT = "exact"
    FAST = "fast"


class Scheme(enum.StrEnum):
    """What of a quantised file is int8."""

    INT8 = "int8"
    MIXED = "mixed"
    DYNAMIC = "dynamic"


class Io(enum.StrEnum):
    """Type of a quantised file's input and output."""

    FLOAT32 = "float32"
    UINT8 = "uint8"
    INT8 = "int8"


class QuantizedGelu(enum.StrEnum):
    """Form of the activation in a quantised file."""

    EXACT = "exact"
    TANH = "tanh"
    SIGMOID = "sigmoid"


class DelegateChoice(enum.StrEnum):
    """Whose choice of operators is shown."""

    XNNPACK = "xnnpack"
    GPU = "gpu"
    NNAPI = "nnapi"
    ALL = "all"


class OutputKind(enum.StrEnum):
    """What the exported file returns."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"


class InputKind(enum.StrEnum):
    """What the exported file takes."""

    PIXELS = "pixels"
    NORMALIZED = "normalized"


def parse_size(text: str | None) -> tuple[int, int] | None:
    """`"224"` to `(224, 224)`, `"192x160"` (height x width) to `(192, 160)`, None to None.

    Raises:
        typer.BadParameter: it is neither form, or not positive.
    """
    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,4})(?:x([1-9][0-9]{0,4}))?", text, re.ASCII)
    if match is None:
        raise typer.BadParameter(
            f"{text!r} is no size. Give pixels as in 224, or height x width as in 192x160.",
            param_hint="--input-size",
        )
    height = int(match[1])
    return height, int(match[2] or height)
