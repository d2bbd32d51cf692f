"""The run loop: what is recorded, streams and schedules, divergence, measures, bad input."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import OBJECTIVES, every_objective, every_rule, law, points, same_bits

from lecopt import (
    Adam,
    Beale,
    GradientDescent,
    Momentum,
    Nesterov,
    Neuron,
    Path,
    Quadratic,
    Rosenbrock,
    Saddle,
    descend,
    iterates,
    minibatches,
    two_points,
)

TEN = Neuron(np.linspace(-2, 2, 10), np.linspace(0.1, 0.9, 10))


def path_of(points_visited):
    """Return a path by hand, on the ravine J = (p^2 + 100 q^2) / 2."""
    theta = np.array(points_visited, float)
    n = len(theta)
    none = np.zeros(n, int)
    return Path(theta, np.arange(n)[::-1] / n, (), none, none, np.array(-1))


# ---- what is recorded


@every_rule
@every_objective
def test_a_path_is_the_iterates_and_their_losses(rule, J):
    theta = np.array([0.3, -0.4])
    path = descend(rule(eta=1e-3), theta, J, 12)
    trail = list(iterates(rule(eta=1e-3), theta, itertools.repeat(J, 12)))
    assert path.steps == 12 and path.theta.shape == (13, 2) and path.loss.shape == (13,)
    for t, (point, state) in enumerate(trail):
        assert same_bits(path.theta[t], point)
        assert path.loss[t] == J(point)
        for name, value in state._asdict().items():
            assert np.array_equal(getattr(path.states, name)[t], value)
    assert path.diverged_at == -1


@every_rule
def test_evaluations_are_those_that_the_rule_asked_for(rule):
    path = descend(rule(), [0.3, -0.4], Quadratic(), 7)
    assert path.grad_evals.tolist() == list(range(8))
    assert path.loss_evals.tolist() == [0] * 8, "the recorder's own look is not charged"


def test_a_rule_that_asks_more_is_charged_more():
    class NoState(NamedTuple):
        pass

    class TwoLooks:
        def init(self, theta):
            return NoState()

        def step(self, theta, state, J):
            half = theta - 0.01 * J.grad(theta)
            better = J(half) < J(theta) and J(half) >= 0
            return half - 0.01 * better * J.grad(half), state

    path = descend(TwoLooks(), [1.0, 1.0], Quadratic(), 4)
    assert path.grad_evals.tolist() == [0, 2, 4, 6, 8]
    assert path.loss_evals.tolist() == [0, 3, 6, 9, 12]


def test_no_steps_is_a_path_of_the_start():
    path = descend(Adam(), [1.0, 2.0], Beale(), 0)
    assert path.steps == 0 and path.theta.tolist() == [[1.0, 2.0]]
    assert path.length() == 0


def test_the_start_is_left_as_it_was():
    start = np.array([1.0, 2.0])
    path = descend(GradientDescent(0.1), start, Quadratic(), 3)
    path.theta[:] = 7
    assert start.tolist() == [1.0, 2.0]


def test_a_rule_that_changes_theta_in_place_is_recorded_all_the_same():
    class InPlace(GradientDescent):
        def step(self, theta, state, J):
            theta -= self.eta * J.grad(theta)
            return theta, state

    start = np.array([1.0, 2.0])
    path = descend(InPlace(0.05), start, Quadratic(), 5)
    assert same_bits(path.theta, descend(GradientDescent(0.05), start, Quadratic(), 5).theta)
    assert start.tolist() == [1.0, 2.0]


def test_whole_numbers_become_fractions():
    assert descend(GradientDescent(0.1), [2, -1], Quadratic(), 0).theta.dtype == np.float64
    path = descend(GradientDescent(0.1), [2, -1], Quadratic(), 3)
    assert path.theta.dtype == np.float64
    assert same_bits(path.theta, descend(GradientDescent(0.1), [2.0, -1.0], Quadratic(), 3).theta)


def test_a_sweep_over_rates_and_starts():
    starts = np.random.default_rng(0).uniform(-1, 1, (2, 4))
    rates = np.array([0.01, 0.02, 0.05, 0.1])
    path = descend(GradientDescent(rates), starts, Quadratic(), 6)
    assert path.theta.shape == (7, 2, 4) and path.first_below(1e9).tolist() == [0] * 4
    for k in range(4):
        alone = descend(GradientDescent(rates[k]), starts[:, k], Quadratic(), 6)
        assert same_bits(path.theta[..., k], alone.theta)
    square = descend(GradientDescent(rates[:, None]), starts, Quadratic(), 6)
    assert square.theta.shape == (7, 2, 4, 4)
    for i, k in np.ndindex(4, 4):
        alone = descend(GradientDescent(rates[i]), starts[:, k], Quadratic(), 6)
        assert same_bits(square.theta[..., i, k], alone.theta)


# ---- streams


@given(st.integers(1, 10), st.integers(0, 2**32 - 1))
@law
def test_each_epoch_shows_each_row_once(size, seed):
    stream = minibatches(TEN, size, np.random.default_rng(seed))
    per_epoch = -(-10 // size)
    for _ in range(3):
        epoch = list(itertools.islice(stream, per_epoch))
        assert [part.n for part in epoch[:-1]] == [size] * (per_epoch - 1)
        seen = np.concatenate([part.X for part in epoch])
        assert same_bits(np.sort(seen), TEN.X)
        pairs = {(x, y) for part in epoch for x, y in zip(part.X, part.y, strict=True)}
        assert pairs == set(zip(TEN.X, TEN.y, strict=True)), "x and y stay together"


def test_epochs_are_shuffled_anew_and_a_seed_repeats_them():
    def rows(seed, n):
        stream = minibatches(TEN, 1, np.random.default_rng(seed))
        return [part.X[0] for part in itertools.islice(stream, n)]

    twice = rows(0, 20)
    assert twice[:10] != twice[10:] and twice == rows(0, 20) and twice != rows(1, 20)


def test_a_batch_of_all_rows_is_the_whole_objective():
    stream = minibatches(TEN, 10, np.random.default_rng(0))
    whole = descend(GradientDescent(0.5), [1.0, 1.0], TEN, 20)
    fed = descend(GradientDescent(0.5), [1.0, 1.0], TEN, 20, objectives=stream)
    assert np.abs(whole.theta - fed.theta).max() < 1e-13
    assert fed.grad_evals[-1] == 20


@given(st.integers(1, 10), st.integers(0, 2**32 - 1))
@law
def test_with_replacement_every_row_is_drawn_from_all(size, seed):
    def rows():
        stream = minibatches(TEN, size, np.random.default_rng(seed), replace=True)
        return [np.searchsorted(TEN.X, part.X) for part in itertools.islice(stream, 300)]

    drawn = rows()
    assert all(len(batch) == size for batch in drawn)
    assert same_bits(tuple(drawn), tuple(rows()))
    counts = np.bincount(np.concatenate(drawn), minlength=10)
    assert np.abs(counts - 30 * size).max() < 6 * np.sqrt(30 * size)
    repeats = any(len(set(batch)) < size for batch in drawn)
    assert repeats == (size > 1)


def test_the_stream_is_descended_and_the_whole_is_recorded():
    stream = [TEN.on([i]) for i in (3, 0, 9)]
    path = descend(GradientDescent(0.5), [1.0, 1.0], TEN, 50, objectives=stream)
    assert path.steps == 3, "a stream that ends, ends the run"
    for t, part in enumerate(stream):
        step = path.theta[t] - 0.5 * part.grad(path.theta[t])
        assert same_bits(path.theta[t + 1], step)
        assert path.loss[t] == TEN(path.theta[t])


# ---- schedules


@every_rule
def test_a_schedule_sees_the_steps_from_zero_and_sets_its_hyper_parameter(rule):
    J, theta, asked = Quadratic(), np.array([1.0, -1.0]), []

    def rate(t):
        asked.append(t)
        return 0.05 / (1 + t)

    path = descend(rule(), theta, J, 5, schedules={"eta": rate})
    assert asked == [0, 1, 2, 3, 4]
    state = rule().init(theta)
    for t in range(5):
        theta, state = rule(eta=0.05 / (1 + t)).step(theta, state, J)
        assert same_bits(path.theta[t + 1], theta)


def test_two_schedules_at_once_and_the_rule_keeps_its_own():
    rule = Momentum(eta=0.3, gamma=0.9)
    path = descend(
        rule, [1.0, 1.0], Quadratic(), 4, schedules={"eta": lambda _: 0.01, "gamma": lambda _: 0.0}
    )
    assert same_bits(path.theta, descend(GradientDescent(0.01), [1.0, 1.0], Quadratic(), 4).theta)
    assert rule == Momentum(eta=0.3, gamma=0.9)


def test_a_scheduled_value_out_of_range_is_refused_when_it_comes():
    schedule = {"eta": lambda t: 0.1 if t < 2 else -0.1}
    with pytest.raises(ValueError, match=r"GradientDescent\(eta=-0.1\).*at least 0"):
        descend(GradientDescent(), [1.0, 1.0], Quadratic(), 5, schedules=schedule)


# ---- divergence


@every_rule
@every_objective
def test_a_run_that_leaves_the_floats_is_marked_without_a_warning(rule, J):
    starts = np.stack(np.meshgrid([-2.0, 0.3, 1.7], [-1.9, 0.4, 2.1])).reshape(2, 9)
    for eta in (1e3, 1e150, 1e300):
        with np.errstate(all="raise"):  # the caller's own setting is stricter than a warning
            path = descend(rule(eta=eta), starts, J, 60)
        assert path.diverged_at.shape == (9,)
        for k, t in enumerate(path.diverged_at):
            end = len(path.loss) if t == -1 else t
            assert np.isfinite(path.theta[:end, :, k]).all()
            assert np.isfinite(path.loss[:end, k]).all()
            assert np.isnan(path.theta[end:, :, k]).all()
            assert np.isnan(path.loss[end:, k]).all()


def test_where_it_diverges_is_where_the_loss_first_overflows():
    # theta_t = (1 - 3)^t, and its square, 4^t, is too large for a float64 at t = 512.
    path = descend(GradientDescent(3.0), [1.0, 0.0], Quadratic(1.0, 1.0), 600)
    assert path.diverged_at == 512 and path.steps == 512, "it stops there"
    assert np.isfinite(path.loss[:512]).all() and np.isnan(path.loss[512:]).all()
    assert path.first_below(1e-9) == -1


def test_in_a_batch_the_others_go_on():
    rates = np.array([0.1, 3.0, 0.05])
    with np.errstate(all="raise"):
        path = descend(GradientDescent(rates), [1.0, 1.0], Quadratic(1.0, 1.0), 800)
        alone = descend(GradientDescent(0.05), [1.0, 1.0], Quadratic(1.0, 1.0), 800)
    assert path.steps == 800
    assert path.diverged_at[[0, 2]].tolist() == [-1, -1] and path.diverged_at[1] > 500
    assert same_bits(path.theta[:, :, 2], alone.theta)
    assert path.first_below(1e-5)[1] == -1 and (path.first_below(1e-5)[[0, 2]] > 0).all()
    assert np.isnan(path.length()[1]) and np.isfinite(path.length()[[0, 2]]).all()


def test_a_run_that_comes_back_from_infinity_stays_marked():
    class Hole:
        """A loss that is infinite between 1 and 2."""

        def __call__(self, theta):
            return np.where(np.abs(theta[0] - 1.5) < 0.5, np.inf, theta[0])

        def grad(self, theta):
            return np.ones_like(theta)

    both = np.array([[2.2, 9.0], [0.0, 0.0]])
    path = descend(GradientDescent(0.5), both, Hole(), 6)
    assert path.diverged_at.tolist() == [1, -1]
    assert np.isnan(path.loss[1:, 0]).all() and np.isnan(path.theta[1:, :, 0]).all()
    assert np.isfinite(path.loss[:, 1]).all()


def test_single_precision_leaves_its_range_sooner():
    start = np.array([1.0, 1.0], np.float32)
    path = descend(GradientDescent(3.0), start, Quadratic(1.0, 1.0), 600)
    # (1 + 1) / 2 * 4^t passes 3.4e38 at t = 64.
    assert path.diverged_at == 64 and path.theta.dtype == np.float32


# ---- kept in a file


@every_rule
@pytest.mark.parametrize("K", [(), (3,)])
def test_a_path_that_was_saved_is_the_path(rule, K, tmp_path):
    path = descend(rule(), np.full((2, *K), 0.3), Quadratic(), 5)
    path.save(tmp_path / "path.npz")
    again = Path.load(tmp_path / "path.npz")
    for field in ("theta", "loss", "grad_evals", "loss_evals", "diverged_at"):
        assert same_bits(getattr(again, field), getattr(path, field)), field
    assert type(again.states).__name__ == type(path.states).__name__
    assert again.states._fields == path.states._fields
    assert same_bits(tuple(again.states), tuple(path.states))
    assert same_bits(again.crossings(Quadratic()), path.crossings(Quadratic()))
    state = type(again.states)(*(column[5] for column in again.states))
    resumed, _ = rule().step(again.theta[5], state, Quadratic())
    assert resumed == pytest.approx(descend(rule(), path.theta[0], Quadratic(), 6).theta[6])


def test_another_file_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", theta=np.ones(3))
    with pytest.raises(ValueError, match=r"other.npz holds no path: it has no loss"):
        Path.load(tmp_path / "other.npz")


# ---- measures


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0, 1))
@law
def test_first_below_is_the_first_loss_below(losses, level):
    path = path_of(np.zeros((len(losses), 2)))
    path = Path(path.theta, np.array(losses), (), path.grad_evals, path.loss_evals, np.array(-1))
    expected = next((t for t, loss in enumerate(losses) if loss < level), -1)
    assert path.first_below(level) == expected and isinstance(path.first_below(level), int)


def test_lengths():
    path = path_of([[0, 0], [3, 4], [3, 4], [3, 16]])
    assert path.step_lengths().tolist() == [5, 0, 12] and path.length() == 17


def test_crossings_and_overshoot_are_measured_across_the_valley():
    zigzag = path_of([[9, 1.0], [8, -0.5], [7, -0.25], [6, 0.75], [5, -0.125]])
    valley = Quadratic(1.0, 100.0)
    assert np.abs(zigzag.across(valley)) == pytest.approx([1.0, 0.5, 0.25, 0.75, 0.125])
    assert zigzag.crossings(valley) == 3 and isinstance(zigzag.crossings(valley), int)
    assert zigzag.overshoot(valley) == pytest.approx(0.5)
    rest = path_of([[9, 1.0], [8, 0.0], [7, 0.0], [6, 0.0]])
    assert rest.crossings(valley) == 0, "to come to rest on the floor is not to cross it"
    straight = path_of([[9, 1.0], [8, 0.5], [7, 0.25]])
    assert straight.crossings(valley) == 0 and straight.overshoot(valley) == 0


@given(st.floats(-3, 3), st.lists(st.floats(-2, 2), min_size=2, max_size=9))
@law
def test_a_turned_valley_is_measured_along_its_own_axis(angle, q):
    valley = Quadratic(1.0, 100.0, angle)
    side = np.array([-np.sin(angle), np.cos(angle)])
    q = np.round(q, 3)
    path = path_of(q[:, None] * side)
    assert np.abs(path.across(valley)) == pytest.approx(np.abs(q), abs=1e-6)
    beyond = max(0.0, (-np.sign(q[0]) * q).max()) if q[0] else 0.0
    assert path.overshoot(valley) == pytest.approx(beyond, abs=1e-6)


def test_measures_of_a_sweep_are_those_of_its_runs():
    J, rates = Neuron(*two_points()), np.array([1.0, 3.0, 10.0])
    path = descend(Momentum(rates, 0.9), [-2, -2], J, 200)
    alone = [descend(Momentum(eta, 0.9), [-2, -2], J, 200) for eta in rates]
    assert path.crossings(J).tolist() == [run.crossings(J) for run in alone]
    assert path.overshoot(J) == pytest.approx([run.overshoot(J) for run in alone])
    assert path.length() == pytest.approx([run.length() for run in alone])
    assert path.first_below(1e-3).tolist() == [run.first_below(1e-3) for run in alone]


def test_the_nearest_minimum_is_the_one_measured_from():
    J = OBJECTIVES["Himmelblau"]
    for minimum in J.minima:
        path = descend(GradientDescent(0.005), minimum + 0.2, J, 300)
        assert np.abs(path.across(J)[-1]) < 1e-6


def test_without_a_known_minimum_there_is_nothing_to_measure_from():
    with pytest.raises(ValueError, match="Saddle has no known minimum to measure from"):
        path_of([[0, 0], [1, 1]]).crossings(Saddle())


# ---- bad input: what, where, and what to do


@pytest.mark.parametrize(
    ("theta", "error", "words"),
    [
        ([1.0, np.nan], ValueError, ["nan", "finite", "(D,)"]),
        ([1.0, np.inf], ValueError, ["inf", "finite"]),
        ([], ValueError, ["expected finite numbers of shape (D,)"]),
        (2.0, ValueError, ["theta is 2.0", "(D,) or (D, K...)"]),
        (["a", "b"], TypeError, ["'a'", "expected numbers"]),
        ([True, False], TypeError, ["True", "expected numbers"]),
        ([1j, 2], TypeError, ["expected numbers"]),
        ([1.0, 2.0, 3.0], ValueError, ["Rosenbrock cannot take theta of shape (3,)", "expected 2"]),
        ([[1.0, 2.0]], ValueError, ["Rosenbrock cannot take theta of shape (1, 2)"]),
    ],
)
def test_a_bad_start_is_refused(theta, error, words):
    with pytest.raises(error, match=r"^descend: ") as caught:
        descend(GradientDescent(), theta, Rosenbrock(), 3)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_start_of_the_wrong_size_for_the_neuron_is_refused():
    words = r"Neuron cannot take theta of shape \(3,\): .*expected 2: a weight for each of the 1"
    with pytest.raises(ValueError, match=words):
        descend(GradientDescent(), [1.0, 2.0, 3.0], Neuron(*two_points()), 3)
    with pytest.raises(ValueError, match=r"Beale cannot take theta of shape \(3,\).*expected 2"):
        descend(GradientDescent(), [1.0, 2.0, 3.0], Beale(), 3)


def test_an_objective_that_gives_no_single_loss_is_refused():
    class Vector(Quadratic):
        def __call__(self, theta):
            return theta

    with pytest.raises(ValueError, match=r"Vector gives a loss of shape \(2,\).*expected \(\)"):
        descend(GradientDescent(), [1.0, 2.0], Vector(), 3)


@pytest.mark.parametrize("steps", [-1, 1.5, "ten"])
def test_a_bad_number_of_steps_is_refused(steps):
    with pytest.raises(ValueError, match=f"steps is {steps}; expected a whole number, 0 or more"):
        descend(GradientDescent(), [1.0, 2.0], Quadratic(), steps)


def test_runs_whose_shapes_do_not_match_are_refused():
    rule = Momentum(eta=np.ones(3), gamma=np.zeros(4))
    with pytest.raises(ValueError, match=r"theta \(\), eta \(3,\), gamma \(4,\).*same shape"):
        descend(rule, [1.0, 2.0], Quadratic(), 3)
    with pytest.raises(ValueError, match=r"theta \(5,\), eta \(3,\).*same shape \(K,\)"):
        descend(GradientDescent(np.ones(3)), np.ones((2, 5)), Quadratic(), 3)


def test_a_schedule_for_an_unknown_hyper_parameter_is_refused():
    with pytest.raises(ValueError, match="a schedule for 'lr', which Nesterov does not have") as e:
        descend(Nesterov(), [1.0, 2.0], Quadratic(), 3, schedules={"lr": lambda _: 0.1})
    assert "its hyper-parameters are eta, gamma" in str(e.value)


def test_an_unknown_keyword_is_refused():
    with pytest.raises(TypeError, match=r"descend.*unexpected keyword argument 'epochs'"):
        descend(Nesterov(), [1.0, 2.0], Quadratic(), epochs=3)


@pytest.mark.parametrize("size", [0, -1, 11, 2.5])
def test_a_bad_batch_size_is_refused_at_once(size):
    with pytest.raises(ValueError, match=f"batch_size is {size}; expected a whole number") as e:
        minibatches(TEN, size, np.random.default_rng(0))
    assert "from 1 to 10, the number of rows" in str(e.value)


@law
@given(points(Quadratic()), st.floats(0.01, 0.15))
def test_the_generator_can_be_used_by_hand(theta, eta):
    """What chapter 2 shows: a plain loop over `iterates`, stopped by its reader."""
    losses = []
    for point, _ in iterates(GradientDescent(eta), theta, itertools.repeat(Quadratic())):
        losses.append(Quadratic()(point))
        if len(losses) == 20:
            break
    assert (np.diff(losses) <= 0).all()
