"""Pictures of what happens inside a rule: rates, moments, and the vectors of one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lecopt.measures import Moments, StepVectors
from lecopt.objectives import Window
from lecopt.plots.labels import Label, at_ends, place
from lecopt.plots.styles import paper, style
from lecopt.rule import Array


def rates(ax: Axes, rates: Mapping[str, Array], *, labels: Sequence[str] = ("w", "b")) -> Axes:
    """Draw the effective learning rate of each coordinate on a log scale, against steps.

    Parameters
    ----------
    ax
        Where to draw.
    rates
        For each rule's name, what `lecopt.effective_rates` returned, shape (T, D).
    labels
        Names of the D coordinates: each has dashes of its own, and each rule a colour.
    """
    looks, lines = paper(ax).styles, []
    for index, (name, rate) in enumerate(rates.items()):
        for k, label in enumerate(labels):
            look = style(index, ax) | {"dashes": looks[k % len(looks)].dashes or (None, None)}
            lines += ax.plot(
                np.arange(1, len(rate) + 1), rate[:, k], label=f"{name}, {label}", **look
            )
    ax.set(yscale="log", xlabel="step", ylabel="effective learning rate")
    at_ends(ax, lines)
    return ax


def first_moment(ax: Axes, moments: Moments, *, coordinate: int = 0) -> Axes:
    """Draw Adam's m and m_hat of one coordinate against steps."""
    _raw_and_corrected(ax, moments.m[:, coordinate], moments.m_hat[:, coordinate], "m")
    ax.axhline(0, color=paper(ax).soft, linewidth=0.8, zorder=0)
    ax.set(ylabel="mean gradient")
    return ax


def second_moment(ax: Axes, moments: Moments, *, coordinate: int = 0) -> Axes:
    """Draw Adam's v and v_hat of one coordinate on a log scale, against steps."""
    _raw_and_corrected(ax, moments.v[:, coordinate], moments.v_hat[:, coordinate], "v")
    ax.set(yscale="log", ylabel="mean squared gradient")
    return ax


def _raw_and_corrected(ax: Axes, raw: Array, corrected: Array, letter: str) -> None:
    t = np.arange(1, len(raw) + 1)
    ax.plot(t, raw, label=f"${letter}$", **style(1, ax))
    ax.plot(t, corrected, label=rf"$\hat {letter}$, corrected", **style(0, ax))
    ax.set(xlabel="step")
    ax.legend(frameon=False)


def arrow(
    ax: Axes, tail: Array, vector: Array, *, index: int = 0, label: str | None = None
) -> Axes:
    """Draw a vector from its tail, in the units of the axes."""
    return _vector(ax, tail, vector, style(index, ax)["color"], label=label)


def _vector(
    ax: Axes, tail: Array, vector: Array, color: str, *, width: float = 0.008, label: Any = None
) -> Axes:
    ax.quiver(
        *tail, *vector, angles="xy", scale_units="xy", scale=1,
        color=color, width=width, zorder=5, label=label,
    )  # fmt: skip
    return ax


def around(vectors: StepVectors, *, margin: float = 0.25) -> Window:
    """Return a square window that holds the vectors of one step, for `contours`."""
    s = vectors
    points = np.stack([s.theta, s.look, s.nesterov, s.momentum, s.theta + s.slope])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    half = (0.5 + margin) * float(np.ptp(points, axis=0).max()) or 1.0
    (x_lo, y_lo), (x_hi, y_hi) = (middle - half).tolist(), (middle + half).tolist()
    return (x_lo, x_hi), (y_lo, y_hi)


def look_ahead(ax: Axes, vectors: StepVectors) -> Axes:
    """Draw one step of Nesterov and of momentum: the same jump, two corrections.

    Momentum's correction is the slope at theta (thin there), carried to the end of the jump.
    Set the limits of the Axes first, as `contours(window=around(vectors))` does: within them,
    labels keep clear of the arrows and of each other.
    """
    colors, s = paper(ax), vectors
    momentum, nesterov = colors.styles[1], colors.styles[2]
    _vector(ax, s.theta, s.slope, momentum.color, width=0.003)
    parts = (
        ("jump $-\\gamma u$", s.theta, s.jump, colors.ink),
        (r"$-\eta\nabla J(\theta)$", s.look, s.slope, momentum.color),
        (r"$-\eta\nabla J$(look-ahead)", s.look, s.correction, nesterov.color),
    )
    labels = [
        Label("momentum", s.momentum, momentum.color),
        Label("Nesterov", s.nesterov, nesterov.color),
        Label(r"$\theta$", s.theta, colors.ink),
    ]
    for words, tail, vector, color in parts:
        if np.any(vector):  # at the first step there is no memory, at a minimum no slope
            _vector(ax, tail, vector, color)
            labels.append(Label(words, tail + vector / 2, color))
    if np.any(s.jump):
        labels.append(Label("look-ahead", s.look, colors.ink))
    for point, marker, color in (
        (s.theta, "o", colors.ink),
        (s.look, "o", colors.ink),
        (s.momentum, momentum.marker, momentum.color),
        (s.nesterov, nesterov.marker, nesterov.color),
    ):
        ax.plot(*point, marker=marker, color=color, markeredgecolor=colors.paper, zorder=6)
    ends = [
        (s.theta, s.look),
        (s.look, s.momentum),
        (s.look, s.nesterov),
        (s.theta, s.theta + s.slope),
    ]
    place(ax, labels, [np.linspace(*pair, 40) for pair in ends])
    return ax
