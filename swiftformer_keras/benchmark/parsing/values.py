"""Single values out of foreign text, within bounds."""

from __future__ import annotations

import math
import re

from swiftformer_keras.shown import shown

MAX_TEXT = 200


def printable(text: str | None) -> str | None:
    """A short printable line, or None where there is nothing."""
    stripped = (text or "").strip()
    return shown(stripped, MAX_TEXT) if stripped else None


def whole(text: str | None, low: int, high: int) -> int | None:
    """A whole number within `low` to `high`, or None."""
    if text is None or re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text) is None:
        return None
    value = int(text)
    return value if low <= value <= high else None


def real(text: str | None, low: float, high: float) -> float | None:
    """A finite number within `low` to `high`, or None."""
    if text is None or len(text) > 40:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and low <= value <= high else None


def labelled(text: str, label: str) -> str | None:
    """The rest of the first line `label: rest`, whatever its indent."""
    match = re.search(rf"^[ \t]{{0,40}}{re.escape(label)}:([^\n]{{0,{2 * MAX_TEXT}}})", text, re.MULTILINE)
    return match[1].strip() if match else None
