"""The still pictures for readers without JavaScript, and for print."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from lecopt import plots
from lecopt.explorer.parts import Scene
from lecopt.explorer.words import averaged, turned
from lecopt.path import Path
from lecopt.rule import Array

COLOURS = [style.color for style in plots.STYLES]


def as_uri(figure: Figure, colours: int = 40) -> str:
    """Return a figure as a data: address of a small PNG with few colours."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=80, facecolor="white")
    Image.open(drawn).convert("RGB").quantize(colours).save(small, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(small.getvalue()).decode()


def contour(ax: Axes, J: Any, objective: Scene) -> None:
    """Draw the contour map of the loss."""
    x_side, y_side = (np.linspace(low, high, 121) for low, high in objective["window"])
    loss = J(np.stack(np.meshgrid(x_side, y_side)))
    low, high, near = loss.min(), loss.max(), np.quantile(loss, 0.1)
    if high - low > 30 * (near - low):
        scale = max(near - low, 1e-12)
        levels = low + scale * np.expm1(np.linspace(0, np.log1p((high - low) / scale), 16))
    else:
        levels = np.linspace(low, high, 16)
    ax.contour(x_side, y_side, loss, levels=levels, colors="#9fb0c0", linewidths=0.7)
    ax.set(xlabel=objective["labels"][0], ylabel=objective["labels"][1])
    ax.set(xlim=objective["window"][0], ylim=objective["window"][1])


def race(J: Any, objective: Scene, paths: Mapping[str, Path], names: list[str]) -> str:
    """Draw the paths over the contour map; colours go by the place in `names`."""
    figure = Figure(figsize=(5.4, 4.2), layout="tight")
    ax = figure.subplots()
    contour(ax, J, objective)
    for name, path in paths.items():
        inside = np.clip(np.nan_to_num(path.theta.T, nan=1e6), -1e6, 1e6)
        ax.plot(*inside, label=name, **plots.style(names.index(name)))
    if paths:
        ax.plot(*next(iter(paths.values())).theta[0], "o", ms=7, mfc="white", mec="black")
        ax.legend(fontsize=8, loc="best")
    return as_uri(figure)


def guess(J: Any, objective: Scene, theta: list[float]) -> str:
    """Draw the neuron's curve over its points, and the guess on the map."""
    figure = Figure(figsize=(7.2, 3.4), layout="tight")
    left, right = figure.subplots(1, 2)
    margin = 0.5 * (np.ptp(J.X) or 1.0)
    x = np.linspace(J.X.min() - margin, J.X.max() + margin, 100)
    left.plot(x, J.predict(np.array(theta), x), color=COLOURS[0])
    left.vlines(J.X, J.y, J.predict(np.array(theta), J.X), color=COLOURS[1], ls=":")
    left.plot(J.X, J.y, "o", color="black")
    left.set(xlabel="x", ylabel="f(x)", ylim=(-0.05, 1.05))
    contour(right, J, objective)
    right.plot(*theta, "o", ms=8, mfc="white", mec="black")
    return as_uri(figure)


def dial(J: Any, at: list[float], eta: float) -> str:
    """Draw predicted and real change of the loss over all angles."""
    figure = Figure(figsize=(5.4, 3.4), layout="tight")
    ax = figure.subplots()
    angles = np.linspace(0, 360, 121)
    predicted, real = turned(J, at, eta, angles)
    ax.plot(angles, predicted, color=COLOURS[0], ls="--", label="predicted")
    ax.plot(angles, real, color=COLOURS[1], label="real")
    ax.axvline(180, color="grey", lw=0.8)
    ax.set(xlabel="angle between step and gradient, degrees", ylabel="change of the loss")
    ax.set_xticks(range(0, 361, 60))
    ax.legend(fontsize=8)
    return as_uri(figure)


def quiz(question: Any) -> str:
    """Draw the first contour map of the quiz."""
    figure = Figure(figsize=(3.6, 3.4), layout="tight")
    contour(figure.subplots(), question.J, {"window": question.window, "labels": ("x", "y")})
    return as_uri(figure)


def weights(gamma: float, n: int) -> str:
    """Draw the weights as bars."""
    figure = Figure(figsize=(6.0, 2.8), layout="tight")
    ax = figure.subplots()
    ax.bar(np.arange(n), gamma ** np.arange(n), color=COLOURS[0])
    ax.set(xlabel="age of the gradient, steps", ylabel="weight")
    return as_uri(figure)


def average(values: Array, beta: float) -> str:
    """Draw the noisy values and their average, with and without its bias."""
    figure = Figure(figsize=(6.0, 3.2), layout="tight")
    ax = figure.subplots()
    t = np.arange(1, len(values) + 1)
    m, corrected = averaged(values, beta)
    ax.plot(t, values, ".", color="#9fb0c0", label="values")
    ax.plot(t, m, color=COLOURS[1], label="average")
    ax.plot(t, corrected, color=COLOURS[0], ls="--", label="bias corrected")
    ax.set(xlabel="t")
    ax.legend(fontsize=8)
    return as_uri(figure)
