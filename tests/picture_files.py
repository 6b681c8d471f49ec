"""Picture files built byte by byte, or by Pillow in memory."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable

import numpy as np
from PIL import Image


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG file from raw rows; colour 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA (PNG specification, 11.2)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    stride = len(rows) // height if height else 0
    lines = b"".join(b"\0" + rows[y * stride : (y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunk(kind, content) for kind, content in extra)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff_16_bit(
    values: np.ndarray, order: str, deflated: bool, photometric: int | None = 2, planes: bool = False
) -> bytes:
    """A TIFF file (revision 6.0) from uint16 `(height, width, channels)`; order "<" or ">".

    Args:
        photometric: 0 white is zero, 1 black is zero, 2 RGB; None leaves the tag out.
        planes: each channel in a strip of its own (PlanarConfiguration 2), instead of one strip of all.
    """
    height, width, channels = values.shape
    parts = np.moveaxis(values, -1, 0) if planes else [values]
    strips = [np.ascontiguousarray(part).astype(f"{order}u2").tobytes() for part in parts]
    strips = [zlib.compress(strip) if deflated else strip for strip in strips]
    return _tiff(width, height, (16,) * channels, order, strips, 8 if deflated else 1, photometric, planes)


def tiff_12_bit(values: np.ndarray, order: str) -> bytes:
    """The same of one channel in 12 bits, two pixels in three bytes, from `(height, width)` of even width."""
    height, width = values.shape
    first, second = values.astype(np.uint16)[:, ::2], values.astype(np.uint16)[:, 1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1)
    return _tiff(width, height, (12,), order, [packed.astype(np.uint8).tobytes()], 1, 1, False)


def _tiff(
    width: int,
    height: int,
    bits: tuple[int, ...],
    order: str,
    strips: list[bytes],
    compression: int,
    photometric: int | None,
    planes: bool,
) -> bytes:
    data = b"II*\0" if order == "<" else b"MM\0*"
    data += bytes(4)  # where the directory is, known at the end

    def put(content: bytes) -> int:
        nonlocal data
        data += bytes(len(data) % 2)
        at = len(data)
        data += content
        return at

    def field(kind: int, values: Iterable[int]) -> tuple[int, int, bytes]:
        """Kind, count and the four bytes of the value, or of where it is."""
        values = tuple(values)
        content = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(content) > 4:
            content = struct.pack(f"{order}I", put(content))
        return kind, len(values), content.ljust(4, b"\0")

    tags = {
        256: field(4, [width]),
        257: field(4, [height]),
        258: field(3, bits),
        259: field(3, [compression]),
        262: field(3, [photometric or 0]),
        273: field(4, [put(strip) for strip in strips]),
        277: field(3, [len(bits)]),
        278: field(4, [height]),
        279: field(4, map(len, strips)),
        284: field(3, [2 if planes else 1]),
    }
    if photometric is None:
        del tags[262]
    directory = struct.pack(f"{order}H", len(tags))
    for tag, (kind, count, value) in tags.items():
        directory += struct.pack(f"{order}HHI", tag, kind, count) + value
    at = put(directory + bytes(4))
    return data[:4] + struct.pack(f"{order}I", at) + data[8:]
