"""The options that every command that builds an app has, in one place: `AppChoices` lists them, and
`@with_app_choices` gives them to a command, which sees them as one argument."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from converters.android.build import AppOptions


@dataclasses.dataclass(frozen=True)
class AppChoices:
    """What was given on the command line, unchecked."""

    application_id: Annotated[
        str, typer.Option("--application-id", metavar="ID", help="By which a phone knows the app.")
    ] = "dev.swiftformer.app"
    name: Annotated[str | None, typer.Option("--name", help="What the launcher calls it.")] = None
    icon: Annotated[
        Path | None, typer.Option("--icon", metavar="PICTURE", help="The launcher's picture.")
    ] = None
    version_code: Annotated[
        int | None,
        typer.Option(
            "--version-code",
            metavar="N",
            help="The app's version as a number, 1 to 2100000000: Google Play wants a higher one of each update.",
        ),
    ] = None
    version_name: Annotated[
        str | None,
        typer.Option(
            "--version-name", metavar="TEXT", help="The app's version as people read it, as in 1.2.0."
        ),
    ] = None
    keystore: Annotated[
        Path | None,
        typer.Option(
            "--keystore",
            metavar="FILE",
            help="Your release key (PKCS12 or JKS); its password is taken from SWIFTFORMER_KEYSTORE_PASSWORD or "
            "asked for. Without one a debug key is made and used.",
        ),
    ] = None
    key_alias: Annotated[
        str | None,
        typer.Option(
            "--key-alias", metavar="NAME", help="Which key of the keystore, where there are several."
        ),
    ] = None
    abis: Annotated[
        str,
        typer.Option(
            "--abis",
            metavar="ABI,...",
            help="Processors: arm64-v8a, armeabi-v7a, x86_64, x86. Each adds its libraries.",
        ),
    ] = "arm64-v8a"
    runtime_aar: Annotated[
        list[Path] | None,
        typer.Option(
            "--runtime-aar",
            metavar="FILE.aar",
            help="LiteRT libraries of yours instead of TFLite 2.16.1; once for each AAR.",
        ),
    ] = None
    benchmark: Annotated[
        bool, typer.Option("--benchmark", help="With the benchmark's entry, for adb only.")
    ] = False

    def with_models(self, models: Sequence[Path] = ()) -> AppOptions:
        """As the builder takes them.

        Raises:
            AppOptionError: an ABI is unknown.
        """
        from converters.android.build import AppOptions
        from converters.android.runtime import check_abis

        return AppOptions(
            models=tuple(models),
            application_id=self.application_id,
            name=self.name,
            icon=self.icon,
            version_code=self.version_code,
            version_name=self.version_name,
            keystore=self.keystore,
            key_alias=self.key_alias,
            abis=check_abis([abi.strip() for abi in self.abis.split(",")]),
            runtime_aars=tuple(self.runtime_aar or ()),
            benchmark=self.benchmark,
        )


def with_app_choices(command: Callable[..., None]) -> Callable[..., None]:
    """The command with one option for each field in the place of its parameter `choices`."""
    fields = inspect.signature(AppChoices, eval_str=True).parameters
    parameters = [
        parameter
        for own in inspect.signature(command, eval_str=True).parameters.values()
        for parameter in (fields.values() if own.name == "choices" else [own])
    ]

    @functools.wraps(command)
    def given(**values: Any) -> None:
        choices = AppChoices(**{name: values.pop(name) for name in fields})
        command(choices=choices, **values)

    given.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    given.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return given
