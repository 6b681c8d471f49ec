"""Summaries as plain JSON types, for programs that read `--json`; RESULT_FORMAT.md has every field."""

from __future__ import annotations

import dataclasses
from typing import Any

from swiftformer_keras.benchmark.compare import Check, Comparison, Pair
from swiftformer_keras.benchmark.records import write_record
from swiftformer_keras.benchmark.report import wording
from swiftformer_keras.benchmark.statistics import Interval, Ratio
from swiftformer_keras.benchmark.summary import Row, RunSummary, takes_part


def run_data(summary: RunSummary) -> dict[str, Any]:
    """A run without its single runs: the device, the plan and the figures of each configuration."""
    run = summary.run
    return {
        "device": write_record(run.device),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "plan": dataclasses.asdict(run.plan),
        "models": [dataclasses.asdict(model) for model in run.models],
        "baseline": None if summary.baseline is None else summary.baseline.full_name,
        "configurations": [row_data(row) for row in summary.rows],
        "notes": list(run.notes),
    }


def row_data(row: Row) -> dict[str, Any]:
    """The figures of one configuration."""
    result = row.result
    return {
        "name": row.name,
        **dataclasses.asdict(result.configuration),
        "status": result.status,
        "reason": result.reason,
        "compared": takes_part(row),
        "processes": len(row.medians_ms),
        "failed_processes": row.failed_processes,
        "runs": row.runs,
        "initialization_ms": row.initialization_ms,
        "first_inference_ms": row.first_inference_ms,
        "median_ms": row.median_ms,
        "median_interval_ms": _interval(row.interval),
        "p90_ms": row.p90_ms,
        "p99_ms": row.p99_ms,
        "mean_ms": row.mean_ms,
        "mad_ms": row.mad_ms,
        "memory_kib": row.memory_kib,
        "speed": _ratio(row.speed),
        "residency": None if result.residency is None else dataclasses.asdict(result.residency),
        "verification": None if result.verification is None else dataclasses.asdict(result.verification),
        "accuracy": None if result.accuracy is None else dataclasses.asdict(result.accuracy),
        "remarks": list(wording.remarks(row)),
    }


def comparison_data(comparison: Comparison, check: Check | None) -> dict[str, Any]:
    """Two runs side by side, with the regression check's outcomes where one was made."""
    data: dict[str, Any] = {
        "before": comparison.before.run.started_at,
        "after": comparison.after.run.started_at,
        "same_device": comparison.same_device,
        "checked": comparison.checked,
        "configurations": [_pair(pair) for pair in comparison.pairs],
        "missing": [row.full_name for row in comparison.missing],
        "remarks": list(comparison.remarks),
    }
    if check is not None:
        data["check"] = {
            "max_regression": check.max_regression,
            "met": check.met,
            "false_alarm": check.false_alarm,
            "findings": [
                {
                    "name": finding.name,
                    "outcome": finding.outcome,
                    "growth": _ratio(finding.growth),
                    "text": finding.text,
                }
                for finding in check.findings
            ],
        }
    return data


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "name": pair.name,
        "before_ms": pair.before.median_ms,
        "after_ms": pair.after.median_ms,
        "growth": _ratio(pair.growth),
        "remarks": list(pair.remarks),
    }


def _interval(found: Interval | None) -> dict[str, float] | None:
    return None if found is None else dataclasses.asdict(found)


def _ratio(found: Ratio | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": found.value, "interval": _interval(found.interval), "clear": found.is_clear}
