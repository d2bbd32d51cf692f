"""What chapters 1 and 2 say beyond the claims of the curriculum, in the order of their pages."""

from __future__ import annotations

import numpy as np
import pytest

from lecopt import DoubleWell, GradientDescent, Neuron, Quadratic, descend, hessian, two_points

J = Neuron(*two_points())
START = (-2.0, -2.0)
GUESSES = np.array(
    [(0.50, 0.00), (-0.10, 0.00), (0.94, -0.94), (1.42, -1.73), (1.65, -2.08), (1.78, -2.27)]
).T
PRINTED = np.array([0.0730, 0.1481, 0.0214, 0.0028, 0.0003, 0.0000])


@pytest.fixture(scope="module")
def walk():
    return descend(GradientDescent(1.0), START, J, 1000)


def test_1_3_rounding_explains_every_printed_loss_but_the_third():
    half_digit = np.linspace(-0.005, 0.005, 101)
    square = np.stack(np.meshgrid(half_digit, half_digit)).reshape(2, 1, -1)
    nearby = J(GUESSES[:, :, None] + square)
    low, high = nearby.min(axis=1), nearby.max(axis=1)
    explained = (low.round(4) <= PRINTED) & (high.round(4) >= PRINTED)
    assert explained.tolist() == [True, True, False, True, True, True]
    assert np.floor(1e4 * low[2]) / 1e4 == PRINTED[2], "cut after four digits, it fits"


def test_1_4_darts_lead_at_first_and_gradient_descent_at_the_end(walk):
    searches = [J(np.random.default_rng(s).uniform(-6, 6, (2, 10_000))) for s in range(20)]
    best = np.minimum.accumulate(searches, axis=1)
    assert np.median(best[:, 9]) < walk.loss[10] / 10
    assert (best[:, -1] < 1e-5).sum() < 5 and walk.first_below(1e-5) == 380


def test_2_3_two_units_straight_against_the_gradient_lead_uphill():
    spot = np.zeros(2)
    g = J.grad(spot)
    assert J(spot - 2 * g / np.linalg.norm(g)) > J(spot)


def test_2_8_the_plateau_alone_decides_who_is_late():
    others = np.array([(2.0, 2.0), (4.0, 4.0), (-3.0, -4.0)]).T
    long = descend(GradientDescent(1.0), others, J, 3000)
    halved = long.first_below(long.loss[0] / 2)
    rest = long.first_below(1e-5) - halved
    assert halved.max() > 30 * halved.min() > 0
    assert rest.max() < 1.1 * rest.min()


def test_2_9_on_the_plateau_the_direction_hardly_turns(walk):
    g = J.grad(walk.theta[:61].T)
    g = g / np.linalg.norm(g, axis=0)
    turns = np.degrees(np.arccos(np.minimum(np.sum(g[:, 1:] * g[:, :-1], axis=0), 1)))
    assert turns.max() < 1


def test_2_10_the_trough_is_no_minimum_but_takes_thousands_of_long_steps():
    start = (-4.0, 5.0)
    short = descend(GradientDescent(1.0), start, J, 3000)
    assert short.first_below(1e-5) == -1
    assert J.predict(short.theta[-1], J.X) == pytest.approx([0.2, 0.0], abs=1e-3)
    assert 0 < np.linalg.norm(J.grad(short.theta[-1])) < 1e-4
    assert 3000 < descend(GradientDescent(20.0), start, J, 10_000).first_below(1e-5) < 5000


def test_2_10_each_walk_ends_in_the_hollow_on_its_own_side():
    wells = DoubleWell()
    ends = descend(GradientDescent(0.05), np.array([(1.6, 1.5), (-0.4, 1.5)]).T, wells, 400)
    deep, shallow = wells.minima
    assert np.allclose(ends.theta[-1].T, [shallow, deep], atol=1e-6)
    assert wells(deep) < wells(shallow)


def test_2_11_the_best_rate_on_the_bowl_makes_both_factors_of_one_size():
    sweep = np.linspace(0.01, 0.2, 191)
    arrivals = descend(GradientDescent(sweep), (-2.5, 1.0), Quadratic(1.0, 10.0), 1000)
    steps = arrivals.first_below(1e-20)
    quickest = sweep[steps == steps[steps >= 0].min()]
    assert np.abs(quickest - 2 / 11).min() < 0.002


def test_2_11_beyond_its_bound_the_neuron_neither_settles_nor_diverges():
    beyond = descend(GradientDescent(30.0), START, J, 3000)
    assert beyond.diverged_at == -1
    assert beyond.theta[-1] == pytest.approx(beyond.theta[-3], abs=1e-9)
    assert np.linalg.norm(beyond.theta[-1] - beyond.theta[-2]) > 0.1


def test_2_11_below_two_over_the_largest_curvature_no_step_goes_up(walk):
    curvature = max(
        np.linalg.eigvalsh(hessian(J, np.array([w, b])))[-1]
        for w in np.linspace(-6, 6, 61)
        for b in np.linspace(-6, 6, 61)
    )
    assert f"{2 / curvature:.1f}" == "3.5"

    def rises(eta):
        loss = descend(GradientDescent(eta), START, J, 1000).loss
        return ((np.diff(loss) > 0) & (loss[1:] > 1e-12)).sum()

    assert (np.diff(walk.loss) < 0).all()
    assert rises(3.0) == 0 and rises(10.0) > 0 and rises(20.0) > 0
