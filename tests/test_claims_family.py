"""What the lecture claims of the rules beyond Adam, computed: the ids are those of the chapters."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from strategies import Slope

from lecopt import (
    AdaGrad,
    AdaGradNoRoot,
    Adam,
    AdamUncorrected,
    AMSGrad,
    Backtracking,
    GradientDescent,
    LineSearch,
    Momentum,
    MomentumEMA,
    Nesterov,
    Neuron,
    RMSProp,
    Rprop,
    descend,
    minibatches,
    sparse_points,
    two_points,
)

TWO = Neuron(*two_points())
SPARSE = Neuron(*sparse_points())


@functools.cache
def on_two(rule, steps=1000):
    return descend(rule, [-2, -2], TWO, steps)


@functools.cache
def on_sparse(rule):
    return descend(rule, [-2, -4], SPARSE, 1000)


def way_of_w(path):
    """Return the share of w's way that is done when b has done 80 % of its own."""
    share = (path.theta - path.theta[0]) / (np.array([2.0, 1.0]) - path.theta[0])
    return share[np.argmax(share[:, 1] >= 0.8), 0]


# ---- 6: one point at a time


def test_6_6_with_memory_a_stream_is_ahead_after_60_updates():
    """One point at a time, in turn, from (2, 2)."""
    one_by_one = [TWO.on([0]), TWO.on([1])] * 30
    runs = [
        descend(rule, [2, 2], TWO, 60, objectives=one_by_one)
        for rule in (GradientDescent(1.0), Momentum(1.0, 0.9), Nesterov(1.0, 0.9))
    ]
    losses = [run.loss[-1] for run in runs]
    assert [f"{loss:.2g}" for loss in losses] == ["0.079", "0.0042", "0.001"]
    _, momentum, nesterov = runs
    assert nesterov.length() < momentum.length(), "shorter u-turns"
    assert nesterov.overshoot(TWO) < momentum.overshoot(TWO)


# ---- 7, 8


def test_7_1_a_large_rate_gets_over_the_plateau_and_overshoots_where_it_is_steep():
    small, large = on_two(GradientDescent(1.0)), on_two(GradientDescent(10.0))
    assert (small.first_below(1e-5), large.first_below(1e-5)) == (380, 30)
    assert (np.diff(small.loss) <= 0).all()
    worse = np.diff(large.loss[:31]) > 0
    assert worse.sum() == 1, "one step raises the loss"
    assert large.overshoot(TWO) == pytest.approx(1.60, abs=0.01)
    assert small.overshoot(TWO) == pytest.approx(0.09, abs=0.01)
    slopes = [np.linalg.norm(TWO.grad(theta)) for theta in large.theta]
    assert slopes[int(worse.argmax())] > 20 * slopes[0], "not on the plateau where it began"


def test_8_2_line_search_takes_fewer_steps_and_more_evaluations_a_step():
    plain, fixed, armijo = (
        on_two(rule) for rule in (GradientDescent(1.0), LineSearch(), Backtracking())
    )
    steps = [path.first_below(1e-5) for path in (plain, fixed, armijo)]
    assert steps == [380, 38, 37]
    assert fixed.loss_evals[38] == 5 * 38 and fixed.grad_evals[38] == 38
    assert armijo.loss_evals[37] == 75 and armijo.grad_evals[37] == 37
    assert plain.loss_evals[380] == 0 and plain.grad_evals[380] == 380


def test_8_3_line_search_oscillates_in_another_way_than_momentum():
    """No step raises the loss, and it crosses the valley once where momentum does 26 times."""
    search, momentum = on_two(LineSearch()), on_two(Momentum(1.0, 0.9), 400)
    assert (search.crossings(TWO), momentum.crossings(TWO)) == (1, 26)
    assert search.overshoot(TWO) < momentum.overshoot(TWO) / 3
    assert (np.diff(search.loss) <= 0).all() and (np.diff(momentum.loss) > 0).any()


# ---- 9, 10, 11: one feature is nearly always 0


