"""A phone's screen kept on for a benchmark, and put back exactly as it was.

What is changed is the time after which the screen goes off, that it stays on while power comes (`svc power stayon`, a
bit field: `BatteryManager.BATTERY_PLUGGED_*`), and that the device is awake. What was there before is a small record
that `leftover.py` keeps on this computer for as long as it is not put back.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from converters.android.adb_client import QUICK_S, Adb, ShellText
from swiftformer_keras.benchmark import fields
from swiftformer_keras.benchmark.parsing.power import parse_awake, parse_setting
from swiftformer_keras.benchmark.quoting import script
from swiftformer_keras.errors import DeviceAnswerError

NEVER_MS = "2147483647"
_TIMEOUT = ("system", "screen_off_timeout")
_STAY_ON = ("global", "stay_on_while_plugged_in")
_READ = (
    "settings get system screen_off_timeout || exit 1; echo --; "
    "settings get global stay_on_while_plugged_in || exit 1; echo --; dumpsys power | grep mWakefulness="
)
_CHANGE = (
    f"settings put system screen_off_timeout {NEVER_MS}; a=$?; svc power stayon true; b=$?; "
    "input keyevent KEYCODE_WAKEUP; c=$?; exit $((a | b | c))"
)


@dataclasses.dataclass(frozen=True)
class Screen:
    """How a screen was; a setting is None where it had never been set.

    Attributes:
        off_timeout_ms: after which it goes off, as Android's settings hold it.
        stay_on: the bits of the power sources with which it stays on.
        awake: whether the device was awake; None where it does not say.
    """

    off_timeout_ms: str | None
    stay_on: str | None
    awake: bool | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads it back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: object) -> Screen:
        """Inverse of `to_json`.

        Raises:
            ValueError: a field is missing, unknown or out of its bounds.
        """
        found = fields.known_only(values, frozenset({"off_timeout_ms", "stay_on", "awake"}), "the screen")
        for name in ("off_timeout_ms", "stay_on"):
            value = fields.optional(fields.text, found, name, 13)
            if value is not None and re.fullmatch(r"-?[0-9]{1,12}", value) is None:
                raise ValueError(f"{name!r} is no number")
        return cls(found["off_timeout_ms"], found["stay_on"], fields.optional(fields.flag, found, "awake"))


def read_screen(adb: Adb) -> Screen:
    """How the phone's screen is set now.

    Raises:
        DeviceAnswerError: a setting cannot be read; so it must not be changed either.
        DeviceError: as `Adb.shell`.
    """
    done = adb.shell(
        script(_READ), timeout_s=QUICK_S, limit_bytes=1 << 16, what="reading the screen's settings"
    )
    parts = done.text.split("--\n")
    try:
        timeout, stay_on, power = parts
        return Screen(parse_setting(timeout), parse_setting(stay_on), parse_awake(power))
    except ValueError:
        raise DeviceAnswerError("the phone's screen settings cannot be read (settings get)") from None


def keep_on(adb: Adb) -> bool:
    """Wake the phone and keep its screen on; whether it allowed all of that.

    Raises:
        DeviceError: as `Adb.shell`.
    """
    done = adb.shell(script(_CHANGE), timeout_s=QUICK_S, limit_bytes=1 << 16, what="keeping the screen on")
    return done.returncode == 0


def put_back(screen: Screen) -> ShellText:
    """The commands that make everything as it was; they fail where a setting does not come out as it was."""
    lines = [
        *_setting(_TIMEOUT, screen.off_timeout_ms),
        *_setting(_STAY_ON, screen.stay_on),
    ]
    if screen.awake is False:
        lines.append("input keyevent KEYCODE_SLEEP || failed=1")
    return ShellText("failed=0; " + "; ".join(lines) + "; exit $failed")


def _setting(name: tuple[str, str], value: str | None) -> list[str]:
    get = script("settings get {} {}", *name)
    if value is None:
        return [script("settings delete {} {}", *name), f'[ "$({get})" = null ] || failed=1']
    return [
        script("settings put {} {} {}", *name, value),
        script(f'[ "$({get})" = {{}} ] || failed=1', value),
    ]
