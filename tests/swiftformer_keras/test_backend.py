"""The configured backend, found without importing Keras."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from swiftformer_keras import backend
from swiftformer_keras.errors import MissingToolError
from tests.harness import assert_refused


@pytest.fixture
def no_keras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As in a fresh process, with an empty folder for Keras' settings; returns its keras.json."""
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "keras.json"


def test_the_environment_wins_over_the_file_and_that_over_the_default(
    no_keras: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backend.configured_backend()[0] == "tensorflow"
    no_keras.write_text(json.dumps({"backend": "jax"}))
    assert backend.configured_backend() == ("jax", str(no_keras))
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    assert backend.configured_backend() == ("numpy", "KERAS_BACKEND")
    backend.check_keras()


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff", '{"floatx": "float32"}'])
def test_a_file_that_names_no_backend_is_keras_own_matter(no_keras: Path, text: str) -> None:
    no_keras.write_bytes(text.encode("latin-1"))
    assert backend.configured_backend()[0] == "tensorflow"


def test_unknown_and_missing_backends_are_refused(no_keras: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    assert_refused(MissingToolError, backend.check_keras, "'theano' (KERAS_BACKEND)", "no such backend")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    no_keras.write_text(json.dumps({"backend": "torch"}))
    monkeypatch.delenv("KERAS_BACKEND")
    assert_refused(MissingToolError, backend.check_keras, "'torch'", "keras.json", "torch is not installed")


def test_an_installation_that_breaks_on_import_is_refused(
    no_keras: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)  # makes the import statement fail
    assert_refused(MissingToolError, backend.import_keras, "'tensorflow'", "ModuleNotFoundError")


def test_nothing_is_looked_up_once_keras_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = pytest.importorskip("keras")
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    assert backend.import_keras() is keras
