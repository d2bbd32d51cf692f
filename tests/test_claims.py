"""The claims of chapters 1 to 4, each with its id in the curriculum."""

from __future__ import annotations

import contourpy
import matplotlib.pyplot as plt
import numpy as np
import pytest
from strategies import OBJECTIVES, Slope, walk

from lecopt import (
    Adam,
    GradientDescent,
    Momentum,
    MomentumEMA,
    Nesterov,
    Neuron,
    Quadratic,
    descend,
    hessian,
    narrow_valley,
    noisy_wave,
    numerical_gradient,
    two_points,
)

J = Neuron(*two_points())
NARROW = Neuron(*narrow_valley())
DEFAULT_START = (-2, -2)
NARROW_START = (-2.5, -1)


@pytest.fixture(scope="module")
def default_run():
    return descend(GradientDescent(1.0), DEFAULT_START, J, 1000)


# ---- 1 Guess work


@pytest.mark.parametrize(
    ("w", "b", "computed"),
    [
        (0.50, 0.00, "0.0731"),
        (-0.10, 0.00, "0.1481"),
        (0.94, -0.94, "0.0217"),
        (1.42, -1.73, "0.0029"),
        (1.65, -2.08, "0.0003"),
        (1.78, -2.27, "0.0000"),
    ],
)
def test_1_3_the_guess_table(w, b, computed):
    assert f"{J(np.array([w, b])):.4f}" == computed


def test_1_3_the_guesses_walk_downhill_but_for_the_second():
    guesses = np.array(
        [[0.5, 0], [-0.1, 0], [0.94, -0.94], [1.42, -1.73], [1.65, -2.08], [1.78, -2.27]]
    )
    assert (np.sign(np.diff(J(guesses.T))) == [1, -1, -1, -1, -1]).all()


def test_1_3_the_minimum_and_its_curvature():
    w, b = J.minima[0]
    # sigmoid^-1(0.2) = -log 4 and sigmoid^-1(0.9) = log 9 on a line through x = 0.5 and 2.5.
    assert w == pytest.approx((np.log(9) + np.log(4)) / 2, abs=1e-12)
    assert (f"{w:.9f}", f"{b:.9f}") == ("1.791759469", "-2.282174096")
    assert J(J.minima[0]) < 1e-30
    flat, stiff = np.linalg.eigvalsh(hessian(J, J.minima[0]))
    assert f"{stiff / flat:.1f}" == "7.8"
    assert f"{2 / stiff:.1f}" == "24.9"


def test_1_3_gradient_descent_is_stable_up_to_24_9_and_not_beyond():
    near = J.minima[0] + 1e-3
    assert descend(GradientDescent(24.5), near, J, 1000).loss[-1] < 1e-12
    assert descend(GradientDescent(25.3), near, J, 1000).loss[-1] > 10 * J(near)


