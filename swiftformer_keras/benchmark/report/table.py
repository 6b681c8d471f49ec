"""Rows of text for a terminal; whoever prints them escapes what a terminal would act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from swiftformer_keras.benchmark.compare import FALSE_ALARM, Check, Comparison, device_name
from swiftformer_keras.benchmark.report import wording
from swiftformer_keras.benchmark.summary import Row, RunSummary, delegate_label, reservation, residency_text

_STYLES = {"wrong_answer": "bold red", "failed": "red", "refused": "dim", "not_run": "dim"}
_OUTCOMES = {"regressed": "bold red", "lost": "bold red", "unclear": "yellow", "within": ""}


@dataclass(frozen=True)
class Table:
    """A title, columns, rows of cells, and rich's style of each row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    styles: tuple[str, ...]


def run_table(summary: RunSummary) -> Table:
    """A run's configurations with their figures; wrong answers and failures are red."""
    run = summary.run
    columns = (
        "configuration", "delegate", "p50 ms", "interval", "p90", "p99", "mean", "MAD", "init", "first", "memory",
        "speed", "took", "state",
    )  # fmt: skip
    rows = tuple(_row(row, summary.baseline) for row in summary.rows)
    title = f"{device_name(run.device)}: {run.plan.preset}, {run.plan.processes} processes each"
    return Table(title, columns, rows, tuple(_style(row) for row in summary.rows))


def run_lines(summary: RunSummary) -> tuple[str, ...]:
    """What stands below the table: how to read it, and what must be known with each row."""
    lines = []
    covered = sorted({wording.coverage(row.interval) for row in summary.rows if row.interval is not None})
    if covered:
        lines.append(
            f"interval: for the median, from the processes' medians; covers it with {' or '.join(covered)}"
        )
    if summary.baseline is not None:
        held = wording.speed_coverage(summary.rows)
        lines.append(
            f"speed: how many times as fast as {summary.baseline.full_name}, by the medians"
            + (f"; its interval covers that with at least {held}" if held else "")
        )
    for about, remark, _ in wording.grouped_remarks(summary.rows):
        named = ", ".join(row.full_name for row in about[:3]) + (
            f" and {len(about) - 3} more" if len(about) > 3 else ""
        )
        lines.append(f"{named}: {remark}")
    for row in summary.rows:
        if row.result.verification is not None:
            lines.append(f"golden inputs, {row.full_name}: {wording.verification(row.result.verification)}")
    for row in summary.rows:
        if row.result.accuracy is not None:
            lines.append(f"labelled pictures, {row.full_name}: {wording.labelled(row.result.accuracy)}")
    lines += [f"note: {note}" for note in summary.run.notes]
    if summary.run.finished_at is None:
        lines.append("note: this run was not finished")
    return tuple(lines)


def comparison_table(comparison: Comparison, check: Check | None = None) -> Table:
    """Two runs side by side; with a check, its outcome for each configuration."""
    before, after = comparison.before.run, comparison.after.run
    title = f"{device_name(before.device)}, {before.started_at} -> {device_name(after.device)}, {after.started_at}"
    columns = ("configuration", "before ms", "after ms", "growth", "answer")
    outcomes = {} if check is None else {f.row.number: f for f in check.findings}
    rows, styles = [], []
    for pair in comparison.pairs:
        finding = outcomes.get(pair.before.number)
        growth = (finding and finding.growth) or pair.growth
        rows.append(
            (
                pair.name,
                wording.milliseconds(pair.before.median_ms),
                wording.milliseconds(pair.after.median_ms),
                "not compared" if growth is None else wording.ratio(growth),
                finding.outcome if finding else wording.STATUSES[pair.after.result.status],
            )
        )
        styles.append(_OUTCOMES[finding.outcome] if finding else _style(pair.after))
    for row in comparison.missing:
        finding = outcomes.get(row.number)
        answer = finding.outcome if finding else "not planned"
        rows.append((row.full_name, wording.milliseconds(row.median_ms), "", "not compared", answer))
        styles.append(_OUTCOMES[finding.outcome] if finding else "dim")
    return Table(title, columns, tuple(rows), tuple(styles))


def comparison_lines(comparison: Comparison) -> tuple[str, ...]:
    """What must be known with a comparison."""
    lines = [f"note: {remark}" for remark in comparison.remarks]
    lines += [f"{row.full_name}: not planned in the later run" for row in comparison.missing]
    lines += [f"{pair.name}: {remark}" for pair in comparison.pairs for remark in pair.remarks]
    return tuple(lines)


def check_lines(check: Check) -> tuple[str, ...]:
    """The check's answer, and how often it would be wrong."""
    bound = wording.percent(check.max_regression)
    counts: Sequence[tuple[str, int]] = [
        ("regressed", len(check.of("regressed"))),
        ("lost", len(check.of("lost"))),
        ("unclear", len(check.of("unclear"))),
        ("within", len(check.of("within"))),
    ]
    found = ", ".join(f"{count} {name}" for name, count in counts if count)
    lines = [
        f"bound {bound}: {found or 'nothing to check'}; a false alarm anywhere among them has a probability of at most "
        f"{wording.percent(check.false_alarm)} as far as processes differ by chance"
    ]
    if check.false_alarm > FALSE_ALARM:
        lines.append(
            "a false alarm gets rarer with more processes: --preset quick has 9, --preset full has 12"
        )
    if check.of("unclear"):
        lines.append("unclear: the interval holds the bound. More processes (--preset full) make it narrower")
    return tuple(lines)


def _row(row: Row, baseline: Row | None) -> tuple[object, ...]:
    return (
        row.name,
        delegate_label(row.result),
        wording.milliseconds(row.median_ms),
        wording.interval(row.interval),
        wording.milliseconds(row.p90_ms),
        wording.milliseconds(row.p99_ms),
        wording.milliseconds(row.mean_ms),
        wording.milliseconds(row.mad_ms),
        wording.milliseconds(row.initialization_ms),
        wording.milliseconds(row.first_inference_ms),
        wording.memory(row.memory_kib),
        wording.speed(row, baseline),
        residency_text(row.result),
        wording.STATUSES[row.result.status],
    )


def _style(row: Row) -> str:
    if row.result.status == "ok" and reservation(row.result):
        return "yellow"
    return _STYLES.get(row.result.status, "")
