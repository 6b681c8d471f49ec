"""timm's and transformers' SwiftFormer with random shapes and weights, and both sides' answers to one input."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from tests.harness import assert_same_logits

TOLERANCE = 1e-4
CASES = 40

DIFFERENCES: dict[str, list[tuple[float, float]]] = defaultdict(list)
"""Family -> (largest difference, standard deviation of the peer's values) of every comparison."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One random network and two input sizes."""

    seed: int
    depths: tuple[int, ...]
    embed_dims: tuple[int, ...]
    mlp_ratio: float
    num_classes: int
    layer_scale: bool
    sizes: tuple[tuple[int, int], tuple[int, int]]

    @property
    def rng(self) -> np.random.Generator:
        """The case's own generator, always from its beginning."""
        return np.random.default_rng(self.seed)


def random_case(seed: int, *, whole_ratio: bool = False) -> Case:
    """Depths 1 to 3, any widths from 5 up, any input sizes (also such that no stride divides)."""
    rng = np.random.default_rng((seed, 1))
    ratios = (1, 2, 3, 4) if whole_ratio else (1, 1.5, 2, 2.5, 3, 4)
    sizes = [(int(rng.integers(1, 161)), int(rng.integers(32, 161))), (32 * int(rng.integers(1, 5)), 96)]
    return Case(
        seed=seed,
        depths=tuple(int(d) for d in rng.integers(1, 4, 4)),
        embed_dims=tuple(int(d) for d in rng.integers(5, 40, 4)),
        mlp_ratio=ratios[int(rng.integers(len(ratios)))],
        num_classes=int(rng.integers(1, 21)),
        layer_scale=bool(rng.random() < 0.8),
        sizes=(sizes[0], sizes[1]),
    )


def randomize(module: Any, rng: np.random.Generator, attention: str) -> None:
    """Fill every tensor so that each part of the network shows in logits of about 1.

    The same rules as the seeded reference weights: fan-in for convolutions, damped ends of residual branches,
    visible layer scales and attention; with attention "ones" (a plain sum over tokens) a small `attn.proj`.
    """
    import torch  # noqa: TID251

    for name, tensor in module.state_dict().items():
        shape = tuple(tensor.shape)
        fan_in = float(np.sqrt(np.prod(shape[1:]))) if len(shape) > 1 else 1.0
        if name.endswith("num_batches_tracked"):
            value = np.array(int(rng.integers(1, 1000)))
        elif name.endswith("running_var"):
            value = rng.uniform(0.5, 1.5, shape)
        elif "layer_scale" in name:
            value = rng.uniform(0.1, 1.0, shape)
        elif name.endswith("w_g"):
            value = rng.standard_normal(shape)
        elif name.endswith(("bias", "running_mean")):
            value = 0.1 * rng.standard_normal(shape)
        elif len(shape) == 1:
            value = rng.uniform(0.5, 1.5, shape)
        elif name.endswith("attn.final.weight"):
            value = 0.5 * rng.standard_normal(shape)
        elif name.endswith("attn.proj.weight") and attention == "ones":
            value = rng.standard_normal(shape) / fan_in / 64
        elif re.search(r"(pwconv2|point_wise_conv2|fc2)\.weight$", name):
            value = 0.6 * rng.standard_normal(shape) / fan_in
        else:
            value = rng.standard_normal(shape) / fan_in
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(np.asarray(value)).to(tensor.dtype))


def timm_model(case: Case, **options: Any) -> Any:
    """timm's network with the case's shapes and random weights, in evaluation mode."""
    from timm.models.swiftformer import SwiftFormer

    model = SwiftFormer(
        layers=list(case.depths),
        embed_dims=list(case.embed_dims),
        mlp_ratios=case.mlp_ratio,  # type: ignore[arg-type]
        use_layer_scale=case.layer_scale,
        **{"num_classes": case.num_classes, **options},
    )
    randomize(model, case.rng, "l2norm")
    return model.eval()


def transformers_model(case: Case, *, head: bool = True) -> Any:
    """transformers' network with the case's shapes and random weights, in evaluation mode."""
    from transformers import SwiftFormerConfig, SwiftFormerForImageClassification, SwiftFormerModel

    config = SwiftFormerConfig(
        depths=list(case.depths),
        embed_dims=list(case.embed_dims),
        mlp_ratio=int(case.mlp_ratio),
        use_layer_scale=case.layer_scale,
        num_labels=case.num_classes,
    )
    model = (SwiftFormerForImageClassification if head else SwiftFormerModel)(config)
    randomize(model, case.rng, "ones")
    return model.eval()


def original_name(timm_name: str) -> str:
    """A timm tensor name as the authors' repository spells it."""
    name = re.sub(r"^stem\.", "patch_embed.", timm_name)
    name = re.sub(r"^stages\.(\d)\.blocks\.", lambda m: f"network.{2 * int(m[1])}.", name)
    name = re.sub(r"^stages\.(\d)\.downsample\.", lambda m: f"network.{2 * int(m[1]) - 1}.", name)
    name = name.replace(".attn.proj.", ".attn.Proj.").replace("head_dist.", "dist_head.")
    return re.sub(r"(layer_scale(_\d)?)\.gamma$", r"\1", name)


def timm_name(transformers_name: str) -> str:
    """A transformers tensor name as timm spells it."""
    name = transformers_name.removeprefix("swiftformer.")
    name = name.replace("patch_embed.patch_embedding.", "stem.").replace("dist_head.", "head_dist.")
    name = name.replace("depth_wise_conv", "dwconv").replace("point_wise_conv", "pwconv")
    name = re.sub(r"^encoder\.network\.(\d)\.blocks\.", lambda m: f"stages.{int(m[1]) // 2}.blocks.", name)
    name = re.sub(r"^encoder\.network\.(\d)\.", lambda m: f"stages.{int(m[1]) // 2 + 1}.downsample.", name)
    return re.sub(r"(layer_scale(_\d)?)$", r"\1.gamma", name)


def image(case: Case, size: tuple[int, int], batch: int = 2) -> np.ndarray:
    """A normalised input, NCHW float32, uniform in [-2, 2)."""
    rng = np.random.default_rng((case.seed, *size))
    return rng.uniform(-2, 2, (batch, 3, *size)).astype(np.float32)


def ask(model: Any, pixels: np.ndarray) -> Any:
    """A torch model's answer to NCHW pixels, without gradients."""
    import torch  # noqa: TID251

    with torch.no_grad():
        return model(torch.from_numpy(pixels))


def ours(model: Any, pixels: np.ndarray) -> np.ndarray:
    """A Keras model's answer to the same NCHW pixels."""
    return np.asarray(model(pixels.transpose(0, 2, 3, 1), training=False))


def compare(family: str, our_values: Any, their_values: Any, atol: float = TOLERANCE) -> None:
    """Assert equality within `atol` and remember the difference for the table."""
    theirs = np.asarray(their_values.detach() if hasattr(their_values, "detach") else their_values)
    difference = assert_same_logits(our_values, theirs, atol)
    DIFFERENCES[family].append((difference, float(theirs.std())))


def compare_logits(family: str, path: Path, case: Case, model: Any, **options: Any) -> None:
    """Load what a library wrote and compare logits at both sizes of the case."""
    from converters.load import load_checkpoint

    loaded = load_checkpoint(path, **options).model
    for size in case.sizes:
        pixels = image(case, size)
        theirs = ask(model, pixels)
        compare(family, ours(loaded, pixels), getattr(theirs, "logits", theirs))
