"""Bytes of a checkpoint in, arrays out; and arrays that are the same in every respect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.checkpoints import read_checkpoint


def read(tmp_path: Path, data: bytes, **options: Any) -> dict[str, np.ndarray]:
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    return read_checkpoint(path, **options).tensors


def assert_equal(ours: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray]) -> None:
    assert ours.keys() == wanted.keys()
    for name, value in wanted.items():
        assert (ours[name].dtype, ours[name].shape) == (value.dtype, value.shape), name
        np.testing.assert_array_equal(ours[name], value)
