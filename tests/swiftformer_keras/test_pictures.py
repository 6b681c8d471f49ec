"""What every kind of picture file becomes; `test_pictures_refused.py` has what is no picture."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swiftformer_keras.pictures import open_picture
from tests.picture_files import png, saved, tiff_12_bit, tiff_16_bit

RNG = np.random.default_rng(3)
COLOURS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)  # height 5, width 7: a turn shows
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (5, 7), dtype=np.uint8)


pytestmark = pytest.mark.usefixtures("nothing_on_the_terminal")


def read(content: bytes, folder: Path, name: str = "picture.png") -> np.ndarray:
    path = folder / name
    path.write_bytes(content)
    image = open_picture(path)
    assert image.mode == "RGB"
    return np.asarray(image)


def over_white(colours: np.ndarray, alpha: np.ndarray, largest: int = 255) -> np.ndarray:
    """The definition, in exact integers."""
    c, a = colours.astype(np.int64), alpha.astype(np.int64)
    return ((c * a + largest * (largest - a)) * 2 + largest) // (2 * largest)


# --- what every kind of picture becomes -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_colour_files_give_their_own_pixels(kind: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(saved(Image.fromarray(COLOURS), kind), tmp_path), COLOURS)


@pytest.mark.parametrize("kind", ["WEBP", "JPEG2000", "AVIF", "JPEG"])
def test_lossy_kinds_are_read(kind: str, tmp_path: Path) -> None:
    grey = Image.new("RGB", (16, 16), (90, 120, 150))
    np.testing.assert_allclose(read(saved(grey, kind), tmp_path).astype(int), np.asarray(grey), atol=3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_exif_rotation_is_undone(orientation: int, kind: str, tmp_path: Path) -> None:
    # EXIF 2.3, tag 0x0112: which side of the scene the first row and the first column show.
    scene = np.repeat(np.repeat([[255, 0], [128, 64], [32, 200]], 16, 0), 16, 1).astype(np.uint8)
    stored = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.T,
        6: scene.T[::-1],
        7: scene.T[::-1, ::-1],
        8: scene.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100} if kind in ("JPEG", "AVIF") else {"lossless": True} if kind == "WEBP" else {}
    content = saved(Image.fromarray(np.repeat(stored[..., None], 3, 2)), kind, exif=exif, **options)
    upright = read(content, tmp_path)[..., 0]
    assert upright.shape == scene.shape
    np.testing.assert_allclose(upright.astype(int), scene, atol=6)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(read(saved(Image.fromarray(COLOURS), "PNG", exif=exif), tmp_path), COLOURS)


@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0", b"Exif\0\0garbage", b"Exif\0\0"])
def test_damaged_exif_is_ignored(exif: bytes, tmp_path: Path) -> None:
    assert read(saved(Image.fromarray(COLOURS), "JPEG", exif=exif), tmp_path).shape == COLOURS.shape


def test_greyscale_is_repeated(tmp_path: Path) -> None:
    expected = np.repeat(GREY[..., None], 3, 2)
    np.testing.assert_array_equal(read(saved(Image.fromarray(GREY), "PNG"), tmp_path), expected)


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    bits = Image.fromarray(GREY).convert("1")
    np.testing.assert_array_equal(
        read(saved(bits, "PNG"), tmp_path), np.repeat(np.asarray(bits)[..., None], 3, 2) * 255
    )


def test_alpha_is_laid_over_white(tmp_path: Path) -> None:
    rgba = Image.fromarray(np.dstack([COLOURS, ALPHA]))
    expected = over_white(COLOURS, ALPHA[..., None])
    np.testing.assert_array_equal(read(saved(rgba, "PNG"), tmp_path), expected)


def test_every_colour_and_alpha_is_rounded_as_stated(tmp_path: Path) -> None:
    colours, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    rgba = Image.fromarray(np.dstack([colours, colours, colours, alpha]))
    np.testing.assert_array_equal(read(saved(rgba, "PNG"), tmp_path)[..., 1], over_white(colours, alpha))


def test_grey_with_alpha_is_laid_over_white(tmp_path: Path) -> None:
    content = saved(Image.fromarray(np.dstack([GREY, ALPHA])), "PNG")
    np.testing.assert_array_equal(read(content, tmp_path)[..., 0], over_white(GREY, ALPHA))


def palette_picture() -> Image.Image:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 10, 20, 30])
    image.putdata([0, 1, 2])
    return image


def test_a_palette_gives_its_colours(tmp_path: Path) -> None:
    pixels = read(saved(palette_picture(), "PNG"), tmp_path)
    np.testing.assert_array_equal(pixels, [[[255, 0, 0], [0, 255, 0], [10, 20, 30]]])


@pytest.mark.parametrize(
    ("transparency", "expected"),
    [(1, [[255, 0, 0], [255, 255, 255], [10, 20, 30]]), (b"\xff\x00\x80", None)],
    ids=["one colour", "alpha of each"],
)
def test_transparent_palette_colours_become_white(
    transparency: object, expected: list[list[int]] | None, tmp_path: Path
) -> None:
    pixels = read(saved(palette_picture(), "PNG", transparency=transparency), tmp_path)
    if expected is None:
        expected = [
            [255, 0, 0],
            [255, 255, 255],
            over_white(np.array([10, 20, 30]), np.array([128])).tolist(),
        ]
    np.testing.assert_array_equal(pixels[0], expected)


def test_a_palette_with_alpha_band(tmp_path: Path) -> None:
    content = saved(palette_picture().convert("PA"), "TIFF")
    assert Image.open(io.BytesIO(content)).mode == "PA"
    np.testing.assert_array_equal(read(content, tmp_path)[0, 0], [255, 0, 0])


def test_one_transparent_colour_becomes_white(tmp_path: Path) -> None:
    pixels = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    content = saved(Image.fromarray(pixels), "PNG", transparency=(1, 2, 3))
    np.testing.assert_array_equal(read(content, tmp_path), [[[255, 255, 255], [4, 5, 6]]])


# --- 16 bits: round(v / 257), and no less exactly in colour, of which Pillow itself drops the low byte ---

ALL_16_BIT = np.arange(65536, dtype=np.uint16).reshape(64, 1024)
DIVIDED = np.array([round(v / 257) for v in range(65536)], np.uint8).reshape(64, 1024)


def test_16_bit_grey_png_is_divided_by_257(tmp_path: Path) -> None:
    content = png(1024, 64, 16, 0, ALL_16_BIT.astype(">u2").tobytes())
    np.testing.assert_array_equal(read(content, tmp_path), np.repeat(DIVIDED[..., None], 3, 2))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_the_same_in_every_kind(kind: str, tmp_path: Path) -> None:
    content = saved(Image.fromarray(ALL_16_BIT), kind)
    np.testing.assert_array_equal(read(content, tmp_path)[..., 2], DIVIDED)


def test_a_transparent_grey_of_16_bits_becomes_white(tmp_path: Path) -> None:
    rows = np.array([[300, 301]], ">u2").tobytes()
    content = png(2, 1, 16, 0, rows, (b"tRNS", struct.pack(">H", 300)))
    np.testing.assert_array_equal(read(content, tmp_path)[0, :, 0], [255, 1])


def colour_16_bit(channels: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 65536, (31, 17, channels), dtype=np.uint16)


def test_16_bit_rgb_png_is_divided_by_257(tmp_path: Path) -> None:
    values = colour_16_bit(3)
    pixels = read(png(17, 31, 16, 2, values.astype(">u2").tobytes()), tmp_path)
    np.testing.assert_array_equal(pixels, DIVIDED.reshape(-1)[values])
    assert (pixels != values >> 8).any(), "what Pillow itself makes of it would pass too"


def test_a_transparent_colour_of_16_bits_becomes_white(tmp_path: Path) -> None:
    values = colour_16_bit(3)
    content = png(
        17, 31, 16, 2, values.astype(">u2").tobytes(), (b"tRNS", values[3, 4].astype(">u2").tobytes())
    )
    expected = DIVIDED.reshape(-1)[values]
    expected[3, 4] = 255
    np.testing.assert_array_equal(read(content, tmp_path), expected)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_of_several_pieces_has_each_row_in_its_place(channels: int, tmp_path: Path) -> None:
    values = np.random.default_rng(7).integers(0, 65536, (701, 800, channels), dtype=np.uint16)
    colour = {1: 0, 3: 2, 4: 6}[channels]
    eight = DIVIDED.reshape(-1)[values]
    expected = over_white(eight[..., :3], eight[..., 3:]) if channels == 4 else eight + np.zeros(3, np.uint8)
    pixels = read(png(800, 701, 16, colour, values.astype(">u2").tobytes()), tmp_path)
    np.testing.assert_array_equal(pixels, expected)


def test_16_bit_rgba_png_is_divided_then_laid_over_white(tmp_path: Path) -> None:
    values = colour_16_bit(4)
    eight = DIVIDED.reshape(-1)[values]
    pixels = read(png(17, 31, 16, 6, values.astype(">u2").tobytes()), tmp_path)
    np.testing.assert_array_equal(pixels, over_white(eight[..., :3], eight[..., 3:]))


def test_16_bit_grey_with_alpha_png_is_divided_then_laid_over_white(tmp_path: Path) -> None:
    values = colour_16_bit(2)
    eight = DIVIDED.reshape(-1)[values]
    pixels = read(png(17, 31, 16, 4, values.astype(">u2").tobytes()), tmp_path)
    np.testing.assert_array_equal(pixels[..., 0], over_white(eight[..., 0], eight[..., 1]))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflated", [False, True])
def test_16_bit_rgb_tiff_is_divided_by_257(order: str, deflated: bool, tmp_path: Path) -> None:
    values = colour_16_bit(3)
    np.testing.assert_array_equal(
        read(tiff_16_bit(values, order, deflated), tmp_path), DIVIDED.reshape(-1)[values]
    )


@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize(("order", "photometric"), [("<", 0), ("<", 1), (">", 1), ("<", None)])
def test_16_bit_grey_tiff_has_its_own_black(
    order: str, photometric: int | None, deflated: bool, tmp_path: Path
) -> None:
    # TIFF 6.0, tag 262: 0 is white where it is 0, and Pillow takes 0 where the tag is missing.
    values = ALL_16_BIT if photometric == 1 else 65535 - ALL_16_BIT
    pixels = read(tiff_16_bit(values[..., None], order, deflated, photometric), tmp_path)
    np.testing.assert_array_equal(pixels, np.repeat(DIVIDED[..., None], 3, 2))


def test_12_bit_grey_tiff_is_scaled_by_its_own_white(tmp_path: Path) -> None:
    values = np.arange(4096).reshape(64, 64)
    expected = [round(Fraction(v * 255, 4095)) for v in range(4096)]
    np.testing.assert_array_equal(read(tiff_12_bit(values, "<"), tmp_path)[..., 1].reshape(-1), expected)


def test_one_channel_is_the_same_in_a_plane_of_its_own(tmp_path: Path) -> None:
    content = tiff_16_bit(ALL_16_BIT[..., None], "<", deflated=True, photometric=1, planes=True)
    np.testing.assert_array_equal(read(content, tmp_path)[..., 0], DIVIDED)


def test_16_bit_rgb_ppm_is_divided_by_257(tmp_path: Path) -> None:
    values = colour_16_bit(3)
    content = b"P6 17 31 65535\n" + values.astype(">u2").tobytes()
    np.testing.assert_array_equal(read(content, tmp_path), DIVIDED.reshape(-1)[values])


# --- CMYK, YCCK, animations ---------------------------------------------------------------------------


def test_cmyk_jpeg(tmp_path: Path) -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    np.testing.assert_allclose(
        read(saved(image, "JPEG", quality=100), tmp_path), np.full((16, 16, 3), (255, 0, 0)), atol=4
    )


def test_ycck_jpeg(tmp_path: Path) -> None:
    # Pillow writes CMYK inverted, as Adobe does. With the transform flag of the APP14 segment set to 2 the same
    # planes are YCCK: Y, Cb, Cr of the inks as if they were R, G, B (JFIF formulas), and inverted K.
    y, cb, cr, black = 100, 110, 170, 20
    content = saved(Image.new("CMYK", (16, 16), (255 - y, 255 - cb, 255 - cr, black)), "JPEG", quality=100)
    at = content.index(b"Adobe") + 11
    pixels = read(content[:at] + b"\x02" + content[at + 1 :], tmp_path)
    inks = (y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128))
    expected = [(255 - ink) * (255 - black) / 255 for ink in inks]
    np.testing.assert_allclose(pixels, np.broadcast_to(expected, (16, 16, 3)), atol=4)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_an_animation_the_first_frame_is_taken(kind: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((200, 30, 30), (30, 200, 30), (30, 30, 200))]
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    assert getattr(Image.open(io.BytesIO(content)), "n_frames", 1) == 3
    np.testing.assert_allclose(read(content, tmp_path), np.asarray(frames[0]), atol=4)


def test_a_gif_with_a_transparent_colour(tmp_path: Path) -> None:
    pixels = read(saved(palette_picture(), "GIF", transparency=1), tmp_path, "picture.gif")
    np.testing.assert_array_equal(pixels, [[[255, 0, 0], [255, 255, 255], [10, 20, 30]]])


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(saved(Image.fromarray(COLOURS), "BMP"), tmp_path, "x.jpg"), COLOURS)


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(saved(Image.fromarray(COLOURS), "PNG"))
    (tmp_path / "link.png").symlink_to("real.png")
    np.testing.assert_array_equal(np.asarray(open_picture(str(tmp_path / "link.png"))), COLOURS)
