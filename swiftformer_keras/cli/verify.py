"""`swiftformer verify`: compares two forms of one model, or one .tflite file with itself in half precision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import ForceFlag, JsonFlag, PreprocessingOption, QuietFlag

if TYPE_CHECKING:
    from converters.tflite.half.emulate import OperatorLoss
    from converters.top1 import Top1
    from converters.verify import Verification
    from converters.verify_half import HalfVerification


def verify(
    a: Annotated[
        str, typer.Argument(metavar="A", help="A .keras or .tflite file, a checkpoint, or a hub name.")
    ],
    b: Annotated[
        str | None, typer.Argument(metavar="B", help="The same, compared with A.", show_default=False)
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Pictures, or folders of them named after their classes; by default the package's.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="The pictures' true classes: rows of picture,class."),
    ] = None,
    preprocessing: PreprocessingOption = None,
    samples: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Take N of the pictures, at random.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of that choice.")] = 0,
    min_pictures: Annotated[
        int, typer.Option(min=1, metavar="N", help="So many pictures must be readable.")
    ] = 8,
    min_sqnr: Annotated[
        float | None, typer.Option(metavar="DB", help="Smallest signal-to-noise ratio of the scores.")
    ] = None,
    min_agreement: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Smallest share of pictures with the same answer.")
    ] = None,
    max_difference: Annotated[
        float | None, typer.Option(metavar="X", help="Largest difference of a score.")
    ] = None,
    float16_arithmetic: Annotated[
        bool,
        typer.Option("--float16-arithmetic", help="Work out what half precision does to the .tflite file A."),
    ] = False,
    min_operator_sqnr: Annotated[
        float, typer.Option(metavar="DB", help="With --float16-arithmetic: of each operator alone.")
    ] = 30.0,
    threads: Annotated[
        int, typer.Option(min=1, max=64, metavar="N", help="Threads that run a .tflite file.")
    ] = 1,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write all figures there, too.")
    ] = None,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Run two models on the same pictures and compare their scores.

    A and B are any two of a .keras file, a .tflite file and an original checkpoint. Exit code 3 where a bound that
    was asked for is not met.
    """
    if float16_arithmetic and b is not None:
        raise typer.BadParameter(
            "--float16-arithmetic takes one .tflite file, not two models.", param_hint="B"
        )
    if b is None and not float16_arithmetic:
        raise typer.BadParameter("give a second model to compare with.", param_hint="B")
    for option, given in (
        ("--labels", labels),
        ("--min-agreement", min_agreement),
        ("--max-difference", max_difference),
    ):
        if float16_arithmetic and given is not None:
            raise typer.BadParameter("does not go with --float16-arithmetic.", param_hint=option)
    console = Console("verify", as_json=json, quiet=quiet)
    from converters.verify import Bounds, write_report
    from converters.verify import verify as compare_models
    from converters.verify_half import verify_half
    from swiftformer_keras.files import check_output
    from swiftformer_keras.preprocessing import PREPROCESSINGS, read_preprocessing_file

    contract = None
    if preprocessing is not None:
        contract = PREPROCESSINGS.get(preprocessing) or read_preprocessing_file(preprocessing)
    if report is not None:
        check_output(report, force=force)
    found: Verification | HalfVerification
    with console.progress(f"Verifying {a}") as progress:
        if b is None:
            found = verify_half(
                Path(a),
                images=images,
                preprocessing=contract,
                samples=samples,
                seed=seed,
                min_sqnr_db=min_sqnr,
                min_operator_sqnr_db=min_operator_sqnr,
                progress=progress,
            )
        else:
            found = compare_models(
                a,
                b,
                images=images,
                truths=labels,
                preprocessing=contract,
                samples=samples,
                seed=seed,
                min_pictures=min_pictures,
                bounds=Bounds(min_sqnr, min_agreement, max_difference),
                threads=threads,
                progress=progress,
            )
    for warning in (*found.skipped, *found.notes):
        console.warn(warning)
    told = found.to_dict()
    if b is None:
        _show_half(console, found)
    else:
        _show(console, found)
    if report is not None:
        write_report(report, told, force=force)
    missed = f"{b or a}: {'; '.join(found.missed)}" if found.missed else None
    console.result({**told, "met": missed is None})
    if missed is not None:
        console.problem(missed)
        raise typer.Exit(3)


def _show(console: Console, found: Any) -> None:
    """The figures of a comparison."""
    difference = found.difference
    console.print(
        f"{found.b.where} compared with {found.a.where}, {found.scores} of {found.pictures} picture(s):",
        f"  signal to noise      {_decibels(difference.sqnr_db)}",
        f"  same answer          {difference.agreement:.2%}",
        f"  largest difference   {difference.largest:.2e} of scores up to {difference.largest_output:.1f}",
    )
    if found.top1_a is not None and found.top1_b is not None:
        for name, accuracy in ((found.a.where, found.top1_a), (found.b.where, found.top1_b)):
            console.print(f"  right answers        {_top1(accuracy)}  {name}")


def _show_half(console: Console, found: Any) -> None:
    """The figures of half-precision arithmetic."""
    console.print(f"{found.file} in float16 arithmetic, {found.pictures} picture(s):")
    for loss in found.losses:
        console.print(
            f"  {loss.accumulators} accumulators: scores {_decibels(loss.difference.sqnr_db)}, "
            f"same answer {loss.difference.agreement:.2%}",
            f"    overflow: {'none' if loss.overflowing is None else loss.overflowing}",
            f"    loses most: {_operator(loss.costliest)}",
        )


def _operator(loss: OperatorLoss) -> str:
    return f"{loss}, {_decibels(loss.own_db)} alone"


def _decibels(value: float | None) -> str:
    return "no difference" if value is None else f"{value:.1f} dB"


def _top1(accuracy: Top1) -> str:
    return f"{accuracy.share:.2%} (95 %: {accuracy.low:.2%} to {accuracy.high:.2%})"