def test_1_4_a_grid_costs_r_to_the_p():
    r = 13
    for p in (1, 2, 3):
        model = Neuron(np.linspace(-1, 1, 6).reshape(-1, p), np.linspace(0.2, 0.8, 6 // p))
        axes = [np.linspace(-6, 6, r)] * (p + 1)
        assert model(np.stack(np.meshgrid(*axes))).size == r ** len(model.labels)


def test_1_4_brute_force_needs_a_hundred_times_the_looks_for_a_tenth_of_the_distance():
    def nearest(r):
        axis = np.linspace(-6, 6, r)
        grid = np.stack(np.meshgrid(axis, axis)).reshape(2, -1)
        return np.linalg.norm(grid[:, np.argmin(J(grid))] - J.minima[0]), J(grid).min()

    coarse, fine = nearest(25), nearest(241)
    assert coarse[0] < 0.6 and fine[0] < coarse[0] / 3
    # 58,081 looks at the loss, and still above what 600 gradients reach.
    assert fine[1] > descend(GradientDescent(1.0), DEFAULT_START, J, 600).loss[-1]


def test_1_4_random_search_gains_little_by_ten_times_the_looks():
    rng = np.random.default_rng(0)
    few, many = (np.median([J(rng.uniform(-6, 6, (2, n))).min() for _ in range(50)])
                 for n in (100, 1000))  # fmt: skip
    assert 1e-5 < many < few
    assert few > 1e-4, "a hundred looks are far from what gradient descent reaches"


# ---- 2 Gradient descent


def drops(objective, theta, eta, n=720):
    """Return the angle to the gradient, and the drop of the loss, for n steps of length eta."""
    g = objective.grad(theta)
    angle = np.linspace(0, 360, n, endpoint=False)
    turn = np.deg2rad(angle) + np.arctan2(g[1], g[0])
    u = np.stack([np.cos(turn), np.sin(turn)])
    return angle, objective(theta) - objective(theta[:, None] + eta * u)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_2_3_the_drop_is_largest_straight_against_the_gradient(name):
    objective = OBJECTIVES[name]
    for theta in np.random.default_rng(2).uniform(-1.2, 1.2, (20, 2)):
        slope = np.linalg.norm(objective.grad(theta))
        bend = np.abs(np.linalg.eigvalsh(hessian(objective, theta))).max()
        angle, drop = drops(objective, theta, eta=1e-3 * slope / (bend + slope))
        assert angle[np.argmax(drop)] == pytest.approx(180, abs=1.0)
        assert angle[np.argmin(drop)] in (*np.arange(0, 1.5, 0.5), *np.arange(359, 360, 0.5))


def test_2_3_for_a_long_step_the_best_direction_is_another():
    angle, drop = drops(Quadratic(1.0, 10.0), np.array([2.0, 1.0]), eta=2.0)
    assert abs(angle[np.argmax(drop)] - 180) > 20


def test_2_2_the_predicted_change_is_right_to_first_order():
    theta, u = np.array([0.5, 0.0]), np.array([0.6, -0.8])
    for eta in (1e-2, 1e-3, 1e-4):
        predicted = eta * u @ J.grad(theta)
        real = J(theta + eta * u) - J(theta)
        assert abs(real - predicted) < 0.2 * eta**2
    assert (u @ J.grad(theta) < 0) == (J(theta + 1e-3 * u) < J(theta))


def test_2_5_the_chain_rule_for_one_point_then_two():
    x, y = two_points()
    for w, b in np.random.default_rng(5).uniform(-4, 4, (20, 2)):
        theta, parts = np.array([w, b]), []
        for xi, yi in zip(x, y, strict=True):
            f = 1 / (1 + np.exp(-(w * xi + b)))
            parts.append([(f - yi) * f * (1 - f) * xi, (f - yi) * f * (1 - f)])
        assert J.on([0]).grad(theta) == pytest.approx(parts[0], rel=1e-12, abs=1e-16)
        assert J.on([1]).grad(theta) == pytest.approx(parts[1], rel=1e-12, abs=1e-16)
        assert J.grad(theta) == pytest.approx(np.sum(parts, axis=0), rel=1e-12, abs=1e-16)
        assert J.grad(theta) == pytest.approx(numerical_gradient(J, theta), abs=1e-9)


def test_2_7_the_step_is_eta_times_the_slope(default_run):
    slope = np.linalg.norm(J.grad(default_run.theta.T), axis=0)
    assert default_run.step_lengths() == pytest.approx(1.0 * slope[:-1], rel=1e-9, abs=1e-15)
    assert slope.max() > 10 * slope[0], "flat at the start, steep later"
    half = descend(GradientDescent(0.5), DEFAULT_START, J, 1)
    assert half.step_lengths()[0] == pytest.approx(0.5 * slope[0])


@pytest.mark.parametrize("start", [(-2, -2), (-4, -4), (4, 4), (0, 4)])
def test_2_8_on_a_plateau_progress_stalls(start):
    path = descend(GradientDescent(1.0), start, J, 1000)
    longest = path.step_lengths().max()
    flat = np.linalg.norm(J.grad(np.array(start, float)))
    middle = np.linalg.norm(J.grad(np.zeros(2)))
    assert flat < middle / 4, "these starts are on flat ground"
    stalled = int(np.argmax(path.step_lengths() > longest / 2))
    assert stalled > 10, "it crawls before it gets going"


def test_2_8_from_far_out_it_is_not_there_after_1000_steps():
    assert descend(GradientDescent(1.0), (-4, -4), J, 1000).first_below(1e-5) == -1
    assert descend(GradientDescent(1.0), (0, 0), J, 1000).first_below(1e-5) < 380


def test_2_11_a_rate_too_large_overshoots_then_diverges():
    valley = Quadratic(1.0, 10.0)
    for eta, crossings, diverges in [(0.09, 0, False), (0.19, 40, False), (0.21, 40, True)]:
        path = descend(GradientDescent(eta), [2.0, 1.0], valley, 40)
        assert path.crossings(valley) == crossings
        assert (path.loss[-1] > path.loss[0]) == diverges
    assert descend(GradientDescent(0.2), [2.0, 1.0], valley, 41).theta[-1, 1] == pytest.approx(-1.0)


def test_2_11_every_step_lowers_the_loss_only_for_a_small_rate(default_run):
    assert (np.diff(default_run.loss) < 0).all()
    large = descend(GradientDescent(60.0), DEFAULT_START, J, 100)
    assert (np.diff(large.loss) > 0).any()


# ---- 3 Contours


def contour_lines(objective, level, n=1201):
    (x_lo, x_hi), (y_lo, y_hi) = objective.window
    x, y = np.linspace(x_lo, x_hi, n), np.linspace(y_lo, y_hi, n)
    z = objective(np.stack(np.meshgrid(x, y)))
    return contourpy.contour_generator(x, y, z).lines(level)


@pytest.mark.parametrize(
    ("objective", "level"),
    [(J, 0.03), (J, 0.1), (NARROW, 0.1), (Quadratic(), 2.0), (OBJECTIVES["Himmelblau"], 60.0)],
)
def test_3_2_the_gradient_is_perpendicular_to_the_contour(objective, level):
    for line in contour_lines(objective, level):
        along = np.diff(line, axis=0)
        length = np.linalg.norm(along, axis=1)
        # The shortest segments show only how their ends were interpolated.
        long = length > np.median(length) / 3
        along, middle = along[long], (line[1:] + line[:-1])[long] / 2
        g = objective.grad(middle.T).T
        both = np.linalg.norm(along, axis=1) * np.linalg.norm(g, axis=1)
        assert np.abs(np.sum(along * g, axis=1) / both).max() < 0.06


@pytest.mark.parametrize("objective", [J, NARROW, Quadratic()])
def test_3_2_close_lines_are_steep_and_distant_ones_gentle(objective):
    low, high = (0.05, 0.0505) if isinstance(objective, Neuron) else (2.0, 2.01)
    here, there = (np.concatenate(contour_lines(objective, level, n=301)) for level in (low, high))
    gaps = np.linalg.norm(here[:, None] - there[None], axis=2).min(axis=1)
    slope = np.linalg.norm(objective.grad(here.T), axis=0)
    inner = np.abs(here).max(axis=1) < np.max(objective.window) - 0.5
    assert np.corrcoef(np.log(gaps[inner]), np.log(slope[inner]))[0, 1] < -0.6
    steep, gentle = slope > np.quantile(slope, 0.9), slope < np.quantile(slope, 0.1)
    assert np.median(gaps[steep & inner]) < np.median(gaps[gentle & inner])


# ---- 4 Momentum


def test_4_4_three_steps_by_hand():
    g = [np.array([0.4, 0.2]), np.array([0.3, 0.1]), np.array([0.2, 0.3])]
    state, theta, eta, gamma = Momentum().init(np.zeros(2)), np.zeros(2), 0.5, 0.9
    by_hand = [
        eta * g[0],
        eta * (0.9 * g[0] + g[1]),
        eta * (0.81 * g[0] + 0.9 * g[1] + g[2]),
    ]
    for gradient, expected in zip(g, by_hand, strict=True):
        theta, state = Momentum(eta, gamma).step(theta, state, Slope(gradient))
        assert state.u == pytest.approx(expected, rel=1e-14)


def test_4_4_the_first_step_is_gradient_descents_and_the_next_are_longer():
    plain = descend(GradientDescent(1.0), DEFAULT_START, J, 3).step_lengths()
    momentum = descend(Momentum(1.0, 0.9), DEFAULT_START, J, 3).step_lengths()
    assert momentum[0] == plain[0]
    assert momentum[1] > 1.8 * plain[1] and momentum[2] > 2.5 * plain[2]


@pytest.mark.parametrize(("gamma", "times"), [(0.5, 2), (0.9, 10), (0.99, 100)])
def test_4_5_under_a_constant_gradient_it_reaches_a_terminal_velocity(gamma, times):
    g, eta = np.array([0.3, -0.2]), 0.1
    states = [state.u for _, state in walk(Momentum(eta, gamma), np.zeros(2), Slope(g), 5000)]
    assert states[-1] == pytest.approx(times * eta * g, rel=1e-12)
    for t in (1, 2, 10):
        assert states[t - 1] == pytest.approx(eta * g * (1 - gamma**t) / (1 - gamma), rel=1e-12)


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        (GradientDescent(1.0), 380),
        (Momentum(1.0, 0.9), 164),
        (Nesterov(1.0, 0.9), 100),
        (GradientDescent(10.0), 30),
        (Adam(0.1), 124),
    ],
)
def test_4_6_the_race_on_the_plateau(rule, first):
    assert descend(rule, DEFAULT_START, J, 1000).first_below(1e-5) == first


