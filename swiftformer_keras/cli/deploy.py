"""`swiftformer deploy`: from a checkpoint to an APK in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swiftformer_keras.cli.app_commands import account
from swiftformer_keras.cli.app_options import AppChoices, with_app_choices
from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import ForceFlag, JsonFlag, PreprocessingOption, QuietFlag


@with_app_choices
def deploy(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="A checkpoint or hub name, as convert takes it.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.apk", help="The APK to write.")],
    calibration: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|FILE|demo",
            help="Pictures like those the model will see, 32 at least: the model becomes int8. Without them, float16.",
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Class names: one a line, or JSON (list or id2label).")
    ] = None,
    preprocessing: PreprocessingOption = None,
    *,
    choices: AppChoices,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Convert a checkpoint, export or quantise it, and build the app with it; needs a JDK and Maven."""
    console = Console("deploy", as_json=json, quiet=quiet)
    from converters.android.deploy import deploy as deploy_checkpoint
    from converters.android.signing import ask_on_terminal

    options = choices.with_models()
    with console.progress(f"Deploying {checkpoint}") as progress:
        report = deploy_checkpoint(
            checkpoint,
            out,
            options,
            calibration=calibration,
            labels=labels,
            preprocessing=preprocessing,
            force=force,
            progress=progress,
            prompt=ask_on_terminal(progress.asking),
        )
    for warning in report.warnings:
        console.warn(warning)
    console.note(*account(out, report.app))
    console.result({"output": str(out), **report.to_dict()})
