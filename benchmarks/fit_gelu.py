"""Where the constants of `--gelu fast` come from: minimax fits of `x * sigmoid(odd polynomial of x)` to GELU.

    python benchmarks/fit_gelu.py

GELU is `x * Phi(x)` with the normal distribution's Phi (Hendrycks and Gimpel, arXiv 1606.08415, eq. 2). The fit
minimises the largest absolute error over all real x by Lawson's algorithm: least squares again and again, every
point weighted by how large its error was. `x * x` is clamped in the polynomial's argument, so that a negative
highest coefficient cannot turn the sigmoid round far from zero; beyond the clamp the argument grows linearly.
The error is even in x (both sigmoid and Phi are odd about one half), so half the line is enough.
"""

from __future__ import annotations

import math

import numpy as np

GRID = np.linspace(0.0, 12.0, 24_001)
PHI = np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in GRID])
CLAMPS = {2: math.inf, 3: 25.0, 4: 36.0}
"""Upper end of `x * x` by number of terms: past the last place where the polynomial is wanted."""


def fast_gelu(x: np.ndarray, coefficients: np.ndarray, clamp: float) -> np.ndarray:
    """`x * sigmoid(x * (c0 + c1 t + c2 t^2 ...))` with `t = min(x^2, clamp)`, float64."""
    argument = x * np.polynomial.polynomial.polyval(np.minimum(x * x, clamp), coefficients)
    return x / (1.0 + np.exp(-argument))


def fit(terms: int, rounds: int = 4000) -> tuple[np.ndarray, float]:
    """Coefficients of x, x^3, x^5 ... and the largest absolute error against GELU."""
    clamp = CLAMPS[terms]
    powers = np.minimum(GRID * GRID, clamp)[:, None] ** np.arange(terms)
    basis = powers * GRID[:, None]
    coefficients = np.zeros(terms)
    coefficients[0] = 1.702
    if terms > 1:
        coefficients[:2] = (1.6, 0.07)
    weights = np.ones_like(GRID)
    best, best_error = coefficients, math.inf
    for _ in range(rounds):
        gate = 1.0 / (1.0 + np.exp(-basis @ coefficients))
        error = GRID * (gate - PHI)
        worst = np.abs(error).max()
        if worst < best_error:
            best, best_error = coefficients, worst
        weights *= (np.abs(error) / worst) ** 0.1 + 1e-9
        weights /= weights.max()
        slope = (GRID * gate * (1.0 - gate))[:, None] * basis
        root = np.sqrt(weights)[:, None]
        step = np.linalg.lstsq(slope * root, -error * root[:, 0], rcond=None)[0]
        coefficients = coefficients + 0.5 * step
    return best, float(best_error)


def main() -> None:
    """Print coefficients and largest error for two, three and four terms."""
    for terms in (2, 3, 4):
        coefficients, error = fit(terms)
        print(
            f"{terms} terms, x^2 <= {CLAMPS[terms]:g}: {[float(f'{c:.9g}') for c in coefficients]}, error {error:.3e}"
        )


if __name__ == "__main__":
    main()
