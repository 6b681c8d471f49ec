"""adb's words, as its sources and its users' reports have them, and the error that each stands for."""

from __future__ import annotations

import pytest

from converters.android.adb_failures import NOT_READY, advice, failure
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

UNAUTHORISED = (
    "error: device unauthorized. This adb server's $ADB_VENDOR_KEYS is not set Try 'adb kill-server' if that seems "
    "wrong. Otherwise check for a confirmation dialog on your device."
)


@pytest.mark.parametrize(
    ("words", "error", "mention"),
    [
        (UNAUTHORISED, DeviceNotReadyError, "answer its question"),
        ("error: device still authorizing", DeviceNotReadyError, "answer its question"),
        ("error: insufficient permissions for device: user in plugdev group", DeviceNotReadyError, "udev"),
        ("error: device offline", DeviceGoneError, "went away"),
        ("error: device 'R58M' not found", DeviceGoneError, "R58M"),
        ("adb: error: failed to get feature set: device 'R58M' not found", DeviceGoneError, "Connect it"),
        ("error: no devices/emulators found", NoDeviceError, "no phone"),
        ("error: more than one device/emulator", SeveralDevicesError, "name one"),
        (
            "adb: error: failed to copy 'a' to 'b': remote write failed: No space left on device",
            DeviceStorageError,
            "no room",
        ),
        (
            "* daemon not running; starting now at tcp:5038 * failed to start daemon",
            AdbServerError,
            "cannot be started",
        ),
        (
            "* cannot start server on remote host adb: cannot connect to daemon at tcp:x:1: Refused",
            AdbServerError,
            "x:1",
        ),
        ("adb: error: remote object '/x' does not exist", DeviceError, "does not exist"),
        ("", DeviceAnswerError, "cut short"),
    ],
)
def test_words(words: str, error: type[DeviceError], mention: str) -> None:
    found = failure(words, "R58M", "doing it")
    assert type(found) is error and mention in str(found)
    assert str(found).startswith("doing it: ") and "\n" not in str(found)


def test_words_of_a_second_question() -> None:
    started = "* daemon not running; starting now at tcp:5038 * daemon started error: device 'R58M' not found"
    assert type(failure(started, "R58M", "x", went_away=True)) is AdbServerError
    assert type(failure("offline", "R58M", "x", went_away=True)) is DeviceGoneError


def test_foreign_words_are_shown_harmlessly() -> None:
    message = str(failure("adb: \x1b[31m\x07" + "x" * 5000, "\x1b[2J", "doing it"))
    assert message.isprintable() and len(message) < 600


def test_advice() -> None:
    assert advice("device") is None
    for state in NOT_READY:
        assert ";" in (advice(state) or "")
    assert "plug it in again" in (advice("\x1b[31mstrange") or "") and "\x1b" not in (advice("\x1b") or "")
