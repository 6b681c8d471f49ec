"""How the tests of the command line start it: as a user does, in a process of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

from swiftformer_keras.cli.main import main

COMMAND = (sys.executable, "-m", "swiftformer_keras")
COMMANDS = (
    "convert",
    "export",
    "quantize",
    "sensitivity",
    "classify",
    "inspect",
    "verify",
    "deploy",
    "devices",
    "benchmark",
    "report",
    "demo",
    "doctor",
)
APP_COMMANDS = ("build", "install", "run")


def environment(**changes: str) -> dict[str, str]:
    """The environment of a plain user: no debug switch, no width or colour of the test's terminal."""
    dropped = {"SWIFTFORMER_DEBUG", "COLUMNS", "FORCE_COLOR", "TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND"}
    return {**{k: v for k, v in os.environ.items() if k not in dropped}, **changes}


def run_cli(
    *arguments: str | Path, cwd: Path | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run `swiftformer ARGUMENTS` to its end and return what it said."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment(PYTHONPATH=os.pathsep.join(p for p in sys.path if p), **changes),
        timeout=600,
        check=False,
    )


def call_cli(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The same within this process, which has TensorFlow already: for what no process of its own shows."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def assert_one_line(text: str) -> str:
    """Exactly one line, ended, without anything a terminal acts on; returns it."""
    assert text.endswith("\n"), repr(text)
    assert text[:-1].isprintable(), f"not one printable line: {text!r}"
    return text[:-1]
