"""`swiftformer classify`: names what is in pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import JsonFlag, PreprocessingOption, QuietFlag

if TYPE_CHECKING:
    from converters.tflite.classify import PictureResult


def classify(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras or .tflite file.")],
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURES", help="Picture files, or folders of them.")
    ],
    top: Annotated[int, typer.Option(min=1, metavar="K", help="How many names for each picture.")] = 5,
    preprocessing: PreprocessingOption = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Class names; by default the model's own.")
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, max=64, metavar="N", help="Threads that run a .tflite file.")
    ] = 1,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Name what is in pictures."""
    console = Console("classify", as_json=json, quiet=quiet)
    from converters.tflite.classify import classify as classify_pictures
    from swiftformer_keras.preprocessing import PREPROCESSINGS, read_preprocessing_file

    contract = None
    if preprocessing is not None:
        contract = PREPROCESSINGS.get(preprocessing) or read_preprocessing_file(preprocessing)
    with console.progress(f"Classifying with {model}") as progress:
        results: list[PictureResult] = []

        def tell(result: PictureResult) -> None:
            results.append(result)
            progress("pictures", len(results))

        classification = classify_pictures(
            model,
            pictures,
            top,
            preprocessing=contract,
            labels=labels,
            threads=threads,
            on_result=tell,
        )
    for result in classification.results:
        if result.error is not None:
            console.problem(result.error)
            continue
        console.print(result.picture)
        console.print(*(f"  {p.probability:7.2%}  {p.label}" for p in result.predictions))
    console.result(classification.to_dict())
    if classification.failed:
        raise typer.Exit(2)
