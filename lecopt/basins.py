"""Basin maps: for each start on a grid, which minimum the run ends at, and after how many steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lecopt.axes import Axes, dataset
from lecopt.objectives import Surface, Window
from lecopt.progress import with_progress
from lecopt.rule import Array, Rule
from lecopt.runs import BLOCK, Counts, checked, walk

DIVERGED, ELSEWHERE = -1, -2


@dataclass(frozen=True, eq=False, repr=False)
class Basin:
    """Where the runs from each point of a grid end.

    Attributes
    ----------
    axes
        The coordinates of the starts by name, in the arrays' order: rows first, then columns, as
        for Matplotlib's `pcolormesh`.
    ends
        Number of the minimum that each run ends near, shape (rows, columns): an index into
        `minima`, or -1 where it diverged, -2 where it ends elsewhere (or is still on its way).
    arrived
        First step within `within` of that minimum, of the same shape; -1 where there is none.
    theta
        Where the runs end, shape (2, rows, columns); NaN where they diverged.
    minima
        The minima, shape (M, 2).
    within
        How near is near.
    rule, J, steps
        The rule, the surface, and the number of steps of each run.
    """

    axes: Axes
    ends: Counts
    arrived: Counts
    theta: Array
    minima: Array
    within: float
    rule: Rule
    J: Surface
    steps: int

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(c)}" for name, c in self.axes.items())
        return f"<Basin ({sizes}) of {self.rule!r} on {type(self.J).__name__}, {self.steps} steps>"

    def shares(self) -> Array:
        """Return the share of the starts that end at each minimum, shape (M,)."""
        return np.array([np.mean(self.ends == i) for i in range(len(self.minima))])

    def boundary(self) -> float:
        """Return the length of all borders between starts with different ends.

        It is that of the edges between the cells of the grid, in the units of the axes: so a
        slanting border counts as its stairs, and only maps of one grid may be compared.
        """
        rows, columns = ((c[-1] - c[0]) / max(1, len(c) - 1) for c in self.axes.values())
        across = np.sum(self.ends[1:] != self.ends[:-1]) * columns
        return float(across + np.sum(self.ends[:, 1:] != self.ends[:, :-1]) * rows)

    def to_xarray(self) -> Any:
        """Return the map as an `xarray.Dataset`, its axes as dimensions.

        Raises
        ------
        ModuleNotFoundError
            If xarray is not installed.
        """
        dims = tuple(self.axes)
        return dataset(
            {"parameter": np.array(self.J.labels), **self.axes},
            {"ends": (dims, self.ends), "arrived": (dims, self.arrived)}
            | {"theta": (("parameter", *dims), self.theta)},
            {
                "objective": type(self.J).__name__,
                "rule": repr(self.rule),
                "steps": self.steps,
                "within": self.within,
                "minima": self.minima.ravel(),
            },
        )


def basin(
    rule: Rule,
    J: Surface,
    steps: int = 500,
    *,
    n: int = 200,
    window: Window | None = None,
    minima: ArrayLike | None = None,
    within: float | None = None,
    block: int = BLOCK,
    progress: bool | None = None,
) -> Basin:
    """Run a rule from every point of a grid over a window, and see which minimum it ends at.

        falls = basin(GradientDescent(0.01), Himmelblau(), n=200)
        falls.shares()  # of the window that each of the four valleys draws in
        plt.pcolormesh(falls.axes["x"], falls.axes["y"], falls.ends)

    Parameters
    ----------
    rule
        The optimizer, its hyper-parameters numbers.
    J
        A surface over the plane.
    steps
        Number of steps of each run.
    n
        Number of starts along each side of the window.
    window
        Where the starts are, ((x_lo, x_hi), (y_lo, y_hi)); the surface's own by default.
    minima
        The minima to tell apart, shape (M, 2); those known to the surface by default.
    within
        How near to a minimum a run has arrived; by default a hundredth of the window's short side.
    block
        How many runs go side by side; the map does not depend on it.
    progress
        Whether to show a progress bar: see `descend`.

    Raises
    ------
    ValueError
        If no minimum is known, n is below 2, `within` is not positive; and what `descend` raises.
    """
    (x_lo, x_hi), (y_lo, y_hi) = window or J.window
    points = np.atleast_2d(np.asarray(J.minima if minima is None else minima, float))
    if points.size == 0 or points.shape[1:] != (2,):
        raise ValueError(
            f"basin: the minima of {type(J).__name__} have shape {points.shape}; expected (M, 2) "
            "with M at least 1: give those to tell apart as minima="
        )
    if not isinstance(n, (int, np.integer)) or n < 2:
        raise ValueError(f"basin: n is {n}; expected a whole number, at least 2")
    near = 0.01 * min(x_hi - x_lo, y_hi - y_lo) if within is None else within
    if not near > 0:
        raise ValueError(f"basin: within is {within}; expected a distance above 0")
    x, y = np.linspace(x_lo, x_hi, n), np.linspace(y_lo, y_hi, n)
    grid = np.stack(np.meshgrid(x, y)).reshape(2, -1)
    starts = checked("basin", {"": rule}, grid, J, steps, block)
    parts = [starts[:, k : k + block] for k in range(0, starts.shape[1], block)]
    shown = with_progress(parts, len(parts), progress, unit="block")
    found = [_falls(rule, part, J, steps, points, near) for part in shown]
    ends, arrived, theta = (np.concatenate(column, axis=-1) for column in zip(*found, strict=True))
    axes = {J.labels[1]: y, J.labels[0]: x}
    return Basin(
        axes, ends.reshape(n, n), arrived.reshape(n, n), theta.reshape(2, n, n),
        points, near, rule, J, steps,
    )  # fmt: skip


def _falls(
    rule: Rule, theta: Array, J: Surface, steps: int, minima: Array, within: float
) -> tuple[Counts, Counts, Array]:
    """Return where K runs end, when they first came near that minimum, and their last points."""
    K = theta.shape[1]
    first = np.full((len(minima), K), -1)
    with np.errstate(all="ignore"):
        for t, (now, _, _) in enumerate(walk(rule, theta, J, steps)):
            far = np.stack([np.sum((now - m[:, None]) ** 2, axis=0) for m in minima])
            near = far <= within**2
            first[near & (first < 0)] = t
    ends = np.where(near.any(axis=0), near.argmax(axis=0), ELSEWHERE)
    ends[np.isnan(now[0])] = DIVERGED
    arrived = np.where(ends >= 0, first[np.maximum(ends, 0), np.arange(K)], -1)
    return ends, arrived, now
