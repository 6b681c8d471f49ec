"""A phone, through the real adb: which one, put an app on it, start it.

adb is a program with list arguments; what it says is turned into one line. An APK says itself how it is called
(`assets/build.json`, written by `build.py`).
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import zipfile
from pathlib import Path

from converters.android.build import BUILD_ASSET
from converters.android.jdk import run
from converters.android.manifest import check_application_id
from converters.android.sources import MAIN_ACTIVITY, NAMESPACE
from swiftformer_keras.errors import AppOptionError, DeviceError, MissingToolError
from swiftformer_keras.shown import shown

_TIMEOUT_S = 300.0
_MAX_FACTS_BYTES = 1 << 16
_STATES = {
    "unauthorized": "has not allowed this computer yet; unlock it and answer its question",
    "offline": "does not answer; unplug it and plug it in again",
    "no permissions": "may not be used by this user; see the udev rules for Android",
}
_INSTALL_REASONS = {
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": "an app of this id with another signature is installed; uninstall it first",
    "INSTALL_FAILED_VERSION_DOWNGRADE": "a newer version is installed; uninstall it first",
    "INSTALL_FAILED_NO_MATCHING_ABIS": "the APK has no native libraries for this phone; build it with its ABI (--abis)",
    "INSTALL_FAILED_INSUFFICIENT_STORAGE": "the phone has no room for it",
    "INSTALL_FAILED_OLDER_SDK": "the phone's Android is too old; the app needs Android 8",
    "INSTALL_FAILED_USER_RESTRICTED": "the phone does not allow it; allow installing over USB in its developer options",
}


@dataclasses.dataclass(frozen=True)
class Phone:
    """A phone that answers."""

    serial: str
    model: str


def find_phone(serial: str | None = None) -> Phone:
    """The one phone that is connected, or the one of this serial number.

    Raises:
        MissingToolError: adb is not installed.
        DeviceError: there is none, several, or it is not ready.
    """
    said = run([_adb(), "devices", "-l"], "adb", DeviceError, timeout_s=_TIMEOUT_S)
    found = parse_devices(said)
    if serial is not None:
        found = {name: facts for name, facts in found.items() if name == serial}
        if not found:
            raise DeviceError(f"no phone has the serial number {shown(serial, 60)!r}; adb devices lists them")
    if not found:
        raise DeviceError(
            "no phone is connected. Plug one in, allow USB debugging on it, and see adb devices"
        )
    if len(found) > 1:
        names = ", ".join(shown(name, 60) for name in found)
        raise DeviceError(f"{len(found)} phones are connected: {names}. Choose one with --serial")
    ((name, (state, model)),) = found.items()
    if state != "device":
        raise DeviceError(
            f"the phone {shown(name, 60)} {_STATES.get(state, f'is not ready ({shown(state, 60)})')}"
        )
    return Phone(name, model)


def parse_devices(said: str) -> dict[str, tuple[str, str]]:
    """State and model of every serial number in the output of `adb devices -l`."""
    found = {}
    for line in said.splitlines():
        match = re.match(r"(\S+)\s+(device|offline|unauthorized|no permissions|[a-z]+)\b(.*)$", line)
        if match is None or line.startswith(("List of devices", "*", "adb ")):
            continue
        model = re.search(r"\bmodel:(\S+)", match[3])
        found[match[1]] = (match[2], model[1] if model else "unknown")
    return found


def install(apk: Path, serial: str | None = None) -> Phone:
    """Put an APK on the phone; an earlier version is replaced and its data kept.

    Raises:
        AppOptionError: `apk` is no app of ours.
        MissingToolError, DeviceError: as `find_phone`; or the phone refuses.
    """
    application_id_of(apk)
    phone = find_phone(serial)
    try:
        said = run(
            [_adb(), "-s", phone.serial, "install", "-r", apk],
            "adb install",
            _RefusedError,
            timeout_s=_TIMEOUT_S,
        )
    except _RefusedError as error:
        raise DeviceError(f"{shown(apk)}: {_install_reason(str(error))}") from None
    if "Success" not in said:
        raise DeviceError(f"{shown(apk)}: {_install_reason(said)}")
    return phone


def start(application_id: str = NAMESPACE, serial: str | None = None) -> Phone:
    """Start the app on the phone.

    Raises:
        AppOptionError: this is no application id.
        MissingToolError, DeviceError: as `find_phone`; or the app is not there.
    """
    check_application_id(application_id)
    phone = find_phone(serial)
    said = run(
        [_adb(), "-s", phone.serial, "shell", "am", "start", "-W", "-n", f"{application_id}/{MAIN_ACTIVITY}"],
        "adb shell am start",
        DeviceError,
        timeout_s=_TIMEOUT_S,
    )
    if "Error" in said:
        raise DeviceError(
            f"{application_id} cannot be started on {shown(phone.serial, 60)}: it is not installed. "
            "Run swiftformer app install"
        )
    return phone


def run_app(apk: Path | None, application_id: str | None, serial: str | None) -> tuple[str, Phone]:
    """Start the app, after installing `apk` where one is given; its id and the phone.

    Raises:
        AppOptionError: both an APK and another id are given, or the APK is none of ours.
        Otherwise as `install` and `start`.
    """
    wanted = application_id or NAMESPACE
    if apk is not None:
        found = application_id_of(apk)
        if application_id not in (None, found):
            raise AppOptionError(
                f"{shown(apk)}: is {found}, not {shown(application_id, 80)}. Give one of the two"
            )
        wanted = found
        install(apk, serial)
    return wanted, start(wanted, serial)


def application_id_of(apk: Path) -> str:
    """What an APK of ours is called.

    Raises:
        AppOptionError: it is no APK, or none that this project has built.
    """
    try:
        with zipfile.ZipFile(apk) as archive:
            info = archive.getinfo(BUILD_ASSET)
            if info.file_size > _MAX_FACTS_BYTES:
                raise ValueError("too large")
            facts = json.loads(archive.read(info))
        return check_application_id(str(facts["application_id"]))
    except OSError as error:
        raise AppOptionError(f"{shown(apk)}: cannot be read: {error.strerror}") from None
    except zipfile.BadZipFile:
        raise AppOptionError(f"{shown(apk)}: is no APK") from None
    except (KeyError, ValueError, TypeError, RuntimeError, NotImplementedError):
        raise AppOptionError(f"{shown(apk)}: was not built by swiftformer app build") from None


class _RefusedError(DeviceError):
    """adb's own words, before they are looked up."""


def _install_reason(said: str) -> str:
    for code, reason in _INSTALL_REASONS.items():
        if code in said:
            return reason
    match = re.search(r"INSTALL_\w+[^\n]*", said)
    return shown(match[0], 200) if match else shown(" ".join(said.split()), 200)


def _adb() -> str:
    found = shutil.which("adb")
    if found is None:
        raise MissingToolError(
            "adb not found on the PATH. Install it (Debian: adb; Android SDK: platform-tools)"
        )
    return found
