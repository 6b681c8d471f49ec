"""The table of delegates' rules against the delegates of Android's own library.

They choose their operators before they meet a driver, so XNNPACK, the GPU delegate and NNAPI at each API level give the
answers of a phone here.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from converters.load import load_checkpoint
from converters.tflite.delegates import scales
from converters.tflite.delegates.kernels import TFLITE_2_16
from converters.tflite.delegates.lint import judge
from converters.tflite.delegates.operators import read_graph
from converters.tflite.delegates.rules import RUNTIMES, Runtime
from converters.tflite.flatbuffer import repack
from converters.tflite.settings import Precision
from swiftformer_keras import data
from tests.android_runtime.runtime import AndroidRuntime, Answer, Request
from tests.android_runtime.test_agreement import converted
from tests.converters.tflite.delegates.one_operator import cases, in_version
from tests.converters.tflite.delegates.our_files import QUANTISED, quantised
from tests.converters.tflite.delegates.test_rules import PEERS, outcome, plain_cases
from tests.converters.tflite.models import written
from tests.harness import needs_shared

pytestmark = pytest.mark.slow

PHONES = [runtime for runtime in RUNTIMES if runtime.android]


def real(answer: Answer) -> str:
    """What the library did with a model of one operator."""
    failed = [line for line in answer.log if "TfLiteGpuDelegate Init" in line and "EGL error" not in line]
    if answer.delegations:
        (made,) = answer.delegations
        return "taken" if made.taken == made.total and not failed else "left"
    # A graph with a tensor whose size is computed is refused by the delegate, with a word once in a process only; a
    # kernel that is missing is an error each time.
    return "refused" if answer.refused not in (None, "cannot create") else "left"


@pytest.mark.parametrize("runtime", PHONES, ids=lambda runtime: runtime.name)
def test_the_library_takes_what_the_table_says(
    android: AndroidRuntime, tmp_path: Path, runtime: Runtime
) -> None:
    requests = []
    for number, case in enumerate(cases()):
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(case.data)
        requests.append(Request(path, runtime.delegate, sdk=runtime.api or 34))
    wrong = []
    for case, request, answer in zip(cases(), requests, android.ask(requests), strict=True):
        said = outcome(judge(read_graph(request.model), runtime))
        if said != real(answer):
            wrong.append(f"{case.name}: the library says {real(answer)} ({answer.refused}), the table {said}")
    assert not wrong, "\n".join(wrong)


def test_the_library_has_the_versions_that_the_table_says(android: AndroidRuntime, tmp_path: Path) -> None:
    requests = []
    for case in plain_cases():
        newest = TFLITE_2_16.newest[case.operator]
        for version in (newest, newest + 1):
            path = tmp_path / f"{len(requests)}.tflite"
            path.write_bytes(in_version(case, version))
            requests.append(Request(path, "none"))
    unknown = ["Didn't find op" in (answer.refused or "") for answer in android.ask(requests)]
    names = [case.operator for case in plain_cases()]
    assert [name for name, gone in zip(names, unknown[::2], strict=True) if gone] == []
    assert [name for name, gone in zip(names, unknown[1::2], strict=True) if not gone] == []


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic"])
def test_our_files_fall_into_the_pieces_that_the_library_makes(
    android: AndroidRuntime, tmp_path: Path, precision: Precision
) -> None:
    assert_same_pieces(android, written(tmp_path, converted("swiftformer_xs", 64, precision)))


@pytest.mark.parametrize("name", QUANTISED)
def test_our_quantised_files_fall_into_the_pieces_that_the_library_makes(
    android: AndroidRuntime, tmp_path: Path, name: str
) -> None:
    """Of the trained network: its ranges are symmetric here and there, which random weights' are not."""
    path = quantised(trained(), tmp_path, name)
    widened = [operator for operator in read_graph(path).operators if operator.name == "DEQUANTIZE"]
    if name == "int8":
        assert any(scales.middle_zero_point(operator) for operator in widened), "as NNAPI minds at level 29"
    assert_same_pieces(android, path)


@functools.cache
def trained() -> Any:
    return load_checkpoint(
        data.demo_checkpoint(), preprocessing=data.demo_preprocessing(), labels=data.demo_labels()
    ).model


@needs_shared
@pytest.mark.parametrize("path", PEERS, ids=lambda path: path.stem)
def test_peers_fall_into_the_pieces_that_the_library_makes(
    android: AndroidRuntime, tmp_path: Path, path: Path
) -> None:
    """With their weights put inside; the two that the library does not load are said to be refused."""
    inside = written(tmp_path, repack(path.read_bytes(), inputs=("image",), outputs=("logits",)))
    assert_same_pieces(android, inside)


def assert_same_pieces(android: AndroidRuntime, path: Path) -> None:
    graph = read_graph(path)
    """On XNNPACK, the GPU delegate and NNAPI of every API level."""
    answers = android.ask([Request(path, runtime.delegate, sdk=runtime.api or 34) for runtime in PHONES])
    for runtime, answer in zip(PHONES, answers, strict=True):
        report = judge(graph, runtime)
        if report.refused:
            assert answer.refused and not answer.delegations, runtime.name
            continue
        (made,) = answer.delegations
        # Depending on the delegate, what widens 16-bit weights counts as taken, as left, or not at all.
        widening = sum(operator.widens_a_constant for operator in graph.operators)
        assert made.pieces == report.pieces, runtime.name
        assert made.total - made.taken in (report.left, report.left + widening), runtime.name
        assert made.taken in (report.taken, report.taken - widening), runtime.name
