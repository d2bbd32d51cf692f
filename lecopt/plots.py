"""Matplotlib pictures: each function takes the Axes first, draws, computes no step, returns it.

Colours and line styles are those of the explorer. They stay apart for colour-blind readers, and
each rule has a dash pattern of its own, so that nothing depends on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from mpl_toolkits.mplot3d import Axes3D

from lecopt.models import Neuron
from lecopt.objectives import Surface, Window
from lecopt.path import Path
from lecopt.rule import Array


class Style(NamedTuple):
    """How one path is drawn: a colour of Okabe and Ito's set, a dash pattern, a marker."""

    color: str
    dashes: tuple[float, ...]
    marker: str


STYLES: tuple[Style, ...] = (
    Style("#0072B2", (), "o"),
    Style("#D55E00", (5, 2), "s"),
    Style("#009E73", (2, 1.5), "^"),
    Style("#CC79A7", (7, 2, 2, 2), "D"),
    Style("#E69F00", (1, 1), "v"),
    Style("#56B4E9", (9, 3), "P"),
)
CMAP = "viridis"  # of surfaces
MAP = LinearSegmentedColormap.from_list("lecopt", ["#8faac2", "#fbfaf6"])  # of maps: quiet


def style(index: int) -> dict[str, Any]:
    """Return the keyword arguments of Matplotlib's `plot` for the index-th path."""
    color, dashes, _ = STYLES[index % len(STYLES)]
    return {"color": color, "dashes": dashes or (None, None), "linewidth": 1.8}


def grid(J: Surface, window: Window | None = None, n: int = 121) -> tuple[Array, Array, Array]:
    """Return x, y and the loss on n by n points of the window; the loss has shape (n, n)."""
    (x_lo, x_hi), (y_lo, y_hi) = window or J.window
    x, y = np.linspace(x_lo, x_hi, n), np.linspace(y_lo, y_hi, n)
    return x, y, J(np.stack(np.meshgrid(x, y)))


def contours(
    ax: Axes,
    J: Surface,
    *,
    window: Window | None = None,
    levels: int | Sequence[float] = 25,
    log: bool = False,
) -> Axes:
    """Draw the contour map: filled between the levels, thin lines along them.

    Parameters
    ----------
    ax
        Where to draw.
    J
        A surface over the plane.
    window
        What to show, ((x_lo, x_hi), (y_lo, y_hi)); the surface's own by default.
    levels
        How many levels, or their heights.
    log
        Whether the levels are evenly spaced in the logarithm, for a loss over many decades.
    """
    x, y, loss = grid(J, window)
    if log and isinstance(levels, int):
        lowest = np.quantile(loss[loss > 0], 0.001)
        levels = np.geomspace(lowest, loss.max(), levels).tolist()
        loss = np.maximum(loss, lowest)
    norm = LogNorm() if log else None
    ax.contourf(x, y, loss, levels=levels, cmap=MAP, norm=norm)
    ax.contour(x, y, loss, levels=levels, colors="#5f7890", linewidths=0.5)
    for minimum in J.minima:
        ax.plot(*minimum, marker="*", color="white", markeredgecolor="black", markersize=13)
    ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xlabel=J.labels[0], ylabel=J.labels[1])
    return ax


def surface(
    ax: Axes3D, J: Surface, *, window: Window | None = None, n: int = 81, alpha: float = 0.85
) -> Axes3D:
    """Draw the surface in 3-D; `ax` must be made with `projection="3d"`."""
    x, y, loss = grid(J, window, n)
    X, Y = np.meshgrid(x, y)
    ax.plot_surface(X, Y, loss, cmap=CMAP, alpha=alpha, linewidth=0, rcount=n, ccount=n)
    ax.set(xlabel=J.labels[0], ylabel=J.labels[1], zlabel="loss")
    return ax


def path(ax: Axes, walk: Path, *, index: int = 0, label: str | None = None) -> Axes:
    """Draw one run over a contour map: its points, joined, a ring at the start."""
    x, y = walk.theta[:, 0], walk.theta[:, 1]
    ax.plot(x, y, label=label, **style(index))
    ax.plot(x, y, linestyle="none", marker=".", markersize=3, color=style(index)["color"])
    ax.plot(x[0], y[0], marker="o", markersize=8, markerfacecolor="white", markeredgecolor="black")
    return ax


def path_on_surface(ax: Axes3D, walk: Path, *, index: int = 0) -> Axes3D:
    """Draw one run on a 3-D surface, lifted a little so that the surface does not hide it."""
    lift = 0.01 * float(np.ptp(ax.get_zlim()))
    ax.plot(
        walk.theta[:, 0], walk.theta[:, 1], walk.loss + lift, zorder=10, marker=".", **style(index)
    )
    return ax


def losses(ax: Axes, walks: Mapping[str, Path], *, evaluations: bool = False) -> Axes:
    """Draw the losses of some runs on a log scale, against steps or gradient evaluations."""
    for index, (label, walk) in enumerate(walks.items()):
        across = walk.grad_evals if evaluations else np.arange(len(walk.loss))
        loss = np.where(walk.loss < 1e100, walk.loss, np.nan)  # beyond it the ticks overflow
        ax.plot(across, loss, label=label, **style(index))
    ax.set(yscale="log", xlabel="gradient evaluations" if evaluations else "step", ylabel="loss")
    ax.legend(frameon=False)
    return ax


def neuron(ax: Axes, J: Neuron, thetas: Mapping[str, Array]) -> Axes:
    """Draw the curves of a neuron with one input over its data, one for each theta."""
    span = float(np.ptp(J.X)) or 1.0
    x = np.linspace(J.X.min() - span, J.X.max() + span, 200)
    for index, (label, theta) in enumerate(thetas.items()):
        ax.plot(x, J.predict(np.asarray(theta), x), label=label, **style(index))
    ax.plot(J.X, J.y, linestyle="none", marker="o", color="black", markersize=7, label="data")
    ax.set(xlabel="x", ylabel="f(x)", ylim=(-0.05, 1.05))
    ax.legend(frameon=False)
    return ax


def arrow(
    ax: Axes, tail: Array, vector: Array, *, index: int = 0, label: str | None = None
) -> Axes:
    """Draw a vector from its tail, in the units of the axes."""
    ax.quiver(
        *tail, *vector, angles="xy", scale_units="xy", scale=1,
        color=style(index)["color"], width=0.008, zorder=5, label=label,
    )  # fmt: skip
    return ax