def test_9_3_the_data_are_those_of_the_book():
    X, y = sparse_points()
    assert len(X) == 100 and (X == 0).sum() == 76
    assert y == pytest.approx(1 / (1 + np.exp(-2 * X - 1)))
    assert SPARSE.minima[0] == pytest.approx([2, 1])


@pytest.mark.parametrize(
    ("rule", "percent", "first"),
    [
        (GradientDescent(0.1), 12, 159),
        (Momentum(0.01, 0.9), 8, 247),
        (Nesterov(0.01, 0.9), 9, 210),
        (AdaGrad(0.1), 99, 1111),
        (RMSProp(0.1), 99, 49),
        (Adam(0.1), 100, 46),
    ],
)
def test_9_3_along_b_first_or_both_at_once(rule, percent, first):
    path = descend(rule, [-2, -4], SPARSE, 1200)
    assert round(100 * way_of_w(path)) == percent
    assert path.first_below(1e-2) == first


def test_9_3_at_a_tenth_momentum_shoots_onto_the_plateau():
    for rule in (Momentum(0.1, 0.9), Nesterov(0.1, 0.9)):
        path = on_sparse(rule)
        assert path.theta[:, 1].max() > 10 and path.loss[-1] > 1


def test_9_4_without_the_root_adagrad_works_much_worse():
    for eta in (0.1, 1.0):
        assert on_sparse(AdaGradNoRoot(eta)).loss[-1] > 100 * on_sparse(AdaGrad(eta)).loss[-1]
    assert on_sparse(AdaGradNoRoot(0.1)).first_below(1e-2) == -1


def test_9_5_adagrads_steps_shrink_until_it_stalls():
    path = on_sparse(AdaGrad(0.1))
    rates = 0.1 / np.sqrt(path.states.v[1:])
    assert (np.diff(rates, axis=0) <= 0).all(), "no rate ever grows"
    assert path.step_lengths()[999] < path.step_lengths()[10] / 100
    assert path.loss[-1] > 0.01, "while there is still some way to go"
    assert on_sparse(AdaGrad(1.0)).first_below(1e-2) == 14, "it depends on eta"


def test_10_2_rmsprop_gets_through_where_adagrad_stalls():
    assert on_sparse(RMSProp(0.1)).first_below(1e-2) == 49
    assert on_sparse(AdaGrad(0.1)).first_below(1e-2) == -1
    rates = 0.1 / np.sqrt(on_sparse(RMSProp(0.1)).states.v[1:])
    assert (np.diff(rates, axis=0) > 0).any(), "a rate may grow again"


def test_10_3_near_the_minimum_rmsprop_goes_on_in_steps_of_eta():
    path = on_sparse(RMSProp(0.1))
    end = path.theta[-20:] - SPARSE.minima[0]
    assert np.abs(np.diff(end, axis=0)).max() == pytest.approx(0.1, rel=1e-3)
    assert np.ptp(end, axis=0) / 2 == pytest.approx([0.05, 0.05], rel=0.01)
    steps = np.diff(end, axis=0)
    assert (steps[1:] * steps[:-1] < 0).all(), "to and fro"


def test_11_3_adam_settles_where_rmsprop_circles():
    adam, rmsprop = on_sparse(Adam(0.1)), on_sparse(RMSProp(0.1))
    assert f"{adam.loss[-1]:.0e}" == "3e-30" and f"{rmsprop.loss[-1]:.0e}" == "4e-03"
    # Not always faster: RMSProp passes by sooner.
    assert (rmsprop.first_below(1e-4), adam.first_below(1e-4)) == (78, 328)
    assert on_sparse(RMSProp(0.2)).first_below(1e-2) == 22
    assert on_sparse(Adam(0.2)).first_below(1e-2) == 153


