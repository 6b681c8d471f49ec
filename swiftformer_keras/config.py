"""What a SwiftFormer is made of, as data only: the configuration and the published presets."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal, get_args

from swiftformer_keras.errors import ConfigError

TokenWeights = Literal["l2norm", "ones"]
DropPathBlocks = Literal["all", "encoder"]
LayerScales = Literal["all", "local", "none"]

STAGES = 4
MAX_DEPTH = 999
MAX_DIM = 65_536


@dataclasses.dataclass(frozen=True)
class SwiftFormerConfig:
    """Architecture of one SwiftFormer (arXiv 2303.15446).

    Attributes:
        depths: blocks of each of the four stages; the last block of a stage holds the attention.
        embed_dims: channels of each stage.
        mlp_ratio: hidden over outer channels in ConvEncoders and in the mlp.
        num_classes: outputs of each head.
        heads: 2 (head and distillation head; logits are their mean) or 1.
        token_weights: "l2norm" (timm, and the authors' code since July 2023) or "ones" (transformers,
            and the authors' first release). Names and shapes do not tell them apart.
        layer_scale: "all", "local" (only ConvEncoder and local representation) or "none".
        layer_scale_init: start of the two scales of an encoder block; the other scales start at 1.
        feature_norms: batch norms on the four pyramid outputs (the authors' detection and
            segmentation backbones).
        drop_path_rate: of the last block; block j of n drops with `rate * j / (n - 1)`.
        drop_path_blocks: "all" (timm) or "encoder" (the authors: ConvEncoders are never dropped).
        mlp_dropout: inside the mlp, after the activation and after fc2.
        dropout: before the heads.

    Raises:
        ConfigError: a value is out of range.
    """

    depths: tuple[int, int, int, int]
    embed_dims: tuple[int, int, int, int]
    mlp_ratio: float = 4.0
    num_classes: int = 1000
    heads: int = 2
    token_weights: TokenWeights = "l2norm"
    layer_scale: LayerScales = "all"
    layer_scale_init: float = 1e-5
    feature_norms: bool = False
    drop_path_rate: float = 0.0
    drop_path_blocks: DropPathBlocks = "all"
    mlp_dropout: float = 0.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("depths", "embed_dims"):
            values = getattr(self, name)
            if (
                not isinstance(values, (tuple, list))
                or len(values) != STAGES
                or not all(map(_is_count, values))
            ):
                raise ConfigError(f"{name} must be {STAGES} positive integers, not {values!r}")
            most = MAX_DEPTH if name == "depths" else MAX_DIM
            if max(values) > most:
                raise ConfigError(f"{name} must be at most {most:,}, not {max(values):,}")
            object.__setattr__(self, name, tuple(values))
        if self.embed_dims[0] < 2:
            raise ConfigError("embed_dims[0] must be at least 2: the stem begins with half of it")
        for name, allowed in (
            ("token_weights", get_args(TokenWeights)),
            ("drop_path_blocks", get_args(DropPathBlocks)),
            ("layer_scale", get_args(LayerScales)),
            ("heads", (1, 2)),
            ("feature_norms", (False, True)),
        ):
            value = getattr(self, name)
            if value not in allowed or type(value) is not type(allowed[0]):
                raise ConfigError(f"{name} must be one of {allowed}, not {value!r}")
        if not _is_number(self.mlp_ratio) or int(self.mlp_ratio * min(self.embed_dims)) < 1:
            raise ConfigError(
                f"mlp_ratio must be a number that leaves a hidden channel, not {self.mlp_ratio!r}"
            )
        if not _is_count(self.num_classes):
            raise ConfigError(f"num_classes must be a positive integer, not {self.num_classes!r}")
        if not _is_number(self.layer_scale_init):
            raise ConfigError(f"layer_scale_init must be a finite number, not {self.layer_scale_init!r}")
        for name in ("drop_path_rate", "mlp_dropout", "dropout"):
            if not _is_number(getattr(self, name)) or not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must be in [0, 1), not {getattr(self, name)!r}")

    def block_drop_path_rates(self) -> list[list[float]]:
        """Drop-path rate of every block, stage by stage: `rate * j / (blocks - 1)`, j counted overall."""
        last = max(sum(self.depths) - 1, 1)
        rates = iter(self.drop_path_rate * index / last for index in range(sum(self.depths)))
        return [[next(rates) for _ in range(depth)] for depth in self.depths]

    def hidden_dim(self, dim: int) -> int:
        """Channels inside a ConvEncoder or mlp whose outside has `dim`."""
        return int(self.mlp_ratio * dim)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` reads it back."""
        values = dataclasses.asdict(self)
        values["depths"], values["embed_dims"] = list(self.depths), list(self.embed_dims)
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SwiftFormerConfig:
        """Inverse of `to_dict`.

        Raises:
            ConfigError: a field is unknown, missing or out of range.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f"unknown configuration fields {unknown}; known are {sorted(known)}")
        try:
            arguments: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return cls(**arguments)
        except TypeError as error:
            raise ConfigError(f"incomplete configuration: {error}") from None

    def replace(self, **changes: Any) -> SwiftFormerConfig:
        """A copy with some fields changed."""
        return self.from_dict({**self.to_dict(), **changes})

    @property
    def variant(self) -> str:
        """The preset with these depths and widths, else "custom"."""
        for name, preset in PRESETS.items():
            if (preset.depths, preset.embed_dims) == (self.depths, self.embed_dims):
                return name
        return "custom"


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


PRESETS: dict[str, SwiftFormerConfig] = {
    "swiftformer_xs": SwiftFormerConfig((3, 3, 6, 4), (48, 56, 112, 220)),
    "swiftformer_s": SwiftFormerConfig((3, 3, 9, 6), (48, 64, 168, 224)),
    "swiftformer_l1": SwiftFormerConfig((4, 3, 10, 5), (48, 96, 192, 384)),
    "swiftformer_l3": SwiftFormerConfig((4, 4, 12, 6), (64, 128, 320, 512)),
}
"""The four published variants (arXiv 2303.15446, table 1); weights are random until a checkpoint is loaded."""


def preset(name: str, **changes: Any) -> SwiftFormerConfig:
    """The configuration of a published variant, with fields changed on request.

    Raises:
        ConfigError: no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name].replace(**changes)
