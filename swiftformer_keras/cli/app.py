"""The list of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from swiftformer_keras import __version__
from swiftformer_keras.cli.app_commands import app_commands
from swiftformer_keras.cli.benchmark import benchmark
from swiftformer_keras.cli.classify import classify
from swiftformer_keras.cli.convert import convert
from swiftformer_keras.cli.demo import demo
from swiftformer_keras.cli.deploy import deploy
from swiftformer_keras.cli.devices import devices
from swiftformer_keras.cli.doctor import doctor
from swiftformer_keras.cli.export import export
from swiftformer_keras.cli.inspect import inspect
from swiftformer_keras.cli.quantize import quantize
from swiftformer_keras.cli.report import report
from swiftformer_keras.cli.sensitivity import sensitivity
from swiftformer_keras.cli.verify import verify

app = typer.Typer(
    name="swiftformer",
    rich_markup_mode=None,  # plain help: rich alone would cost half of the time that --help may take
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"swiftformer {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def swiftformer(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """SwiftFormer from a PyTorch checkpoint to a checked TFLite file for Android.

    Exit codes: 0 done, 2 a mistake in what was given, 3 a stated bound was not met, 1 a bug.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


for command in (
    convert,
    export,
    quantize,
    sensitivity,
    classify,
    inspect,
    verify,
    deploy,
    devices,
    benchmark,
    report,
    demo,
    doctor,
):
    app.command()(command)
app.add_typer(app_commands)
