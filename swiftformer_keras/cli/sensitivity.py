"""`swiftformer sensitivity`: which parts of a model int8 costs most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import (
    Calibration,
    ForceFlag,
    InputSize,
    JsonFlag,
    QuantizedGelu,
    QuietFlag,
    parse_size,
)

_BAR = 30  # columns of the longest bar


def sensitivity(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras file that convert wrote.")],
    calibration: Calibration,
    gelu: Annotated[QuantizedGelu, typer.Option(help="Form of the activation.")] = QuantizedGelu.SIGMOID,
    samples: Annotated[int, typer.Option(metavar="N", help="Pictures to calibrate with, at most.")] = 128,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the choice of pictures.")] = 0,
    input_size: InputSize = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="OUT.png|svg", help="Draw the result as a picture, too.")
    ] = None,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Quantise one group of operators at a time and show what each costs.

    swiftformer quantize --scheme mixed leaves the dearest in float.
    """
    console = Console("sensitivity", as_json=json, quiet=quiet)
    size = parse_size(input_size)
    from converters.tflite.sensitivity import sensitivity_of_file
    from converters.tflite.sensitivity_plot import check_plot, in_decibels, write_plot

    if plot is not None:
        check_plot(plot, force=force)
    with console.progress(f"Measuring {model}") as progress:
        found = sensitivity_of_file(
            model,
            calibration=calibration,
            gelu=gelu.value,
            samples=samples,
            seed=seed,
            input_size=size,
            progress=progress,
        )
        if plot is not None:
            progress("drawing")
            write_plot(found, plot, force=force)
    for warning in found.warnings:
        console.warn(warning)
    longest = max(group.share for group in found.groups) or 1
    rows = [
        (
            group.name,
            in_decibels(group.sqnr_db),
            f"{group.agreement:.1%}",
            f"{group.share:.1%}",
            "#" * round(_BAR * group.share / longest),
        )
        for group in found.groups
    ]
    title = f"Noise of int8 by group, one at a time: {found.gelu} GELU, {found.pictures} pictures"
    console.table(title, ("group", "signal to noise", "same answer", "of the noise", ""), rows)
    console.print(f"all groups together: {in_decibels(found.together_db)}")
    if found.gelu_db is not None:
        console.print(
            f"the {found.gelu} form of the activation alone, in float: {in_decibels(found.gelu_db)}"
        )
    if plot is not None:
        console.note(f"{plot} is written.")
    console.result({"plot": None if plot is None else str(plot), **found.to_dict()})
