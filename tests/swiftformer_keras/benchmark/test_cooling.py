"""Waiting until a phone is cool, with a clock of the test's own."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from converters.android.adb_client import Adb
from swiftformer_keras.benchmark.cooling import LONGEST_PAUSE_S, CoolLimit, Waited, wait_until_cool
from swiftformer_keras.benchmark.session import DeviceSession
from swiftformer_keras.benchmark.state import DeviceState
from tests.swiftformer_keras.benchmark.states import COOL


class Clock:
    """Time that passes only by sleeping; `states` are read one after the other, the last one again and again."""

    def __init__(self, *states: DeviceState) -> None:
        self.now, self.states, self.pauses = 100.0, list(states), list[float]()
        self.told: list[str] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)

    def read(self) -> DeviceState:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def wait(self, limit: CoolLimit) -> Waited:
        return wait_until_cool(
            self.read, limit, clock=lambda: self.now, sleep=self.sleep, told=self.told.append
        )


def heated(status: int | None = 0, battery_c: float | None = 30.0) -> DeviceState:
    return dataclasses.replace(COOL, thermal_status=status, battery_temperature_c=battery_c)


def test_a_cool_phone_is_not_waited_for() -> None:
    clock = Clock(heated())
    assert clock.wait(CoolLimit()) == Waited(0.0, True, "", heated())
    assert clock.pauses == clock.told == []


def test_one_that_cools_down() -> None:
    clock = Clock(heated(3), heated(2, 40.0), heated(0, 39.0), heated(0, 38.0))
    assert clock.wait(CoolLimit(battery_c=38.0)) == Waited(1 + 2 + 4, True, "", heated(0, 38.0))
    assert clock.told == [
        "thermal status 3, above 0",
        "thermal status 2, above 0; battery at 40.0 °C, above 38 °C",
        "battery at 39.0 °C, above 38 °C",
    ]


def test_one_that_stays_hot() -> None:
    clock = Clock(heated(2, 41.5))
    found = clock.wait(CoolLimit(timeout_s=100))
    assert (found.seconds, found.reached) == (100, False)
    assert found.why == "thermal status 2, above 0; battery at 41.5 °C, above 38 °C"
    assert max(clock.pauses) == LONGEST_PAUSE_S and sum(clock.pauses) == 100


def test_what_a_phone_does_not_tell_is_said_and_not_waited_for() -> None:
    found = Clock(heated(None)).wait(CoolLimit())
    assert (found.reached, found.why) == (True, "thermal status unknown")
    found = Clock(heated(None, None)).wait(CoolLimit())
    assert (found.reached, found.why) == (True, "thermal status unknown; battery temperature unknown")
    found = Clock(heated(None, 50.0)).wait(CoolLimit(timeout_s=5))
    assert (found.reached, found.why) == (False, "battery at 50.0 °C, above 38 °C; thermal status unknown")


def test_a_phone_among_several_is_waited_for_no_longer_than_the_work_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = threading.Event()
    session = DeviceSession(Adb("x", "adb", stop))
    monkeypatch.setattr(session, "state", lambda: dataclasses.replace(COOL, thermal_status=3))
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        session.wait_until_cool(CoolLimit(timeout_s=2))
