"""What the page computes is what Python computes: paths, local values, expressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsnode import Ask, numbers, same_path
from strategies import RULES, each, every_objective, every_rule

from lecopt import (
    Adam,
    Backtracking,
    ExactLineSearch,
    LineSearch,
    Momentum,
    Network,
    Neuron,
    Rastrigin,
    RMSProp,
    Rosenbrock,
    Rprop,
    Sigmoid,
    Slice,
    Softmax,
    Tanh,
    descend,
    four_features,
    ravine,
    two_points,
)
from lecopt.explorer.averages import MovingAverage
from lecopt.explorer.parts import program_part, rule_part
from lecopt.tape import Tape
from lecopt.trace import trace_objective

ETAS = {"Beale": 1e-3, "Rosenbrock": 1e-4, "Himmelblau": 1e-3, "Rastrigin": 1e-3}


def test_there_are_rules_to_compare() -> None:
    assert len(RULES) >= 5


@every_rule
@every_objective
def test_paths_agree(node: Ask, rule: type, J: Any) -> None:
    # RMSProp soon circles in the narrow valley, where round-off grows, unless its steps are small.
    made = rule(eta=ETAS.get(type(J).__name__, 0.01 if rule is RMSProp else 0.05))
    start = [0.7 * high + 0.3 * low for low, high in J.window]
    path = descend(made, np.array(start), J, steps=100)
    part = rule_part("it", made)
    values = {h["name"]: h["value"] for h in part["hyper"]}
    objective = trace_objective(J)
    answer = node("run", objective=objective, rule=part, start=start, settings=values, budget=100)
    same_path(answer, path)


@every_rule
def test_states_and_locals_agree(node: Ask, rule: type) -> None:
    J, start = Neuron(*two_points()), [-2.0, -2.0]
    made = rule(eta=0.3)
    path = descend(made, np.array(start), J, steps=8)
    part = rule_part("it", made)
    answer = node(
        "moment", objective=trace_objective(J), rule=part, start=start, settings={}, step=7
    )
    np.testing.assert_allclose(numbers(answer["theta"]), path.theta[8], rtol=1e-12)
    for field in path.states._fields:
        if field in answer:
            expected = getattr(path.states, field)[8]
            np.testing.assert_allclose(
                numbers(answer[field]), np.ravel(expected), rtol=1e-12, err_msg=field
            )


SEARCHES = {
    "fixed": LineSearch((1e-4, 1e-3, 0.02, 0.3)),
    "armijo": Backtracking(),
    "strict": Backtracking(eta=1.0, down=0.3, c=0.2),
    "bounded": Backtracking(tries=2),
    "none": Backtracking(1e-3, tries=0),
}


@every_objective
@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_a_line_search_runs_on_the_page(node: Ask, J: Any, search: Any) -> None:
    """Its losses are counted as they are asked, so its loop ends where Python's does."""
    start = [0.7 * high + 0.3 * low for low, high in J.window]
    # On the floor of the valley the last bits of the losses decide which is lower.
    floor = descend(search, np.array(start), J, steps=100).first_below(1e-14)
    steps = floor if floor > 0 else 100
    path = descend(search, np.array(start), J, steps)
    answer = node(
        "run",
        objective=trace_objective(J),
        rule=rule_part("it", search),
        start=start,
        settings={},
        budget=steps,
    )
    same_path(answer, path)


def test_an_exact_line_search_runs_on_the_page(node: Ask) -> None:
    J, start = ravine(20.0, angle=0.4), [2.0, -1.0]
    path = descend(ExactLineSearch(), np.array(start), J, steps=20)
    rule = rule_part("it", ExactLineSearch())
    answer = node(
        "run", objective=trace_objective(J), rule=rule, start=start, settings={}, budget=60
    )
    same_path(answer, path)
    assert path.grad_evals[-1] == 60, "three gradients a step"


