"""`swiftformer app build`, `install` and `run`: the Android app with any models, and onto a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swiftformer_keras.cli.app_options import AppChoices, with_app_choices
from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import ForceFlag, JsonFlag, QuietFlag
from swiftformer_keras.cli.text import file_size

if TYPE_CHECKING:
    from converters.android.build import BuildReport

app_commands = typer.Typer(
    name="app",
    rich_markup_mode=None,
)


@app_commands.callback(invoke_without_command=True)
def app(context: typer.Context) -> None:
    """Build the Android app with any models, and put it on a phone."""
    if context.invoked_subcommand is None:
        print(context.get_help())


Serial = Annotated[
    str | None, typer.Option(metavar="SERIAL", help="Which phone, where several are connected.")
]


@app_commands.command()
@with_app_choices
def build(
    out: Annotated[Path, typer.Option("--out", metavar="OUT.apk", help="The APK to write.")],
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            metavar="FILE.tflite",
            help="A file that export or quantize wrote; once for each. Without any, the package's demo model.",
        ),
    ] = None,
    *,
    choices: AppChoices,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Build a signed APK of the camera app with your models in it; needs a JDK and Maven."""
    console = Console("app build", as_json=json, quiet=quiet)
    from converters.android.build import build_app
    from converters.android.signing import ask_on_terminal

    options = choices.with_models(model or ())
    with console.progress(f"Building {out}") as progress:
        report = build_app(
            out, options, force=force, progress=progress, prompt=ask_on_terminal(progress.asking)
        )
    console.note(*account(out, report))
    console.result({"output": str(out), **report.to_dict()})


@app_commands.command()
def install(
    apk: Annotated[Path, typer.Argument(metavar="APK", help="A file that app build wrote.")],
    serial: Serial = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Put the app on the connected phone (adb)."""
    console = Console("app install", as_json=json, quiet=quiet)
    from converters.android.adb import install as install_apk

    with console.progress(f"Installing {apk}"):
        phone = install_apk(apk, serial)
    console.note(f"{apk} is installed on {phone.model} ({phone.serial}).")
    console.result({"apk": str(apk), "serial": phone.serial, "model": phone.model})


@app_commands.command()
def run(
    apk: Annotated[
        Path | None, typer.Argument(metavar="[APK]", help="Install this first; else the app must be there.")
    ] = None,
    application_id: Annotated[
        str | None, typer.Option("--application-id", metavar="ID", help="Of the app, where no APK is given.")
    ] = None,
    serial: Serial = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Start the app on the connected phone (adb)."""
    console = Console("app run", as_json=json, quiet=quiet)
    from converters.android.adb import run_app

    with console.progress("Starting the app"):
        started, phone = run_app(apk, application_id, serial)
    console.note(f"{started} runs on {phone.model} ({phone.serial}).")
    console.result({"application_id": started, "serial": phone.serial, "model": phone.model})


def account(out: Path, report: BuildReport) -> list[str]:
    """What was built, in lines."""
    parts = ", ".join(f"{what} {file_size(size)}" for what, size in report.parts.items())
    pages = (
        "linked for memory pages of 16 KB"
        if report.linked_for_large_pages
        else "not linked for memory pages of 16 KB: it runs on phones with pages of 4 KB, and Google Play refuses it "
        "for new apps (--runtime-aar takes newer libraries)"
    )
    key = "a debug key of this machine" if report.debug_key else "your key"
    return [
        f"{out} is written, {file_size(report.size_bytes)}: {report.application_id} {report.version_name} "
        f"({report.version_code}), {', '.join(report.abis)}.",
        *(
            f"  {model['file']}: {model['precision']}, {model['classes']} classes, {file_size(model['size_bytes'])}"
            for model in report.models
        ),
        f"  in it, before compression: {parts}",
        f"  signed (schemes 2 and 3) with {key}, verified by {', '.join(report.signed_by.verified_by)}",
        f"  run time: {report.runtime}, {pages}",
    ]
