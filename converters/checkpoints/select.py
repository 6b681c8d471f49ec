"""Which of the tensors in a torch file are the weights: the model's or their moving average (EMA).

Training files hold several sets beside optimizer state and arguments, and name them with prefixes of what the
network was wrapped in; a detector's also holds its other parts. Pure: nothing is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from converters.checkpoints.source import quoted
from converters.checkpoints.tensors import Tensor
from swiftformer_keras.errors import NoWeightsError

Weights = Literal["model", "ema"]

# In the order in which they are looked for: the authors' repository, timm, Lightning and mmengine, basicsr.
SET_KEYS: dict[Weights, tuple[str, ...]] = {
    "ema": ("model_ema", "state_dict_ema", "ema_state_dict", "ema", "params_ema"),
    "model": ("model", "state_dict", "model_state_dict", "checkpoint", "net", "params"),
}
_LEVELS = 2  # {"state_dict": {"model": {...}}}
# What stands before every name: DistributedDataParallel, torch.compile, a Lightning module, an mmengine model.
WRAPPERS = ("module.", "_orig_mod.", "model.", "backbone.")
# What averaged models count beside their weights, outside of the wrapper's prefix: torch's swa_utils, mmengine.
_COUNTERS = ("n_averaged", "steps")
# The other parts of OpenMMLab's models: a backbone is trained under them, but they are networks of their own.
_BACKBONE = "backbone."
_OTHER_PARTS = (
    "data_preprocessor.",
    "neck.",
    "head.",
    "rpn_head.",
    "roi_head.",
    "bbox_head.",
    "mask_head.",
    "mask_feat_head.",
    "keypoint_head.",
    "decode_head.",
    "auxiliary_head.",
    "panoptic_head.",
    "panoptic_fusion_head.",
    "semantic_head.",
)

_T = TypeVar("_T")


def select(found: object, weights: Weights | None, where: str) -> tuple[dict[str, Tensor], Weights]:
    """The chosen set of tensors, and which one it is.

    Args:
        found: what the file holds.
        weights: "model" or "ema"; None takes the EMA where there is one (it is what is published), else the
            model's. A plain state_dict counts as the model's.
        where: the file, for messages.

    Raises:
        NoWeightsError: no tensors, or not the set that was asked for.
    """
    sets = _sets(found, _LEVELS)
    if not sets and (tensors := _tensors(found)):
        sets["model"] = tensors
    if not sets:
        raise NoWeightsError(
            f"{where}: holds no named tensors ({_contents(found)}). Save a model's state_dict() with torch.save"
        )
    chosen = weights or next(kind for kind in SET_KEYS if kind in sets)
    if chosen not in sets:
        other = next(iter(sets))
        raise NoWeightsError(
            f"{where}: holds no {chosen!r} weights, only {other!r}. Leave --weights away, or give --weights {other}"
        )
    return sets[chosen], chosen


def network_tensors(tensors: Mapping[str, _T]) -> tuple[dict[str, _T], tuple[str, ...]]:
    """The network's own tensors under its own names, and the names of those that were left aside.

    A prefix of wrappers that all names share is taken off, however often, without the counters that averaged
    models keep outside of it. Of a detector or segmenter of OpenMMLab (`backbone.`, and otherwise known parts such
    as `neck.` and `bbox_head.`) only the backbone is kept.
    """
    names = {name: name for name in tensors}
    while True:
        bare = [name for name in names if name not in _COUNTERS]
        inside = [name for name in bare if name.startswith(_BACKBONE)]
        if inside and all(name.startswith((_BACKBONE, *_OTHER_PARTS)) for name in bare):
            bare = inside
        prefix = next(
            (wrapper for wrapper in WRAPPERS if bare and all(n.startswith(wrapper) for n in bare)), None
        )
        if prefix is None:
            kept = set(names.values())
            return {ours: tensors[theirs] for ours, theirs in names.items()}, tuple(
                name for name in tensors if name not in kept
            )
        names = {name[len(prefix) :]: names[name] for name in bare}


def _sets(found: object, levels: int) -> dict[Weights, dict[str, Tensor]]:
    """The sets under known keys; what is inside a moving average's key is the moving average."""
    sets: dict[Weights, dict[str, Tensor]] = {}
    if not isinstance(found, dict) or not levels:
        return sets
    for kind, keys in SET_KEYS.items():
        for key in keys:
            tensors = _tensors(found.get(key))
            inner = {kind: tensors} if tensors else _sets(found.get(key), levels - 1)
            for inner_kind, tensors in inner.items():
                sets.setdefault("ema" if kind == "ema" else inner_kind, tensors)
    return {kind: sets[kind] for kind in SET_KEYS if kind in sets}


def _tensors(found: object) -> dict[str, Tensor]:
    if not isinstance(found, dict):
        return {}
    return {
        name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, Tensor)
    }


def _contents(found: Any) -> str:
    if not isinstance(found, dict):
        return f"it is a {type(found).__name__.lower()}"
    names = [quoted(name) for name in list(found)[:5] if isinstance(name, str)]
    return f"its keys: {', '.join(names)}" if names else "it has no keys"
