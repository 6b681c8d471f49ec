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
from collections.abc import Callable, Iterator, Mapping
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

MAX_PIXELS = 2**27
"""Largest picture that is decoded, 134 megapixels; half of that in JPEG 2000.

Reading takes up to 16 bytes a pixel, and the JPEG 2000 decoder alone, which works in 32-bit integers, up to 32:
2 GiB at most, for a picture of a phone's 108 megapixels as for a small file that claims as many."""

MAX_SIDE = 2**17
"""Largest height or width: Pillow spends 8 bytes or more on each row beside its pixels."""

_PIECE_PIXELS = 2**18
"""Pixels that are converted at a time: 40 bytes each are in use then, in numpy and in copies."""

_Box = tuple[int, int, int, int]

ORIENTATION_TAG = 0x0112
_BITS_TAG, _PHOTOMETRIC_TAG, _PLANAR_TAG = 258, 262, 284  # TIFF 6.0, section 8
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
    is odd), 12 by `round(v * 255 / 4095)`; of 16-bit CMYK and premultiplied alpha the high bytes are taken;
    CMYK and YCCK are converted by Pillow without a colour profile; of an animation the first frame is taken.
    JPEG 2000 and AVIF files of more than 8 bits are rounded by their own decoders.
    Reading takes up to 16 bytes a pixel, of JPEG 2000 up to 32.

    Returns:
        A loaded `PIL.Image.Image`, mode RGB, no file behind it.

    Raises:
        PictureError: the file is missing, not a regular file, not a picture, damaged, cut short, of more
            than `MAX_PIXELS` pixels or `MAX_SIDE` in a row or column, or its pixels have no stated range
            (float, 32-bit, Lab).
    """
    where = shown(path)
    with _regular_file(path, where) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rgb, turn = _read(file, where)
            return rgb if turn is None else rgb.transpose(turn)
        except PictureError:
            raise
        except UnidentifiedImageError:
            raise PictureError(
                f"{where}: not a picture of a known kind ({', '.join(FORMATS)}). Save it as PNG or JPEG."
            ) from None
        except Image.DecompressionBombError:
            raise _too_large(where, MAX_PIXELS) from None
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


def _read(file: IO[bytes], where: str) -> tuple[Image.Image, Image.Transpose | None]:
    """The picture as RGB, and the turn that sets it upright; turned by the caller, when what was read is freed."""
    with Image.open(file, formats=FORMATS) as image:
        _check_size(image, where)
        _check_planes(image, where)
        low_tiles, grey_alpha = _low_byte_tiles(image)
        with _silent_libtiff(image):
            image.load()
        # After load(): Pillow turns TIFF files itself and then has no orientation any more.
        turn = _UPRIGHT.get(_orientation(image))
        if not low_tiles:
            return _to_rgb(image, where), turn
        file.seek(0)
        with Image.open(file, formats=FORMATS) as low:
            low.tile = low_tiles
            with _silent_libtiff(low):
                low.load()
            return _from_two_bytes(image, low, grey_alpha), turn


def _check_size(image: Image.Image, where: str) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise PictureError(f"{where}: is {width} x {height} pixels. Save it again with pixels in it.")
    limit = MAX_PIXELS // 2 if image.format == "JPEG2000" else MAX_PIXELS
    if width * height > limit:
        raise _too_large(where, limit)
    if max(width, height) > MAX_SIDE:
        raise PictureError(
            f"{where}: is {width:,} x {height:,} pixels, and {MAX_SIDE:,} a side are read. Cut it first."
        )


def _check_planes(image: Image.Image, where: str) -> None:
    """Refuse what Pillow reads with the 8-bit unpacker, or compressed without the low bytes, and says nothing."""
    tags = _tiff_tags(image)
    planes = tags.get(_PLANAR_TAG, 1) == 2 and len(image.getbands()) > 1
    if planes and max(tags.get(_BITS_TAG, (1,))) > 8:
        raise PictureError(
            f"{where}: is a TIFF file of 16-bit planes, which Pillow does not read rightly. "
            "Save its channels interleaved, or as PNG."
        )


def _tiff_tags(image: Image.Image) -> Mapping[int, Any]:
    return getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}


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
        tags = _tiff_tags(image)
        largest = 4095 if tags.get(_BITS_TAG) == (12,) else 65535
        # Of 16 bits Pillow takes no notice of WhiteIsZero; a file without the tag is such a one to it in 8 bits.
        inverted = bool(tags) and tags.get(_PHOTOMETRIC_TAG, 0) == 0
        return _in_pieces(image.size, lambda box: _from_16_bit_grey(image.crop(box), largest, inverted))
    if image.mode in ("I", "F", "LAB", "HSV"):
        kind = {"I": "32-bit integer", "F": "floating-point"}.get(image.mode, image.mode)
        raise PictureError(
            f"{where}: has {kind} pixels, whose range is not stated. Save it with 8 or 16 bits per channel."
        )
    if image.has_transparency_data:
        return _in_pieces(image.size, lambda box: _over_white(image.crop(box).convert("RGBA")))
    return image.convert("RGB")


def _in_pieces(size: tuple[int, int], convert: Callable[[_Box], Image.Image]) -> Image.Image:
    """An RGB picture of this width and height, made piece by piece, so that only one is held in other forms.

    Args:
        convert: a box of (left, top, right, bottom) to the RGB picture in it.
    """
    whole = Image.new("RGB", size)
    width, height = size
    rows = max(1, _PIECE_PIXELS // width)  # MAX_SIDE keeps one row below a piece
    for top in range(0, height, rows):
        box = (0, top, width, min(top + rows, height))
        whole.paste(convert(box), box)
    return whole


def _from_16_bit_grey(image: Image.Image, largest: int, inverted: bool) -> Image.Image:
    """`round(v * 255 / largest)`; there are no ties, as 65535 / 255 = 257 and 4095 / 255 = 273 / 17 are odd."""
    grey = np.asarray(image).astype(np.uint32)
    eight_bit = ((grey * 510 + largest) // (2 * largest)).astype(np.uint8)
    if isinstance(clear := image.info.get("transparency"), int):
        eight_bit[grey == clear] = 255
    return Image.fromarray(255 - eight_bit if inverted else eight_bit).convert("RGB")


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

    def convert(box: _Box) -> Image.Image:
        first, second = np.asarray(high.crop(box)), np.asarray(low.crop(box)).astype(np.int16)
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

    return _in_pieces(high.size, convert)


def _too_large(where: str, limit: int) -> PictureError:
    return PictureError(f"{where}: has more than {limit:,} pixels. Make it smaller first.")


def _reason(error: Exception) -> str:
    return shown(getattr(error, "strerror", None) or str(error), 100)
