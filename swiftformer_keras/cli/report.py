"""`swiftformer report`: shows saved benchmark runs, makes their page, and compares them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import ForceFlag, JsonFlag, QuietFlag
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swiftformer_keras.benchmark.compare import Check
    from swiftformer_keras.benchmark.report.table import Table


def report(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="RUN.json...", help="What swiftformer benchmark wrote, the earliest first."),
    ],
    html: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="Write one page with all of it, for any browser.")
    ] = None,
    max_regression: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT",
            help="Exit code 3 where a median grew by more, as in 5%, beyond what chance explains, is lost, or nothing "
            "was there to check.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --max-regression: also where it is not clear that it held.")
    ] = False,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Show saved benchmark runs and compare them: before and after, or several phones.

    Each run is compared with the first one of the same phone, else of the same model, or of all where there is none.
    With --max-regression, the first run of a phone of which more follow is not checked: they are held against it.
    """
    from swiftformer_keras.benchmark import OUTPUT_VERSION
    from swiftformer_keras.benchmark import compare as comparing
    from swiftformer_keras.benchmark.report import table
    from swiftformer_keras.benchmark.report.data import comparison_data, run_data
    from swiftformer_keras.benchmark.run_file import read_run
    from swiftformer_keras.benchmark.summary import summarise_run
    from swiftformer_keras.files import check_output

    console = Console("report", as_json=json, quiet=quiet)
    bound = None
    if max_regression is not None:
        try:
            bound = comparing.parse_bound(max_regression)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--max-regression") from None
        if len(files) < 2:
            raise typer.BadParameter("give two runs at least.", param_hint="--max-regression")
    elif strict:
        raise typer.BadParameter("goes with --max-regression.", param_hint="--strict")
    if html is not None:
        check_output(html, force=force)
    summaries = [summarise_run(read_run(file)) for file in files]
    comparisons = comparing.compare_all(summaries)
    checks = () if bound is None else comparing.check_all(comparisons, bound)
    for summary in summaries:
        _show(console, table.run_table(summary), table.run_lines(summary))
    for index, comparison in enumerate(comparisons):
        check = checks[index] if checks else None
        lines = table.comparison_lines(comparison) + (table.check_lines(check) if check else ())
        _show(console, table.comparison_table(comparison, check), lines)
    if html is not None:
        from swiftformer_keras.benchmark.report.html import write_page

        write_page(html, summaries, comparisons, checks, force=force)
        console.note(f"Wrote {html}")
    missed = _missed(checks, strict)
    content = {
        "format_version": OUTPUT_VERSION,
        "runs": [run_data(summary) for summary in summaries],
        "comparisons": [
            comparison_data(each, checks[index] if checks else None) for index, each in enumerate(comparisons)
        ],
        "html": None if html is None else str(html),
    }
    console.result({**content, "met": _met(checks)} if checks else content)
    if missed:
        for line in missed:
            console.problem(line)
        raise typer.Exit(3)


def _show(console: Console, shown: Table, lines: tuple[str, ...]) -> None:
    console.table(shown.title, shown.columns, shown.rows, shown.styles)
    console.print(*(f"  {line}" for line in lines), "")


def _met(checks: Sequence[Check | None]) -> bool | None:
    """Whether the bound holds in all comparisons; None where that is not clear."""
    answers = {check.met for check in checks if check is not None}
    return False if False in answers else None if None in answers else True


def _missed(found: Sequence[Check | None], strict: bool) -> list[str]:
    """One line for each configuration that does not hold the bound, and for each run that has nothing to hold it."""
    checks = [check for check in found if check is not None]
    wanted = ("regressed", "lost", "unclear") if strict else ("regressed", "lost")
    return [
        f"{finding.name}: {finding.outcome}, {finding.text}"
        for check in checks
        for finding in check.findings
        if finding.outcome in wanted
    ] + [
        f"{shown(check.comparison.before.run.started_at, 40)}: nothing was checked, for that run has no "
        "configuration that was measured to the end. Give one that has as the earlier run"
        for check in checks
        if not check.findings
    ]
