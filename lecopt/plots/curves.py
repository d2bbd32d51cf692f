"""Pictures of one quantity against another: losses against steps, a neuron's output against x."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from lecopt.models import Neuron
from lecopt.path import Path
from lecopt.plots.labels import at_ends
from lecopt.plots.styles import paper, style
from lecopt.rule import Array


def losses(ax: Axes, walks: Mapping[str, Path], *, evaluations: bool = False) -> Axes:
    """Draw the losses of some runs on a log scale, against steps or gradient evaluations."""
    lines = []
    for index, (label, walk) in enumerate(walks.items()):
        across = walk.grad_evals if evaluations else np.arange(len(walk.loss))
        loss = np.where(walk.loss < 1e100, walk.loss, np.nan)  # beyond it the ticks overflow
        lines += ax.plot(across, loss, label=label, **style(index, ax))
    ax.set(yscale="log", xlabel="gradient evaluations" if evaluations else "step", ylabel="loss")
    at_ends(ax, lines)
    return ax


def neuron(ax: Axes, J: Neuron, thetas: Mapping[str, Array]) -> Axes:
    """Draw the curves of a neuron with one input over its data, one for each theta."""
    span = float(np.ptp(J.X)) or 1.0
    x = np.linspace(J.X.min() - span, J.X.max() + span, 200)
    for index, (label, theta) in enumerate(thetas.items()):
        ax.plot(x, J.predict(np.asarray(theta), x), label=label, **style(index, ax))
    ink = paper(ax).ink
    ax.plot(J.X, J.y, linestyle="none", marker="o", color=ink, markersize=7, label="data")
    ax.set(xlabel="x", ylabel="f(x)", ylim=(-0.05, 1.05))
    ax.legend(frameon=False)
    return ax
