"""`swiftformer inspect`: what is in a .tflite file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import JsonFlag, QuietFlag


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE.tflite", help="The file to look into.")],
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Show a .tflite file's tensors, operators, sizes, quantisation and metadata."""
    console = Console("inspect", as_json=json, quiet=quiet)
    from converters.tflite.inspect import inspect_tflite

    inspection = inspect_tflite(file)
    console.result(inspection.to_dict())
