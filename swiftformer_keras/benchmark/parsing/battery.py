"""`dumpsys battery`: level, temperature in tenths of a degree, and what it draws power from."""

from __future__ import annotations

import dataclasses
import re

from swiftformer_keras.benchmark.parsing.values import labelled, whole


@dataclasses.dataclass(frozen=True)
class Battery:
    """A battery at one moment; None for what is not said.

    Attributes:
        level: percent.
        temperature_c: degrees Celsius.
        charging: whether some source powers the device.
    """

    level: int | None
    temperature_c: float | None
    charging: bool | None


def parse_battery(said: str) -> Battery:
    """The battery in the output of `dumpsys battery`.

    Temperature and scale are those of `BatteryManager.EXTRA_TEMPERATURE` (tenths of a degree) and `EXTRA_SCALE`.
    """
    level = whole(labelled(said, "level"), 0, 100_000)
    scale = whole(labelled(said, "scale"), 1, 100_000)
    percent = None if level is None else round(100 * level / (scale or 100))
    tenths = whole(labelled(said, "temperature"), -1000, 2000)
    powered = re.findall(r"^[ \t]{0,40}\w{1,40} powered: (true|false)\b", said, re.MULTILINE)
    return Battery(
        level=percent if percent is not None and percent <= 100 else None,
        temperature_c=None if tenths is None else tenths / 10,
        charging="true" in powered if powered else None,
    )
