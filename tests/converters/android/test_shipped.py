"""The code that an APK ships, executed: its dex as class files again, and nothing else of the app beside them.

What R8 leaves out of the Kotlin library, or turns into something else, shows here: the core must give the golden
tensors (Pillow's and numpy's bytes) and read or refuse the same files as before it was shrunk. The core's and the app's
own tests run on these classes too (tests/android_app), there with the whole Kotlin library, which they need themselves.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.android_app.core.pictures import picture, plane
from tests.converters.android.shipped import shipped_app
from tests.converters.android.tools import needed_jdk
from tests.harness import ROOT

pytestmark = pytest.mark.slow

GOLDEN = ROOT / "android_app" / "core" / "src" / "test" / "resources" / "golden"
DRIVER = Path(__file__).parent / "java" / "ShippedCore.java"
PIXELS = {"kind": "pixels", "type": "uint8", "scale": 1.0, "zero_point": 0}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The classes of a release APK."""
    return shipped_app(tmp_path_factory.mktemp("shipped"))


def run_jobs(shipped: Path, jobs: list[dict[str, Any]], folder: Path) -> list[bytes]:
    """What the shipped core writes for each job."""
    for number, job in enumerate(jobs):
        job["out"] = str(folder / f"{number}.out")
    listing = folder / "jobs.json"
    listing.write_text(json.dumps(jobs))
    command = [needed_jdk().java, "-Xmx500m", "-cp", shipped, DRIVER, listing]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return [Path(job["out"]).read_bytes() for job in jobs]


def strided(values: np.ndarray, row_stride: int, pixel_stride: int) -> bytes:
    """A channel as a camera lays it out: bytes between pixels and behind rows, none behind the last pixel."""
    height, width = values.shape
    rows = np.full((height, row_stride), 0xA5, np.uint8)
    rows[:, : (width - 1) * pixel_stride + 1 : pixel_stride] = values
    return rows.tobytes()[: (height - 1) * row_stride + (width - 1) * pixel_stride + 1]


def planes(case: dict[str, Any]) -> list[bytes]:
    """The raw bytes of a golden case's picture, or of its frame's three channels."""
    if "frame" not in case:
        return [picture(**case["picture"]).tobytes()]
    frame = case["frame"]
    chroma = ((frame["width"] + 1) // 2, (frame["height"] + 1) // 2)
    made = [plane(frame["width"], frame["height"], frame["kind"], frame["seed"])]
    made += [plane(*chroma, frame["kind"], frame["seed"] + channel) for channel in (1, 2)]
    strides = [(frame[f"{name}_row_stride"], frame[f"{name}_pixel_stride"]) for name in ("y", "uv", "uv")]
    return [strided(values, *stride) for values, stride in zip(made, strides, strict=True)]


def test_the_shipped_core_gives_the_golden_tensors(shipped: Path, tmp_path: Path) -> None:
    cases = json.loads((GOLDEN / "golden.json").read_text("utf-8"))
    jobs: list[dict[str, Any]] = []
    for number, case in enumerate(cases):
        files = [tmp_path / f"{number}.{channel}.raw" for channel in range(3)]
        written = [
            str(path) for path, data in zip(files, planes(case), strict=False) if path.write_bytes(data) >= 0
        ]
        jobs.append({"input": PIXELS, **case, "planes": written})
    different = [
        case["name"]
        for case, made in zip(cases, run_jobs(shipped, jobs, tmp_path), strict=True)
        if hashlib.sha256(made).hexdigest() != case["sha256"]
    ]
    assert len(cases) > 250
    assert not different


def test_the_shipped_core_reads_and_refuses_files_as_it_should(shipped: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(GOLDEN / "files.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".tflite")]
        archive.extractall(tmp_path)
        facts = {
            name: archive.read(name.replace(".tflite", ".json")) for name in names if name[:5] == "good/"
        }
    jobs: list[dict[str, Any]] = [{"file": str(tmp_path / name)} for name in names]
    answers = dict(zip(names, run_jobs(shipped, jobs, tmp_path), strict=True))
    for name, answer in answers.items():
        kind = name.split("/")
        if kind[0] == "good":
            expected, read = json.loads(facts[name]), json.loads(answer)
            assert read == {key: expected[key] for key in read} and len(read) == 4, name
        elif kind[0] == "refused":
            assert answer.decode() == kind[1], name
        elif kind[0] == "hostile":
            assert answer.decode().replace("_", "").isupper(), name
    assert len(facts) > 8
    assert len(names) > 80
