"""`swiftformer app build`, `install` and `run`: the Android app with any models, and onto a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import ForceFlag, JsonFlag, QuietFlag
from swiftformer_keras.cli.text import file_size

if TYPE_CHECKING:
    from converters.android.build import AppOptions, BuildReport

app_commands = typer.Typer(
    name="app",
    rich_markup_mode=None,
)


@app_commands.callback(invoke_without_command=True)
def app(context: typer.Context) -> None:
    """Build the Android app with any models, and put it on a phone."""
    if context.invoked_subcommand is None:
        print(context.get_help())


ApplicationId = Annotated[
    str, typer.Option("--application-id", metavar="ID", help="By which a phone knows the app.")
]
AppName = Annotated[str | None, typer.Option("--name", help="What the launcher calls it.")]
AppIcon = Annotated[Path | None, typer.Option("--icon", metavar="PICTURE", help="The launcher's picture.")]
Keystore = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Your release key (PKCS12 or JKS); its password is taken from SWIFTFORMER_KEYSTORE_PASSWORD or asked "
        "for. Without one a debug key is made and used.",
    ),
]
KeyAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Which key of the keystore, where there are several.")
]
Abis = Annotated[
    str,
    typer.Option(
        metavar="ABI,...", help="Processors: arm64-v8a, armeabi-v7a, x86_64, x86. Each adds its libraries."
    ),
]
RuntimeAar = Annotated[
    list[Path] | None,
    typer.Option(
        "--runtime-aar",
        metavar="FILE.aar",
        help="LiteRT libraries of yours instead of TFLite 2.16.1; once for each AAR.",
    ),
]
BenchmarkFlag = Annotated[bool, typer.Option("--benchmark", help="With the benchmark's entry, for adb only.")]
Serial = Annotated[
    str | None, typer.Option(metavar="SERIAL", help="Which phone, where several are connected.")
]


@app_commands.command()
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
    application_id: ApplicationId = "dev.swiftformer.app",
    name: AppName = None,
    icon: AppIcon = None,
    keystore: Keystore = None,
    key_alias: KeyAlias = None,
    abis: Abis = "arm64-v8a",
    runtime_aar: RuntimeAar = None,
    benchmark: BenchmarkFlag = False,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Build a signed APK of the camera app with your models in it; needs a JDK and Maven."""
    console = Console("app build", as_json=json, quiet=quiet)
    from converters.android.build import build_app
    from converters.android.signing import ask_on_terminal

    options = parse_options(
        model, application_id, name, icon, keystore, key_alias, abis, runtime_aar, benchmark
    )
    with console.progress(f"Building {out}") as progress:
        report = build_app(out, options, force=force, progress=progress, prompt=ask_on_terminal())
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


def parse_options(
    model: list[Path] | None,
    application_id: str,
    name: str | None,
    icon: Path | None,
    keystore: Path | None,
    key_alias: str | None,
    abis: str,
    runtime_aar: list[Path] | None,
    benchmark: bool,
) -> AppOptions:
    """The options of a build as the builder takes them."""
    from converters.android.build import AppOptions
    from converters.android.runtime import check_abis

    return AppOptions(
        models=tuple(model or ()),
        application_id=application_id,
        name=name,
        icon=icon,
        keystore=keystore,
        key_alias=key_alias,
        abis=check_abis([abi.strip() for abi in abis.split(",")]),
        runtime_aars=tuple(runtime_aar or ()),
        benchmark=benchmark,
    )


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
        f"{out} is written, {file_size(report.size_bytes)}: {report.application_id}, {', '.join(report.abis)}.",
        *(
            f"  {model['file']}: {model['precision']}, {model['classes']} classes, {file_size(model['size_bytes'])}"
            for model in report.models
        ),
        f"  in it, before compression: {parts}",
        f"  signed (schemes 2 and 3) with {key}, verified by {', '.join(report.signed_by.verified_by)}",
        f"  run time: {report.runtime}, {pages}",
    ]