@pytest.mark.parametrize(
    ("rule", "loss", "crossings", "overshoot", "first"),
    [
        (GradientDescent(1.0), "0.357130", 0, "0.00", 1394),
        (Momentum(1.0, 0.9), "0.000011", 15, "1.45", 105),
        (Nesterov(1.0, 0.9), "0.000012", 1, "0.34", 102),
    ],
)
def test_4_7_the_narrow_valley(rule, loss, crossings, overshoot, first):
    path = descend(rule, NARROW_START, NARROW, 100)
    assert f"{path.loss[-1]:.6f}" == loss
    assert path.crossings(NARROW) == crossings
    assert f"{path.overshoot(NARROW):.2f}" == overshoot
    assert descend(rule, NARROW_START, NARROW, 1500).first_below(1e-5) == first


def test_4_7_momentum_makes_u_turns_and_still_beats_gradient_descent():
    momentum = descend(Momentum(1.0, 0.9), NARROW_START, NARROW, 100)
    plain = descend(GradientDescent(1.0), NARROW_START, NARROW, 100)
    steps = np.diff(momentum.theta, axis=0)
    assert (np.sum(steps[1:] * steps[:-1], axis=1) < 0).sum() >= 1, "it turns back on itself"
    assert momentum.loss[-1] < plain.loss[-1] / 1000


