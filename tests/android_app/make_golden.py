"""Write the golden tensors of the app's core: what Pillow and numpy make of pictures, frames and inputs.

    python -m tests.android_app.make_golden            write android_app/core/src/test/resources/golden/
    python -m tests.android_app.make_golden --check    fail where that folder differs

`golden.json` lists the cases with the SHA-256 of the bytes that are expected; where these are few, the bytes
themselves are in `golden.bin`. `files.zip` holds .tflite files, whole and hostile, with what each is.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from converters.runnable import _quantise
from converters.tflite.sandbox import TensorDetails
from swiftformer_keras.preprocessing import PREPROCESSINGS, Preprocessing, apply, normalize
from tests.android_app.core.pictures import picture, upright_frame
from tests.android_app.core.tflite_files import files
from tests.harness import ROOT

FOLDER = ROOT / "android_app" / "core" / "src" / "test" / "resources" / "golden"
MAX_STORED = 1000
"""Expected tensors of at most so many bytes are stored whole, so that a difference can be looked at."""

SIZES = [(640, 480), (480, 640), (224, 224), (256, 256), (333, 251), (97, 1031), (31, 17), (1, 1), (235, 313)]
KINDS = ("noise", "slope", "blocks")


def picture_cases() -> list[dict[str, Any]]:
    """A picture and a preprocessing; expected are the pixels of `apply`."""
    cases = []
    seed = 0
    for name, preprocessing in PREPROCESSINGS.items():
        for width, height in SIZES:
            seed += 1
            if max(width, height) / min(width, height) > 8:
                continue
            cases.append(
                _picture(width, height, KINDS[seed % 3], seed, preprocessing, f"{name} {width}x{height}")
            )
    for filter_ in ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"):
        for size in [(64, 48), (37, 53), (5, 4), (97, 1031), (600, 7)]:
            for kind in KINDS:
                seed += 1
                squash = Preprocessing(29, 31, "squash", 1.0, filter_)
                cases.append(_picture(*size, kind, seed, squash, f"{filter_} {size[0]}x{size[1]} {kind}"))
    for offset in ("half_even", "floor"):
        for size in [(41, 58), (58, 41), (40, 57), (33, 33)]:
            for fraction in (0.6, 0.875, 0.95, 1.0):
                seed += 1
                for height, width in ((23, 23), (24, 31), (20, 9)):
                    cut = Preprocessing(height, width, "crop", fraction, "bicubic", crop_offset=offset)
                    cases.append(
                        _picture(*size, "noise", seed, cut, f"crop {fraction} {offset} {size} {height}")
                    )
    return cases


def _picture(
    width: int, height: int, kind: str, seed: int, preprocessing: Preprocessing, name: str
) -> dict[str, Any]:
    return {
        "name": name,
        "picture": {"width": width, "height": height, "kind": kind, "seed": seed},
        "preprocessing": preprocessing.to_dict(),
    }


def frame_cases() -> list[dict[str, Any]]:
    """A camera frame with strides, a part, a turn; expected are the pixels of the upright frame, scaled."""
    cases = []
    seed = 500
    sizes = [(64, 48, None), (63, 47, None), (64, 48, (1, 3, 60, 47)), (52, 41, (5, 0, 52, 38)), (2, 2, None)]
    for width, height, part in sizes:
        for rotation in (0, 90, 180, 270):
            for mirror in (False, True):
                seed += 1
                pixel_stride = 1 + seed % 2
                chroma_width = (width + 1) // 2
                cases.append(
                    {
                        "name": f"frame {width}x{height} {part} turned {rotation} mirror {mirror}",
                        "frame": {
                            "width": width,
                            "height": height,
                            "kind": KINDS[seed % 3],
                            "seed": seed,
                            "crop": list(part or (0, 0, width, height)),
                            "rotation": rotation,
                            "mirror": mirror,
                            "y_row_stride": width + seed % 17,
                            "y_pixel_stride": 1,
                            "uv_row_stride": (chroma_width - 1) * pixel_stride + 1 + seed % 13,
                            "uv_pixel_stride": pixel_stride,
                        },
                        "preprocessing": Preprocessing(25, 25, "crop", 0.9, "bicubic").to_dict(),
                    }
                )
    camera = dict(
        cases[0]["frame"], width=640, height=480, crop=[0, 0, 640, 480], y_row_stride=640, uv_row_stride=640
    )
    for rotation, mirror, name in ((90, False, "timm"), (270, True, "authors"), (0, False, "transformers")):
        frame = {**camera, "rotation": rotation, "mirror": mirror, "uv_pixel_stride": 2, "kind": "slope"}
        cases.append(
            {"name": f"camera {name}", "frame": frame, "preprocessing": PREPROCESSINGS[name].to_dict()}
        )
    return cases + app_frame_cases()


def app_frame_cases() -> list[dict[str, Any]]:
    """Frames for the app's own tests, which bring them to its ImageReader; prepared as the model there asks."""
    cases = []
    for rotation in (0, 90, 180, 270):
        for pixel_stride, padding in ((1, 19), (2, 32)):
            frame = {
                "width": 96,
                "height": 72,
                "kind": "slope",
                "seed": 701,
                "crop": [0, 0, 96, 72],
                "rotation": rotation,
                "mirror": False,
                "y_row_stride": 96 + padding,
                "y_pixel_stride": 1,
                "uv_row_stride": 48 * pixel_stride + padding,
                "uv_pixel_stride": pixel_stride,
            }
            cases.append(
                {
                    "name": f"app frame turned {rotation} stride {pixel_stride}",
                    "frame": frame,
                    "preprocessing": PREPROCESSINGS["timm"].with_size(64, 64).to_dict(),
                }
            )
    return cases


