"""SVG elements as text, and the axes of charts. Pure; every attribute and every text is escaped.

Charts here have no width of their own: positions are percentages and sizes are pixels, so that one drawing serves a
telephone and a desk, with text of one size on both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

LEAST, MOST = 1e-9, 1e18  # what an axis of values reaches from and to, whatever they are
EDGE = 1.5  # percent of the width that stays free on both sides


def element(name: str, *children: str | Markup, **attributes: object) -> Markup:
    """`<name attributes>children</name>`; `class_` and `stroke_width` become class and stroke-width."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _plain(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inside)


def percent(position: float) -> str:
    """A position from 0 to 1 within the edges, as SVG has it."""
    return f"{_plain(EDGE + (100 - 2 * EDGE) * min(max(position, 0.0), 1.0))}%"


@dataclass(frozen=True)
class Axis:
    """A range of values with its ticks; `logarithmic` gives equal room to equal ratios."""

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def position(self, value: float) -> float:
        """Where a value lies, 0 to 1 for those within the range."""
        if self.logarithmic:
            return math.log(max(value, LEAST) / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def value_axis(values: Sequence[float], *, most_ticks: int = 6) -> Axis:
    """An axis for positive values: from zero, or logarithmic where the largest is 5 times the smallest or more."""
    low, high = (min(max(value, LEAST), MOST) for value in (min(values), max(values)))
    if high / low >= 5:
        low, high = low / 1.12, high * 1.12
        return Axis(low, high, _log_ticks(low, high, most_ticks), logarithmic=True)
    spread = high - low
    if spread < 1e-9 * high:  # ticks could not be told apart
        return linear_axis(0.9 * low if low > LEAST else 0.0, 1.1 * high, most_ticks)
    low, high = max(0.0, low - 0.15 * spread), high + 0.08 * spread
    return linear_axis(low, high, most_ticks)


def linear_axis(low: float, high: float, most_ticks: int = 6) -> Axis:
    """An axis from `low` to `high` with ticks at round values within."""
    step = nice_step((high - low) / most_ticks)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return Axis(low, high, tuple((first + index) * step for index in range(count)))


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20 ... (and below) that is not less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10, 20) if step * power >= least * (1 - 1e-9))


def _log_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        within = tuple(tick for tick in ticks if low <= tick <= high)
        if len(within) <= most:
            return within
    return within[:: math.ceil(len(within) / most)]


def grid(axis: Axis, height: int) -> Markup:
    """A line over the whole height at each tick."""
    return Markup("").join(
        element("line", class_="grid", x1=at, x2=at, y1=0, y2=height)
        for at in (percent(axis.position(tick)) for tick in axis.ticks)
    )


def tick_labels(axis: Axis, unit: str = "") -> Markup:
    """The ticks' values, centred below them; those at the ends are kept inside."""
    labels = []
    for tick in axis.ticks:
        position = axis.position(tick)
        anchor = "start" if position < 0.03 else "end" if position > 0.97 else "middle"
        labels.append(
            element(
                "text", tick_text(tick) + unit, class_="tick", x=percent(position), y=14, text_anchor=anchor
            )
        )
    return Markup("").join(labels)


def tick_text(value: float) -> str:
    """A round value without trailing zeros."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


def stretched(*children: Markup) -> Markup:
    """Paths whose coordinates, 0 to 1000 across and 0 to 100 down, are stretched over the space within the edges."""
    return element(
        "svg",
        *children,
        x=f"{EDGE}%",
        width=f"{100 - 2 * EDGE}%",
        height="100%",
        viewBox="0 0 1000 100",
        preserveAspectRatio="none",
        class_="inner",
    )


def at(x: float, y: float, *children: Markup) -> Markup:
    """Children whose own coordinates are pixels around the point (x, y), both 0 to 1; y counts from the bottom."""
    return element("svg", *children, x=percent(x), y=f"{_plain(100 - 100 * y)}%", class_="inner")


def points(pairs: Sequence[tuple[float, float]]) -> str:
    """Pairs of 0 to 1 (y from the bottom) as the points of a stretched polyline."""
    return " ".join(f"{_plain(1000 * x)},{_plain(100 - 100 * y)}" for x, y in pairs)


def drawing(title: str, *children: Markup, height: int, class_: str = "strip") -> Markup:
    """A drawing as wide as its place; `title` says in words what it shows."""
    return element(
        "svg",
        element("title", title),
        *children,
        role="img",
        class_=class_,
        width="100%",
        height=height,
        aria_label=title,
    )


def _plain(value: object) -> object:
    """Numbers without digits that no screen shows."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
