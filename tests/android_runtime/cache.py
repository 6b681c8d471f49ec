"""Folders that are made once and found again, by what they were made from."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.harness import ROOT

CACHE = ROOT / ".android-runtime"
_DONE = "complete"


def made_once(make: Callable[[Path, Path], None], sources: list[Path], cache: Path = CACHE) -> Path:
    """The folder that `make(folder, scratch)` fills, from an earlier call where none of `sources` has changed since.

    Two processes may make it at the same time; one of them wins, and both get the whole folder.
    """
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    folder = cache / digest.hexdigest()[:16]
    if (folder / _DONE).is_file():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        scratch = Path(name)
        made = scratch / "made"
        made.mkdir()
        make(made, scratch)
        (made / _DONE).write_text("")
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            if not (folder / _DONE).is_file():
                raise
    return folder
