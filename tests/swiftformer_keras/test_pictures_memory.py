"""What reading a picture takes: measured by the kernel in a process of its own, Pillow's memory included."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swiftformer_keras.pictures import MAX_PIXELS, MAX_SIDE
from tests.harness import ROOT
from tests.picture_files import png, saved, tiff_16_bit

SIDE = 2_000
AT_ONCE = 24 << 20
"""Bytes beside those for each pixel: a piece in conversion, the decoders' own tables, the file."""

_MEASURE = """
import sys
from swiftformer_keras.pictures import open_picture

def bytes_of(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field + ":"))

open_picture(sys.argv[1])  # what is loaded at the first picture is no picture's
before = bytes_of("VmRSS")
assert open_picture(sys.argv[2]).size == (int(sys.argv[3]),) * 2
print(bytes_of("VmHWM") - before)
"""


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def black(mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (SIDE, SIDE))


def png_16_bit(colour: int, channels: int, *extra: tuple[bytes, bytes]) -> bytes:
    return png(SIDE, SIDE, 16, colour, bytes(SIDE * SIDE * channels * 2), *extra)


KINDS: dict[str, Callable[[], bytes]] = {
    "16-bit grey": lambda: png_16_bit(0, 1),
    "16-bit colour with a transparent one": lambda: png_16_bit(2, 3, (b"tRNS", bytes(6))),
    "16-bit grey with alpha": lambda: png_16_bit(4, 2),
    "16-bit colour with alpha": lambda: png_16_bit(6, 4),
    "16-bit TIFF": lambda: tiff_16_bit(np.zeros((SIDE, SIDE, 3), np.uint16), "<", True),
    "alpha, turned": lambda: saved(black("RGBA"), "PNG", exif=turned()),
    "palette with a transparent colour": lambda: saved(black("P"), "GIF", transparency=0),
    "progressive JPEG, turned": lambda: saved(
        black(), "JPEG", progressive=True, subsampling=0, exif=turned()
    ),
    "WebP with alpha": lambda: saved(black("RGBA"), "WEBP", lossless=True, method=0),
    "AVIF with alpha": lambda: saved(black("RGBA"), "AVIF", speed=10),
    "JPEG 2000 with alpha": lambda: saved(black("RGBA"), "JPEG2000"),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_reading_takes_the_stated_bytes_a_pixel_at_most(kind: str, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(saved(Image.new("RGB", (4, 4)), "PNG"))
    (tmp_path / "picture").write_bytes(KINDS[kind]())
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(tmp_path / "small"), str(tmp_path / "picture"), str(SIDE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stated = 32 if kind.startswith("JPEG 2000") else 16
    assert int(done.stdout) < stated * SIDE**2 + AT_ONCE, f"{int(done.stdout) / SIDE**2:.1f} bytes a pixel"


def test_the_security_notes_state_the_limits() -> None:
    notes = (ROOT / "SECURITY.md").read_text("utf-8")
    for limit in (MAX_PIXELS, MAX_PIXELS // 2, MAX_SIDE):
        assert f"{limit:,}" in notes
