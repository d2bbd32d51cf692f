"""The units that a network is made of: curves with their slopes, and losses that suit them.

Arrays of units have the units along axis -2 and the rows of data along axis -1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lecopt.rule import Array


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)), the S-shaped curve from 0 to 1."""
    # Below -88 exp would overflow in float32; the sigmoid is under 1e-38 there.
    return 1 / (1 + np.exp(-np.maximum(z, -88.0)))


@dataclass(frozen=True)
class Tanh:
    """Hidden units with an S-shaped curve from -1 to 1.

    a = tanh(z),    da/dz = 1 - a^2
    """

    def __call__(self, z: Array) -> Array:
        return np.tanh(z)

    def slope(self, a: Array) -> Array:
        """Return da/dz where the units give out a."""
        return 1 - a**2


@dataclass(frozen=True)
class Sigmoid:
    """Units like the book's neuron; as output units with its loss, half the squared error.

        a = 1 / (1 + exp(-z)),    da/dz = a (1 - a)

        loss     = 1/2 sum_j (a_j - y_j)^2
        dloss/dz = (a - y) a (1 - a)

    Targets are numbers from 0 to 1, shape (N, n_y), or (N,) for one output.
    """

    def __call__(self, z: Array) -> Array:
        return sigmoid(z)

    def slope(self, a: Array) -> Array:
        """Return da/dz where the units give out a."""
        return a * (1 - a)

    def loss(self, z: Array, y: Array) -> Array:
        """Return half the squared error of each row."""
        return 0.5 * np.sum((sigmoid(z) - y) ** 2, axis=-2)

    def delta(self, z: Array, y: Array) -> Array:
        """Return dloss/dz."""
        a = sigmoid(z)
        return (a - y) * self.slope(a)

    def targets(self, y: Array) -> Array:
        """Return the targets of N rows as (N, n_y), each number checked to be from 0 to 1."""
        y = _numbers("Sigmoid", y)
        rows = y[:, None] if y.ndim == 1 else y
        _refuse_row(
            "Sigmoid",
            y,
            ((rows >= 0) & (rows <= 1)).all(axis=1),
            "every target must be from 0 to 1; for classes give each a column, np.eye(n)[y], or "
            "take Softmax()",
        )
        return rows


@dataclass(frozen=True)
class Softmax:
    """Output units that share out a probability of 1 among classes, with the cross-entropy.

        a_j      = exp(z_j) / sum_k exp(z_k)
        loss     = -sum_j y_j log a_j = log(sum_k exp(z_k)) - sum_j y_j z_j
        dloss/dz = a - y

    The largest z is taken off first, which changes none of them, so that exp cannot overflow.
    Targets are a class 0, 1, 2, ... for each row, shape (N,), or shares of the classes that add
    up to 1, shape (N, n_y), as those with a single 1.
    """

    def __call__(self, z: Array) -> Array:
        e = np.exp(_below_zero(z))
        return e / np.sum(e, axis=-2)[..., None, :]

    def loss(self, z: Array, y: Array) -> Array:
        """Return the cross-entropy of each row."""
        z = _below_zero(z)
        return np.log(np.sum(np.exp(z), axis=-2)) - np.sum(y * z, axis=-2)

    def delta(self, z: Array, y: Array) -> Array:
        """Return dloss/dz."""
        return self(z) - y

    def targets(self, y: Array) -> Array:
        """Return the targets of N rows as shares of the classes, shape (N, n_y), checked."""
        y = _numbers("Softmax", y)
        if y.ndim == 1:
            is_class = (y >= 0) & (y == np.floor(y)) & np.isfinite(y)
            _refuse_row("Softmax", y, is_class, "expected a class, 0 or 1 or 2 or ...")
            return np.eye(max(2, int(y.max(initial=0)) + 1))[y.astype(int)]
        if y.shape[1] == 1:
            raise ValueError(
                f"Softmax: y has shape {y.shape}, one class for every row; expected shape (N,) "
                "for classes 0, 1, 2, ..., or a column for each class"
            )
        is_share = (y >= 0).all(axis=1) & (np.abs(y.sum(axis=1) - 1) < 1e-9)
        _refuse_row("Softmax", y, is_share, "expected shares of the classes that add up to 1")
        return y


def _below_zero(z: Array) -> Array:
    """Return z less the largest of its column."""
    return z - np.max(z, axis=-2)[..., None, :]


def _numbers(units: str, y: Array) -> Array:
    """Return targets as floats, of shape (N,) or (N, n_y)."""
    if y.dtype.kind not in "biuf" or y.ndim not in (1, 2):
        raise ValueError(
            f"{units}: y has shape {y.shape} and holds {y.dtype}; expected numbers of shape (N,) "
            "or (N, n_y)"
        )
    return y.astype(float)


def _refuse_row(units: str, y: Array, rows_ok: ArrayLike, expected: str) -> None:
    """Name the first row of y that is not as expected."""
    if not np.all(rows_ok):
        row = int(np.argmin(rows_ok))
        raise ValueError(f"{units}: row {row} has y = {y[row]}; {expected}")
