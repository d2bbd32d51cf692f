"""Models on data, as objectives: a loss surface over the model's parameters."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lecopt.objectives import Window
from lecopt.rule import Array
from lecopt.units import sigmoid


def columns(data: Array, like: Array) -> list[Array]:
    """Return the columns of `data`, ready to be combined with `like`: its axes and precision."""
    if like.dtype == np.float32:
        data = data.astype(np.float32, copy=False)
    behind = (...,) + (None,) * like.ndim
    return [column[behind] for column in ([data] if data.ndim == 1 else data.T)]


@dataclass(frozen=True, eq=False)
class Neuron:
    """One sigmoid neuron on data: how far its output is from y, squared and summed.

        f(x)        = sigmoid(w . x + b),      theta = (w, b)
        J(theta)    = 1/2 sum_i (f(x_i) - y_i)^2
        dJ/dw       = sum_i (f_i - y_i) f_i (1 - f_i) x_i
        dJ/db       = sum_i (f_i - y_i) f_i (1 - f_i)

    Loss and gradient are plain sums over the rows, so those of two halves add up.

    Parameters
    ----------
    X
        Inputs, shape (N,) for one feature or (N, p); finite.
    y
        Targets, shape (N,), from 0 to 1.

    Raises
    ------
    ValueError
        If there is no row, the shapes disagree, or a row holds a NaN or a y outside [0, 1].
    """

    X: Array
    y: Array
    window: Window = ((-6.0, 6.0), (-6.0, 6.0))

    data: ClassVar[tuple[str, ...]] = ("X", "y")

    def __post_init__(self) -> None:
        X, y = np.asarray(self.X, dtype=float), np.asarray(self.y, dtype=float)
        if X.ndim not in (1, 2) or y.ndim != 1 or len(X) != len(y) or len(y) == 0:
            raise ValueError(
                f"Neuron: X has shape {X.shape} and y {y.shape}; expected (N,) or (N, p) for X "
                "and (N,) for y, with the same N of at least 1"
            )
        rows_ok = np.isfinite(X.reshape(len(y), -1)).all(axis=1) & (y >= 0) & (y <= 1)
        if not rows_ok.all():
            row = int(np.argmin(rows_ok))
            raise ValueError(
                f"Neuron: row {row} has X = {X[row]}, y = {y[row]}; every X must be finite "
                "and every y from 0 to 1 (what a sigmoid can reach): mend or drop that row"
            )
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the parameters."""
        if self.X.ndim == 1:
            return ("w", "b")
        return (*(f"w{i}" for i in range(1, self.X.shape[1] + 1)), "b")

    @property
    def minima(self) -> Array:
        """The parameters that fit every row exactly, shape (1, D); (0, D) where none do."""
        A = np.column_stack([self.X, np.ones(self.n)])
        inside = (self.y > 0) & (self.y < 1)
        if inside.all():
            theta = np.linalg.lstsq(A, np.log(self.y / (1 - self.y)))[0]
            if self(theta) < 1e-20:
                return theta[None, :]
        return np.empty((0, A.shape[1]))

    def on(self, rows: Sequence[int] | Array | slice) -> Neuron:
        """Return the same objective on some of the rows (indices, or a slice)."""
        part = copy.copy(self)
        object.__setattr__(part, "X", self.X[rows])
        object.__setattr__(part, "y", self.y[rows])
        return part

    def predict(self, theta: Array, X: Array) -> Array:
        """Return f(x) for inputs X of shape (N,) or (N, p); shape (N, K...)."""
        p = 1 if X.ndim == 1 else X.shape[1]
        if len(theta) != p + 1:
            raise ValueError(
                f"Neuron: theta has {len(theta)} parameters; expected {p + 1}: a weight for each "
                f"of the {p} features, and b"
            )
        *w, b = theta
        z = sum((x * w_i for x, w_i in zip(columns(X, b), w, strict=True)), start=b)
        return sigmoid(z)

    def __call__(self, theta: Array) -> Array:
        f = self.predict(theta, self.X)
        (y,) = columns(self.y, theta[0])
        return 0.5 * np.sum((f - y) ** 2, axis=0)

    def grad(self, theta: Array) -> Array:
        f = self.predict(theta, self.X)
        (y,) = columns(self.y, theta[0])
        delta = (f - y) * f * (1 - f)
        dw = [np.sum(delta * x, axis=0) for x in columns(self.X, theta[0])]
        db = np.sum(delta, axis=0)
        return np.stack([*dw, db])
