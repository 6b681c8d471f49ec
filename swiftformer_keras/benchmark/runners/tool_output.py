"""What `benchmark_model` prints: TFLite's tool and LiteRT 2.x's, told apart by content.

Both print, while they run, a line of figures after each of their two series (`core/util/stats_calculator.h`;
newer ones with percentiles). At the end TFLite's prints one line of averages in microseconds
(`tensorflow/lite/tools/benchmark/benchmark_model.cc`), and LiteRT's a block of milliseconds
(`litert/tools/benchmark_litert_model.h`). Neither prints single runs.
"""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Literal

from swiftformer_keras.benchmark.result import MAX_REPLACING, Aggregate, Replacing
from swiftformer_keras.errors import BenchmarkOutputError
from swiftformer_keras.shown import shown

ToolFormat = Literal["tflite", "litert"]

_NUMBER = r"([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]{1,3})?)"
_SERIES = re.compile(r"Running benchmark for at least [0-9]+ iterations")
_COUNT = re.compile(r"(?:^|[\s\]:])count=([0-9]{1,12})((?:\s+[a-z0-9]+=[^\s=()]+|\(all same\))*)\s*$")
_FIGURE = re.compile(rf"\b([a-z0-9]+)={_NUMBER}(?=\s|\(|$)")
_TFLITE_END = re.compile(
    rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}, Warmup \(avg\): {_NUMBER}, "
    rf"Inference \(avg\): {_NUMBER}\s*$"
)
_LITERT_BEGIN = re.compile(r"=+ BENCHMARK RESULTS =+\s*$")
_LITERT_LINE = re.compile(
    rf"(Model initialization|First inference|Warmup \(first\)|Inference \((?:avg|min|max|std)\)|Peak memory):\s+"
    rf"{_NUMBER}(?: (?:ms|MB))?(?: \(([0-9]{{1,12}}) runs\))?\s*$"
)
_LITERT_END = re.compile(r"(?:^|[\s\]])={20,}\s*$")
_TFLITE_PEAK = re.compile(rf"Overall peak memory footprint \(MB\) via periodic monitoring: {_NUMBER}\s*$")
_REPLACING = re.compile(
    r"Replacing (\d{1,9}) out of (\d{1,9}) node\(s\) with delegate \(([^()\n]{1,100})\) node, yielding (\d{1,9})"
)
_NOT_APPLIED = re.compile(
    r"delegate is (?:explicitly )?applied, the model graph will not be executed"
    r"|acceleration is unsupported on this platform|GPU accelerator could not be loaded"
)
_WHOLLY = re.compile(r"delegate, and the model graph will be completely executed")
_PARTLY = re.compile(r"delegate, and the model graph will be partially executed by the delegate w/ (\d{1,9})")
_UNKNOWN_FLAGS = re.compile(r"Unconsumed cmdline flags: (.{1,500})$")
_VERSION = re.compile(r"Tensorflow Version : ([0-9A-Za-z.+-]{1,40})\s*$")
_ERROR = re.compile(r"(?:^|\s)(?:ERROR|FATAL): (?:\[[^\]]{1,200}\] )?(.{1,300})")

_LONGEST_US = 1e11
"""More than a day: no time that is printed is longer."""


@dataclasses.dataclass(frozen=True)
class ToolOutput:
    """What one process of the tool said.

    Attributes:
        format: whose tool it is.
        timed: figures over the timed runs.
        warm_up_runs: runs before them; None where they are not said.
        peak_memory_kib: of the process; None where it was not asked for.
        replacing: None where the output shows no node count.
        says: how far the delegate goes in the tool's own words, without counts; None where it does not say.
        unknown_flags: arguments that this tool has not got.
    """

    format: ToolFormat
    initialization_ms: float
    first_inference_ms: float | None
    timed: Aggregate
    warm_up_runs: int | None
    peak_memory_kib: int | None
    replacing: tuple[Replacing, ...] | None
    says: str | None
    runtime_version: str | None
    unknown_flags: tuple[str, ...]


def format_of(text: str) -> ToolFormat | None:
    """Whose output this is, by what it ends with; None where it has neither ending, or both."""
    tflite = any(_TFLITE_END.search(line) for line in text.splitlines())
    litert = any(_LITERT_BEGIN.search(line) for line in text.splitlines())
    if tflite == litert:
        return None
    return "tflite" if tflite else "litert"


def parse_tool_output(text: str) -> ToolOutput:
    """Read the whole output of one process.

    Raises:
        BenchmarkOutputError: it is cut short, is none of the two formats, or contradicts itself.
    """
    lines = text.splitlines()
    kind = format_of(text)
    if kind is None:
        raise BenchmarkOutputError(_why_not(lines))
    series = _series(lines)
    first: float | None
    if kind == "tflite":
        initialization, first, mean = _tflite_end(lines)
        figures = series[1] if len(series) > 1 else None
        timed = _aggregate(figures) if figures is not None else None
    else:
        initialization, first, mean, timed = _litert_block(lines)
        if len(series) > 1:
            finer = _aggregate(series[1])
            if finer is not None and timed is not None and finer.count != timed.count:
                raise BenchmarkOutputError(
                    "benchmark_model contradicts itself: two different numbers of runs"
                )
            timed = finer or timed
    if timed is None:
        raise BenchmarkOutputError("benchmark_model names no figures of its timed runs; its output is cut")
    # Six digits are printed in the one format, two decimals of a millisecond in the other.
    if not math.isclose(timed.mean_ms, mean, rel_tol=1e-4, abs_tol=0.0051 if kind == "litert" else 1e-6):
        raise BenchmarkOutputError(
            f"benchmark_model contradicts itself: {timed.mean_ms:g} ms and {mean:g} ms on average. Run it again"
        )
    return ToolOutput(
        format=kind,
        initialization_ms=initialization,
        first_inference_ms=first,
        timed=timed,
        warm_up_runs=int(series[0]["count"]) if series and "count" in series[0] else None,
        peak_memory_kib=_peak_kib(lines),
        replacing=_replacing(lines),
        says=_says(lines),
        runtime_version=next((m[1] for line in lines if (m := _VERSION.search(line))), None),
        unknown_flags=tuple(
            flag for line in lines if (m := _UNKNOWN_FLAGS.search(line)) for flag in m[1].split()[:32]
        ),
    )


