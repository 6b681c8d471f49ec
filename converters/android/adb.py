"""The app on a phone: put it there, start it. `adb_client.py` is the way to the phone.

An APK says itself how it is called (`assets/build.json`, written by `build.py`).
"""

from __future__ import annotations

import dataclasses
import json
import re
import zipfile
from pathlib import Path

from converters.android.adb_client import Attached, choose
from converters.android.build import BUILD_ASSET
from converters.android.manifest import check_application_id
from converters.android.sources import MAIN_ACTIVITY, NAMESPACE
from swiftformer_keras.errors import AppOptionError, DeviceError
from swiftformer_keras.shown import shown

_TIMEOUT_S = 300.0
_MAX_FACTS_BYTES = 1 << 16
_OPTION = "--serial"
_INSTALL_REASONS = {
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": "an app of this id with another signature is installed; uninstall it first",
    "INSTALL_FAILED_VERSION_DOWNGRADE": "a newer version is there; uninstall it, or build with a higher --version-code",
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


def install(apk: Path, serial: str | None = None) -> Phone:
    """Put an APK on the phone; an earlier version is replaced and its data kept.

    Raises:
        AppOptionError: `apk` is no app of ours.
        MissingToolError: adb is not installed.
        DeviceError: there is no phone, several, or it is not ready or refuses.
    """
    application_id_of(apk)
    adb, phone = choose(serial, option=_OPTION)
    done = adb.run(["install", "-r", apk.absolute()], timeout_s=_TIMEOUT_S, what=shown(apk))
    if done.returncode or b"Success" not in done.stdout:
        said = (done.stderr + b"\n" + done.stdout).decode("utf-8", "replace")
        if reason := _install_reason(said):
            raise DeviceError(f"{shown(apk)}: {reason}")
        raise adb.failure_of(done, shown(apk))
    return _phone(phone)


def start(application_id: str = NAMESPACE, serial: str | None = None) -> Phone:
    """Start the app on the phone.

    Raises:
        AppOptionError: this is no application id.
        MissingToolError, DeviceError: as `install`; or the app is not there.
    """
    check_application_id(application_id)
    adb, phone = choose(serial, option=_OPTION)
    command = ["shell", "-n", "am", "start", "-W", "-n", f"{application_id}/{MAIN_ACTIVITY}"]
    done = adb.run(command, timeout_s=_TIMEOUT_S, what=f"starting {application_id}")
    said = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
    if refused := re.findall(r"^(?:Error\b|[\w.]*Exception\b)[^\n]*", said, re.MULTILINE):
        installed = not re.search(r"^Error: Activity class .* does not exist", said, re.MULTILINE)
        reason = shown(refused[-1], 200) if installed else "it is not installed. Run swiftformer app install"
        raise DeviceError(f"{application_id} cannot be started on {shown(phone.serial, 60)}: {reason}")
    if done.returncode:
        raise adb.failure_of(done, f"starting {application_id}")
    return _phone(phone)


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


def _phone(attached: Attached) -> Phone:
    return Phone(attached.serial, attached.model or "unknown")


def _install_reason(said: str) -> str | None:
    """Why the phone's package manager refused; None where it was not asked."""
    for code, reason in _INSTALL_REASONS.items():
        if code in said:
            return reason
    match = re.search(r"INSTALL_\w+[^\n]*", said)
    return shown(match[0], 200) if match else None
