"""Claims about surfaces and networks: chapters 5, 6, 9, 14 and 15, and the companions of A2."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from strategies import RULES, every_rule

from lecopt import (
    AdaGrad,
    AdaGradNoRoot,
    Adam,
    DoubleWell,
    ExactLineSearch,
    GradientDescent,
    LineSearch,
    Momentum,
    Nesterov,
    Network,
    Neuron,
    Plateau,
    Saddle,
    cosine,
    descend,
    digits,
    four_features,
    iterates,
    minibatches,
    narrow_valley,
    ravine,
    two_points,
)

TWO = Neuron(*two_points())


class Noisy:
    """An objective whose gradient has an error of its own."""

    def __init__(self, J, error):
        self.J, self.error = J, error

    def __call__(self, theta):
        return self.J(theta)

    def grad(self, theta):
        return self.J.grad(theta) + self.error


def noisy(J, size, shape, steps, seed=0):
    """Return a stream of J with Gaussian errors."""
    rng = np.random.default_rng(seed)
    return [Noisy(J, size * rng.normal(size=shape)) for _ in range(steps)]


def turns(path):
    """Return the angle between each step and the next, in degrees."""
    step = np.diff(path.theta, axis=0)
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip(np.sum(step[1:] * step[:-1], axis=1), -1, 1)))


# ---- 5, 6


def test_5_3_nesterov_goes_a_shorter_way_than_momentum():
    """In the narrow valley; its overshoot and crossings are with those of 4.7."""
    J = Neuron(*narrow_valley())
    momentum, nesterov = (descend(r(1.0, 0.9), (-2.5, -1), J, 100) for r in (Momentum, Nesterov))
    assert nesterov.length() < 0.62 * momentum.length()


def test_6_2_a_step_on_one_point_may_raise_the_loss():
    one_by_one = [TWO.on([0]), TWO.on([1])] * 200
    stochastic = descend(GradientDescent(1.0), [2, 2], TWO, 400, objectives=one_by_one)
    batch = descend(GradientDescent(1.0), [2, 2], TWO, 200)
    assert (np.diff(stochastic.loss) > 0).sum() == 14 and (np.diff(batch.loss) <= 0).all()


def test_6_3_each_point_pulls_its_own_way():
    """A step on a point lies along (x, 1): these two ways are 42 degrees apart, or 138."""
    one_by_one = [TWO.on([0]), TWO.on([1])] * 200
    path = descend(GradientDescent(1.0), [2, 2], TWO, 400, objectives=one_by_one)
    step = np.diff(path.theta, axis=0)
    assert step[0::2, 0] == pytest.approx(0.5 * step[0::2, 1], rel=1e-6)
    assert step[1::2, 0] == pytest.approx(2.5 * step[1::2, 1], rel=1e-6)
    angle = np.degrees(np.arctan2(1, 0.5) - np.arctan2(1, 2.5))
    assert turns(path)[:59] == pytest.approx(angle, abs=1e-3)
    assert turns(path)[-50:] == pytest.approx(180 - angle, abs=1e-3), "to and fro at the end"
    batch = turns(descend(GradientDescent(1.0), [2, 2], TWO, 60))
    assert np.median(batch) < 1 and batch.max() < 10, "the sum of the two hardly turns"


@pytest.mark.parametrize("size", [4, 16, 64])
def test_6_4_the_spread_of_the_mean_gradient_falls_as_one_over_root_b(size):
    rng = np.random.default_rng(0)
    J = Neuron(rng.uniform(-2, 2, 200), rng.uniform(0, 1, 200))
    theta, draws = np.array([0.5, -0.5]), 4000

    def spread(size):
        stream = minibatches(J, size, np.random.default_rng(1), replace=True)
        means = [part.grad(theta) / size for part in itertools.islice(stream, draws)]
        assert np.mean(means, axis=0) == pytest.approx(J.grad(theta) / 200, abs=0.01)
        return np.std(means, axis=0)

    # The standard error of a spread from 4000 draws is about 1 %.
    assert spread(size) * np.sqrt(size) == pytest.approx(spread(1), rel=0.06)


@pytest.mark.parametrize(("size", "steps"), [(1, 100), (16, 7), (20, 5), (100, 1)])
def test_6_5_steps_an_epoch(size, steps):
    J = Neuron(*four_features())
    stream = minibatches(J, size, np.random.default_rng(0))
    shown = list(itertools.islice(stream, steps))
    assert sum(part.n for part in shown) == J.n and steps == -(-J.n // size)


def test_6_8_noise_leaves_the_shallow_minimum_sooner_than_the_deep_one():
    J, runs = DoubleWell(), 400
    deep, shallow = J.minima
    left = []
    for well in (deep, shallow):
        stream, start = noisy(J, 3.0, (2, runs), 1000), np.tile(well[:, None], runs)
        end = descend(GradientDescent(0.05), start, J, 1000, objectives=stream).theta[-1, 0]
        left.append(np.mean(np.sign(end) != np.sign(well[0])))
    assert left[1] > 0.6 and left[0] < 0.15
    still = descend(GradientDescent(0.05), shallow, J, 1000)
    assert still.theta[-1] == pytest.approx(shallow), "without noise it stays for ever"


def test_6_8_the_noise_floor_is_proportional_to_the_rate():
    """On a bowl of curvature 1 the mean square of theta settles at eta s^2 / (2 - eta)."""
    J, runs, s = ravine(1), 4000, 0.5
    floors = []
    for eta in (0.2, 0.1, 0.05):
        stream = noisy(J, s, (2, runs), 200)
        path = descend(GradientDescent(eta), np.zeros((2, runs)), J, 200, objectives=stream)
        floors.append(np.mean(path.theta[-1] ** 2))
        assert floors[-1] == pytest.approx(eta * s**2 / (2 - eta), rel=0.08)
    assert floors[0] / floors[2] == pytest.approx(4, rel=0.15)


# ---- 7, 9


def test_7_2_a_coarse_search_on_a_log_scale_then_a_finer_one():
    coarse = np.logspace(-4, 0, 5)
    losses = descend(Adam(coarse), [-2, -2], TWO, 200).loss[-1]
    best = coarse[np.argmin(losses)]
    assert best == pytest.approx(0.1), "neither the smallest nor the largest"
    finer = best * np.logspace(-0.75, 0.75, 7)
    assert descend(Adam(finer), [-2, -2], TWO, 200).loss[-1].min() < losses.min() / 10


def test_9_1_the_weight_of_a_rare_feature_is_seldom_updated():
    X, y = four_features()
    J = Neuron(X, y)
    one_by_one = [J.on([i]) for i in range(J.n)]
    path = descend(GradientDescent(0.1), np.zeros(5), J, J.n, objectives=one_by_one)
    updates = (np.diff(path.theta, axis=0) != 0).sum(axis=0)
    assert updates.tolist() == [100, 100, 100, 8, 100]
    assert J.minima[0].argmax() == 3, "and it matters most"


def test_9_6_on_an_ill_conditioned_bowl_adagrad_heads_for_the_minimum():
    J, start = ravine(50), np.array([-2.0, 1.0])

    def off(rule):
        first = descend(rule, start, J, 1).theta[1] - start
        return np.degrees(np.arccos(-first @ start / np.linalg.norm(first) / np.linalg.norm(start)))

    assert off(GradientDescent(0.03)) > 60 and off(AdaGrad(0.5)) < 20
    plain, adagrad = (
        descend(GradientDescent(0.03), start, J, 50),
        descend(AdaGrad(0.5), start, J, 50),
    )
    assert plain.crossings(J) == 50 and adagrad.crossings(J) <= 1


# ---- 14


@pytest.mark.parametrize("condition", [100, 1000])
def test_14_1_steps_grow_with_the_condition_number_and_with_momentum_as_its_root(condition):
    def steps(k):
        root = np.sqrt(k)
        plain = GradientDescent(2 / (1 + k))
        heavy = Momentum(4 / (1 + root) ** 2, ((root - 1) / (root + 1)) ** 2)
        paths = [descend(rule, [1.0, 1.0], ravine(k), 10_000) for rule in (plain, heavy)]
        assert paths[0].crossings(ravine(k)) == paths[0].steps, "zigzag at every step"
        return np.array([path.first_below(1e-6) for path in paths])

    few, many = steps(condition / 10), steps(condition)
    assert many / few == pytest.approx([10, np.sqrt(10)], rel=0.3)


def on_the_ridge(rule, y=0.0, objectives=None):
    return descend(rule, [1.0, y], Saddle(), 200, objectives=objectives).theta[:, 1]


@every_rule
def test_14_3_from_the_ridge_itself_no_rule_leaves(rule):
    assert not on_the_ridge(rule(eta=0.1)).any(), (
        "memory holds only past gradients, and these were 0"
    )


@every_rule
def test_14_3_noise_leaves_the_ridge(rule):
    stream = noisy(Saddle(), 1e-3, 2, 200)
    assert abs(on_the_ridge(rule(eta=0.1), objectives=stream)[-1]) > 1


@pytest.mark.parametrize("search", [LineSearch(), ExactLineSearch()])
def test_14_3_nor_does_a_line_search(search):
    assert not on_the_ridge(search).any()


def test_14_3_from_slightly_off_momentum_leaves_faster():
    away = [int(np.argmax(np.abs(on_the_ridge(rule, 1e-3)) > 1))
            for rule in (GradientDescent(0.1), Momentum(0.1, 0.9), Nesterov(0.1, 0.9))]  # fmt: skip
    assert away == [73, 27, 24]


def test_14_4_on_a_plateau_momentum_helps_and_a_step_without_unit_helps_more():
    first = [descend(rule, [3.0, 2.0], Plateau(), 1000).first_below(0.5)
             for rule in (GradientDescent(0.1), Momentum(0.1, 0.9), Adam(0.1))]  # fmt: skip
    assert first == [636, 94, 19]


# ---- 11, 15: the network

ETAS = {
    "GradientDescent": 0.01, "Momentum": 0.002, "MomentumEMA": 0.02, "Nesterov": 0.002,
    "NesterovShifted": 0.002, "Rprop": 0.01, "AdaGrad": 0.03, "AdaGradNoRoot": 0.1, "AdaDelta": 1.0,
}  # fmt: skip


def learnt(rule, epochs, seed=0, schedules=None):
    """Return the accuracy on the test after some epochs of minibatches of 32."""
    X, y, X_test, y_test = digits()
    J = Network(X, y, 32)
    stream = minibatches(J, 32, np.random.default_rng(seed + 1))
    start = J.start(np.random.default_rng(seed))
    *_, (theta, _) = iterates(rule, start, itertools.islice(stream, epochs * 45), schedules)
    return J.accuracy(theta, X_test, y_test)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule is not AdaGradNoRoot], ids=lambda rule: rule.__name__
)
def test_15_2_every_rule_of_the_book_learns_to_read_digits(rule):
    assert learnt(rule(eta=ETAS.get(rule.__name__, 0.003)), epochs=10) > 0.93


def test_9_4_but_the_one_without_its_root():
    for eta in (0.01, 0.1, 1.0):
        assert learnt(AdaGradNoRoot(eta), epochs=10) < 0.7


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_11_5_momentum_with_a_schedule_is_often_as_good_as_adam(seed):
    momentum = learnt(Momentum(0.005, 0.9), 20, seed, {"eta": cosine(0.005, 900)})
    assert momentum > learnt(Adam(0.005), 20, seed) - 0.015 and momentum > 0.965


# ---- A2: dropout

W, INPUTS = np.array([0.7, -1.3]), np.array([2.0, 0.5])


def test_a2_the_mean_over_all_ways_to_drop_inputs_is_half_their_sum():
    ways = np.array(list(itertools.product([0, 1], repeat=2)))
    assert len(ways) == 4
    assert np.mean(ways @ (W * INPUTS)) == pytest.approx((W @ INPUTS) / 2, rel=1e-15)


@pytest.mark.parametrize("p", [0.5, 0.8])
def test_a2_so_does_the_mean_of_many_draws(p):
    """Each input is kept with probability p: the mean is p times the sum, by four errors."""
    kept = np.random.default_rng(0).random((20_000, 2)) < p
    a = kept @ (W * INPUTS)
    assert abs(a.mean() - p * (W @ INPUTS)) < 4 * a.std() / np.sqrt(len(a))
    weights = np.array([p ** sum(way) * (1 - p) ** (2 - sum(way)) * (np.array(way) @ (W * INPUTS))
                        for way in itertools.product([0, 1], repeat=2)])  # fmt: skip
    assert weights.sum() == pytest.approx(p * (W @ INPUTS), rel=1e-14), "by enumeration"
