"""What counts as a hub name, and what it asks for. Pure but for one look at whether such a path exists here."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from swiftformer_keras.errors import HubError

PREFIXES = ("hf://", "hf-hub:", "hf_hub:")
PUBLISHERS = ("mbzuai", "timm")
DEFAULT_REVISION = "main"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,127}")
_FILE_LIKE = re.compile(
    r".*\.(pth|pt|bin|safetensors|ckpt|tar|gz|tgz|zip|pkl|keras|h5|tflite|onnx|json|npz|txt)", re.IGNORECASE
)


@dataclasses.dataclass(frozen=True)
class HubName:
    """A repository and the branch, tag or commit that is asked of it."""

    repo_id: str
    revision: str = DEFAULT_REVISION

    def __str__(self) -> str:
        return f"hf://{self.repo_id}" + ("" if self.revision == DEFAULT_REVISION else f"@{self.revision}")


def is_hub_name(source: str | Path) -> bool:
    """Whether `source` asks for a download rather than for a local file; a `Path` never does.

    `hf://…` (and timm's `hf-hub:…`) always does. A bare `owner/name` does only for those who publish SwiftFormers
    (`PUBLISHERS`), when nothing of that name is here and it does not end like a file's name: a mistyped path must
    not reach the network.
    """
    if isinstance(source, Path):
        return False
    if source.startswith((*PREFIXES, "https://huggingface.co/", "https://hf.co/")):
        return True
    name = source.partition("@")[0]
    if not is_bare_name(source) or name.partition("/")[0].lower() not in PUBLISHERS:
        return False
    return not (Path(source).exists() or Path(name).exists())


def is_bare_name(text: str) -> bool:
    """Whether this is written as `owner/name` or `owner/name@revision`, of whichever owner."""
    name = text.partition("@")[0]
    return bool(_NAME.fullmatch(name)) and not _FILE_LIKE.fullmatch(name)


def parse_name(source: str) -> HubName:
    """Split a hub name into repository and revision.

    Raises:
        HubError: it is none; the message says how one is written.
    """
    how = "A hub name is hf://OWNER/NAME or hf://OWNER/NAME@REVISION, as in hf://MBZUAI/swiftformer-xs"
    text = source
    for prefix in PREFIXES:
        text = text.removeprefix(prefix)
    repo_id, at, revision = text.removeprefix("models/").partition("@")
    shown = ascii(source[:120])
    if not _NAME.fullmatch(repo_id) or len(repo_id) > 96:
        raise HubError(f"{shown}: is no hub name. {how}")
    if ".." in repo_id or "--" in repo_id or repo_id.endswith((".git", ".", "-")):
        raise HubError(
            f"{shown}: hub names hold no '..' and no '--', and end neither in '.git' nor in '.' or '-'"
        )
    if at and (
        not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision or revision[-1] == "/"
    ):
        raise HubError(f"{shown}: {revision!a} is no branch, tag or commit. {how}")
    return HubName(repo_id, revision or DEFAULT_REVISION)