def test_4_7_it_is_sensitive_to_the_start():
    moved = descend(Momentum(1.0, 0.9), (-2.4, -1.1), NARROW, 100)
    quoted = descend(Momentum(1.0, 0.9), NARROW_START, NARROW, 100)
    assert abs(np.log10(moved.loss[-1] / quoted.loss[-1])) > 0.1


def test_4_7_the_contour_plot_has_the_lectures_colour_bar():
    axis = np.linspace(-6, 6, 121)
    figure, ax = plt.subplots()
    filled = ax.contourf(axis, axis, NARROW(np.stack(np.meshgrid(axis, axis))), levels=25)
    ticks = figure.colorbar(filled).get_ticks()
    plt.close(figure)
    assert [f"{t:.3f}" for t in ticks[:2]] == ["0.000", "0.045"]
    assert f"{ticks[ticks <= filled.levels[-1]][-1]:.3f}" == "0.360"


@pytest.mark.parametrize(("mass", "friction", "dt"), [(1.0, 0.5, 0.2), (2.0, 0.3, 0.5)])
def test_4_8_a_rolling_ball_is_momentum(mass, friction, dt):
    """m dv/dt = -grad - friction v, stepped forwards, with dx/dt = v taken at the new v."""
    x, v = np.array([-2.0, -2.0]), np.zeros(2)
    gamma, eta = 1 - friction * dt / mass, dt**2 / mass
    path = descend(Momentum(eta, gamma), x, J, 200)
    for t in range(200):
        assert path.theta[t] == pytest.approx(x, rel=1e-11, abs=1e-11)
        assert path.states.u[t] == pytest.approx(-dt * v, rel=1e-9, abs=1e-12)
        v = v + dt / mass * (-J.grad(x) - friction * v)
        x = x + dt * v


