"""Files at the edge: whole or not at all, never over an existing one unless told, and their fingerprints."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from swiftformer_keras import interruption
from swiftformer_keras.errors import OutputError

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EACCES: "no permission to write there; choose another place",
    errno.EPERM: "no permission to write there; choose another place",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def check_output(path: Path, *, force: bool) -> None:
    """Refuse an output that could not be put in place, before any long work.

    Raises:
        OutputError: it exists and `force` is not set, is a directory, or has no parent folder.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise OutputError(f"{path}: is a directory. Name a file")
        if path.exists() and not force:
            raise OutputError(f"{path}: exists already. Choose another name, or add --force to replace it")
        if not path.parent.is_dir():
            raise OutputError(f"{path}: the folder {path.parent} does not exist. Make it first")
    except (OSError, ValueError) as error:
        raise _output_error(path, error) from None
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: no permission to write there; choose another place")


@contextlib.contextmanager
def write_atomically(path: Path, *, force: bool = False, uninterrupted: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its name when the block ends well.

    On any exception, Ctrl-C included, the temporary file is removed and an existing file stays as it was.
    The temporary name keeps the suffix, for writers that look at it.

    Args:
        uninterrupted: a Ctrl-C that came before does not stop it: for what shall not be lost with the work.

    Raises:
        OutputError: `path` may not be written (see `check_output`), or writing failed.
    """
    with _temporary(Path(path), force) as temporary:
        yield temporary
        _put_in_place({temporary: Path(path)}, force, uninterrupted)


@contextlib.contextmanager
def write_with_record(path: Path, *, force: bool = False) -> Iterator[tuple[Path, dict[str, Any]]]:
    """As `write_atomically`, with a JSON record of what made the output beside it: both appear, or neither.

    Gives the temporary path and an empty record to fill; the output's name, its SHA-256 and the versions in use
    are put before what it was filled with.

    Raises:
        OutputError: the output or its record may not be written, or writing failed.
    """
    path = Path(path)
    record: dict[str, Any] = {}
    with _temporary(path, force) as temporary, _temporary(sidecar(path), force) as beside:
        yield temporary, record
        content = {"file": path.name, "sha256": sha256_file(temporary), "versions": versions(), **record}
        beside.write_text(as_json(content), "utf-8", errors="backslashreplace")
        _put_in_place({beside: sidecar(path), temporary: path}, force)


def as_json(content: Mapping[str, Any]) -> str:
    """The text of a JSON file for people and programs.

    A name that is no text (bytes that are not UTF-8) has surrogates, which UTF-8 cannot hold: written with
    `errors="backslashreplace"` they become JSON's own escapes for them.
    """
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextlib.contextmanager
def _temporary(path: Path, force: bool) -> Iterator[Path]:
    """A new file beside `path`, gone when the block ends; an `OSError` in it becomes an `OutputError`."""
    check_output(path, force=force)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:32]}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise _output_error(path, error) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _put_in_place(finished: Mapping[Path, Path], force: bool, uninterrupted: bool = False) -> None:
    """Let every temporary file take its name; where one cannot, what was there before is there again."""
    for temporary, path in finished.items():
        if path.exists() and not force:
            raise OutputError(f"{path}: appeared meanwhile; it was kept")
        temporary.chmod(0o666 & ~_umask())
    if not uninterrupted:
        interruption.check()
    *companions, last = (
        finished  # the last one is put in place whole or not at all, and nothing comes after it
    )
    with contextlib.ExitStack() as before:
        for temporary in companions:
            before.enter_context(_restored_while(last.exists, finished[temporary]))
        for temporary, path in finished.items():
            temporary.replace(path)


@contextlib.contextmanager
def _restored_while(pending: Callable[[], bool], path: Path) -> Iterator[None]:
    """Where the block ends with something still pending, what was at `path` before is there again."""
    aside = Path(tempfile.mkdtemp(prefix=f".{path.stem[:32]}.", dir=path.parent)) if path.exists() else None
    try:
        if aside is not None:
            shutil.copy2(path, aside / path.name)
        try:
            yield
        finally:
            if pending():
                path.unlink(missing_ok=True)
                if aside is not None:
                    (aside / path.name).replace(path)
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sidecar(path: Path) -> Path:
    """Where the record of an output is written: beside it, with `.json` added."""
    return path.with_name(path.name + ".json")


def fingerprint(path: Path) -> dict[str, str]:
    """How a record names a file that was read: its name, not where it lay, and its SHA-256."""
    return {"file": path.name, "sha256": sha256_file(path)}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape an output."""
    found = {"python": platform.python_version()}
    for package in (
        "swiftformer-keras",
        "keras",
        "tensorflow",
        "ai-edge-litert",
        "litert-quantizer",
        "numpy",
        "pillow",
    ):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _output_error(path: Path, error: OSError | ValueError) -> OutputError:
    number = error.errno if isinstance(error, OSError) else None
    reason = _REASONS.get(number or 0, str(error))
    return OutputError(f"{path}: cannot be written: {reason}")


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
