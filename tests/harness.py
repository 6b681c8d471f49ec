"""What tests share: where the large reference data is, and the two assertions everything comes down to."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
import pytest

from swiftformer_keras.errors import SwiftFormerError

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
_shared = ROOT.parent / "shared"
SHARED: Path | None = _shared if (_shared / "reference" / "recipe.py").is_file() else None

needs_shared = pytest.mark.skipif(SHARED is None, reason="the large reference data is not beside this clone")

REQUIRED = os.environ.get("CI_REQUIRE_INDEPENDENT") == "1"
"""Set where every reader and runtime that is not ours must be there: a missing one then fails its tests."""


def absent(reason: str) -> NoReturn:
    """Skip a test for want of something that is not ours, or fail it where that must be there."""
    if REQUIRED:
        pytest.fail(f"{reason}, and CI_REQUIRE_INDEPENDENT=1")
    pytest.skip(reason)


def recipe() -> ModuleType:
    """The seeded reference weights and inputs (numpy only), kept with the fixtures."""
    spec = importlib.util.spec_from_file_location("recipe", FIXTURES / "recipe.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_same_logits(ours: Any, theirs: Any, atol: float = 1e-4) -> float:
    """Equal shapes, and no element further apart than `atol`; returns the largest difference."""
    ours, theirs = np.asarray(ours, np.float32), np.asarray(theirs, np.float32)
    assert ours.shape == theirs.shape, f"shapes {ours.shape} and {theirs.shape}"
    difference = float(np.abs(ours - theirs).max())
    assert difference <= atol, f"largest difference {difference:.3g} is above {atol:g}"
    return difference


def assert_refused(error: type[SwiftFormerError], call: Callable[[], Any], *mentions: str) -> str:
    """`call` raises exactly this error, in one line that mentions every given text."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error, f"{type(caught.value).__name__} instead of {error.__name__}"
    message = str(caught.value)
    assert message and "\n" not in message, f"not one line: {message!r}"
    for mention in mentions:
        assert mention in message, f"{mention!r} is not in {message!r}"
    return message
