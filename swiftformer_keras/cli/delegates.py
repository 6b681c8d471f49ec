"""How `swiftformer inspect --delegate` shows what delegates take: runtimes with the same answer are shown as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from swiftformer_keras.cli.console import Console

if TYPE_CHECKING:
    from converters.tflite.delegates.lint import DelegateReport

_LISTED = 6  # numbers of operators shown of one cause


def show_delegates(console: Console, reports: Sequence[DelegateReport]) -> None:
    """One account a runtime: how much is taken, what is not and why, what to change."""
    from converters.tflite.delegates.lint import causes

    columns = ["operator", "type", "count", "where", "why not", "what to do"]
    for number, group in enumerate(_alike(reports)):
        report = group[0]
        console.print(*[""] * (number > 0))
        console.print(f"{_titles(group)}: {_summary(report)}")
        rows = [
            (cause.name, cause.kind, len(cause.operators), _where(cause.operators), _why(cause.outcome, cause.reason),
             cause.advice)
            for cause in causes(report)
        ]  # fmt: skip
        if rows:
            console.table("", columns, rows)
        references = sorted({verdict.reference for verdict in report.verdicts if verdict.reference})
        lines = [f"  problem: {text}" for text in report.problems]
        lines += [f"  warning: {text}" for text in report.warnings]
        lines += [f"  rules: {reference}" for reference in references]
        console.print(*lines)


def _alike(reports: Sequence[DelegateReport]) -> list[list[DelegateReport]]:
    """Neighbours that differ in nothing but the API level, the last word of their titles."""
    groups: list[list[DelegateReport]] = []
    for report in reports:
        if groups and _but_level(groups[-1][0]) == _but_level(report):
            groups[-1].append(report)
        else:
            groups.append([report])
    return groups


def _but_level(report: DelegateReport) -> tuple[object, ...]:
    return report.title.rsplit(" ", 1)[0], report.verdicts, report.problems


def _titles(group: Sequence[DelegateReport]) -> str:
    first, last = group[0].title, group[-1].title
    return first if len(group) == 1 else f"{first} to {last.rsplit(' ', 1)[-1]}"


def _summary(report: DelegateReport) -> str:
    total = len(report.verdicts)
    parts = [f"takes {report.taken} of {total} operators in {report.partitions} partition(s)"]
    if report.pieces > report.partitions:
        parts.append(f"the graph falls into {report.pieces} pieces")
    for count, what in ((report.refused, "refused by the runtime"), (report.unknown, "unknown")):
        if count:
            parts.append(f"{count} {what}")
    return ", ".join(parts)


def _where(operators: Sequence[int]) -> str:
    shown = ", ".join(map(str, operators[:_LISTED]))
    return f"{shown}, ..." if len(operators) > _LISTED else shown


def _why(outcome: str, reason: str) -> str:
    return f"{outcome}: {reason}" if outcome in ("refused", "unknown") else reason
