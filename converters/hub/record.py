"""What was downloaded the first time: commit and SHA-256 of every file, so that later downloads can be checked.

The record is a small JSON file of the user's, not a cache: deleting it means trusting the hub afresh. Every hash
in it was computed from a file that this machine held.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from swiftformer_keras.errors import HubError, OutputError
from swiftformer_keras.files import write_atomically

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MAX_RECORD_BYTES = 16 << 20


@dataclasses.dataclass(frozen=True)
class RecordedFile:
    """One file as it was when it was first downloaded."""

    sha256: str
    size_bytes: int


@dataclasses.dataclass(frozen=True)
class RecordedCommit:
    """The files of one commit, and what the hub said of their licence and author."""

    files: dict[str, RecordedFile]
    licence: str = "unknown"
    author: str = "unknown"
    recorded: str = ""


def home(kind: str) -> Path:
    """The user's folder for "cache" (downloads) or "state" (the record).

    SWIFTFORMER_HOME, when set, holds both; otherwise the platform's usual places.
    """
    if chosen := os.environ.get("SWIFTFORMER_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        folder = Path.home() / "Library" / ("Caches" if kind == "cache" else "Application Support")
    elif os.name == "nt":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        variable, usual = {
            "cache": ("XDG_CACHE_HOME", ".cache"),
            "state": ("XDG_STATE_HOME", ".local/state"),
        }[kind]
        folder = Path(os.environ.get(variable) or Path.home() / usual)
    return folder / "swiftformer-keras"


class Record:
    """The record file: read whole, changed in memory, written whole.

    Raises:
        HubError: the file exists and is not a record (nothing is overwritten).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._repositories = _read(path)

    def commit_of(self, repo_id: str, revision: str) -> str | None:
        """The commit that `revision` (a branch, tag or commit) meant when it was last accepted."""
        repository = self._repositories.get(repo_id, {"revisions": {}, "commits": {}})
        if revision in repository["commits"]:
            return revision
        found = repository["revisions"].get(revision)
        return found if found in repository["commits"] else None

    def files_of(self, repo_id: str, commit: str) -> RecordedCommit | None:
        """What was recorded of one commit."""
        values = self._repositories.get(repo_id, {"commits": {}})["commits"].get(commit)
        if values is None:
            return None
        files = {name: RecordedFile(f["sha256"], f["size_bytes"]) for name, f in values["files"].items()}
        return RecordedCommit(files, values["licence"], values["author"], values["recorded"])

    def accept(self, repo_id: str, revision: str, commit: str, facts: RecordedCommit) -> None:
        """Record that `revision` means `commit` with these files; writes the file atomically.

        Raises:
            HubError: the record cannot be written.
        """
        self._repositories = _read(self.path)  # another process may have added to it meanwhile
        repository = self._repositories.setdefault(repo_id, {"revisions": {}, "commits": {}})
        if revision != commit:
            repository["revisions"][revision] = commit
        values = dataclasses.asdict(facts)
        values["recorded"] = facts.recorded or datetime.datetime.now(datetime.UTC).isoformat(
            timespec="seconds"
        )
        repository["commits"][commit] = values
        text = json.dumps({"format": 1, "repositories": self._repositories}, indent=1, sort_keys=True)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with write_atomically(self.path, force=True) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        except (OSError, OutputError) as error:
            reason = error if isinstance(error, OutputError) else f"{self.path}: {error.strerror or error}"
            raise HubError(
                f"The record of downloads cannot be written: {_line(reason)}. "
                "Set SWIFTFORMER_HOME to a folder you can write"
            ) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise ValueError("it is far too large")
        values = json.loads(path.read_text(encoding="utf-8"))
        _check(values)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HubError(
            f"{path}: is no readable record of downloads ({_line(error)[:120]}). "
            "Repair it, or remove it to trust the hub afresh"
        ) from None
    return dict(values["repositories"])


def _check(values: Any) -> None:
    """Raises one of what `_read` catches unless `values` has the shape that `accept` writes."""
    if values["format"] != 1:
        raise ValueError(f"format {values['format']!r} is not 1")
    for repo_id, repository in values["repositories"].items():
        for revision, commit in repository["revisions"].items():
            if not COMMIT.fullmatch(commit):
                raise ValueError(f"{repo_id}@{revision} is no commit")
        for commit, facts in repository["commits"].items():
            strings = (facts["licence"], facts["author"], facts["recorded"])
            if not COMMIT.fullmatch(commit) or not all(isinstance(text, str) for text in strings):
                raise ValueError(f"{repo_id}: commit {commit!r} is malformed")
            for name, file in facts["files"].items():
                if not FILE_NAME.fullmatch(name) or not SHA256.fullmatch(file["sha256"]):
                    raise ValueError(f"{repo_id}: file {name!r} is malformed")
                if not isinstance(file["size_bytes"], int):
                    raise ValueError(f"{repo_id}: the size of {name!r} is no number")


def _line(error: object) -> str:
    return " ".join(str(error).split())
