"""What changes on a device while it works: heat, battery, screen and clocks at one moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from swiftformer_keras.benchmark import fields
from swiftformer_keras.benchmark.facts import MAX_CLUSTERS, MAX_CORES, MAX_KHZ

MAX_TEMPERATURES = 256


@dataclasses.dataclass(frozen=True)
class ClusterState:
    """The clock of one cluster of cores; None for what the device does not tell.

    Attributes:
        cores: their numbers, ascending.
        governor: the rule by which the kernel chooses the frequency.
        current_khz: the frequency at that moment.
        limit_khz: the highest that is allowed now; below the hardware's where heat or a setting keeps it down.
    """

    cores: tuple[int, ...]
    governor: str | None
    current_khz: int | None
    limit_khz: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads it back."""
        return {**dataclasses.asdict(self), "cores": list(self.cores)}

    @classmethod
    def from_json(cls, values: object) -> ClusterState:
        """Inverse of `to_json`.

        Raises:
            ValueError: a field is missing, unknown or out of its bounds.
        """
        names = frozenset(field.name for field in dataclasses.fields(cls))
        found = fields.known_only(values, names, "a cluster's state")
        return cls(
            fields.integers(found, "cores", 0, MAX_CORES - 1),
            fields.optional(fields.text, found, "governor"),
            fields.optional(fields.integer, found, "current_khz", 0, MAX_KHZ),
            fields.optional(fields.integer, found, "limit_khz", 0, MAX_KHZ),
        )


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

    at: str
    thermal_status: int | None
    temperatures_c: Mapping[str, float]
    battery_level: int | None
    battery_temperature_c: float | None
    charging: bool | None
    screen_on: bool | None
    clusters: tuple[ClusterState, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads it back."""
        return {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)},
            "temperatures_c": dict(self.temperatures_c),
            "clusters": [cluster.to_json() for cluster in self.clusters],
        }

    @classmethod
    def from_json(cls, values: object) -> DeviceState:
        """Inverse of `to_json`.

        Raises:
            ValueError: a field is missing, unknown or out of its bounds.
        """
        names = frozenset(field.name for field in dataclasses.fields(cls))
        found = fields.known_only(values, names, "a device's state")
        return cls(
            at=fields.text(found, "at", 40),
            thermal_status=fields.optional(fields.integer, found, "thermal_status", 0, 6),
            temperatures_c=_temperatures(found["temperatures_c"]),
            battery_level=fields.optional(fields.integer, found, "battery_level", 0, 100),
            battery_temperature_c=fields.optional(
                fields.number, found, "battery_temperature_c", -273.15, 1000.0
            ),
            charging=fields.optional(fields.flag, found, "charging"),
            screen_on=fields.optional(fields.flag, found, "screen_on"),
            clusters=tuple(
                ClusterState.from_json(item) for item in fields.items(found, "clusters", MAX_CLUSTERS)
            ),
        )


def _temperatures(values: object) -> dict[str, float]:
    if not isinstance(values, Mapping) or len(values) > MAX_TEMPERATURES:
        raise ValueError("'temperatures_c' is no object of names and degrees")
    for name in values:
        fields.text({"temperatures_c": name}, "temperatures_c")
    return {name: fields.number(values, name, -273.15, 1000.0) for name in values}
