"""Pictures of many runs: where each start ends, and how far each learning rate gets."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from lecopt.basins import DIVERGED, ELSEWHERE, Basin
from lecopt.plots.styles import Paper, paper
from lecopt.rule import Array
from lecopt.sweeps import Sweep
from lecopt.words import point

FARTHEST = 1e6  # losses so many times better or worse than `below` look alike
HATCH = "////"
SYMBOLS = {"eta": "learning rate η"}


def basin(ax: Axes, falls: Basin) -> Axes:
    """Draw where each start ends: one colour a minimum, the paler the longer it takes.

    Minima are numbered. Starts that diverge are hatched, those that end elsewhere are blank.

    Parameters
    ----------
    ax
        Where to draw.
    falls
        What `lecopt.basin` returned.
    """
    colors = paper(ax)
    (y_name, y), (x_name, x) = falls.axes.items()
    ax.pcolormesh(x, y, _painted(falls, colors), rasterized=True)
    gone = falls.ends == DIVERGED
    if gone.any():
        _hatch(ax, x, y, gone, colors)
    for k, minimum in enumerate(falls.minima):
        ax.plot(*minimum, marker="*", color="white", markeredgecolor="black", markersize=13)
        ax.annotate(
            str(k + 1), (minimum[0], minimum[1]), xytext=(9, 0), textcoords="offset points",
            va="center", weight="bold", color=colors.ink,
            path_effects=[withStroke(linewidth=3, foreground=colors.paper)],
        )  # fmt: skip
    ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xlabel=x_name, ylabel=y_name)
    ax.legend(
        handles=_key(falls, colors), loc="lower center", bbox_to_anchor=(0.5, 1.0),
        ncols=3, fontsize="small", frameon=False,
    )  # fmt: skip
    return ax


def _strength(arrived: Any) -> Array:
    """Return how strong the colour is: 1 for the quickest start, 0.25 for the slowest."""
    late = np.log1p(np.maximum(arrived, 0))
    return 1 - 0.75 * late / max(float(late.max()), 1.0)


def _mixed(color: str, strength: Any, colors: Paper) -> Array:
    """Return a colour mixed with the paper."""
    strength = np.asarray(strength)[..., None]
    return strength * to_rgb(color) + (1 - strength) * to_rgb(colors.paper)


def _painted(falls: Basin, colors: Paper) -> Array:
    """Return the colour of each start, shape (rows, columns, 3)."""
    strength = _strength(falls.arrived)
    image = np.broadcast_to(to_rgb(colors.paper), (*falls.ends.shape, 3)).copy()
    for k in range(len(falls.minima)):
        there = falls.ends == k
        image[there] = _mixed(_color(k, colors), strength[there], colors)
    return image


def _color(k: int, colors: Paper) -> str:
    return colors.styles[k % len(colors.styles)].color


def _hatch(ax: Axes, x: Any, y: Any, where: Any, colors: Paper) -> None:
    shape = ax.contourf(x, y, where, levels=[0.5, 1.5], colors="none", hatches=[HATCH])
    shape.set_hatchcolor(colors.soft)


def _key(falls: Basin, colors: Paper) -> list[Patch]:
    """Return the legend: the minima, what is no minimum, and what the shades mean."""
    keys = [
        Patch(color=_color(k, colors), label=f"{k + 1}: {point(minimum)}")
        for k, minimum in enumerate(falls.minima)
        if (falls.ends == k).any()
    ]
    for end, hatch, label in ((DIVERGED, HATCH, "diverges"), (ELSEWHERE, "", "elsewhere")):
        if (falls.ends == end).any():
            blank = Patch(facecolor=colors.paper, edgecolor=colors.soft, hatch=hatch, label=label)
            keys.append(blank)
    steps = falls.arrived[falls.ends >= 0]
    if len(steps):
        fewest, most = (tuple(_mixed(colors.soft, share, colors)) for share in (1.0, 0.25))
        keys.append(Patch(color=fewest, label=f"fewest steps: {steps.min()}"))
        keys.append(Patch(color=most, label=f"most steps: {steps.max()}"))
    return keys


def robustness(ax: Axes, strip: Sweep, *, below: float | None = None, axis: str = "eta") -> Axes:
    """Draw the final loss of every rule against its learning rate, a row a rule.

    A bar under each row shows the rates that reach a loss below `below`, the number at its end how
    many powers of ten they span, a ring the best rate; rates that diverge are hatched. The rule
    that succeeds at most rates is at the top. For the scale of colours:
    `figure.colorbar(ax.collections[0], label="final loss")`; losses more than a million times
    better or worse than `below` look alike.

    Parameters
    ----------
    ax
        Where to draw.
    strip
        What `lecopt.sweep` returned for rules by name and one hyper-parameter.
    below
        The loss that counts as success; the one that the sweep waited for, by default.
    axis
        The hyper-parameter, on a logarithmic axis.

    Raises
    ------
    ValueError
        If the sweep has other axes than rule and this one, or there is no `below`.
    """
    below = success(strip, below)
    if list(strip.axes) != ["rule", axis]:
        raise ValueError(
            f"robustness: the sweep has the axes {', '.join(strip.axes)}; expected rule, {axis}: "
            "give sweep the rules by name, and use sel for what else it has"
        )
    colors, order = paper(ax), ranking(strip.loss, below)
    loss, edges = strip.loss[order], borders(np.asarray(strip.axes[axis], float))
    rows = np.arange(len(loss))
    sides = np.stack([rows - 0.4, rows + 0.2], axis=1).ravel()  # of cells and gaps in turn
    cells = np.full((len(sides) - 1, len(loss[0])), np.nan)
    cells[::2] = np.clip(loss, below / FARTHEST, below * FARTHEST)
    ax.pcolormesh(
        edges, sides, np.ma.masked_invalid(cells), cmap=colors.scale, norm=LogNorm(), zorder=1
    )
    ax.annotate(
        "decades", (1.015, 1), xytext=(0, 3), xycoords="axes fraction", textcoords="offset points",
        color=colors.soft, fontsize="small",
    )  # fmt: skip
    for row, losses in enumerate(loss):
        _row(ax, row, losses, edges, below, colors)
    ax.set_yticks(rows, [str(strip.axes["rule"][k]) for k in order])
    ax.tick_params(axis="y", length=0)
    ax.set(xscale="log", xlim=(edges[0], edges[-1]), ylim=(len(loss) - 0.5, -0.6))
    ax.set(xlabel=SYMBOLS.get(axis, axis))
    return ax


def _row(ax: Axes, row: int, loss: Array, edges: Array, below: float, colors: Paper) -> None:
    """Mark in one row what diverges, what succeeds, and the best."""
    widths, lost, wins = np.diff(edges), ~np.isfinite(loss), loss < below
    bars = list(zip(edges[:-1][lost], widths[lost], strict=True))
    ax.broken_barh(
        bars, (row - 0.4, 0.6),
        facecolor="none", edgecolor=colors.soft, linewidth=0, hatch=HATCH,
    )  # fmt: skip
    starts, ends = np.flatnonzero(np.diff(np.concatenate([[0], wins, [0]]))).reshape(-1, 2).T
    ax.hlines(
        np.full(len(starts), row + 0.32), edges[starts], edges[ends],
        color=colors.ink, linewidth=2.5,
    )  # fmt: skip
    if not lost.all():
        best = np.nanargmin(loss)
        middle = np.sqrt(edges[best] * edges[best + 1])
        ax.plot(middle, row - 0.1, "o", color="white", markeredgecolor="black", markersize=6)
    words = f"{decades(loss, edges, below):.1f}" if wins.any() else "–"
    ax.text(1.015, row, words, transform=ax.get_yaxis_transform(), va="center", color=colors.soft)


def decades(loss: Array, edges: Array, below: float) -> float:
    """Return over how many powers of ten of the learning rate the loss is below `below`."""
    return float(np.log10(edges[1:] / edges[:-1])[loss < below].sum())


def success(strip: Sweep, below: float | None) -> float:
    """Return the loss that counts as success."""
    below = strip.setup.below if below is None else below
    if not below > 0:
        raise ValueError(
            f"robustness: below is {below}; expected a loss above 0: give it here or to sweep"
        )
    return below


def ranking(loss: Array, below: float) -> Any:
    """Return the rows, those first that succeed at most rates; among equals the lowest loss."""
    wins = np.sum(loss < below, axis=1)
    lowest = np.where(np.isfinite(loss), loss, np.inf).min(axis=1)
    return np.lexsort((lowest, -wins))


def borders(rates: Array) -> Array:
    """Return the borders of cells around rates on a logarithmic axis."""
    middles = np.sqrt(rates[1:] * rates[:-1])
    return np.concatenate([[rates[0] ** 2 / middles[0]], middles, [rates[-1] ** 2 / middles[-1]]])
