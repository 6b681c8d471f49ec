"""`swiftformer devices`: every connected phone, and what to do about those that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import JsonFlag, QuietFlag

if TYPE_CHECKING:
    from swiftformer_keras.benchmark.listing import ListedDevice

THERMAL = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
"""Android's words for its thermal status (`PowerManager.THERMAL_STATUS_*`)."""
COLUMNS = (
    "serial",
    "phone",
    "chip",
    "Android",
    "ABIs",
    "memory",
    "cores",
    "battery",
    "heat",
    "screen",
    "advice",
)


def devices(
    restore: Annotated[
        bool,
        typer.Option("--restore", help="Put back what interrupted benchmarks have left changed on phones."),
    ] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """List the phones that are connected (adb), and what to do about those that cannot be used."""
    console = Console("devices", as_json=json, quiet=quiet)
    from swiftformer_keras.benchmark import OUTPUT_VERSION
    from swiftformer_keras.benchmark.listing import list_devices
    from swiftformer_keras.benchmark.listing import restore as put_back
    from swiftformer_keras.errors import SwiftFormerError

    restored: list[str] = []
    not_restored: dict[str, str] = {}
    with console.progress("Asking the phones"):
        found = list_devices()
        for device in found:
            if restore and device.to_put_back and device.state == "device":
                try:
                    if put_back(device.serial):
                        restored.append(device.serial)
                except SwiftFormerError as error:  # of this phone; the others have their turn
                    not_restored[device.serial] = str(error)
    if found:
        console.table("connected phones", COLUMNS, [row(device, restored) for device in found])
    else:
        console.print("No phone is connected. Plug one in and allow USB debugging on it.")
    for serial in restored:
        console.note(f"The phone {serial} is as it was before the interrupted benchmark.")
    console.result(
        {
            "format_version": OUTPUT_VERSION,
            "devices": [device.to_json() for device in found],
            "restored": restored,
            "not_restored": [{"serial": serial, "error": why} for serial, why in not_restored.items()],
        }
    )
    for serial, why in not_restored.items():
        console.problem(f"{serial}: {why}")
    if not_restored:
        raise typer.Exit(2)


def row(device: ListedDevice, restored: list[str]) -> list[str]:
    """A device's line of the table."""
    todo = [device.advice] if device.advice else []
    if device.to_put_back and device.serial not in restored:
        todo.append("an interrupted benchmark left settings changed: swiftformer devices --restore")
    advice = "; ".join(todo)
    facts, state = device.facts, device.state_facts
    if facts is None:
        return [device.serial, f"({device.state})", *[""] * 8, advice]
    name = " ".join(part for part in (facts.manufacturer, facts.model) if part)
    row = [
        device.serial,
        name or "unknown",
        facts.soc or "unknown",
        f"{facts.android_version or 'unknown'} (API {facts.sdk})",
        ", ".join(facts.abis) or "unknown",
        f"{facts.memory_kib / (1 << 20):.1f} GiB" if facts.memory_kib else "unknown",
        _cores(device),
    ]
    if state is None:
        return [*row, "", "", "", advice]
    return [*row, _battery(device), _heat(device), _screen(state.screen_on), advice]


def _cores(device: ListedDevice) -> str:
    assert device.facts is not None
    return (
        " + ".join(
            f"{len(cluster.cores)} x {cluster.max_khz / 1e6:.2f} GHz"
            if cluster.max_khz
            else f"{len(cluster.cores)}"
            for cluster in device.facts.clusters
        )
        or "unknown"
    )


def _battery(device: ListedDevice) -> str:
    state = device.state_facts
    assert state is not None
    level = "unknown" if state.battery_level is None else f"{state.battery_level} %"
    degrees = "" if state.battery_temperature_c is None else f", {state.battery_temperature_c:.1f} °C"
    return f"{level}{degrees}{', charging' if state.charging else ''}"


def _heat(device: ListedDevice) -> str:
    state = device.state_facts
    assert state is not None
    return (
        "unknown"
        if state.thermal_status is None
        else f"{state.thermal_status} ({THERMAL[state.thermal_status]})"
    )


def _screen(on: bool | None) -> str:
    return {True: "on", False: "off", None: "unknown"}[on]
