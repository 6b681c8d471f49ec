"""Zip archives that torch would not have written, each with the error that it must give."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from swiftformer_keras.errors import (
    ChecksumError,
    MalformedPickleError,
    NotACheckpointError,
    StorageSizeError,
    SwiftFormerError,
    TruncatedError,
    ZipStructureError,
)
from tests.torch_files import Archive, Entry, archive, dump, ordered, tensor

Case = tuple[Callable[[], bytes], type[SwiftFormerError], str]

_ONES = np.ones(4, np.float32).tobytes()


def good() -> Archive:
    """A small file that is as it should be: one tensor of four ones."""
    return archive(dump(ordered({"w": tensor("0", (4,))})), [_ONES])


def _archive(**changes: object) -> Callable[[], bytes]:
    def build() -> bytes:
        made = good()
        for name, value in changes.items():
            setattr(made, name, value)
        return made.to_bytes()

    return build


def _storage(**changes: object) -> Callable[[], bytes]:
    """The entry of the tensor's bytes changed."""

    def build() -> bytes:
        made = good()
        for name, value in changes.items():
            setattr(made.entries[2], name, value)
        return made.to_bytes()

    return build


def _pickle(**changes: object) -> Callable[[], bytes]:
    def build() -> bytes:
        made = good()
        for name, value in changes.items():
            setattr(made.entries[0], name, value)
        return made.to_bytes()

    return build


def _plus(*entries: Entry) -> Callable[[], bytes]:
    def build() -> bytes:
        made = good()
        made.entries += entries
        return made.to_bytes()

    return build


def _bomb() -> bytes:
    """Many entries over the same bytes (the overlapping kind of zip bomb)."""
    made = good()
    made.entries += [Entry(f"archive/data/{i}", b"", header=0, size=64, crc32=0) for i in range(1, 200)]
    return made.to_bytes()


def _cut(keep: Callable[[bytes], int]) -> Callable[[], bytes]:
    def build() -> bytes:
        data = good().to_bytes()
        return data[: keep(data)]

    return build


_WIDE = struct.pack("<HHQQQ", 1, 24, 1 << 63, 1 << 63, 1 << 63)

