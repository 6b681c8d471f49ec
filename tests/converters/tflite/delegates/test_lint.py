"""What is read of a file's operators, what is said of the whole file, and how graphs fall into pieces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from converters.tflite.delegates.lint import causes, judge, lint
from converters.tflite.delegates.operators import read_graph
from converters.tflite.delegates.partition import pieces
from converters.tflite.delegates.rules import API_LEVELS, RUNTIMES
from swiftformer_keras.errors import TFLiteFileError
from tests.converters.tflite.delegates.sketch import Sketch
from tests.converters.tflite.models import tiny, written
from tests.harness import SHARED, assert_refused, needs_shared

GPU = next(runtime for runtime in RUNTIMES if runtime.delegate == "gpu")
ANDROID = next(runtime for runtime in RUNTIMES if runtime.name == "xnnpack-2.16.1")
SHAPE = (1, 4, 6, 8)


def chain(folder: Path, *names: str, repeat: int = 1) -> Path:
    """Unary operators one after the other."""
    sketch = Sketch()
    first = last = sketch.tensor(SHAPE)
    for name in names * repeat:
        following = sketch.tensor(SHAPE)
        sketch.operator(name, [last], [following])
        last = following
    return written(folder, sketch.packed([first], [last]))


def test_options_types_and_constants_are_read(tmp_path: Path) -> None:
    sketch = Sketch()
    source, half = sketch.tensor(SHAPE), sketch.tensor((16, 1, 1, 8), "float16", values=1)
    weights, bias, target = (
        sketch.tensor((16, 1, 1, 8)),
        sketch.tensor((16,), values=0),
        sketch.tensor((1, 4, 6, 16)),
    )
    axes, mean = sketch.tensor((2,), "int32", values=[1, 2]), sketch.tensor((1, 16))
    sketch.operator("DEQUANTIZE", [half], [weights], 3, kind="DequantizeOptions")
    sketch.operator(
        "CONV_2D",
        [source, weights, bias],
        [target],
        2,
        kind="Conv2DOptions",
        fusedActivationFunction=3,
        dilationWFactor=2,
        dilationHFactor=5,
    )
    sketch.operator("MEAN", [target, axes, -1], [mean], kind="ReducerOptions")
    graph = read_graph(written(tmp_path, sketch.packed([source], [mean])))
    widen, convolution, reduction = graph.operators
    assert widen.widens_a_constant
    assert (convolution.name, convolution.version, convolution.index) == ("CONV_2D", 2, 1)
    assert dict(convolution.options) == {"activation": 3, "dilation_w": 2, "dilation_h": 5}
    assert convolution.inputs[1] is not None
    assert (convolution.inputs[1].constant, convolution.inputs[1].stored) == (True, "float16")
    assert [operand.tensor.index for operand in convolution.runtime_inputs] == [source]
    assert reduction.inputs[1] is not None and reduction.inputs[1].values == (1, 2)
    assert reduction.inputs[2] is None


@pytest.mark.parametrize("keep", [0, 3, 7, 64, 300, 600])
def test_files_that_are_cut_short_are_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes(tiny()[:keep])
    assert_refused(TFLiteFileError, lambda: lint(path, "all"), "cut.tflite")


def test_every_byte_may_be_wrong(tmp_path: Path) -> None:
    """A changed byte is read or refused, and nothing else."""
    good = tiny()
    path = tmp_path / "changed.tflite"
    refused = 0
    for position in range(0, len(good), 5):
        changed = bytearray(good)
        changed[position] ^= 0xFF
        path.write_bytes(changed)
        try:
            judge(read_graph(path), GPU)
        except TFLiteFileError:
            refused += 1
    assert refused > 10


def test_a_tensor_that_is_not_there_is_refused(tmp_path: Path) -> None:
    sketch = Sketch()
    source = sketch.tensor(SHAPE)
    sketch.operator("RELU", [99], [source])
    path = written(tmp_path, sketch.packed([source], [source]))
    assert_refused(TFLiteFileError, lambda: lint(path, "all"), "tensor 99")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("RELU", "TANH"), [True]),
        (("RELU", "GELU", "TANH"), [True, False, True]),
        (("GELU", "GELU"), [False]),
        ((), []),
    ],
)
def test_pieces_of_a_chain(tmp_path: Path, names: tuple[str, ...], expected: list[bool]) -> None:
    report = judge(read_graph(chain(tmp_path, *names)), ANDROID)
    assert report.pieces == len(expected)
    assert report.partitions == sum(expected)


def test_pieces_take_in_what_is_ready_wherever_it_stands(tmp_path: Path) -> None:
    """Two branches of RELU, GELU, RELU each: three pieces, not five."""
    sketch = Sketch()
    source = sketch.tensor(SHAPE)
    ends = []
    for _ in range(2):
        last = source
        for name in ("RELU", "GELU", "RELU"):
            following = sketch.tensor(SHAPE)
            sketch.operator(name, [last], [following])
            last = following
        ends.append(last)
    graph = read_graph(written(tmp_path, sketch.packed([source], ends)))
    assert pieces(graph.operators, [op.name == "RELU" for op in graph.operators]) == [True, False, True]


def test_a_circle_ends(tmp_path: Path) -> None:
    sketch = Sketch()
    a, b = sketch.tensor(SHAPE), sketch.tensor(SHAPE)
    sketch.operator("RELU", [a], [b])
    sketch.operator("RELU", [b], [a])
    assert judge(read_graph(written(tmp_path, sketch.packed([a], [b]))), GPU).pieces == 0


def test_long_chains_are_counted_at_once(tmp_path: Path) -> None:
    report = judge(read_graph(chain(tmp_path, "RELU", "GELU", repeat=4000)), ANDROID)
    assert (report.partitions, report.pieces) == (4000, 8000)


def test_more_partitions_than_a_delegate_computes_are_a_problem(tmp_path: Path) -> None:
    report = judge(read_graph(chain(tmp_path, "RELU", "CEIL", "RELU")), GPU)
    assert (report.taken, report.left, report.partitions) == (2, 1, 2)
    assert "largest 1 of these 2 partitions" in report.problems[0]


def test_sums_and_constants_that_leave_float16_are_warned_of(tmp_path: Path) -> None:
    def model(axes: list[int], epsilon: float, shape: tuple[int, ...]) -> Path:
        sketch = Sketch()
        source, total = sketch.tensor(shape), sketch.tensor((1, 1, 1, 8))
        over = sketch.tensor((len(axes),), "int32", values=axes)
        small, target = sketch.tensor((), values=np.float32(epsilon)), sketch.tensor((1, 1, 1, 8))
        sketch.operator("SUM", [source, over], [total], kind="ReducerOptions", keepDims=True)
        sketch.operator("ADD", [total, small], [target], kind="AddOptions")
        return written(tmp_path, sketch.packed([source], [target]))

    unsafe = judge(read_graph(model([1, 2], 1e-12, (1, 56, 56, 8))), GPU)
    assert [warning.split(" (")[1].split(")")[0] for warning in unsafe.warnings] == ["SUM", "ADD"]
    assert "3,136 numbers" in unsafe.warnings[0] and "1e-12" in unsafe.warnings[1]
    assert judge(read_graph(model([1, 2], 1e-6, (1, 7, 7, 8))), GPU).warnings == ()
    assert judge(read_graph(model([1, 2], 1e-12, (1, 56, 56, 8))), ANDROID).warnings == (), (
        "that one is float32"
    )


@needs_shared
def test_weights_behind_the_flatbuffer_are_a_problem_on_android() -> None:
    assert SHARED is not None
    for report in lint(SHARED / "peers" / "swiftformer_xs_224_int8.tflite", "all"):
        said = " ".join(report.problems)
        assert ("behind the flatbuffer" in said) == ("litert" not in report.runtime)
        assert ("does not load" in said) == ("litert" not in report.runtime), "SQRT in int8"


def test_causes_are_grouped_with_the_commonest_first(tmp_path: Path) -> None:
    report = judge(read_graph(chain(tmp_path, "GELU", "RELU", "RSQRT", "GELU")), ANDROID)
    assert [(cause.name, cause.operators) for cause in causes(report)] == [("GELU", (0, 3)), ("RSQRT", (2,))]
    assert all(cause.reason and cause.advice for cause in causes(report))


def test_reports_are_plain_json_and_name_their_rules(tmp_path: Path) -> None:
    reports = lint(chain(tmp_path, "GELU"), "all")
    assert len(reports) == 3 + len(API_LEVELS)
    for report in reports:
        told = json.loads(json.dumps(report.to_dict()))["verdicts"][0]
        assert bool(told["reference"]) == (told["outcome"] != "taken")
    assert [report.runtime for report in lint(chain(tmp_path, "GELU"), "gpu")] == ["gpu-2.16.1"]
