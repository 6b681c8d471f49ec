"""What adb says when something is wrong, as one of our errors: pure functions on its words.

The words are those of adb's own sources (`client/` and `adb.cpp` of platform/packages/modules/adb), which have stayed
for years; what is not known is shown as it was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from swiftformer_keras.errors import (
    AdbServerError,
    DeviceAnswerError,
    DeviceError,
    DeviceGoneError,
    DeviceNotReadyError,
    DeviceStorageError,
    NoDeviceError,
    SeveralDevicesError,
)
from swiftformer_keras.shown import shown

NOT_READY = {
    "unauthorized": "has not allowed this computer yet; unlock it and answer its question",
    "authorizing": "is about to ask whether this computer is allowed; unlock it and answer its question",
    "offline": "does not answer; unplug it and plug it in again",
    "connecting": "is still connecting; try again in a moment",
    "no permissions": "may not be used by this user; see the udev rules for Android "
    "(Debian: apt install android-sdk-platform-tools-common, and join the group plugdev)",
    "bootloader": "is in its bootloader; start Android on it",
    "recovery": "is in recovery; start Android on it",
    "sideload": "waits for an update; start Android on it",
    "rescue": "is in rescue mode; start Android on it",
}
"""What to do about a device by the state that adb gives it."""


class Listed(Protocol):
    """What is needed of a line of `adb devices -l`."""

    @property
    def serial(self) -> str:
        """Of the device."""

    @property
    def state(self) -> str:
        """adb's word for it."""


Device = TypeVar("Device", bound=Listed)


def advice(state: str) -> str | None:
    """What is the matter with a device in this state and what to do; None where it can be used."""
    if state == "device":
        return None
    return NOT_READY.get(state, f"is not ready ({shown(state, 60)}); unplug it and plug it in again")


def ready(devices: Sequence[Device], serial: str | None, option: str) -> Device:
    """The one that is meant, where it can be used.

    Args:
        serial: its serial number; None where there is one alone.
        option: how the caller names one, for messages.

    Raises:
        NoDeviceError, SeveralDevicesError, DeviceNotReadyError: why none can be used.
    """
    if serial is not None:
        devices = [device for device in devices if device.serial == serial]
        if not devices:
            raise NoDeviceError(
                f"no phone has the serial number {shown(serial, 60)!r}; swiftformer devices lists them"
            )
    if not devices:
        raise NoDeviceError(
            "no phone is connected. Plug one in, allow USB debugging on it, and see swiftformer devices"
        )
    if len(devices) > 1:
        names = shown(", ".join(shown(device.serial, 60) for device in devices), 300)
        raise SeveralDevicesError(f"{len(devices)} phones are connected: {names}. Choose one with {option}")
    (device,) = devices
    if why := advice(device.state):
        raise DeviceNotReadyError(f"the phone {shown(device.serial, 60)} {why}")
    return device


def failure(words: str, serial: str | None, what: str, *, went_away: bool = False) -> DeviceError:
    """The error that adb's words stand for.

    Args:
        words: what adb said, in one line.
        what: what was being done, for the message.
        went_away: these are the words of a second question after something had failed without a reason: a device
            that is not found now was there before.
    """
    name = "the phone" if serial is None else f"the phone {shown(serial, 60)}"
    said = words.lower()
    if "no space left on device" in said or "not enough space" in said:
        return DeviceStorageError(f"{what}: no room on {name}. Delete something on it and try again")
    if (
        "daemon not running" in said
        or "cannot connect to daemon" in said
        or "daemon still not running" in said
    ):
        if went_away:
            return AdbServerError(
                f"{what}: the adb server of this computer ended meanwhile. Run it again; do not run adb kill-server "
                "or another version of adb beside it"
            )
        if "cannot connect to daemon" in said or "failed to start daemon" in said:
            return AdbServerError(
                f"{what}: the adb server of this computer cannot be started: {shown(words, 200)}"
            )
    if "unauthorized" in said:
        return DeviceNotReadyError(f"{what}: {name} {NOT_READY['unauthorized']}")
    if "still authorizing" in said:
        return DeviceNotReadyError(f"{what}: {name} {NOT_READY['authorizing']}")
    if "insufficient permissions" in said or "no permissions" in said:
        return DeviceNotReadyError(f"{what}: {name} {NOT_READY['no permissions']}")
    if "more than one device" in said:
        return SeveralDevicesError(f"{what}: several phones are connected; name one")
    if went_away or "device offline" in said or ("device" in said and "not found" in said):
        return DeviceGoneError(
            f"{what}: {name} went away (cable pulled, reboot or network lost). Connect it again and repeat"
        )
    if "no devices" in said:
        return NoDeviceError(f"{what}: no phone is connected")
    if not words.strip():
        return DeviceAnswerError(f"{what}: the answer of {name} is cut short")
    return DeviceError(f"{what}: {name} refuses: {shown(words, 300)}")
