"""Compiled runs: the same numbers as the plain loop, to the last bit, for all that is compiled."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    OBJECTIVES,
    batches,
    each,
    every_objective,
    every_rule,
    hyper_values,
    law,
    law_of_pairs,
    points,
    rules,
    same_bits,
)

from lecopt import (
    AdaGrad,
    Adam,
    Backtracking,
    ExactLineSearch,
    GradientDescent,
    HalveWhenWorse,
    LineSearch,
    Momentum,
    Neuron,
    Quadratic,
    Rosenbrock,
    Slice,
    compiled,
    cosine,
    descend,
    exponential,
    minibatches,
    sparse_points,
    step_decay,
    sutskever,
    two_points,
)
from lecopt.compiled import found, scalars, walks
from lecopt.tape import OPERATIONS

SCHEDULES = {
    "exponential": exponential(0.3, 0.01),
    "step decay": step_decay(1.0, 7),
    "cosine": cosine(0.5, 60, 10),
    "one's own": lambda t: 0.2,
}
NEURON = Neuron(*two_points())
START = np.array([0.3, -0.4])


def both_ways(rule: Any, theta: Any, J: Any, steps: int, **options: Any) -> tuple[Any, Any]:
    """Return the path of the plain loop, and that of compiled code."""
    paths = []
    with pytest.MonkeyPatch.context() as patch:
        for worth in (math.inf, 0):
            patch.setattr(compiled, "WORTH", worth)
            paths.append(descend(rule, theta, J, steps, **options))
    return paths[0], paths[1]


def spread(theta: Any, shape: tuple[int, ...], most: float = 1.5) -> Any:
    """Return starts for a sweep of a shape: theta, times 1 to `most`."""
    factors = np.linspace(1, most, math.prod(shape)).reshape(shape)
    return theta[(...,) + (None,) * len(shape)] * factors if shape else theta


def assert_same(plain: Any, fast: Any) -> None:
    for name, column in vars(plain).items():
        assert same_bits(column, getattr(fast, name)) if column is not None else not fast.rows
    assert type(plain.states) is type(fast.states)


def count_walks(patch: pytest.MonkeyPatch) -> list[bool]:
    """Note for each call of `compiled.walk` whether it walked."""
    walked: list[bool] = []
    walk = compiled.walk

    def noted(*args: Any) -> Any:
        record = walk(*args)
        walked.append(record is not None)
        return record

    patch.setattr(compiled, "walk", noted)
    patch.setattr(compiled, "WORTH", 0)
    return walked


def was_compiled(rule: Any, theta: Any, J: Any, steps: int = 3, **options: Any) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        walked = count_walks(patch)
        descend(rule, theta, J, steps, **options)
    return any(walked)


# ---- the law: every rule on every objective, in every way to run it


@st.composite
def runs(draw: Any, rule: type, J: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Draw a rule, a start and schedules: one run, K, or K1 x K2; numbers, sweeps or functions."""
    one = draw(rules(rule))
    shape = draw(st.sampled_from([(), (3,), (2, 3), (19,)]))
    theta = draw(points(J))
    if shape and draw(st.booleans()):
        theta = spread(theta, shape, 1.1)
    swept, schedules = {}, {}
    for field in dataclasses.fields(rule):
        kind = draw(st.sampled_from(["number", "number", "sweep", "schedule"]))
        if kind == "sweep" and shape:
            at = draw(st.sampled_from([shape, shape[-1:]]))
            low, high = sorted((draw(hyper_values(field)), draw(hyper_values(field))))
            swept[field.name] = np.linspace(low, high, math.prod(at)).reshape(at)
        if kind == "schedule":
            schedules[field.name] = _fading(getattr(one, field.name), field.metadata)
    return dataclasses.replace(one, **swept), theta, schedules


def _fading(start: float, limits: Any) -> Any:
    """Return a schedule from a value towards the lowest one allowed."""
    low = limits["at_least"]
    return lambda t: low + (start - low) * 0.9**t


