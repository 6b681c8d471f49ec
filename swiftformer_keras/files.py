"""Files at the edge: whole or not at all, never over an existing one unless told, and their fingerprints."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.metadata
import json
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
def write_atomically(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its name when the block ends well.

    On any exception, Ctrl-C included, the temporary file is removed and an existing file stays as it was.
    The temporary name keeps the suffix, for writers that look at it.

    Raises:
        OutputError: `path` may not be written (see `check_output`), or writing failed.
    """
    path = Path(path)
    check_output(path, force=force)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:32]}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise _output_error(path, error) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if path.exists() and not force:
            raise OutputError(f"{path}: appeared meanwhile; it was kept")
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sidecar(path: Path) -> Path:
    """Where the record of an output is written: beside it, with `.json` added."""
    return path.with_name(path.name + ".json")


def write_record(path: Path, record: Mapping[str, Any], *, force: bool = False) -> Path:
    """Write, beside the finished output `path`, what made it: `record`, its SHA-256 and the versions in use.

    Raises:
        OutputError: the record cannot be written.
    """
    content = {"file": path.name, "sha256": sha256_file(path), "versions": versions(), **record}
    with write_atomically(sidecar(path), force=force) as temporary:
        temporary.write_text(
            json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
        )
    return sidecar(path)


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
