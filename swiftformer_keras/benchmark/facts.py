"""What a device is: facts that stay the same for as long as it is not updated."""

from __future__ import annotations

import dataclasses
from typing import Any

from swiftformer_keras.benchmark import fields

MAX_CORES = 256
MAX_CLUSTERS = 16
MAX_KHZ = 100_000_000
MAX_KIB = 1 << 40


@dataclasses.dataclass(frozen=True)
class CpuCluster:
    """Cores that share one clock.

    Attributes:
        cores: their numbers, ascending.
        max_khz: the highest frequency the hardware has, or None where the device does not say.
    """

    cores: tuple[int, ...]
    max_khz: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads it back."""
        return {"cores": list(self.cores), "max_khz": self.max_khz}

    @classmethod
    def from_json(cls, values: object) -> CpuCluster:
        """Inverse of `to_json`.

        Raises:
            ValueError: a field is missing, unknown or out of its bounds.
        """
        found = fields.known_only(values, frozenset({"cores", "max_khz"}), "a cluster of cores")
        return cls(
            fields.integers(found, "cores", 0, MAX_CORES - 1),
            fields.optional(fields.integer, found, "max_khz", 0, MAX_KHZ),
        )


@dataclasses.dataclass(frozen=True)
class DeviceFacts:
    """A device as it describes itself. Texts are printable and short; None where it does not say.

    Attributes:
        serial: by which adb knows it.
        soc: maker and name of its chip, as far as the device tells.
        android_version: as people call it, such as "14".
        sdk: API level.
        abis: what its processor runs, the preferred one first.
        fingerprint: of the system build; changes with every update.
        memory_kib: all of its RAM that Android sees.
        clusters: of cores, the slowest first; empty where they cannot be read.
    """

    serial: str
    manufacturer: str | None
    model: str | None
    soc: str | None
    android_version: str | None
    sdk: int | None
    abis: tuple[str, ...]
    fingerprint: str | None
    memory_kib: int | None
    clusters: tuple[CpuCluster, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads it back."""
        return {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)},
            "abis": list(self.abis),
            "clusters": [cluster.to_json() for cluster in self.clusters],
        }

    @classmethod
    def from_json(cls, values: object) -> DeviceFacts:
        """Inverse of `to_json`.

        Raises:
            ValueError: a field is missing, unknown or out of its bounds.
        """
        names = frozenset(field.name for field in dataclasses.fields(cls))
        found = fields.known_only(values, names, "the device")
        return cls(
            serial=fields.text(found, "serial"),
            manufacturer=fields.optional(fields.text, found, "manufacturer"),
            model=fields.optional(fields.text, found, "model"),
            soc=fields.optional(fields.text, found, "soc"),
            android_version=fields.optional(fields.text, found, "android_version"),
            sdk=fields.optional(fields.integer, found, "sdk", 1, 10_000),
            abis=fields.texts(found, "abis", 32),
            fingerprint=fields.optional(fields.text, found, "fingerprint"),
            memory_kib=fields.optional(fields.integer, found, "memory_kib", 0, MAX_KIB),
            clusters=tuple(
                CpuCluster.from_json(item) for item in fields.items(found, "clusters", MAX_CLUSTERS)
            ),
        )
