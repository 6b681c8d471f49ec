"""The JSON that the app's benchmark entry writes, read strictly: `android_app/core/BENCHMARK_FORMAT.md` has its fields.

It comes from a phone, so everything in it is checked: types, sizes, that numbers are finite, and that it answers what
was asked. A field that is not known is not looked at, as the format's version says that an old reader may.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from swiftformer_keras import strict_json
from swiftformer_keras.benchmark import fields
from swiftformer_keras.benchmark.result import MAX_REPLACING, Replacing
from swiftformer_keras.errors import BenchmarkOutputError
from swiftformer_keras.shown import shown

FORMAT = "swiftformer-benchmark"
VERSIONS = (1,)
"""Of the result: those that are read here."""

MAX_BYTES = 64 << 20
_MAX_RUNS = 500_000
_MAX_MS = 1e9
_MAX_KIB = 1 << 40
_MAX_CLASSES = 1 << 20
_MAX_PICTURES = 100_000
_NO_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclasses.dataclass(frozen=True)
class PictureScores:
    """What the phone made of one picture: float32 scores `(classes,)`, or why there are none.

    `input_sha256` is of the bytes that its model was given.
    """

    file: str
    scores: np.ndarray | None
    input_sha256: str | None
    error: str | None


@dataclasses.dataclass(frozen=True)
class AppResult:
    """What one process of the app found; times in milliseconds. `error` is why it ended early."""

    error: str | None
    model_sha256: str | None
    delegate: str | None
    threads: int | None
    xnnpack: bool | None
    accelerator: str | None
    runtime_version: str | None
    replacing: tuple[Replacing, ...] | None
    initialization_ms: float | None
    first_inference_ms: float | None
    warm_up_ms: tuple[float, ...]
    samples_ms: tuple[float, ...]
    peak_memory_kib: int | None
    cpuset: str | None
    app_version: str | None
    debuggable: bool | None
    evaluation: tuple[PictureScores, ...] | None
    warm: str | None


def parse_app_result(data: bytes) -> AppResult:
    """Read a result file.

    Raises:
        BenchmarkOutputError: it is cut short, no such file, of another version, or a field is not what it should be.
    """
    if not data:
        raise BenchmarkOutputError("the app's result file is empty")
    if len(data) > MAX_BYTES:
        raise BenchmarkOutputError(f"the app's result file has {len(data):,} bytes, too many to be one")
    try:
        content = strict_json.parse(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise BenchmarkOutputError("the app's result file is no UTF-8 text") from None
    except ValueError as error:
        raise BenchmarkOutputError(f"the app's result file is no JSON: {shown(error, 120)}") from None
    try:
        return _result(content)
    except ValueError as error:
        raise BenchmarkOutputError(f"the app's result file: {shown(error, 160)}") from None


def _result(content: object) -> AppResult:
    root = _object(content, "it")
    if root.get("format") != FORMAT:
        raise ValueError(f"'format' is not {FORMAT!r}")
    if root.get("version") not in VERSIONS:
        raise ValueError(
            f"is of version {shown(root.get('version'), 20)}, and this reads {' and '.join(map(str, VERSIONS))}; "
            "install the app of this package"
        )
    model, running, app = (_part(root, name) for name in ("model", "running", "app"))
    memory = _part(root, "memory")
    return AppResult(
        error=_text(root, "error", 600),
        model_sha256=_text(model, "sha256", 64),
        delegate=_text(running, "delegate", 40),
        threads=_integer(running, "threads", 0, 1000),
        xnnpack=_flag(running, "xnnpack"),
        accelerator=_text(running, "accelerator", 200),
        runtime_version=_text(running, "runtime_version", 200),
        replacing=_replacing(running),
        initialization_ms=_milliseconds(root, "initialization_ms"),
        first_inference_ms=_milliseconds(root, "first_inference_ms"),
        warm_up_ms=_times(root, "warm_up_ms"),
        samples_ms=_times(root, "samples_ms"),
        peak_memory_kib=_integer(memory, "resident_peak_kib", 0, _MAX_KIB),
        cpuset=_text(running, "cpuset", 200),
        app_version=_text(app, "version", 100),
        debuggable=_flag(app, "debuggable"),
        evaluation=_evaluation(root),
        warm=_text(root, "warm_up_ended", 40),
    )


def _replacing(running: Mapping[str, Any]) -> tuple[Replacing, ...] | None:
    """The log's lines on who took what; None, so that nothing is assumed, where there are more than can be kept."""
    if running.get("replacing") is None:
        return None
    entries = fields.items(running, "replacing", _MAX_RUNS)
    if len(entries) > MAX_REPLACING:
        return None
    found = []
    for item in entries:
        entry = _object(item, "'replacing'")
        taken = fields.integer(entry, "taken", 0, 1 << 30) if "taken" in entry else None
        total = fields.integer(entry, "total", 0, 1 << 30) if "total" in entry else None
        if taken is None or total is None or taken > total:
            raise ValueError("'replacing' contradicts itself")
        delegate = _text(entry, "delegate", 200) or ""
        found.append(Replacing(delegate, taken, total, _integer(entry, "partitions", 0, 1 << 30)))
    return tuple(found)


def _evaluation(root: Mapping[str, Any]) -> tuple[PictureScores, ...] | None:
    if root.get("evaluation") is None:
        return None
    found = []
    for item in fields.items(root, "evaluation", _MAX_PICTURES):
        entry = _object(item, "'evaluation'")
        file = _text(entry, "file", 400)
        if not file:
            raise ValueError("'evaluation' has a picture without a name")
        scores = None
        if entry.get("scores") is not None:
            values = [_score(value) for value in fields.items(entry, "scores", _MAX_CLASSES)]
            scores = np.asarray(values, np.float32)
        found.append(
            PictureScores(file, scores, _text(entry, "input_sha256", 64), _text(entry, "error", 600))
        )
    return tuple(found)


def _score(value: object) -> float:
    """A number, or the text that the format has for one that JSON does not know."""
    if isinstance(value, str) and value in _NO_NUMBERS:
        return _NO_NUMBERS[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("'scores' has something that is no number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("'scores' has a number beyond all floats") from None


def _times(root: Mapping[str, Any], name: str) -> tuple[float, ...]:
    if root.get(name) is None:
        return ()
    return tuple(
        fields.number({name: value}, name, 0.0, _MAX_MS) for value in fields.items(root, name, _MAX_RUNS)
    )


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is no JSON object")
    return value


def _part(root: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {} if root.get(name) is None else _object(root[name], repr(name))


def _text(values: Mapping[str, Any], name: str, limit: int) -> str | None:
    """A text made printable: it is shown to people."""
    if values.get(name) is None:
        return None
    return shown(fields.text(values, name, limit), limit)


def _integer(values: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    return None if values.get(name) is None else fields.integer(values, name, low, high)


def _flag(values: Mapping[str, Any], name: str) -> bool | None:
    return None if values.get(name) is None else fields.flag(values, name)


def _milliseconds(values: Mapping[str, Any], name: str) -> float | None:
    return None if values.get(name) is None else fields.number(values, name, 0.0, _MAX_MS)
