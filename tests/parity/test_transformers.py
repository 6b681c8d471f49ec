"""transformers: random networks saved by save_pretrained, whole, sharded and as pickles, read by ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.parity import peers

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def _save(model: Any, folder: Path) -> None:
    model.save_pretrained(folder)


def _save_sharded(model: Any, folder: Path) -> None:
    model.save_pretrained(folder, max_shard_size="10KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1


def _save_pickle(model: Any, folder: Path) -> None:
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


def _save_sharded_pickle(model: Any, folder: Path) -> None:
    from huggingface_hub import save_torch_model

    model.config.save_pretrained(folder)
    save_torch_model(model, folder, max_shard_size="10KB", safe_serialization=False)


WAYS: dict[str, Callable[[Any, Path], None]] = {
    "safetensors": _save,
    "sharded safetensors": _save_sharded,
    ".bin": _save_pickle,
    "sharded .bin": _save_sharded_pickle,
}


@pytest.mark.parametrize("seed", range(1000, 1000 + peers.CASES))
def test_logits(seed: int, tmp_path: Path) -> None:
    case = peers.random_case(seed, whole_ratio=True)
    model = peers.transformers_model(case)
    way = list(WAYS)[seed % len(WAYS)]
    WAYS[way](model, tmp_path)
    peers.compare_logits(f"transformers, classifier, {way}", tmp_path, case, model)


@pytest.mark.parametrize("seed", range(1100, 1100 + peers.CASES // 2))
def test_eight_hidden_states(seed: int, tmp_path: Path) -> None:
    """`SwiftFormerModel`: all eight hidden states, by name and in order."""
    from converters.load import load_checkpoint

    case = peers.random_case(seed, whole_ratio=True)
    model = peers.transformers_model(case, head=False)
    way = list(WAYS)[seed % len(WAYS)]
    WAYS[way](model, tmp_path)
    loaded = load_checkpoint(tmp_path).model
    names = list(loaded.hidden_states)
    extractor = loaded.feature_extractor(names)
    for size in case.sizes:
        pixels = peers.image(case, size)
        with torch.no_grad():
            states = model(torch.from_numpy(pixels), output_hidden_states=True).hidden_states
        found = extractor(pixels.transpose(0, 2, 3, 1), training=False)
        assert len(states) == len(names) == 8
        for name, theirs in zip(names, states, strict=True):
            peers.compare(f"transformers, hidden state {name}", found[name], theirs.permute(0, 2, 3, 1))


@pytest.mark.parametrize("seed", range(1200, 1200 + peers.CASES // 4))
def test_attention_of_the_first_release_under_the_authors_names(seed: int, tmp_path: Path) -> None:
    """Weights of attention "ones" in an original-layout file, which only the user can know."""
    case = peers.random_case(seed, whole_ratio=True)
    model = peers.transformers_model(case)
    state = {peers.original_name(peers.timm_name(name)): t for name, t in model.state_dict().items()}
    torch.save({"model": state}, tmp_path / "m.pth")
    family = "authors' names, attention ones"
    peers.compare_logits(family, tmp_path / "m.pth", case, model, token_weights="ones")


@pytest.mark.parametrize("seed", range(1300, 1300 + peers.CASES // 4))
def test_one_head(seed: int, tmp_path: Path) -> None:
    """A transformers-layout file without `dist_head`; the peer is asked for its first head alone."""
    from safetensors.torch import save_file

    case = peers.random_case(seed, whole_ratio=True)
    model = peers.transformers_model(case)
    model.config.save_pretrained(tmp_path)
    state = {name: t for name, t in model.state_dict().items() if not name.startswith("dist_head")}
    save_file(state, tmp_path / "model.safetensors")
    model.dist_head = model.head
    peers.compare_logits("transformers, one head", tmp_path, case, model)
