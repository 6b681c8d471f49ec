"""What a benchmark has changed on a phone and not yet put back: a small file on this computer for each phone.

It is written before the first change and deleted after the last restore. So even what no program can catch (power
loss, a phone that went away for good) is made good by the next session with that phone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
from pathlib import Path

from converters.android.adb_client import QUICK_S, Adb, ShellText
from converters.hub.record import home
from swiftformer_keras import strict_json
from swiftformer_keras.benchmark import fields, screen
from swiftformer_keras.benchmark.quoting import script
from swiftformer_keras.benchmark.screen import Screen
from swiftformer_keras.errors import DeviceError, OutputError
from swiftformer_keras.files import write_atomically
from swiftformer_keras.shown import shown

MAX_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True)
class Leftover:
    """What is to be put back on a phone.

    Attributes:
        process: number of the process on this computer that changed it.
        screen: how its screen was; None where it was left alone.
        folder: on the phone, to be deleted.
    """

    process: int
    screen: Screen | None
    folder: str

    @property
    def in_use(self) -> bool:
        """Whether that process still runs here."""
        if os.name != "posix" or self.process == os.getpid():
            return False
        try:
            os.kill(self.process, 0)
        except PermissionError:
            return True
        except OSError:
            return False
        return True


def find(serial: str) -> Leftover | None:
    """What is to be put back on this phone; a record that cannot be read is none."""
    try:
        with open(_path(serial), "rb") as file:
            values = strict_json.parse(file.read(MAX_BYTES).decode("utf-8"))
        found = fields.known_only(values, frozenset({"serial", "process", "screen", "folder"}), "the record")
        if found["serial"] != serial:
            return None
        return Leftover(
            fields.integer(found, "process", 1, 1 << 31),
            None if found["screen"] is None else Screen.from_json(found["screen"]),
            checked_folder(fields.text(found, "folder")),
        )
    except (OSError, ValueError):
        return None


def keep(serial: str, leftover: Leftover) -> None:
    """Write it down.

    Raises:
        OutputError: it cannot be written; then nothing must be changed on the phone.
    """
    path = _path(serial)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path.parent}: cannot be made: {error.strerror}. Set SWIFTFORMER_HOME elsewhere"
        ) from None
    content = {
        "serial": serial,
        "process": leftover.process,
        "screen": None if leftover.screen is None else leftover.screen.to_json(),
        "folder": leftover.folder,
    }
    with write_atomically(path, force=True) as temporary:
        temporary.write_text(json.dumps(content) + "\n", "utf-8")


def forget(serial: str) -> None:
    """All is put back."""
    with contextlib.suppress(OSError):
        _path(serial).unlink(missing_ok=True)


def put_back(changed: Leftover, adb: Adb, *, comeback_s: float) -> None:
    """Make the phone as it was and forget the record. Signals do not end this; the caller holds them off.

    Args:
        comeback_s: how long a phone that does not answer is waited for before the second and last try.

    Raises:
        DeviceError: another process uses the phone, or it cannot be reached or does not take it; the record stays.
    """
    serial = adb.serial or ""
    name = f"the phone {shown(serial, 60)}"
    if changed.in_use:
        raise DeviceError(f"{name}: another benchmark (process {changed.process}) uses it. Let it end first")
    text, reason = put_back_text(changed), ""
    for attempt in range(2):
        try:
            done = adb.shell(text, timeout_s=QUICK_S, uninterrupted=True, what="putting things back")
            if done.returncode == 0:
                forget(serial)
                return
            reason = "putting things back: it does not come out as it was"
        except DeviceError as error:
            reason = str(error)
        if attempt == 0 and not adb.reach(timeout_s=comeback_s):
            break
    before = changed.screen
    was = "" if before is None else f" (screen_off_timeout {before.off_timeout_ms}, stay on {before.stay_on})"
    raise DeviceError(
        f"{name} could not be left as it was{was}: {reason}. When it is connected, the next benchmark or swiftformer "
        "devices --restore puts it back"
    )


def put_back_text(changed: Leftover) -> ShellText:
    """The commands that undo what a session did; they fail where anything is left."""
    remove = script("rm -rf {}; [ ! -e {} ] || exit 1", changed.folder, changed.folder)
    if changed.screen is None:
        return remove
    return ShellText(f"( {screen.put_back(changed.screen)} ); settings=$?; {remove}; exit $settings")


def checked_folder(folder: str) -> str:
    """`folder`, where it is one that a session makes.

    Raises:
        ValueError: it is another: nothing else is ever deleted.
    """
    if re.fullmatch(r"/data/local/tmp/swiftformer-[0-9a-f]{16}", folder) is None:
        raise ValueError("the folder is none of ours")
    return folder


def _path(serial: str) -> Path:
    name = hashlib.sha256(serial.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return home("state") / "devices" / f"{name}.json"
