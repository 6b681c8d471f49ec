"""Every device that is connected: what it is and how it is, or what to do so that it can be used."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from typing import Any

from converters.android.adb_client import Adb, Attached
from converters.android.adb_failures import advice
from swiftformer_keras.benchmark import leftover
from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.reading import read_facts, read_identity, read_state
from swiftformer_keras.benchmark.records import write_record
from swiftformer_keras.benchmark.state import DeviceState
from swiftformer_keras.errors import DeviceError
from swiftformer_keras.shield import undisturbed

MAX_AT_ONCE = 16


@dataclasses.dataclass(frozen=True)
class ListedDevice:
    """One device.

    Attributes:
        serial: by which adb knows it.
        state: "device" where it can be used, else adb's word for why not.
        advice: what is the matter and what to do, or None where all is well.
        facts, state_facts: of a device that answers.
        to_put_back: whether settings of an earlier benchmark are still changed.
    """

    serial: str
    state: str
    advice: str | None
    facts: DeviceFacts | None
    state_facts: DeviceState | None
    to_put_back: bool

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "serial": self.serial,
            "state": self.state,
            "advice": self.advice,
            "facts": write_record(self.facts) if self.facts else None,
            "state_facts": write_record(self.state_facts) if self.state_facts else None,
            "to_put_back": self.to_put_back,
        }


def list_devices(adb: Adb | None = None) -> tuple[ListedDevice, ...]:
    """All that adb knows of, each asked at the same time as the others; one that fails says why in its advice.

    Raises:
        MissingToolError: adb is not installed.
        AdbServerError, DeviceTimeoutError: adb itself does not answer.
    """
    adb = adb or Adb()
    attached = adb.devices()
    if not attached:
        return ()
    with concurrent.futures.ThreadPoolExecutor(min(len(attached), MAX_AT_ONCE)) as pool:
        return tuple(pool.map(lambda device: _look_at(adb, device), attached))


def restore(serial: str, adb: Adb | None = None) -> bool:
    """Put back what an interrupted benchmark has left changed on a phone; False where there is nothing.

    Raises:
        DeviceError: the phone cannot be reached or does not take it, or a benchmark uses it now.
    """
    device = (adb or Adb()).for_device(serial)
    phone = read_identity(device)
    if leftover.find(phone) is None:
        return False
    with undisturbed(), leftover.Hold(phone):
        found = leftover.find(phone)
        if found is not None:
            leftover.put_back(found, device, comeback_s=0.0)
    return found is not None


def _look_at(adb: Adb, attached: Attached) -> ListedDevice:
    why = advice(attached.state)
    facts, state, left = None, None, False
    if why is None:
        try:
            device = adb.for_device(attached.serial)
            facts = read_facts(device)
            state = read_state(device, facts.sdk)
            phone = read_identity(device)
            left = leftover.find(phone) is not None and not leftover.in_use(phone)
        except DeviceError as error:
            why = str(error)
    return ListedDevice(attached.serial, attached.state, why, facts, state, left)
