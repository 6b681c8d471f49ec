"""What LiteRT's XNNPACK takes of many files: a child process that a file may crash, started again after one does.

Run with the files' paths on standard input; answers a JSON line for each: the path, and either the number of
partitions with the names of what was left, or the words with which the file was refused.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

Choice = tuple[int, tuple[str, ...]] | str
"""Partitions and what was left, or why the file was refused."""


def choices(files: Sequence[Path]) -> list[Choice]:
    """One answer a file."""
    answers: dict[Path, Choice] = {}
    waiting = list(files)
    while waiting:
        ran = subprocess.run(
            [sys.executable, "-m", __name__],
            input="\n".join(map(str, waiting)),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            timeout=300,
            check=False,
        )
        for line in ran.stdout.splitlines():
            path, answer = json.loads(line)
            answers[Path(path)] = answer if isinstance(answer, str) else (answer[0], tuple(answer[1]))
        waiting = [path for path in waiting if path not in answers]
        if waiting:
            answers[waiting.pop(0)] = f"crashed ({ran.returncode})"
    return [answers[path] for path in files]


def _main() -> None:
    from converters.tflite.check import delegation
    from swiftformer_keras.errors import TFLiteFileError

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        try:
            found = delegation(path)
            answer: list[object] | str = [found.partitions, found.left]
        except TFLiteFileError as error:
            answer = str(error)
        print(json.dumps([str(path), answer]), file=answers, flush=True)


if __name__ == "__main__":
    _main()
