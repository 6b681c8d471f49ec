"""A file's verdicts: for each operator whether a delegate takes it, and for each delegate what that comes to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from converters.tflite.delegates.conditions import CONDITIONS
from converters.tflite.delegates.kernels import Kind
from converters.tflite.delegates.operators import Graph, Operand, Operator, read_graph
from converters.tflite.delegates.partition import pieces
from converters.tflite.delegates.rules import ADVICE, RUNTIMES, SIZED_BY_INPUTS, Delegate, Rule, Runtime
from converters.tflite.delegates.scales import QUANTISED

Outcome = Literal["taken", "left", "refused", "unknown"]

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL", "TRANSPOSE_CONV")
_HALF_SMALLEST = 2.0**-24  # of float16; half of it and less is zero
_MANY = 1024  # summands: where a sum of squares of about 64 leaves float16's range


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What becomes of one operator.

    Attributes:
        operator: its number in the order in which the file runs.
        kind: the arithmetic it asks for: the type of what it computes with, "dynamic" for float with int8
            weights, "float16" for float with weights stored in 16 bits.
        shape: of its first computed input.
        outcome: "taken"; "left" to the CPU's plain kernels; "refused" by the runtime, which does not load the file;
            "unknown" where there is no rule.
        reason, advice, reference: why not, what to change, and where the rule comes from; empty where taken.
    """

    operator: int
    name: str
    version: int
    kind: str
    shape: tuple[int, ...]
    outcome: Outcome
    reason: str = ""
    advice: str = ""
    reference: str = ""


@dataclasses.dataclass(frozen=True)
class DelegateReport:
    """What one delegate of one runtime makes of a file.

    Attributes:
        runtime: short name; `title` for people.
        taken, left, refused, unknown: operators.
        partitions: pieces that the delegate computes; each further one costs a copy of its edges.
        pieces: all pieces, those left included.
        problems: what keeps the whole file from running there, or from running well.
        warnings: operators that are taken and may still be wrong in float16, as a GPU computes.
        verdicts: one for each operator.
    """

    runtime: str
    title: str
    taken: int
    left: int
    refused: int
    unknown: int
    partitions: int
    pieces: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Cause:
    """Operators that are not taken for one and the same reason."""

    name: str
    kind: str
    outcome: Outcome
    reason: str
    advice: str
    operators: tuple[int, ...]


def causes(report: DelegateReport) -> tuple[Cause, ...]:
    """What is not taken, the commonest reason first."""
    groups: dict[tuple[str, str, Outcome, str, str], list[int]] = {}
    for v in report.verdicts:
        if v.outcome != "taken":
            groups.setdefault((v.name, v.kind, v.outcome, v.reason, v.advice), []).append(v.operator)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Cause(*key, operators=tuple(operators)) for key, operators in ordered)


def lint(path: Path | str, delegate: Delegate | Literal["all"]) -> tuple[DelegateReport, ...]:
    """Judge a file for every known runtime of a delegate, without running it.

    Raises:
        TFLiteFileError: the file cannot be read, or is damaged.
    """
    graph = read_graph(path)
    return tuple(judge(graph, runtime) for runtime in RUNTIMES if delegate in (runtime.delegate, "all"))


def judge(graph: Graph, runtime: Runtime) -> DelegateReport:
    """One runtime's report."""
    verdicts = tuple(verdict(operator, runtime) for operator in graph.operators)
    sized = [operator for operator in graph.operators if _sized_at_run_time(operator)]
    if sized and runtime.android:
        verdicts = tuple(_left_whole(verdict, sized[0], runtime) for verdict in verdicts)
    outcomes = [verdict.outcome for verdict in verdicts]
    found = pieces(graph.operators, [outcome == "taken" for outcome in outcomes])
    partitions = sum(found)
    return DelegateReport(
        runtime=runtime.name,
        title=runtime.title,
        taken=outcomes.count("taken"),
        left=outcomes.count("left"),
        refused=outcomes.count("refused"),
        unknown=outcomes.count("unknown"),
        partitions=partitions,
        pieces=len(found),
        problems=tuple(_problems(graph, runtime, outcomes, partitions)),
        warnings=tuple(_warnings(graph.operators)) if runtime.delegate == "gpu" else (),
        verdicts=verdicts,
    )