@every_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_compiled_code_walks_the_plain_path(rule, J, data):
    one, theta, schedules = data.draw(runs(rule, J))
    plain, fast = both_ways(one, theta, J, 25, schedules=schedules)
    assert_same(plain, fast)


@every_rule
@every_objective
def test_every_rule_on_every_objective_is_compiled(rule, J):
    assert was_compiled(rule(), START, J)
    assert was_compiled(rule(eta=np.array([0.01, 0.02, 0.03])), START, J)
    assert was_compiled(rule(), START, J, schedules={"eta": exponential(0.1, 0.1)})


@every_objective
@law
@given(data=st.data())
def test_a_line_search_is_compiled_with_its_candidates(J, data):
    theta = data.draw(st.one_of(points(J), batches(J)))
    candidates = data.draw(st.lists(st.floats(0, 30), min_size=1, max_size=4))
    plain, fast = both_ways(LineSearch(candidates=tuple(candidates)), theta, J, 12)
    assert_same(plain, fast)
    assert theta.shape[1:] == (1,) or was_compiled(LineSearch(), theta, J)


@law
@given(
    st.integers(1, 40), st.integers(1, 3), st.integers(0, 2**32 - 1),
    st.sampled_from([(), (2,), (60,), (3, 20)]), st.sampled_from([Adam(), Momentum(0.3)]),
)  # fmt: skip
def test_data_of_any_shape_are_compiled(rows, features, seed, shape, rule):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features) if rng.random() < 0.7 else rows)
    J = Neuron(X, rng.random(rows))
    theta = rng.normal(size=(len(J.labels), *shape))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(found, "MANY", 2)
        assert_same(*both_ways(rule, theta, J, 20))
        assert was_compiled(rule, theta, J)


@pytest.mark.parametrize("shape", [(), (5,)])
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES.keys())
def test_schedules_are_asked_at_each_step(schedule, shape):
    theta = spread(START, shape)
    options = {"schedules": {"eta": schedule, "gamma": sutskever(0.9, 20)}}
    assert_same(*both_ways(Momentum(), theta, NEURON, 80, **options))
    assert was_compiled(Momentum(), theta, NEURON, 80, **options)


def test_a_schedule_is_asked_once_for_a_step_and_for_no_step_too_many():
    for rule, J, most in ((Adam(), NEURON, 40), (GradientDescent(), Rosenbrock(), 40)):
        asked = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "WORTH", 0)
            schedule = {"eta": lambda t: asked.append(t) or 0.5}  # noqa: B023
            path = descend(rule, START, J, most, schedules=schedule)
        assert asked == list(range(path.steps))
    assert path.steps < 40


def test_a_path_goes_on_compiled():
    fading = {"schedules": {"eta": exponential(0.3, 0.02)}}
    for theta in (START, np.stack([START, 2 * START], axis=1)):
        whole, _ = both_ways(Adam(), theta, NEURON, 60, **fading)
        for part in both_ways(Adam(), theta, NEURON, 25, **fading):
            for on in both_ways(
                Adam(), part, NEURON, 35, schedules={"eta": exponential(0.3, 0.02)}
            ):
                assert_same(whole, on)


# ---- what is hard for floats: division by zero, overflow, not a number, runs that are lost


@pytest.mark.parametrize("shape", [(), (2,), (20,)])
@pytest.mark.parametrize("rule", [
    AdaGrad(eps=0.0), Adam(eps=0.0), GradientDescent(30.0), Momentum(30.0, 1.0), LineSearch((9.0,)),
])  # fmt: skip
@each(OBJECTIVES)
def test_nothing_is_raised_where_floats_end(J, rule, shape):
    for start in (np.zeros(2), np.ones(2), np.array([1e154, -1e154]), np.array([1e-200, 1e200])):
        assert_same(*both_ways(rule, spread(start, shape), J, 30))


