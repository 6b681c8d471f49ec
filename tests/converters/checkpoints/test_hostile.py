"""Hostile and damaged files: each is refused with its own error, in one line that names the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.checkpoints import read_checkpoint
from swiftformer_keras.errors import SwiftFormerError
from tests.converters.checkpoints import hostile_other, hostile_pickle, hostile_zip
from tests.harness import FIXTURES, assert_refused

CASES = {
    f"{kind}: {name}": (suffix, *case)
    for kind, suffix, cases in (
        ("zip", ".pth", hostile_zip.CASES),
        ("pickle", ".pth", hostile_pickle.CASES),
        ("legacy", ".pth", hostile_other.LEGACY),
        ("safetensors", ".safetensors", hostile_other.SAFETENSORS),
        ("other", ".pth", hostile_other.OTHER),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused(name: str, tmp_path: Path) -> None:
    suffix, build, error, mention = CASES[name]
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(build())
    assert_refused(error, lambda: read_checkpoint(path), str(path), mention)


@pytest.mark.parametrize("file_name", ["config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("name", hostile_other.JSON)
def test_hostile_json_beside_the_weights_is_refused(name: str, file_name: str, tmp_path: Path) -> None:
    build, error, mention = hostile_other.JSON[name]
    (tmp_path / "model.safetensors").write_bytes((FIXTURES / "ckpt" / "timm_model.safetensors").read_bytes())
    path = tmp_path / file_name
    path.write_bytes(build())
    assert_refused(error, lambda: read_checkpoint(tmp_path), str(path), mention)


def test_the_file_that_the_hostile_ones_were_made_from_is_read(tmp_path: Path) -> None:
    """Each case differs from this in one thing, so this must be accepted."""
    path = tmp_path / "weights.pth"
    path.write_bytes(hostile_zip.good().to_bytes())
    tensors = read_checkpoint(path).tensors
    np.testing.assert_array_equal(tensors["w"], np.ones(4, np.float32))
    path.write_bytes(hostile_other._legacy()())
    np.testing.assert_array_equal(read_checkpoint(path).tensors["w"], np.ones(4, np.float32))
    path.write_bytes(hostile_other._entry()())
    np.testing.assert_array_equal(read_checkpoint(path).tensors["w"], np.ones(4, np.float32))


def test_a_path_that_would_break_the_line_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a\nb.pth"
    path.write_bytes(b"hello")
    with pytest.raises(SwiftFormerError) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert "a\\nb.pth" in str(caught.value)
