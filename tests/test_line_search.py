"""Line search: exact on quadratics, enough by Armijo, a step for each run, all looks counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import EXACT, Slope, batches, each, every_objective, law, points, same_bits, walk

from lecopt import (
    Backtracking,
    Beale,
    DoubleWell,
    ExactLineSearch,
    GradientDescent,
    LineSearch,
    Neuron,
    Quadratic,
    Rosenbrock,
    Saddle,
    descend,
    ravine,
    two_points,
)
from lecopt.rule import Rule
from lecopt.search import first_that
from lecopt.trace import trace_step

SEARCHES = [LineSearch(), Backtracking(), Backtracking(eta=1.0, down=0.3, c=0.2)]
NAMES = ["fixed", "armijo", "strict"]
every_search = pytest.mark.parametrize("search", SEARCHES, ids=NAMES)
on_quadratics = pytest.mark.parametrize(
    "search", [*SEARCHES, ExactLineSearch()], ids=[*NAMES, "exact"]
)
curvature = st.floats(0.1, 10)


# ---- the step it takes


@every_objective
@law
@given(data=st.data())
def test_of_the_candidates_the_lowest_loss_is_kept(J, data):
    theta, search = data.draw(points(J)), LineSearch()
    with np.errstate(all="ignore"):
        new, state = search.step(theta, search.init(theta), J)
        trials = [theta - eta * J.grad(theta) for eta in search.candidates]
        losses = [float(J(trial)) for trial in trials]
    best = int(np.argmin(losses))
    assert same_bits(new, trials[best]) and state.eta == search.candidates[best]


@law
@given(curvature, curvature, st.floats(-3, 3), points(Quadratic()))
def test_on_a_quadratic_the_nearest_to_the_exact_step_is_kept(lambda1, lambda2, angle, theta):
    """Along a line a quadratic is a parabola: the lower, the nearer to its lowest point."""
    J = Quadratic(lambda1, lambda2, angle)
    assume(np.abs(theta).max() > 1e-3)
    p, q = J.axes(J.grad(theta))
    exact = (p**2 + q**2) / (lambda1 * p**2 + lambda2 * q**2)
    search = LineSearch(np.array([0.01, 0.07, 0.2, 0.6, 1.5, 4.0]))
    apart = np.sort(np.abs(np.array(search.candidates) - exact))
    assume(apart[1] - apart[0] > 1e-6)
    _, state = search.step(theta, search.init(theta), J)
    assert abs(state.eta - exact) == apart[0]
    # With the exact length among them it is steepest descent: the new gradient is at right angles.
    search = LineSearch([0.5 * exact, exact, 2 * exact])
    new, state = search.step(theta, search.init(theta), J)
    assert state.eta == exact
    size = np.linalg.norm(J.grad(theta)) ** 2
    assert abs(J.grad(new) @ J.grad(theta)) < 1e-9 * size


@law
@given(curvature, points(Quadratic()))
def test_on_a_round_bowl_the_exact_step_arrives(curve, theta):
    path = descend(
        LineSearch([0.3 / curve, 1 / curve, 1.4 / curve]), theta, Quadratic(curve, curve), 1
    )
    assert np.abs(path.theta[1]).max() < 1e-12


@law
@given(
    curvature, st.floats(0.1, 30), st.floats(0.1, 0.7), st.floats(1e-4, 0.5), points(Quadratic())
)
def test_on_a_round_bowl_backtracking_stops_at_the_known_length(curve, eta, down, c, theta):
    """J falls by eta |g|^2 (1 - eta curve / 2): enough as soon as eta <= 2 (1 - c) / curve."""
    limit = 2 * (1 - c) / curve
    tried = eta * down ** np.arange(41)
    assume(np.abs(tried / limit - 1).min() > 1e-6 and np.abs(theta).max() > 1e-3)
    search = Backtracking(eta, down, c)
    _, state = search.step(theta, search.init(theta), Quadratic(curve, curve))
    assert state.eta == pytest.approx(tried[np.argmax(tried <= limit)], rel=1e-9)


class Bowl:
    """A quadratic in any number of dimensions: J = theta^T H theta / 2 - b^T theta."""

    def __init__(self, seed, dim=5):
        rng = np.random.default_rng(seed)
        A = rng.normal(size=(dim, dim))
        self.H, self.b = A @ A.T + 0.1 * np.eye(dim), rng.normal(size=dim)

    def __call__(self, theta):
        return np.sum(theta * (self.H @ theta), axis=0) / 2 - self.b @ theta

    def grad(self, theta):
        return ((self.H @ theta).T - self.b).T


@law
@given(st.integers(0, 2**32 - 1), st.floats(-50, 50))
def test_the_exact_length_is_the_formula_and_no_other_is_lower(seed, far):
    J = Bowl(seed)
    theta = far + np.random.default_rng(seed).normal(size=5)
    search, g = ExactLineSearch(), J.grad(theta)
    new, state = search.step(theta, search.init(theta), J)
    assert state.eta == pytest.approx(g @ g / (g @ J.H @ g), rel=1e-7)
    assert same_bits(new, theta - state.eta * g)
    for eta in state.eta * np.array([0, 0.5, 0.9, 1.1, 2]):
        assert J(new) < J(theta - eta * g)
    assert abs(J.grad(new) @ g) < 1e-6 * (g @ g), "the new gradient is at right angles to the old"


@pytest.mark.parametrize("seed", range(5))
def test_the_exact_search_arrives_and_goes_on_where_slopes_are_round_off(seed):
    """A minimum away from the origin: there theta + g would be theta itself."""
    J = Bowl(seed)
    lowest = np.linalg.solve(J.H, J.b)
    path = descend(ExactLineSearch(), lowest + np.ones(5), J, 3000)
    assert path.theta[-1] == pytest.approx(lowest, abs=1e-9 * (1 + np.abs(lowest).max()))
    curves = np.linalg.eigvalsh(J.H)
    eta = path.states.eta[path.states.eta > 0]  # 0 at the start, and where the slope is exactly 0
    assert (eta > 0.99 / curves[-1]).all() and (eta < 1.01 / curves[0]).all()


@law
@given(st.floats(1, 100), st.floats(-3, 3), points(Quadratic()))
def test_fixed_candidates_backtracking_and_the_exact_length_agree(condition, angle, theta):
    """With the exact length on offer, the lowest candidate is it, and Armijo is content with it."""
    J, exact = ravine(condition, angle), ExactLineSearch()
    assume(np.abs(theta).max() > 1e-3)
    new, state = exact.step(theta, exact.init(theta), J)
    eta = float(state.eta)
    for search in (LineSearch([0.3 * eta, eta, 1.9 * eta]), Backtracking(eta, c=0.49)):
        other, its = search.step(theta, search.init(theta), J)
        assert same_bits(other, new) and its.eta == eta
    # Half the fall that the slope promises is what the lowest point of a parabola gives.
    _, stricter = Backtracking(eta, c=0.51).step(theta, search.init(theta), J)
    assert stricter.eta == eta / 2


@pytest.mark.parametrize("condition", [3.0, 10.0, 50.0])
def test_at_worst_each_exact_step_leaves_the_known_share(condition):
    """From (condition, 1) it zigzags: the loss falls by ((k - 1) / (k + 1))^2 at every step."""
    path = descend(ExactLineSearch(), [condition, 1.0], ravine(condition), 30)
    share = ((condition - 1) / (condition + 1)) ** 2
    assert path.loss[1:] / path.loss[:-1] == pytest.approx(share, rel=1e-6)
    assert path.crossings(ravine(condition)) == 30


@law
@given(curvature, points(Quadratic()))
def test_on_a_round_bowl_the_exact_length_arrives_at_once(curve, theta):
    path = descend(ExactLineSearch(), theta, Quadratic(curve, curve), 3)
    assert np.abs(path.theta[1:]).max() < 1e-12


def test_where_a_line_has_no_lowest_point_the_exact_search_stays():
    path = descend(ExactLineSearch(), [[0.0, 1.0], [1.0, 0.0]], Saddle(), 3)
    assert path.theta[-1].tolist() == [[0, 0], [1, 0]], "down the saddle it would never end"
    assert path.states.eta[1].tolist() == [0, 1]


@pytest.mark.parametrize(
    "J",
    [Rosenbrock(), Beale(), DoubleWell(), Neuron(*two_points())],
    ids=lambda J: type(J).__name__,
)
@pytest.mark.parametrize("K", [(), (3,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_exact_search_refuses_what_is_not_quadratic(J, K, dtype):
    theta = np.full((2, *K), 0.3, dtype)
    words = r"at theta = \[0.3 *0.3\] .*not linear.*not quadratic.*take LineSearch or Backtracking"
    with pytest.raises(ValueError, match=words):
        descend(ExactLineSearch(), theta, J, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_exact_search_takes_quadratics_of_any_scale(dtype):
    for size in (1e-6, 1.0, 1e6):
        J = Quadratic(size, 30 * size, angle=0.7)
        for far in (1e-6, 1.0, 100.0):
            path = descend(ExactLineSearch(), np.array([far, far], dtype), J, 300)
            assert path.diverged_at == -1 and path.loss[-1] < 1e-4 * path.loss[0]


@every_objective
@law
@given(data=st.data())
def test_backtracking_falls_enough_and_the_length_before_did_not(J, data):
    theta, search = data.draw(points(J)), Backtracking(10.0, 0.5, 1e-4)
    g = J.grad(theta)
    with np.errstate(all="ignore"):
        new, state = search.step(theta, search.init(theta), J)

        def enough(eta):
            return J(theta - eta * g) <= J(theta) - 1e-4 * eta * (g @ g)

        assert same_bits(new, theta - state.eta * g)
        assert enough(state.eta)
        assert state.eta == 10.0 or not enough(2 * state.eta)


def test_the_number_of_tries_is_bounded():
    class Uphill(Quadratic):
        def grad(self, theta):
            return -super().grad(theta)

    path = descend(Backtracking(1.0, tries=5), [1.0, 1.0], Uphill(), 2)
    assert path.states.eta.tolist() == [0, 2**-5, 2**-5]
    assert path.loss_evals.tolist() == [0, 6, 12], "the loss at theta, and five lengths"


# ---- as every rule


@on_quadratics
@each(EXACT)
@law
@given(data=st.data())
def test_a_batch_is_its_single_runs(search, J, data):
    theta = data.draw(batches(J))
    together = walk(search, theta, J, 8)
    for k in range(theta.shape[1]):
        alone = walk(search, theta[:, k], J, 8)
        for (point, state), (point_k, state_k) in zip(together, alone, strict=True):
            assert same_bits(point[:, k], point_k) and same_bits(state.eta[k], state_k.eta)


@on_quadratics
@each(EXACT)
def test_nothing_that_is_given_is_changed(search, J):
    theta = np.array([[0.3, -1.0], [0.7, 0.2]])
    theta.flags.writeable = False
    state = search.init(theta)
    new, after = search.step(theta, state, J)
    assert isinstance(search, Rule) and not np.shares_memory(new, theta)
    assert state.eta.tolist() == [0, 0] and after.eta.shape == (2,)


@on_quadratics
@pytest.mark.parametrize("K", [(), (3,), (2, 3)])
def test_single_precision_stays_single(search, K):
    path = descend(search, np.full((2, *K), 0.5, np.float32), Quadratic(), 5)
    assert path.theta.dtype == path.loss.dtype == path.states.eta.dtype == np.float32
    assert path.states.eta.shape == (6, *K)


@on_quadratics
def test_no_slope_no_move(search):
    theta = np.array([1.0, -2.0])
    assert all(same_bits(point, theta) for point, _ in walk(search, theta, Slope(np.zeros(2)), 3))


def test_candidates_are_no_sweep_and_a_rate_of_backtracking_is():
    J = Quadratic()
    assert descend(LineSearch(np.array([0.1, 0.2])), [1.0, 1.0], J, 3).theta.shape == (4, 2)
    rates = np.array([0.1, 1.0, 10.0])
    path = descend(Backtracking(rates), [1.0, 1.0], J, 10)
    for k, eta in enumerate(rates):
        assert same_bits(path.theta[..., k], descend(Backtracking(eta), [1.0, 1.0], J, 10).theta)


def test_evaluations_are_counted():
    J = Neuron(*two_points())
    path = descend(LineSearch(), [-2, -2], J, 4)
    assert path.loss_evals.tolist() == [0, 5, 10, 15, 20]
    assert path.grad_evals.tolist() == [0, 1, 2, 3, 4]
    path = descend(Backtracking(10.0), [-2, -2], J, 30)
    halvings = np.log2(10.0 / path.states.eta[1:]).round().astype(int)
    assert np.diff(path.loss_evals).tolist() == (2 + halvings).tolist()
    assert halvings.max() >= 1
    path = descend(ExactLineSearch(), [2.0, 1.0], ravine(10), 4)
    assert path.loss_evals.tolist() == [0] * 5
    assert path.grad_evals.tolist() == [0, 3, 6, 9, 12], "two more show how the line curves"


def test_where_no_candidate_gives_a_number_it_stays():
    class Cliff(Quadratic):
        def __call__(self, theta):
            return np.where(theta[0] == 1.0, 1.0, np.inf)

    path = descend(LineSearch(), [1.0, 1.0], Cliff(), 2)
    assert path.theta.tolist() == [[1.0, 1.0]] * 3 and path.states.eta.tolist() == [0, 0, 0]


def test_one_candidate_is_gradient_descent():
    J = Neuron(*two_points())
    search, plain = (descend(r, [-2, -2], J, 50) for r in (LineSearch([1.0]), GradientDescent(1.0)))
    assert same_bits(search.theta, plain.theta)


def test_fixed_candidates_can_be_traced():
    program = trace_step(LineSearch())
    operations = [node[0] for node in program["nodes"]]
    assert operations.count("loss") == 5 and operations.count("grad") == 1
    assert set(program["out"]) == {"theta", "state.eta"}


def test_the_exact_search_can_be_traced():
    program = trace_step(ExactLineSearch())
    operations = [node[0] for node in program["nodes"]]
    assert operations.count("loss") == 0 and operations.count("grad") == 3
    assert set(program["out"]) == {"theta", "state.eta"}


def test_backtracking_is_traced_as_one_bounded_loop():
    program = trace_step(Backtracking(tries=7))
    operations = [node[0] for node in program["nodes"]]
    begin, end = operations.index("candidate"), operations.index("first")
    assert program["nodes"][begin][2] == 7, "the bound"
    assert operations.count("candidate") == 1 and operations.count("loss") == 2
    assert operations.index("loss") < begin < operations.index("loss", begin) < end
    names = {name for name, *_ in program["locals"]}
    assert names == {"theta", "g", "loss", "slope", "longest", "eta"}


def test_a_search_takes_the_first_that_passes():
    asked = []

    def passes(x):
        asked.append(np.array(x))
        return x <= 3

    assert first_that(passes, 10.0, lambda x: x / 2, 9) == 2.5
    assert asked == [10, 5, 2.5], "and looks at no more"
    assert first_that(passes, 10.0, lambda x: x / 2, 1) == 5, "untested after the last try"
    assert first_that(passes, 10.0, lambda x: x / 2, 0) == 10
    found = first_that(lambda x: x <= 3, np.array([10.0, 1.0, 4.0]), lambda x: x - 1, 20)
    assert found.tolist() == [3, 1, 3], "each run has a candidate of its own"


# ---- bad input


@pytest.mark.parametrize(
    ("candidates", "words"),
    [
        ([], "at least one step length"),
        (0.1, "at least one step length"),
        ([0.1, -1.0], r"LineSearch\(candidates=-1\).*at least 0"),
        ([0.1, np.nan], r"LineSearch\(candidates=nan\)"),
    ],
)
def test_bad_candidates_are_refused(candidates, words):
    with pytest.raises(ValueError, match=words):
        LineSearch(candidates)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"eta": -1.0}, r"Backtracking\(eta=-1\)"),
        ({"down": 1.5}, r"Backtracking\(down=1.5\).*at most 1"),
        ({"c": 1.5}, r"Backtracking\(c=1.5\).*at most 1"),
        ({"tries": -1}, r"Backtracking\(tries=-1\).*at least 0"),
    ],
)
def test_bad_settings_are_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        Backtracking(**bad)


def test_a_fraction_of_a_try_is_refused():
    with pytest.raises(TypeError, match=r"Backtracking\(tries=2.5\): expected a whole number"):
        Backtracking(tries=2.5)
