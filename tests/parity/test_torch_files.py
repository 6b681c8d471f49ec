"""Files that the installed torch writes during the run, in both containers and at every pickle protocol."""

from __future__ import annotations

import argparse
import collections
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.checkpoints import read_checkpoint
from swiftformer_keras.errors import (
    NotACheckpointError,
    StorageSizeError,
    UnsafePickleError,
    UnsupportedDtypeError,
)
from tests.harness import assert_refused

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def state_dict() -> dict[str, Any]:
    """Tensors of every kind that weights have: strided, tied, empty, in parts of one storage."""
    torch.manual_seed(0)
    flat = torch.arange(100.0)
    found = collections.OrderedDict((f"{i}.weight", torch.randn(3, 4, i + 1)) for i in range(5))
    return found | {
        "scalar": torch.tensor(7),
        "bool": torch.tensor([True, False]),
        "half": torch.randn(5).half(),
        "bfloat16": torch.randn(5).bfloat16(),
        "double": torch.randn(5).double(),
        "tied": found["0.weight"],
        "transposed": found["2.weight"].transpose(0, 2),
        "empty": torch.empty(0, 3),
        "sliced": torch.arange(20.0)[3:9:2],
        "first": flat[:50],
        "second": flat[50:],
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
    }


def assert_equal(ours: dict[str, np.ndarray], theirs: dict[str, Any]) -> None:
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name].shape == tuple(value.shape), name
        np.testing.assert_array_equal(
            ours[name].astype(np.float64), value.detach().double().numpy(), err_msg=name
        )


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_every_protocol_of_both_containers(zipped: bool, protocol: int, tmp_path: Path) -> None:
    path, wanted = tmp_path / "x.pth", state_dict()
    torch.save(wanted, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    checkpoint = read_checkpoint(path)
    assert checkpoint.container == ("torch zip" if zipped else "torch legacy")
    assert_equal(checkpoint.tensors, wanted)


def test_a_file_without_checksums(tmp_path: Path) -> None:
    path, wanted = tmp_path / "x.pth", state_dict()
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(wanted, path)
    finally:
        torch.serialization.set_crc32_options(before)
    assert_equal(read_checkpoint(path).tensors, wanted)


def test_a_training_file(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    averaged = torch.optim.swa_utils.AveragedModel(model)
    found = {
        "model": model.state_dict(),
        "model_ema": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10).state_dict(),
        "args": argparse.Namespace(
            path=Path("x"), device=torch.device("cpu"), dtype=torch.float32, lr=np.float64(1)
        ),
        "random": np.random.get_state(),
        "others": {
            "set": {1, 2},
            "size": torch.Size([1, 2]),
            "default": collections.defaultdict(list),
            "none": None,
        },
    }
    for protocol in (2, 4):
        torch.save(found, tmp_path / "x.pth", pickle_protocol=protocol)
        assert_equal(read_checkpoint(tmp_path / "x.pth", weights="model").tensors, model.state_dict())
        assert_equal(read_checkpoint(tmp_path / "x.pth").tensors, averaged.module.state_dict())


def test_what_holds_no_plain_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    model = torch.nn.Linear(2, 2)
    cases = [
        (model, UnsafePickleError, "torch.nn.modules.linear.Linear"),
        ({"w": torch.zeros(3).to_sparse()}, UnsafePickleError, "sparse"),
        ({"w": torch.zeros(3, dtype=torch.complex64)}, UnsupportedDtypeError, "ComplexFloatStorage"),
        ({"w": torch.zeros(1).expand(3, 4)}, StorageSizeError, "contiguous()"),
    ]
    for found, error, mention in cases:
        torch.save(found, path)
        assert_refused(error, lambda: read_checkpoint(path), str(path), mention)
    torch.jit.script(model).save(str(path))
    assert_refused(NotACheckpointError, lambda: read_checkpoint(path), str(path), "TorchScript")
