"""A .tflite graph in half-precision arithmetic beside its float64 evaluation, operator by operator."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from converters.tflite.check import Difference, compare
from converters.tflite.half.arithmetic import EXACT, HALF, PLAIN, Accumulators, Arithmetic
from converters.tflite.half.graph import Graph, Operator
from converters.tflite.half.operators import UnsupportedOperator, evaluate
from swiftformer_keras.errors import TFLiteFileError

Values = dict[int, np.ndarray]


@dataclasses.dataclass(frozen=True)
class OperatorLoss:
    """What half precision costs at one operator, over all pictures.

    Attributes:
        index, operator, tensor: its place in the file, its name in the schema, and its result's name.
        own_db: signal to noise of this operator alone: its result in half against float32 on the same inputs; None
            where there is no noise.
        total_db: signal to noise of its result against the float64 evaluation of the whole graph; None as above.
        overflows: elements of its result that are infinite or no number in half and finite in float32 on the same
            inputs; the most of any picture.
        largest: largest absolute value of its result in float64.
    """

    index: int
    operator: str
    tensor: str
    own_db: float | None
    total_db: float | None
    overflows: int
    largest: float

    def __str__(self) -> str:
        # the converter names what it fuses after all its parts: "a;b;c"
        return f"operator {self.index} ({self.operator}, {self.tensor.partition(';')[0]})"


@dataclasses.dataclass(frozen=True)
class HalfLoss:
    """What half precision costs a file with one width of accumulators.

    Attributes:
        accumulators: "float32" or "float16".
        difference: of the scores from those in float64.
        operators: every operator's own, in the order they run.
    """

    accumulators: Accumulators
    difference: Difference
    operators: tuple[OperatorLoss, ...]

    @property
    def overflowing(self) -> OperatorLoss | None:
        """The first operator that overflows."""
        return next((loss for loss in self.operators if loss.overflows), None)

    def below(self, bound_db: float) -> OperatorLoss | None:
        """The first operator that itself loses more than a bound."""
        return next((o for o in self.operators if o.own_db is not None and not o.own_db >= bound_db), None)

    @property
    def costliest(self) -> OperatorLoss:
        """The operator that itself loses most."""
        return min(self.operators, key=lambda loss: math.inf if loss.own_db is None else loss.own_db)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "accumulators": self.accumulators,
            "difference": dataclasses.asdict(self.difference),
            "operators": [dataclasses.asdict(operator) for operator in self.operators],
        }


class _Sums:
    """Signal and noise of one operator, picture after picture."""

    def __init__(self) -> None:
        self.signal = self.noise = self.own_signal = self.own_noise = 0.0
        self.overflows, self.largest = 0, 0.0

    def add(self, half: np.ndarray, own: np.ndarray, exact: np.ndarray) -> None:
        self.signal += float((exact**2).sum())
        self.noise += _noise(half, exact)
        finite = np.isfinite(own)
        self.own_signal += float((own[finite] ** 2).sum())
        self.own_noise += _noise(half[finite], own[finite])
        self.overflows = max(self.overflows, int((~np.isfinite(half) & finite).sum()))
        self.largest = max(self.largest, float(np.abs(exact).max(initial=0)))


def emulate(
    graph: Graph,
    inputs: Iterable[np.ndarray],
    accumulators: Sequence[Accumulators] = ("float32", "float16"),
    on_picture: Callable[[int], object] | None = None,
) -> tuple[HalfLoss, ...]:
    """Run a graph on pictures in half precision and in float64.

    Args:
        inputs: float `(height, width, 3)` each, in the units of the graph's input; at least one.
        accumulators: widths to emulate; see `arithmetic.py` for what is assumed.
        on_picture: is told how many are done.

    Returns:
        One result for each width.

    Raises:
        TFLiteFileError: an operator is not known, or its shapes do not fit.
    """
    sums: dict[Accumulators, list[_Sums]] = {
        width: [_Sums() for _ in graph.operators] for width in accumulators
    }
    scores: dict[Any, list[np.ndarray]] = {width: [] for width in (EXACT, *accumulators)}
    for done, picture in enumerate(inputs, 1):
        for arithmetic, row in _run_together(graph, picture, sums).items():
            scores[arithmetic].append(row)
        if on_picture is not None:
            on_picture(done)
    reference = np.stack(scores[EXACT])
    return tuple(
        HalfLoss(
            width,
            compare(np.stack(scores[width]), reference),
            tuple(
                _loss(graph, operator, s) for operator, s in zip(graph.operators, sums[width], strict=True)
            ),
        )
        for width in accumulators
    )


def run(graph: Graph, picture: np.ndarray, arithmetic: Arithmetic = EXACT) -> Values:
    """Every tensor that the graph computes for one picture `(height, width, 3)`, by index.

    Raises:
        TFLiteFileError: as `emulate`.
    """
    values: Values = {graph.input: _input(graph, picture, arithmetic)}
    for operator in graph.operators:
        values[operator.output] = _apply(graph, operator, values, arithmetic)
    return values


def _run_together(
    graph: Graph, picture: np.ndarray, sums: Mapping[Accumulators, list[_Sums]]
) -> dict[Arithmetic | Accumulators, np.ndarray]:
    """The scores of one picture, exact and in each width; adds each operator's loss to `sums`.

    All of them go through the graph together, so that no more tensors are held than are still needed.
    """
    exact: Values = {graph.input: _input(graph, picture, EXACT)}
    values: dict[Accumulators, Values] = {
        width: {graph.input: _input(graph, picture, HALF[width])} for width in sums
    }
    done_with = _last_uses(graph)
    for place, operator in enumerate(graph.operators):
        exact[operator.output] = _apply(graph, operator, exact, EXACT)
        for width, own in values.items():
            half, plain = (_apply(graph, operator, own, a) for a in (HALF[width], PLAIN))
            sums[width][place].add(half.astype(np.float64), plain, exact[operator.output])
            own[operator.output] = half
        for index in done_with[place]:
            for held in (exact, *values.values()):
                held.pop(index, None)
    found: dict[Arithmetic | Accumulators, np.ndarray] = {EXACT: exact[graph.output].reshape(-1)}
    return {**found, **{width: own[graph.output].reshape(-1) for width, own in values.items()}}


def _last_uses(graph: Graph) -> list[list[int]]:
    """For each operator, the tensors that nothing after it needs."""
    last = {index: place for place, operator in enumerate(graph.operators) for index in operator.inputs}
    found: list[list[int]] = [[] for _ in graph.operators]
    for index, place in last.items():
        if index != graph.output:
            found[place].append(index)
    return found


def _input(graph: Graph, picture: np.ndarray, arithmetic: Arithmetic) -> np.ndarray:
    shape = graph.tensors[graph.input].shape
    if (1, *picture.shape) != shape:
        raise TFLiteFileError(
            f"{graph.where}: takes {shape}, not {(1, *picture.shape)}. Check the input size"
        )
    return arithmetic.tensor(picture[None].astype(arithmetic.dtype))


def _apply(graph: Graph, operator: Operator, values: Values, arithmetic: Arithmetic) -> np.ndarray:
    """One operator's result; its shape is the declared one."""
    what = f"{graph.where}: operator {operator.index} ({operator.name})"
    shape = graph.tensors[operator.output].shape
    try:
        inputs = [_value(graph, index, values, arithmetic) for index in operator.inputs if index >= 0]
        result = evaluate(operator, inputs, arithmetic)
    except UnsupportedOperator as error:
        raise TFLiteFileError(
            f"{what} {error}, so its half-precision arithmetic cannot be worked out. "
            "Export the model with swiftformer export"
        ) from None
    except (ValueError, IndexError, KeyError, TypeError):
        raise TFLiteFileError(f"{what} does not fit its inputs. The file is damaged; get it again") from None
    if result.shape != shape:
        raise TFLiteFileError(
            f"{what} gives {result.shape}, but the file says {shape}. It is damaged; get it again"
        )
    return result


def _value(graph: Graph, index: int, values: Values, arithmetic: Arithmetic) -> np.ndarray:
    """A tensor for one operator: computed, or a constant on the arithmetic's grid."""
    if index in values:
        return np.asarray(values[index], arithmetic.dtype)
    constant = graph.tensors[index].constant
    assert constant is not None, "the graph's order was checked"
    if constant.dtype.kind != "f":
        return constant
    return arithmetic.tensor(constant.astype(arithmetic.dtype))


def _noise(values: np.ndarray, reference: np.ndarray) -> float:
    gap = values - reference
    return float((gap**2).sum()) if np.isfinite(gap).all() else math.inf


def _loss(graph: Graph, operator: Operator, sums: _Sums) -> OperatorLoss:
    return OperatorLoss(
        operator.index,
        operator.name,
        graph.tensors[operator.output].name,
        _decibels(sums.own_signal, sums.own_noise),
        _decibels(sums.signal, sums.noise),
        sums.overflows,
        sums.largest,
    )


def _decibels(signal: float, noise: float) -> float | None:
    if noise == 0:
        return None
    return 10 * math.log10(signal / noise) if signal > 0 and math.isfinite(noise) else -math.inf
