"""The table of rules against LiteRT itself, and against its own promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from converters.tflite.check import delegation
from converters.tflite.delegates.conditions import CONDITIONS
from converters.tflite.delegates.kernels import LITERT, TFLITE_2_16
from converters.tflite.delegates.lint import DelegateReport, judge, kind_of, lint
from converters.tflite.delegates.operators import Graph, Operator, read_graph
from converters.tflite.delegates.rules import COVERED, RUNTIMES, SIZED_BY_INPUTS, Runtime
from tests.converters.tflite.classifiers import micro
from tests.converters.tflite.delegates.litert_choices import choices
from tests.converters.tflite.delegates.one_operator import Case, cases, in_version
from tests.converters.tflite.delegates.our_files import QUANTISED, quantised
from tests.converters.tflite.models import written
from tests.converters.tflite.pictures import fashion
from tests.harness import SHARED, needs_shared

(LITERT_XNNPACK,) = (runtime for runtime in RUNTIMES if runtime.kernels is LITERT)
PEERS = sorted((SHARED / "peers").glob("*.tflite")) if SHARED else []


def outcome(report: DelegateReport) -> str:
    """One word for a graph of one operator (and the DEQUANTIZE of its weights)."""
    for word in ("refused", "unknown", "left"):
        if getattr(report, word):
            return word
    return "taken"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("cases")
    paths = {}
    for number, case in enumerate(cases()):
        paths[case.name] = folder / f"{number}.tflite"
        paths[case.name].write_bytes(case.data)
    return paths


@pytest.fixture(scope="module")
def graphs(files: dict[str, Path]) -> dict[str, Graph]:
    return {name: read_graph(path) for name, path in files.items()}


@pytest.mark.slow
def test_litert_takes_what_the_table_says(files: dict[str, Path], graphs: dict[str, Graph]) -> None:
    wrong = []
    for (name, graph), choice in zip(graphs.items(), choices(list(files.values())), strict=True):
        real = "refused" if isinstance(choice, str) else "taken" if choice == (1, ()) else "left"
        said = outcome(judge(graph, LITERT_XNNPACK))
        if said != real:
            wrong.append(f"{name}: LiteRT says {real} ({choice}), the table {said}")
    assert not wrong, "\n".join(wrong)


def test_litert_has_the_versions_that_the_table_says(tmp_path: Path) -> None:
    """The newest version of each operator is known there, the one after it is not."""
    checked, paths, newer = [], [], []
    for case in plain_cases():
        newest = LITERT.newest[case.operator]
        for version in (newest, newest + 1):
            paths.append(tmp_path / f"{len(paths)}.tflite")
            paths[-1].write_bytes(in_version(case, version))
        checked.append(case.operator)
    answers = choices(paths)
    unknown = [isinstance(answer, str) and "find op" in answer for answer in answers]
    newer = [name for name, known in zip(checked, unknown[::2], strict=True) if known]
    assert newer == [], "the table has versions that LiteRT does not"
    assert all(unknown[1::2]), [name for name, known in zip(checked, unknown[1::2], strict=True) if not known]
    assert set(checked) == set(LITERT.newest) == set(TFLITE_2_16.newest)


def plain_cases() -> list[Case]:
    """One case for each operator, with nothing special about it."""
    chosen: dict[str, Case] = {}
    for case in cases():
        chosen.setdefault(case.operator, case)
    return list(chosen.values())


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: runtime.name)
def test_every_entry_is_held_against_a_model(runtime: Runtime, graphs: dict[str, Graph]) -> None:
    """No rule, kind or condition is in the table that no model of one operator asks for."""
    operators = {case.operator for case in cases()}
    assert set(runtime.rules) | runtime.without == COVERED <= operators
    assert not set(runtime.rules) & runtime.without
    assert SIZED_BY_INPUTS - operators <= {"PADV2"}, "it shares PAD's kernel"
    asked = [operator for graph in graphs.values() for operator in graph.operators]
    seen = {(operator.name, kind_of(operator)) for operator in asked}
    for name, rule in runtime.rules.items():
        assert rule.kinds, name
        for kind in rule.kinds:
            assert (name, kind) in seen, (name, kind)
        for need in (*rule.needs, *rule.fails):
            assert_broken(need, name, asked)
    for name, demanded in runtime.kernels.demanded.items():
        for need in demanded:
            assert_broken(need, name, asked)


def assert_broken(need: str, name: str, asked: list[Operator]) -> None:
    condition = CONDITIONS[need.partition(" before ")[0]]
    broken = any(operator.name == name and not condition.holds(operator) for operator in asked)
    assert broken, f"no model breaks {need!r} of {name}"


def test_every_condition_is_asked_for() -> None:
    asked = {
        need.partition(" before ")[0]
        for r in RUNTIMES
        for rule in r.rules.values()
        for need in (*rule.needs, *rule.fails)
    }
    demanded = {name for r in RUNTIMES for names in r.kernels.demanded.values() for name in names}
    assert set(CONDITIONS) == asked | demanded


def test_unknown_operators_are_said_to_be_unknown(tmp_path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    from tests.converters.tflite.models import tiny

    def change(model: Any) -> None:
        code = model.operatorCodes[0]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = "Mine"

    for report in lint(written(tmp_path, tiny(change)), "all"):
        first, second = report.verdicts
        assert (first.name, first.outcome, first.reference) == ("CUSTOM:Mine", "unknown", "")
        assert report.unknown == 1
        assert second.outcome == "taken"


@needs_shared
@pytest.mark.parametrize("path", PEERS, ids=lambda path: path.stem)
def test_peers_fall_into_the_pieces_that_litert_makes(path: Path) -> None:
    report = judge(read_graph(path), LITERT_XNNPACK)
    real = delegation(path)
    assert (report.partitions, report.left) == (real.partitions, len(real.left))
    names = sorted(verdict.name for verdict in report.verdicts if verdict.outcome == "left")
    assert tuple(names) == real.left
    known = {"swiftformer_xs_224_int8": 37, "swiftformer_xs_224_dyn8": 17, "swiftformer_xs_224_fp32": 1}
    assert report.partitions == known.get(path.stem, report.partitions)
    assert report.unknown == report.refused == 0


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic"])
@pytest.mark.parametrize("gelu", ["exact", "fast"])
def test_our_files_are_one_partition_of_litert(tmp_path: Path, precision: str, gelu: Any) -> None:
    from tests.converters.tflite.test_graph import converted

    path = written(tmp_path, converted("micro", gelu=gelu, precision=precision, size=(64, 64)))
    assert left_by_litert(path) == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", QUANTISED)
def test_our_quantised_files_are_one_partition_of_litert(tmp_path: Path, name: str) -> None:
    """What changes the type of uint8 ends is left."""
    path = quantised(micro(), tmp_path, name, calibration=fashion(tmp_path / "calibration", 40))
    left = left_by_litert(path)
    assert left == (("QUANTIZE", "QUANTIZE") if name == "uint8 ends" else ())


def left_by_litert(path: Path) -> tuple[str, ...]:
    """The names of what LiteRT leaves of a file that is one partition of it, as the table says."""
    report, real = judge(read_graph(path), LITERT_XNNPACK), delegation(path)
    assert report.partitions == real.partitions == 1
    left = tuple(sorted(verdict.name for verdict in report.verdicts if verdict.outcome == "left"))
    assert left == real.left
    assert report.refused == report.unknown == 0
    return left


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: runtime.name)
def test_no_reason_reads_as_if_the_operator_were_taken(runtime: Runtime, graphs: dict[str, Graph]) -> None:
    reasons = {v.reason for graph in graphs.values() for v in judge(graph, runtime).verdicts}
    taken = {reason for reason in reasons if reason.startswith("taken")}
    assert all(reason.startswith("taken only ") for reason in taken)
