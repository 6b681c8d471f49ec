"""What a device is: facts that stay the same for as long as it is not updated."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from swiftformer_keras.benchmark.records import Limit, Range

MAX_CORES = 256
MAX_CLUSTERS = 16
MAX_KHZ = 100_000_000
MAX_KIB = 1 << 40

CoreNumbers = Annotated[tuple[Annotated[int, Range(0, MAX_CORES - 1)], ...], Limit(MAX_CORES)]
Khz = Annotated[int, Range(0, MAX_KHZ)]


@dataclasses.dataclass(frozen=True)
class CpuCluster:
    """Cores that share one clock.

    Attributes:
        cores: their numbers, ascending.
        max_khz: the highest frequency the hardware has, or None where the device does not say.
    """

    cores: CoreNumbers
    max_khz: Khz | None


@dataclasses.dataclass(frozen=True)
class DeviceFacts:
    """A device as it describes itself. Texts are printable and short; None where it does not say.

    Attributes:
        serial: by which adb knows it.
        identity: what tells it from others, however it is connected (`properties.identity`).
        soc: maker and name of its chip, as far as the device tells.
        android_version: as people call it, such as "14".
        sdk: API level.
        abis: what its processor runs, the preferred one first.
        fingerprint: of the system build; changes with every update.
        memory_kib: all of its RAM that Android sees.
        clusters: of cores, the slowest first; empty where they cannot be read.
    """

    serial: str
    identity: str
    manufacturer: str | None
    model: str | None
    soc: str | None
    android_version: str | None
    sdk: Annotated[int, Range(1, 10_000)] | None
    abis: Annotated[tuple[str, ...], Limit(32)]
    fingerprint: str | None
    memory_kib: Annotated[int, Range(0, MAX_KIB)] | None
    clusters: Annotated[tuple[CpuCluster, ...], Limit(MAX_CLUSTERS)]
