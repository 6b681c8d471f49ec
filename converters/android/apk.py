"""Packing: an APK's entries in one order, with one date, and the alignment that Android maps files with.

Native libraries are stored at multiples of 16 KB (they are mapped, not unpacked), other stored entries at multiples of
4 bytes. The same entries give the same bytes: no dates, no attributes of this machine.
"""

from __future__ import annotations

import dataclasses
import itertools
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path

from swiftformer_keras.errors import AppSourceError

LARGE_PAGE, WORD = 16384, 4
_DATE = (1981, 1, 1, 1, 1, 2)  # the one that Android's own build tools write
_ALIGNMENT_FIELD = 0xD935  # of zipalign and apksigner: alignment, then padding
_LOCAL_HEADER_BYTES = 30
_STORED_SUFFIXES = (".so", ".tflite", ".arsc", ".png")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One file of an APK."""

    name: str
    content: bytes

    @property
    def stored(self) -> bool:
        """Without compression: what is mapped from the APK, and what does not get smaller."""
        return self.name.endswith(_STORED_SUFFIXES)

    @property
    def alignment(self) -> int:
        return LARGE_PAGE if self.name.endswith(".so") else WORD


def entries_of(apk: Path) -> list[Entry]:
    """What another tool has packed."""
    with zipfile.ZipFile(apk) as archive:
        return [Entry(info.filename, archive.read(info)) for info in archive.infolist() if not info.is_dir()]


def pack(entries: Iterable[Entry], out: Path) -> None:
    """Write the entries, the manifest first and the others sorted by name.

    Raises:
        AppSourceError: two entries have the same name.
    """
    ordered = sorted(entries, key=lambda entry: (entry.name != "AndroidManifest.xml", entry.name))
    for before, after in itertools.pairwise(ordered):
        if before.name == after.name:
            raise AppSourceError(f"two files want to be {after.name!r} in the APK")
    with open(out, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        for entry in ordered:
            info = zipfile.ZipInfo(entry.name, _DATE)
            info.create_system = 0  # the same on every machine
            info.external_attr = 0
            info.compress_type = zipfile.ZIP_STORED if entry.stored else zipfile.ZIP_DEFLATED
            if entry.stored:
                info.extra = _padding(file.tell(), entry)
            archive.writestr(info, entry.content, compresslevel=9)
    _check(out)


def data_offsets(apk: Path) -> dict[str, int]:
    """Where each stored entry's bytes begin in the file."""
    offsets = {}
    with zipfile.ZipFile(apk) as archive, open(apk, "rb") as file:
        for info in archive.infolist():
            if info.compress_type == zipfile.ZIP_STORED:
                file.seek(info.header_offset + 26)
                name_bytes, extra_bytes = struct.unpack("<HH", file.read(4))
                offsets[info.filename] = info.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes
    return offsets


def _padding(position: int, entry: Entry) -> bytes:
    start = position + _LOCAL_HEADER_BYTES + len(entry.name.encode()) + 6
    return struct.pack("<HHH", _ALIGNMENT_FIELD, 2 + -start % entry.alignment, entry.alignment) + bytes(
        -start % entry.alignment
    )


def _check(apk: Path) -> None:
    for name, offset in data_offsets(apk).items():
        if offset % Entry(name, b"").alignment:
            raise AssertionError(f"{name} begins at {offset}, which is not aligned")
