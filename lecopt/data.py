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


def four_features() -> tuple[Array, Array]:
    """Return X, y of 100 points with four features, the last of which is 0 in 92 of them.

    They lie on sigmoid(x1 - x2 + x3 + 3 x4 - 1): the feature that is seldom there counts most.
    """
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, (100, 4))
    X[rng.random(100) < 0.9, 3] = 0
    z = X @ np.array([1.0, -1.0, 1.0, 3.0]) - 1
    return X, 1 / (1 + np.exp(-z))


def noisy_wave(n: int = 120, noise: float = 0.35) -> tuple[Array, Array]:
    """Return n times in [0, 1] and a slow wave seen through Gaussian noise.

    The wave starts near 2, away from zero, so that an average started at zero shows its bias.
    """
    rng = np.random.default_rng(4)
    time = np.linspace(0.0, 1.0, n)
    wave = 2.0 + np.sin(2 * np.pi * time)
    return time, wave + noise * rng.standard_normal(n)


def digits() -> tuple[Array, Array, Array, Array]:
    """Return X, y, X_test, y_test: small images of handwritten digits, and which digit each is.

    X has shape (1437, 64), the grey of 8 by 8 pixels from 0 to 1; y has shape (1437,), whole
    numbers from 0 to 9. The 360 images of the test are others. scikit-learn brings the images
    along: nothing is downloaded.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    References
    ----------
    E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning
    Repository (1998).
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "digits: the images come with scikit-learn, which is not installed; run "
            "`pip install 'lecopt[extras]'`, or `pip install scikit-learn`"
        ) from error
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order] / 16, y[order]
    return X[360:], y[360:], X[:360], y[:360]
