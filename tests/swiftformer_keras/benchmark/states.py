"""A phone's state, for tests that need one."""

from __future__ import annotations

from swiftformer_keras.benchmark.state import ClusterState, DeviceState

COOL = DeviceState(
    at="2026-01-02T03:04:05.678+00:00",
    thermal_status=0,
    temperatures_c={"skin": 31.5, "battery": 27.1},
    battery_level=80,
    battery_temperature_c=27.1,
    charging=True,
    screen_on=True,
    clusters=(ClusterState((0, 1, 2, 3), "schedutil", 300_000, 1_803_000),),
)