def kind_of(operator: Operator) -> Kind:
    """The arithmetic an operator asks for."""
    first = next((i for i in operator.inputs if i is not None and not i.constant), operator.input(0))
    end = operator.outputs[0] if operator.name == "QUANTIZE" and operator.outputs else first
    if end is None:
        return operator.outputs[0].tensor.dtype if operator.outputs else "none"
    weights = operator.input(1)
    if operator.name in _WEIGHTED and weights is not None and end.tensor.dtype == "float32":
        if weights.stored == "float16":
            return "float16"
        if weights.tensor.dtype != "float32":
            return "dynamic"
    return end.tensor.dtype


def verdict(operator: Operator, runtime: Runtime) -> Verdict:
    """What a runtime does with one operator."""
    kind = kind_of(operator)
    first = next(iter(operator.runtime_inputs), operator.input(0))
    known = Verdict(
        operator=operator.index,
        name=operator.name,
        version=operator.version,
        kind=kind,
        shape=() if first is None else first.tensor.shape,
        outcome="taken",
    )
    failed: tuple[str, str] | None
    outcome, failed = _choice(operator, kind, runtime)
    refused = _too_new(operator, runtime)
    if refused is None and (runtime.kernels.ask_first or outcome != "taken"):
        refused = _refused(operator, kind, runtime)
    if refused is not None:
        return dataclasses.replace(
            known,
            outcome="refused",
            reason=refused,
            advice=_advice(operator, kind),
            reference=runtime.kernels.title,
        )
    if failed is None:
        return known
    reference = "" if outcome == "unknown" else runtime.reference
    return dataclasses.replace(
        known, outcome=outcome, reason=failed[0], advice=failed[1], reference=reference
    )


def _choice(operator: Operator, kind: Kind, runtime: Runtime) -> tuple[Outcome, tuple[str, str] | None]:
    """What the delegate does with an operator that has its kernel, and unless it is taken why and what to do."""
    if operator.widens_a_constant:
        return "taken", None
    if operator.name in runtime.without:
        return "left", (f"{runtime.short} has no {operator.name}", _advice(operator, kind))
    if operator.name not in runtime.rules:
        return "unknown", ("there is no rule for this operator", "ask the runtime itself")
    rule = runtime.rules[operator.name]
    failed = _failed(operator, kind, rule, runtime)
    if failed is not None:
        return "left", failed
    broken = next((CONDITIONS[name] for name in rule.fails if not CONDITIONS[name].holds(operator)), None)
    if broken is not None:
        return "refused", (f"{runtime.short} takes it and fails: {broken.reason}", broken.advice)
    return "taken", None


def _sized_at_run_time(operator: Operator) -> bool:
    return operator.name in SIZED_BY_INPUTS and len(operator.runtime_inputs) > 1


def _left_whole(verdict: Verdict, cause: Operator, runtime: Runtime) -> Verdict:
    if verdict.outcome == "refused":
        return verdict
    return dataclasses.replace(
        verdict,
        outcome="left",
        reason=f"operator {cause.index} ({cause.name}) computes a size, and {runtime.short} takes no such graph at all",
        advice="give it constants for axes, shapes and paddings",
        reference="tensorflow/lite/core/subgraph.cc, Subgraph::ModifyGraphWithDelegate",
    )


def _too_new(operator: Operator, runtime: Runtime) -> str | None:
    newest = runtime.kernels.newest.get(operator.name)
    if newest is None or operator.version <= newest:
        return None
    return f"version {operator.version} is newer than the {newest} that this runtime has"


