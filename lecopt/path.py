"""What a run went through, and the measures that the book speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as File
from typing import Any, NamedTuple

import numpy as np

from lecopt.objectives import Surface, hessian
from lecopt.rule import Array


@dataclass(frozen=True, eq=False)
class Path:
    """What a run went through: index 0 is the start, index t the point after t steps.

    Attributes
    ----------
    theta
        Points, shape (T + 1, D, K...); NaN from where a run diverged.
    loss
        Loss at each point, shape (T + 1, K...).
    states
        The rule's states, a NamedTuple of arrays with the same first axis.
    grad_evals, loss_evals
        Evaluations that the rule had asked for by then, shape (T + 1,).
    diverged_at
        First step at which a run left the range of its floats, -1 where it did not; shape (K...).
    """

    theta: Array
    loss: Array
    states: Any
    grad_evals: np.ndarray[Any, np.dtype[np.int64]]
    loss_evals: np.ndarray[Any, np.dtype[np.int64]]
    diverged_at: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def steps(self) -> int:
        """Number of steps taken."""
        return len(self.loss) - 1

    def first_below(self, loss: float) -> Any:
        """Return the first step with a loss below `loss`, -1 where there is none; shape (K...)."""
        below = self.loss < loss
        first = np.where(below.any(axis=0), below.argmax(axis=0), -1)
        return first if first.ndim else int(first)

    def step_lengths(self) -> Array:
        """Return the length of each step, shape (T, K...)."""
        with np.errstate(over="ignore"):  # the last steps of a run that diverges
            return np.sqrt(np.sum(np.diff(self.theta, axis=0) ** 2, axis=1))

    def length(self) -> Array:
        """Return the length of the whole path, shape (K...)."""
        return np.sum(self.step_lengths(), axis=0)

    def across(self, J: Surface) -> Array:
        """Return the position across the valley, shape (T + 1, K...): 0 on its floor.

        It is measured from the known minimum nearest to the end of the (first) run, along the
        direction in which the surface is stiffest there: the eigenvector of the Hessian with
        the largest eigenvalue.
        """
        if len(J.minima) == 0:
            raise ValueError(f"{type(J).__name__} has no known minimum to measure from")
        end = self.theta[-1].reshape(len(self.theta[-1]), -1)[:, 0]
        minimum = J.minima[np.argmin(np.sum((J.minima - end) ** 2, axis=1))]
        stiff = np.linalg.eigh(hessian(J, minimum))[1][:, -1]
        return np.tensordot(self.theta, stiff, axes=(1, 0)) - minimum @ stiff

    def crossings(self, J: Surface) -> Any:
        """Return how often the path crosses the floor of the valley, shape (K...)."""
        side = np.sign(self.across(J))
        count = np.sum(side[1:] * side[:-1] < 0, axis=0)
        return count if count.ndim else int(count)

    def overshoot(self, J: Surface) -> Array:
        """Return how far beyond the floor of the valley, seen from the start, the path gets."""
        s = self.across(J)
        return np.maximum(np.max(-np.sign(s[0]) * s, axis=0), 0.0)

    def save(self, file: str | File) -> None:
        """Write the path to a file in NumPy's npz format; `load` reads it."""
        states = {f"states.{name}": column for name, column in self.states._asdict().items()}
        name = np.array(type(self.states).__name__)
        columns = {field: getattr(self, field) for field in _COLUMNS}
        np.savez_compressed(file, states=name, **columns, **states)

    @staticmethod
    def load(file: str | File) -> Path:
        """Return a path that `save` wrote, its states under the same names.

        Raises
        ------
        ValueError
            If the file holds something else.
        """
        with np.load(file) as columns:
            missing = [name for name in (*_COLUMNS, "states") if name not in columns]
            if missing:
                raise ValueError(f"{file} holds no path: it has no {missing[0]}")
            states = {k[7:]: columns[k] for k in columns if k.startswith("states.")}
            state_of: Any = _named(str(columns["states"]), [(k, Any) for k in states])
            path = {name: columns[name] for name in _COLUMNS}
            return Path(states=state_of(**states), **path)


_COLUMNS = ("theta", "loss", "grad_evals", "loss_evals", "diverged_at")
_named: Any = NamedTuple  # its fields are known only when a file is read
