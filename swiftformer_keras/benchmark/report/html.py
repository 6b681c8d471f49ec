"""One HTML page of runs and comparisons: nothing is loaded, nothing is run, and foreign text stays text.

Four things keep it so, each alone enough: jinja2 escapes every value, every text is cut to printable characters
(`wording.shown_text`), there is no script, and a content security policy allows the one style sheet by its hash and
nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from swiftformer_keras import __version__
from swiftformer_keras.benchmark.compare import Check, Comparison, device_name
from swiftformer_keras.benchmark.report import charts, page, wording
from swiftformer_keras.benchmark.summary import RunSummary, reservation, residency_text, takes_part
from swiftformer_keras.files import write_atomically


def write_page(
    path: Path,
    summaries: Sequence[RunSummary],
    comparisons: Sequence[Comparison] = (),
    checks: Sequence[Check | None] = (),
    failures: Sequence[tuple[str, str]] = (),
    *,
    force: bool = False,
) -> None:
    """Write the page of these runs; `failures` are phones without one, each with the reason.

    Raises:
        OutputError: it cannot be written there, or is there already and `force` is not set.
    """
    text = render_page(summaries, comparisons, checks, failures)
    with write_atomically(path, force=force) as temporary:
        temporary.write_text(text, "utf-8")


def render_page(
    summaries: Sequence[RunSummary],
    comparisons: Sequence[Comparison] = (),
    checks: Sequence[Check | None] = (),
    failures: Sequence[tuple[str, str]] = (),
) -> str:
    """The page's text; `checks` are empty or one for each comparison, None where it has none."""
    folder = resources.files(__package__)
    style = (folder / "page.css").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_printable, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((folder / "page.html.j2").read_text("utf-8"))
    devices = list(dict.fromkeys(device_name(summary.run.device) for summary in summaries))
    answers: Sequence[Check | None] = checks or [None] * len(comparisons)
    pairs = zip(comparisons, answers, strict=True)
    return template.render(
        style=Markup(style),  # ours; not a word of it comes from outside
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        title=", ".join(devices[:4]) + (" and others" if len(devices) > 4 else ""),
        subtitle=_subtitle(summaries),
        sections=[page.run_section(summary) for summary in summaries],
        comparisons=[page.comparison_section(comparison, check) for comparison, check in pairs],
        failures=failures,
        made_by=f"Made by swiftformer {__version__}. This page loads nothing and runs no script.",
        words=wording,
        tone=charts.tone,
        takes_part=takes_part,
        reservation=reservation,
        residency_text=residency_text,
    )


def _printable(value: Any) -> Any:
    """What every `{{ value }}` goes through before it is escaped."""
    return (
        wording.shown_text(value, 600) if isinstance(value, str) and not isinstance(value, Markup) else value
    )


def _subtitle(summaries: Sequence[RunSummary]) -> str:
    days = sorted({summary.run.started_at[:10] for summary in summaries})
    count = len(summaries)
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{count} run{'s' if count != 1 else ''}, {when}"
