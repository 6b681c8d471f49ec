"""Phones of the tests' own, and a folder of their own for what is remembered about phones."""

from __future__ import annotations

from pathlib import Path

import pytest

from swiftformer_keras.benchmark.plan import PRESETS
from tests.phone.fixtures import adb_server, jvm_app, phone, phones, running_adb_server
from tests.phone.phone import Phone
from tests.swiftformer_keras.benchmark.bench import TINY, Bench

__all__ = ["adb_server", "jvm_app", "phone", "phones", "running_adb_server"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where records of changed phones go."""
    folder = tmp_path / "swiftformer-home"
    monkeypatch.setenv("SWIFTFORMER_HOME", str(folder))
    return folder


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rapid preset with two processes of a few runs."""
    monkeypatch.setitem(PRESETS, "rapid", TINY)


@pytest.fixture
def bench(phone: Phone, tiny: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    """`swiftformer benchmark` on a phone with the app."""
    return Bench(phone, tmp_path, capsys)
