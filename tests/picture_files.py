"""Picture files built byte by byte, or by Pillow in memory."""

from __future__ import annotations

import io
import struct
import zlib

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


def tiff_16_bit(values: np.ndarray, order: str, deflated: bool) -> bytes:
    """A TIFF file (revision 6.0) of one strip from uint16 `(height, width, 3)`; order "<" or ">"."""
    height, width, _ = values.shape
    strip = values.astype(f"{order}u2").tobytes()
    strip = zlib.compress(strip) if deflated else strip
    strip += bytes(len(strip) % 2)
    head = b"II*\0" if order == "<" else b"MM\0*"
    bits_at, strip_at = 8, 14
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits_at), (259, 3, 1, 8 if deflated else 1)]
    tags += [
        (262, 3, 1, 2),
        (273, 4, 1, strip_at),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, len(strip)),
    ]
    directory = struct.pack(f"{order}H", len(tags))
    for tag, kind, count, value in tags:
        short = (kind, count) == (3, 1)  # sits in the first two of the four value bytes
        packed = struct.pack(f"{order}HH", value, 0) if short else struct.pack(f"{order}I", value)
        directory += struct.pack(f"{order}HHI", tag, kind, count) + packed
    bits = struct.pack(f"{order}HHH", 16, 16, 16)
    return head + struct.pack(f"{order}I", strip_at + len(strip)) + bits + strip + directory + bytes(4)
