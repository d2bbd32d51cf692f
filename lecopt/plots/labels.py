"""Put labels beside what they name, clear of lines and of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation

from lecopt.plots.styles import paper
from lecopt.rule import Array

DIRECTIONS = np.array([(np.cos(a), np.sin(a)) for a in np.arange(0, 2 * np.pi, np.pi / 8)])
LINE = 12.0  # from one label to the next, in points
DISTANCES = (10, 18, 28, 42, 60, 80)  # of a label from what it names, in points


class Label(NamedTuple):
    """Words, where what they name is (in data), and their colour."""

    words: str
    at: Array
    color: str


def place(ax: Axes, labels: Sequence[Label], lines: Sequence[Array]) -> list[Annotation]:
    """Write each label near its point, where it covers least; a thin line leads to the point.

    Parameters
    ----------
    ax
        Where to write; its limits are final.
    labels
        What to write, the most important first.
    lines
        What is not to be covered: points along it, each of shape (N, 2), in data.
    """
    root: Any = ax.get_figure(root=True)
    root.draw_without_rendering()  # so that the layout has settled
    dots = ax.transData.transform(np.concatenate([*lines, [label.at for label in labels]]))
    room = Room(ax, dots)
    return [_write(ax, label, room) for label in labels]


def at_ends(ax: Axes, lines: Sequence[Line2D]) -> None:
    """Write the label of each line at its end, in its colour, lines that end together in a column.

    Labels there are pushed apart as far as they need, and a thin line leads to each.
    """
    root: Any = ax.get_figure(root=True)
    root.draw_without_rendering()  # so that the layout has settled
    points = 72 / root.dpi
    ends = np.array([np.asarray(line.get_xydata())[_last(line)] for line in lines])
    heights = ax.transData.transform(ends)[:, 1] * points
    column = np.flatnonzero(ends[:, 0] >= ends[:, 0].max())
    wanted = heights.copy()
    wanted[column] = spread(heights[column], LINE)
    for k, line in enumerate(lines):
        ax.annotate(
            str(line.get_label()), (ends[k, 0], ends[k, 1]), xytext=(14, wanted[k] - heights[k]),
            textcoords="offset points", color=line.get_color(), va="center", fontsize="small",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.8,
                        "shrinkA": 1, "shrinkB": 1, "relpos": (0, 0.5)},
        )  # fmt: skip


def _last(line: Line2D) -> int:
    return int(np.flatnonzero(np.isfinite(np.asarray(line.get_xydata())).all(axis=1))[-1])


def spread(heights: Array, gap: float) -> Array:
    """Return heights at least `gap` apart, in the same order, each group about its own mean.

    Groups that touch are merged until none do (pool adjacent violators).
    """
    order = np.argsort(heights, kind="stable")
    groups: list[tuple[float, int]] = []  # the middle of a group, and how many are in it
    for height in heights[order]:
        middle, count = float(height), 1
        while groups and middle - groups[-1][0] < gap * (count + groups[-1][1]) / 2:
            last, more = groups.pop()
            middle, count = (middle * count + last * more) / (count + more), count + more
        groups.append((middle, count))
    spaced = [m + gap * (i - (n - 1) / 2) for m, n in groups for i in range(n)]
    apart = np.empty(len(heights))
    apart[order] = spaced
    return apart


class Room:
    """The pixels of the Axes: what is taken by labels, lines and leaders."""

    def __init__(self, ax: Axes, dots: Array) -> None:
        self.frame = np.array(ax.get_window_extent().get_points())
        self.dots = dots
        self.boxes: list[Array] = []

    def cost(self, box: Array, leader: Array) -> float:
        """Weigh a place: labels covered, then what leaves the frame, lines, and distance."""
        low, high = box
        covered = sum(
            float(np.prod(np.clip(np.minimum(high, b[1]) - np.maximum(low, b[0]), 0, None)))
            + 50 * _inside(leader, b)
            for b in self.boxes
        )
        outside = np.clip(self.frame[0] - low, 0, None) + np.clip(high - self.frame[1], 0, None)
        distance = float(np.hypot(*(leader[-1] - leader[0])))
        return float(100 * covered + 1e5 * outside.sum() + 20 * _inside(self.dots, box) + distance)

    def take(self, box: Array, leader: Array) -> None:
        """Fill a place."""
        self.boxes.append(box)
        self.dots = np.concatenate([self.dots, leader])


def _inside(dots: Array, box: Array) -> int:
    return int(((dots >= box[0]) & (dots <= box[1])).all(axis=1).sum())


def _write(ax: Axes, label: Label, room: Room) -> Annotation:
    """Write a label where it costs least."""
    colors = paper(ax)
    text = ax.annotate(
        label.words, (label.at[0], label.at[1]), xytext=(0, 0), textcoords="offset points",
        color=label.color, ha="center", va="center", zorder=8,
        path_effects=[withStroke(linewidth=2.5, foreground=colors.paper)],
        arrowprops={"arrowstyle": "-", "color": label.color, "linewidth": 0.6, "shrinkB": 3},
    )  # fmt: skip
    root: Any = ax.get_figure(root=True)
    pixels = root.dpi / 72
    extent = np.array(text.get_window_extent().get_points())
    size = extent[1] - extent[0] + 4 * pixels
    anchor = ax.transData.transform(label.at)
    offsets = np.concatenate([DIRECTIONS * (d * pixels + size / 2) for d in DISTANCES])
    places = [
        (anchor + offset + np.outer([-0.5, 0.5], size), np.linspace(anchor, anchor + offset, 12))
        for offset in offsets
    ]
    best = int(np.argmin([room.cost(*place) for place in places]))
    room.take(*places[best])
    text.set_position((offsets[best] / pixels).tolist())
    return text
