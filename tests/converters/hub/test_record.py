"""The disk and the record of downloads."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from converters.hub import pinned, record, transport
from swiftformer_keras.errors import HubError
from tests.harness import assert_refused
from tests.hub_server import NAME, WEIGHTS, HubServer


def test_full_disk(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, chunk: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transport._Bounded, "write", full)
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "disk is full")
    assert not (Path(record.home("state")) / "hub.json").exists()


def test_disk_that_cannot_hold_it(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "needs 76,800 bytes")
    assert not server.asked("/cdn/")


def test_home_that_is_a_file(server: HubServer, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "SWIFTFORMER_HOME")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"format": 2, "repositories": {}}',
        '{"format": 1, "repositories": {"a/b": {"revisions": {"main": "x"}, "commits": {}}}}',
        '{"format": 1, "repositories": {"a/b": {"revisions": {}, "commits": {"../..": {"files": {}}}}}}',
        '{"format": 1, "repositories": {"a/b": 7}}',
    ],
)
def test_damaged_record_is_refused_and_kept(server: HubServer, tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    assert_refused(
        HubError, lambda: pinned.fetch(f"hf://{NAME}", lock_file=path), "mine.json", "no readable record"
    )
    assert path.read_text() == text


def test_record_beside_a_project_and_own_cache(server: HubServer, tmp_path: Path) -> None:
    snapshot = pinned.fetch(
        f"hf://{NAME}", lock_file=tmp_path / "pins" / "hub.json", cache_dir=tmp_path / "models"
    )
    assert snapshot.folder.is_relative_to(tmp_path / "models")
    assert json.loads((tmp_path / "pins" / "hub.json").read_text())["format"] == 1
    assert not (tmp_path / "home").exists()


def test_progress_counts_up_to_the_whole(server: HubServer, capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[str, int, int]] = []
    pinned.fetch(f"hf://{NAME}", progress=lambda *step: seen.append(step))
    assert seen[-1] == ("model.safetensors", len(WEIGHTS), len(WEIGHTS))
    assert capfd.readouterr() == ("", "")
