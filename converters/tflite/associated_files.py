"""The files that travel with a model: a zip archive behind the flatbuffer, as TFLite metadata has them.

The archive's offsets count from the beginning of the whole file, so that zipfile, MediaPipe (which takes
the bytes where they lie: stored, never compressed) and Android's MetadataExtractor all find them. Nothing
is ever unpacked to disk, and names are only compared, never used as paths.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from swiftformer_keras.errors import MetadataError
from swiftformer_keras.shown import shown

MAX_FILES = 64
MAX_FILE_BYTES = 16 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date a zip archive can carry: same inputs, same bytes


def append_files(model: bytes, files: Mapping[str, bytes]) -> bytes:
    """`model` with `files` stored behind it, in the order given."""
    whole = io.BytesIO()
    whole.write(model)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, content)
    return whole.getvalue()


def list_files(data: bytes, where: str) -> dict[str, int]:
    """Names and sizes in bytes of the associated files; empty where there are none.

    Raises:
        MetadataError: the archive is damaged, or has more files than models have.
    """
    archive = _open(data, where)
    return {} if archive is None else {entry.filename: entry.file_size for entry in archive.infolist()}


def read_file(data: bytes, name: str, where: str) -> bytes | None:
    """The content of one associated file, or None where it is not there.

    Raises:
        MetadataError: the archive is damaged, the file is there twice, encrypted, compressed by another
            method than zlib's, or larger than 16 MiB.
    """
    archive = _open(data, where)
    found = [] if archive is None else [entry for entry in archive.infolist() if entry.filename == name]
    if archive is None or not found:
        return None
    if len(found) > 1:
        raise MetadataError(
            f"{where}: holds {len(found)} files named {shown(name, 60)!r}. Write the metadata again"
        )
    entry = found[0]
    if entry.flag_bits & 0x1:
        raise MetadataError(
            f"{where}: the file {shown(name, 60)!r} in it is encrypted. Write the metadata again"
        )
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MetadataError(
            f"{where}: the file {shown(name, 60)!r} in it is compressed by an unusual method. Store it instead"
        )
    if entry.file_size > MAX_FILE_BYTES:
        raise MetadataError(
            f"{where}: the file {shown(name, 60)!r} in it claims {entry.file_size:,} bytes, "
            f"{MAX_FILE_BYTES:,} are the most. Write the metadata again"
        )
    try:
        with archive.open(entry) as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except _DAMAGE as error:
        reason = _first_line(error)
        raise MetadataError(
            f"{where}: the file {shown(name, 60)!r} in it is damaged ({reason}). Get it again"
        ) from None
    if len(content) != entry.file_size:
        raise MetadataError(
            f"{where}: the file {shown(name, 60)!r} in it is not as long as announced. Get it again"
        )
    return content


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    MemoryError,
)


def _open(data: bytes, where: str) -> zipfile.ZipFile | None:
    if b"PK\x05\x06" not in data[-(22 + 65535) :]:  # the end record, perhaps before a comment
        return None
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE as error:
        raise MetadataError(
            f"{where}: the files behind the model are damaged ({_first_line(error)}). Get it again"
        ) from None
    if len(archive.infolist()) > MAX_FILES:
        raise MetadataError(
            f"{where}: {len(archive.infolist())} files behind the model, {MAX_FILES} are the most. "
            "Write the metadata again"
        )
    return archive


def _first_line(error: BaseException) -> str:
    return shown(str(error) or type(error).__name__, 100).rstrip(".")
