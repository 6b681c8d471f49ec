"""Which of the tensors in a torch file are the weights: the model's or their moving average (EMA).

Training files hold several sets beside optimizer state and arguments. Pure: nothing is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from converters.checkpoints.source import quoted
from converters.checkpoints.tensors import Tensor
from swiftformer_keras.errors import NoWeightsError

Weights = Literal["model", "ema"]

# In the order in which they are looked for: the authors' repository, timm, Lightning and mmengine.
SET_KEYS: dict[Weights, tuple[str, ...]] = {
    "ema": ("model_ema", "state_dict_ema", "ema_state_dict", "ema"),
    "model": ("model", "state_dict", "model_state_dict"),
}
# What wrappers put before every name: DistributedDataParallel, torch.compile.
WRAPPERS = ("module.", "_orig_mod.")

_T = TypeVar("_T")


def select(found: object, weights: Weights | None, where: str) -> tuple[dict[str, Tensor], Weights]:
    """The chosen set of tensors, without wrappers' prefixes, and which one it is.

    Args:
        found: what the file holds.
        weights: "model" or "ema"; None takes the EMA where there is one (it is what is published), else the
            model's. A plain state_dict counts as the model's.
        where: the file, for messages.

    Raises:
        NoWeightsError: no tensors, or not the set that was asked for.
    """
    sets: dict[Weights, dict[str, Tensor]] = {}
    if isinstance(found, dict):
        for kind, keys in SET_KEYS.items():
            for key in keys:
                tensors = _tensors(found.get(key))
                if tensors:
                    sets[kind] = tensors
                    break
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
    return without_wrappers(sets[chosen]), chosen


def without_wrappers(tensors: Mapping[str, _T]) -> dict[str, _T]:
    """The same tensors without a wrapper's prefix that all names share.

    An averaged model (torch.optim.swa_utils) also counts its updates in `n_averaged`, outside of its `module.`.
    """
    names = dict(tensors)
    while True:
        bare = [name for name in names if name != "n_averaged"]
        prefix = next(
            (wrapper for wrapper in WRAPPERS if bare and all(n.startswith(wrapper) for n in bare)), None
        )
        if prefix is None:
            return names
        names = {name[len(prefix) :]: names[name] for name in bare}


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
