"""`swiftformer export`: a .keras file to a checked .tflite file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import (
    ForceFlag,
    Gelu,
    InputKind,
    InputSize,
    JsonFlag,
    OutputKind,
    Precision,
    QuietFlag,
    parse_size,
)
from swiftformer_keras.cli.text import file_size

if TYPE_CHECKING:
    from converters.tflite.export import ExportReport


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras file that convert wrote.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.tflite", help="The .tflite file to write.")],
    precision: Annotated[Precision, typer.Option(help="Arithmetic of the file.")] = Precision.FLOAT32,
    input_size: InputSize = None,
    samples: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Pictures like those the model will see; by default the package's."),
    ] = None,
    gelu: Annotated[
        Gelu | None,
        typer.Option(
            help="fast is made of operators every runtime has; exact is nearer to Keras, and faster on LiteRT. "
            "By default exact where the file needs LiteRT anyway (dynamic), else fast."
        ),
    ] = None,
    output: Annotated[OutputKind, typer.Option(help="What the file returns.")] = OutputKind.LOGITS,
    input: Annotated[
        InputKind, typer.Option(help="RGB pixels 0..255, or values normalised by the caller.")
    ] = InputKind.PIXELS,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Export a model to TFLite; the file is run and compared with the model before it is put in place.

    The bound on the difference is absolute for logits up to 16 and grows in proportion above.
    """
    console = Console("export", as_json=json, quiet=quiet)
    size = parse_size(input_size)
    from converters.tflite.export import export_file

    with console.progress(f"Exporting {model}") as progress:
        report = export_file(
            model,
            out,
            precision=precision.value,
            input_size=size,
            samples=samples,
            gelu=gelu.value if gelu else None,
            output=output.value,
            input=input.value,
            force=force,
            progress=progress,
        )
    console.note(
        f"{out} is written, {file_size(report.size_bytes)}: {report.precision}, {report.gelu} GELU, "
        f"{report.input_kind} in, {report.output_kind} out.",
        f"  run on {report.pictures} pictures and compared with the Keras model:",
        f"  largest difference {report.largest_difference:.1e}{_held(report)}",
    )
    console.result({"output": str(out), **report.to_dict()})


def _held(report: ExportReport) -> str:
    """What the difference was held against, and how."""
    if report.bound is not None and report.excess < report.largest_difference:
        return (
            f" on logits up to {report.largest_output:.1e}, held as {report.excess:.1e} against {report.bound:g} "
            f"(in proportion above logits of {report.proportional_above:g})"
        )
    if report.bound is not None:
        return f", bound {report.bound:g}"
    if report.min_sqnr_db is not None and report.sqnr_db is not None:
        return f"; signal to noise {report.sqnr_db:.1f} dB, bound {report.min_sqnr_db:g} dB"
    return ""
