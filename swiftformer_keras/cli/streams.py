"""The standard streams of a command: always there, and a full disk behind one is no bug."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from swiftformer_keras.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Buffer


def prepare_streams() -> None:
    """Put streams in place that a command can write to without a thought.

    A closed one leads nowhere (and its descriptor is taken, so that no output file gets it), stdout raises
    `OutputError` when it cannot be written, stderr never fails, and neither minds a terminal without UTF-8.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, nowhere)
            setattr(sys, f"__{name}__", nowhere)  # kept open for as long as Python keeps the others
    sys.stdout = _text(_Result(_raw(sys.stdout)), sys.stdout)
    sys.stderr = account(_raw(sys.stderr), sys.stderr)


def account(raw: Any, like: TextIO) -> TextIO:
    """A stderr that writes to `raw` line by line and never fails."""
    return _text(_Account(raw), like, line_buffering=True)


def discard(stream: TextIO) -> None:
    """Let what `stream` still holds lead nowhere, so that Python does not complain at its exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Through(io.RawIOBase):
    """A raw stream that passes everything on to another."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def _write(self, data: Buffer) -> int | None:
        written: int | None = self._raw.write(data)
        return written


class _Result(_Through):
    """stdout: a result that does not arrive is an error, but the place's and not ours."""

    def write(self, data: Buffer) -> int | None:
        try:
            return self._write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"the output cannot be written: {error.strerror}") from error


class _Account(_Through):
    """stderr: where nobody can be told, the work still goes on."""

    def write(self, data: Buffer) -> int | None:
        with contextlib.suppress(OSError):
            return self._write(data)
        return memoryview(data).nbytes


def _raw(stream: Any) -> Any:
    return getattr(stream.buffer, "raw", stream.buffer)


def _text(raw: _Through, like: Any, *, line_buffering: bool = False) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=like.encoding,
        errors="backslashreplace",
        line_buffering=line_buffering or like.line_buffering or like.write_through,
    )
