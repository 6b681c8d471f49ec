"""The core's own tests, and its tensors against this library's for pictures and files that Kotlin never saw."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from converters.tflite.metadata import read_metadata
from swiftformer_keras.data import sample_pictures
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import PREPROCESSINGS, Preprocessing, apply
from tests.android_app.core.kotlin import CORE, CoreTool, build
from tests.android_app.core.tflite_files import good
from tests.android_app.make_golden import tensor_bytes
from tests.android_app.maven import MissingError, count_of_tests, maven
from tests.converters.android.shipped import in_place_of, shipped_app
from tests.harness import absent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tool() -> CoreTool:
    try:
        return CoreTool(build())
    except MissingError as error:
        absent(str(error))


def test_the_cores_own_tests(tool: CoreTool) -> None:
    """JUnit, by Maven; the reports say how many ran."""
    maven(CORE, "test")
    assert count_of_tests(CORE / "build" / "surefire-reports") > 400


def test_the_cores_own_tests_on_the_shipped_classes(tool: CoreTool, tmp_path: Path) -> None:
    """The same JUnit tests on the classes that R8 left in the APK's dex."""
    classes = in_place_of(
        CORE / "build" / "classes", shipped_app(tmp_path), ["dev/swiftformer/core"], tmp_path
    )
    reports = CORE / "build" / "surefire-reports"
    shutil.rmtree(reports, ignore_errors=True)
    maven(CORE, "surefire:test", f"-Dclasses={classes}")
    assert count_of_tests(reports) > 400


class Jobs:
    """Pictures and what they must become, run by Kotlin in one go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs: list[dict[str, Any]] = []
        self.expected: list[bytes] = []

    def add(self, raw: bytes, size: tuple[int, int], expected: bytes, **how: Any) -> None:
        number = len(self.jobs)
        source = self.folder / f"{number}.raw"
        source.write_bytes(raw)
        job = {
            "picture": str(source),
            "width": size[0],
            "height": size[1],
            "out": str(self.folder / f"{number}.out"),
        }
        self.jobs.append({**job, **how})
        self.expected.append(expected)

    def assert_same_bytes(self, tool: CoreTool) -> None:
        tool.tensors(self.jobs, self.folder)
        for job, expected in zip(self.jobs, self.expected, strict=True):
            actual = Path(job["out"]).read_bytes()
            assert len(actual) == len(expected)
            different = int((np.frombuffer(actual, np.uint8) != np.frombuffer(expected, np.uint8)).sum())
            assert different == 0, f"{different} bytes of {len(expected)} differ: {job}"


INPUTS: list[dict[str, Any]] = [
    {"kind": "pixels", "type": "uint8", "scale": 1.0, "zero_point": 0},
    {"kind": "normalized", "type": "float32", "scale": 0.0, "zero_point": 0},
    {"kind": "normalized", "type": "int8", "scale": 0.018658, "zero_point": -14},
]


def test_random_pictures_and_settings(tool: CoreTool, tmp_path: Path) -> None:
    """400 random pictures: any size, any filter, any crop."""
    rng = np.random.default_rng(20)
    jobs = Jobs(tmp_path)
    for number in range(400):
        width, height = (int(n) for n in np.exp(rng.uniform(0, 6.2, 2)).astype(int))
        if max(width, height) > 60 * min(width, height):
            continue
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        if number % 3 == 0:  # smooth, as photographs are
            pixels = np.asarray(
                Image.fromarray(pixels[:5, :5]).resize((width, height), Image.Resampling.BICUBIC)
            )
        preprocessing = Preprocessing(
            height=int(rng.integers(1, 96)),
            width=int(rng.integers(1, 96)),
            resize="crop",
            crop_fraction=float(rng.uniform(0.3, 1)),
            filter=("bicubic", "bilinear", "lanczos", "box", "hamming", "nearest")[number % 6],  # type: ignore[arg-type]
            mean=(0.5, 0.4, 0.3),
            channel_order="rgb" if number % 4 else "bgr",
            crop_offset="half_even" if number % 5 else "floor",
        )
        if number % 2:
            preprocessing = preprocessing.replace(resize="squash", crop_fraction=1.0)
        settings = INPUTS[number % len(INPUTS)]
        expected = tensor_bytes(apply(Image.fromarray(pixels), preprocessing), preprocessing, settings)
        how = {"preprocessing": preprocessing.to_dict(), "input": settings, "layout": "rgb"}
        jobs.add(pixels.tobytes(), (width, height), expected, **how)
    jobs.assert_same_bytes(tool)


def test_photos_with_transparency_and_exif_turns(tool: CoreTool, tmp_path: Path) -> None:
    """A picture file through `open_picture` is what the app makes of its decoded pixels and orientation."""
    rng = np.random.default_rng(21)
    jobs = Jobs(tmp_path)
    for number in range(48):
        orientation = number % 8 + 1
        width, height = (int(n) for n in rng.integers(20, 300, 2))
        rgba = rng.integers(0, 256, (height, width, 4), np.uint8)
        if number % 2:
            rgba[..., 3] = 255
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"{number}.png"
        Image.fromarray(rgba).save(path, exif=exif)
        preprocessing = list(PREPROCESSINGS.values())[number % 3].with_size(64, 64)
        upright = open_picture(path)
        assert upright.size == ImageOps.exif_transpose(Image.open(path)).size
        expected = tensor_bytes(apply(upright, preprocessing), preprocessing, INPUTS[0])
        argb = rgba[..., [3, 0, 1, 2]].tobytes()
        how = {"preprocessing": preprocessing.to_dict(), "input": INPUTS[0], "layout": "argb"}
        jobs.add(argb, (width, height), expected, **how, orientation=orientation)
    jobs.assert_same_bytes(tool)


def test_the_samples_through_files(tool: CoreTool, tmp_path: Path) -> None:
    """The project's sample pictures through .tflite files: the file alone says how."""
    jobs = Jobs(tmp_path)
    samples = sample_pictures()[:4]
    for name, (data, _) in good().items():
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(data)
        card = read_metadata(data)
        quantised = {"int8": ("int8", 0.0186, -14), "uint8": ("uint8", 1.0, 0)}
        dtype, scale, zero_point = quantised.get(name, ("float32", 0.0, 0))
        target = {"kind": card.input_kind, "type": dtype, "scale": scale, "zero_point": zero_point}
        for sample in samples:
            source = open_picture(sample)
            expected = tensor_bytes(apply(source, card.preprocessing), card.preprocessing, target)
            jobs.add(source.tobytes(), source.size, expected, layout="rgb", model=str(path))
    jobs.assert_same_bytes(tool)


def test_a_real_file_is_read_as_python_reads_it(tool: CoreTool, tmp_path: Path) -> None:
    data, card = good()["int8"]
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    ran = tool.run("model", str(path))
    assert ran.returncode == 0 and f'"name": "{card.name}"' in ran.stdout
    path.write_bytes(data[: len(data) // 2])
    ran = tool.run("model", str(path))
    assert ran.returncode == 1 and ran.stdout.count("\n") == 1
