"""`swiftformer quantize`: a .keras file to an int8 .tflite file, measured on held-out pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import (
    Calibration,
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
    from converters.tflite.quantize_report import QuantizeReport
    from converters.top1 import Top1


def quantize(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras file that convert wrote.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.tflite", help="The .tflite file to write.")],
    calibration: Calibration,
    scheme: Annotated[
        Scheme,
        typer.Option(
            help="int8 weights and activations; mixed leaves the fewest parts in float that meet --min-sqnr; "
            "dynamic is int8 weights only (needs LiteRT)."
        ),
    ] = Scheme.INT8,
    io: Annotated[
        Io, typer.Option(help="Type of input and output; every reader and delegate takes float32.")
    ] = Io.FLOAT32,
    gelu: Annotated[
        QuantizedGelu | None,
        typer.Option(help="Form of the activation: sigmoid (int8's default) is fastest, tanh is nearer."),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", help="Pictures to calibrate with, at most.")] = 128,
    held_out: Annotated[
        int, typer.Option(metavar="N", help="Other pictures to measure on, at most; a quarter of few.")
    ] = 64,
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
            "--min-sqnr",
            metavar="DB",
            help="Bound on signal to noise; 25 for int8, 35 for mixed, 30 for dynamic.",
        ),
    ] = None,
    bias_correction: Annotated[
        bool,
        typer.Option(
            "--bias-correction/--no-bias-correction", help="Take back what int8 shifts, where that helps."
        ),
    ] = True,
    input_size: InputSize = None,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Quantise a model to int8; it is measured on held-out pictures before it is put in place.

    Where the pictures' classes are known, top-1 is measured, too.
    """
    console = Console("quantize", as_json=json, quiet=quiet)
    size = parse_size(input_size)
    from converters.tflite.quantize import quantize_file

    with console.progress(f"Quantising {model}") as progress:
        report = quantize_file(
            model,
            out,
            calibration=calibration,
            scheme=scheme.value,
            io=io.value,
            gelu=gelu.value if gelu else None,
            samples=samples,
            held_out=held_out,
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
        f"  signal to noise {_decibels(report.sqnr_db)}, bound {report.min_sqnr_db:g} dB",
        f"  same answer as Keras on {report.agreement:.1%}, largest logit difference "
        f"{report.largest_difference:.2g}",
        *_accuracy(report),
        *_choices(report),
    )
    console.result({"output": str(out), **report.to_dict()})


def _calibrated(report: QuantizeReport) -> str:
    return f"calibrated on {report.calibration_pictures} pictures, " if report.scheme != "dynamic" else ""


def _accuracy(report: QuantizeReport) -> list[str]:
    if report.top1 is None or report.float_top1 is None:
        return []
    return [f"  top-1 {_top1(report.top1)}, of Keras {_top1(report.float_top1)}"]


def _top1(value: Top1) -> str:
    return f"{value.share:.1%} (95 % interval {value.low:.1%} to {value.high:.1%})"


def _choices(report: QuantizeReport) -> list[str]:
    """What was decided on calibration pictures."""
    lines = []
    if report.biases is not None:
        kept = "kept" if report.biases.kept else "not kept"
        lines.append(
            f"  corrected biases {kept}: {_decibels(report.biases.corrected_db)} with, "
            f"{_decibels(report.biases.uncorrected_db)} without, on {report.biases.pictures} calibration pictures"
        )
    if report.scheme == "mixed":
        asked = () if report.keep_float is None else (f"what {report.keep_float} matches",)
        lines.append(
            f"  in float: {', '.join((*report.float_groups, *asked)) or 'nothing but what always is'}"
        )
    return lines


def _decibels(value: float | None) -> str:
    return "without end" if value is None else f"{value:.1f} dB"
