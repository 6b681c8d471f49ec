"""`adb push`, `pull`, and what they ask before: files' sizes and folders' lists.

Android's `packages/modules/adb/SYNC.TXT` and `file_sync_protocol.h`: requests and answers begin with four letters and a
length, both little-endian.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tests.phone.wire import GoneError, Stream

if TYPE_CHECKING:
    from tests.phone.phone import Phone

_CHUNK = 64 * 1024
_STAT1 = struct.Struct("<4s3I")
_STAT2 = struct.Struct("<4sI2Q4IQ3q")
_ENTRY1 = struct.Struct("<4s4I")
_ENTRY2 = struct.Struct("<4sI2Q4IQ3qI")
_NO_SPACE = "No space left on device"


class _RefusedError(Exception):
    """The request ends with FAIL and these words."""


def serve_sync(phone: Phone, stream: Stream) -> None:
    """`sync:` until the client says QUIT or goes."""
    while True:
        request, size = _head(stream)
        if request == b"QUIT":
            return
        name = stream.read_exactly(size).decode("utf-8", "surrogateescape")
        try:
            _HANDLERS[request](phone, stream, request, name)
        except KeyError:
            _fail(stream, f"unknown command {request!r}")
            return
        except _RefusedError as error:
            _fail(stream, str(error))
            return


def _head(stream: Stream) -> tuple[bytes, int]:
    data = stream.read_exactly(8)
    return data[:4], int.from_bytes(data[4:], "little")


def _fail(stream: Stream, words: str) -> None:
    data = words.encode("utf-8", "surrogateescape")
    stream.write(b"FAIL" + len(data).to_bytes(4, "little") + data)


def _send(phone: Phone, stream: Stream, request: bytes, name: str) -> None:
    path, _, mode = name.rpartition(",")
    try:
        if phone.faults.is_full():
            raise _RefusedError(f"couldn't create file: {_NO_SPACE}")
        if not phone.paths.is_writable(path):
            raise _RefusedError("couldn't create file: Permission denied")
        target = phone.paths.real(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            file = target.open("wb")
        except OSError as error:
            raise _RefusedError(f"couldn't create file: {error.strerror}") from None
        phone.pushes.append(path)
        _take(phone, stream, target, file, int(mode or "420"))
    except _RefusedError as error:  # adbd drains what the client has under way, then says why
        _fail(stream, str(error))
        _drain(stream)


def _take(phone: Phone, stream: Stream, target: Path, file: IO[bytes], mode: int) -> None:
    taken = 0
    room = phone.description.free_kib * 1024 - phone.used_kib() * 1024
    kept = phone.faults.kept_of_push()
    with file:
        while True:
            request, size = _head(stream)
            if request == b"DONE":
                break
            if request != b"DATA":
                raise GoneError(f"{request!r} in the middle of a push")
            data = stream.read_exactly(size)
            taken += len(data)
            phone.faults.during_push(taken)
            if taken > room or phone.faults.is_full():
                file.close()
                target.unlink(missing_ok=True)
                raise _RefusedError(f"write failed: {_NO_SPACE}")
            file.write(data if kept is None else data[: max(0, kept - (taken - size))])
            file.flush()
    target.chmod(stat.S_IMODE(mode) | 0o600)
    os.utime(target, (size, size))  # DONE carries the time where DATA carries a length
    stream.write(b"OKAY" + bytes(4))


def _drain(stream: Stream) -> None:
    while True:
        request, size = _head(stream)
        if request == b"QUIT" or request == b"DONE":
            return
        stream.read_exactly(size)


def _receive(phone: Phone, stream: Stream, request: bytes, name: str) -> None:
    try:
        file = phone.paths.real(name).open("rb")
    except OSError as error:
        raise _RefusedError(f"open failed: {error.strerror}") from None
    with file:
        while data := file.read(_CHUNK):
            stream.write(b"DATA" + len(data).to_bytes(4, "little") + data)
    stream.write(b"DONE" + bytes(4))


def _stat(phone: Phone, stream: Stream, request: bytes, name: str) -> None:
    path = phone.paths.real(name)
    try:
        facts = path.lstat() if request != b"STA2" else path.stat()
    except OSError as error:
        if request == b"STAT":
            stream.write(_STAT1.pack(request, 0, 0, 0))
        else:
            stream.write(_STAT2.pack(request, error.errno or 5, *([0] * 10)))
        return
    if request == b"STAT":
        stream.write(_STAT1.pack(request, facts.st_mode, facts.st_size & 0xFFFFFFFF, int(facts.st_mtime)))
    else:
        stream.write(_STAT2.pack(request, 0, *_facts(facts)))


def _facts(facts: os.stat_result) -> tuple[int, ...]:
    times = (int(facts.st_atime), int(facts.st_mtime), int(facts.st_ctime))
    return (facts.st_dev, facts.st_ino, facts.st_mode, facts.st_nlink, 2000, 2000, facts.st_size, *times)


def _list(phone: Phone, stream: Stream, request: bytes, name: str) -> None:
    kind = b"DENT" if request == b"LIST" else b"DNT2"
    folder = phone.paths.real(name)
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    for entry in entries:
        facts = entry.lstat()
        shown = os.fsencode(entry.name)
        if kind == b"DENT":
            head = _ENTRY1.pack(
                kind, facts.st_mode, facts.st_size & 0xFFFFFFFF, int(facts.st_mtime), len(shown)
            )
        else:
            head = _ENTRY2.pack(kind, 0, *_facts(facts), len(shown))
        stream.write(head + shown)
    stream.write(_ENTRY1.pack(b"DONE", 0, 0, 0, 0) if kind == b"DENT" else _ENTRY2.pack(b"DONE", *([0] * 12)))


_HANDLERS = {
    b"SEND": _send,
    b"RECV": _receive,
    b"STAT": _stat,
    b"LST2": _stat,
    b"STA2": _stat,
    b"LIST": _list,
    b"LIS2": _list,
}
