"""What is to be seen, in words, and the numbers that those words need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lecopt.descent import descend
from lecopt.explorer.parts import Scene, program_part
from lecopt.path import Path
from lecopt.rule import Array, Rule
from lecopt.schedules import Schedules
from lecopt.tape import Tape
from lecopt.words import listed, number, point

TOO_LARGE = 1e12


def race_paths(
    rules: Mapping[str, Rule],
    start: list[float],
    J: Any,
    budget: int,
    schedules: Mapping[str, Schedules],
) -> dict[str, Path]:
    """Return the path of each rule within the budget of gradient evaluations."""

    def path(key: str, steps: int) -> Path:
        return descend(rules[key], start, J, steps, schedules=schedules.get(key))

    return {key: path(key, budget // max(1, int(path(key, 1).grad_evals[-1]))) for key in rules}


def diverged_at(path: Path) -> int:
    """Return the first step whose loss is not finite or absurdly large, -1 if there is none."""
    gone = ~(np.abs(path.loss) <= TOO_LARGE)
    return int(gone.argmax()) if gone.any() else -1


def outcome(name: str, path: Path, target: float) -> str:
    """Say how one rule fared."""
    first, gone = path.first_below(target), diverged_at(path)
    if first >= 0:
        return f"{name} brings the loss below {number(target)} at step {first}"
    if gone >= 0:
        return f"{name} diverges at step {gone}"
    return f"{name} still has a loss of {number(float(path.loss[-1]))}"


def race_alt(
    objective: Scene, paths: Mapping[str, Path], start: list[float], budget: int, target: float
) -> str:
    """Describe a race: the map, the start, and who gets where, when."""
    (x0, x1), (y0, y1) = objective["window"]
    x, y = objective["labels"]
    head = (
        f"Contour map of the loss over {x} from {number(x0)} to {number(x1)} and {y} from "
        f"{number(y0)} to {number(y1)}, with paths that start at {point(start)}."
    )
    if not paths:
        return head
    fates = listed([outcome(name, path, target) for name, path in paths.items()])
    return f"{head} Within {budget} gradient evaluations each, {fates}."


def model_part(J: Any) -> Scene:
    """Return the model's output f(x) traced, for a curve over its data points.

    Raises
    ------
    ValueError
        If the objective has no `predict`, or its data more than one feature.
    """
    X = np.asarray(getattr(J, "X", np.empty((0, 0))))
    if not hasattr(J, "predict") or X.ndim != 1:
        raise ValueError(
            f"{type(J).__name__} has no curve to draw: it needs predict(theta, x), and data X, y "
            'of one feature; use Neuron(*two_points()), or leave "model" out of the panels'
        )
    tape = Tape()
    theta, x = tape.input("theta", np.array([0.5, 1.5])), tape.input("x", np.linspace(0, 1, 64))
    value = tape.symbol(J.predict(theta, x))
    return {"predict": program_part({"nodes": tape.nodes, "out": {"value": value.index}})}


def guess_alt(J: Any, theta: list[float]) -> str:
    """Describe the guessing game at its start."""
    fits = "; ".join(
        f"at x = {number(x)} the curve is at {number(f)} and the point at {number(y)}"
        for x, y, f in zip(J.X, J.y, J.predict(np.array(theta), J.X), strict=True)
    )
    minimum = f", lowest at {point(J.minima[0])}" if len(J.minima) else ""
    return (
        f"Left, the neuron's curve for (w, b) = {point(theta)}: {fits}. Right, the contour map of "
        f"the loss{minimum}, with a marker at this guess, where the loss is "
        f"{number(float(J(np.array(theta))))}."
    )


def turned(J: Any, at: list[float], eta: float, degrees: Any) -> tuple[Array, Array]:
    """Return predicted and real change of the loss for steps at angles from the gradient."""
    theta = np.array(at)
    g = J.grad(theta)
    phi = np.arctan2(g[1], g[0]) + np.deg2rad(np.asarray(degrees, dtype=float))
    u = np.stack([np.cos(phi), np.sin(phi)])
    predicted = eta * (u[0] * g[0] + u[1] * g[1])
    real = np.array([J(theta + eta * step) for step in u.T]) - J(theta)
    return predicted, real


def dial_alt(J: Any, at: list[float], eta: float, angle: float) -> str:
    """Describe the dial: the change of the loss where it stands, and at 180 degrees."""
    predicted, real = turned(J, at, eta, [angle, 180.0])
    return (
        f"Change of the loss for a step of length {number(eta)} from {point(at)}, against its "
        f"angle to the gradient. At {number(angle)}° predicted {number(predicted[0])}, real "
        f"{number(real[0])}; straight against the gradient, at 180°, predicted "
        f"{number(predicted[1])}, which is the lowest, and real {number(real[1])}."
    )


def quiz_alt(count: int) -> str:
    """Describe the quiz."""
    return (
        f"A contour map and four surfaces, A to D, of which one has this map: a quiz of {count} "
        "questions. Closed rings are a hollow or a hill, crowded lines a steep slope."
    )


def weights_alt(gamma: float) -> str:
    """Describe the bars."""
    bars = listed([number(gamma**k) for k in range(4)])
    total = number(1 / (1 - gamma)) if gamma < 1 else "without limit"
    return (
        f"Bars that shrink from left to right: with γ = {number(gamma)} momentum weighs its "
        f"gradients, newest first, by {bars} and so on; all together {total}."
    )


def averaged(values: Array, beta: float) -> tuple[Array, Array]:
    """Return the moving average of some values, and the same with its bias corrected."""
    weights = (1 - beta) * beta ** np.arange(len(values))
    m = np.convolve(values, weights)[: len(values)]
    return m, m / (1 - beta ** np.arange(1, len(values) + 1))


def average_alt(values: Array, beta: float) -> str:
    """Describe the average and its bias."""
    m, corrected = averaged(values, beta)
    early = min(4, len(values) - 1)
    return (
        f"{len(values)} noisy values and their moving average with β = {number(beta)}, over about "
        f"{number(1 / (1 - beta))} values. It starts too low, from zero: at value {early + 1} it "
        f"is {number(float(m[early]))}, with the bias corrected {number(float(corrected[early]))}."
    )