def input_cases() -> list[dict[str, Any]]:
    """A picture, a preprocessing and an input tensor; expected are the tensor's bytes."""
    cases = []
    seed = 900
    tensors: list[tuple[str, float, int]] = [
        ("float32", 0.0, 0),
        ("int8", 1.0, -128),
        ("uint8", 1.0, 0),
        ("int8", 0.018658, -14),
        ("uint8", 0.0175, 121),
        ("int8", 0.5, 3),
    ]
    for kind in ("pixels", "normalized"):
        for order in ("rgb", "bgr"):
            for dtype, scale, zero_point in tensors:
                seed += 1
                settings = Preprocessing(13, 11, "crop", 0.9, "bilinear", channel_order=order)
                case = _picture(37, 29, "noise", seed, settings, f"{kind} {order} {dtype} {scale}")
                case["input"] = {"kind": kind, "type": dtype, "scale": scale, "zero_point": zero_point}
                cases.append(case)
    return cases


def expected(case: dict[str, Any]) -> bytes:
    """The bytes that the core must give for a case."""
    preprocessing = Preprocessing.from_dict(case["preprocessing"])
    source = upright_frame(case["frame"]) if "frame" in case else picture(**case["picture"])
    pixels = apply(source, preprocessing)
    if "input" not in case:
        return pixels.tobytes()
    return tensor_bytes(pixels, preprocessing, case["input"])


def tensor_bytes(pixels: np.ndarray, preprocessing: Preprocessing, target: dict[str, Any]) -> bytes:
    """A picture's input tensor, as this library feeds it to a file.

    Args:
        target: "kind" of the input ("pixels", "normalized"), "type" of its elements, "scale" and "zero_point".
    """
    values = pixels if target["kind"] == "pixels" else normalize(pixels, preprocessing)
    details = TensorDetails(
        pixels.shape, target["type"], float(np.float32(target["scale"])), target["zero_point"]
    )
    return _quantise(np.asarray(values, np.float32), details, "golden").tobytes()


def make() -> dict[str, bytes]:
    """The folder's files by name."""
    cases = picture_cases() + frame_cases() + input_cases()
    stored = io.BytesIO()
    for case in cases:
        data = expected(case)
        case["sha256"] = hashlib.sha256(data).hexdigest()
        case["size_bytes"] = len(data)
        if len(data) <= MAX_STORED:
            case["offset"] = stored.tell()
            stored.write(data)
    lines = ",\n".join(json.dumps(case, sort_keys=True) for case in cases)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files().items():
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return {
        "golden.json": f"[\n{lines}\n]\n".encode(),
        "golden.bin": stored.getvalue(),
        "files.zip": archive.getvalue(),
    }


def differences(folder: Path = FOLDER) -> list[str]:
    """Which files in the folder are not what `make` gives; of archives, which entries."""
    found = []
    for name, data in make().items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif name.endswith(".zip"):
            ours, theirs = _entries(data), _entries(path.read_bytes())
            found += [
                f"{name}: {entry}"
                for entry in sorted({*ours, *theirs})
                if ours.get(entry) != theirs.get(entry)
            ]
        elif path.read_bytes() != data:
            found.append(f"{name} differs")
    return found


def _entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        found = differences()
        print("\n".join(found) or "the golden tensors are as Python makes them")
        return 1 if found else 0
    if arguments:
        print("usage: python -m tests.android_app.make_golden [--check]", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in make().items():
        (FOLDER / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
