"""Phones of the tests' own, and a folder of their own for what is remembered about phones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.phone.fixtures import adb_server, phone, phones, running_adb_server

__all__ = ["adb_server", "phone", "phones", "running_adb_server"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where records of changed phones go."""
    folder = tmp_path / "swiftformer-home"
    monkeypatch.setenv("SWIFTFORMER_HOME", str(folder))
    return folder
