"""`getprop`: lines of `[name]: [value]`; a value may run over several lines."""

from __future__ import annotations

import re

from swiftformer_keras.benchmark.parsing.values import printable, whole

_PROPERTY = re.compile(r"^\[([A-Za-z0-9_.:@-]{1,256})\]: \[(.{0,4096}?)\]\r?$", re.MULTILINE | re.DOTALL)


def parse_properties(said: str) -> dict[str, str]:
    """Names and values as they are; of a name that comes twice, the first counts."""
    found: dict[str, str] = {}
    for name, value in _PROPERTY.findall(said):
        found.setdefault(name, value)
    return found


def chip(properties: dict[str, str]) -> str | None:
    """Maker and name of the chip.

    Android 12 has `ro.soc.*`; before it, `ro.board.platform` and `ro.hardware` are what the maker chose to call it.
    """
    parts = (properties.get("ro.soc.manufacturer"), properties.get("ro.soc.model"))
    named = " ".join(part.strip() for part in parts if part and part.strip().lower() != "unknown")
    return printable(named or properties.get("ro.board.platform") or properties.get("ro.hardware"))


def api_level(properties: dict[str, str]) -> int | None:
    """The API level of the system, such as 34 for Android 14."""
    return whole(properties.get("ro.build.version.sdk"), 1, 10_000)


def processor_abis(properties: dict[str, str]) -> tuple[str, ...]:
    """What the processor runs, the preferred one first."""
    listed = properties.get("ro.product.cpu.abilist") or properties.get("ro.product.cpu.abi") or ""
    named = (name.strip() for name in listed.split(","))
    return tuple(name for name in named if re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name))[:32]
