"""Which pictures calibrate and which are held out, and folders that are of no use."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters.tflite.calibration_pictures import CalibrationPictures, choose_pictures, read_pixels
from swiftformer_keras.errors import CalibrationError, ConfigError, PictureError, SwiftFormerError
from swiftformer_keras.preprocessing import PREPROCESSINGS, apply
from tests.converters.tflite import pictures
from tests.harness import assert_refused

P64 = PREPROCESSINGS["timm"].with_size(64, 64)


def choose(folder: Path, **options: Any) -> CalibrationPictures:
    settings: dict[str, Any] = {"samples": 128, "seed": 0, **options}
    return choose_pictures(folder, P64, **settings)


def refused(error: type[SwiftFormerError], folder: Path, *mentions: str, **options: Any) -> None:
    assert_refused(error, lambda: choose(folder, **options), *mentions)


def test_a_quarter_of_a_small_folder_is_held_out(tmp_path: Path) -> None:
    chosen = choose(pictures.fashion(tmp_path / "p", 40))
    assert (len(chosen.calibration), len(chosen.held_out)) == (30, 10)
    assert not set(chosen.calibration) & set(chosen.held_out)
    assert len(set(chosen.sha256)) == 40
    assert chosen.warnings == ()


def test_no_more_than_the_samples_and_64_others_are_used(tmp_path: Path) -> None:
    folder = pictures.fashion(tmp_path / "p", 120)
    told: list[tuple[str, int, int]] = []
    chosen = choose(folder, samples=24, progress=lambda *step: told.append(step))
    assert len(chosen.calibration) == 24
    assert len(chosen.held_out) == 64
    assert not set(chosen.calibration) & set(chosen.held_out)
    assert len(chosen.sha256) == 88
    assert len(told) == 88


def test_the_seed_decides_the_choice(tmp_path: Path) -> None:
    folder = pictures.fashion(tmp_path / "p", 40)
    assert choose(folder) == choose(folder)
    assert choose(folder).held_out != choose(folder, seed=1).held_out


def test_a_repeated_picture_counts_once_and_never_on_both_sides(tmp_path: Path) -> None:
    folder = pictures.fashion(tmp_path / "p", 40)
    for path in sorted(folder.iterdir()):
        (folder / f"again{path.name}").write_bytes(path.read_bytes())
    chosen = choose(folder)
    used = [path.name.removeprefix("again") for path in (*chosen.calibration, *chosen.held_out)]
    assert len(used) == len(set(used)) == 40


def test_unreadable_pictures_are_left_out_with_a_warning_each(tmp_path: Path) -> None:
    folder = pictures.fashion(tmp_path / "p", 40)
    (folder / "0003.png").write_bytes((folder / "0003.png").read_bytes()[:60])
    (folder / "0004.png").write_bytes(b"")
    (folder / "0005.jpg").write_bytes(b"no picture\x1b[2J")
    chosen = choose(folder)
    assert len(chosen.calibration) + len(chosen.held_out) == 38
    assert len(chosen.warnings) == 3
    for name in ("0003.png", "0004.png", "0005.jpg"):
        assert any(name in warning and "left out" in warning for warning in chosen.warnings)


RAMP = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)


def assert_calibrates(folder: Path, name: str, expected: np.ndarray) -> None:
    """The odd picture is one of those chosen, and gives the pixels that it shows."""
    chosen = choose(folder)
    assert chosen.warnings == ()
    (found,) = (p for p in (*chosen.calibration, *chosen.held_out) if p.name == name)
    assert np.abs(np.asarray(found.open()).astype(int) - expected).max() <= 1


def test_cmyk_pictures_calibrate(tmp_path: Path) -> None:
    folder = pictures.fashion(tmp_path / "p", 40)
    Image.merge("CMYK", [Image.fromarray(RAMP)] * 3 + [Image.new("L", (64, 64))]).save(folder / "cmyk.tiff")
    assert_calibrates(folder, "cmyk.tiff", 255 - np.stack([RAMP] * 3, 2).astype(int))


def test_sixteen_bit_pictures_calibrate(tmp_path: Path) -> None:
    folder = pictures.fashion(tmp_path / "p", 40)
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(folder / "sixteen.png")
    assert_calibrates(folder, "sixteen.png", np.stack([RAMP] * 3, 2).astype(int))


def test_animated_pictures_calibrate_with_their_first_frame(tmp_path: Path) -> None:
    folder = pictures.fashion(tmp_path / "p", 40)
    frames = [Image.fromarray(np.roll(RAMP, shift, axis)) for shift, axis in ((9, 0), (20, 1))]
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:])
    assert_calibrates(folder, "animated.gif", np.stack([np.roll(RAMP, 9, 0)] * 3, 2).astype(int))


def test_a_huge_picture_is_left_out_before_it_is_decoded(tmp_path: Path) -> None:
    folder = pictures.fashion(tmp_path / "p", 40)
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    content = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    (folder / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    (warning,) = choose(folder).warnings
    assert "huge.png" in warning
    assert "pixels" in warning


def test_the_pixels_are_the_preprocessed_ones(tmp_path: Path) -> None:
    chosen = choose(pictures.fashion(tmp_path / "p", 32))
    first, path = next(read_pixels(chosen.calibration, P64)), tmp_path / "p" / chosen.calibration[0].name
    np.testing.assert_array_equal(first, apply(Image.open(path).convert("RGB"), P64))
    path.unlink()
    assert_refused(PictureError, lambda: list(read_pixels(chosen.calibration, P64)), "no such file")


def test_folders_without_enough_pictures_are_refused(tmp_path: Path) -> None:
    refused(PictureError, tmp_path / "nowhere", "no such folder")
    (tmp_path / "empty").mkdir()
    refused(PictureError, tmp_path / "empty", "holds no pictures")
    refused(CalibrationError, pictures.fashion(tmp_path / "few", 31), "31 different pictures", "at least 32")
    refused(
        CalibrationError, pictures.repeated(tmp_path / "one", 60), "1 different", "59 repeat another of 60"
    )
    broken = pictures.fashion(tmp_path / "broken", 40)
    for path in sorted(broken.iterdir())[:10]:
        path.write_bytes(b"no picture")
    refused(CalibrationError, broken, "30 different", "10 could not be read")


def test_pictures_of_nothing_are_refused(tmp_path: Path) -> None:
    refused(CalibrationError, pictures.plain(tmp_path / "plain", 40), "40 of 40", "one colour")
    refused(CalibrationError, pictures.noise(tmp_path / "noise", 40), "40 of 40", "noise")


def test_a_few_pictures_of_nothing_are_a_warning(tmp_path: Path) -> None:
    folder = pictures.fashion(tmp_path / "p", 40)
    pictures.noise(folder, 3)
    pictures.plain(folder, 2)
    (warning,) = choose(folder).warnings
    assert "2 of one colour and 3 noise" in warning


@pytest.mark.parametrize("samples", [0, 23, 4097, -1])
def test_numbers_of_samples_that_make_no_sense_are_refused(tmp_path: Path, samples: int) -> None:
    refused(ConfigError, tmp_path, "samples", samples=samples)
    refused(ConfigError, tmp_path, "seed", seed=-1)
