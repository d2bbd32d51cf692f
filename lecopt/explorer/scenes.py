"""What a chapter or a notebook calls: one function for each kind of scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lecopt.explorer import picture, words
from lecopt.explorer.averages import MovingAverage
from lecopt.explorer.parts import (
    Scene,
    Window,
    checked_count,
    checked_point,
    named_rules,
    objective_part,
    refuse_others,
    rule_part,
    slider,
    values_of,
)
from lecopt.explorer.questions import Question, book_questions, question_part
from lecopt.explorer.widget import Explorer
from lecopt.optimizers import Momentum
from lecopt.rule import Array, Rule
from lecopt.schedules import Schedules

PANELS = ("loss", "code", "model", "table")


def explore(
    J: Any,
    rules: Mapping[str, Rule] | Sequence[Rule],
    start: Sequence[float] | Array = (-2.0, -2.0),
    *,
    schedules: Mapping[str, Schedules] | None = None,
    budget: int = 400,
    step: int | None = None,
    target: float = 1e-5,
    on: Sequence[str] | None = None,
    code: str | None = None,
    panels: Sequence[str] = ("loss", "code", "table"),
    window: Window | None = None,
    levels: str = "auto",
    name: str = "race",
) -> Explorer:
    """Race update rules from one start, each with the same budget of gradient evaluations.

    Parameters
    ----------
    J
        An objective of two parameters.
    rules
        The rules, by name; or a list, named after its classes.
    start
        Where all of them start.
    schedules
        For a rule's name, its schedules by hyper-parameter, as `descend` takes them; a number
        that follows one has no slider: ``{"Momentum": {"eta": lecopt.exponential(1.0, 0.01)}}``.
    budget
        Gradient evaluations that each rule may spend.
    step
        The step shown first; the last one if None.
    target
        The page says when each rule's loss is first below this.
    on
        Names of the rules that are shown first; all if None.
    code
        Name of the rule whose source is shown; the first that is on if None.
    panels
        Which of "loss" (curve), "code" (the rule's source with the numbers of the step), "model"
        (the neuron's curve over its points; data of one feature) and "table" are there.
    window
        The part of the plane to look at; the objective's own if None.
    levels
        Heights of the contours: "linear", "log" or "auto".
    name
        Short name, unlike that of any other explorer on the page: shared links use it.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit; the message says what was expected.
    lecopt.trace.TraceError
        If a rule or the objective does what the page cannot run; the message names the line.
    """
    named = named_rules(rules)
    start = checked_point("start", start)
    budget = checked_count("budget", budget)
    shown = [*named] if on is None else [*on]
    refuse_others("on", shown, named)
    code = next(iter([*shown, *named])) if code is None else code
    refuse_others("code", [code], named)
    refuse_others("panels", panels, PANELS)
    refuse_others("levels", [levels], ("auto", "linear", "log"))
    objective = objective_part(J, window)
    if "model" in panels:
        objective |= words.model_part(J)
    schedules = schedules or {}
    refuse_others("schedules", [*schedules], named)
    parts = [rule_part(key, rule, schedules=schedules.get(key)) for key, rule in named.items()]
    paths = words.race_paths(named, start, J, budget, schedules)
    scene = {
        "kind": "race",
        "name": name,
        "dim": 2,
        "objective": objective,
        "rules": parts,
        "target": float(target),
        "panels": [*panels],
        "levels": levels,
        "alt": words.race_alt(objective, {k: paths[k] for k in shown}, start, budget, target),
    }
    return Explorer(
        scene,
        picture=lambda: picture.race(J, objective, {k: paths[k] for k in shown}, [*named]),
        start=start,
        hyper=values_of(parts),
        on=shown,
        code=code,
        step=budget if step is None else step,
        budget=budget,
    )


def guess(
    J: Any,
    start: Sequence[float] | Array = (0.5, 0.0),
    *,
    window: Window | None = None,
    name: str = "guess",
) -> Explorer:
    """Set w and b by hand: the neuron's curve bends to the points, a marker moves on the map.

    Parameters
    ----------
    J
        A neuron with one input feature.
    start
        The first guess.
    window, name
        As in `explore`.

    Raises
    ------
    ValueError
        If the objective is no neuron of one feature, or the start does not fit.
    """
    start = checked_point("start", start)
    objective = objective_part(J, window) | words.model_part(J)
    scene = {
        "kind": "guess",
        "name": name,
        "dim": 2,
        "objective": objective,
        "levels": "auto",
        "alt": words.guess_alt(J, start),
    }
    return Explorer(scene, picture=lambda: picture.guess(J, objective, start), start=start)


def direction_dial(
    J: Any,
    at: Sequence[float] | Array = (0.0, 0.0),
    *,
    eta: float = 0.5,
    angle: float = 60.0,
    window: Window | None = None,
    name: str = "dial",
) -> Explorer:
    """Turn a step of length eta about a point: the predicted and the real change of the loss.

    Parameters
    ----------
    J
        An objective of two parameters.
    at
        The point.
    eta
        Length of the step.
    angle
        First direction of the step, in degrees from the gradient.
    window
        The part of the plane to look at; four steps around the point if None.
    name
        As in `explore`.

    Raises
    ------
    ValueError
        If eta is not positive and finite, or the point does not fit.
    """
    at = checked_point("at", at)
    if not (np.isfinite(eta) and eta > 0):
        raise ValueError(f"eta is {eta}; give a positive, finite step length")
    reach = 4 * eta
    near = ((at[0] - reach, at[0] + reach), (at[1] - reach, at[1] + reach))
    objective = objective_part(J, near if window is None else window)
    sliders = [
        slider("eta", "η", eta, (eta / 50, reach), log=True, limits=(1e-9, None)),
        slider("angle", "angle", angle % 360, (0.0, 360.0), limits=(0.0, 360.0)),
    ]
    scene = {
        "kind": "dial",
        "name": name,
        "dim": 2,
        "objective": objective,
        "sliders": sliders,
        "levels": "auto",
        "alt": words.dial_alt(J, at, eta, angle),
    }
    return Explorer(
        scene,
        picture=lambda: picture.dial(J, at, eta),
        start=at,
        hyper={"": {s["name"]: s["value"] for s in sliders}},
    )


def contour_quiz(questions: Sequence[Question] | None = None, *, name: str = "quiz") -> Explorer:
    """Ask which of four surfaces has this contour map, and say at once why or why not.

    Parameters
    ----------
    questions
        The questions; the book's own if None.
    name
        As in `explore`.
    """
    asked = book_questions() if questions is None else [*questions]
    if not asked:
        raise ValueError("no questions; give at least one, or None for the book's own")
    scene = {
        "kind": "quiz",
        "name": name,
        "questions": [question_part(question, i) for i, question in enumerate(asked)],
        "alt": words.quiz_alt(len(asked)),
    }
    first = asked[0]
    return Explorer(scene, picture=lambda: picture.quiz(first), answers=[-1] * len(asked))


def fading_weights(gamma: float = 0.9, *, n: int = 40, name: str = "weights") -> Explorer:
    """Show how much of each past gradient momentum still remembers: 1, gamma, gamma^2, …

    Parameters
    ----------
    gamma
        How much of the last update is kept.
    n
        How many past gradients are shown.
    name
        As in `explore`.
    """
    part = rule_part("Momentum", Momentum(eta=1.0, gamma=gamma), dim=1)
    sliders = [s for s in part["hyper"] if s["name"] == "gamma"]
    scene = {
        "kind": "weights",
        "name": name,
        "n": checked_count("n", n),
        "rule": part,
        "sliders": sliders,
        "alt": words.weights_alt(gamma),
    }
    return Explorer(
        scene, picture=lambda: picture.weights(gamma, n), hyper={"": {"gamma": float(gamma)}}
    )


def moving_average(
    values: Sequence[float] | Array, beta: float = 0.9, *, name: str = "average"
) -> Explorer:
    """Smooth noisy values by an exponentially weighted average, with its bias at the start.

    Parameters
    ----------
    values
        The noisy values, (N,).
    beta
        How much of the last average is kept, from 0.5 to 0.98.
    name
        As in `explore`.

    Raises
    ------
    ValueError
        If the values are not N finite numbers, or beta is out of range.
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 1 or numbers.size < 2 or not np.isfinite(numbers).all():
        raise ValueError(f"values has shape {numbers.shape}; give at least 2 finite numbers, (N,)")
    if not 0 <= beta < 1:
        raise ValueError(f"beta is {beta}; it must be at least 0 and below 1")
    span = (min(0.5, beta), max(0.98, beta))
    sliders: list[Scene] = [slider("beta", "β", beta, span, limits=(0.0, 1 - 1e-9))]
    scene = {
        "kind": "average",
        "name": name,
        "rule": rule_part("MovingAverage", MovingAverage(beta), dim=1),
        "values": [float(f"{x:.4g}") for x in numbers],
        "sliders": sliders,
        "alt": words.average_alt(numbers, beta),
    }
    return Explorer(
        scene, picture=lambda: picture.average(numbers, beta), hyper={"": {"beta": float(beta)}}
    )
