"""`swiftformer classify`: names what is in pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import JsonFlag, QuietFlag


def classify(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras or .tflite file.")],
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE...", help="Pictures, or folders of them.")
    ],
    top: Annotated[int, typer.Option(min=1, metavar="K", help="How many names for each picture.")] = 5,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Name what is in pictures."""
    console = Console("classify", as_json=json, quiet=quiet)
    from converters.tflite.classify import classify as classify_pictures

    with console.progress(f"Classifying with {model}"):
        results = classify_pictures(model, pictures, top)
    console.result({"model": str(model), "results": results})
