"""What changes on a device while it works: heat, battery, screen and clocks at one moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated

from swiftformer_keras.benchmark.facts import MAX_CLUSTERS, CoreNumbers, Khz
from swiftformer_keras.benchmark.records import Limit, Range

MAX_TEMPERATURES = 256
Celsius = Annotated[float, Range(-273.15, 1000.0)]


@dataclasses.dataclass(frozen=True)
class ClusterState:
    """The clock of one cluster of cores; None for what the device does not tell.

    Attributes:
        cores: their numbers, ascending.
        governor: the rule by which the kernel chooses the frequency.
        current_khz: the frequency at that moment.
        limit_khz: the highest that is allowed now; below the hardware's where heat or a setting keeps it down.
    """

    cores: CoreNumbers
    governor: str | None
    current_khz: Khz | None
    limit_khz: Khz | None


@dataclasses.dataclass(frozen=True)
class DeviceState:
    """A device at one moment; None for what it does not tell.

    Attributes:
        at: ISO 8601 with zone, of this computer's clock.
        thermal_status: Android's 0 (none) to 6 (shutdown); None below API 29, which has no such status.
        temperatures_c: of each sensor, degrees Celsius.
        battery_level: percent.
        battery_temperature_c: degrees Celsius.
        charging: whether it draws power from a cable or a charger.
        screen_on: whether the device is awake.
        clusters: clocks, the slowest cluster first.
    """

    at: Annotated[str, Limit(40)]
    thermal_status: Annotated[int, Range(0, 6)] | None
    temperatures_c: Annotated[Mapping[str, Celsius], Limit(MAX_TEMPERATURES)]
    battery_level: Annotated[int, Range(0, 100)] | None
    battery_temperature_c: Celsius | None
    charging: bool | None
    screen_on: bool | None
    clusters: Annotated[tuple[ClusterState, ...], Limit(MAX_CLUSTERS)]
