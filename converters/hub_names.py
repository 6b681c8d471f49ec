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
    """Whether `source` asks for a download rather than for a local file.

    `hf://…` (and timm's `hf-hub:…`) always does. `owner/name` does when nothing of that name is here, it does not
    end like a file's name, and there is no folder `owner` here, which would make it a mistyped path (those who
    publish SwiftFormers, `PUBLISHERS`, may have a folder of their name).
    """
    text = str(source)
    if text.startswith((*PREFIXES, "https://huggingface.co/", "https://hf.co/")):
        return True
    name = text.partition("@")[0]
    if isinstance(source, Path) or not _NAME.fullmatch(name) or _FILE_LIKE.fullmatch(name):
        return False
    owner = Path(name).parent
    mistyped = owner.exists() and owner.name.lower() not in PUBLISHERS
    return not (mistyped or Path(text).exists() or Path(name).exists())


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
