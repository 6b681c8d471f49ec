"""Run a .tflite model with LiteRT and measure it against the model it was made from."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from swiftformer_keras.errors import TFLiteFileError
from swiftformer_keras.shown import shown

_ENDS = (np.float32, np.int8, np.uint8)

LARGE_LOGIT = 16.0
"""Up to this size of a picture's largest logit the stated bounds on logits are absolute; above it they grow in
proportion to that logit. Float arithmetic cannot do better there: it keeps a fixed number of digits, not of decimals
(24 bits in float32, 11 in float16), so the error of every sum on the way grows with the numbers summed. Nor is more
needed: a lead of 16 is a probability of 1 - 1e-7, one float32 step below 1. Reports say what it came to."""


def run_tflite(model: Path | bytes, inputs: np.ndarray, threads: int = 1) -> np.ndarray:
    """Outputs `(n, classes)` of a model for inputs `(n, height, width, 3)`, one after another, as float32.

    Values go into and come out of an int8 or uint8 model by its own scales. Runs in this process: for files that
    this project has just written. A file from elsewhere belongs in a child process (`sandbox.py`).

    Raises:
        TFLiteFileError: LiteRT cannot read or run it, or the inputs are not of its shape.
    """
    interpreter = interpreter_of(model, threads)
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if tuple(source["shape"][1:]) != inputs.shape[1:] or source["dtype"] not in _ENDS:
        raise TFLiteFileError(
            f"{_where(model)}: takes {source['dtype'].__name__} {tuple(int(n) for n in source['shape'][1:])}, "
            f"not pictures of {inputs.shape[1:]}. Check the input size"
        )
    outputs = []
    for picture in inputs:
        interpreter.set_tensor(source["index"], stored_values(picture[None], source))
        interpreter.invoke()
        outputs.append(_meant(interpreter.get_tensor(target["index"])[0], target))
    return np.stack(outputs)


def stored_values(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """Numbers in the type of an input."""
    if tensor["dtype"] == np.float32:
        return np.asarray(values, np.float32)
    (scale, zero_point), limits = tensor["quantization"], np.iinfo(tensor["dtype"])
    steps = np.round(np.asarray(values, np.float32) / np.float32(scale)) + zero_point
    stored: np.ndarray = np.clip(steps, limits.min, limits.max).astype(tensor["dtype"])
    return stored


def _meant(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """What an output's values stand for, as float32 of its own memory."""
    if tensor["dtype"] == np.float32:
        return values.copy()
    scale, zero_point = tensor["quantization"]
    meant: np.ndarray = (values.astype(np.float32) - zero_point) * np.float32(scale)
    return meant


def interpreter_of(model: Path | bytes, threads: int = 1) -> Any:
    """A LiteRT interpreter ready to run.

    Raises:
        TFLiteFileError: LiteRT cannot read it, or has no kernel for one of its operators.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        # by its bytes: LiteRT takes no path that is not UTF-8
        content = model if isinstance(model, bytes) else model.read_bytes()
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, OSError) as error:
        reason = shown(str(error), 200)
        raise TFLiteFileError(f"{_where(model)}: LiteRT cannot run it ({reason}). Export it again") from None
    return interpreter


@dataclasses.dataclass(frozen=True)
class Delegation:
    """What XNNPACK, LiteRT's CPU delegate, takes of a model.

    Attributes:
        partitions: pieces handed to it; every further one costs a copy of its edges.
        left: names of the operators that it does not take.
    """

    partitions: int
    left: tuple[str, ...]


def delegation(model: Path | bytes) -> Delegation:
    """Ask LiteRT how it splits a model.

    Its list of operators keeps those that a DELEGATE operator replaced, so what runs is found by walking from
    the outputs back to the inputs, through the delegate where it makes a tensor.
    """
    interpreter = interpreter_of(model)
    operators = interpreter._get_ops_details()
    makers: dict[int, Any] = {}
    for operator in sorted(operators, key=lambda op: op["op_name"] == "DELEGATE"):
        makers.update({int(tensor): operator for tensor in operator["outputs"]})
    wanted = [int(output["index"]) for output in interpreter.get_output_details()]
    running: dict[int, str] = {}
    while wanted:
        operator = makers.get(wanted.pop())
        if operator is not None and operator["index"] not in running:
            running[operator["index"]] = operator["op_name"]
            wanted += [int(tensor) for tensor in operator["inputs"]]
    names = list(running.values())
    return Delegation(names.count("DELEGATE"), tuple(sorted(name for name in names if name != "DELEGATE")))


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far outputs are from the reference.

    Attributes:
        largest: largest absolute difference of one output.
        excess: the same, but of a picture whose largest reference output is above `LARGE_LOGIT`, divided
            by how many times it is; this is what is held against a bound.
        largest_output: largest absolute reference output.
        sqnr_db: signal to noise ratio over all outputs, in dB; None where there is no difference at all.
        agreement: share of pictures with the same largest output.
    """

    largest: float
    excess: float
    largest_output: float
    sqnr_db: float | None
    agreement: float


def compare(outputs: np.ndarray, reference: np.ndarray) -> Difference:
    """Measure outputs `(n, classes)` against reference outputs of the same shape. NaN differs infinitely."""
    gap = np.abs(outputs.astype(np.float64) - reference.astype(np.float64))
    gap[~np.isfinite(gap)] = np.inf
    size = np.abs(reference.astype(np.float64)).max(axis=1)
    worst = gap.max(axis=1)
    noise, signal = float((gap**2).sum()), float((reference.astype(np.float64) ** 2).sum())
    ratio = -math.inf if not math.isfinite(noise) else math.inf if noise == 0 else signal / noise
    return Difference(
        largest=float(worst.max()),
        excess=float((worst / np.maximum(1.0, size / LARGE_LOGIT)).max()),
        largest_output=float(size.max()),
        sqnr_db=None if noise == 0 else 10 * math.log10(ratio) if ratio > 0 else -math.inf,
        agreement=float((outputs.argmax(axis=1) == reference.argmax(axis=1)).mean()),
    )


def _where(model: Path | bytes) -> str:
    return "the model" if isinstance(model, bytes) else shown(model)
