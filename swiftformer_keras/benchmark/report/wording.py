"""Figures in words, the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence

from converters.top1 import Top1
from swiftformer_keras.benchmark.result import Accuracy, Verification
from swiftformer_keras.benchmark.statistics import Interval, Ratio
from swiftformer_keras.benchmark.summary import Row, takes_part
from swiftformer_keras.shown import shown

STATUSES = {
    "ok": "measured",
    "failed": "failed",
    "wrong_answer": "WRONG ANSWER",
    "refused": "refused",
    "not_run": "not run",
}


def shown_text(text: object, limit: int = 200) -> str:
    """A foreign text as one short printable line: control, bidi and other invisible characters become escapes."""
    return shown(text, limit)


def milliseconds(value: float | None) -> str:
    """Four digits that mean something: "61.58", "7.902", "1,203"; nothing for None."""
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 100 else f"{value:.2f}" if value >= 10 else f"{value:.3f}"


def interval(found: Interval | None) -> str:
    """ "24.64–25.45"; nothing for None."""
    return "" if found is None else f"{milliseconds(found.low)}–{milliseconds(found.high)}"


def percent(share: float, digits: int = 1) -> str:
    """A share, 0 to 1, as "96.1 %"."""
    return f"{100 * share:.{digits}f} %"


def coverage(found: Interval | None) -> str:
    """What an interval covers, as "96.1 %"."""
    return "" if found is None else percent(found.coverage)


def factor(value: float, digits: int = 2) -> str:
    """A ratio, "1.42", with fewer digits far from 1."""
    return f"{value:.1f}" if value >= 100 else f"{value:.{digits}f}" if value >= 0.1 else f"{value:.3g}"


def ratio(found: Ratio) -> str:
    """ "1.42x, 1.38–1.47"; with the reason where it is not told from 1.

    Where it is, it has as many digits as it takes to see so: "1.007x, 1.004–1.010".
    """
    if found.interval is None:
        return f"{factor(found.value)}x (too few processes for an interval)"
    texts: list[str] = []
    for digits in range(2, 8):
        texts = [factor(value, digits) for value in (found.value, found.interval.low, found.interval.high)]
        if not found.is_clear or 1.0 not in map(float, texts):
            break
    text = f"{texts[0]}x, {texts[1]}–{texts[2]}"
    return text if found.is_clear else f"{text} (not told from 1)"


def speed(row: Row, baseline: Row | None) -> str:
    """What stands in a row's column of ratios."""
    if row.speed is not None:
        return ratio(row.speed)
    if baseline is not None and row.number == baseline.number:
        return "1 (baseline)"
    return "no common rounds" if takes_part(row) else "not compared"


def speed_coverage(rows: Sequence[Row]) -> str:
    """What the intervals of the rows' speeds cover at least; nothing where there is none."""
    found = [row.speed.interval for row in rows if row.speed is not None and row.speed.interval is not None]
    return " or ".join(sorted(set(map(coverage, found))))


def memory(kib: int | None) -> str:
    """Peak memory in MiB."""
    return "" if kib is None else f"{kib / 1024:,.1f} MiB"


def frequency(khz: int | None) -> str:
    """A clock in GHz."""
    return "?" if khz is None else f"{khz / 1e6:.2f} GHz"


def accuracy(found: Top1 | None) -> str:
    """ "86.12 %, 85.43–86.79"; nothing for None."""
    if found is None or not found.total:
        return ""
    return f"{percent(found.share, 2)}, {100 * found.low:.2f}–{100 * found.high:.2f}"


def difference(value: float | None) -> str:
    """Of two outputs, with three digits that mean something."""
    return "unknown" if value is None else f"{value:.3g}"


def agreement(share: float | None) -> str:
    """On how many golden inputs two name the same class."""
    return "unknown" if share is None else percent(share)


def verification(found: Verification) -> str:
    """The answers to golden inputs, in one line."""
    bound = "" if found.bound is None else f" ({difference(found.bound)} is allowed)"
    return (
        f"{'as' if found.passed else 'NOT as'} the host's on {found.inputs}; largest difference "
        f"{difference(found.largest_difference)}{bound}, top-1 agreement {agreement(found.top1_agreement)}, "
        f"NaN or infinity in {found.not_finite}"
    )


def same_answer(found: Accuracy) -> str:
    """On how many labelled pictures the device names the host's class; nothing where that is not known."""
    return "" if found.same_answer is None else f"{found.same_answer:,} of {found.device.total:,}"


def labelled(found: Accuracy) -> str:
    """The top-1 of a labelled folder, in one line."""
    line = f"top-1 {accuracy(found.device) or 'unknown'} of {found.device.total:,} in {shown_text(found.dataset, 60)}"
    if found.host is not None:
        line += f"; the host {accuracy(found.host) or 'unknown'}"
    return line if found.same_answer is None else f"{line}; the same class for {found.same_answer:,}"


def warm_up(row: Row) -> str:
    """Whether the processes were warm when measured; nothing where all were."""
    if not row.unsettled:
        return ""
    return (
        f"latency had not settled after warm-up in {row.unsettled} of {len(row.result.processes)} processes"
    )


def remarks(row: Row) -> tuple[str, ...]:
    """Everything that must be known with a row, most important first."""
    result = row.result
    reason = result.reason or ""
    found = [reason]
    if result.verification is not None and not result.verification.passed and result.status != "wrong_answer":
        found.append(result.verification.reason or "the answers to golden inputs were not the host's")
    if result.residency is not None and result.residency.note and result.residency.note not in reason:
        found.append(result.residency.note)
    if row.failed_processes:
        found.append(f"{row.failed_processes} of {len(result.processes)} processes failed")
    if warm_up(row):
        found.append(warm_up(row))
    if takes_part(row) and row.interval is None:
        found.append(f"{len(row.medians_ms)} processes are too few for an interval (6 at least)")
    if row.medians_ms and row.p90_ms is None:
        found.append("the tool gives no single runs: no p90, p99 and MAD")
    found.extend(result.notes)
    for process in result.processes:
        found.extend(process.notes)
    return tuple(dict.fromkeys(filter(None, found)))


def grouped_remarks(rows: Sequence[Row]) -> list[tuple[list[Row], str, bool]]:
    """Each remark once with the rows it is about and whether it is why one failed; those first."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        for remark in remarks(row):
            found.setdefault(remark, []).append(row)
    listed = [(about, text, any(row.result.reason == text for row in about)) for text, about in found.items()]
    return sorted(listed, key=lambda each: not each[2])
