"""A sensitivity drawn: one bar a group, as SVG or PNG, from one list of shapes."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageDraw, ImageFont

from converters.tflite.sensitivity import Sensitivity
from swiftformer_keras.errors import ConfigError
from swiftformer_keras.files import check_output, write_atomically
from swiftformer_keras.shown import shown

SUFFIXES = (".svg", ".png")

_ROW, _NAME, _BAR, _NUMBER, _MARGIN, _FONT = 22, 250, 420, 170, 16, 13
"""Pixels: height of a row; widths of names, of the longest bar and of the numbers; margin; size of letters."""

_INK, _FILL, _PAPER = "#202020", "#2f6f9f", "#ffffff"


@dataclasses.dataclass(frozen=True)
class _Text:
    """A text whose middle line is at `y`."""

    x: int
    y: int
    words: str


@dataclasses.dataclass(frozen=True)
class _Bar:
    x: int
    y: int
    width: int
    height: int


def check_plot(path: Path, *, force: bool) -> None:
    """Refuse a picture that could not be drawn.

    Raises:
        ConfigError: its name ends neither in .svg nor in .png.
        OutputError: it exists, or could not be written.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{shown(path)}: a picture's file name ends in {' or '.join(SUFFIXES)}")
    check_output(path, force=force)


def write_plot(found: Sensitivity, path: Path, *, force: bool = False) -> None:
    """Draw the groups' shares of the noise; the same result gives the same bytes.

    Raises:
        As `check_plot`.
    """
    check_plot(path, force=force)
    width, height, shapes = _layout(found)
    draw = _as_svg if path.suffix == ".svg" else _as_png
    content = draw(width, height, shapes)
    with write_atomically(path, force=force) as temporary:
        temporary.write_bytes(content)


def _layout(found: Sensitivity) -> tuple[int, int, list[_Text | _Bar]]:
    """Width and height of the picture in pixels, and what is on it."""
    title = f"Noise of int8 by group, one at a time: {found.gelu} GELU, {found.pictures} pictures"
    shapes: list[_Text | _Bar] = [_Text(_MARGIN, _MARGIN + _ROW // 2, title)]
    longest = max((group.share for group in found.groups), default=0) or 1
    for row, group in enumerate(found.groups, 1):
        top = _MARGIN + row * _ROW
        bar = round(_BAR * group.share / longest)
        left = _MARGIN + _NAME
        shapes += [
            _Text(_MARGIN, top + _ROW // 2, group.name),
            _Bar(left, top + 3, bar, _ROW - 6),
            _Text(left + bar + 8, top + _ROW // 2, f"{group.share:.1%}, {in_decibels(group.sqnr_db)}"),
        ]
    return 2 * _MARGIN + _NAME + _BAR + _NUMBER, 2 * _MARGIN + _ROW * (len(found.groups) + 1), shapes


def in_decibels(value: float | None) -> str:
    """A signal-to-noise ratio in words."""
    return "no difference" if value is None else f"{value:.1f} dB"


def _as_svg(width: int, height: int, shapes: list[_Text | _Bar]) -> bytes:
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "height": str(height),
            "font-family": "sans-serif",
            "font-size": str(_FONT),
        },
    )
    ElementTree.SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": _PAPER})
    for shape in shapes:
        if isinstance(shape, _Bar):
            facts = {name: str(value) for name, value in dataclasses.asdict(shape).items()}
            ElementTree.SubElement(root, "rect", {**facts, "fill": _FILL})
        else:
            facts = {"x": str(shape.x), "y": str(shape.y), "fill": _INK, "dominant-baseline": "middle"}
            ElementTree.SubElement(root, "text", facts).text = shape.words
    ElementTree.indent(root)
    return ElementTree.tostring(root, "utf-8") + b"\n"


def _as_png(width: int, height: int, shapes: list[_Text | _Bar]) -> bytes:
    picture = Image.new("RGB", (width, height), _PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(_FONT)
    for shape in shapes:
        if isinstance(shape, _Text):
            draw.text((shape.x, shape.y), shape.words, fill=_INK, font=font, anchor="lm")
        elif shape.width:
            corner = (shape.x + shape.width - 1, shape.y + shape.height - 1)
            draw.rectangle(((shape.x, shape.y), corner), fill=_FILL)
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()