SIX = np.random.default_rng(0).normal(size=(6, 2))
NETWORKS = {
    f"{type(hidden).__name__}, {type(output).__name__}": Network(SIX, y, 3, hidden, output)
    for hidden in (Tanh(), Sigmoid())
    for output, y in ((Softmax(), [0, 1, 2, 0, 1, 2]), (Sigmoid(), np.linspace(0.1, 0.9, 6)))
}
WHOLES = NETWORKS | {"Rosenbrock": Rosenbrock(dim=5), "Rastrigin": Rastrigin(dim=3)}


@each(WHOLES)
@pytest.mark.parametrize("rule", [Momentum(1e-3), Adam(0.05)], ids=["momentum", "adam"])
def test_objectives_of_many_parameters_agree(node: Ask, rule: Any, J: Any) -> None:
    start = np.random.default_rng(1).uniform(-1, 1, len(J.labels))
    path = descend(rule, start, J, steps=100)
    answer = node(
        "run",
        objective=trace_objective(J),
        rule=rule_part("it", rule, dim=len(start)),
        start=start.tolist(),
        settings={},
        budget=100,
    )
    loss, theta = numbers(answer["loss"]), numbers(answer["history"]).reshape(101, -1)
    np.testing.assert_allclose(loss, path.loss, rtol=1e-9)
    np.testing.assert_allclose(theta[:, : len(start)], path.theta, rtol=1e-9, atol=1e-12)


CUTS = {
    name: Slice(J, J.start(np.random.default_rng(2)), (1, J.D - 1)) for name, J in NETWORKS.items()
} | {
    "Neuron": Slice(Neuron(*four_features()), np.array([1.0, -1.0, 1.0, 3.0, -1.0]), (0, 3)),
    "Rosenbrock": Slice(Rosenbrock(dim=4), np.linspace(-0.5, 0.5, 4), (1, 2)),
    "Rastrigin": Slice(Rastrigin(dim=3), np.linspace(-0.5, 0.5, 3), (2, 0)),
}


@each(CUTS)
def test_a_slice_runs_on_the_page(node: Ask, J: Any) -> None:
    start = [0.3, -0.4]
    path = descend(Adam(0.05), np.array(start), J, steps=100)
    answer = node(
        "run",
        objective=trace_objective(J),
        rule=rule_part("it", Adam(0.05)),
        start=start,
        settings={},
        budget=100,
    )
    same_path(answer, path)


@pytest.mark.parametrize(
    ("rule", "chosen"),
    [
        (Adam, {"eta": 0.37, "beta1": 0.8, "beta2": 0.95, "eps": 1e-4, "eps_root": 1e-3}),
        (Rprop, {"eta": 0.37, "up": 1.3, "down": 0.4, "delta_min": 1e-5, "delta_max": 0.9}),
    ],
)
def test_sliders_change_the_hyper_parameters(
    node: Ask, rule: type, chosen: dict[str, float]
) -> None:
    J, start = Neuron(*two_points()), [-2.0, -2.0]
    path = descend(rule(**chosen), np.array(start), J, steps=50)
    answer = node(
        "run",
        objective=trace_objective(J),
        rule=rule_part("it", rule()),
        start=start,
        settings=chosen,
        budget=50,
    )
    np.testing.assert_allclose(numbers(answer["loss"]), path.loss, rtol=1e-9)


def test_the_moving_average_is_the_average(node: Ask) -> None:
    values = np.random.default_rng(3).normal(2.0, 1.0, 60)
    beta = 0.8
    answer = node(
        "series",
        rule=rule_part("it", MovingAverage(), dim=1),
        settings={"beta": beta},
        gradients=values.tolist(),
        wanted=["m", "theta"],
    )
    m = [(1 - beta) * np.sum(beta ** np.arange(t, -1, -1) * values[: t + 1]) for t in range(60)]
    np.testing.assert_allclose(numbers(answer["m"]), m, rtol=1e-12)
    corrected = np.array(m) / (1 - beta ** np.arange(1, 61))
    np.testing.assert_allclose(numbers(answer["theta"]), corrected, rtol=1e-12)


