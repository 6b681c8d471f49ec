"""Latency and heat over the time of a run: pure functions from a run to SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from swiftformer_keras.benchmark.report import svg, wording
from swiftformer_keras.benchmark.report.charts import tone
from swiftformer_keras.benchmark.report.svg import Axis, at, drawing, element, grid, percent, stretched
from swiftformer_keras.benchmark.result import Run
from swiftformer_keras.benchmark.state import DeviceState
from swiftformer_keras.benchmark.summary import Row, process_median

HEIGHT = 46
HEAT_HEIGHT = 110
LEAST_SPAN = 0.03  # the vertical scale shows plus and minus 3 % at least


@dataclass(frozen=True)
class Timeline:
    """When things happened: minutes since the first process, and the largest share a median moved by."""

    first: datetime
    minutes: Axis
    span: float
    hot: tuple[tuple[float, float], ...]  # from and to, positions where the phone said it is too warm


def timeline(run: Run, rows: Sequence[Row]) -> Timeline | None:
    """The axes that all strips share; None where no moment can be read."""
    moments = [moment for r in run.configurations for p in r.processes if (moment := _moment(p.started_at))]
    states = [moment for state in _states(run) if (moment := _moment(state.at))]
    if not moments:
        return None
    first = min(moments)
    length = max((moment - first).total_seconds() / 60 for moment in (*moments, *states)) or 1.0
    minutes = svg.linear_axis(0.0, length)
    moved = [
        abs(median / row.median_ms - 1) for row in rows if row.median_ms for median in row.medians_ms.values()
    ]
    span = max([LEAST_SPAN, *moved]) * 1.15
    return Timeline(first, minutes, span, tuple(_hot(run, first, minutes)))


def strip(row: Row, line: Timeline) -> Markup:
    """Each process's median as its distance from the row's, in percent, when it was measured."""
    found = []
    for process in row.result.processes:
        median, moment = process_median(process), _moment(process.started_at)
        if median is None or moment is None or row.median_ms is None:
            continue
        found.append((_position(moment, line), 0.5 + (median / row.median_ms - 1) / (2 * line.span)))
    marks = [grid(line.minutes, HEIGHT), *_shades(line)]
    marks.append(element("line", class_="ground", x1=percent(0), x2=percent(1), y1="50%", y2="50%"))
    found.sort()
    if len(found) > 1:
        marks.append(stretched(element("polyline", class_=f"trace {tone(row)}", points=svg.points(found))))
    marks += [at(x, y, element("circle", class_=f"process {tone(row)}", r=2.6)) for x, y in found]
    lowest, highest = (
        wording.percent(extreme((y - 0.5) * 2 * line.span for _, y in found)) if found else ""
        for extreme in (min, max)
    )
    title = (
        f"{row.full_name}: process medians between {lowest} and {highest} of the median"
        if found
        else row.full_name
    )
    return drawing(title, *marks, height=HEIGHT)


def heat(run: Run, line: Timeline) -> Markup | None:
    """The battery's and the hottest sensor's temperature; None where neither was ever read."""
    battery: list[tuple[datetime, float]] = []
    sensors: list[tuple[datetime, float]] = []
    for state in _states(run):
        if (moment := _moment(state.at)) is None:
            continue
        if state.battery_temperature_c is not None:
            battery.append((moment, state.battery_temperature_c))
        if state.temperatures_c:
            sensors.append((moment, max(state.temperatures_c.values())))
    values = [value for _, value in (*battery, *sensors)]
    if not values:
        return None
    vertical = svg.linear_axis(min(values) - 2, max(values) + 2, 5)
    marks = [grid(line.minutes, HEAT_HEIGHT), *_shades(line)]
    for tick in vertical.ticks:
        level = f"{100 - 100 * vertical.position(tick):.2f}%"
        marks.append(element("line", class_="grid", x1=percent(0), x2=percent(1), y1=level, y2=level))
        marks.append(
            at(0, vertical.position(tick), element("text", f"{tick:g} °C", class_="tick", x=2, y=-3))
        )
    for pairs, kind in ((battery, "battery"), (sensors, "sensor")):
        route = [(_position(moment, line), vertical.position(value)) for moment, value in sorted(pairs)]
        if len(route) > 1:
            marks.append(stretched(element("polyline", class_=f"trace {kind}", points=svg.points(route))))
        else:
            marks += [at(x, y, element("circle", class_=f"dot {kind}", r=3)) for x, y in route]
    parts = [
        f"{name} {min(v for _, v in pairs):.1f} to {max(v for _, v in pairs):.1f} °C"
        for name, pairs in (("battery", battery), ("hottest sensor", sensors))
        if pairs
    ]
    return drawing(f"Temperatures over the run: {', '.join(parts)}", *marks, height=HEAT_HEIGHT)


def states_in_order(run: Run) -> list[DeviceState]:
    """All states of a run whose moment can be read, the earliest first."""
    found = [
        (moment, index, state) for index, state in enumerate(_states(run)) if (moment := _moment(state.at))
    ]
    return [state for _, _, state in sorted(found, key=lambda each: each[:2])]


def _states(run: Run) -> list[DeviceState]:
    return [
        state
        for result in run.configurations
        for process in result.processes
        for state in (process.state_before, process.state_after)
        if state is not None
    ]


def _hot(run: Run, first: datetime, minutes: Axis) -> list[tuple[float, float]]:
    """From a state in which the phone reports heat to the next one."""
    states = states_in_order(run)
    found: list[tuple[float, float]] = []
    for state, later in zip(states, [*states[1:], None], strict=True):
        start, end = _moment(state.at), _moment(later.at) if later else None
        if state.thermal_status and start is not None:
            left = minutes.position((start - first).total_seconds() / 60)
            right = 1.0 if end is None else minutes.position((end - first).total_seconds() / 60)
            if found and left <= found[-1][1]:
                found[-1] = (found[-1][0], right)
            else:
                found.append((left, right))
    return found


def _shades(line: Timeline) -> list[Markup]:
    whole = 100 - 2 * svg.EDGE
    return [
        element(
            "rect",
            class_="hot",
            x=percent(left),
            y=0,
            width=f"{whole * (right - max(left, 0)):.2f}%",
            height="100%",
        )
        for left, right in line.hot
        if right > max(left, 0)
    ]


def _position(moment: datetime, line: Timeline) -> float:
    return line.minutes.position((moment - line.first).total_seconds() / 60)


def _moment(text: str) -> datetime | None:
    """A moment that can be compared with others; None for a text that is none."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
