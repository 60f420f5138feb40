"""The logarithm of the gamma function over arrays, which numpy has not and scipy is too slow to load for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Stirling's series after a shift by 8 has an error under 1e-9 here.
_SHIFT = 8


def log_gamma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithm of the gamma function, for x > 0."""
    shifted = x + _SHIFT
    series = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi)
    series += 1 / (12 * shifted) - 1 / (360 * shifted**3) + 1 / (1260 * shifted**5)
    product = x
    for step in range(1, _SHIFT):
        product = product * (x + step)
    result: NDArray[np.float64] = series - np.log(product)
    return result
