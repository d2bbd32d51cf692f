"""How paths are told apart, and the two papers that pictures are drawn on.

The colours are those of the explorer. They stay apart for colour-blind readers, stand out from
their paper, and each has a dash pattern and a marker of its own, so that nothing depends on
colour alone. A picture looks at the paper of the Axes it is given and picks its colours for it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import style as sheets
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb, to_rgba


class Style(NamedTuple):
    """How one path is drawn: a colour, a dash pattern, a marker."""

    color: str
    dashes: tuple[float, ...]
    marker: str


DASHES: tuple[tuple[float, ...], ...] = ((), (5, 2), (2, 1.5), (7, 2, 2, 2), (1, 1), (9, 3))
MARKERS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class Paper:
    """What is drawn on one paper: the styles of paths, and the other colours.

    Attributes
    ----------
    styles
        One for each of six paths.
    paper, ink, soft
        The background, text and strong lines, weak lines.
    low, high, contour
        Colours of a map: where the loss is low, where it is high, the lines between.
    scale_colors
        Three colours of a quantity, from the best to the worst.
    """

    styles: tuple[Style, ...]
    paper: str
    ink: str
    soft: str
    low: str
    high: str
    contour: str
    scale_colors: tuple[str, str, str]

    @property
    def map(self) -> Colormap:
        """Colours of a map: quiet, so that paths stand out."""
        return LinearSegmentedColormap.from_list("lecopt", [self.low, self.high])

    @property
    def scale(self) -> Colormap:
        """Colours of a quantity of which less is better: the better, the more it stands out."""
        return LinearSegmentedColormap.from_list("lecopt-scale", self.scale_colors)

    @property
    def rim(self) -> dict[str, Any]:
        """How to draw the rim, in the colour of the paper, that sets a path off from a map."""
        return {"color": self.paper, "linewidth": 3.8, "alpha": 0.75, "solid_capstyle": "round"}


def _styles(*colors: str) -> tuple[Style, ...]:
    return tuple(Style(*parts) for parts in zip(colors, DASHES, MARKERS, strict=True))


LIGHT = Paper(
    _styles("#0072b2", "#c04c00", "#00563f", "#82016e", "#6d32f2", "#6a4b1f"),
    paper="#ffffff",
    ink="#1d2733",
    soft="#4d5b6a",
    low="#a9bccd",
    high="#fbfaf6",
    contour="#5f7890",
    scale_colors=("#08396b", "#5b9bd0", "#e9eef3"),
)
DARK = Paper(
    _styles("#56b4e9", "#ff8a4a", "#8ff5c0", "#cb8eae", "#8a8afc", "#f5e189"),
    paper="#12181f",
    ink="#e6ebf0",
    soft="#a9b6c3",
    low="#10202f",
    high="#4a5866",
    contour="#8397aa",
    scale_colors=("#e3f3ff", "#3f7fb5", "#1f2a34"),
)
STYLES = LIGHT.styles
CMAP = "viridis"  # of surfaces
MAP = LIGHT.map  # of maps


def theme(name: str) -> AbstractContextManager[None]:
    """Draw what is made inside `with plots.theme("dark"):` (or "light") on that paper.

    For a whole notebook, `plt.style.use("lecopt.plots.dark")` does the same.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if name not in ("light", "dark"):
        raise ValueError(f'plots.theme: no theme {name!r}; there are "light" and "dark"')
    return sheets.context(f"lecopt.plots.{name}")


def luminance(color: Any) -> float:
    """Return the relative luminance of a colour as WCAG 2 has it: 0 for black, 1 for white."""
    c = np.asarray(to_rgb(color))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def paper(ax: Axes | None = None) -> Paper:
    """Return what suits the paper of `ax`, or, without one, of the next Axes to be made."""
    color = to_rgba(mpl.rcParams["axes.facecolor"] if ax is None else ax.get_facecolor())
    if color[3] == 0:  # the Axes are clear: look at what is behind them
        color = to_rgba(
            mpl.rcParams["figure.facecolor"] if ax is None else ax.figure.get_facecolor()
        )
    return DARK if color[3] > 0 and luminance(color) < 0.18 else LIGHT


def style(index: int, ax: Axes | None = None) -> dict[str, Any]:
    """Return the keyword arguments of Matplotlib's `plot` for the index-th path."""
    styles = paper(ax).styles
    color, dashes, _ = styles[index % len(styles)]
    return {"color": color, "dashes": dashes or (None, None), "linewidth": 1.8}
