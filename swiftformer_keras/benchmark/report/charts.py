"""The page's charts, a strip for each configuration: pure functions from rows to SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from swiftformer_keras.benchmark.report import svg, wording
from swiftformer_keras.benchmark.report.svg import Axis, at, drawing, element, grid, percent, stretched
from swiftformer_keras.benchmark.summary import LEAST_MS, Row, takes_part

HEIGHT = 44
_BINS = 260
_MIDDLE = 33  # where a distribution's ground line is, pixels from the top


def tone(row: Row) -> str:
    """The class that colours a row's marks: its delegate, or "bad" for what takes no part in ratios."""
    return row.result.configuration.delegate if takes_part(row) else "bad"


def latency_axis(rows: Sequence[Row]) -> Axis | None:
    """One axis for the latencies of all rows: from the smallest to the largest p99 or process median."""
    values = [value for row in rows for value in (*row.medians_ms.values(), row.p99_ms, *_ends(row)) if value]
    return svg.value_axis(values) if values else None


def distribution(row: Row, axis: Axis) -> Markup:
    """How a row's timed runs are distributed: an area, the median with its interval, p90, p99, and each process."""
    marks = [grid(axis, HEIGHT)]
    samples = [sample for process in _ended(row) for sample in process.samples_ms]
    if samples:
        marks.append(_area(samples, axis, tone(row)))
    if row.median_ms is None:
        return drawing(f"{row.full_name}: nothing was measured", *marks, height=HEIGHT)
    marks.append(element("line", class_="ground", x1=percent(0), x2=percent(1), y1=_MIDDLE, y2=_MIDDLE))
    for value in filter(None, (row.p90_ms, row.p99_ms)):
        where = percent(axis.position(value))
        marks.append(element("line", class_="quantile", x1=where, x2=where, y1=_MIDDLE - 9, y2=_MIDDLE))
    if row.interval is not None:
        low, high = (percent(axis.position(end)) for end in (row.interval.low, row.interval.high))
        marks.append(element("line", class_=f"interval {tone(row)}", x1=low, x2=high, y1=_MIDDLE, y2=_MIDDLE))
    marks += [
        element(
            "circle", class_=f"process {tone(row)}", cx=percent(axis.position(median)), cy=_MIDDLE + 6, r=2.2
        )
        for median in row.medians_ms.values()
    ]
    where = percent(axis.position(row.median_ms))
    marks.append(element("line", class_="median", x1=where, x2=where, y1=3, y2=_MIDDLE + 4))
    return drawing(_distribution_text(row), *marks, height=HEIGHT)


def axis_strip(axis: Axis, unit: str) -> Markup:
    """The values below a column of strips."""
    return element(
        "svg", svg.tick_labels(axis, unit), class_="strip axis", width="100%", height=20, aria_hidden="true"
    )


def residency(row: Row) -> Markup:
    """How much of the graph the delegate took, as a bar."""
    found = row.result.residency
    height, name = 18, row.full_name
    if found is None or found.taken is None or not found.total:
        box = element("rect", class_="share unknown", x=0, y=3, width="100%", height=12, rx=3)
        return drawing(f"{name}: share unknown", box, height=height)
    share = min(1.0, found.taken / found.total)
    took = f"share {row.result.configuration.delegate}{' unsure' * (found.verdict == 'unknown')}"
    bars = [
        element("rect", class_="share rest", x=0, y=3, width="100%", height=12, rx=3),
        element("rect", class_=took, x=0, y=3, width=f"{100 * share:.2f}%", height=12, rx=3),
    ]
    return drawing(f"{name}: {found.taken} of {found.total} operators", *bars, height=height)


def accuracy(rows: Sequence[Row]) -> Markup | None:
    """Top-1 against the median latency, with both intervals; None where no row has both.

    Points close to each other share a label; what takes no part in ratios is a cross, at the edge where it lies
    outside of what the others span.
    """
    both = [row for row in rows if row.result.accuracy is not None and row.median_ms is not None]
    good = [row for row in both if takes_part(row)]
    if not both:
        return None
    shares = [end for row in good or both for end in _ends_of_accuracy(row)]
    room = max(0.004, 0.15 * (max(shares) - min(shares)))
    vertical = svg.linear_axis(100 * max(0.0, min(shares) - room), 100 * min(1.0, max(shares) + room), 5)
    horizontal = svg.value_axis([row.median_ms or 0.0 for row in both])
    marks = [_scatter_grid(horizontal, vertical)]
    placed: list[tuple[float, float, list[int], Row]] = []
    for row in sorted(both, key=lambda row: row.median_ms or 0.0):
        x, y = _scatter_position(row, horizontal, vertical)
        marks.append(_point(row, x, y, horizontal, vertical))
        near = next((p for p in placed if abs(p[0] - x) < 0.04 and abs(p[1] - y) < 0.06), None)
        if near is not None:
            placed.remove(near)
        placed.append((x, y, [*(near[2] if near else ()), row.number], row))
    for x, y, numbers, row in placed:
        side = -1 if x > 0.85 else 1
        anchor = "end" if side < 0 else "start"
        label = element(
            "text",
            ", ".join(map(str, sorted(numbers))),
            class_=f"label {tone(row)}",
            x=side * 9,
            y=-8,
            text_anchor=anchor,
        )
        marks.append(at(x, y, label))
    title = f"Top-1 accuracy against median latency of {len(both)} configurations; the table below has the figures"
    return drawing(title, *marks, height=300, class_="plot")


