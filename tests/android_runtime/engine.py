"""The app's Kotlin with TFLite itself, from Python: a picture in, the input tensor and the output it led to out.

    engine = Engine(build_app(folder), host.build())
    (answer,) = engine.run([Job(model, (picture,))], tmp_path)
    answer.tensors[0], answer.outputs[0], answer.delegations

The core reads the file and makes the tensor; the app's engine has TFLite compute. `EngineJobs.kt` in the app's tests is
the other end. Robolectric lends it those few classes of Android that the engine asks for.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from converters.android.artifacts import MAVEN_PLUGIN
from tests.android_app.maven import TIMEOUT_S, maven
from tests.android_runtime.host import Host
from tests.android_runtime.runtime import Delegation
from tests.harness import ROOT

SOURCES = ROOT / "android_app"
MAIN = "dev.swiftformer.app.tools.EngineJobs"


@dataclasses.dataclass(frozen=True)
class App:
    """The app and its tests, compiled: a class path, and Robolectric's Android."""

    classpath: str
    android: Path


def build_app(folder: Path) -> App:
    """Compile the app and its tests in a copy in `folder`, so that nobody else's Maven changes it while it is used.

    Raises:
        MissingError: see `maven`.
    """
    copy = folder / SOURCES.name
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("build", ".gradle"))
    app = copy / "app"
    built = app / "build" / "maven"
    listing = built / "classpath.txt"
    maven(
        app,
        "test-compile",
        f"{':'.join(MAVEN_PLUGIN)}:build-classpath",
        f"-Dmdep.outputFile={listing}",
        "-Dmdep.includeScope=test",
    )
    classes = [built / "classes", built / "test-classes"]
    return App(os.pathsep.join([*map(str, classes), listing.read_text().strip()]), built / "robolectric")


@dataclasses.dataclass(frozen=True)
class Job:
    """A model and RGB pictures, uint8 `(height, width, 3)`, of any size."""

    model: Path
    pictures: tuple[np.ndarray, ...]
    delegate: Literal["CPU", "GPU"] = "CPU"
    xnnpack: bool = True
    threads: int = 1


@dataclasses.dataclass(frozen=True)
class Result:
    """What Kotlin made of a job.

    Attributes:
        tensors, outputs: the bytes of the input and of the output, by picture.
        delegations: from the library's own log, as the app reads it.
        refused: why there is none of it; None where there is.
    """

    tensors: tuple[bytes, ...]
    outputs: tuple[bytes, ...]
    delegations: tuple[Delegation, ...]
    version: str
    refused: str | None


class Engine:
    """The app's engine on this machine.

    Args:
        app: what `build_app` gave.
        environment: more of it for the JVM.
    """

    def __init__(self, app: App, host: Host, environment: Mapping[str, str] | None = None) -> None:
        self.app = app
        self.host = host
        self.environment = dict(environment or {})

    def run(self, jobs: Sequence[Job], folder: Path) -> list[Result]:
        """One result a job; `folder` takes the files between."""
        described = [self._written(job, number, folder) for number, job in enumerate(jobs)]
        (folder / "jobs.json").write_text(json.dumps(described))
        answers = folder / "answers.json"
        self.junit(MAIN, folder, f"-Dengine.jobs={folder / 'jobs.json'}", f"-Dengine.answers={answers}")
        said = json.loads(answers.read_text())
        return [_result(job, answer) for job, answer in zip(described, said, strict=True)]

    def junit(self, tests: str, folder: Path, *options: str) -> str:
        """Run a class of the app's tests with TFLite itself; its log goes to `android.log` in `folder`.

        Returns:
            What JUnit printed.

        Raises:
            AssertionError: a test failed, or the process died.
        """
        ran = subprocess.run(
            [
                *("java", "-Xmx900m", "--add-opens=java.base/java.io=ALL-UNNAMED"),
                *("--add-opens=java.base/java.lang=ALL-UNNAMED", *self.host.jvm_arguments()),
                *(
                    "-Drobolectric.offline=true",
                    f"-Drobolectric.dependency.dir={self.app.android}",
                    *options,
                ),
                *("-cp", self.app.classpath, "org.junit.runner.JUnitCore", tests),
            ],
            env={**self.host.environment(log=folder / "android.log"), **self.environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if ran.returncode != 0:
            raise AssertionError(f"{tests} ended with {ran.returncode}: {(ran.stdout + ran.stderr)[:6000]}")
        return ran.stdout

    @staticmethod
    def _written(job: Job, number: int, folder: Path) -> dict[str, Any]:
        pictures = []
        for place, picture in enumerate(job.pictures):
            stem = folder / f"{number}-{place}"
            stem.with_suffix(".rgb").write_bytes(np.ascontiguousarray(picture).tobytes())
            pictures.append(
                {
                    "picture": str(stem.with_suffix(".rgb")),
                    "width": picture.shape[1],
                    "height": picture.shape[0],
                    "tensor": str(stem.with_suffix(".in")),
                    "output": str(stem.with_suffix(".out")),
                }
            )
        facts = {"delegate": job.delegate, "xnnpack": job.xnnpack, "threads": job.threads}
        return {"model": str(job.model), "pictures": pictures, **facts}


def _result(job: dict[str, Any], answer: dict[str, Any]) -> Result:
    if "refused" in answer:
        return Result((), (), (), "", answer["refused"])
    tensors = tuple(Path(picture["tensor"]).read_bytes() for picture in job["pictures"])
    outputs = tuple(Path(picture["output"]).read_bytes() for picture in job["pictures"])
    delegations = tuple(
        Delegation(one["delegate"], one["taken"], one["total"], one["partitions"])
        for one in answer["replaced"] or ()
    )
    return Result(tensors, outputs, delegations, answer["version"], None)
