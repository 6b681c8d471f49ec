"""Which source a run was measured from."""

from __future__ import annotations

import subprocess
from pathlib import Path

from swiftformer_keras.benchmark.job import commit_here


def git(folder: Path, *arguments: str) -> str:
    told = ("git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments)
    return subprocess.run(told, check=True, capture_output=True, text=True).stdout.strip()


def test_local_changes_are_not_hidden_behind_a_commit(tmp_path: Path) -> None:
    assert commit_here(tmp_path) is None
    git(tmp_path, "init")
    assert commit_here(tmp_path) is None, "nothing is committed yet"
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-m", "a")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "untracked.tflite").write_text("a model")
    assert commit_here(tmp_path) == commit
    (tmp_path / "a.py").write_text("2")
    assert commit_here(tmp_path) == f"{commit}-dirty"
