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


def identity(properties: dict[str, str], serial: str) -> str:
    """What a phone is told by, however it is connected: by USB and by Wi-Fi adb has two serial numbers for it.

    It is `ro.serialno`; where that is missing, or one that many devices share (emulators, boards without a number of
    their own), adb's serial number has to do.
    """
    own = properties.get("ro.serialno", "").strip()
    shared = re.fullmatch(r"(.)\1*|unknown|(0123456789abcdef|1234567890|emulator).*", own, re.IGNORECASE)
    return own if re.fullmatch(r"[A-Za-z0-9._:-]{4,64}", own) and shared is None else serial


def processor_abis(properties: dict[str, str]) -> tuple[str, ...]:
    """What the processor runs, the preferred one first."""
    listed = properties.get("ro.product.cpu.abilist") or properties.get("ro.product.cpu.abi") or ""
    named = (name.strip() for name in listed.split(","))
    return tuple(name for name in named if re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name))[:32]
