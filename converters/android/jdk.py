"""The JDK and Maven of this machine, and how any program is run: list arguments, no shell, one line when it fails.

Java sources of ours (`java/`) are run by `java` itself, which compiles them in memory: that is why it takes a JDK.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from swiftformer_keras import interruption
from swiftformer_keras.errors import MissingToolError, SwiftFormerError
from swiftformer_keras.shown import shown

HELPERS = Path(__file__).with_name("java")
LOWEST_JAVA = 11
HIGHEST_JAVA = 24
"""Kotlin 2.0's compiler cannot read a later JDK (KT-73967)."""
HEAP = "-Xmx900m"
_ANNOUNCED = ("Picked up JAVA_TOOL_OPTIONS", "Picked up _JAVA_OPTIONS", "OpenJDK 64-Bit Server VM warning")


@dataclasses.dataclass(frozen=True)
class Jdk:
    """Programs of one JDK, and its major version."""

    java: Path
    javac: Path
    keytool: Path
    version: int

    @property
    def home(self) -> Path:
        """Its folder, with the classes of java.*."""
        return self.java.resolve().parent.parent


def find_jdk() -> Jdk:
    """The JDK of JAVA_HOME, else the one on the PATH.

    Raises:
        MissingToolError: there is none, only a run time without a compiler, or one that is too old or too new.
    """
    home = os.environ.get("JAVA_HOME")
    path = str(Path(home) / "bin") if home else None
    where = f"in JAVA_HOME ({shown(home)})" if home else "on the PATH"
    found = {name: shutil.which(name, path=path) for name in ("java", "javac", "keytool")}
    if missing := [name for name, program in found.items() if program is None]:
        raise MissingToolError(
            f"No JDK: {' and '.join(missing)} not found {where}. Install a JDK of version "
            f"{LOWEST_JAVA} to {HIGHEST_JAVA} (Debian: default-jdk-headless), or set JAVA_HOME"
        )
    programs = {name: Path(program) for name, program in found.items() if program is not None}
    said = run([programs["java"], "-version"], "java", MissingToolError)
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    version = int(match[1]) if match else 0
    if not LOWEST_JAVA <= version <= HIGHEST_JAVA:
        raise MissingToolError(
            f"{shown(programs['java'])}: is Java {version or 'of an unknown version'}; the app is built with "
            f"{LOWEST_JAVA} to {HIGHEST_JAVA}. Set JAVA_HOME to one of these"
        )
    return Jdk(programs["java"], programs["javac"], programs["keytool"], version)


def find_maven() -> Path:
    """Maven's command.

    Raises:
        MissingToolError: it is not on the PATH.
    """
    found = shutil.which("mvn")
    if found is None:
        raise MissingToolError("Maven (mvn) not found on the PATH. Install it (Debian: maven)")
    return Path(found)


def run(
    arguments: Sequence[str | Path],
    what: str,
    error: type[SwiftFormerError],
    *,
    cwd: Path | None = None,
    given: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 1800.0,
) -> str:
    """Run a program to its end and return what it said, stdout before stderr.

    Args:
        what: what messages call it; its arguments are shown nowhere.
        error: raised where it fails, with the line of its output that says most.
        given: for its stdin.
        environment: added to this process's own.

    Raises:
        MissingToolError: it cannot be started.
    """
    try:
        ran = subprocess.run(
            [os.fspath(argument) for argument in arguments],
            cwd=cwd,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **(environment or {})},
            timeout=timeout_s,
            check=False,
        )
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise MissingToolError(f"{what} cannot be started: {reason} ({shown(arguments[0])})") from None
    except subprocess.TimeoutExpired:
        raise error(f"{what} did not end within {timeout_s:.0f} s") from None
    interruption.check()
    said = "\n".join(part.strip("\n") for part in (ran.stdout, ran.stderr) if part.strip())
    if ran.returncode:
        raise error(f"{what} failed: {telling_line(said) or f'exit code {ran.returncode}'}")
    return said


def telling_line(said: str) -> str:
    """The one line of a program's output that says most: its first error, else its last line."""
    lines = [line.strip() for line in said.splitlines()]
    lines = [line for line in lines if line and not line.startswith(_ANNOUNCED)]
    errors = [line for line in lines if re.search(r"\b([Ee]rror|ERROR|Exception|FAILED|failed)\b", line)]
    return shown((errors or lines[-1:] or [""])[0], 400)
