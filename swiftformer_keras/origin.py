"""Where a model's weights come from: one record that travels from checkpoint to phone."""

from __future__ import annotations

import dataclasses
from typing import Any

from swiftformer_keras.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Origin:
    """What is known of a model's source. Strings; "unknown" or empty where the source does not say.

    Attributes:
        name: of the model, as people call it.
        description: one sentence.
        author, licence: from the source itself, else "unknown".
        version: the source's own, or the beginning of its hub commit, else "unknown".
        url: where the weights were published.
        file_name, sha256: of the weights file (of the sorted "sha256  name" lines when sharded).
        revision: commit of a hub repository.
        container: "safetensors", "torch zip" or "torch legacy".
        layout: "original", "timm" or "transformers".
        weights: "model" or "ema".
    """

    name: str
    description: str = ""
    author: str = "unknown"
    licence: str = "unknown"
    version: str = "unknown"
    url: str = ""
    file_name: str = ""
    sha256: str = ""
    revision: str = ""
    container: str = ""
    layout: str = ""
    weights: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` reads it back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Origin:
        """Inverse of `to_dict`.

        Raises:
            ConfigError: a field is unknown, missing or no string.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f"unknown origin fields {unknown}")
        if wrong := sorted(key for key, value in values.items() if not isinstance(value, str)):
            raise ConfigError(f"origin fields {wrong} must be text")
        if "name" not in values:
            raise ConfigError("origin lacks its name")
        return cls(**values)
