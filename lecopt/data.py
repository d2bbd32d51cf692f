"""The data sets of the book, each a function with its own seed."""

from __future__ import annotations

import numpy as np

from lecopt.rule import Array


def two_points() -> tuple[Array, Array]:
    """Return X, y of the running example: (0.5, 0.2) and (2.5, 0.9)."""
    return np.array([0.5, 2.5]), np.array([0.2, 0.9])


def narrow_valley() -> tuple[Array, Array]:
    """Return X, y of two points, (1.75, 0.3) and (2.75, 0.8), whose loss is a narrow valley."""
    return np.array([1.75, 2.75]), np.array([0.3, 0.8])


def sparse_points() -> tuple[Array, Array]:
    """Return X, y of 100 points on the curve sigmoid(2 x + 1), whose feature x is 0 in 76 of them.

    So the gradient of w is small, and that of b is not.
    """
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, 100)
    rng.uniform(0, 1, 100)  # the book's numbers come from the draw after this one
    X[rng.random(100) < 0.8] = 0
    return X, 1 / (1 + np.exp(-(2 * X + 1)))


def noisy_wave(n: int = 120, noise: float = 0.35) -> tuple[Array, Array]:
    """Return n times in [0, 1] and a slow wave seen through Gaussian noise.

    The wave starts near 2, away from zero, so that an average started at zero shows its bias.
    """
    rng = np.random.default_rng(4)
    time = np.linspace(0.0, 1.0, n)
    wave = 2.0 + np.sin(2 * np.pi * time)
    return time, wave + noise * rng.standard_normal(n)
