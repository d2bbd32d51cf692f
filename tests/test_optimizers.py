"""Laws that every rule obeys, whatever its formula; then those of some rules."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import (
    EXACT,
    OBJECTIVES,
    Slope,
    batches,
    each,
    every_objective,
    every_rule,
    hyper_values,
    law,
    law_of_pairs,
    mid_run,
    points,
    rules,
    rules_without_decay,
    same_bits,
    same_walk,
    steps_and_seeds,
    walk,
)

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
    MomentumEMA,
    Nadam,
    Nesterov,
    NesterovShifted,
    Neuron,
    Quadratic,
    RMSProp,
    Rprop,
    descend,
    iterates,
    two_points,
)
from lecopt.rule import Rule

NO_SQUARES = [GradientDescent, Momentum, MomentumEMA, Nesterov, NesterovShifted]
NO_POWERS = [*NO_SQUARES, AdaGrad, AdaGradNoRoot, RMSProp, AdamUncorrected, Rprop, AdaDelta]
# Without their eps, these see the gradient's sign and how it changes, not its unit.
NO_UNIT = [AdaGrad, RMSProp, Adam, AdamUncorrected, Rprop, AdaMax, Nadam, AMSGrad, AdamW]


def each_of(rules):
    """Run a test for each of some rules, as its argument rule."""
    return pytest.mark.parametrize("rule", rules, ids=lambda rule: rule.__name__)


every_linear_rule = each_of(NO_SQUARES)
small = st.floats(-3, 3)
pairs = st.tuples(small, small).map(np.array)


class Seen:
    """An objective through other glasses: J becomes size * J(sign * theta[order] - shift)."""

    def __init__(self, J, size=1.0, sign=1.0, shift=0.0, order=(0, 1)):
        self.J, self.size, self.sign, self.shift = J, size, np.asarray(sign), shift
        self.order = list(order)

    def inner(self, theta):
        return (self.sign * theta[self.order].T).T - self.shift

    def __call__(self, theta):
        return self.size * self.J(self.inner(theta))

    def grad(self, theta):
        g = self.sign * (self.size * self.J.grad(self.inner(theta)))
        return g[np.argsort(self.order)]


# ---- many runs at once


@every_rule
@each(EXACT)
@law_of_pairs
@given(data=st.data())
def test_a_batch_is_its_single_runs_bit_for_bit(rule, J, data):
    r, theta = data.draw(rules(rule)), data.draw(batches(J))
    together = walk(r, theta, J, 12)
    for k in range(theta.shape[1]):
        alone = walk(r, theta[:, k], J, 12)
        for (point, state), (point_k, state_k) in zip(together, alone, strict=True):
            assert same_bits(point[:, k], point_k)
            for name, value in state_k._asdict().items():
                part = getattr(state, name)
                assert same_bits(part[:, k] if np.ndim(part) else part, value), name


@every_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_one_step_of_a_batch_is_the_steps_of_its_runs(rule, J, data):
    r, theta = data.draw(rules(rule)), data.draw(batches(J))
    steps, seed = data.draw(steps_and_seeds)
    state = mid_run(r, theta, steps + 1, seed)
    new, _ = r.step(theta, state, J)
    for k in range(theta.shape[1]):
        own = type(state)(*(a[:, k] if np.ndim(a) else a for a in state))
        alone, _ = r.step(theta[:, k], own, J)
        moved = np.abs(theta[:, k]).max() + np.abs(alone - theta[:, k]).max()
        assert np.abs(new[:, k] - alone).max() <= 1e-12 * (1 + moved)


@every_rule
@pytest.mark.parametrize("K", [(3,), (2, 3)])
@law
@given(data=st.data())
def test_arrays_of_hyper_parameters_are_a_run_each(rule, K, data):
    J = Quadratic(0.5, 4.0, angle=0.6)
    theta = data.draw(pairs)
    values = {
        f.name: [data.draw(hyper_values(f)) for _ in range(math.prod(K))]
        for f in dataclasses.fields(rule)
    }
    sweep = rule(**{name: np.reshape(v, K) for name, v in values.items()})
    path = descend(sweep, theta, J, 8)
    assert path.theta.shape == (9, 2, *K) and path.loss.shape == (9, *K)
    for i, k in enumerate(np.ndindex(K)):
        alone = descend(rule(**{name: v[i] for name, v in values.items()}), theta, J, 8)
        # NumPy's power of an array may differ in the last bit from that of a number.
        assert np.allclose(path.theta[(..., *k)], alone.theta, rtol=1e-9, atol=1e-12)


@each_of(NO_POWERS)
@law
@given(data=st.data())
def test_arrays_of_hyper_parameters_are_a_run_each_bit_for_bit(rule, data):
    J, theta = Quadratic(0.5, 4.0, angle=0.6), data.draw(pairs)
    values = [data.draw(rules(rule)) for _ in range(3)]
    names = [f.name for f in dataclasses.fields(rule)]
    sweep = rule(**{n: np.array([getattr(r, n) for r in values]) for n in names})
    path = descend(sweep, theta, J, 20)
    for k, alone in enumerate(values):
        assert same_bits(path.theta[:, :, k], descend(alone, theta, J, 20).theta)


# ---- purity


@every_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_nothing_that_is_given_is_changed(rule, J, data):
    theta = data.draw(batches(J))
    r = data.draw(rules(rule))
    r = dataclasses.replace(
        r, **{f.name: np.full(theta.shape[1], getattr(r, f.name)) for f in dataclasses.fields(r)}
    )
    steps, seed = data.draw(steps_and_seeds)
    state = mid_run(r, theta, steps, seed)
    given_arrays = [theta, *vars(r).values(), *(a for a in state if isinstance(a, np.ndarray))]
    before = [a.copy() for a in given_arrays]
    for a in given_arrays:
        a.flags.writeable = False
    new, new_state = r.step(theta, state, J)
    assert not np.shares_memory(new, theta)
    assert isinstance(r, Rule) and type(new_state) is type(state)
    fresh = r.init(theta)
    assert not any(np.shares_memory(theta, a) for a in fresh)
    assert all(same_bits(a, b) for a, b in zip(given_arrays, before, strict=True))


@every_rule
@law
@given(data=st.data())
def test_the_same_call_gives_the_same_answer(rule, data):
    J, r, theta = OBJECTIVES["Narrow"], data.draw(rules(rule)), data.draw(pairs)
    state = mid_run(r, theta, *data.draw(steps_and_seeds))
    assert same_bits(r.step(theta, state, J), r.step(theta, state, J))


@every_rule
@law
@given(data=st.data())
def test_a_continued_run_is_an_unbroken_one(rule, data):
    J, r = Neuron(*two_points()), data.draw(rules(rule))
    theta, cut = data.draw(points(J)), data.draw(st.integers(0, 30))
    whole = list(iterates(r, theta, [J] * 40))
    resumed = walk(r, *whole[cut][:1], J, 40 - cut, state=whole[cut][1])
    assert same_bits(tuple(resumed), tuple(whole[cut + 1 :]))
    path = descend(r, theta, J, 40)
    state = type(path.states)(*(a[cut] for a in path.states))
    again = walk(r, path.theta[cut], J, 40 - cut, state=state)
    # The step counter is now NumPy's integer, whose power may differ in the last bit.
    ends = [path.theta[t] for t in range(cut + 1, 41)]
    assert all(np.allclose(a, b, 1e-9, 1e-12) for (a, _), b in zip(again, ends, strict=True))


# ---- precision


@every_rule
@every_objective
@pytest.mark.parametrize("K", [(), (3,)])
def test_single_precision_stays_single(rule, J, K):
    theta = np.full((2, *K), 0.5, np.float32)
    r = rule(**{f.name: np.float64(f.default) for f in dataclasses.fields(rule)})
    sweep = rule(eta=np.array([0.1, 0.01, 0.001]))
    for path in (
        descend(rule(), theta, J, 5),
        descend(r, theta, J, 5),
        descend(sweep, theta, J, 5),
        descend(rule(), theta, J, 5, schedules={"eta": lambda t: np.float64(0.1) / (1 + t)}),
    ):
        assert path.theta.dtype == path.loss.dtype == np.float32
        kept = [a.dtype for name, a in path.states._asdict().items() if name != "t"]
        assert kept == [np.float32] * len(kept)
        exact = descend(rule(), theta.astype(float), J, 1)
    assert descend(rule(), theta, J, 1).theta == pytest.approx(exact.theta, rel=1e-4, abs=1e-4)


@every_rule
def test_the_step_counter_is_a_python_integer(rule):
    state = walk(rule(), np.ones(2), OBJECTIVES["Beale"], 3)[-1][1]
    if "t" in state._fields:
        assert type(state.t) is int and state.t == 3


# ---- symmetry


@every_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_no_slope_no_move(rule, J, data):
    r, theta = data.draw(rules_without_decay(rule)), data.draw(points(J))
    flat = Slope(np.zeros(2))
    assert all(same_bits(point, theta) for point, _ in walk(r, theta, flat, 3))


@every_rule
@law
@given(data=st.data())
def test_where_the_origin_lies_does_not_matter(rule, data):
    J, r = Quadratic(0.5, 4.0, angle=0.6), data.draw(rules_without_decay(rule))
    theta, shift = data.draw(pairs), data.draw(pairs)
    state = mid_run(r, theta, *data.draw(steps_and_seeds))
    here, its = r.step(theta, state, J)
    assume(np.abs(J.grad(theta)).min() > 1e-2)
    there, theirs = r.step(theta + shift, state, Seen(J, shift=shift))
    scale = 1 + np.abs(here - theta).max()
    assert np.abs(there - shift - here).max() < 1e-11 * scale
    assert all(np.allclose(a, b, rtol=1e-11, atol=1e-11) for a, b in zip(its, theirs, strict=True))


@every_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_a_mirror_image_is_walked_in_mirror_image(rule, J, data):
    r, theta = data.draw(rules(rule)), data.draw(points(J))
    sign = np.array(data.draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 2)))
    with np.errstate(all="ignore"):
        plain = walk(r, theta, J, 15)
        mirrored = walk(r, sign * theta, Seen(J, sign=sign), 15)
    assert same_walk([(sign * point, state) for point, state in plain], mirrored)


@every_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_the_order_of_the_parameters_does_not_matter(rule, J, data):
    r, theta = data.draw(rules(rule)), data.draw(points(J))
    with np.errstate(all="ignore"):
        plain = walk(r, theta, J, 15)
        swapped = walk(r, theta[::-1], Seen(J, order=(1, 0)), 15)
    assert same_walk([(point[::-1], state) for point, state in plain], swapped)


@every_linear_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_a_loss_twice_as_large_is_a_rate_twice_as_large(rule, J, data):
    r, theta = data.draw(rules(rule)), data.draw(points(J))
    size = 2.0 ** data.draw(st.integers(-8, 8))
    with np.errstate(all="ignore"):
        plain = walk(dataclasses.replace(r, eta=r.eta * size), theta, J, 15)
        louder = walk(r, theta, Seen(J, size=size), 15)
    assert same_walk(plain, louder)


@each_of(NO_UNIT)
@every_objective
@law_of_pairs
@given(data=st.data())
def test_a_rule_without_unit_does_not_see_the_size_of_the_loss(rule, J, data):
    names = {f.name for f in dataclasses.fields(rule)}
    no_eps = dict.fromkeys(names & {"eps", "eps_root"}, 0.0)
    r = data.draw(rules(rule, eta=data.draw(st.floats(1e-3, 1)), **no_eps))
    theta, size = data.draw(points(J)), 2.0 ** data.draw(st.integers(-8, 8))
    assume((np.abs(J.grad(theta)) > 1e-12).all())
    with np.errstate(all="ignore"):
        plain = walk(r, theta, J, 15)
        louder = walk(r, theta, Seen(J, size=size), 15)
    assert same_walk(plain, louder)


@every_objective
@law
@given(data=st.data())
def test_without_its_root_adagrad_goes_half_as_far_on_a_loss_twice_as_large(J, data):
    r, theta = data.draw(rules(AdaGradNoRoot, eps=0.0)), data.draw(points(J))
    size = 2.0 ** data.draw(st.integers(-8, 8))
    assume((np.abs(J.grad(theta)) > 1e-12).all())
    with np.errstate(all="ignore"):
        plain = walk(dataclasses.replace(r, eta=r.eta / size), theta, J, 15)
        louder = walk(r, theta, Seen(J, size=size), 15)
    assert same_walk(plain, louder)


@law
@given(st.data())
def test_momentum_turns_with_the_surface_and_adam_does_not(data):
    angle, theta = data.draw(st.floats(0.3, 1.2)), np.array([2.0, 1.0])
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    straight, turned = Quadratic(0.5, 4.0), Quadratic(0.5, 4.0, angle)
    for rule in NO_SQUARES:
        r = data.draw(rules(rule, eta=0.1))
        a, b = descend(r, theta, straight, 30), descend(r, turn @ theta, turned, 30)
        assert np.abs(a.theta @ turn.T - b.theta).max() < 1e-11
    a, b = descend(Adam(0.1), theta, straight, 30), descend(Adam(0.1), turn @ theta, turned, 30)
    assert np.abs(a.theta @ turn.T - b.theta).max() > 0.1


# ---- how the rules are related


@every_objective
@law
@given(data=st.data())
def test_without_memory_every_momentum_is_gradient_descent(J, data):
    eta, theta = data.draw(st.floats(1e-3, 30)), data.draw(points(J))
    with np.errstate(all="ignore"):
        plain = walk(GradientDescent(eta), theta, J, 15)
        for forgetful in (
            Momentum(eta, gamma=0.0),
            Nesterov(eta, gamma=0.0),
            NesterovShifted(eta, gamma=0.0),
            MomentumEMA(eta, beta=0.0),
        ):
            assert same_walk(plain, walk(forgetful, theta, J, 15)), forgetful


@every_objective
@law
@given(data=st.data())
def test_nesterov_shifted_stands_where_nesterov_looks(J, data):
    theta, gamma = data.draw(points(J)), data.draw(st.floats(0, 0.99))
    eta = 1e-3 * data.draw(st.floats(0.1, 1))
    plain = descend(Nesterov(eta, gamma), theta, J, 50)
    shifted = descend(NesterovShifted(eta, gamma), theta, J, 50)
    assume(plain.diverged_at == -1)
    scale = 1 + np.abs(plain.theta).max()
    ahead = plain.theta - gamma * plain.states.u
    assert np.abs(shifted.theta - ahead).max() < 1e-10 * scale
    assert np.abs(shifted.states.u - plain.states.u).max() < 1e-10 * scale


@law
@given(rules(Adam), pairs, st.lists(pairs, min_size=1, max_size=20))
def test_the_family_of_adam_meets_where_their_formulas_do(r, theta, gradients):
    hyper = dataclasses.asdict(r)
    memoryless = hyper | {"beta1": 0.0}
    of_squares = {"beta": r.beta2, "eps": r.eps, "eps_root": r.eps_root}
    for one, other in (
        (r, AdamW(**hyper, weight_decay=0.0)),
        (Adam(**memoryless), Nadam(**memoryless)),
        (AdamUncorrected(**memoryless), RMSProp(r.eta, **of_squares)),
    ):
        (a, s), (b, its) = (theta, one.init(theta)), (theta, other.init(theta))
        for g in gradients:
            (a, s), (b, its) = one.step(a, s, Slope(g)), other.step(b, its, Slope(g))
            assert a == pytest.approx(b, rel=1e-11, abs=1e-11 * (1 + r.eta)), other
            assert same_bits(s.v, its.v)


@law
@given(rules(Adam), pairs, st.lists(pairs, min_size=1, max_size=20), st.floats(0, 1))
def test_amsgrad_is_adam_until_gradients_shrink_and_then_goes_slower(r, theta, gradients, less):
    gradients = np.cumsum(np.abs(gradients), axis=0)
    slow = AMSGrad(**dataclasses.asdict(r))
    (a, s), (b, s_max) = (theta, r.init(theta)), (theta, slow.init(theta))
    for g in gradients:
        (a, s), (b, s_max) = r.step(a, s, Slope(g)), slow.step(b, s_max, Slope(g))
    assert same_bits((a, *s), (b, *s_max[:-1])) and same_bits(s_max.v_max, s.v)
    adam, amsgrad = (rule.step(a, s, Slope(less * g)) for rule, s in ((r, s), (slow, s_max)))
    assert (np.abs(amsgrad[0] - a) <= np.abs(adam[0] - a)).all()
    assert (amsgrad[1].v_max >= s.v).all()


@every_objective
@law
@given(data=st.data())
def test_ema_momentum_walks_the_path_of_momentum(J, data):
    theta, gamma = data.draw(points(J)), data.draw(st.floats(0, 0.99))
    eta = 1e-3 * data.draw(st.floats(0.1, 1))
    plain = descend(Momentum(eta, gamma), theta, J, 50)
    mean = descend(MomentumEMA(eta / (1 - gamma), beta=gamma), theta, J, 50)
    assume(plain.diverged_at == -1)
    scale = 1 + np.abs(plain.theta).max()
    # A surface that bends the path away enlarges a difference in the last bit.
    assert np.abs(plain.theta - mean.theta).max() < 1e-10 * scale
    assert np.abs(plain.states.u - eta / (1 - gamma) * mean.states.m).max() < 1e-10 * scale


@law
@given(rules(Momentum), pairs, st.lists(pairs, min_size=1, max_size=20))
def test_momentum_is_a_fading_sum_of_all_the_gradients(r, theta, gradients):
    state = r.init(theta)
    for g in gradients:
        theta, state = r.step(theta, state, Slope(g))
    n = len(gradients)
    expected = sum(r.gamma ** (n - 1 - i) * r.eta * g for i, g in enumerate(gradients))
    assert state.u == pytest.approx(expected, rel=1e-11, abs=1e-11 * (1 + 100 * r.eta))


@law
@given(rules(Nesterov), pairs, steps_and_seeds)
def test_nesterov_asks_for_the_gradient_ahead_and_only_there(r, theta, steps):
    asked = []

    class Spy(Quadratic):
        def grad(self, theta):
            asked.append(theta)
            return super().grad(theta)

    state = mid_run(r, theta, *steps)
    new, after = r.step(theta, state, Spy())
    assert same_bits(tuple(asked), (theta - r.gamma * state.u,))
    assert same_bits(after.u, r.gamma * state.u + r.eta * Quadratic().grad(asked[0]))
    assert same_bits(new, theta - after.u)


@law
@given(rules(Adam, eps_root=0.0), pairs, pairs)
def test_adams_first_step_is_eta_in_each_coordinate(r, theta, g):
    new, state = r.step(theta, r.init(theta), Slope(g))
    expected = theta - r.eta * g / (np.abs(g) + r.eps)
    assert new == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert state.t == 1


@law
@given(rules(Adam), pairs, st.lists(pairs, min_size=1, max_size=20))
def test_adams_averages_are_weighted_means_of_the_gradients(r, theta, gradients):
    state = r.init(theta)
    for g in gradients:
        before = theta
        theta, state = r.step(theta, state, Slope(g))
    n, g = len(gradients), np.array(gradients)
    weight1 = r.beta1 ** np.arange(n)[::-1]
    weight2 = r.beta2 ** np.arange(n)[::-1]
    mean = weight1 @ g / weight1.sum()
    square = weight2 @ g**2 / weight2.sum()
    step = r.eta * mean / (np.sqrt(square + r.eps_root) + r.eps)
    assert before - theta == pytest.approx(step, rel=1e-8, abs=1e-9 * (1 + r.eta))


ADAMS = [AdamUncorrected, AdaMax, Nadam, AMSGrad, AdamW]
every_corrected = each_of([Adam, AdaMax, Nadam, AMSGrad])


@every_corrected
@law
@given(st.data(), pairs, pairs)
def test_a_constant_slope_means_steps_of_eta(rule, data, theta, g):
    fixed = {"eps_root": 0.0} if rule is not AdaMax else {}
    r = data.draw(rules(rule, eps=0.0, **fixed))
    assume(np.abs(g).min() > 1e-3)
    trail = [theta, *(point for point, _ in walk(r, theta, Slope(g), 8))]
    # Nadam's forecast of the mean is one step older than its weights say.
    expected = np.tile(-r.eta * np.sign(g), (8, 1))
    if rule is Nadam:
        t = np.arange(1, 9)[:, None]
        expected *= r.beta1 * (1 - r.beta1**t) / (1 - r.beta1 ** (t + 1)) + (1 - r.beta1) / (
            1 - r.beta1**t
        )
    assert np.diff(trail, axis=0) == pytest.approx(expected, rel=1e-9, abs=1e-12 + 1e-14 * r.eta)


@law
@given(rules(AdamUncorrected, eps=0.0, eps_root=0.0), pairs, pairs)
def test_uncorrected_the_first_step_is_too_long_by_the_ratio_of_the_weights(r, theta, g):
    assume(np.abs(g).min() > 1e-3)
    new, _ = r.step(theta, r.init(theta), Slope(g))
    ratio = (1 - r.beta1) / np.sqrt(1 - r.beta2)
    assert theta - new == pytest.approx(r.eta * ratio * np.sign(g), rel=1e-9, abs=1e-12)


@law
@given(rules(AdaGrad), pairs, st.lists(pairs, min_size=1, max_size=20))
def test_adagrad_divides_by_all_the_gradients_so_far(r, theta, gradients):
    state, plain = r.init(theta), AdaGradNoRoot(r.eta, r.eps)
    for g in gradients:
        before, other = theta, plain.step(theta, state, Slope(g))
        theta, state = r.step(theta, state, Slope(g))
    total, g = np.sum(np.square(gradients), axis=0), gradients[-1]
    assert state.v == pytest.approx(total)
    step = r.eta * g / (np.sqrt(total + r.eps_root) + r.eps)
    assert before - theta == pytest.approx(step, rel=1e-9, abs=1e-12 * (1 + r.eta))
    assert same_bits(other[1].v, state.v)
    assert before - other[0] == pytest.approx(r.eta * g / (total + r.eps), rel=1e-9, abs=1e-12)


@law
@given(rules(RMSProp), pairs, st.lists(pairs, min_size=1, max_size=20))
def test_rmsprop_divides_by_a_fading_sum_of_squares(r, theta, gradients):
    state = r.init(theta)
    for g in gradients:
        before = theta
        theta, state = r.step(theta, state, Slope(g))
    weights = (1 - r.beta) * r.beta ** np.arange(len(gradients))[::-1]
    v = weights @ np.square(gradients)
    step = r.eta * gradients[-1] / (np.sqrt(v + r.eps_root) + r.eps)
    assert before - theta == pytest.approx(step, rel=1e-8, abs=1e-11 * (1 + r.eta))


@law
@given(rules(AdaMax), pairs, st.lists(pairs, min_size=1, max_size=20))
def test_adamax_divides_by_the_largest_faded_gradient(r, theta, gradients):
    state = r.init(theta)
    for g in gradients:
        theta, state = r.step(theta, state, Slope(g))
    faded = [r.beta2**k * (np.abs(g) + r.eps) for k, g in enumerate(reversed(gradients))]
    assert state.v == pytest.approx(np.max(faded, axis=0), rel=1e-11)


@law
@given(rules(AdaDelta), pairs, st.lists(pairs, min_size=1, max_size=20))
def test_adadelta_steps_in_the_ratio_of_its_two_means(r, theta, gradients):
    state, steps = r.init(theta), []
    for g in gradients:
        before, d = theta, state.d
        theta, state = r.step(theta, state, Slope(g))
        weights = (1 - r.beta) * r.beta ** np.arange(len(steps) + 1)[::-1]
        v = weights @ np.square(gradients[: len(steps) + 1])
        steps.append(np.sqrt((d + r.eps_root) / (v + r.eps_root)) * g)
        assert before - theta == pytest.approx(r.eta * steps[-1], rel=1e-8, abs=1e-11)
        assert state.d == pytest.approx(weights @ np.square(steps), rel=1e-9, abs=1e-300)


@law
@given(rules(Rprop), pairs, st.lists(st.sampled_from([-2.0, -0.1, 0.0, 0.3, 5.0]), min_size=1))
def test_rprop_by_hand(r, theta, slopes):
    """One coordinate with plain numbers; the other, of constant slope, only grows."""
    x, delta, last = theta[0], r.eta, 0.0
    state = r.init(theta)
    for slope in slopes:
        turned = slope * last < 0
        if turned:
            delta *= r.down
        elif slope * last > 0:
            delta *= r.up
        delta = min(max(delta, r.delta_min), r.delta_max)
        last = 0.0 if turned else slope
        x -= delta * ((last > 0) - (last < 0))
        before = theta
        theta, state = r.step(theta, state, Slope([slope, 1.0]))
        assert theta[0] == pytest.approx(x, rel=1e-12, abs=1e-12)
        assert before[1] - theta[1] == pytest.approx(state.delta[1], rel=1e-9, abs=1e-12)
    grown = min(max(r.eta, r.delta_min), r.delta_max) * r.up ** (len(slopes) - 1)
    assert state.delta[1] == pytest.approx(min(grown, r.delta_max))


@law
@given(rules(AdamW), pairs)
def test_without_slope_weight_decay_shrinks_every_parameter_alike(r, theta):
    (new, _), *_ = walk(r, theta, Slope(np.zeros(2)), 1)
    assert new == pytest.approx(theta * (1 - r.eta * r.weight_decay), rel=1e-9, abs=1e-12)


# ---- quadratics: what theory says


@law
@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(-3, 3), st.floats(0.05, 1.9), pairs)
def test_gradient_descent_shrinks_each_axis_by_its_own_factor(lambda1, lambda2, angle, part, theta):
    J = Quadratic(lambda1, lambda2, angle)
    eta = part * 2 / max(lambda1, lambda2)
    path = descend(GradientDescent(eta), theta, J, 30)
    p, q = J.axes(theta)
    steps = np.arange(31)
    expected = np.stack([p * (1 - eta * lambda1) ** steps, q * (1 - eta * lambda2) ** steps])
    scale = 1 + np.abs(expected).max()
    assert np.abs(np.stack(J.axes(path.theta.T)) - expected).max() < 1e-12 * scale


@law
@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0.01, 0.98), pairs)
def test_gradient_descent_converges_below_two_over_lambda(lambda1, lambda2, part, theta):
    assume(min(lambda1, lambda2) * part > 0.02 * max(lambda1, lambda2))
    assume(np.abs(theta).min() > 1e-3)
    J, limit = Quadratic(lambda1, lambda2), 2 / max(lambda1, lambda2)
    path = descend(GradientDescent(part * limit), theta, J, 1000)
    assert path.diverged_at == -1
    assert path.loss[-1] < 1e-12 * path.loss[0]
    assert (np.diff(path.loss) <= 0).all(), "each step lowers the loss"


@law
@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(1.05, 20), pairs)
def test_gradient_descent_diverges_above_two_over_lambda(lambda1, lambda2, part, theta):
    assume(np.abs(theta).min() > 1e-3)
    J, limit = Quadratic(lambda1, lambda2), 2 / max(lambda1, lambda2)
    path = descend(GradientDescent(part * limit), theta, J, 10_000)
    assert path.diverged_at > 0
    assert np.nanmax(path.loss) > 1e100


@settings(law, max_examples=10)
@given(st.floats(0.1, 0.98), st.floats(0.05, 0.95))
def test_momentum_allows_a_larger_rate_by_one_plus_gamma(gamma, part):
    J, theta = Quadratic(1.0, 4.0), np.array([1.0, 1.0])
    limit = 2 * (1 + gamma) / 4.0
    assert descend(Momentum(part * limit, gamma), theta, J, 3000).loss[-1] < 1e-6
    assert descend(Momentum(1.05 * limit, gamma), theta, J, 30_000).diverged_at > 0


# ---- hyper-parameters that cannot be


@every_rule
def test_every_hyper_parameter_says_what_it_is(rule):
    for field in dataclasses.fields(rule):
        low, high = field.metadata["range"]
        assert field.metadata["symbol"] and low < high
        assert not field.metadata["log"] or low > 0
        rule(**{field.name: low}), rule(**{field.name: high}), rule(**{field.name: field.default})


@every_rule
@pytest.mark.parametrize("bad", [-0.5, np.nan, np.inf])
@pytest.mark.parametrize("in_a_sweep", [False, True])
def test_a_value_out_of_range_is_refused_by_name(rule, bad, in_a_sweep):
    for field in dataclasses.fields(rule):
        with pytest.raises(ValueError, match=rule.__name__) as caught:
            rule(**{field.name: np.array([field.default, bad]) if in_a_sweep else bad})
        message = str(caught.value)
        assert f"{rule.__name__}({field.name}={bad})" in message
        least = 1 if (rule, field.name) == (Rprop, "up") else 0
        assert f"must be at least {least}" in message and "choose another value" in message


@pytest.mark.parametrize(
    ("rule", "name", "words"),
    [
        (Momentum, "gamma", "at most 1"),
        (Nesterov, "gamma", "at most 1"),
        (MomentumEMA, "beta", "less than 1"),
        (Adam, "beta1", "less than 1"),
        (Adam, "beta2", "less than 1"),
        (NesterovShifted, "gamma", "at most 1"),
        (RMSProp, "beta", "less than 1"),
        (AdaDelta, "beta", "less than 1"),
        *((r, b, "less than 1") for r in ADAMS for b in ("beta1", "beta2")),
        (Rprop, "down", "at most 1"),
    ],
)
def test_a_memory_that_grows_is_refused(rule, name, words):
    with pytest.raises(ValueError, match=words):
        rule(**{name: 1.01})
    if words == "at most 1":
        rule(**{name: 1.0})
    else:
        with pytest.raises(ValueError, match=rf"{rule.__name__}\({name}=1\).*{words}"):
            rule(**{name: 1.0})


@every_rule
@pytest.mark.parametrize("bad", ["fast", None, [0.1, "x"], True, 1j])
def test_what_is_not_a_number_is_refused(rule, bad):
    with pytest.raises(TypeError, match=rf"{rule.__name__}\(eta=.*expected a number"):
        rule(eta=bad)


@every_rule
def test_an_unknown_hyper_parameter_is_refused(rule):
    with pytest.raises(TypeError, match=rf"{rule.__name__} has no .*'lr'; it has eta"):
        rule(lr=0.1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="eta"):
        rule().eta = 0.5
