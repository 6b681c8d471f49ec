"""Files and places that are no whole picture: one line each, nothing on stderr, and no waiting."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swiftformer_keras import pictures
from swiftformer_keras.errors import PictureError
from swiftformer_keras.pictures import find_pictures, open_picture
from tests.harness import assert_refused
from tests.picture_files import png, saved, tiff_16_bit

COLOURS = np.random.default_rng(3).integers(0, 256, (5, 7, 3), dtype=np.uint8)


pytestmark = pytest.mark.usefixtures("nothing_on_the_terminal")


WHOLE_PNG = saved(
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8)), "PNG"
)
WHOLE_JPEG = saved(Image.fromarray(COLOURS).resize((64, 64)), "JPEG")
LZW_TIFF = saved(Image.fromarray(COLOURS).resize((64, 64)), "TIFF", compression="tiff_lzw")


def float_tiff() -> bytes:
    return saved(Image.fromarray(np.linspace(0, 1, 35, dtype=np.float32).reshape(5, 7)), "TIFF")


def large_jpeg_2000() -> bytes:
    """A small picture whose header says 8,193 x 8,193."""
    content = bytearray(saved(Image.fromarray(COLOURS), "JPEG2000"))
    struct.pack_into(">II", content, content.index(b"ihdr") + 4, 8_193, 8_193)
    return bytes(content)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "text": (b"not a picture at all\n" * 20, "not a picture"),
    "one byte": (b"\x89", "not a picture"),
    "html": (b"<!DOCTYPE html><html><body>404</body></html>", "not a picture"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "not a picture"),
    "postscript, which Pillow would hand to Ghostscript": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) print\n",
        "not a picture",
    ),
    "png signature only": (WHOLE_PNG[:8], ""),
    "png without data": (WHOLE_PNG[:40], ""),
    "png cut in half": (WHOLE_PNG[: len(WHOLE_PNG) // 2], "damaged or cut short"),
    "png with a wrong checksum": (WHOLE_PNG[:30] + b"\0\0" + WHOLE_PNG[32:], ""),
    "png with damaged data": (WHOLE_PNG[:60] + bytes(40) + WHOLE_PNG[100:], "damaged or cut short"),
    "png of no width": (png(0, 4, 8, 2, b""), ""),
    "png of no height": (png(4, 0, 8, 2, b""), ""),
    "png of 3 bits": (png(4, 4, 3, 0, bytes(8)), ""),
    "png with an unknown colour type": (png(4, 4, 8, 5, bytes(16)), ""),
    "png that promises a terapixel": (png(2**20, 2**20, 8, 2, b"\0" * 2**20), "more than 134,217,728 pixels"),
    "png just above the limit": (png(11_586, 11_586, 1, 0, b"\0" * 11_586), "more than 134,217,728 pixels"),
    "png of an endless row": (png(131_073, 1, 1, 0, bytes(16_385)), "131,073 x 1 pixels, and 131,072 a side"),
    "png of an endless column": (png(1, 131_073, 1, 0, bytes(131_073)), "131,072 a side"),
    "jpeg 2000 above its limit": (large_jpeg_2000(), "more than 67,108,864 pixels"),
    "png below the limit whose data is missing": (
        png(9_000, 12_000, 1, 0, b"\0" * 12_000),
        "damaged or cut short",
    ),
    "png with a text bomb": (
        png(4, 4, 8, 0, bytes(16), *[(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**21)))] * 4),
        "damaged or cut short",
    ),
    "jpeg cut in half": (WHOLE_JPEG[: len(WHOLE_JPEG) // 2], ""),
    "jpeg start marker only": (WHOLE_JPEG[:2], ""),
    "gif cut short": (saved(Image.fromarray(COLOURS).resize((64, 64)), "GIF")[:60], ""),
    "webp cut short": (saved(Image.fromarray(COLOURS), "WEBP")[:40], ""),
    "bmp header only": (saved(Image.fromarray(COLOURS), "BMP")[:54], "damaged or cut short"),
    "bmp of negative width": (
        (lambda b: b[:18] + struct.pack("<i", -7) + b[22:])(saved(Image.fromarray(COLOURS), "BMP")),
        "",
    ),
    "tiff whose directory is its own successor": (b"II*\0\x08\0\0\0\0\0\x08\0\0\0", ""),
    "tiff whose directory lies outside": (b"II*\0\xff\xff\xff\x7f" + bytes(20), ""),
    "tiff of lzw damaged": (LZW_TIFF[:8] + b"\xff" * 30 + LZW_TIFF[38:], ""),
    "ppm that is cut short": (b"P6 100 100 255\n" + bytes(50), "damaged or cut short"),
    "ppm of text": (b"P6 many more 255\n", ""),
    "ppm of a huge number": (b"P6 " + b"9" * 5000 + b" 1 255\n", ""),
    "float tiff": (float_tiff(), "floating-point pixels"),
    "integer tiff": (saved(Image.new("I", (4, 4), 70_000), "TIFF"), "32-bit integer pixels"),
    "lab tiff": (saved(Image.new("LAB", (4, 4)), "TIFF"), "LAB pixels"),
    **{
        f"16-bit tiff of separate planes, {order}{' deflated' * deflated}": (
            tiff_16_bit(COLOURS.astype(np.uint16) * 200, order, deflated, planes=True),
            "planes",
        )
        for order in "<>"
        for deflated in (False, True)
    },
    "safetensors": (struct.pack("<Q", 2) + b"{}", "not a picture"),
    "zeros": (bytes(4096), "not a picture"),
}


@pytest.mark.parametrize(("content", "mention"), HOSTILE.values(), ids=HOSTILE)
def test_files_that_are_no_whole_picture_are_refused(content: bytes, mention: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.png"
    path.write_bytes(content)
    message = assert_refused(PictureError, lambda: open_picture(path), "odd.png", mention)
    assert message.isprintable()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000"])
def test_a_file_cut_anywhere_or_with_any_byte_changed_is_read_or_refused(kind: str, tmp_path: Path) -> None:
    content = saved(Image.fromarray(COLOURS), kind)
    rng = np.random.default_rng(6)
    for attempt in range(60):
        damaged = bytearray(content)
        if attempt % 2:
            del damaged[int(rng.integers(1, len(content))) :]
        else:
            for _ in range(3):
                damaged[int(rng.integers(0, len(content)))] = int(rng.integers(0, 256))
        path = tmp_path / f"{attempt}.bin"
        path.write_bytes(damaged)
        try:
            outcome = open_picture(path).mode
        except PictureError as error:
            outcome = str(error)
        assert outcome == "RGB" or (f"{attempt}.bin: " in outcome and outcome.isprintable()), outcome


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.png")
    return folder / "pipe.png"


def unix_socket(folder: Path) -> Path:
    path = folder / "s.png"
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # a socket's path may have 108 bytes only
        try:
            server.bind("s.png")
        finally:
            os.chdir(here)
    return path


def loop(folder: Path) -> Path:
    (folder / "loop.png").symlink_to("loop.png")
    return folder / "loop.png"


def dangling(folder: Path) -> Path:
    (folder / "dangling.png").symlink_to("nowhere.png")
    return folder / "dangling.png"


PLACES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "folder": (lambda folder: folder, "is a folder"),
    "missing": (lambda folder: folder / "absent.png", "no such file"),
    "below a file": (lambda folder: Path(__file__) / "picture.png", "cannot be opened"),
    "pipe": (pipe, "is a pipe"),
    "socket": (unix_socket, "cannot be opened"),
    "device": (lambda folder: Path("/dev/zero"), "is a pipe, socket or device"),
    "link to itself": (loop, "cannot be opened"),
    "link to nothing": (dangling, "no such file"),
    "name with a null": (lambda folder: Path("a\0b.png"), "cannot be opened"),
    "name too long": (lambda folder: folder / ("n" * 5000), "cannot be opened"),
    "name with a line break and an escape": (
        lambda folder: folder / "a\nb\x1b[31m.png",
        "a\\nb\\x1b[31m.png",
    ),
}


@pytest.mark.parametrize(("place", "mention"), PLACES.values(), ids=PLACES)
def test_places_that_are_no_regular_file_are_refused(
    place: Callable[[Path], Path], mention: str, tmp_path: Path
) -> None:
    message = assert_refused(PictureError, lambda: open_picture(place(tmp_path)), mention)
    assert message.isprintable()


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "closed.png"
    path.write_bytes(WHOLE_PNG)
    path.chmod(0)
    privileged = os.geteuid() == 0  # root may read everything, so be somebody else for a moment
    tmp_path.chmod(0o755)
    if privileged:
        os.seteuid(65534)
    try:
        assert_refused(PictureError, lambda: open_picture(path), "no permission")
    finally:
        if privileged:
            os.seteuid(0)


def test_too_little_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    (tmp_path / "big.png").write_bytes(WHOLE_PNG)
    monkeypatch.setattr(pictures, "_to_rgb", fail)
    assert_refused(PictureError, lambda: open_picture(tmp_path / "big.png"), "big.png", "memory")


def test_large_pictures_below_the_limit_raise_no_warning(tmp_path: Path) -> None:
    # Pillow warns from 89 megapixels on; as an error, the warning would be the caller's problem.
    content = saved(Image.new("1", (9_500, 9_500)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (tmp_path / "large.png").write_bytes(content)
        assert open_picture(tmp_path / "large.png").size == (9_500, 9_500)


def test_what_pillow_logs_stays_off_stderr() -> None:
    # In a process of its own: pytest's log handlers would hide a missing one of ours.
    code = "import logging, swiftformer_keras.pictures; logging.getLogger('PIL.TiffImagePlugin').error('odd')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == ""


# --- folders ------------------------------------------------------------------------------------------------


def test_pictures_of_a_folder_come_sorted_by_name(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpeg", "10.webp", "9.tif", ".hidden.png", "notes.txt", "c"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "d.png").write_bytes(b"x")
    assert [path.name for path in find_pictures(tmp_path)] == ["10.webp", "9.tif", "a.jpeg", "b.PNG"]


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert_refused(PictureError, lambda: find_pictures(tmp_path), "holds no pictures")
    assert_refused(PictureError, lambda: find_pictures(tmp_path / "notes.txt"), "is a file")
    assert_refused(PictureError, lambda: find_pictures(tmp_path / "absent"), "no such folder")
    assert_refused(PictureError, lambda: find_pictures("a\0b"))
