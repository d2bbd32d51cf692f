"""Pictures from above: contour maps, and the paths on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patheffects import withStroke

from lecopt.objectives import Surface, Window
from lecopt.path import Path
from lecopt.plots.styles import paper, style
from lecopt.rule import Array


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
    heights: int = 0,
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
    heights
        How many of the lines, at most, bear their height.
    """
    x, y, loss = grid(J, window)
    if log and isinstance(levels, int):
        lowest = np.quantile(loss[loss > 0], 0.001)
        levels = np.geomspace(lowest, loss.max(), levels).tolist()
        loss = np.maximum(loss, lowest)
    norm = LogNorm() if log else None
    colors = paper(ax)
    ax.contourf(x, y, loss, levels=levels, cmap=colors.map, norm=norm)
    lines = ax.contour(x, y, loss, levels=levels, colors=colors.contour, linewidths=0.5)
    if heights:
        drawn = np.asarray(lines.levels)
        every = -(-len(drawn) // heights)
        labels = ax.clabel(lines, drawn[every // 2 :: every].tolist(), fmt=_height, fontsize=8)
        for text in labels:
            text.set(
                color=colors.ink, path_effects=[withStroke(linewidth=2.5, foreground=colors.paper)]
            )
    for minimum in J.minima:
        ax.plot(*minimum, marker="*", color="white", markeredgecolor="black", markersize=13)
    ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xlabel=J.labels[0], ylabel=J.labels[1])
    return ax


def _height(level: float) -> str:
    return f"{level:.0f}" if abs(level) >= 1000 else f"{level:.3g}"


def path(ax: Axes, walk: Path, *, index: int = 0, label: str | None = None) -> Axes:
    """Draw one run over a contour map: its points, joined; a ring at the start, a mark at the end.

    `index` picks the colour, the dashes and the mark, as in `plots.style`.
    """
    x, y = walk.theta[:, 0], walk.theta[:, 1]
    colors, look = paper(ax), style(index, ax)
    marker = colors.styles[index % len(colors.styles)].marker
    ax.plot(x, y, **colors.rim)
    ax.plot(x, y, linestyle="none", marker=".", markersize=3, color=look["color"])
    ax.plot(
        x, y, label=label, **look,
        marker=marker, markevery=[last(walk)], markeredgecolor=colors.paper, markersize=7,
    )  # fmt: skip
    ax.plot(x[0], y[0], marker="o", markersize=8, markerfacecolor="white", markeredgecolor="black")
    return ax


def last(walk: Path) -> int:
    """Return the last step of a run that is still in the range of its floats."""
    return int(np.flatnonzero(np.isfinite(walk.loss))[-1])