CASES: dict[str, Case] = {
    "name with ..": (_plus(Entry("archive/../../etc/passwd", b"x")), ZipStructureError, "leads elsewhere"),
    "absolute name": (_plus(Entry("/etc/passwd", b"x")), ZipStructureError, "leads elsewhere"),
    "name with a backslash": (_plus(Entry("archive\\x", b"x")), ZipStructureError, "leads elsewhere"),
    "name with a nul": (_plus(Entry("archive/x\0y", b"x")), ZipStructureError, "leads elsewhere"),
    "empty name": (_plus(Entry("", b"x")), ZipStructureError, "leads elsewhere"),
    "name of a folder": (_plus(Entry("archive/data/", b"")), ZipStructureError, "leads elsewhere"),
    "name with a line break": (_plus(Entry("archive\nx/y", b"x")), ZipStructureError, "is not under"),
    "name that is not UTF-8": (_plus(Entry(b"archive/\xff\xfe", b"x")), ZipStructureError, "not UTF-8"),
    "outside of the root": (_plus(Entry("other/x", b"x")), ZipStructureError, "is not under 'archive/'"),
    "duplicate name": (_plus(Entry("archive/data/0", _ONES)), ZipStructureError, "is there twice"),
    "duplicate data.pkl": (_plus(Entry("archive/data.pkl", b"x")), ZipStructureError, "is there twice"),
    "deflated": (_storage(method=8), ZipStructureError, "compressed (method 8)"),
    "deflated in its own header only": (
        _storage(local_method=8),
        ZipStructureError,
        "encrypted or compressed",
    ),
    "encrypted": (_storage(flags=0x809, local_flags=0x808), ZipStructureError, "is encrypted,"),
    "strongly encrypted": (_storage(flags=0x848, local_flags=0x808), ZipStructureError, "is encrypted,"),
    "encrypted in its own header only": (
        _storage(local_flags=0x809),
        ZipStructureError,
        "encrypted or compressed",
    ),
    "packed smaller": (_storage(packed=3), ZipStructureError, "stored in 3 bytes but holds 16"),
    "on another disk": (_storage(disk=1), ZipStructureError, "'archive/data/0'"),
    "size past the directory": (_storage(size=1 << 30), ZipStructureError, "go past"),
    "size one byte past the next entry": (_storage(size=100), ZipStructureError, "overlaps another entry"),
    "offset past the file": (
        _storage(header=1 << 31),
        ZipStructureError,
        "outside of the part that holds entries",
    ),
    "offset of another entry": (_storage(header=0), ZipStructureError, "is not where the directory says"),
    "offset in the middle": (_storage(header=7), ZipStructureError, "is not where the directory says"),
    "another name in its own header": (
        _storage(local_name=b"archive/data/9"),
        ZipStructureError,
        "is not where the directory says",
    ),
    "other sizes in its own header": (_storage(local_sizes=(8, 8)), ZipStructureError, "before its data"),
    "no signature before its data": (_storage(local_signature=b"PK\3\5"), ZipStructureError, "is not where"),
    "no signature in the directory": (
        _storage(central_signature=b"PK\1\3"),
        ZipStructureError,
        "directory ends after",
    ),
    "offset that overflows 64 bits": (
        _storage(size=0xFFFFFFFF, packed=0xFFFFFFFF, header=0xFFFFFFFF, extra=_WIDE),
        ZipStructureError,
        "outside of the part that holds entries",
    ),
    "zip64 without its field": (
        _storage(size=0xFFFFFFFF, packed=0xFFFFFFFF),
        ZipStructureError,
        "no zip64 sizes",
    ),
    "zip64 field cut short": (
        _storage(size=0xFFFFFFFF, packed=0xFFFFFFFF, extra=struct.pack("<HHQ", 1, 8, 16)),
        ZipStructureError,
        "no zip64 sizes",
    ),
    "wrong checksum of a tensor": (_storage(crc32=1), ChecksumError, "tensor 'w'"),
    "wrong checksum of the pickle": (_pickle(crc32=1), ChecksumError, "'archive/data.pkl'"),
    "bytes behind the pickle": (
        lambda: archive(dump(ordered({"w": tensor("0", (4,))})) + b"..", [_ONES]).to_bytes(),
        MalformedPickleError,
        "goes on behind its end",
    ),
    "overlapping entries": (_bomb, ZipStructureError, "is not where the directory says"),
    "one entry twice under two names": (
        _plus(Entry("archive/data/1", b"", header=0, local_name=b"archive/data/1")),
        ZipStructureError,
        "is not where the directory says",
    ),
    "count too high": (_archive(count=40), ZipStructureError, "of 40 entries"),
    "count too low": (_archive(count=2), ZipStructureError, "bytes too many"),
    "count of millions": (_archive(count=60_000), ZipStructureError, "60,000 zip entries"),
    "count that overflows": (_archive(count=1 << 63), ZipStructureError, "zip entries"),
    "bytes behind the directory": (_archive(directory_tail=b"\0" * 9), ZipStructureError, "9 bytes too many"),
    "directory size past the file": (
        _archive(directory_size=1 << 31),
        ZipStructureError,
        "does not end where",
    ),
    "directory offset past the file": (
        _archive(directory_offset=1 << 31),
        ZipStructureError,
        "does not end where",
    ),
    "directory offset of zero": (_archive(directory_offset=0), ZipStructureError, "does not end where"),
    "zip64 end elsewhere": (_archive(end64={"at": 0}), ZipStructureError, "zip64 directory"),
    "zip64 end past the file": (_archive(end64={"at": 1 << 60}), ZipStructureError, "zip64 directory"),
    "zip64 end that contradicts": (_archive(end64={"count": 3, "here": 3}), ZipStructureError, "contradicts"),
    "zip64 end missing": (_archive(zip64=False, count=0x10000), ZipStructureError, "zip entries"),
    "split archive": (_archive(zip64=False, disks=(1, 0)), ZipStructureError, "split zip"),
    "a comment": (_archive(comment=b"hello"), TruncatedError, "not at the end"),
    "something appended": (lambda: good().to_bytes() + b"\0" * 30, TruncatedError, "something was appended"),
    "cut in the data": (_cut(lambda data: data.index(_ONES) + 3), TruncatedError, "cut short"),
    "cut in the directory": (_cut(lambda data: data.index(b"PK\1\2") + 60), TruncatedError, "cut short"),
    "cut by one byte": (_cut(lambda data: len(data) - 1), TruncatedError, "cut short"),
    "two bytes": (lambda: b"PK", TruncatedError, "cut short"),
    "no entries": (lambda: Archive().to_bytes(), ZipStructureError, "without entries"),
    "another kind of zip": (
        lambda: Archive([Entry("config.json", b"{}"), Entry("model.weights.h5", b"x")]).to_bytes(),
        NotACheckpointError,
        "without data.pkl",
    ),
    "another kind of zip, compressed": (
        lambda: Archive([Entry("config.json", b"{}", method=8)]).to_bytes(),
        NotACheckpointError,
        "without data.pkl",
    ),
    "data.pkl under another folder": (
        lambda: Archive([Entry("a/version", b"3"), Entry("b/data.pkl", b"x")]).to_bytes(),
        ZipStructureError,
        "'a/data.pkl' is missing",
    ),
    "data.pkl two folders down": (
        lambda: Archive([Entry("a/b/data.pkl", b"x")]).to_bytes(),
        ZipStructureError,
        "'a/data.pkl' is missing",
    ),
    "an entry without a folder": (
        lambda: Archive([Entry("data.pkl", b"3"), Entry("b/data.pkl", b"x")]).to_bytes(),
        ZipStructureError,
        "'data.pkl' is not in a folder",
    ),
    "TorchScript": (_plus(Entry("archive/constants.pkl", b"x")), NotACheckpointError, "TorchScript"),
    "TorchScript with compressed code": (
        _plus(Entry("archive/code/__torch__.py", b"x", method=8)),
        NotACheckpointError,
        "TorchScript",
    ),
    "a storage that is missing": (
        lambda: archive(dump(ordered({"w": tensor("7", (4,))})), [_ONES]).to_bytes(),
        StorageSizeError,
        "'7'",
    ),
    "a storage that is too short": (
        lambda: archive(dump(ordered({"w": tensor("0", (4,))})), [_ONES[:-1]]).to_bytes(),
        StorageSizeError,
        "needs 16 bytes",
    ),
    "a storage that is too long": (
        lambda: archive(dump(ordered({"w": tensor("0", (4,))})), [_ONES + b"\0"]).to_bytes(),
        StorageSizeError,
        "holds 17",
    ),
    "a key that leads elsewhere": (
        lambda: archive(dump(ordered({"w": tensor("../data.pkl", (4,))})), [_ONES]).to_bytes(),
        StorageSizeError,
        "'../data.pkl'",
    ),
}
