"""Runs on the page under schedules, on minibatches, of networks: the paths are Python's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from jsnode import Ask, numbers, same_path
from strategies import OBJECTIVES, every_rule

from lecopt import (
    Adam,
    Backtracking,
    GradientDescent,
    HalveWhenWorse,
    Momentum,
    Nesterov,
    Network,
    Neuron,
    Quadratic,
    Rosenbrock,
    Rprop,
    Sigmoid,
    Softmax,
    Tanh,
    constant,
    cosine,
    descend,
    exponential,
    inverse_time,
    minibatches,
    replay,
    step_decay,
    sutskever,
    two_points,
)
from lecopt.explorer.parts import batches_part, rule_part
from lecopt.trace import trace_objective


def class_of(thing: Any) -> str:
    return type(thing).__name__


def run(node: Ask, J: Any, rule: Any, start: Any, steps: int, **more: Any) -> dict[str, Any]:
    """Run a rule in Node."""
    schedules = more.pop("schedules", None)
    start = np.asarray(start, dtype=float)
    part = rule_part("it", rule, dim=len(start), schedules=schedules)
    objective = trace_objective(J) | {"sizes": more.pop("sizes", {})}
    start = start.tolist()
    return node(
        "run", objective=objective, rule=part, start=start, settings={}, budget=steps, **more
    )


# ---- schedules

SCHEDULES: dict[str, Any] = {
    "constant": constant(0.3),
    "halved": step_decay(0.5, every=7),
    "exponential": exponential(0.5, 0.05),
    "1/t": inverse_time(0.5, 0.2),
    "cosine": cosine(0.5, steps=80, warm_up=10, end=0.01),
    "sutskever": sutskever(0.99, every=10),
    "watching": HalveWhenWorse(0.9, 0.6),
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize(
    "rule", [GradientDescent(), Momentum(), Adam()], ids=lambda r: type(r).__name__
)
def test_a_rule_on_a_schedule_walks_the_same_path(node: Ask, rule: Any, schedule: Any) -> None:
    J, start = Neuron(*two_points()), [-2.0, 1.5]
    path = descend(rule, start, J, 100, schedules={"eta": schedule})
    same_path(run(node, J, rule, start, 100, schedules={"eta": schedule}), path)


def students(t: Any) -> Any:
    """A student's own schedule: every ten steps it starts again, lower each time."""
    part = (t % 10) / 10
    top = 0.5 * 0.8 ** (t // 10)
    return np.where(t < 50, np.minimum(top, 0.3) * np.exp(-part), 10.0 ** -(1 + np.floor(t / 50)))


OWN: dict[str, Callable[[Any], Any]] = {
    "where": students,
    "plain": lambda t: 0.5 / (t + 1) ** 0.5,
    "stairs": lambda t: [0.4, 0.1][0] * 0.5 ** (t // 25),
    "number": lambda _: 0.2,
    "wave": lambda t: 0.2 + 0.1 * np.sin(2 * math.pi * t / 20),
    "select": lambda t: np.select([t < 10, t < 20], [0.3, 0.2], 0.1),
}


@pytest.mark.parametrize("schedule", OWN.values(), ids=OWN)
def test_a_students_schedule_runs_too(node: Ask, schedule: Any) -> None:
    J, start = Quadratic(0.5, 3.0), [2.0, -1.0]
    path = descend(Momentum(gamma=0.5), start, J, 100, schedules={"eta": schedule})
    same_path(run(node, J, Momentum(gamma=0.5), start, 100, schedules={"eta": schedule}), path)


class Seen(NamedTuple):
    best: float
    since: int


@dataclass(frozen=True)
class Patience:
    """A student's watching schedule: lower the rate when the loss has not improved for a while."""

    start: float = 0.9
    patience: int = 3

    def init(self) -> Seen:
        return Seen(np.inf, 0)

    def step(self, state: Seen, t: int, loss: Any) -> tuple[Any, Seen]:
        better = loss < state.best
        since = np.where(better, 0, state.since + 1)
        rate = np.where(since >= self.patience, 0.05, self.start) / (1 + 0.01 * t)
        return rate, Seen(np.minimum(loss, state.best), since)


@pytest.mark.parametrize("rule", [Momentum(), Nesterov()], ids=class_of)
def test_several_schedules_at_once_one_of_them_watching(node: Ask, rule: Any) -> None:
    J, start = Quadratic(0.5, 3.0), [2.0, -1.0]
    schedules = {"gamma": sutskever(0.9, every=5), "eta": Patience()}
    path = descend(rule, start, J, 100, schedules=schedules)
    assert (np.diff(path.loss) > 0).any(), "so that there is something to watch"
    assert path.loss_evals[-1] == 100, "one look a step"
    same_path(run(node, J, rule, start, 100, schedules=schedules), path)


@every_rule
def test_any_hyper_parameter_of_any_rule_follows_a_schedule(node: Ask, rule: type) -> None:
    J, start, made = OBJECTIVES["Neuron"], [-1.0, 2.0], rule()
    schedules = {
        h["name"]: lambda t, h=h, k=k: np.maximum(
            h["value"] * (0.99 - 0.01 * k) ** t, h["limits"][0]
        )
        for k, h in enumerate(rule_part("it", made)["hyper"])
    }
    path = descend(made, start, J, 30, schedules=schedules)
    same_path(run(node, J, made, start, 30, schedules=schedules), path)


def test_init_sees_the_rules_own_value(node: Ask) -> None:
    """Rprop's first steps are its eta; a schedule begins with step 0 and not before."""
    J, start = OBJECTIVES["Neuron"], [-1.0, 2.0]
    schedules = {"eta": constant(0.5), "delta_max": exponential(1.0, 0.1)}
    path = descend(Rprop(eta=0.01), start, J, 30, schedules=schedules)
    assert path.step_lengths()[0] == pytest.approx(0.01 * np.sqrt(2))
    same_path(run(node, J, Rprop(eta=0.01), start, 30, schedules=schedules), path)


def test_a_search_follows_a_schedule_and_both_count(node: Ask) -> None:
    J, start = Rosenbrock(), [-1.2, 1.0]
    schedules = {"eta": HalveWhenWorse(1.0), "c": lambda t: 0.1 / (1 + t)}
    path = descend(Backtracking(), start, J, 60, schedules=schedules)
    assert path.loss_evals[-1] > 60 * 4
    same_path(run(node, J, Backtracking(), start, 60, schedules=schedules), path)


def test_the_moment_shows_the_settings_of_its_step(node: Ask) -> None:
    J, schedules = Quadratic(0.5, 3.0), {"eta": HalveWhenWorse(0.9)}
    part = rule_part("it", Momentum(), schedules=schedules)
    for step in (0, 3, 10):
        path = descend(Momentum(), [2.0, -1.0], J, step + 1, schedules=schedules)
        objective = trace_objective(J)
        answer = node(
            "moment", objective=objective, rule=part, start=[2.0, -1.0], settings={}, step=step
        )
        gamma, eta = numbers(answer["hyper"])
        u = path.states.u[step + 1]
        assert gamma == 0.9
        assert numbers(answer["u"]) == pytest.approx(u, rel=1e-12)
        assert 0.9 * path.states.u[step] + eta * J.grad(path.theta[step]) == pytest.approx(u)


# ---- minibatches

DATA = Neuron(np.linspace(-2, 3, 7), np.array([0.1, 0.3, 0.2, 0.7, 0.5, 0.9, 0.8]))
FEATURES = Neuron(np.random.default_rng(5).normal(size=(7, 2)), np.linspace(0.1, 0.9, 7))


@pytest.mark.parametrize("J", [DATA, FEATURES], ids=["one feature", "two features"])
@pytest.mark.parametrize("batch_size", [1, 2, 7])
@pytest.mark.parametrize(
    "rule", [GradientDescent(), Momentum(), Adam()], ids=lambda r: type(r).__name__
)
def test_minibatches_are_replayed(node: Ask, rule: Any, batch_size: int, J: Any) -> None:
    """An epoch of 7 rows ends with a batch of one."""
    start = np.linspace(-1, 1, len(J.labels))
    stream = minibatches(J, batch_size, np.random.default_rng(3))
    path = descend(rule, start, J, 100, objectives=stream)
    assert {len(rows) for rows in path.rows} == {1: {1}, 2: {1, 2}, 7: {7}}[batch_size]
    batches = batches_part(J, path.rows)
    assert batches["sizes"] == {}, "the neuron's programs are the same for any number of rows"
    same_path(run(node, J, rule, start, 1000, **batches), path)


def test_a_stream_may_be_watched_and_scheduled(node: Ask) -> None:
    stream = minibatches(DATA, 2, np.random.default_rng(8), replace=True)
    schedules = {"eta": HalveWhenWorse(2.0)}
    path = descend(Momentum(), [1.0, 1.0], DATA, 60, objectives=stream, schedules=schedules)
    answer = run(
        node, DATA, Momentum(), [1.0, 1.0], 60, schedules=schedules, **batches_part(DATA, path.rows)
    )
    same_path(answer, path)


@dataclass(frozen=True)
class MeanSquare:
    """A student's objective: a mean, whose program knows the number of rows."""

    X: np.ndarray
    labels = ("a", "b")
    data = ("X",)

    def on(self, rows: Any) -> MeanSquare:
        return MeanSquare(self.X[rows])

    def __call__(self, theta: Any) -> Any:
        return np.sum((self.X @ theta - 1) ** 2) / len(self.X)

    def grad(self, theta: Any) -> Any:
        return 2 * self.X.T @ (self.X @ theta - 1) / len(self.X)


def test_programs_that_depend_on_the_number_of_rows_travel_with_the_scene(node: Ask) -> None:
    J = MeanSquare(np.random.default_rng(6).normal(size=(5, 2)))
    rows = [[0, 1], [2, 3], [4], [1, 4], [0]]
    batches = batches_part(J, rows)
    assert batches["rows"] == rows and set(batches["sizes"]) == {"1", "2"}
    path = descend(GradientDescent(0.1), [1.0, 1.0], J, 5, objectives=replay(J, rows))
    same_path(run(node, J, GradientDescent(0.1), [1.0, 1.0], 5, **batches), path)


# ---- networks, and other objectives in many dimensions

rng = np.random.default_rng(2)
X = rng.normal(size=(12, 3))
NETWORKS = {
    "softmax, tanh": Network(X, rng.integers(3, size=12), 4, Tanh(), Softmax()),
    "softmax, sigmoid": Network(X, rng.integers(3, size=12), 4, Sigmoid(), Softmax()),
    "sigmoid, tanh": Network(X, rng.uniform(size=12), 3, Tanh(), Sigmoid()),
    "one unit": Network(X[:, 0], rng.integers(2, size=12), 1, Tanh(), Softmax()),
    "many": Network(rng.normal(size=(40, 6)), rng.integers(4, size=40), 9, Tanh(), Softmax()),
}


@pytest.mark.parametrize("J", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize(
    "rule", [GradientDescent(0.02), Adam(0.02)], ids=lambda r: type(r).__name__
)
def test_a_network_learns_alike(node: Ask, rule: Any, J: Any) -> None:
    start = J.start(np.random.default_rng(1))
    path = descend(rule, start, J, 100)
    assert path.loss[-1] < path.loss[0]
    same_path(run(node, J, rule, start, 100), path)


def test_a_network_learns_from_minibatches_alike(node: Ask) -> None:
    J = NETWORKS["softmax, tanh"]
    start, stream = J.start(np.random.default_rng(1)), minibatches(J, 5, np.random.default_rng(9))
    path = descend(Momentum(0.02), start, J, 100, objectives=stream)
    assert {len(rows) for rows in path.rows} == {5, 2}
    same_path(run(node, J, Momentum(0.02), start, 100, **batches_part(J, path.rows)), path)


@pytest.mark.parametrize("dim", [3, 40])
def test_rosenbrock_in_many_dimensions(node: Ask, dim: int) -> None:
    J, start = Rosenbrock(dim=dim), np.linspace(-1, 1, dim)
    for rule in (Adam(0.01), Backtracking()):
        path = descend(rule, start, J, 100)
        same_path(run(node, J, rule, start, 100), path)
