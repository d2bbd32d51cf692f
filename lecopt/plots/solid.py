"""Pictures in 3-D: the surface, the paths on it, and both beside their map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from mpl_toolkits.mplot3d import Axes3D

from lecopt.objectives import Surface, Window
from lecopt.path import Path
from lecopt.plots import maps
from lecopt.plots.styles import CMAP, paper, style


def surface(
    ax: Axes3D, J: Surface, *, window: Window | None = None, n: int = 81, alpha: float = 0.85
) -> Axes3D:
    """Draw the surface in 3-D; `ax` must be made with `projection="3d"`."""
    x, y, loss = maps.grid(J, window, n)
    X, Y = np.meshgrid(x, y)
    ax.plot_surface(X, Y, loss, cmap=CMAP, alpha=alpha, linewidth=0, rcount=n, ccount=n)
    ax.set(xlabel=J.labels[0], ylabel=J.labels[1], zlabel="loss")
    return ax


def path_on_surface(ax: Axes3D, walk: Path, *, index: int = 0, label: str | None = None) -> Axes3D:
    """Draw one run on a 3-D surface, lifted a little so that the surface does not hide it.

    What leaves the box of the Axes is left out.
    """
    lift = 0.01 * float(np.ptp(ax.get_zlim()))
    x, y, z = walk.theta[:, 0], walk.theta[:, 1], walk.loss + lift
    inside = np.ones(len(z), dtype=bool)
    for place, (low, high) in zip(
        (x, y, z), (ax.get_xlim(), ax.get_ylim(), ax.get_zlim()), strict=True
    ):
        inside &= (place >= low) & (place <= high)
    x, y, z = (np.where(inside, place, np.nan) for place in (x, y, z))
    ax.plot(x, y, z, zorder=9, **paper(ax).rim)
    ax.plot(x, y, z, zorder=10, marker=".", markersize=3, label=label, **style(index, ax))
    return ax


def landscape(
    figure: FigureBase,
    J: Surface,
    walks: Mapping[str, Path],
    *,
    window: Window | None = None,
    log: bool = False,
) -> tuple[Axes3D, Axes]:
    """Fill a figure with the surface and its map side by side, the same paths on both.

    Returns
    -------
    tuple of Axes
        The one in 3-D, and the map, which holds the legend.
    """
    solid: Any = figure.add_subplot(1, 2, 1, projection="3d")
    flat = figure.add_subplot(1, 2, 2)
    surface(solid, J, window=window).set_box_aspect(None, zoom=0.86)  # room for its labels
    solid.zaxis.labelpad = 7
    maps.contours(flat, J, window=window, log=log)
    for index, (label, walk) in enumerate(walks.items()):
        path_on_surface(solid, walk, index=index)
        maps.path(flat, walk, index=index, label=label)
    flat.legend(fontsize="small")
    return solid, flat