UNARY = (
    np.negative, np.exp, np.log, np.log2, np.log1p, np.expm1, np.sqrt, np.abs, np.sign,
    np.floor, np.ceil, np.cos, np.sin, np.tanh, np.logical_not,
)  # fmt: skip
BINARY = (
    np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.less,
    np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.logical_and,
    np.logical_or,
)  # fmt: skip
REDUCE = (np.sum, np.mean, np.max, np.min)
Expression = Callable[[Any, Any], Any]


@dataclasses.dataclass
class Named:
    """An expression of theta (2,) and data (N,), with its text for reports."""

    text: str
    shape: tuple[int, ...]
    of: Expression

    def __repr__(self) -> str:
        return self.text


def constant(value: Any) -> Named:
    return Named(f"{np.asarray(value).tolist()}", np.shape(value), lambda *_: value)


def of_theta(text: str, shape: tuple[int, ...], read: Callable[[Any], Any]) -> Any:
    return st.just(Named(text, shape, lambda *inputs: read(inputs[0])))


def of_data(text: str, shape: tuple[int, ...], read: Callable[[Any], Any]) -> Any:
    return st.just(Named(text, shape, lambda *inputs: read(inputs[1])))


def expressions(n: int, depth: int) -> st.SearchStrategy[Named]:
    """Draw an expression; a data axis of n > 32 makes the page use loops instead of locals.

    Parts that do not fit together give the first of them.
    """
    few = st.integers(-40, 40).map(lambda k: k / 8 + 0.01)
    leaves = st.one_of(
        of_theta("theta", (2,), lambda theta: theta),
        of_theta("theta[0]", (), lambda theta: theta[0]),
        of_theta("theta[::-1]", (2,), lambda theta: theta[::-1]),
        of_data("X", (n,), lambda X: X),
        of_data("X[1::2]", (n // 2,), lambda X: X[1::2]),
        of_data("X[:, None]", (n, 1), lambda X: X[:, None]),
        few.map(constant),
        st.lists(few, min_size=2, max_size=2).map(lambda v: constant(np.array(v))),
    )
    if depth == 0:
        return leaves
    smaller = expressions(n, depth - 1)
    return st.one_of(
        leaves,
        st.builds(unary, st.sampled_from(UNARY), smaller),
        st.builds(binary, st.sampled_from(BINARY), smaller, smaller),
        st.builds(choice, smaller, smaller, smaller),
        st.builds(reduced, st.sampled_from(REDUCE), smaller, st.integers(0, 2)),
        st.builds(stacked, smaller, smaller, st.integers(0, 1)),
        st.builds(product, smaller, smaller),
        st.builds(
            sliced, smaller, st.sampled_from([-1, 0, slice(None, None, -1), slice(-2, None)])
        ),
        smaller.map(transposed),
    )


def as_number(f: Any) -> Any:
    """Return f, its booleans made numbers: NumPy does not do arithmetic with the former."""
    return (lambda *args: 1.0 * f(*args)) if "->?" in "".join(f.types[-3:]) else f


def unary(f: Any, a: Named) -> Named:
    return Named(f"{f.__name__}({a})", a.shape, lambda t, X: as_number(f)(a.of(t, X)))


def common(*parts: Named) -> tuple[int, ...] | None:
    """Return the shape that parts broadcast to, None if to none, or to too large a one."""
    try:
        shape = np.broadcast_shapes(*(p.shape for p in parts))
    except ValueError:
        return None
    return shape if np.prod(shape) <= 20_000 and len(shape) <= 3 else None


def binary(f: Any, a: Named, b: Named) -> Named:
    shape = common(a, b)
    if shape is None:
        return a
    return Named(
        f"{f.__name__}({a}, {b})", shape, lambda t, X: as_number(f)(a.of(t, X), b.of(t, X))
    )


def choice(c: Named, a: Named, b: Named) -> Named:
    shape = common(c, a, b)
    if shape is None:
        return a
    return Named(
        f"where({c} > 0, {a}, {b})",
        shape,
        lambda t, X: np.where(c.of(t, X) > 0, a.of(t, X), b.of(t, X)),
    )


def reduced(f: Any, a: Named, axis: int) -> Named:
    if axis == 2:
        return Named(f"{f.__name__}({a})", (), lambda t, X: f(a.of(t, X)))
    if axis >= len(a.shape):
        return a
    shape = a.shape[:axis] + a.shape[axis + 1 :]
    return Named(f"{f.__name__}({a}, {axis})", shape, lambda t, X: f(a.of(t, X), axis=axis))


def stacked(a: Named, b: Named, axis: int) -> Named:
    if a.shape != b.shape or axis > len(a.shape) or len(a.shape) > 2:
        return a
    shape = (*a.shape[:axis], 2, *a.shape[axis:])
    return Named(
        f"stack([{a}, {b}], {axis})",
        shape,
        lambda t, X: np.stack([a.of(t, X), b.of(t, X)], axis=axis),
    )


def product(a: Named, b: Named) -> Named:
    if not a.shape or not b.shape or len(a.shape) > 2 or len(b.shape) > 2:
        return a
    if a.shape[-1] != b.shape[0]:
        return a
    return Named(f"({a} @ {b})", a.shape[:-1] + b.shape[1:], lambda t, X: a.of(t, X) @ b.of(t, X))


def transposed(a: Named) -> Named:
    if len(a.shape) < 2:
        return a
    return Named(f"{a}.T", a.shape[::-1], lambda t, X: a.of(t, X).T)


def sliced(a: Named, key: Any) -> Named:
    if not a.shape:
        return a
    shape = np.empty(a.shape)[key].shape
    return Named(f"{a}[{key}]", shape, lambda t, X: a.of(t, X)[key])


def traced(expression: Named, theta: np.ndarray, X: np.ndarray) -> dict[str, Any]:
    tape = Tape()
    symbols = tape.input("theta", theta), tape.input("X", X)
    with np.errstate(all="ignore"):
        value = tape.symbol(expression.of(*symbols))
    return program_part({"nodes": tape.nodes, "out": {"value": value.index}})


def compare(node: Ask, expression: Named, theta: np.ndarray, X: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        expected = np.asarray(expression.of(theta, X), dtype=float)
        # Where a change in the last bits of the input changes much, round-off decides.
        nearby = [
            expression.of(theta * (1 + e), X * (1 + d))
            for e, d in ((3e-15, -2e-15), (-1e-15, 4e-15))
        ]
    steady = [
        np.allclose(expected, np.asarray(n, dtype=float), rtol=1e-11, atol=1e-13, equal_nan=True)
        for n in nearby
    ]
    assume(all(steady))
    answer = node(
        "value",
        program=traced(expression, theta, X),
        inputs={"theta": theta.tolist(), "X": X.tolist()},
    )
    got = numbers(answer["value"]).reshape(answer["shape"])
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


coordinates = st.integers(-30, 30).map(lambda k: k / 10 + 0.003)
some = settings(deadline=None, max_examples=150)


@some
@given(expressions(5, 3), coordinates, coordinates)
def test_random_expressions_agree(node: Ask, expression: Named, a: float, b: float) -> None:
    compare(node, expression, np.array([a, b]), np.linspace(-1.13, 2.07, 5))


@some
@given(expressions(47, 3), coordinates, coordinates)
def test_random_expressions_on_many_data_agree(
    node: Ask, expression: Named, a: float, b: float
) -> None:
    compare(node, expression, np.array([a, b]), np.linspace(-1.13, 2.07, 47))
