"""Waiting until a phone is cool: a hot one lowers its clocks, and its numbers say nothing about the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from swiftformer_keras.benchmark.state import DeviceState

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0


@dataclasses.dataclass(frozen=True)
class CoolLimit:
    """How cool a phone must be.

    Attributes:
        thermal_status: Android's status may be this at most (0: nothing is throttled).
        battery_c: so may the battery's temperature, in degrees Celsius.
        timeout_s: how long to wait for it.
    """

    thermal_status: int = 0
    battery_c: float = 38.0
    timeout_s: float = 300.0


@dataclasses.dataclass(frozen=True)
class Waited:
    """How waiting ended.

    Attributes:
        seconds: that it took.
        reached: whether the phone is as cool as wanted, as far as it tells.
        why: what was too hot when the time was over, or what the phone does not tell; empty where all is known and
            well.
        state: the last one that was read.
    """

    seconds: float
    reached: bool
    why: str
    state: DeviceState


def wait_until_cool(
    read: Callable[[], DeviceState],
    limit: CoolLimit,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    told: Callable[[str], None] | None = None,
) -> Waited:
    """Read the state until it is within `limit`, at growing intervals, or the time is over.

    `told` is given what is too hot before each pause.
    What the phone does not tell is not waited for; `Waited.why` then says so.
    """
    begun, pause = clock(), FIRST_PAUSE_S
    while True:
        state = read()
        passed = clock() - begun
        if not (hot := too_hot(state, limit)):
            return Waited(passed, True, "; ".join(unknown(state)), state)
        if passed >= limit.timeout_s:
            return Waited(passed, False, "; ".join([*hot, *unknown(state)]), state)
        if told is not None:
            told("; ".join(hot))
        sleep(min(pause, limit.timeout_s - passed))
        pause = min(2 * pause, LONGEST_PAUSE_S)


def too_hot(state: DeviceState, limit: CoolLimit) -> list[str]:
    """What is above the limit."""
    found = []
    if state.thermal_status is not None and state.thermal_status > limit.thermal_status:
        found.append(f"thermal status {state.thermal_status}, above {limit.thermal_status}")
    if state.battery_temperature_c is not None and state.battery_temperature_c > limit.battery_c:
        found.append(f"battery at {state.battery_temperature_c:.1f} °C, above {limit.battery_c:g} °C")
    return found


def unknown(state: DeviceState) -> list[str]:
    """What the phone does not tell of its heat."""
    return [
        name
        for name, value in (
            ("thermal status unknown", state.thermal_status),
            ("battery temperature unknown", state.battery_temperature_c),
        )
        if value is None
    ]
