"""timm: random networks, saved by timm and torch in turn in every way they know, read by ours."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.parity import peers

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def _torch_zip(model: Any, folder: Path) -> Path:
    torch.save(model.state_dict(), folder / "m.pth")
    return folder / "m.pth"


def _torch_legacy(model: Any, folder: Path) -> Path:
    torch.save(model.state_dict(), folder / "m.pth", _use_new_zipfile_serialization=False)
    return folder / "m.pth"


def _safetensors(model: Any, folder: Path) -> Path:
    from safetensors.torch import save_file

    save_file(model.state_dict(), folder / "m.safetensors", metadata={"format": "pt"})
    return folder / "m.safetensors"


def _train_checkpoint(model: Any, folder: Path) -> Path:
    """What timm's train.py leaves: optimizer, arguments and bookkeeping beside the weights."""
    from timm.utils import CheckpointSaver

    trained = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(trained.parameters())
    sum(parameter.sum() for parameter in trained.parameters()).backward()
    optimizer.step()
    trained.load_state_dict(model.state_dict())
    arguments = argparse.Namespace(model="swiftformer_xs", lr=1e-3, opt_betas=None, crop=[1, 2], amp=True)
    saver = CheckpointSaver(
        trained, optimizer, args=arguments, checkpoint_dir=str(folder), recovery_dir=str(folder)
    )
    saver.save_checkpoint(epoch=3, metric=71.5)
    return folder / "checkpoint-3.pth.tar"


def _ema_checkpoint(model: Any, folder: Path) -> Path:
    """A training checkpoint whose moving average is the model; the plain weights are others."""
    from timm.utils import CheckpointSaver, ModelEmaV3

    other = copy.deepcopy(model)
    average = ModelEmaV3(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(1.5)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1, momentum=0.9)
    saver = CheckpointSaver(
        other, optimizer, model_ema=average, checkpoint_dir=str(folder), recovery_dir=str(folder)
    )
    saver.save_checkpoint(epoch=0)
    return folder / "checkpoint-0.pth.tar"


def _hub_folder(safe: bool) -> Callable[[Any, Path], Path]:
    def save(model: Any, folder: Path) -> Path:
        from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
        from timm.models import save_for_hf

        model.pretrained_cfg = {
            "architecture": "swiftformer_xs",
            "input_size": (3, 224, 224),
            "interpolation": "bicubic",
            "crop_pct": 0.95,
            "crop_mode": "center",
            "mean": IMAGENET_DEFAULT_MEAN,
            "std": IMAGENET_DEFAULT_STD,
            "num_classes": model.num_classes,
        }
        save_for_hf(model, str(folder / "hub"), safe_serialization=safe)
        return folder / "hub"

    return save


def _sharded(model: Any, folder: Path) -> Path:
    from huggingface_hub import save_torch_state_dict

    save_torch_state_dict(model.state_dict(), folder, max_shard_size="10KB", safe_serialization=False)
    return folder


WAYS: dict[str, Callable[[Any, Path], Path]] = {
    "torch.save": _torch_zip,
    "torch.save, legacy": _torch_legacy,
    "safetensors": _safetensors,
    "train checkpoint": _train_checkpoint,
    "train checkpoint, EMA": _ema_checkpoint,
    "hub folder, safetensors": _hub_folder(True),
    "hub folder, .bin": _hub_folder(False),
    "sharded .bin": _sharded,
}


@pytest.mark.parametrize("seed", range(peers.CASES))
def test_logits(seed: int, tmp_path: Path) -> None:
    case = peers.random_case(seed)
    model = peers.timm_model(case)
    way = list(WAYS)[seed % len(WAYS)]
    path = WAYS[way](model, tmp_path)
    peers.compare_logits(f"timm, two heads, {way}", path, case, model)


@pytest.mark.parametrize("seed", range(100, 100 + peers.CASES // 4))
def test_one_head(seed: int, tmp_path: Path) -> None:
    """A checkpoint without a distillation head; timm's own model is asked for its first head alone."""
    case = peers.random_case(seed)
    model = peers.timm_model(case)
    state = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("head_dist")}
    torch.save(state, tmp_path / "m.pth")
    model.head_dist = model.head
    peers.compare_logits("timm, one head", tmp_path / "m.pth", case, model)


@pytest.mark.parametrize("seed", range(200, 200 + peers.CASES // 4))
def test_original_names(seed: int, tmp_path: Path) -> None:
    """The same weights under the authors' names, in a training file and in a plain one."""
    case = peers.random_case(seed)
    model = peers.timm_model(case)
    state = {peers.original_name(name): tensor for name, tensor in model.state_dict().items()}
    if seed % 2:
        content = {
            "model": state,
            "epoch": 3,
            "args": argparse.Namespace(model="SwiftFormer_XS"),
            "scaler": {},
        }
    else:
        content = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save(content, tmp_path / "m.pth")
    peers.compare_logits("authors' names, attention l2norm", tmp_path / "m.pth", case, model)


@pytest.mark.parametrize("seed", range(300, 300 + peers.CASES // 4))
def test_features(seed: int, tmp_path: Path) -> None:
    """A network without heads (num_classes=0) and its four stage maps."""
    from converters.load import load_checkpoint

    case = peers.random_case(seed)
    model = peers.timm_model(case, num_classes=0)
    loaded = load_checkpoint(_safetensors(model, tmp_path)).model
    extractor = loaded.feature_extractor()
    for size in case.sizes:
        pixels = peers.image(case, size)
        with torch.no_grad():
            maps = model.forward_intermediates(torch.from_numpy(pixels), intermediates_only=True)
        found = extractor(pixels.transpose(0, 2, 3, 1), training=False)
        for name, theirs in zip(("P2", "P3", "P4", "P5"), maps, strict=True):
            peers.compare(f"timm, stage map {name}", found[name], theirs.permute(0, 2, 3, 1))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("way", ["torch.save", "torch.save, legacy", "safetensors"])
def test_dtypes(dtype: str, way: str, tmp_path: Path) -> None:
    """Files in other precisions; the peer computes in float32 from the rounded weights."""
    case = peers.random_case(7)
    model = peers.timm_model(case).to(getattr(torch, dtype))
    path = WAYS[way](model, tmp_path)
    peers.compare_logits(f"timm, {dtype} file", path, case, model.float())


@pytest.mark.parametrize("name", ["swiftformer_xs", "swiftformer_s", "swiftformer_l1", "swiftformer_l3"])
def test_published_variants(name: str, tmp_path: Path) -> None:
    import timm

    case = peers.random_case(0)
    model = timm.create_model(name, pretrained=False).eval()
    peers.randomize(model, case.rng, "l2norm")
    peers.compare_logits(f"timm, {name}", _torch_zip(model, tmp_path), case, model)
