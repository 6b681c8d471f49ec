"""The core's Kotlin from Python: compiled by Maven once a session, then run on files.

tool = CoreTool(build())
tool.tensors([{"picture": …, "width": …, "height": …, "model": …, "out": …}])
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.android_app.maven import TIMEOUT_S, maven
from tests.harness import ROOT

CORE = ROOT / "android_app" / "core"
MAIN = "dev.swiftformer.core.tools.CoreToolKt"


def build() -> str:
    """Compile the core and its tests; returns the class path that runs them.

    Raises:
        MissingError: see `maven`.
    """
    listing = CORE / "build" / "classpath.txt"
    maven(
        CORE,
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
