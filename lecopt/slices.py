"""A plane cut through an objective of many parameters, so that it can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lecopt.objectives import Surface, Window
from lecopt.rule import Array


@dataclass(frozen=True, eq=False)
class Slice:
    """Two parameters of an objective are free, and the others stay as they are.

        J(x, y) = whole(at, but x for parameter i and y for parameter j),    axes = (i, j)

    The window is that of the whole. Its minima are those of the whole that lie in the plane.

    Parameters
    ----------
    whole
        An objective of D parameters, as a `Neuron` with many features, or a `Network`.
    at
        Where the plane lies: the other parameters, shape (D,).
    axes
        Which two parameters are free, each from 0 to D - 1.

    Raises
    ------
    ValueError
        If `at` has not as many numbers as there are parameters, or the axes are not two of them.
    """

    whole: Surface
    at: Array
    axes: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        at, D = np.asarray(self.at, dtype=float), len(self.whole.labels)
        name = type(self.whole).__name__
        if at.shape != (D,):
            raise ValueError(f"Slice: at has shape {at.shape}; {name} has ({D},) parameters")
        if len(set(self.axes)) != 2 or not set(self.axes) <= set(range(D)):
            raise ValueError(
                f"Slice: axes is {self.axes}; expected two of the {D} parameters of {name}, each "
                f"from 0 to {D - 1}"
            )
        object.__setattr__(self, "at", at)

    @property
    def window(self) -> Window:
        """Ranges of the two parameters."""
        return self.whole.window

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the two parameters."""
        i, j = self.axes
        return self.whole.labels[i], self.whole.labels[j]

    @property
    def minima(self) -> Array:
        """The minima of the whole that lie in this plane, shape (M, 2)."""
        i, j = self.axes
        others = np.delete(self.whole.minima - self.at, self.axes, axis=1)
        here = (np.abs(others) < 1e-9).all(axis=1)
        return self.whole.minima[here][:, [i, j]]

    def lift(self, theta: Array) -> Array:
        """Return points of the plane, shape (2, K...), among all parameters, shape (D, K...)."""
        x, y = theta
        index = np.arange(len(self.at))[(...,) + (None,) * x.ndim]
        at = self.at.astype(theta.dtype)[(...,) + (None,) * x.ndim]
        i, j = self.axes
        return np.where(index == i, x, np.where(index == j, y, at))

    def __call__(self, theta: Array) -> Array:
        return self.whole(self.lift(theta))

    def grad(self, theta: Array) -> Array:
        i, j = self.axes
        g = self.whole.grad(self.lift(theta))
        return np.stack([g[i], g[j]])
