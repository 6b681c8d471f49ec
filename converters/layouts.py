"""Tensor names of the three published layouts, mapped to ours as pure functions; no weights are touched here.

- `original`: the authors' repository (`patch_embed`, `network.0.1`, `dist_head`), also with the batch norms
  `norm0, norm2, norm4, norm6` of its detection and segmentation backbones;
- `timm`: `stem`, `stages.0.blocks.1`, `head_dist`, also with the underscores (`stem_0`, `stages_0`) of its
  `features_only` models;
- `transformers`: `patch_embed.patch_embedding`, `encoder.network.0.blocks.1`, with or without the prefix
  `swiftformer.`.

To add a layout: a `Layout` in `LAYOUTS` with the function that translates its names, and its name list in the tests.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from swiftformer_keras.config import STAGES, LayerScales, SwiftFormerConfig, TokenWeights
from swiftformer_keras.errors import ConfigError, LayoutError

_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_DENSE = {"weight": "kernel", "bias": "bias"}
_CLASSES = (("head/kernel", 0), ("head/bias", 0), ("head_dist/kernel", 0), ("head_dist/bias", 0))
_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}\Z")


@dataclasses.dataclass(frozen=True)
class Layout:
    """How one source names its tensors.

    Attributes:
        name: "original", "timm" or "transformers".
        token_weights: the attention that files of this layout were trained with.
        reason: why, in words for the user.
        mark: a name that only this layout has.
        translate: one name to the timm spelling that `_to_ours` understands, or None if it has no place.
    """

    name: str
    token_weights: TokenWeights
    reason: str
    mark: re.Pattern[str]
    translate: Callable[[str], str | None]


def detect_layout(names: Iterable[str]) -> Layout:
    """The layout these names belong to.

    Raises:
        LayoutError: no SwiftFormer layout has such names.
    """
    names = list(names)
    for layout in LAYOUTS.values():
        if any(layout.mark.match(name) for name in names):
            return layout
    shown = ", ".join(repr(name[:60]) for name in names[:3])
    raise LayoutError(
        f"no SwiftFormer layout has tensors like {shown}; known layouts are {', '.join(LAYOUTS)}. "
        "Is this another network's checkpoint?"
    )


def rename(names: Iterable[str], layout: Layout) -> dict[str, str]:
    """Map a checkpoint's tensor names to this project's, or say which name has no place.

    Pure: no weights are touched, so every layout is tested on name lists alone. Counters of batch norms
    (`num_batches_tracked`) are left out.

    Raises:
        LayoutError: a name has no place, or two names have the same place.
    """
    mapping: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in names:
        if name.endswith("num_batches_tracked"):
            continue
        spelled = layout.translate(name) if _NAME.match(name) else None
        ours = _to_ours(spelled) if spelled is not None else None
        if ours is None:
            raise LayoutError(
                f"tensor {name[:120]!r} has no place in a SwiftFormer of the {layout.name} layout. "
                "Remove it from the file, or check that the file is what you think it is"
            )
        if ours in taken:
            raise LayoutError(f"tensors {taken[ours]!r} and {name!r} both are {ours}")
        taken[ours] = name
        mapping[name] = ours
    return mapping


def infer_config(shapes: Mapping[str, tuple[int, ...]], token_weights: TokenWeights) -> SwiftFormerConfig:
    """The architecture behind our names and the shapes (torch's axis order) of their tensors.

    A file without a head gives `num_classes=1, heads=1`; see `has_head`.

    Raises:
        LayoutError: stages or blocks are missing, or shapes do not fit together.
    """
    depths = []
    for stage in range(STAGES):
        blocks = {int(m[1]) for name in shapes if (m := re.match(rf"stage{stage}_block(\d+)/", name))}
        if not blocks or blocks != set(range(len(blocks))):
            raise LayoutError(
                f"stage {stage} has blocks {sorted(blocks)}; a SwiftFormer has 0, 1, 2 … without gaps"
            )
        depths.append(len(blocks))
    if any(name.startswith(f"stage{STAGES}_") for name in shapes):
        raise LayoutError(f"there are more than {STAGES} stages; a SwiftFormer has {STAGES}")
    last = [f"stage{stage}_block{depth - 1}" for stage, depth in enumerate(depths)]
    embed_dims = [
        _vote(shapes, (f"{b}/attn/w_g", 0), (f"{b}/mlp/norm/gamma", 0), (f"{b}/mlp/fc2/kernel", 0))
        for b in last
    ]
    hidden = [
        _vote(shapes, (f"{b}/mlp/fc1/kernel", 0), (f"{b}/mlp/fc1/bias", 0), (f"{b}/mlp/fc2/kernel", 1))
        for b in last
    ]
    heads = 2 if any(name.startswith("head_dist/") for name in shapes) else 1
    try:
        return SwiftFormerConfig(
            depths=tuple(depths),  # type: ignore[arg-type]
            embed_dims=tuple(embed_dims),  # type: ignore[arg-type]
            mlp_ratio=_mlp_ratio(embed_dims, hidden),
            num_classes=_vote(shapes, *_CLASSES) if has_head(shapes) else 1,
            heads=heads,
            token_weights=token_weights,
            layer_scale=_layer_scale(shapes, last[0]),
            feature_norms=any(name.startswith("feature_norm") for name in shapes),
        )
    except ConfigError as error:
        raise LayoutError(f"the shapes make no SwiftFormer: {error}") from None


def has_head(names: Iterable[str]) -> bool:
    """Whether a classification head, or a part of one, is among our names; a last norm alone is none."""
    return any(name.startswith(("head/", "head_dist/")) for name in names)


def to_keras_axes(name: str, array: np.ndarray) -> np.ndarray:
    """A tensor in torch's axis order to Keras', as our name says. A view where possible.

    Convolutions OIHW to HWIO, depthwise (C, 1, 3, 3) to (3, 3, C, 1), dense (out, in) to (in, out), layer
    scales (C, 1, 1) to (C,); everything else stays as it is.
    """
    if name.endswith("/dwconv/kernel") and array.ndim == 4:
        return array.transpose(2, 3, 0, 1)
    if name.endswith("/kernel"):
        return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
    if name.endswith("/gamma") and "layer_scale" in name and array.ndim == 3 and array.shape[1:] == (1, 1):
        return array.reshape(array.shape[0])
    return array


# --- names ------------------------------------------------------------------------------------------


def _to_ours(name: str) -> str | None:
    """One timm-spelled name to ours, or None."""
    for pattern, place, kinds in _PLACES:
        if match := pattern.fullmatch(name):
            kind = kinds.get(match["kind"])
            return None if kind is None else f"{place(match)}/{kind}"
    return None


def _place(template: str) -> Callable[[re.Match[str]], str]:
    return lambda match: template.format(**match.groupdict())


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(
        text.replace(".", r"\.")
        .replace("<stage>", r"(?P<stage>0|[1-9]\d{0,2})")
        .replace("<block>", r"(?P<block>0|[1-9]\d{0,2})")
        + r"\.(?P<kind>\w+)"
    )


_BLOCK = "stages.<stage>.blocks.<block>."
_OUR_BLOCK = "stage{stage}_block{block}"
_CONV_PARTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("dwconv", _DENSE),
    ("norm", _NORM),
    ("pwconv1", _DENSE),
    ("pwconv2", _DENSE),
    ("layer_scale", {"gamma": "gamma"}),
)
_PLACES: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str], dict[str, str]]] = [
    (_pattern("stem.0"), _place("stem_conv1"), _DENSE),
    (_pattern("stem.1"), _place("stem_norm1"), _NORM),
    (_pattern("stem.3"), _place("stem_conv2"), _DENSE),
    (_pattern("stem.4"), _place("stem_norm2"), _NORM),
    (_pattern("stages.<stage>.downsample.proj"), _place("stage{stage}_downsample/conv"), _DENSE),
    (_pattern("stages.<stage>.downsample.norm"), _place("stage{stage}_downsample/norm"), _NORM),
    *((_pattern(_BLOCK + part), _place(f"{_OUR_BLOCK}/{part}"), kinds) for part, kinds in _CONV_PARTS),
    *(
        (
            _pattern(f"{_BLOCK}local_representation.{part}"),
            _place(f"{_OUR_BLOCK}/local_representation/{part}"),
            kinds,
        )
        for part, kinds in _CONV_PARTS
    ),
    (_pattern(_BLOCK + "attn"), _place(f"{_OUR_BLOCK}/attn"), {"w_g": "w_g"}),
    *(
        (_pattern(f"{_BLOCK}attn.{part}"), _place(f"{_OUR_BLOCK}/attn/{part}"), _DENSE)
        for part in ("to_query", "to_key", "proj", "final")
    ),
    (_pattern(_BLOCK + "linear.norm1"), _place(f"{_OUR_BLOCK}/mlp/norm"), _NORM),
    (_pattern(_BLOCK + "linear.fc1"), _place(f"{_OUR_BLOCK}/mlp/fc1"), _DENSE),
    (_pattern(_BLOCK + "linear.fc2"), _place(f"{_OUR_BLOCK}/mlp/fc2"), _DENSE),
    *(
        (_pattern(_BLOCK + part), _place(f"{_OUR_BLOCK}/{part}"), {"gamma": "gamma"})
        for part in ("layer_scale_1", "layer_scale_2")
    ),
    (_pattern("feature_norms.<stage>"), _place("feature_norm{stage}"), _NORM),
    (_pattern("norm"), _place("norm"), _NORM),
    (_pattern("head"), _place("head"), _DENSE),
    (_pattern("head_dist"), _place("head_dist"), _DENSE),
]


def _network_index(name: str, prefix: str, blocks: str) -> str | None:
    """`{prefix}{n}.…` with stages at even and downsamples at odd n, to timm's spelling.

    Args:
        blocks: what stands between a stage's number and its block's number.
    """
    match = re.match(re.escape(prefix) + r"(0|[1-9]\d?)\.(.+)", name)
    if match is None:
        return None
    number, rest = int(match[1]), match[2]
    if number % 2:
        return f"stages.{(number + 1) // 2}.downsample.{rest}"
    if not rest.startswith(blocks):
        return None
    return f"stages.{number // 2}.blocks.{rest.removeprefix(blocks)}"


def _bare_scale(name: str) -> str:
    """A layer scale is a bare parameter in two of the layouts, and a module with a `gamma` in timm."""
    return re.sub(r"(\.layer_scale(?:_[12])?)\Z", r"\1.gamma", name)


def _translate_original(name: str) -> str | None:
    if match := re.fullmatch(r"norm([0246])\.(\w+)", name):
        return f"feature_norms.{int(match[1]) // 2}.{match[2]}"
    if name.startswith("patch_embed."):
        return "stem." + name.removeprefix("patch_embed.")
    if name.startswith("dist_head."):
        return "head_dist." + name.removeprefix("dist_head.")
    if name.startswith("network."):
        spelled = _network_index(name, "network.", "")
        return None if spelled is None else _bare_scale(spelled.replace(".attn.Proj.", ".attn.proj."))
    return name if re.match(r"(norm|head)\.", name) else None


_TRANSFORMERS_PARTS = (
    (".depth_wise_conv.", ".dwconv."),
    (".point_wise_conv1.", ".pwconv1."),
    (".point_wise_conv2.", ".pwconv2."),
)


def _translate_transformers(name: str) -> str | None:
    if name.startswith("dist_head."):
        return "head_dist." + name.removeprefix("dist_head.")
    if re.match(r"(norm|head)\.", name):
        return name
    name = name.removeprefix("swiftformer.")
    if name.startswith("patch_embed.patch_embedding."):
        return "stem." + name.removeprefix("patch_embed.patch_embedding.")
    spelled = _network_index(name, "encoder.network.", "blocks.")
    if spelled is None:
        return None
    for theirs, timms in _TRANSFORMERS_PARTS:
        spelled = spelled.replace(theirs, timms)
    return _bare_scale(spelled)


def _translate_timm(name: str) -> str | None:
    name = re.sub(r"\A(stem|stages)_(?=\d)", r"\1.", name)  # features_only flattens these two by one level
    return name if re.match(r"(stem|stages|norm|head|head_dist)\.", name) else None


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            "transformers",
            "ones",
            "files of the transformers layout are trained with all token weights at 1",
            re.compile(r"(swiftformer\.)?(patch_embed\.patch_embedding|encoder\.network)\."),
            _translate_transformers,
        ),
        Layout(
            "timm",
            "l2norm",
            "files of the timm layout are trained with normalised token weights",
            re.compile(r"(stem[._]0|stages[._]\d+\.(blocks|downsample))\."),
            _translate_timm,
        ),
        Layout(
            "original",
            "l2norm",
            "the authors' code normalises token weights since July 2023; an older file needs --token-weights ones",
            re.compile(r"(patch_embed\.\d|network\.\d+)\."),
            _translate_original,
        ),
    )
}


# --- shapes -----------------------------------------------------------------------------------------


def _vote(shapes: Mapping[str, tuple[int, ...]], *places: tuple[str, int]) -> int:
    """The size that most of these (name, axis) have, the first one's in a draw.

    One tensor of a wrong shape is so found out later by its own name, rather than taken for the truth.
    """
    sizes = [shapes[name][axis] for name, axis in places if name in shapes and len(shapes[name]) > axis]
    if not sizes:
        raise LayoutError(f"{places[0][0]} is missing; the file does not hold a whole SwiftFormer")
    return int(max(sizes, key=sizes.count))


def _mlp_ratio(dims: list[int], hidden: list[int]) -> float:
    """The simplest ratio that gives every stage its hidden width: a whole number, else hidden/dim."""
    pairs = [(dim, width) for dim, width in zip(dims, hidden, strict=True) if dim]
    candidates = [float(width // dim) for dim, width in pairs]
    candidates += [width / dim for dim, width in pairs] + [(width + 0.5) / dim for dim, width in pairs]
    for ratio in candidates:
        if all(int(ratio * dim) == width for dim, width in pairs):
            return ratio
    raise LayoutError(f"no single mlp ratio gives the hidden widths {hidden} for {dims}")


def _layer_scale(shapes: Mapping[str, Any], block: str) -> LayerScales:
    if f"{block}/layer_scale_1/gamma" in shapes:
        return "all"
    return "local" if f"{block}/local_representation/layer_scale/gamma" in shapes else "none"
