"""Picture files in, upright 8-bit RGB out.

Whatever the file holds (greyscale, transparency, a palette, 16 bits, CMYK, an animation, a rotated
photograph), the rest of the project sees one kind of picture. Files come from strangers: each mistake is
one `PictureError` line, and only decoders that stay inside this process are allowed (Pillow's EPS reader,
for one, starts Ghostscript).
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from swiftformer_keras.errors import PictureError
from swiftformer_keras.shown import shown

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""Pillow's names of the file formats that are read (MPO, as phones write it, is read as JPEG)."""

SUFFIXES = frozenset(
    {
        ".avif",
        ".bmp",
        ".gif",
        ".jfif",
        ".jp2",
        ".jpeg",
        ".jpg",
        ".mpo",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".tif",
    }
    | {".tiff", ".webp"}
)
"""File name endings that `find_pictures` takes, in lower case."""

MAX_PIXELS = 2 * 89_478_485
"""Largest picture that is decoded: Pillow's own limit against decompression bombs, 179 megapixels."""

ORIENTATION_TAG = 0x0112
_STDERR = 2  # file descriptor
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation to the turn that undoes it (EXIF 2.3, tag 0x0112; 1 is upright)."""

# Pillow reads the high bytes of 16-bit colour; the unpacker of the other byte order gives the low ones.
_NATIVE_LOW = "16B" if sys.byteorder == "little" else "16L"
_LOW_BYTES = {"16B": "16L", "16L": "16B", "16N": _NATIVE_LOW}

# Pillow logs what is odd in a file; without a handler Python would print that on stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def open_picture(path: str | os.PathLike[str]) -> Image.Image:
    """Read a picture file as an upright picture of mode RGB.

    EXIF rotation is undone (as `PIL.ImageOps.exif_transpose`); greyscale is repeated; transparency is laid
    over white, `round((c * a + 255 * (255 - a)) / 255)`; 16 bits become 8 by `round(v / 257)` (no ties: 257
    is odd); CMYK and YCCK are converted by Pillow without a colour profile; of an animation the first
    frame is taken. JPEG 2000 and AVIF files of more than 8 bits are rounded by their own decoders.

    Returns:
        A loaded `PIL.Image.Image`, mode RGB, no file behind it.

    Raises:
        PictureError: the file is missing, not a regular file, not a picture, damaged, cut short, of more
            than `MAX_PIXELS` pixels, or its pixels have no stated range (float, 32-bit, Lab).
    """
    where = shown(path)
    with _regular_file(path, where) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _read(file, where)
        except PictureError:
            raise
        except UnidentifiedImageError:
            raise PictureError(
                f"{where}: not a picture of a known kind ({', '.join(FORMATS)}). Save it as PNG or JPEG."
            ) from None
        except Image.DecompressionBombError:
            raise _too_large(where) from None
        except MemoryError:
            raise PictureError(f"{where}: not enough memory to decode it. Make it smaller first.") from None
        except Exception as error:  # noqa: BLE001
            # Decoders fail in every way there is on a damaged file: OSError, SyntaxError, ValueError,
            # struct.error, zlib.error, KeyError, … Pillow documents no common base.
            reason = shown(str(error) or type(error).__name__, 100).rstrip(".")
            raise PictureError(
                f"{where}: damaged or cut short ({reason}). Copy or download it again."
            ) from None


def find_pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """The picture files directly inside `folder` (by their endings, `SUFFIXES`), sorted by name.

    Hidden files are left out and folders inside it are not searched.

    Raises:
        PictureError: no such folder, it cannot be listed, or it holds no pictures.
    """
    where, folder = shown(folder), Path(folder)
    try:
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "no such folder"
            raise PictureError(f"{where}: {what}. Give a folder of pictures.")
        found = [
            entry
            for entry in folder.iterdir()
            if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".") and entry.is_file()
        ]
    except (OSError, ValueError) as error:
        raise PictureError(f"{where}: cannot be listed ({_reason(error)}). Check the path.") from None
    if not found:
        raise PictureError(
            f"{where}: holds no pictures ({' '.join(sorted(SUFFIXES))}; folders inside it are not searched). "
            "Give the folder that the files are in."
        )
    return sorted(found, key=lambda entry: entry.name)


@contextmanager
def _regular_file(path: str | os.PathLike[str], where: str) -> Iterator[IO[bytes]]:
    """Open for reading; never waits on a pipe or a device, and says what is wrong with anything else."""
    try:
        if Path(path).is_dir():
            raise PictureError(f"{where}: is a folder. Give a picture file.")
        # A pipe without a writer would block in open(); O_NONBLOCK does nothing on a regular file.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise PictureError(f"{where}: no such file. Check the path.") from None
    except PermissionError:
        raise PictureError(f"{where}: no permission to read it. Change its permissions.") from None
    except (OSError, ValueError) as error:
        raise PictureError(f"{where}: cannot be opened ({_reason(error)}). Check the path.") from None
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise PictureError(f"{where}: is a pipe, socket or device. Give a picture file.")
        if facts.st_size == 0:
            raise PictureError(f"{where}: is empty. Copy or download it again.")
        yield file


def _read(file: IO[bytes], where: str) -> Image.Image:
    with Image.open(file, formats=FORMATS) as image:
        width, height = image.size
        if width < 1 or height < 1:
            raise PictureError(f"{where}: is {width} x {height} pixels. Save it again with pixels in it.")
        if width * height > MAX_PIXELS:
            raise _too_large(where)
        low_tiles, grey_alpha = _low_byte_tiles(image)
        with _silent_libtiff(image):
            image.load()
        # After load(): Pillow turns TIFF files itself and then has no orientation any more.
        turn = _UPRIGHT.get(_orientation(image))
        if low_tiles:
            file.seek(0)
            with Image.open(file, formats=FORMATS) as low:
                low.tile = low_tiles
                with _silent_libtiff(low):
                    low.load()
                rgb = _from_two_bytes(image, low, grey_alpha)
        else:
            rgb = _to_rgb(image, where)
    return rgb if turn is None else rgb.transpose(turn)


@contextmanager
def _silent_libtiff(image: Image.Image) -> Iterator[None]:
    """Keep libtiff's own complaints off the terminal: it writes them to file descriptor 2, then fails anyway.

    For the moment of decoding a compressed TIFF file, and of no other, the descriptor leads nowhere.
    """
    if all(tile.codec_name != "libtiff" for tile in getattr(image, "tile", [])):
        yield
        return
    try:
        kept = os.dup(_STDERR)
    except OSError:  # there is no stderr to keep clean
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001  a damaged EXIF block fails in any way; viewers ignore it, so do we
        return 1


def _to_rgb(image: Image.Image, where: str) -> Image.Image:
    """8-bit or 16-bit grey pixels of any mode to RGB."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        grey = np.asarray(image).astype(np.uint32)
        eight_bit = ((grey + 128) // 257).astype(np.uint8)
        if isinstance(clear := image.info.get("transparency"), int):
            eight_bit[grey == clear] = 255
        return Image.fromarray(eight_bit).convert("RGB")
    if image.mode in ("I", "F", "LAB", "HSV"):
        kind = {"I": "32-bit integer", "F": "floating-point"}.get(image.mode, image.mode)
        raise PictureError(
            f"{where}: has {kind} pixels, whose range is not stated. Save it with 8 or 16 bits per channel."
        )
    if image.has_transparency_data:
        return _over_white(image.convert("RGBA"))
    return image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    """RGBA to RGB; Pillow's blend is the rounded division by 255."""
    return Image.composite(image.convert("RGB"), Image.new("RGB", image.size, "white"), image.getchannel("A"))


def _low_byte_tiles(image: Image.Image) -> tuple[list[Any], bool]:
    """The tiles of a 16-bit colour file with the unpacker that gives the low bytes; nothing for other files.

    The second value says that it is grey with alpha: Pillow has no unpacker for these low bytes, but read
    as 8-bit RGBA, which is as wide, the four bytes of a pixel come as they are: grey, its low byte, alpha,
    its low byte.
    """
    tiles: list[Any] = []
    grey_alpha = False
    for tile in getattr(image, "tile", []):
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        mode, _, bits = str(arguments[0]).partition(";")
        if bits not in _LOW_BYTES or mode not in ("RGB", "RGBA", "RGBX", "LA"):
            return [], False
        grey_alpha = mode == "LA"
        low = "RGBA" if grey_alpha else f"{mode};{_LOW_BYTES[bits]}"
        tiles.append(tile._replace(args=(low, *arguments[1:]) if isinstance(tile.args, tuple) else low))
    return tiles, grey_alpha


def _from_two_bytes(high: Image.Image, low: Image.Image, grey_alpha: bool) -> Image.Image:
    """16-bit RGB or RGBA, read as high and as low bytes, to RGB."""
    first, second = np.asarray(high), np.asarray(low).astype(np.int16)
    if grey_alpha:
        second = second[..., (1, 1, 1, 3)]
    # v = 256 h + l = 257 h + (l - h), so round(v / 257) is h, or one more or less.
    excess = second - first
    eight_bit = (first + (excess > 128) - (excess < -128)).astype(np.uint8)
    if high.mode == "RGBA":
        return _over_white(Image.fromarray(eight_bit))
    if isinstance(clear := high.info.get("transparency"), tuple):
        values = first.astype(np.uint16) * 256 + second.astype(np.uint16)
        eight_bit[np.all(values == clear, axis=-1)] = 255
    return Image.fromarray(eight_bit)


def _too_large(where: str) -> PictureError:
    return PictureError(f"{where}: has more than {MAX_PIXELS:,} pixels. Make it smaller first.")


def _reason(error: Exception) -> str:
    return shown(getattr(error, "strerror", None) or str(error), 100)
