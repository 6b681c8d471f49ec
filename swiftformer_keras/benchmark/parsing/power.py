"""`dumpsys power` and `settings get`: whether the device is awake, and a setting's value."""

from __future__ import annotations

import re


def parse_awake(said: str) -> bool | None:
    """Whether the device is awake, from `mWakefulness=Awake`; dozing, dreaming and asleep are not."""
    match = re.search(r"\bmWakefulness=(Awake|Asleep|Dozing|Dreaming)\b", said)
    return match[1] == "Awake" if match else None


def parse_setting(said: str) -> str | None:
    """A setting's number as text, or None where it was never set (`null`).

    Raises:
        ValueError: it is neither: what could not be put back must not be changed.
    """
    value = said.strip()
    if value == "null":
        return None
    if re.fullmatch(r"-?[0-9]{1,12}", value) is None:
        raise ValueError("no number")
    return value
