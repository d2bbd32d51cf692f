"""Rates, moments and vectors, held against the steps that the rules really took."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import OBJECTIVES, law, points, rules

from lecopt import (
    AdaDelta,
    AdaGrad,
    AdaGradNoRoot,
    Adam,
    AdaMax,
    AdamUncorrected,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    Nadam,
    Nesterov,
    NesterovShifted,
    Neuron,
    Quadratic,
    RMSProp,
    Rprop,
    constant,
    descend,
    effective_rates,
    exponential,
    moments,
    step_vectors,
    two_points,
)

J = Neuron(*two_points())
PAIRS = (Adam, AdamUncorrected, AdamW, AMSGrad, Nadam)
BY_GRADIENT = (GradientDescent, AdaGrad, AdaGradNoRoot, RMSProp, AdaDelta)
ADAPTIVE = (*BY_GRADIENT, Rprop, AdaMax, *PAIRS)
named = pytest.mark.parametrize("rule", ADAPTIVE, ids=lambda rule: rule.__name__)


def direction(rule, walk, J):
    """What the rate is multiplied by, from the gradient or the state."""
    g = np.stack([J.grad(theta) for theta in walk.theta[:-1]])
    t = np.arange(1.0, walk.steps + 1).reshape(-1, *[1] * (walk.theta.ndim - 1))
    match rule:
        case Rprop():
            return np.sign(walk.states.g[1:])
        case AdaMax():
            return walk.states.m[1:] / (1 - rule.beta1**t)
        case AdamUncorrected():
            return walk.states.m[1:]
        case Adam() | AdamW() | AMSGrad() | Nadam():
            return moments(rule, walk).m_hat
    return g


def steps_by_rate(rule, walk, J, **options):
    step = -effective_rates(rule, walk, **options) * direction(rule, walk, J)
    if isinstance(rule, AdamW):
        step = step - rule.eta * rule.weight_decay * walk.theta[:-1]
    return step


def agree(one, other, walk):
    """To the rounding of theta itself: the step is a difference of two of them."""
    scale = np.abs(walk.theta).max()
    assert one.shape == other.shape
    assert one == pytest.approx(other, rel=1e-9, abs=1e-14 * scale)


@named
@law
@given(data=st.data())
def test_every_step_is_the_rate_times_the_direction(rule, data):
    rule = data.draw(rules(rule))
    J = OBJECTIVES[data.draw(st.sampled_from(["Quadratic", "Ravine", "Neuron", "DoubleWell"]))]
    walk = descend(rule, data.draw(points(J)), J, 30)
    assume(walk.diverged_at < 0 and np.abs(walk.theta).max() < 1e6)
    with np.errstate(all="ignore"):
        step = steps_by_rate(rule, walk, J)
    moved = np.isfinite(step)  # a rate is infinite where v is still zero and eps is none
    agree(np.where(moved, step, 0), np.where(moved, np.diff(walk.theta, axis=0), 0), walk)


@named
def test_the_same_for_many_runs_at_once(rule):
    etas = np.array([0.01, 0.05, 0.1])
    many = descend(rule(eta=etas), (-2.0, -2.0), J, 20)
    rates = effective_rates(rule(eta=etas), many)
    assert rates.shape == (20, 2, 3)
    for k, eta in enumerate(etas):
        one = descend(rule(eta=eta), (-2.0, -2.0), J, 20)
        assert rates[..., k] == pytest.approx(effective_rates(rule(eta=eta), one), rel=1e-12)


@pytest.mark.parametrize("rule", [AdaGrad, RMSProp, Adam, AdaMax])
def test_a_scheduled_learning_rate(rule):
    falling = exponential(0.2, 0.05)
    walk = descend(rule(), (-2.0, -2.0), J, 20, schedules={"eta": falling})
    etas = [falling(t) for t in range(20)]
    agree(steps_by_rate(rule(), walk, J, eta=etas), np.diff(walk.theta, axis=0), walk)
    flat = descend(rule(), (-2.0, -2.0), J, 20, schedules={"eta": constant(0.3)})
    assert effective_rates(rule(), flat, eta=[0.3] * 20) == pytest.approx(
        effective_rates(rule(eta=0.3), flat)
    )
    with pytest.raises(ValueError, match=r"eta has shape \(19,\); expected \(20,\)"):
        effective_rates(rule(), walk, eta=etas[1:])


def test_adagrads_rate_only_falls_and_rmsprops_may_rise_again():
    paths = {rule: descend(rule(0.1), (-2.0, -4.0), J, 300) for rule in (AdaGrad, RMSProp)}
    fall, free = (np.diff(effective_rates(rule(0.1), walk), axis=0) for rule, walk in paths.items())
    assert (fall <= 0).all()
    assert (free > 0).any() and (free < 0).any()


@pytest.mark.parametrize("rule", PAIRS, ids=lambda rule: rule.__name__)
def test_moments_of_a_constant_gradient_are_right_from_the_first_step_on(rule):
    class Slope:
        def __call__(self, theta):
            return 3 * theta[0] - 2 * theta[1]

        def grad(self, theta):
            return np.array([3.0, -2.0])

    found = moments(rule(), descend(rule(), (0.0, 0.0), Slope(), 5))
    assert all(part.shape == (5, 2) for part in found)
    assert found.v_hat == pytest.approx(np.full((5, 2), [9.0, 4.0]))
    assert found.m[0] == pytest.approx([0.3, -0.2]) and found.v[0] == pytest.approx([9e-3, 4e-3])
    if rule is not Nadam:
        assert found.m_hat == pytest.approx(np.full((5, 2), [3.0, -2.0]))


def test_rates_end_where_a_run_diverges():
    walk = descend(AdaGradNoRoot(1e9, eps=0.0), (1.0, 1.0), OBJECTIVES["Rosenbrock"], 30)
    assert walk.diverged_at > 0
    rates = effective_rates(AdaGradNoRoot(1e9, eps=0.0), walk)
    assert np.isnan(rates[walk.diverged_at - 1 :]).all()


@pytest.mark.parametrize("rule", [Momentum(), Nesterov(), object()])
def test_rules_without_rates_or_moments_are_named(rule):
    walk = descend(Momentum(), (0.0, 0.0), J, 3)
    name = type(rule).__name__
    with pytest.raises(TypeError, match=f"effective_rates: {name} has no learning rate for each"):
        effective_rates(rule, walk)
    with pytest.raises(TypeError, match=f"moments: {name} has no pair of moments"):
        moments(rule, walk)


@law
@given(st.data(), st.sampled_from([Nesterov, Momentum]))
def test_jump_and_correction_lead_to_the_next_point(data, kind):
    J = OBJECTIVES[data.draw(st.sampled_from(sorted(OBJECTIVES)))]
    theta, u = data.draw(points(J)), data.draw(points(J))
    rule = data.draw(rules(kind))
    vectors = step_vectors(rule, theta, u, J)
    state = rule.init(theta)._replace(u=u)
    for other in (Nesterov, Momentum):
        end, _ = other(rule.eta, rule.gamma).step(theta, state, J)
        found = vectors.nesterov if other is Nesterov else vectors.momentum
        correction = vectors.correction if other is Nesterov else vectors.slope
        rounding = 4e-16 * (np.abs(theta) + np.abs(vectors.jump) + np.abs(correction))
        assert (np.abs(found - end) <= rounding).all()
    assert np.array_equal(vectors.look, theta - rule.gamma * u)


def test_a_real_run_is_made_of_its_vectors():
    rule, V = Nesterov(1.0, 0.9), OBJECTIVES["Narrow"]
    walk = descend(rule, (-2.5, -1.0), V, 60)
    for t in range(60):
        vectors = step_vectors(rule, walk.theta[t], walk.states.u[t], V)
        assert vectors.nesterov == pytest.approx(walk.theta[t + 1], rel=0, abs=1e-15)


def test_without_memory_the_two_are_gradient_descent():
    bowl = Quadratic()
    vectors = step_vectors(Nesterov(0.1, 0.9), (1.0, 2.0), (0.0, 0.0), bowl)
    end, _ = GradientDescent(0.1).step(np.array([1.0, 2.0]), (), bowl)
    assert np.array_equal(vectors.nesterov, end) and np.array_equal(vectors.momentum, end)
    assert not vectors.jump.any()


def test_vectors_that_do_not_fit():
    with pytest.raises(ValueError, match=r"theta has shape \(2,\) and u \(1,\)"):
        step_vectors(Nesterov(), (1.0, 2.0), (0.0,), J)
    with pytest.raises(TypeError, match="expected Nesterov or Momentum, not NesterovShifted"):
        step_vectors(NesterovShifted(), (1.0, 2.0), (0.0, 0.0), J)
