"""Outputs and their records: both or neither, and what a record says of the files it names."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from swiftformer_keras.errors import OutputError
from swiftformer_keras.files import fingerprint, sidecar, write_with_record
from tests.harness import assert_refused


def write(path: Path, content: bytes, *, force: bool = False, **facts: Any) -> None:
    with write_with_record(path, force=force) as (temporary, record):
        temporary.write_bytes(content)
        record.update(facts)


@pytest.mark.parametrize("name", ["a.bin", "ä b.bin", os.fsdecode(b"a\xff.bin")])
def test_an_output_and_its_record_appear_together(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path, b"content", colour="grün")
    assert sorted(tmp_path.iterdir()) == sorted([path, sidecar(path)])
    record = json.loads(sidecar(path).read_text("utf-8"))
    assert (record["file"], record["colour"]) == (name, "grün")
    assert record["sha256"] == hashlib.sha256(b"content").hexdigest() == fingerprint(path)["sha256"]


def test_a_record_that_cannot_be_written_keeps_the_output_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *content: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write(tmp_path / "a.bin", b"before")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(Path, "write_text", full)
    assert_refused(OutputError, lambda: write(tmp_path / "a.bin", b"after", force=True), "disk is full")
    assert_refused(OutputError, lambda: write(tmp_path / "b.bin", b"after"), "disk is full")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_output_that_cannot_take_its_name_keeps_the_record_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def refuse(source: Path, target: Path) -> Path:
        if target.suffix == ".bin":
            raise OSError(errno.EACCES, "Permission denied")
        return replace(source, target)

    write(tmp_path / "before.bin", b"before")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(Path, "replace", refuse)
    assert_refused(OutputError, lambda: write(tmp_path / "a.bin", b"x"), "no permission")
    assert_refused(OutputError, lambda: write(tmp_path / "before.bin", b"x", force=True), "no permission")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("taken", ["a.bin", "a.bin.json"])
def test_what_appears_meanwhile_is_kept(tmp_path: Path, taken: str) -> None:
    def meanwhile() -> None:
        with write_with_record(tmp_path / "a.bin"):
            (tmp_path / taken).write_text("mine")

    assert_refused(OutputError, meanwhile, taken, "appeared meanwhile")
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "mine"