def why_it_failed(text: str) -> str | None:
    """The tool's own first error line, or None."""
    found = next((m[1] for line in text.splitlines() if (m := _ERROR.search(line))), None)
    return None if found is None else shown(found.strip(), 200)


def _why_not(lines: list[str]) -> str:
    if not any(line.strip() for line in lines):
        return "benchmark_model printed nothing"
    if any(_SERIES.search(line) or line.endswith("STARTING!") for line in lines):
        return "benchmark_model's output ends before its results"
    return (
        f"this is no output of benchmark_model: {shown(next(line for line in lines if line.strip()), 80)!r}"
    )


def _series(lines: list[str]) -> list[dict[str, float]]:
    """The figures of the warm-up and of the timed runs: a line of them follows the line that announces a series."""
    found: list[dict[str, float]] = []
    announced = False
    for line in lines:
        if _SERIES.search(line):
            announced = True
        elif announced and (match := _COUNT.search(line)):
            figures = {name: _bounded(value) for name, value in _FIGURE.findall(match[2])}
            found.append({**figures, "count": float(match[1])})
            announced = False
    return found


def _aggregate(figures: dict[str, float]) -> Aggregate | None:
    """Microseconds to milliseconds; a series of one run, or of equal ones, is printed as `curr` alone."""
    count = int(figures["count"])
    if count == 0:
        return None
    if "avg" not in figures:
        if "curr" not in figures:
            return None
        same = figures["curr"] / 1e3
        return Aggregate(count, same, same, same, 0.0, same)
    if not figures.get("min", 0.0) <= figures["avg"] * (1 + 1e-5) or not figures["avg"] <= figures.get(
        "max", math.inf
    ) * (1 + 1e-5):
        raise BenchmarkOutputError(
            "benchmark_model contradicts itself: an average outside its smallest and largest"
        )

    def milliseconds(name: str) -> float | None:
        return figures[name] / 1e3 if name in figures else None

    return Aggregate(
        count,
        figures["avg"] / 1e3,
        milliseconds("min"),
        milliseconds("max"),
        milliseconds("std"),
        milliseconds("median"),
    )


def _tflite_end(lines: list[str]) -> tuple[float, float, float]:
    match = next(m for line in reversed(lines) if (m := _TFLITE_END.search(line)))
    initialization, first, _, mean = (_bounded(value) / 1e3 for value in match.groups())
    return initialization, first, mean


def _litert_block(lines: list[str]) -> tuple[float, float | None, float, Aggregate | None]:
    begin = max(number for number, line in enumerate(lines) if _LITERT_BEGIN.search(line))
    values: dict[str, float] = {}
    count = 0
    ended = False
    for line in lines[begin + 1 :]:
        if _LITERT_END.search(line):
            ended = True
            break
        if match := _LITERT_LINE.search(line):
            values[match[1]] = _bounded(match[2])
            if match[1] == "Inference (avg)" and match[3]:
                count = int(match[3])
    if not ended or "Model initialization" not in values or "Inference (avg)" not in values:
        raise BenchmarkOutputError("benchmark_model's output ends within its results")
    mean = values["Inference (avg)"]
    timed = None
    if count > 0:
        timed = Aggregate(
            count,
            mean,
            values.get("Inference (min)"),
            values.get("Inference (max)"),
            values.get("Inference (std)"),
            None,
        )
    first = values.get("Warmup (first)", values.get("First inference"))
    return values["Model initialization"], first, mean, timed


def _peak_kib(lines: list[str]) -> int | None:
    for line in lines:
        if match := _TFLITE_PEAK.search(line):
            return round(_bounded(match[1]) * 1024)
        match = _LITERT_LINE.search(line)
        if match and match[1] == "Peak memory":
            return round(_bounded(match[2]) * 1024)
    return None


def _replacing(lines: list[str]) -> tuple[Replacing, ...] | None:
    """What was taken; empty where the tool says that nothing was, None where it shows no counts, or too many."""
    found = [
        Replacing(match[3], int(match[1]), int(match[2]), int(match[4]))
        for line in lines
        if (match := _REPLACING.search(line)) and int(match[1]) <= int(match[2])
    ]
    if len(found) > MAX_REPLACING:
        return None
    if found or any(_NOT_APPLIED.search(line) for line in lines):
        return tuple(found)
    return None


def _says(lines: list[str]) -> str | None:
    for line in lines:
        if _WHOLLY.search(line):
            return "the tool says that the delegate executes all of the graph"
        if match := _PARTLY.search(line):
            return f"the tool says that the delegate executes part of the graph, in {match[1]} pieces"
    return None


def _bounded(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and 0 <= value <= _LONGEST_US):
        raise BenchmarkOutputError(f"benchmark_model prints {shown(text, 40)}, which is no time")
    return value