ENDS = [0.0, -0.0, 1.0, -1.5, 3.0, 1e308, -1e308, 1e-320, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("operation", sorted(scalars.NUMBER.keys() - {"where", "array_pow 2.0"}))
def test_operations_on_floats_are_those_of_numpy(operation):
    line = eval(f"lambda a, b: {scalars.NUMBER[operation].format('a', 'b')}", dict(scalars.KNOWN))
    function = OPERATIONS[operation.removeprefix("array_")]
    for a, b in itertools.product(ENDS, ENDS):
        numbers = [np.float64(a), np.float64(b)][: function.nin]
        with np.errstate(all="ignore"):
            expected = np.float64(a) ** b if operation == "pow" else function(*numbers)
            found = line(a, b)
        if operation in ("and", "or", "not"):
            expected, found = bool(expected), bool(found)
        assert found == expected or (np.isnan(found) and np.isnan(expected)), (a, b)


def test_a_sweep_of_lost_and_found_runs_goes_on_until_the_last_is_lost(monkeypatch):
    monkeypatch.setattr(walks, "BLOCK", 4)
    monkeypatch.setattr(walks, "PIECE", 7)
    for etas in (np.geomspace(1e-3, 30, 23), np.linspace(5, 30, 23), np.linspace(30, 0.01, 23)):
        plain, fast = both_ways(Momentum(etas), START, Rosenbrock(), 40)
        assert_same(plain, fast)
        assert_same(*both_ways(Momentum(etas), START, Quadratic(), 400))
    everyone, _ = both_ways(Momentum(np.linspace(5, 30, 23)), START, Quadratic(), 400)
    assert everyone.steps < 400 and (everyone.diverged_at > 0).all()


@pytest.mark.parametrize("piece", [1, 2, 10, 11, 1000])
def test_pieces_and_blocks_leave_no_seam(piece, monkeypatch):
    monkeypatch.setattr(walks, "PIECE", piece)
    monkeypatch.setattr(walks, "BLOCK", 5)
    assert_same(*both_ways(Adam(), START, NEURON, 10))
    assert_same(*both_ways(Adam(np.linspace(0.01, 1, 12)), START, NEURON, 10))
    assert_same(*both_ways(Adam(np.linspace(0.01, 1, 12)), START, NEURON, 0))


def test_a_run_that_found_no_room_walks_plainly():
    plain, _ = both_ways(GradientDescent(np.full(50, 30.0)), START, Rosenbrock(), 9)
    lost = descend(GradientDescent(np.full(50, 30.0)), START, Rosenbrock(), 10**13)
    assert_same(plain, lost)


# ---- what only the plain loop runs


class Printing(GradientDescent):
    """A rule of one's own that says how long its steps are."""

    def step(self, theta, state, J):
        print(float(self.eta))
        return super().step(theta, state, J)


class Tilted(Quadratic):
    """A surface of one's own."""

    def grad(self, theta):
        print("asked")
        return super().grad(theta)


def test_a_rule_or_a_surface_of_ones_own_is_called_at_every_step(capsys):
    descend(Printing(0.1), START, Quadratic(), 500)
    assert capsys.readouterr().out == "0.1\n" * 500
    descend(GradientDescent(0.01), START, Tilted(), 500)
    assert capsys.readouterr().out == "asked\n" * 500


def test_a_step_that_a_reader_has_replaced_is_called(monkeypatch):
    steps = []

    def step(self, theta, state, J):
        steps.append(theta)
        return theta / 2, state

    assert descend(GradientDescent(), START, Quadratic(), 200).steps == 200
    monkeypatch.setattr(GradientDescent, "step", step)
    assert descend(GradientDescent(), START, Quadratic(), 200).theta[-1, 0] == 0.3 / 2**200
    assert len(steps) == 200


def test_what_cannot_be_compiled_walks_plainly():
    assert was_compiled(Adam(), START, NEURON)
    assert not was_compiled(Adam(), START.astype(np.float32), NEURON)
    assert not was_compiled(Adam(), START[:, None], NEURON)
    assert not was_compiled(Adam(), np.zeros((2, 30)), Neuron(*sparse_points()))
    assert was_compiled(Adam(), np.zeros((2, 1000)), Neuron(*sparse_points()))
    assert not was_compiled(Adam(), np.zeros(9), Neuron(np.zeros((3, 8)), np.zeros(3)))
    assert not was_compiled(Adam(), np.zeros((2, 1000)), Neuron(np.zeros(600), np.zeros(600)))
    assert not was_compiled(Backtracking(), START, NEURON)
    assert not was_compiled(Adam(), START, Slice(NEURON, START))
    with pytest.raises(ValueError, match="not linear"):
        was_compiled(ExactLineSearch(), START, NEURON)
    assert not was_compiled(Adam(), START, NEURON, schedules={"eta": HalveWhenWorse()})
    assert not was_compiled(LineSearch(), START, NEURON, schedules={"candidates": lambda t: (1.0,)})
    rng = np.random.default_rng(0)
    assert not was_compiled(Adam(), START, NEURON, objectives=minibatches(NEURON, 1, rng))
    two = np.stack([START, START], axis=1)
    per_run = {"eta": lambda t: np.array([0.1, 0.2]) / (t + 1)}
    assert not was_compiled(Adam(), two, NEURON, schedules=per_run)
    assert_same(*both_ways(Adam(), two, NEURON, 9, schedules=per_run))


def test_a_scheduled_value_out_of_range_is_refused_by_the_plain_loop():
    asked = []
    falling = {"eta": lambda t: asked.append(t) or 0.1 - 0.01 * t}
    with pytest.raises(ValueError, match="eta must be at least 0"):
        both_ways(GradientDescent(), START, Quadratic(), 200, schedules=falling)
    with pytest.MonkeyPatch.context() as patch:
        walked = count_walks(patch)
        asked.clear()
        with pytest.raises(ValueError, match="eta must be at least 0"):
            descend(GradientDescent(), START, Quadratic(), 200, schedules=falling)
    assert walked == [False] and len(asked) == len(set(asked))


def test_data_and_hyper_parameters_are_looked_up_at_every_run():
    J = Neuron(*two_points())
    first = descend(Adam(), START, J, 200)
    J.X[0] = 1.5
    assert_same(*both_ways(Adam(), START, J, 200))
    assert not same_bits(first.theta, descend(Adam(), START, J, 200).theta)
    for J in (Quadratic(1.0), Quadratic(2.0), Quadratic(2.0, angle=0.5)):
        assert_same(*both_ways(GradientDescent(0.05), START, J, 50))
    assert_same(*both_ways(LineSearch((0.1,)), START, J, 50))
    assert_same(*both_ways(LineSearch((0.2, 0.1)), START, J, 50))


def test_programs_are_compiled_once_and_not_kept_without_end(monkeypatch):
    monkeypatch.setattr(found, "REMEMBERED", {})
    monkeypatch.setattr(found, "AT_MOST", 3)
    compile_once = found._compiled
    compiled_for = []
    monkeypatch.setattr(found, "_compiled", lambda *a: compiled_for.append(a) or compile_once(*a))
    for _ in range(3):
        both_ways(Adam(0.2), START, NEURON, 3)
        both_ways(Adam(0.3, beta1=0.5), 2 * START, NEURON, 3)
    assert len(compiled_for) == 1
    for curvature in range(1, 6):
        both_ways(Adam(), START, Quadratic(curvature), 3)
    assert len(found.REMEMBERED) <= 3


def test_short_runs_are_not_worth_compiling():
    with pytest.MonkeyPatch.context() as patch:
        worth = compiled.WORTH
        walked = count_walks(patch)
        patch.setattr(compiled, "WORTH", worth)
        descend(Adam(), START, NEURON, 10)
        assert not walked
        descend(Adam(), START, NEURON, 1000)
        assert walked == [True]


def test_the_code_of_a_run_can_be_read():
    text = compiled.code(Adam(), NEURON, START)
    assert text.startswith("def walk(") and text.count("np.exp") == 2  # loss and gradient share it
    many = compiled.code(Adam(np.full(5, 0.1)), NEURON, np.zeros((2, 5)))
    assert "np.exp" in many and "out=" in many
    whole = compiled.code(Adam(), Neuron(*sparse_points()), START)
    assert whole.count("np.exp") == 1
    assert compiled.code(Printing(), NEURON, START) == ""
