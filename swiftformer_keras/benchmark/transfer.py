"""Files to the phone under the name of their content, each compared there before it gets that name.

A file is sent under a passing name, and the phone's `sha256sum` must give what was recorded of it, or what is computed
here meanwhile, before it is renamed to `<sha256><suffix>`. A send that was cut short or changed on the way never has
such a name.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import re
import stat
from pathlib import Path

from converters.android.adb_client import QUICK_S, Adb
from swiftformer_keras.benchmark.parsing.storage import parse_free_space
from swiftformer_keras.benchmark.quoting import script
from swiftformer_keras.errors import (
    DeviceAnswerError,
    DeviceError,
    DeviceStorageError,
    DeviceToolError,
    PushMismatchError,
    TFLiteFileError,
)
from swiftformer_keras.files import sha256_file
from swiftformer_keras.shown import shown

MARGIN_KIB = 64 * 1024
"""Room that is left on the phone: a full one misbehaves."""
_SLOWEST_BYTES_PER_S = 500_000
_NOT_FOUND = 127


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """A file on the phone that was compared there with the one here.

    Attributes:
        path: on the phone; its name is its SHA-256 and the suffix.
        sha256: of its bytes, hexadecimal.
        size_bytes: its length.
    """

    path: str
    sha256: str
    size_bytes: int


class Transfer:
    """Sends files into one folder of a phone, which it makes.

    Raises:
        DeviceError: the folder cannot be made there, or as `Adb.shell`.
    """

    def __init__(self, adb: Adb, folder: str) -> None:
        self._adb, self._folder = adb, folder
        self._sent: dict[tuple[str, str], RemoteFile] = {}
        done = adb.shell(
            script("mkdir {} && chmod 755 {} && df -k {}", folder, folder, folder),
            timeout_s=QUICK_S,
            limit_bytes=1 << 16,
            what="making a folder on the phone",
        )
        if done.returncode:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())
            if "no space left" in said.lower():
                raise DeviceStorageError(
                    f"the phone has no room at all ({shown(said, 120)}). Delete something on it"
                )
            raise DeviceError(f"no folder can be made in /data/local/tmp of the phone: {shown(said, 200)}")
        self._free_kib = parse_free_space(done.text)

    def push(self, path: Path, recorded: str | None = None) -> RemoteFile:
        """Send `path`, or find it there, and compare it there with what it is here.

        Args:
            recorded: the SHA-256 that the file must still have; where it is known, what arrives is held against it,
                and the file is not read here a second time.

        Raises:
            TFLiteFileError: it cannot be read here, or is no regular file.
            DeviceStorageError: the phone has no room for it.
            PushMismatchError: what arrived is something else; it was deleted there. Or it has changed here.
            DeviceToolError: the phone has no sha256sum (Android 8 and later do).
            DeviceError: as `Adb.shell`.
        """
        size = _size(path)
        suffix = path.suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,16}", path.suffix) else ""
        if any(file.size_bytes == size for file in self._sent.values()):
            known = self._sent.get((recorded or _digest(path), suffix))
            if known is not None and self._compare(known.path, known) == known.sha256:
                return known
        self.check_room(str(path), size)
        passing = f"{self._folder}/incoming"
        timeout_s = 30 + size / _SLOWEST_BYTES_PER_S
        if recorded is not None:
            self._adb.push(path, passing, timeout_s=timeout_s)
            sha256 = recorded
        else:
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                computing = pool.submit(_digest, path)
                self._adb.push(path, passing, timeout_s=timeout_s)
                sha256 = computing.result()
        wanted = RemoteFile(f"{self._folder}/{sha256}{suffix}", sha256, size)
        found = self._compare(passing, wanted)
        if found != sha256:
            if recorded is not None and (now := _digest(path)) != recorded:
                raise PushMismatchError(
                    f"{shown(path)}: has changed since it was recorded (SHA-256 {now[:12]}, then "
                    f"{shown(recorded, 12)}). Begin anew, and leave the file alone meanwhile"
                )
            raise PushMismatchError(
                f"{shown(path)}: is something else on the phone (sha256 {found[:12]}, here {sha256[:12]}): cut short "
                "or changed on the way, or changed here meanwhile. It was deleted there; try again, with another cable"
            )
        self._sent[sha256, suffix] = wanted
        if self._free_kib is not None:
            self._free_kib -= size // 1024 + 1
        return wanted

    def _compare(self, remote: str, wanted: RemoteFile) -> str:
        """The SHA-256 of `remote` on the phone; named as `wanted` where it is that, deleted where it is not."""
        done = self._adb.shell(
            script(
                "sum=$(sha256sum {}) || exit $?; echo \"$sum\"; case \"$sum\" in "
                "{}*) [ {} = {} ] || mv {} {} && chmod 644 {};; *) rm -f {};; esac",
                remote, wanted.sha256, remote, wanted.path, remote, wanted.path, wanted.path, remote,
            ),
            timeout_s=QUICK_S + wanted.size_bytes / (10 * _SLOWEST_BYTES_PER_S),
            limit_bytes=1 << 16,
            what="comparing what was sent",
        )  # fmt: skip
        if done.returncode == _NOT_FOUND:
            raise DeviceToolError(
                "the phone has no sha256sum, so what is measured could not be verified; Android 8 or later is needed"
            )
        match = re.match(r"([0-9a-f]{64})(?=\s)", done.text)
        if match is None or (match[1] == wanted.sha256 and done.returncode):
            said = " ".join((done.stderr + done.stdout).decode("utf-8", "replace").split())
            raise DeviceAnswerError(
                f"comparing what was sent: sha256sum on the phone says {shown(said, 120)!r}"
            )
        return match[1]

    def check_room(self, what: str, size: int, *, anew: bool = False) -> None:
        """Refuse what would fill the phone.

        Args:
            anew: ask the phone in any case, since others than this class have written to it.

        Raises:
            DeviceStorageError: it has no room for so many bytes and the margin.
            DeviceError: as `Adb.shell`.
        """
        needed = size // 1024 + 1 + MARGIN_KIB
        if self._free_kib is not None and (anew or self._free_kib < needed):
            done = self._adb.shell(script("df -k {}", self._folder), what="reading the room on the phone")
            self._free_kib = parse_free_space(done.text)
        if self._free_kib is not None and self._free_kib < needed:
            raise DeviceStorageError(
                f"{shown(what)}: needs {needed // 1024:,} MiB on the phone ({MARGIN_KIB // 1024} to spare), which has "
                f"{self._free_kib // 1024:,} MiB. Delete something on it"
            )


def _size(path: Path) -> int:
    try:
        found = path.stat()
    except OSError as error:
        raise TFLiteFileError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode):
        raise TFLiteFileError(f"{shown(path)}: is no regular file")
    return found.st_size


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise TFLiteFileError(f"{shown(path)}: cannot be read: {error.strerror}") from None
