"""`swiftformer quantize`: a .keras file to an int8 .tflite file, measured on held-out pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import (
    ForceFlag,
    InputSize,
    Io,
    JsonFlag,
    QuantizedGelu,
    QuietFlag,
    Scheme,
    parse_size,
)
from swiftformer_keras.cli.text import file_size

if TYPE_CHECKING:
    from converters.tflite.quantize import QuantizeReport


def quantize(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras file that convert wrote.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.tflite", help="The .tflite file to write.")],
    calibration: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Pictures like those the model will see, 32 at least; some are held out."
        ),
    ],
    scheme: Annotated[
        Scheme, typer.Option(help="int8 weights and activations, or int8 weights only (needs LiteRT).")
    ] = Scheme.INT8,
    io: Annotated[
        Io, typer.Option(help="Type of input and output; every reader and delegate takes float32.")
    ] = Io.FLOAT32,
    gelu: Annotated[
        QuantizedGelu | None,
        typer.Option(help="Form of the activation: sigmoid (int8's default) is fastest, tanh is nearer."),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", help="Pictures to calibrate with, at most.")] = 128,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the choice of pictures.")] = 0,
    percentile: Annotated[
        float, typer.Option(metavar="P", help="Per cent of each tensor's values that its range covers.")
    ] = 100.0,
    keep_float: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Operators that stay float, by their names.")
    ] = None,
    min_sqnr: Annotated[
        float | None,
        typer.Option(
            "--min-sqnr", metavar="DB", help="Bound on signal to noise; 25 for int8, 30 for dynamic."
        ),
    ] = None,
    bias_correction: Annotated[
        bool, typer.Option("--bias-correction/--no-bias-correction", help="Take back what int8 shifts.")
    ] = True,
    input_size: InputSize = None,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Quantise a model to int8; it is measured on held-out pictures before it is put in place."""
    console = Console("quantize", as_json=json, quiet=quiet)
    size = parse_size(input_size)
    from swiftformer_keras.files import check_output

    check_output(out, force=force)
    from converters.tflite.quantize import quantize as quantize_model
    from swiftformer_keras.saving import load_classifier

    with console.progress(f"Quantising {model}") as progress:
        report = quantize_model(
            load_classifier(model),
            out,
            calibration=calibration,
            scheme=scheme.value,
            io=io.value,
            gelu=gelu.value if gelu else None,
            samples=samples,
            seed=seed,
            percentile=percentile,
            correct_bias=bias_correction,
            keep_float=keep_float,
            input_size=size,
            min_sqnr_db=min_sqnr,
            force=force,
            progress=progress,
        )
    for warning in report.warnings:
        console.warn(warning)
    console.note(
        f"{out} is written, {file_size(report.size_bytes)}: {report.scheme}, {report.gelu} GELU, "
        f"{report.io} in and out.",
        f"  {_calibrated(report)}compared with the Keras model on {report.held_out_pictures} others:",
        f"  signal to noise {_decibels(report.sqnr_db)}, bound {report.min_sqnr_db:g} dB{_before(report)}",
        f"  same answer as Keras on {report.agreement:.1%}, largest logit difference "
        f"{report.largest_difference:.2g}",
    )
    console.result({"output": str(out), **report.to_dict()})


def _calibrated(report: QuantizeReport) -> str:
    return f"calibrated on {report.calibration_pictures} pictures, " if report.scheme == "int8" else ""


def _before(report: QuantizeReport) -> str:
    if report.uncorrected_sqnr_db is None:
        return ""
    return f" ({report.uncorrected_sqnr_db:.1f} dB before the biases were corrected)"


def _decibels(value: float | None) -> str:
    return "without end" if value is None else f"{value:.1f} dB"
