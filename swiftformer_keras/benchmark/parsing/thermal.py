"""`dumpsys thermalservice` (API 29 and later): the thermal status and every sensor's temperature.

Layout after `ThermalManagerService.dump` of Android's sources (services/core/java/com/android/server/power).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from swiftformer_keras.benchmark.parsing.values import labelled, printable, real, whole

FIRST_SDK = 29
MAX_SENSORS = 256
_TEMPERATURE = re.compile(
    r"Temperature\{mValue=([^,}]{1,40}), mType=-?\d{1,4}, mName=([^,}]{1,200}), mStatus=-?\d{1,4}\}"
)
_LOWEST_C, _HIGHEST_C = -60.0, 300.0


@dataclasses.dataclass(frozen=True)
class Thermal:
    """Heat at one moment.

    Attributes:
        status: 0 (none) to 6 (shutdown); None where the system does not know it.
        temperatures_c: of each sensor, degrees Celsius; sensors that say impossible values are left out.
    """

    status: int | None
    temperatures_c: Mapping[str, float]


def parse_thermal(said: str, sdk: int | None) -> Thermal:
    """The heat in the output of `dumpsys thermalservice`.

    The status is unknown below API 29, which has none, and where the service says that nothing measures it
    ("HAL Ready: false": it then stays at its first value, 0), unless somebody has set it by hand.
    """
    if sdk is None or sdk < FIRST_SDK:
        return Thermal(None, {})
    overridden = labelled(said, "IsStatusOverride") == "true"
    measured = overridden or labelled(said, "HAL Ready") != "false"
    status = whole(labelled(said, "Thermal Status"), 0, 6) if measured else None
    return Thermal(status, _temperatures(said))


def _temperatures(said: str) -> dict[str, float]:
    """Each sensor's newest value: what the hardware says now counts more than what was kept."""
    kept, _, now = said.partition("Current temperatures from HAL:")
    now = now.partition("Current cooling devices")[0]
    found: dict[str, float] = {}
    for value, name in _TEMPERATURE.findall(kept) + _TEMPERATURE.findall(now):
        degrees, called = real(value, _LOWEST_C, _HIGHEST_C), printable(name)
        if degrees is not None and called and (called in found or len(found) < MAX_SENSORS):
            found[called] = degrees
    return found
