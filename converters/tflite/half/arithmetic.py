"""How numbers are rounded and summed: exactly, and as half-precision hardware may do it.

What is assumed of the hardware, on purpose the worst that is usual:

- Tensors and weights are float16. A result that is subnormal (below 2^-14) is flushed to zero; one that rounds to
  2^16 or more becomes infinite.
- "float32" accumulators: what happens inside an operator is float32, and its result is rounded once. This is the
  GPU delegate's F32_F16 precision, and what a unit with wide accumulators does.
- "float16" accumulators: every step inside an operator is rounded too. Sums of products (convolutions, dense layers)
  start at zero and take one product after another, in the order filter row, filter column, input channel, by fused
  multiply-add (one rounding a step, the result flushed); the bias comes last. Plain sums do the same in the order of
  their elements. This is the GPU delegate's F16 precision, whose kernels keep four input channels in a register and
  add them one after the other. A kernel that splits a sum into partial sums is more accurate than this.

Not modelled: a GPU's own approximations of exp, erf, tanh and rsqrt (each is rounded correctly here), and Winograd
convolution.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np

Accumulators = Literal["float32", "float16"]

LARGEST = 65504.0
"""Largest finite float16."""

SMALLEST_NORMAL = 2.0**-14
_ROUNDS_TO_INFINITY = 65520.0  # halfway between the largest float16 and 2^16
_SPLIT = np.float32(2**13 + 1)  # keeps the upper 11 of a float32's 24 bits (Dekker 1971, section 5)
_CHUNK = 1 << 16  # elements that are accumulated at a time: what the processor's cache holds


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """One way to calculate; arrays are of `dtype` throughout, whatever grid their values lie on.

    Attributes:
        dtype: float64 for `EXACT`, float32 for the others.
        tensor: rounds what is written to a tensor.
        step: rounds what is calculated inside an operator.
        sequential: sums are rounded after every addition.
    """

    dtype: type
    tensor: Callable[[np.ndarray], np.ndarray]
    step: Callable[[np.ndarray], np.ndarray]
    sequential: bool

    def dot(self, rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """`rows (m, k) @ matrix (k, n)`; the sum runs over k from 0 up."""
        if not self.sequential:
            return rows @ matrix
        result: np.ndarray = np.empty((len(rows), matrix.shape[1]), np.float32)
        size = max(1, _CHUNK // max(1, matrix.shape[1]))
        for start in range(0, len(rows), size):
            chunk = np.ascontiguousarray(rows[start : start + size].T)  # (k, m)
            safe = bool((np.abs(chunk.T) @ np.abs(matrix)).max(initial=0) < LARGEST)
            result[start : start + size] = _accumulate(
                (chunk.shape[1], matrix.shape[1]),
                len(matrix),
                lambda k, out, chunk=chunk: np.multiply(chunk[k][:, None], matrix[k], out=out),  # type: ignore[misc]
                safe,
            )
        return result

    def total(self, terms: np.ndarray) -> np.ndarray:
        """The sum over axis 0, in its order."""
        if not self.sequential:
            return terms.sum(axis=0)
        safe = bool(np.abs(terms).sum(axis=0).max(initial=0) < LARGEST)
        return _accumulate(terms.shape[1:], len(terms), lambda k, out: np.copyto(out, terms[k]), safe)

    def total_of_products(self, terms: list[np.ndarray], factors: np.ndarray) -> np.ndarray:
        """The sum over k of `terms[k] * factors[k]`, one fused multiply-add after another."""
        shape = np.broadcast_shapes(terms[0].shape, factors[0].shape)
        if not self.sequential:
            result: np.ndarray = np.zeros(shape, self.dtype)
            for term, factor in zip(terms, factors, strict=True):
                result += term * factor
            return result
        bound = np.zeros(shape, np.float32)
        for term, factor in zip(terms, factors, strict=True):
            bound += np.abs(term * factor)
        safe = bool(bound.max(initial=0) < LARGEST)
        return _accumulate(shape, len(terms), lambda k, out: np.multiply(terms[k], factors[k], out=out), safe)


def to_half(values: np.ndarray) -> np.ndarray:
    """The nearest float16 to each value (ties to even), subnormals flushed to zero; held as float32."""
    values = np.asarray(values, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        upper = values * _SPLIT
        rounded = upper - (upper - values)
        size = np.abs(values)
        rounded = np.where(size >= _ROUNDS_TO_INFINITY, np.copysign(np.float32(np.inf), values), rounded)
        return np.where(np.abs(rounded) < SMALLEST_NORMAL, np.float32(0), rounded)


def _accumulate(
    shape: tuple[int, ...], count: int, term: Callable[[int, np.ndarray], object], safe: bool
) -> np.ndarray:
    """`round(... round(round(0 + term 0) + term 1) ...)`; `safe` promises that no partial sum overflows.

    Terms are exact in float32 (a product of two float16 has 22 bits); float32's own rounding of the sum before it is
    rounded to float16 is the one step in which this differs from a fused multiply-add, by 2^-13 of a rounding error.
    """
    sums, work = np.zeros(shape, np.float32), np.empty(shape, np.float32)
    upper, normal = np.empty(shape, np.float32), np.empty(shape, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(count):
            term(k, work)
            np.add(sums, work, out=sums)
            if not safe:
                sums = to_half(sums)
                continue
            np.multiply(sums, _SPLIT, out=upper)
            np.subtract(upper, sums, out=work)
            np.subtract(upper, work, out=sums)
            np.abs(sums, out=work)
            np.greater_equal(work, np.float32(SMALLEST_NORMAL), out=normal)
            np.multiply(sums, normal, out=sums)
    return sums


def _same(values: np.ndarray) -> np.ndarray:
    return values


EXACT = Arithmetic(np.float64, _same, _same, sequential=False)
PLAIN = Arithmetic(np.float32, _same, _same, sequential=False)
HALF: dict[Accumulators, Arithmetic] = {
    "float32": Arithmetic(np.float32, to_half, _same, sequential=False),
    "float16": Arithmetic(np.float32, to_half, to_half, sequential=True),
}