def test_4_8_without_friction_the_ball_does_not_come_to_rest():
    bowl = Quadratic(1.0, 1.0)
    rolling = descend(Momentum(0.01, 1.0), [1.0, 0.0], bowl, 20_000)
    energy = rolling.loss[1:] + np.sum(rolling.states.u[1:] ** 2, axis=1) / (2 * 0.01)
    assert energy.min() > 0.9 * energy[0] and energy.max() < 1.15 * energy[0]
    assert descend(Momentum(0.01, 0.9), [1.0, 0.0], bowl, 2000).loss[-1] < 1e-12


def moving_average(values, beta):
    """Return the average after each value, as the rule computes it from zero."""
    state, averages = MomentumEMA().init(np.zeros(1)), []
    for value in values:
        _, state = MomentumEMA(beta=beta).step(np.zeros(1), state, Slope([value]))
        averages.append(state.m[0])
    return np.array(averages)


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.98])
def test_4_9_the_average_weighs_the_past_less_and_less(beta):
    one = np.zeros(400)
    one[0] = 1.0
    weights = moving_average(one, beta)
    assert weights == pytest.approx((1 - beta) * beta ** np.arange(400), rel=1e-12)
    window = round(1 / (1 - beta))
    # After 1 / (1 - beta) values the weight has fallen to about 1/e.
    assert 0.2 < weights[window] / weights[0] < 0.38
    assert moving_average(np.ones(50), beta) == pytest.approx(1 - beta ** np.arange(1, 51))


def test_4_9_it_starts_too_low_and_the_correction_mends_it():
    _, wave = noisy_wave()
    _, clean = noisy_wave(noise=0.0)
    for beta in (0.9, 0.98):
        average = moving_average(wave, beta)
        corrected = average / (1 - beta ** np.arange(1, len(wave) + 1))
        assert average[0] == pytest.approx((1 - beta) * wave[0])
        assert corrected[0] == pytest.approx(wave[0])
        assert clean[0] - average[0] > 1.5, "the zero start shows"
        early = slice(0, 5)
        error = np.abs(corrected - clean)[early].max()
        assert error < np.abs(average - clean)[early].min()


def test_4_9_a_longer_memory_is_smoother():
    _, wave = noisy_wave()
    rough = [np.abs(np.diff(moving_average(wave, beta)))[60:].mean()
             for beta in (0.5, 0.8, 0.9, 0.98)]  # fmt: skip
    assert np.abs(np.diff(wave))[60:].mean() > rough[0]
    assert (np.diff(rough) < 0).all()


def test_4_9_the_average_is_nearer_to_the_wave_than_the_data_are():
    _, wave = noisy_wave()
    _, clean = noisy_wave(noise=0.0)
    average = moving_average(wave, 0.8)
    assert np.std((average - clean)[30:]) < 0.8 * np.std((wave - clean)[30:])
    late = moving_average(wave, 0.98)
    assert np.std((late - clean)[30:]) > np.std((average - clean)[30:]), "too long a memory lags"


def test_4_10_momentum_damps_the_zigzag_and_gains_along_the_ravine():
    ravine = Quadratic(1.0, 50.0)
    eta = 1.9 / 50
    plain = descend(GradientDescent(eta), [-2.5, 1.0], ravine, 60)
    momentum = descend(Momentum(eta, 0.5), [-2.5, 1.0], ravine, 60)
    assert plain.crossings(ravine) == 60 and momentum.crossings(ravine) < 45
    assert np.abs(momentum.theta[30:, 1]).max() < np.abs(plain.theta[30:, 1]).max() / 10
    assert abs(momentum.theta[-1, 0]) < abs(plain.theta[-1, 0])


def test_4_10_momentum_may_carry_over_a_local_minimum():
    wells = OBJECTIVES["DoubleWell"]
    left, right = wells.minima
    start = [1.6, 0.0]
    plain = descend(GradientDescent(0.01), start, wells, 2000)
    momentum = descend(Momentum(0.01, 0.95), start, wells, 2000)
    assert plain.theta[-1] == pytest.approx(right, abs=1e-6)
    assert momentum.theta[-1] == pytest.approx(left, abs=1e-6)
    assert momentum.loss[-1] < plain.loss[-1]
