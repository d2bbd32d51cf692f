"""Schedules: their formulas, which hyper-parameters follow them, and what they may watch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import every_rule, law, rules, same_bits

from lecopt import (
    GradientDescent,
    HalveWhenWorse,
    Momentum,
    Neuron,
    Quadratic,
    constant,
    cosine,
    descend,
    exponential,
    inverse_time,
    iterates,
    minibatches,
    step_decay,
    sutskever,
    two_points,
)
from lecopt.tape import Tape

SCHEDULES = {
    "constant": constant(0.3),
    "step_decay": step_decay(0.3, every=4),
    "exponential": exponential(0.3, 0.1),
    "inverse_time": inverse_time(0.3, 0.1),
    "cosine": cosine(0.3, steps=10, warm_up=3, end=0.01),
    "sutskever": sutskever(0.9, every=3),
}
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES.keys())
ROWS = Neuron(np.linspace(-2, 2, 10), np.linspace(0.1, 0.9, 10))


# ---- formulas


def test_step_decay_halves_every_so_many_steps():
    value = step_decay(8.0, every=3)
    assert [value(t) for t in range(8)] == [8, 8, 8, 4, 4, 4, 2, 2]
    assert step_decay(8.0, every=3, factor=0.1)(4) == pytest.approx(0.8)


@law
@given(st.floats(0, 10), st.floats(0, 1), st.integers(0, 1000))
def test_exponential_and_inverse_time(start, k, t):
    assert exponential(start, k)(t) == pytest.approx(start * np.exp(-k) ** t, rel=1e-9)
    assert inverse_time(start, k)(t) * (1 + k * t) == pytest.approx(start)
    assert exponential(start, k)(0) == inverse_time(start, k)(0) == start


@law
@given(st.floats(0.1, 10), st.floats(0, 0.1), st.integers(1, 50), st.integers(0, 20))
def test_cosine_climbs_to_its_start_and_falls_to_its_end(start, end, length, warm_up):
    value = cosine(start, steps=length + warm_up, warm_up=warm_up, end=end)
    values = [float(value(t)) for t in range(length + warm_up + 5)]
    assert np.diff(values[: warm_up + 1]) == pytest.approx(start / (warm_up + 1))
    assert values[0] == pytest.approx(start / (warm_up + 1))
    assert values[warm_up] == pytest.approx(start)
    assert (np.diff(values[warm_up:]) <= 1e-12).all()
    assert value(warm_up + length / 2) == pytest.approx((start + end) / 2)
    assert values[length + warm_up :] == pytest.approx([end] * 5)


def test_sutskevers_momentum_rises_in_stairs():
    gamma = sutskever(at_most=0.9)
    found = [float(gamma(t)) for t in (0, 249, 250, 500, 750, 1000, 1250, 5000)]
    assert found == pytest.approx([1 / 2, 1 / 2, 3 / 4, 5 / 6, 7 / 8, 9 / 10, 9 / 10, 9 / 10])
    assert sutskever(0.0)(700) == 0


@every_schedule
def test_a_schedule_can_be_traced(schedule):
    """So that a page may run it: it holds no decision on t."""
    tape = Tape()
    for t in (0, 2, 3, 9, 30):
        value = tape.symbol(schedule(tape.input("t", t)))
        assert value.example == pytest.approx(float(schedule(t)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: step_decay(1.0, every=0), "step_decay: every is 0; expected a positive number"),
        (lambda: sutskever(every=-5), "sutskever: every is -5"),
        (lambda: cosine(1.0, steps=0), "cosine: steps is 0"),
        (lambda: cosine(1.0, steps=5, warm_up=5), "cosine: steps_after_warm_up is 0"),
        (lambda: HalveWhenWorse(start=-1.0), r"HalveWhenWorse\(start=-1\).*at least 0"),
        (lambda: HalveWhenWorse(factor=2.0), r"HalveWhenWorse\(factor=2\).*at most 1"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# ---- in a run


@every_rule
@law
@given(data=st.data())
def test_any_hyper_parameter_of_any_rule_can_be_scheduled(rule, data):
    """A run under schedules is, step by step, the rules that have those values."""
    r, J, theta = data.draw(rules(rule)), Quadratic(), np.array([1.0, -0.7])
    values = {f.name: data.draw(rules(rule)) for f in dataclasses.fields(rule)}
    at = {name: [getattr(r, name), getattr(other, name)] for name, other in values.items()}
    schedules = {name: (lambda t, two=two: two[t % 2]) for name, two in at.items()}
    path = descend(rule(), theta, J, 6, schedules=schedules)
    state = rule().init(theta)
    for t in range(path.steps):
        now = rule(**{name: two[t % 2] for name, two in at.items()})
        theta, state = now.step(theta, state, J)
        assert same_bits(path.theta[t + 1], theta)


@every_schedule
def test_a_schedule_of_numbers_keeps_single_precision(schedule):
    path = descend(
        Momentum(0.1), np.ones(2, np.float32), Quadratic(), 12, schedules={"gamma": schedule}
    )
    assert path.theta.dtype == np.float32


@pytest.mark.parametrize("bad", [0.1, "fast", None])
def test_a_schedule_that_is_no_function_is_refused(bad):
    with pytest.raises(TypeError, match=r"the schedule for 'eta' is .*constant\(0.1\)"):
        descend(GradientDescent(), [1.0, 1.0], Quadratic(), 3, schedules={"eta": bad})


# ---- watching the loss


def test_halved_whenever_the_loss_has_risen():
    rate = HalveWhenWorse(8.0)
    state, values = rate.init(), []
    for t, loss in enumerate([5.0, 4.0, 6.0, 5.9, 5.9, 7.0, np.nan, 1.0]):
        value, state = rate.step(state, t, np.array(loss))
        values.append(float(value))
    assert values == [8, 8, 4, 4, 4, 2, 2, 2]


def test_each_run_of_a_batch_has_a_value_of_its_own():
    starts = np.array([[1.0, -2.0, 0.5], [0.3, 0.0, -1.0]])
    rates = np.array([0.05, 0.3, 0.6])  # on a bowl of curvature 10 the last two overshoot
    path = descend(
        GradientDescent(), starts, Quadratic(), 30, schedules={"eta": HalveWhenWorse(rates)}
    )
    for k, eta in enumerate(rates):
        schedule = {"eta": HalveWhenWorse(eta)}
        alone = descend(GradientDescent(), starts[:, k], Quadratic(), 30, schedules=schedule)
        assert same_bits(path.theta[:, :, k], alone.theta)
    assert (path.loss[-1] < path.loss[0]).all(), "too large a rate is halved until it is not"


def test_too_large_a_rate_is_halved_until_the_run_converges():
    wild = descend(GradientDescent(2.0), [1.0, 1.0], Quadratic(), 1000)
    path = descend(
        GradientDescent(), [1.0, 1.0], Quadratic(), 1000, schedules={"eta": HalveWhenWorse(2.0)}
    )
    assert wild.diverged_at > 0 and path.loss[-1] < 1e-12


def test_it_watches_the_recorded_objective_or_another():
    seen = []

    class Spy(HalveWhenWorse):
        def step(self, state, t, loss):
            seen.append((t, float(loss)))
            return super().step(state, t, loss)

    def run(**options):
        seen.clear()
        stream = minibatches(ROWS, 1, np.random.default_rng(0))
        return descend(
            GradientDescent(),
            [2.0, 2.0],
            ROWS,
            6,
            objectives=stream,
            schedules={"eta": Spy(0.5)},
            **options,
        )

    path = run()
    assert seen == [(t, path.loss[t]) for t in range(6)]
    held_out = Neuron(*two_points())
    path = run(watch=held_out)
    assert seen == [(t, held_out(path.theta[t])) for t in range(6)]


def test_a_look_counts_as_an_evaluation_of_the_loss():
    schedules = {"eta": HalveWhenWorse(0.1), "gamma": HalveWhenWorse(0.9)}
    path = descend(Momentum(), [1.0, 1.0], Quadratic(), 4, schedules=schedules)
    assert path.loss_evals.tolist() == [0, 1, 2, 3, 4], "one look serves both"
    assert path.grad_evals.tolist() == [0, 1, 2, 3, 4]


def test_by_hand_the_objective_of_the_step_is_watched():
    stream = [ROWS.on([i]) for i in (0, 9, 4, 4)]
    path = descend(
        GradientDescent(), [2.0, 2.0], ROWS, 4, objectives=stream, schedules={"eta": constant(0.5)}
    )
    trail = [
        theta
        for theta, _ in iterates(
            GradientDescent(), np.array([2.0, 2.0]), stream, {"eta": HalveWhenWorse(0.5)}
        )
    ]
    losses = [J(theta) for J, theta in zip(stream, path.theta, strict=False)]
    first_rise = int(np.argmax(np.diff(losses) > 0)) + 1
    assert first_rise >= 1 and same_bits(
        np.array(trail[: first_rise + 1]), path.theta[: first_rise + 1]
    )
    half = path.theta[first_rise] - 0.25 * stream[first_rise].grad(path.theta[first_rise])
    assert np.abs(trail[first_rise + 1] - half).max() < 1e-15