def _refused(operator: Operator, kind: Kind, runtime: Runtime) -> str | None:
    """Why the operator's kernel refuses it, and with it the file, where that is known."""
    kernels = runtime.kernels
    if kind in kernels.refused.get(operator.name, ()):
        return f"this runtime has no {operator.name} in {kind}"
    for name in kernels.demanded.get(operator.name, ()):
        if not CONDITIONS[name].holds(operator):
            return CONDITIONS[name].reason
    return None


def _failed(operator: Operator, kind: Kind, rule: Rule, runtime: Runtime) -> tuple[str, str] | None:
    """Why and what to do: the first thing about an operator that its rule forbids."""
    since = rule.kinds.get(kind)
    if since is None:
        return f"{runtime.short} does not take it in {kind}", _advice(operator, kind)
    if since > runtime.api:
        return f"taken only from API level {since} on in {kind}", "compute on the CPU on older phones"
    if rule.max_version is not None and operator.version > rule.max_version:
        return f"taken only up to version {rule.max_version}, this is version {operator.version}", (
            "convert the model again for an older runtime, or for another type"
        )
    low, high = rule.ranks
    for end in (*operator.runtime_inputs, *operator.outputs):
        if not low <= end.rank <= high:
            wanted = f"{low}" if low == high else f"{low} to {high}"
            return f"taken only with {wanted} dimensions, not with {end.rank}", (
                "keep maps in four dimensions (batch, height, width, channels)"
            )
    for need in rule.needs:
        name, _, before = need.partition(" before ")
        condition = CONDITIONS[name]
        if (not before or runtime.api < int(before)) and not condition.holds(operator):
            return condition.reason, condition.advice
    return None


def _advice(operator: Operator, kind: Kind) -> str:
    if kind == "dynamic":
        return "store its weights in float16, or quantise it statically"
    if operator.name in ADVICE:
        return ADVICE[operator.name]
    if kind in QUANTISED:
        return "keep it in float"
    return "replace it by operators that are taken, or keep it at the graph's edge"


def _problems(graph: Graph, runtime: Runtime, outcomes: Sequence[Outcome], partitions: int) -> list[str]:
    found = []
    if "refused" in outcomes:
        found.append("the runtime does not load this file, because of the operators it refuses")
    if graph.outside_bytes and runtime.android:
        found.append(
            f"{graph.outside_bytes:,} bytes of weights lie behind the flatbuffer, where this runtime does not see "
            "them; pack the file again with its weights inside"
        )
    if graph.more_graphs:
        found.append(f"{graph.more_graphs} more graph(s) in the file are not looked at")
    if runtime.max_partitions and partitions > runtime.max_partitions:
        found.append(
            f"by default it computes the largest {runtime.max_partitions} of these {partitions} partitions and "
            "leaves the others"
        )
    return found


def _warnings(operators: Sequence[Operator]) -> list[str]:
    """What leaves float16's range or precision, in which a GPU computes unless it is told otherwise."""
    found = []
    for operator in operators:
        if operator.name == "SUM" and _summands(operator) >= _MANY:
            found.append(
                f"operator {operator.index} (SUM) adds {_summands(operator):,} numbers: in float16 it overflows above "
                "65,504; use MEAN, and put the factor into the weights"
            )
        for operand in operator.inputs:
            tiny = _tiny(operand)
            if tiny is not None:
                found.append(
                    f"operator {operator.index} ({operator.name}) has the constant {tiny:g}, which is zero in "
                    "float16; use 1e-6 or more"
                )
    return found


def _summands(operator: Operator) -> int:
    source, axes = operator.input(0), operator.input(1)
    if source is None or axes is None or axes.values is None or not source.rank:
        return 0
    count = 1
    for axis in {int(axis) % source.rank for axis in axes.values}:
        count *= max(source.tensor.shape[axis], 1)
    return count


def _tiny(operand: Operand | None) -> float | None:
    """A constant scalar that float16 rounds to zero."""
    if operand is None or operand.values is None or operand.tensor.dtype != "float32":
        return None
    if len(operand.values) != 1 or not 0 < abs(operand.values[0]) <= _HALF_SMALLEST / 2:
        return None
    return operand.values[0]
