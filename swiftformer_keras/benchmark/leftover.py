"""What a benchmark has changed on a phone and not yet put back: a small file on this computer for each phone.

It is written before the first change and deleted after the last restore. So even what no program can catch (power
loss, a phone that went away for good) is made good by the next session with that phone. Beside it lies the phone's
lock, which a process has for as long as it uses the phone and which the system takes from it when it ends. Both are
named after the phone's identity (`reading.read_identity`), not after adb's name for it, of which it can have several.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import time
from pathlib import Path
from types import TracebackType

from converters.android.adb_client import QUICK_S, Adb, ShellText
from converters.hub.record import home
from swiftformer_keras import strict_json
from swiftformer_keras.benchmark import fields, screen
from swiftformer_keras.benchmark.quoting import APPLICATION_ID, script
from swiftformer_keras.benchmark.screen import Screen
from swiftformer_keras.errors import DeviceError, OutputError
from swiftformer_keras.files import write_atomically
from swiftformer_keras.shown import shown

MAX_BYTES = 1 << 16
_LOCK_PATIENCE_S, _LOCK_PAUSE_S = 1.0, 0.05
"""So long a lock is tried for: whoever only looks whether it is free has it for a moment."""


@dataclasses.dataclass(frozen=True)
class AppRun:
    """A run of an app on the phone, which may go on when nobody waits for it any more.

    Attributes:
        package: the app's id.
        result: the name of the file that it writes.

    Raises:
        ValueError: one of them is none of ours.
    """

    package: str
    result: str

    def __post_init__(self) -> None:
        if APPLICATION_ID.fullmatch(self.package) is None:
            raise ValueError("the app's id is none")
        if re.fullmatch(r"swiftformer-[0-9a-f]{16}\.json", self.result) is None:
            raise ValueError("the result is none of ours")

    @property
    def path(self) -> str:
        """Of the result, on the phone."""
        return f"/sdcard/Android/data/{self.package}/files/{self.result}"

    def end_text(self) -> ShellText:
        """The command that ends the app and removes its result: what is not stopped writes it later."""
        return script("am force-stop {}; rm -f {}", self.package, self.path)


@dataclasses.dataclass(frozen=True)
class Leftover:
    """What is to be put back on a phone.

    Attributes:
        phone: its identity.
        process: number of the process on this computer that changed it, for messages.
        screen: how its screen was; None where it was left alone.
        folder: on the phone, to be deleted; programs that lie in it are ended.
        app: whose run may still go on, to be ended.
    """

    phone: str
    process: int
    screen: Screen | None
    folder: str
    app: AppRun | None = None


class Hold:
    """The lock of a phone: one process, and in it one session, has it at a time. Free again when the block ends.

    Raises:
        DeviceError: another benchmark has it.
        OutputError: its file cannot be made.
    """

    def __init__(self, phone: str) -> None:
        self._phone = phone
        self._file: int | None = None

    def __enter__(self) -> Hold:
        file = _open_lock(self._phone)
        try:
            until = time.monotonic() + _LOCK_PATIENCE_S
            while not _lock(file):
                if time.monotonic() >= until:
                    raise DeviceError(_used(self._phone))
                time.sleep(_LOCK_PAUSE_S)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Give it back; a second time does nothing."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def in_use(phone: str) -> bool:
    """Whether a benchmark on this computer has the phone now."""
    try:
        file = os.open(_path(phone, "lock"), os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _lock(file)
    finally:
        os.close(file)


def find(phone: str) -> Leftover | None:
    """What is to be put back on this phone; a record that cannot be read is none."""
    try:
        with open(_path(phone), "rb") as file:
            values = strict_json.parse(file.read(MAX_BYTES).decode("utf-8"))
        names = frozenset({"phone", "process", "screen", "folder", "app"})
        found = fields.known_only(values, names, "the record")
        if found["phone"] != phone:
            return None
        return Leftover(
            phone,
            fields.integer(found, "process", 1, 1 << 31),
            None if found["screen"] is None else Screen.from_json(found["screen"]),
            checked_folder(fields.text(found, "folder")),
            None if found["app"] is None else _app(found["app"]),
        )
    except (OSError, ValueError):
        return None


def keep(leftover: Leftover) -> None:
    """Write it down.

    Raises:
        OutputError: it cannot be written; then nothing must be changed on the phone.
    """
    path = _path(leftover.phone)
    _make_folder(path.parent)
    content = {
        "phone": leftover.phone,
        "process": leftover.process,
        "screen": None if leftover.screen is None else leftover.screen.to_json(),
        "folder": leftover.folder,
        "app": None if leftover.app is None else dataclasses.asdict(leftover.app),
    }
    with write_atomically(path, force=True) as temporary:
        temporary.write_text(json.dumps(content) + "\n", "utf-8")


def forget(phone: str) -> None:
    """All is put back."""
    with contextlib.suppress(OSError):
        _path(phone).unlink(missing_ok=True)


def put_back(changed: Leftover, adb: Adb, *, comeback_s: float) -> None:
    """Make the phone as it was and forget the record. Signals do not end this; the caller holds them off,
    and has the phone's lock.

    Args:
        comeback_s: how long a phone that does not answer is waited for before the second and last try.

    Raises:
        DeviceError: it cannot be reached or does not take it; the record stays.
    """
    name = f"the phone {shown(adb.serial or '', 60)}"
    text, reason = put_back_text(changed), ""
    for attempt in range(2):
        try:
            done = adb.shell(text, timeout_s=QUICK_S, uninterrupted=True, what="putting things back")
            if done.returncode == 0:
                forget(changed.phone)
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
    end = script(
        "ls -l /proc/[0-9]*/exe 2>/dev/null | while read -r line; do case \"$line\" in *' -> '{}/*) "
        "line=${{line#*/proc/}}; kill -9 ${{line%%/*}};; esac; done",
        changed.folder,
    )
    if changed.app is not None:
        end = ShellText(f"{changed.app.end_text()}; {end}")
    remove = script("rm -rf {}; [ ! -e {} ] || exit 1", changed.folder, changed.folder)
    if changed.screen is None:
        return ShellText(f"{end}; {remove}")
    return ShellText(f"( {screen.put_back(changed.screen)} ); settings=$?; {end}; {remove}; exit $settings")


def _app(values: object) -> AppRun:
    found = fields.known_only(values, frozenset({"package", "result"}), "the app's run")
    return AppRun(fields.text(found, "package"), fields.text(found, "result"))


def checked_folder(folder: str) -> str:
    """`folder`, where it is one that a session makes.

    Raises:
        ValueError: it is another: nothing else is ever deleted.
    """
    if re.fullmatch(r"/data/local/tmp/swiftformer-[0-9a-f]{16}", folder) is None:
        raise ValueError("the folder is none of ours")
    return folder


def _used(phone: str) -> str:
    record = find(phone)
    who = "another benchmark" if record is None else f"another benchmark (process {record.process})"
    return f"the phone {shown(phone, 60)}: {who} uses it. Let it end first"


def _open_lock(phone: str) -> int:
    path = _path(phone, "lock")
    _make_folder(path.parent)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be opened: {error.strerror}. Set SWIFTFORMER_HOME elsewhere"
        ) from None


def _lock(file: int) -> bool:
    """Take the lock of an open file, unless another open file has it; it ends with the file."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # Windows, or a file system without locks: two at once are not noticed
        return True
    return True


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made: {error.strerror}. Set SWIFTFORMER_HOME elsewhere"
        ) from None


def _path(phone: str, kind: str = "json") -> Path:
    name = hashlib.sha256(phone.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return home("state") / "devices" / f"{name}.{kind}"