# ---- 12


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.99])
def test_12_2_the_mean_of_m_is_too_small_by_one_minus_beta_to_the_t(beta):
    """By simulation: 4000 runs under noisy gradients of mean 1.5, within four standard errors."""
    runs, steps, mean = 4000, 40, 1.5
    gradients = mean + np.random.default_rng(0).normal(size=(steps, 1, runs))
    path = descend(
        MomentumEMA(0.1, beta),
        np.zeros((1, runs)),
        Slope([mean]),
        steps,
        objectives=[Slope(g) for g in gradients],
    )
    m, t = path.states.m[1:, 0], np.arange(1, steps + 1)
    error = m.std(axis=1, ddof=1) / np.sqrt(runs)
    expected = mean * (1 - beta**t)
    assert (np.abs(m.mean(axis=1) - expected) < 4 * error).all()
    assert mean - m.mean(axis=1)[0] > 50 * error[0], "the bias is no noise"


def test_12_3_uncorrected_the_early_steps_are_too_long():
    path = descend(AdamUncorrected(1.0), [0.0], Slope([0.7]), 40)
    lengths = path.step_lengths()
    assert lengths[0] == pytest.approx((1 - 0.9) / np.sqrt(1 - 0.999), rel=1e-6)
    assert lengths.max() == pytest.approx(6.57, abs=0.005) and lengths.argmax() + 1 == 12
    assert descend(Adam(1.0), [0.0], Slope([0.7]), 40).step_lengths() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("eta", "corrected", "uncorrected"), [(0.1, 124, 349), (0.01, 1169, 501), (0.03, 444, 122)]
)
def test_12_3_longer_first_steps_are_not_always_worse(eta, corrected, uncorrected):
    found = [on_two(rule(eta), 1500).first_below(1e-5) for rule in (Adam, AdamUncorrected)]
    assert found == [corrected, uncorrected]


# ---- 13


def test_13_1_rprop_runs_away_under_gradients_whose_mean_is_zero():
    """Nine times 0.1 and once -0.9: it counts nine steps one way and one back."""
    stream = [Slope([-0.9 if t % 10 == 9 else 0.1]) for t in range(200)]
    ends = [
        descend(rule, [0.0], stream[0], 200, objectives=stream).theta[-1, 0]
        for rule in (Rprop(0.01), GradientDescent(0.01))
    ]
    assert ends[0] < -1000 and abs(ends[1]) < 1e-12


def test_13_1_rprop_breaks_on_mini_batches():
    """Chance turns of the sign shorten its steps to nothing, far from the minimum."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=100)
    noisy = 1 / (1 + np.exp(1 - 2 * X)) + 0.2 * rng.normal(size=100)
    J = Neuron(X, np.clip(noisy, 0.0, 1.0))
    whole = descend(Rprop(0.1), [-2, 2], J, 1500)
    lowest = descend(Adam(0.1), [-2, 2], J, 1500).loss[-1]
    assert whole.loss[-1] - lowest < 1e-9

    def above(rule, seed):
        stream = minibatches(J, 5, np.random.default_rng(seed))
        path = descend(rule, [-2, 2], J, 1500, objectives=stream)
        return path.loss[-1] - lowest, path

    for seed in range(4):
        stuck, path = above(Rprop(0.1), seed)
        assert path.states.delta[-1].max() < 1e-4
        settles, _ = above(GradientDescent(0.1), seed)
        assert stuck > 0.03 and settles < 0.001


def test_13_3_adam_drifts_to_the_wrong_end_and_amsgrad_does_not():
    """Slope 3 every third step, -1 else, on [-1, 1]: the mean slope is 1/3, so -1 is best."""

    def end(rule):
        theta = np.array([0.0])
        state = rule.init(theta)
        for t in range(3000):
            now = dataclasses.replace(rule, eta=0.5 / np.sqrt(t + 1))
            theta, state = now.step(theta, state, Slope([3.0 if t % 3 == 0 else -1.0]))
            theta = np.clip(theta, -1.0, 1.0)
        return float(theta[0])

    short_memory = {"beta1": 0.0, "beta2": 0.1}
    assert end(Adam(**short_memory)) == 1.0
    assert end(AMSGrad(**short_memory)) == pytest.approx(-0.99, abs=0.005)
    assert end(Adam(beta1=0.0)) < -0.98, "with the usual beta2 it does not drift"
