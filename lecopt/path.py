"""What a run went through, and the measures that the book speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any, NamedTuple

import numpy as np

from lecopt.calculus import hessian
from lecopt.objectives import Surface
from lecopt.rule import Array
from lecopt.streams import Rows


class Record(NamedTuple):
    """What a walk leaves behind, the attributes of a `Path` before it is known what diverged."""

    theta: Array
    loss: Array
    states: Any
    grad_evals: np.ndarray[Any, np.dtype[np.int64]]
    loss_evals: np.ndarray[Any, np.dtype[np.int64]]
    rows: tuple[Rows, ...] | None = None


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
    rows
        The rows that each step saw, T arrays; None where the steps did not descend minibatches.
    """

    theta: Array
    loss: Array
    states: Any
    grad_evals: np.ndarray[Any, np.dtype[np.int64]]
    loss_evals: np.ndarray[Any, np.dtype[np.int64]]
    diverged_at: np.ndarray[Any, np.dtype[np.int64]]
    rows: tuple[Rows, ...] | None = None

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

    def averages(self, begin: int = 0) -> Array:
        """Return Polyak's running averages, shape (T + 1, D, K...): see `running_averages`.

        From step `begin` on, point t is the mean of the points from `begin` to t.
        """
        return np.stack(list(running_averages(self.theta, begin)))

    def then(self, rest: Path) -> Path:
        """Return this path and one that goes on from its end as one path."""
        states = (np.concatenate([a, b[1:]]) for a, b in zip(self.states, rest.states, strict=True))
        later = np.where(rest.diverged_at >= 0, self.steps + rest.diverged_at, -1)
        return Path(
            theta=np.concatenate([self.theta, rest.theta[1:]]),
            loss=np.concatenate([self.loss, rest.loss[1:]]),
            states=type(rest.states)(*states),
            grad_evals=np.append(self.grad_evals, self.grad_evals[-1] + rest.grad_evals[1:]),
            loss_evals=np.append(self.loss_evals, self.loss_evals[-1] + rest.loss_evals[1:]),
            diverged_at=np.where(self.diverged_at >= 0, self.diverged_at, later),
            rows=None if self.rows is None or rest.rows is None else self.rows + rest.rows,
        )

    def save(self, file: str | File) -> None:
        """Write the path to a file in NumPy's npz format; `load` reads it."""
        states = {f"states.{name}": column for name, column in self.states._asdict().items()}
        name = np.array(type(self.states).__name__)
        columns = {field: getattr(self, field) for field in _COLUMNS}
        if self.rows is not None:
            columns["rows"] = np.concatenate([np.empty(0, np.int64), *self.rows])
            columns["rows.sizes"] = np.array([len(rows) for rows in self.rows], np.int64)
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
            if "rows" in columns:
                ends = np.cumsum(columns["rows.sizes"])
                path["rows"] = tuple(np.split(columns["rows"], ends)[:-1])
            return Path(states=state_of(**states), **path)


def running_averages(points: Iterable[Array], begin: int = 0) -> Iterator[Array]:
    """Yield the mean of the points so far, from the one numbered `begin` on; before, the points.

        mean <- mean + (theta - mean) / n,    n = t - begin + 1

    Under a constant learning rate stochastic descent swings around the minimum; the average of
    its points settles there. It needs no history, only the last mean:

        walk = iterates(rule, theta, minibatches(J, 1, rng))
        means = running_averages((theta for theta, _ in walk), begin=100)

    References
    ----------
    B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation by averaging",
    SIAM Journal on Control and Optimization 30 (1992).
    """
    if not isinstance(begin, (int, np.integer)) or begin < 0:
        raise ValueError(f"averages: begin is {begin}; expected a step's number, 0 or more")
    mean: Any = 0.0
    for t, theta in enumerate(points):
        mean = theta + 0.0 if t <= begin else mean + (theta - mean) / (t - begin + 1)
        yield mean


_COLUMNS = ("theta", "loss", "grad_evals", "loss_evals", "diverged_at")
_named: Any = NamedTuple  # its fields are known only when a file is read