def _scatter_grid(horizontal: Axis, vertical: Axis) -> Markup:
    lines = [
        element("line", class_="grid", x1=where, x2=where, y1=0, y2="100%")
        for where in (percent(horizontal.position(tick)) for tick in horizontal.ticks)
    ]
    for tick in vertical.ticks:
        height = f"{100 - 100 * vertical.position(tick):.2f}%"
        lines.append(element("line", class_="grid", x1=percent(0), x2=percent(1), y1=height, y2=height))
        if 0.02 < vertical.position(tick) < 0.95:
            label = element("text", f"{svg.tick_text(tick)} %", class_="tick", x=2, y=-4)
            lines.append(at(0, vertical.position(tick), label))
    return Markup("").join(lines)


def _point(row: Row, x: float, y: float, horizontal: Axis, vertical: Axis) -> Markup:
    if not takes_part(row):
        cross = element("path", class_="cross bad", d="M-5-5L5 5M-5 5L5-5")
        return at(x, y, element("title", f"{row.full_name}: not compared"), cross)
    marks = []
    low, high = (f"{100 - 100 * vertical.position(100 * share):.2f}%" for share in _ends_of_accuracy(row)[:2])
    marks.append(
        element("line", class_=f"whisker {tone(row)}", x1=percent(x), x2=percent(x), y1=low, y2=high)
    )
    if row.interval is not None:
        left, right = (percent(horizontal.position(end)) for end in (row.interval.low, row.interval.high))
        level = f"{100 - 100 * y:.2f}%"
        marks.append(element("line", class_=f"whisker {tone(row)}", x1=left, x2=right, y1=level, y2=level))
    if (
        row.result.accuracy is not None
        and row.result.accuracy.host is not None
        and row.result.accuracy.host.total
    ):
        host = vertical.position(100 * row.result.accuracy.host.share)
        marks.append(at(x, host, element("circle", class_=f"ring {tone(row)}", r=7.5)))
    marks.append(
        at(x, y, element("circle", element("title", row.full_name), class_=f"dot {tone(row)}", r=4.5))
    )
    return Markup("").join(marks)


def _scatter_position(row: Row, horizontal: Axis, vertical: Axis) -> tuple[float, float]:
    share = row.result.accuracy.device.share if row.result.accuracy else 0.0
    y = vertical.position(100 * share)
    return horizontal.position(row.median_ms or 0.0), min(max(y, 0.03), 0.97)


def _ends_of_accuracy(row: Row) -> tuple[float, ...]:
    found = row.result.accuracy
    if found is None:
        return ()
    return (
        found.device.low,
        found.device.high,
        *([found.host.share] if found.host and found.host.total else []),
    )


def _area(samples: Sequence[float], axis: Axis, class_: str) -> Markup:
    """The runs' histogram over the axis, as one filled shape; what lies beyond the axis is counted at its end."""
    positions = np.clip([axis.position(sample) for sample in samples], 0.0, 1.0)
    counts, edges = np.histogram(positions, bins=_BINS, range=(0.0, 1.0))
    smooth = np.convolve(counts, (0.25, 0.5, 0.25), mode="same")
    heights = smooth / smooth.max() * (_MIDDLE - 6) / HEIGHT
    ground = 1 - _MIDDLE / HEIGHT
    centres = (edges[:-1] + edges[1:]) / 2
    used = np.flatnonzero(smooth)
    inside = range(max(0, used[0] - 1), min(_BINS, used[-1] + 2))
    outline = [(float(centres[index]), float(ground + heights[index])) for index in inside]
    outline = [(outline[0][0], ground), *outline, (outline[-1][0], ground)]
    return stretched(element("polygon", class_=f"area {class_}", points=svg.points(outline)))


def _distribution_text(row: Row) -> str:
    parts = [f"{row.full_name}: median {wording.milliseconds(row.median_ms)} ms"]
    if row.interval is not None:
        parts.append(f"interval {wording.interval(row.interval)} ms")
    if row.p99_ms is not None:
        parts.append(f"p90 {wording.milliseconds(row.p90_ms)} ms, p99 {wording.milliseconds(row.p99_ms)} ms")
    return ", ".join([*parts, f"{row.runs} runs in {len(row.medians_ms)} processes"])


def _ended(row: Row) -> list:
    return [process for process in row.result.processes if process.error is None]


def _ends(row: Row) -> list[float]:
    """The smallest timed run, which an axis must show; a largest one may be an outlier beyond all others."""
    smallest = [min(process.samples_ms) for process in _ended(row) if process.samples_ms]
    return [value for value in smallest if value >= LEAST_MS]
