"""What a command prints: progress and warnings on stderr, its result on stdout as text or as one JSON object."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from swiftformer_keras import __version__, interruption
from swiftformer_keras.cli.text import printable
from swiftformer_keras.strict_json import plain

if TYPE_CHECKING:
    from rich.padding import Padding
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID
    from rich.table import Table
    from rich.text import Text

_WIDE = 10_000
"""Columns of a table that goes to a file or a pipe: nothing is wrapped or cut there."""


class Console:
    """Printing for one run of one command."""

    def __init__(self, command: str, *, as_json: bool, quiet: bool) -> None:
        self.command, self.as_json, self.quiet = command, as_json, quiet

    @contextlib.contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """Progress on stderr for as long as the block runs: a bar on a terminal, plain lines otherwise."""
        if self.quiet:
            yield Progress()
        elif sys.stderr.isatty():
            with _bars() as bars:
                yield _BarProgress(bars, what)
        else:
            yield _LineProgress(what)

    def note(self, *lines: str) -> None:
        """Part of the account of what was done; silent with --quiet and --json."""
        interruption.check()  # nothing is called done after a Ctrl-C
        if not (self.quiet or self.as_json):
            for line in lines:
                print(printable(line))

    def warn(self, message: str, *, always: bool = False) -> None:
        """One warning line on stderr; with --json it belongs into the object, but for what none says (`always`)."""
        if always or not self.as_json:
            print(f"Warning: {printable(message)}", file=sys.stderr)

    def problem(self, message: str) -> None:
        """One error line on stderr for a part that failed while others went on."""
        if not self.as_json:
            print(f"Error: {printable(message)}", file=sys.stderr)

    def print(self, *lines: str) -> None:
        """Lines of the result itself; silent only with --json."""
        if not self.as_json:
            for line in lines:
                print(printable(line))

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        styles: Sequence[str] | None = None,
    ) -> None:
        """A table of the result on stdout; columns that hold numbers (`int`, `float`) are right-aligned.

        `styles` has rich's style of each row, for terminals that have colours.
        """
        if self.as_json:
            return
        from rich.console import Console as RichConsole
        from rich.measure import Measurement

        texts = [[printable(_cell(value)) for value in row] for row in rows]
        console = RichConsole(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
        styles = [""] * len(rows) if styles is None else styles
        numeric = [
            bool(rows) and all(isinstance(row[index], (int, float)) for row in rows)
            for index in range(len(columns))
        ]
        grid = _grid(printable(title), columns, texts, numeric, styles)
        with console.capture() as captured:
            wanted = Measurement.get(console, console.options.update(max_width=_WIDE), grid).maximum
            if len(columns) > 2 and wanted > console.width:
                console.print(*_list(printable(title), columns, texts, styles), sep="\n")
            else:
                console.print(grid)
        print("\n".join(line.rstrip() for line in captured.get().splitlines()))

    def result(self, fields: dict[str, Any]) -> None:
        """The one object of --json: the command, our version and `fields`; without --json nothing."""
        if self.as_json:
            interruption.check()
            content = plain({"command": self.command, "version": __version__, **fields})
            print(json.dumps(content, allow_nan=False))


class Progress:
    """Takes progress and shows none; library functions call it with a step's name and how far it is."""

    def __call__(self, step: str, done: int = 0, total: int = 0) -> None:
        """`done` of `total` units of `step`; a total of 0 is unknown. A Ctrl-C that got lost ends it here."""
        interruption.check()
        self._show(step, done, total)

    def _show(self, step: str, done: int, total: int) -> None:
        """Nothing, where nobody wants to see it."""

    def asking(self, prompt: Callable[[str], str]) -> Callable[[str], str]:
        """The same question, with nothing shown over it until it is answered."""

        def ask(text: str) -> str:
            with self._hidden():
                return prompt(text)

        return ask

    def _hidden(self) -> contextlib.AbstractContextManager[None]:
        """Within the block nothing is shown."""
        return contextlib.nullcontext()


class _LineProgress(Progress):
    """A line when a step begins."""

    def __init__(self, what: str) -> None:
        self._last = what
        print(f"{printable(what)} ...", file=sys.stderr, flush=True)

    def _show(self, step: str, done: int, total: int) -> None:
        if step != self._last:
            self._last = step
            print(f"  {printable(step)} ...", file=sys.stderr, flush=True)


class _BarProgress(Progress):
    """A bar with the current step's name; it vanishes when all is done."""

    def __init__(self, bars: RichProgress, what: str) -> None:
        self._bars, self._what = bars, what
        self._task: TaskID = bars.add_task(printable(what), total=None)

    def _show(self, step: str, done: int, total: int) -> None:
        description = f"{printable(self._what)}: {printable(step)}"
        self._bars.update(self._task, description=description, completed=done, total=total or None)

    @contextlib.contextmanager
    def _hidden(self) -> Iterator[None]:
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()


def _bars() -> RichProgress:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    return Bars(*columns, console=RichConsole(file=sys.stderr), transient=True)


def _grid(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    styles: Sequence[str],
) -> Table:
    """A table as such: a line a row."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    for column, right in zip(columns, numeric, strict=True):
        table.add_column(Text(column), justify="right" if right else "left", overflow="fold")
    for row, style in zip(rows, styles, strict=True):
        table.add_row(*map(Text, row), style=style)
    return table


def _list(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str]
) -> Iterator[Text | Padding]:
    """The same where the terminal is too narrow for a line a row: the first two columns lead, the rest follow."""
    from rich.padding import Padding
    from rich.text import Text

    yield Text(title)
    for row, style in zip(rows, styles, strict=True):
        yield Text("  ".join(filter(None, row[:2])), style=style, overflow="fold")
        rest = [f"{column}: {value}" for column, value in zip(columns[2:], row[2:], strict=True) if value]
        if rest:
            yield Padding(Text("; ".join(rest), overflow="fold"), (0, 0, 0, 4))
    yield Text()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
