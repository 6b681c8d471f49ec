"""The core's Kotlin from Python: compiled by Maven once a session, then run on files.

tool = CoreTool(build())
tool.tensors([{"picture": …, "width": …, "height": …, "model": …, "out": …}])
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.harness import ROOT

CORE = ROOT / "android_app" / "core"
MAIN = "dev.swiftformer.core.tools.CoreToolKt"
TIMEOUT_S = 900


class MissingError(Exception):
    """The core cannot be compiled or tested on this machine; the message says why."""


def maven(*arguments: str) -> str:
    """Run Maven on the core, with checksums that fail; without the network first, where all is there already.

    Raises:
        MissingError: Maven or a JDK is not there, or what they need cannot be fetched.
    """
    program = shutil.which("mvn")
    if program is None or shutil.which("java") is None:
        raise MissingError("Maven or a JDK is missing")
    environment = {**os.environ, "MAVEN_OPTS": "-Xmx600m"}
    output = ""
    for offline in (["-o"], []):
        ran = subprocess.run(
            [program, "-C", "-q", "-B", *offline, *arguments],
            cwd=CORE,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        output = ran.stdout + ran.stderr
        if ran.returncode == 0:
            return output
        if not any(
            word in output
            for word in ("offline mode", "Could not transfer", "Could not find artifact", "PluginResolution")
        ):
            raise AssertionError(output[-4000:])
    raise MissingError(f"Maven cannot fetch what the core needs: {output[-300:]}")


def build() -> str:
    """Compile the core and its tests; returns the class path that runs them.

    Raises:
        MissingError: see `maven`.
    """
    listing = CORE / "build" / "classpath.txt"
    maven(
        "test-compile",
        "dependency:build-classpath",
        f"-Dmdep.outputFile={listing}",
        "-Dmdep.includeScope=test",
    )
    folders = [CORE / "build" / "classes", CORE / "build" / "test-classes"]
    return os.pathsep.join([*map(str, folders), listing.read_text().strip()])


class CoreTool:
    """The core's command line for tests, `CoreTool.kt`."""

    def __init__(self, classpath: str) -> None:
        self.classpath = classpath

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["java", "-Xmx700m", "-cp", self.classpath, MAIN, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def tensors(self, jobs: list[dict[str, Any]], folder: Path) -> None:
        """Carry out jobs; each writes its own file."""
        listing = folder / "jobs.json"
        listing.write_text(json.dumps(jobs))
        ran = self.run("tensors", str(listing))
        assert ran.returncode == 0, ran.stderr[-3000:]
