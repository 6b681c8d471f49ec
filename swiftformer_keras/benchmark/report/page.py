"""What the page says of each run and comparison, ready for the template. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from swiftformer_keras.benchmark.compare import Check, Comparison, Finding, device_name
from swiftformer_keras.benchmark.report import charts, drift, svg, table, wording
from swiftformer_keras.benchmark.report.sheet import device_sheet
from swiftformer_keras.benchmark.summary import Row, RunSummary, takes_part

_LOGS = 12  # log excerpts a run
_LOG_LINES = 80


@dataclass(frozen=True)
class Tile:
    """One fact in large letters; `alarm` makes it red."""

    what: str
    value: str
    more: str
    alarm: bool = False


@dataclass(frozen=True)
class ComparisonLine:
    """A pair as a row of its table."""

    name: str
    before: Row
    after: Row | None
    growth: str
    finding: Finding | None
    remarks: str
    bad: bool


def run_section(summary: RunSummary) -> dict[str, Any]:
    """The template's names for one run."""
    run, rows = summary.run, summary.rows
    axis = charts.latency_axis(rows)
    line = drift.timeline(run, rows)
    measured = [row for row in rows if row.median_ms is not None]
    accurate = [row for row in rows if row.result.accuracy is not None]
    plot = charts.accuracy(rows)
    return {
        "summary": summary,
        "title": f"{device_name(run.device)}, {run.started_at[:16].replace('T', ' ')}",
        "subtitle": _subtitle(summary),
        "notes": [
            *run.notes,
            *([] if run.finished_at else ["This run was not finished: what follows is a part of it."]),
        ],
        "tiles": _tiles(summary),
        "caption": _caption(summary),
        "names": {row.number: row.full_name for row in rows},
        "remarks": wording.grouped_remarks(rows),
        "logs": _logs(rows),
        "distributions": [(row, charts.distribution(row, axis)) for row in measured] if axis else [],
        "distribution_axis": charts.axis_strip(axis, " ms") if axis else None,
        "axis_text": _axis_text(axis),
        "accuracy": plot,
        "accuracy_axis": _accuracy_axis(rows) if plot is not None else None,
        "accurate": accurate,
        "verified": [(row, row.result.verification) for row in rows if row.result.verification is not None],
        "drifts": [(row, drift.strip(row, line)) for row in measured] if line else [],
        "drift_axis": charts.axis_strip(line.minutes, " min") if line else None,
        "span": wording.percent(line.span) if line else None,
        "heat": drift.heat(run, line) if line else None,
        "residencies": [(row, charts.residency(row)) for row in rows if row.result.residency is not None],
        "sheet": device_sheet(run),
    }


def comparison_section(comparison: Comparison, check: Check | None) -> dict[str, Any]:
    """The template's names for one comparison."""
    findings = {} if check is None else {finding.row.number: finding for finding in check.findings}
    lines = []
    for pair in comparison.pairs:
        finding = findings.get(pair.before.number)
        growth = (finding and finding.growth) or pair.growth
        remarks = [
            *pair.remarks,
            *([] if takes_part(pair.after) else [pair.after.result.reason or "not compared"]),
        ]
        bad = not takes_part(pair.after) or (finding is not None and finding.outcome in ("regressed", "lost"))
        text = "not compared" if growth is None else wording.ratio(growth)
        name = pair.name
        lines.append(ComparisonLine(name, pair.before, pair.after, text, finding, "; ".join(remarks), bad))
    for row in comparison.missing:
        finding = findings.get(row.number)
        why = "not planned in the later run"
        lines.append(
            ComparisonLine(row.full_name, row, None, "not compared", finding, why, finding is not None)
        )
    before, after = comparison.before.run, comparison.after.run
    notes = list(comparison.remarks)
    notes += list(table.check_lines(check)) if check else []
    return {
        "title": f"{device_name(before.device)}, {before.started_at[:16].replace('T', ' ')} and "
        f"{device_name(after.device)}, {after.started_at[:16].replace('T', ' ')}",
        "check": check,
        "lines": lines,
        "notes": notes,
    }


def _subtitle(summary: RunSummary) -> str:
    run = summary.run
    parts = [
        f"Android {run.device.android_version}" if run.device.android_version else "",
        run.device.soc or "",
    ]
    parts.append(f"{len(run.configurations)} configurations in {run.plan.processes} processes each")
    parts.append(f"preset {run.plan.preset}, runner {run.plan.runner}, seed {run.plan.seed}")
    return " · ".join(filter(None, parts))


def _tiles(summary: RunSummary) -> list[Tile]:
    tiles = []
    fastest, baseline = summary.fastest, summary.baseline
    if fastest is not None:
        more = f"{fastest.full_name}; interval {wording.interval(fastest.interval) or 'unknown'} ms"
        tiles.append(Tile("fastest right answer", f"{wording.milliseconds(fastest.median_ms)} ms", more))
        if baseline is not None and fastest.speed is not None:
            tiles.append(
                Tile(
                    "beside the baseline",
                    f"{wording.factor(fastest.speed.value)}x",
                    f"{wording.ratio(fastest.speed)}, against {baseline.full_name}",
                )
            )
    counts = {
        status: [row for row in summary.rows if row.result.status == status] for status in wording.STATUSES
    }
    measured = len([row for row in summary.rows if takes_part(row)])
    tiles.append(
        Tile("compared", f"{measured} of {len(summary.rows)}", "configurations that take part in ratios")
    )
    for status, what in (("wrong_answer", "wrong answers"), ("failed", "failed")):
        if counts[status]:
            numbers = ", ".join(str(row.number) for row in counts[status][:12])
            tiles.append(Tile(what, str(len(counts[status])), f"configuration {numbers}", alarm=True))
    return tiles


def _caption(summary: RunSummary) -> str:
    covered = sorted({wording.coverage(row.interval) for row in summary.rows if row.interval is not None})
    text = f"The interval covers the median with {' or '.join(covered)}. " if covered else ""
    if summary.baseline is not None:
        text += f"Speed is against configuration {summary.baseline.number}"
        held = wording.speed_coverage(summary.rows)
        text += f"; its interval covers it with at least {held}." if held else "."
    return text


def _logs(rows: Sequence[Row]) -> list[tuple[str, Markup]]:
    """What each is of, and its last lines: of processes, and of what ran besides the rounds."""
    found = []
    for row in rows:
        of = [(f"round {process.round + 1}", process.log_excerpt) for process in row.result.processes]
        of.append(("outside of the rounds, or of a round that was measured again", row.result.log_excerpt))
        for where, excerpt in of:
            if excerpt:
                lines = excerpt.splitlines()[-_LOG_LINES:]
                # Escaped here line by line, so that its line breaks stay the only thing a page keeps of its layout.
                log = Markup("\n").join(wording.shown_text(line, 400) for line in lines)
                found.append((f"{row.full_name}, {where}", log))
    return found[:_LOGS]


def _axis_text(axis: svg.Axis | None) -> str:
    if axis is None:
        return ""
    scale = "The axis is logarithmic: equal distances are equal ratios. " if axis.logarithmic else ""
    return f"{scale}Runs beyond the axis are counted at its end."


def _accuracy_axis(rows: Sequence[Row]) -> Markup:
    both = [row.median_ms for row in rows if row.result.accuracy is not None and row.median_ms is not None]
    return charts.axis_strip(svg.value_axis(both), " ms")
