"""The JSON file of a run: written whole or not at all, read from strangers with every bound checked."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

from swiftformer_keras import strict_json
from swiftformer_keras.benchmark.records import read_record, write_record
from swiftformer_keras.benchmark.result import FORMAT, VERSION, Run
from swiftformer_keras.errors import RunFileError
from swiftformer_keras.files import write_atomically
from swiftformer_keras.shown import shown

MAX_BYTES = 160 << 20
MAX_STRUCTURE = 2_000_000  # brackets, braces and colons: what the parsed objects' memory grows with
# The largest plan, MAX_CONFIGURATIONS in the full preset with MAX_RUNS_KEPT in each process, stays within both.

_MARKS = (b"[", b"{", b":")
_TEXT = re.compile(
    rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL
)  # also one without an end, so that time stays linear


def write_run(path: Path, run: Run) -> None:
    """Save a run, also after a Ctrl-C; what was at `path` is replaced once the new file is whole.

    Raises:
        OutputError: it cannot be written there.
    """
    with write_atomically(path, force=True, uninterrupted=True) as temporary:
        temporary.write_bytes(encode_run(run))


def encode_run(run: Run) -> bytes:
    """The file's bytes: JSON in ASCII, so that no text of a device is too odd for it."""
    return json.dumps(write_record(run), allow_nan=False).encode("ascii") + b"\n"


def read_run(path: Path) -> Run:
    """The run that a file holds.

    Raises:
        RunFileError: it cannot be opened, is too large, is not JSON, or is not a run of this version.
    """
    where = shown(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: a pipe would wait for its other end
            raise RunFileError(f"{where}: is not a file. Give the JSON that swiftformer benchmark wrote")
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RunFileError(f"{where}: cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL in the name
        raise RunFileError(f"{where}: is not a file name") from None
    return decode_run(content, where)


def decode_run(content: bytes, where: str) -> Run:
    """The run that a file's bytes are; `where` begins the error's line.

    Raises:
        RunFileError: see `read_run`.
    """
    try:
        return _decode(content)
    except ValueError as error:
        line = " ".join(str(error).split())
        raise RunFileError(
            f"{where}: {shown(line, 300)}. Give the JSON that swiftformer benchmark wrote, unchanged"
        ) from None


def structure(content: bytes) -> int:
    """The brackets, braces and colons of a JSON file, without those within its texts."""
    if (most := sum(map(content.count, _MARKS))) > MAX_STRUCTURE:
        return sum(map(_TEXT.sub(b"", content).count, _MARKS))
    return most


def _decode(content: bytes) -> Run:
    if len(content) > MAX_BYTES:
        raise ValueError(f"has more than the {MAX_BYTES:,} bytes that a run may have")
    if structure(content) > MAX_STRUCTURE:
        raise ValueError(f"has more than {MAX_STRUCTURE:,} fields and lists")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    try:
        values = strict_json.parse(text)
    except ValueError as error:
        raise ValueError(f"is not JSON ({error})") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError("is not a benchmark run")
    if values.get("version") != VERSION:
        raise ValueError(
            f"is version {shown(repr(values.get('version')), 40)} of the format, and this program knows {VERSION}"
        )
    return read_record(Run, values, "run")
