"""The activation in four forms: exact, and three of x times a sigmoid, which runtimes without a GELU operator take.

Each form but the exact one works on a map that is `gelu_scale` times too large, so that its polynomial's highest
coefficient is one or minus one: one multiplication less. `folding.fold_gelu` puts the scale into the convolutions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

Gelu = Literal["exact", "fast", "tanh", "sigmoid"]
"""The erf form, `GELU_FIT`, `TANH_FIT` or `SIGMOID_FIT`."""

GELU_FIT = (1.59501578, 0.0740112841, -7.03033173e-4)
"""GELU(x) = x sigmoid(c0 x + c1 x^3 + c2 x^5) to 2.6e-5 for every x; made by `benchmarks/fit_gelu.py`."""

TANH_FIT = (2 * math.sqrt(2 / math.pi), 2 * math.sqrt(2 / math.pi) * 0.044715)
"""The usual tanh form, as GELU(x) = x sigmoid(c0 x + c1 x^3) to 5e-4 (arXiv 1606.08415, section 2)."""

SIGMOID_FIT = 1.702
"""GELU(x) = x sigmoid(1.702 x) to 2.1e-2 (the same paper): two operators, which int8 can run."""

GELU_CLAMP = 25.0
"""Upper end of x^2 inside the polynomial of `GELU_FIT`; beyond it the sigmoid's argument grows linearly."""


def gelu_scale(gelu: Gelu) -> float:
    """How many times too large a hidden map is before and after the activation: 1 for the exact form."""
    return {
        "exact": 1.0,
        "fast": (-GELU_FIT[2]) ** 0.2,
        "tanh": TANH_FIT[1] ** (1 / 3),
        "sigmoid": SIGMOID_FIT,
    }[gelu]


def _fast_gelu(x: Any) -> Any:
    """`GELU_FIT` on a map that is `gelu_scale("fast")` times too large."""
    from keras import ops

    scale = gelu_scale("fast")
    square = ops.minimum(x * x, GELU_CLAMP * scale**2)
    inner = square * (GELU_FIT[1] / scale**3 - square) + GELU_FIT[0] / scale
    return x * ops.sigmoid(x * inner)


def _exact_gelu(x: Any) -> Any:
    from keras import ops

    return ops.gelu(x, approximate=False)


def _tanh_gelu(x: Any) -> Any:
    """`TANH_FIT` on a map that is `gelu_scale("tanh")` times too large."""
    from keras import ops

    return x * ops.sigmoid(x * (x * x + TANH_FIT[0] / gelu_scale("tanh")))


def _sigmoid_gelu(x: Any) -> Any:
    """`SIGMOID_FIT` on a map that is `gelu_scale("sigmoid")` times too large."""
    from keras import ops

    return x * ops.sigmoid(x)


ACTIVATIONS: Mapping[Gelu, Callable[[Any], Any]] = {
    "exact": _exact_gelu,
    "fast": _fast_gelu,
    "tanh": _tanh_gelu,
    "sigmoid": _sigmoid_gelu,
}
"""`x * gelu_scale(form)` to `GELU(x) * gelu_scale(form)`, in `keras.ops`, by form."""
