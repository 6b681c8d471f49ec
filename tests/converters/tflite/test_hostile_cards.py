"""Model cards and associated files that lie about the model, about themselves, or about where they belong."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from converters.tflite.associated_files import append_files
from converters.tflite.classify import classify
from converters.tflite.inspect import inspect_tflite
from converters.tflite.metadata import read_metadata, write_metadata
from swiftformer_keras.errors import MetadataError
from tests.converters.tflite.models import card, picture, tiny, written
from tests.harness import assert_refused

OURS = write_metadata(tiny(), card())
FLATBUFFER = OURS[: OURS.index(b"PK\x03\x04")]  # the model and its standard metadata, no files
with zipfile.ZipFile(io.BytesIO(OURS)) as _archive:
    FILES = {name: _archive.read(name) for name in ("labels.txt", "swiftformer.json")}


def with_files(files: dict[str, bytes]) -> bytes:
    return append_files(FLATBUFFER, files)


def with_card(old: bytes, new: bytes) -> bytes:
    assert old in FILES["swiftformer.json"]
    return with_files({**FILES, "swiftformer.json": FILES["swiftformer.json"].replace(old, new)})


def archive(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    whole = io.BytesIO()
    whole.write(FLATBUFFER)
    with warnings.catch_warnings(), zipfile.ZipFile(whole, "a", method) as file:
        warnings.simplefilter("ignore")  # of zipfile, about a name twice
        for name, content in entries:
            file.writestr(name, content)
    return whole.getvalue()


def encrypted() -> bytes:
    data = bytearray(OURS)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = -1
        while (position := data.find(signature, position + 1)) >= 0:
            data[position + flags] |= 1
    return bytes(data)


def claimed_size(size: int) -> bytes:
    """Both entries claim `size` bytes in the central directory."""
    data = bytearray(OURS)
    position = -1
    while (position := data.find(b"PK\x01\x02", position + 1)) >= 0:
        data[position + 20 : position + 28] = struct.pack("<II", size, size)
    return bytes(data)


def entry_offset(offset: int) -> bytes:
    data = bytearray(OURS)
    position = -1
    while (position := data.find(b"PK\x01\x02", position + 1)) >= 0:
        data[position + 42 : position + 46] = struct.pack("<I", offset)
    return bytes(data)


CARD, NAMES = ("swiftformer.json", FILES["swiftformer.json"]), ("labels.txt", FILES["labels.txt"])

LYING_CARDS = {
    "zip bomb": (archive(NAMES, (CARD[0], bytes(20 << 20)), method=zipfile.ZIP_DEFLATED), "claims"),
    "compressed by lzma": (archive(NAMES, CARD, method=zipfile.ZIP_LZMA), "unusual"),
    "card twice": (archive(NAMES, CARD, CARD), "2 files"),
    "labels twice": (archive(NAMES, NAMES, CARD), "2 files"),
    "a thousand files": (archive(*((f"{n}.txt", b"") for n in range(1000)), NAMES, CARD), "1002 files"),
    "encrypted": (encrypted(), "encrypted"),
    "claims more than the file": (claimed_size(100_000), "damaged"),
    "claims four gigabytes": (claimed_size(0xFFFFFFF0), "claims"),
    "entry beyond the file": (entry_offset(1 << 30), "damaged"),
    "entry inside the model": (entry_offset(16), "damaged"),
    "card named with ..": (archive(NAMES, ("../swiftformer.json", CARD[1])), "no model card"),
    "labels missing": (with_files({CARD[0]: CARD[1]}), "labels.txt"),
    "card of one byte": (with_files({**FILES, CARD[0]: b"{"}), "not valid JSON"),
    "card is a list": (with_files({**FILES, CARD[0]: b"[]"}), "no JSON object"),
    "card not text": (with_files({**FILES, CARD[0]: b"\xff\xfe"}), "not valid JSON"),
    "card nested deeply": (with_files({**FILES, CARD[0]: b"[" * 100_000}), "not valid JSON"),
    "card too large": (with_files({**FILES, CARD[0]: b" " * (1 << 21)}), "too many"),
    "card with a name twice": (with_card(b'"name": "Tiny"', b'"name": "Tiny", "name": "Tiny"'), "twice"),
    "card with NaN": (with_card(b'"crop_fraction": 0.95', b'"crop_fraction": NaN'), "not valid JSON"),
    "card of a later format": (with_card(b'"format": 1', b'"format": 2'), "format 2"),
    "card of format true": (with_card(b'"format": 1', b'"format": true'), "format True"),
    "card with an unknown field": (with_card(b'"gelu": "exact"', b'"gelu": "exact", "run": "rm"'), "'run'"),
    "card without a field": (with_card(b' "gelu": "exact",\n', b""), "gelu"),
    "number as name": (with_card(b'"name": "Tiny"', b'"name": 7'), "name"),
    "labels as a list": (with_card(b'"labels": "labels.txt"', b'"labels": ["a"]'), "labels"),
    "labels elsewhere": (with_card(b'"labels": "labels.txt"', b'"labels": "../../etc/passwd"'), "passwd"),
    "another input size": (with_card(b'"height": 32', b'"height": 33'), "(1, 33, 24, 3)"),
    "an endless input size": (with_card(b'"height": 32', b'"height": 100000000'), "height"),
    "a crop of nothing": (with_card(b'"crop_fraction": 0.95', b'"crop_fraction": 0'), "crop_fraction"),
    "an unknown input kind": (with_card(b'"pixels"', b'"bytes"'), "input_kind"),
    "another input kind": (with_card(b'"pixels"', b'"normalized"'), "disagree on the mean"),
    "another name": (with_card(b'"name": "Tiny"', b'"name": "Huge"'), "disagree on the name"),
    "another licence": (
        with_card(b'"licence": "Apache-2.0"', b'"licence": "MIT"'),
        "disagree on the licence",
    ),
    "source as text": (with_card(b'"source": {', b'"source": "x", "preprocessing2": {'), "model card"),
    "too few labels": (with_files({**FILES, "labels.txt": b"a\nb\n"}), "2 labels"),
    "too many labels": (with_files({**FILES, "labels.txt": b"a\n" * 1000}), "1,000 labels"),
    "labels no UTF-8": (with_files({**FILES, "labels.txt": b"\xff\n" * 4}), "UTF-8"),
    "labels with terminal escapes": (with_files({**FILES, "labels.txt": b"a\nb\nc\n\x1b[2J\n"}), "label"),
}


@pytest.mark.parametrize(("data", "mention"), LYING_CARDS.values(), ids=LYING_CARDS)
def test_cards_and_files_that_lie(tmp_path: Path, data: bytes, mention: str) -> None:
    path = written(tmp_path, data)
    assert_refused(MetadataError, lambda: read_metadata(path), str(path), mention)
    assert_refused(MetadataError, lambda: classify(path, [picture(tmp_path)]), str(path))


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    path = written(folder, archive(NAMES, CARD, ("../escaped.txt", b"x"), ("/escaped.txt", b"x")))
    assert inspect_tflite(path).card == card()
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == ["inner", "model.tflite"]
