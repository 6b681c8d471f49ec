"""One open weights file: its size, its bytes by offset, and arrays filled straight from it.

Everything is read by offset into memory that was asked for only after the offset and length were checked
against the file's size. Nothing is memory-mapped: a mapped file that is cut short by somebody else kills the
process, and arrays must outlive the file.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from converters.hub.names import is_bare_name
from swiftformer_keras.errors import EmptyFileError, TruncatedError, UnreadableFileError

_QUOTED_LENGTH = 100


def quoted(text: object) -> str:
    """A name out of a file as it may stand in a message: one line, printable, not endless."""
    line = str(text) if isinstance(text, (str, Path)) else type(text).__name__
    cut = line if len(line) <= _QUOTED_LENGTH else line[: _QUOTED_LENGTH - 3] + "..."
    return repr(cut)


def place(path: Path) -> str:
    """The path as it stands in a message: as it is, or escaped when it would not print on one line."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


@dataclass(frozen=True)
class FileStamp:
    """What tells that a file is still the one that was read."""

    path: Path
    size_bytes: int
    modified_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path, status: os.stat_result) -> FileStamp:
        return cls(path, status.st_size, status.st_mtime_ns, status.st_ino)


class ByteSource:
    """A regular file, open for reading by offset.

    Raises:
        UnreadableFileError: there is no such file, it is no regular file, or it may not be read.
        EmptyFileError: it has no bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = place(path)
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # before opening: opening a pipe waits for its writer
                raise UnreadableFileError(f"{self.place}: is not a regular file. Give a file of weights")
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115  closed in __exit__
        except (OSError, ValueError) as error:
            hint = ""
            if isinstance(error, FileNotFoundError) and is_bare_name(path.as_posix()):
                hint = "; a hub name of another publisher begins with hf://"
            raise UnreadableFileError(
                f"{self.place}: cannot be read ({reason(error)}). Check the path and its permissions{hint}"
            ) from error
        status = os.fstat(self._file.fileno())
        self.stamp = FileStamp.of(path, status)
        self.size = status.st_size
        if self.size == 0:
            self._file.close()
            raise EmptyFileError(f"{self.place}: is empty. Download or copy it again")

    def __enter__(self) -> ByteSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, offset: int, length: int) -> bytearray:
        """`length` bytes from `offset`.

        Raises:
            TruncatedError: the file ends before.
        """
        buffer = bytearray(self._inside(offset, length))
        self._fill(offset, memoryview(buffer))
        return buffer

    def read_array(self, offset: int, count: int, dtype: np.dtype[np.generic]) -> np.ndarray:
        """`count` elements from `offset` as a new one-dimensional array, in the byte order of `dtype`.

        Raises:
            TruncatedError: the file ends before.
        """
        self._inside(offset, count * dtype.itemsize)
        array = np.empty(count, dtype)
        if count:
            self._fill(offset, memoryview(array.view(np.uint8)))
        return array

    def _inside(self, offset: int, length: int) -> int:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise TruncatedError(
                f"{self.place}: ends after {self.size:,} bytes, before the {length:,} bytes at {offset:,}. "
                "It was cut short; download or copy it again"
            )
        return length

    def _fill(self, offset: int, view: memoryview) -> None:
        try:
            self._file.seek(offset)
            while len(view):
                got = self._file.readinto(view)
                if not got:
                    raise UnreadableFileError(f"{self.place}: became shorter while it was read. Try again")
                view = view[got:]
        except OSError as error:
            raise UnreadableFileError(
                f"{self.place}: cannot be read ({reason(error)}). Check the disk it is on"
            ) from error


def exists(path: Path) -> bool:
    """Whether there is something under this name.

    Raises:
        UnreadableFileError: the system does not say.
    """
    try:
        return path.exists()
    except OSError as error:
        raise UnreadableFileError(
            f"{place(path)}: cannot be read ({reason(error)}). Check the path and its permissions"
        ) from error


def reason(error: Exception) -> str:
    """Why the system refused, in words."""
    return (getattr(error, "strerror", None) or str(error)).lower()
