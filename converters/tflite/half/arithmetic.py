"""How numbers are rounded and summed: exactly, and as half-precision kernels do it.

Tensors and weights are float16. A result that is subnormal (below 2^-14) is flushed to zero; one that rounds to 2^16
or more becomes infinite. Two widths of accumulators, each the harshest of the kernels that phones run:

- "float32" accumulators are the GPU delegate's F32_F16 precision: a convolution multiplies four channels in float16,
  adds these products in float16 and the result to a float32 sum, a depthwise convolution each product alone
  (`tensorflow/lite/delegates/gpu/common/precision.h`, `tasks/conv_generic.cc`, `tasks/depthwise_conv.cc`). Whatever
  else is summed is summed in float32. XNNPACK's `f16-f32acc-gemm` kernels, all float32 inside, lose less.
- "float16" accumulators are the GPU delegate's F16 precision and XNNPACK's `f16-gemm` and `f16-igemm` kernels
  (`gen/f16-gemm-1x16-minmax-neonfp16arith-ld64.c`: `vfmaq_lane_f16`, one channel after another into one register).
  Every step inside an operator is rounded. Sums of products start at zero and take one product after another, in the
  order filter row, filter column, input channel, by fused multiply-add (one rounding a step, the result flushed); the
  bias comes last, as on the GPU (XNNPACK begins with it). Plain sums do the same in the order of their elements, as
  XNNPACK's `f16-gavgpool` did until 2024; the GPU delegate (`tasks/reduce.cc`) and today's XNNPACK sum in float32.
  A GPU that takes four channels at a time (`dot`), or a dense layer in four parts (`tasks/fully_connected.cc`), is
  more accurate than this.

Not modelled: a GPU's own approximations of exp, erf, tanh and rsqrt (each is rounded correctly here), and Winograd
convolution.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np

Accumulators = Literal["float32", "float16"]

FLOAT32_RUN = 4
"""How many channels a convolution with float32 accumulators adds in float16 first."""

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
        step: rounds what is calculated inside an operator, but for sums.
        accumulators: width of sums; None where nothing is rounded.
    """

    dtype: type
    tensor: Callable[[np.ndarray], np.ndarray]
    step: Callable[[np.ndarray], np.ndarray]
    accumulators: Accumulators | None

    def dot(self, rows: np.ndarray, matrix: np.ndarray, channels: int) -> np.ndarray:
        """`rows (m, k) @ matrix (k, n)`; the sum runs over k from 0 up, which are filter taps of `channels` each."""
        if self.accumulators is None:
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
                None if self.accumulators == "float16" else lambda k: k % channels % FLOAT32_RUN == 0,
            )
        return result

    def total(self, terms: np.ndarray) -> np.ndarray:
        """The sum over axis 0, in its order."""
        if self.accumulators != "float16":
            return terms.sum(axis=0)
        safe = bool(np.abs(terms).sum(axis=0).max(initial=0) < LARGEST)
        return _accumulate(terms.shape[1:], len(terms), lambda k, out: np.copyto(out, terms[k]), safe)

    def mean(self, terms: np.ndarray) -> np.ndarray:
        """`total` times one over the number of terms, which is rounded where the sum is."""
        factor: np.ndarray = np.asarray(1 / max(1, len(terms)), self.dtype)
        return self.total(terms) * (self.step(factor) if self.accumulators == "float16" else factor)

    def total_of_products(self, terms: list[np.ndarray], factors: np.ndarray) -> np.ndarray:
        """The sum over k of `terms[k] * factors[k]`, one fused multiply-add after another.

        With float32 accumulators each product is rounded before it is added.
        """
        shape = np.broadcast_shapes(terms[0].shape, factors[0].shape)
        if self.accumulators is None:
            result: np.ndarray = np.zeros(shape, self.dtype)
            for term, factor in zip(terms, factors, strict=True):
                result += term * factor
            return result
        bound = np.zeros(shape, np.float32)
        for term, factor in zip(terms, factors, strict=True):
            bound += np.abs(term * factor)
        return _accumulate(
            shape,
            len(terms),
            lambda k, out: np.multiply(terms[k], factors[k], out=out),
            bool(bound.max(initial=0) < LARGEST),
            None if self.accumulators == "float16" else lambda k: True,
        )


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
    shape: tuple[int, ...],
    count: int,
    term: Callable[[int, np.ndarray], object],
    safe: bool,
    begins: Callable[[int], bool] | None = None,
) -> np.ndarray:
    """`round(... round(round(0 + term 0) + term 1) ...)`; `safe` promises that no partial sum overflows.

    Where `begins(k)`, a new sum starts with term k, and the one before it is added to a float32 total.

    Terms are exact in float32 (a product of two float16 has 22 bits); float32's own rounding of the sum before it is
    rounded to float16 is the one step in which this differs from a fused multiply-add, by 2^-13 of a rounding error.
    """
    total, sums, work = (np.zeros(shape, np.float32) for _ in range(3))
    upper, tiny = np.empty(shape, np.float32), np.empty(shape, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(count):
            term(k, work)
            if begins is not None and begins(k):
                np.add(total, sums, out=total)
                np.copyto(sums, work)
            else:
                np.add(sums, work, out=sums)
            if not safe:
                np.copyto(sums, to_half(sums))
                continue
            np.multiply(sums, _SPLIT, out=upper)
            np.subtract(upper, sums, out=work)
            np.subtract(upper, work, out=sums)
            np.abs(sums, out=work)
            np.less(work, np.float32(SMALLEST_NORMAL), out=tiny)
            np.copyto(sums, np.float32(0), where=tiny)
        return sums if begins is None else total + sums


def _same(values: np.ndarray) -> np.ndarray:
    return values


EXACT = Arithmetic(np.float64, _same, _same, None)
PLAIN = Arithmetic(np.float32, _same, _same, None)
HALF: dict[Accumulators, Arithmetic] = {
    "float32": Arithmetic(np.float32, to_half, to_half, "float32"),
    "float16": Arithmetic(np.float32, to_half, to_half, "float16"),
}
