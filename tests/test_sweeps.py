"""Sweeps and basin maps: each cell is its single run, axes have names, blocks change nothing."""

from __future__ import annotations

import dataclasses
import re
import sys
import tracemalloc

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    EXACT,
    OBJECTIVES,
    batches,
    each,
    every_objective,
    every_rule,
    hyper_values,
    law,
    law_of_pairs,
    points,
    same_bits,
)

from lecopt import (
    Adam,
    Backtracking,
    DoubleWell,
    GradientDescent,
    Himmelblau,
    LineSearch,
    Momentum,
    Nesterov,
    Neuron,
    Quadratic,
    Rosenbrock,
    Saddle,
    basin,
    descend,
    minibatches,
    sweep,
    two_points,
)
from lecopt.basins import DIVERGED, ELSEWHERE
from lecopt.sweeps import MEASURES

J = Neuron(*two_points())
HIMMELBLAU = Himmelblau()
ETAS = np.geomspace(0.01, 10.0, 7)


def cell_is(cell, path, below, exact=True):
    """Whether a cell of a sweep, chosen down to one run, holds the measures of a path."""
    assert cell.axes == {}
    counts = [cell.diverged_at, cell.steps, cell.grad_evals]
    lengths = [(cell.loss, path.loss[-1]), (cell.length, path.length())]
    return (
        (same_bits if exact else close)(cell.theta, path.theta[-1])
        and all(close(*pair) for pair in lengths)  # a square of a number is no square of an array
        and [int(c) for c in counts] == [path.diverged_at, path.steps, path.grad_evals[-1]]
        and (not exact or cell.first_below == path.first_below(below))
    )


def close(a, b):
    """Whether two arrays agree but for round-off, NaN for NaN."""
    return np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)


# ---- a cell is a run


@every_rule
@each(EXACT)
@law_of_pairs
@given(data=st.data())
def test_a_cell_of_rates_and_starts_is_its_single_run_bit_for_bit(rule, J, data):
    starts = data.draw(batches(J))
    etas = data.draw(
        st.lists(
            hyper_values(rule.__dataclass_fields__["eta"]), min_size=1, max_size=4, unique=True
        )
    )
    swept = sweep(rule(), starts, J, 12, eta=etas, below=0.5)
    assert swept.loss.shape == (len(etas), starts.shape[1])
    assert swept.theta.shape == (2, len(etas), starts.shape[1])
    for eta in etas:
        for k in range(starts.shape[1]):
            path = descend(rule(eta=eta), starts[:, k], J, 12)
            assert cell_is(swept.sel(eta=eta, start=k), path, below=0.5)


@every_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_any_hyper_parameter_of_any_rule_can_be_swept(rule, J, data):
    fields = data.draw(st.permutations(dataclasses.fields(rule)))[:2]
    values = {
        f.name: data.draw(st.lists(hyper_values(f), min_size=1, max_size=3, unique=True))
        for f in fields
    }
    start = data.draw(points(J))
    fixed = {} if "eta" in values else {"eta": 1e-3}
    swept = sweep(rule(**fixed), start, J, 6, **values)
    at = {name: data.draw(st.sampled_from(v)) for name, v in values.items()}
    path = descend(rule(**fixed, **at), start, J, 6)
    if path.diverged_at < 0 and np.abs(path.theta).max() < 1e6:
        assert cell_is(swept.sel(**at), path, below=-np.inf, exact=False)
    again = swept.path(**at)
    assert same_bits(again.theta, path.theta) and same_bits(again.loss, path.loss)


@given(st.permutations(["eta", "gamma"]), st.permutations(["x", "y"]))
@law
def test_the_order_of_axes_does_not_matter(names, labels):
    hypers = {"eta": [1e-4, 1e-3, 5e-3], "gamma": [0.0, 0.9]}
    grid = {"x": np.linspace(-2, 2, 4), "y": np.linspace(-1, 3, 5)}
    one = sweep(Momentum(), grid, Rosenbrock(), 20, below=1.0, **hypers)
    other = sweep(
        Momentum(), {k: grid[k] for k in labels}, Rosenbrock(), 20, below=1.0,
        **{k: hypers[k] for k in names},
    )  # fmt: skip
    assert list(one.axes) == ["eta", "gamma", "x", "y"] and list(other.axes) == [*names, *labels]
    order = [list(other.axes).index(name) for name in one.axes]
    for measure in MEASURES:
        assert same_bits(np.transpose(getattr(other, measure), order), getattr(one, measure))
    assert same_bits(np.transpose(other.theta, (0, *(1 + i for i in order))), one.theta)


@every_rule
@given(st.integers(1, 100))
@law_of_pairs
def test_the_size_of_the_blocks_changes_nothing(rule, block):
    starts = np.random.default_rng(0).uniform(-3, 3, (2, 9))
    whole = sweep(rule(), starts, J, 15, eta=ETAS, below=0.1)
    parts = sweep(rule(), starts, J, 15, eta=ETAS, below=0.1, block=block)
    for measure in ("theta", *MEASURES):
        a, b = getattr(whole, measure), getattr(parts, measure)
        assert a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=0), measure
    ours = basin(rule(), HIMMELBLAU, 15, n=7, block=block)
    assert same_bits(ours.ends, basin(rule(), HIMMELBLAU, 15, n=7).ends)


def test_a_grid_of_starts_is_named_by_the_coordinates():
    grid = {"b": [-1.0, 0.0, 2.0], "w": [-2.0, 3.0]}
    swept = sweep(GradientDescent(1.0), grid, J, 50)
    assert list(swept.axes) == ["b", "w"] and swept.loss.shape == (3, 2)
    path = descend(GradientDescent(1.0), [3.0, -1.0], J, 50)
    assert swept.sel(w=3, b=-1).loss == pytest.approx(path.loss[-1], rel=1e-12)
    assert same_bits(swept.path(w=3, b=-1).theta, path.theta)
    assert swept.loss[0, 1] == swept.sel(b=-1.0).sel(w=3.0).loss


def test_one_run_is_a_sweep_too():
    swept = sweep(Momentum(1.0), (-2, -2), J, 200, below=1e-5)
    assert swept.axes == {} and swept.loss.shape == () and swept.theta.shape == (2,)
    path = descend(Momentum(1.0), (-2, -2), J, 200)
    assert cell_is(swept, path, 1e-5, exact=False) and swept.first_below == 164
    assert same_bits(swept.path().theta, path.theta)


def test_single_precision_stays_single():
    start = np.array([1.0, -1.0], np.float32)
    swept = sweep(Adam(), start, Quadratic(), 20, eta=[0.1, 0.2])
    assert swept.theta.dtype == swept.loss.dtype == np.float32
    assert same_bits(swept.theta[:, 1], descend(Adam(0.2), start, Quadratic(), 20).theta[-1])


def test_a_run_that_diverges_is_marked_and_the_others_go_on():
    swept = sweep(GradientDescent(), [1.0, 0.0], Quadratic(1.0, 1.0), 600, eta=[0.1, 3.0, 0.5])
    assert swept.diverged_at.tolist() == [-1, 512, -1]
    assert swept.steps.tolist() == swept.grad_evals.tolist() == [600, 512, 600]
    for measure in (swept.loss, swept.length, swept.theta[0]):
        assert np.isnan(measure).tolist() == [False, True, False]


def test_a_rule_that_changes_theta_in_place_is_measured_all_the_same():
    class InPlace(GradientDescent):
        def step(self, theta, state, J):
            theta -= self.eta * J.grad(theta)
            return theta, state

    start = np.array([1.0, 2.0])
    swept = sweep(InPlace(0.05), start, Quadratic(), 5)
    path = descend(GradientDescent(0.05), start, Quadratic(), 5)
    assert cell_is(swept, path, below=-np.inf) and start.tolist() == [1.0, 2.0]


def test_a_run_that_comes_back_from_infinity_stays_marked():
    class Hole:
        """A loss that is infinite between 1 and 2."""

        def __call__(self, theta):
            return np.where(np.abs(theta[0] - 1.5) < 0.5, np.inf, theta[0])

        def grad(self, theta):
            return np.ones_like(theta)

    starts = np.array([[2.2, 9.0], [0.0, 0.0]])
    swept = sweep(GradientDescent(0.5), starts, Hole(), 6, below=1.0)
    path = descend(GradientDescent(0.5), starts, Hole(), 6)
    assert swept.diverged_at.tolist() == path.diverged_at.tolist() == [1, -1]
    assert same_bits(swept.loss, path.loss[-1]) and same_bits(swept.theta, path.theta[-1])
    assert swept.first_below.tolist() == path.first_below(1.0).tolist() == [-1, -1]


# ---- several rules: the same terms for all


def test_robustness_strips_are_fair():
    rules = {"GD": GradientDescent(), "momentum": Momentum(), "Adam": Adam()}
    starts = np.random.default_rng(1).uniform(-3, 3, (2, 5))
    strip = sweep(rules, starts, J, 100, eta=ETAS, below=1e-3)
    assert list(strip.axes) == ["rule", "eta", "start"] and strip.loss.shape == (3, 7, 5)
    assert list(strip.axes["rule"]) == list(rules)
    for name, rule in rules.items():
        alone = sweep(rule, starts, J, 100, eta=ETAS, below=1e-3)
        for measure in ("theta", *MEASURES):
            assert same_bits(getattr(strip.sel(rule=name), measure), getattr(alone, measure))
    assert strip.setup.rules == rules and strip.setup.steps == 100 and strip.setup.J is J
    assert same_bits(strip.setup.starts, starts)
    assert (strip.grad_evals == 100).all()
    for word in ("rule: 3", "eta: 7", "start: 5", "Momentum(eta=0.1, gamma=0.9)", "Neuron"):
        assert word in repr(strip)


def test_the_budget_counts_gradients_not_steps():
    @dataclasses.dataclass(frozen=True)
    class Heun(GradientDescent):
        """Two gradients a step."""

        def step(self, theta, state, J):
            g = J.grad(theta)
            return theta - self.eta / 2 * (g + J.grad(theta - self.eta * g)), state

    strip = sweep({"GD": GradientDescent(), "Heun": Heun()}, [1.0, 1.0], Quadratic(), 25, eta=[0.1])
    assert strip.steps[:, 0].tolist() == [25, 12] and strip.grad_evals[:, 0].tolist() == [25, 24]
    path = descend(Heun(0.1), [1.0, 1.0], Quadratic(), 12)
    assert cell_is(strip.sel(rule="Heun", eta=0.1), path, below=-np.inf)
    assert same_bits(strip.path(rule="Heun", eta=0.1).theta, path.theta)


def test_a_rule_that_asks_for_no_gradient_gets_as_many_steps():
    class Drift(GradientDescent):
        def step(self, theta, state, J):
            return theta + self.eta, state

    swept = sweep(Drift(), [0.0, 0.0], Quadratic(), 7, eta=[1.0])
    assert swept.steps == 7 and swept.grad_evals == 0 and swept.theta.tolist() == [[7.0], [7.0]]


def test_the_losses_that_a_line_search_looks_at_are_shown():
    strip = sweep({"search": LineSearch(), "GD": GradientDescent(1.0)}, [2.0, 2.0], J, 10)
    assert strip.loss_evals.tolist() == [50, 0] and strip.grad_evals.tolist() == [10, 10]
    halving = sweep(Backtracking(), [2.0, 2.0], J, 10)
    assert halving.loss_evals == descend(Backtracking(), [2.0, 2.0], J, 10).loss_evals[-1]


def test_every_rule_sees_the_same_minibatches():
    def stream():
        return minibatches(J, 1, np.random.default_rng(3))

    rules = {"GD": GradientDescent(), "momentum": Momentum()}
    strip = sweep(rules, (2, 2), J, 60, stream=stream, eta=[0.5, 1.0], block=1)
    for name, rule in rules.items():
        path = descend(dataclasses.replace(rule, eta=1.0), (2, 2), J, 60, objectives=stream())
        cell = strip.sel(rule=name, eta=1.0)
        assert cell.loss == pytest.approx(path.loss[-1], rel=1e-9)
        again = strip.path(rule=name, eta=1.0)
        assert same_bits(again.theta, path.theta) and same_bits(again.rows, path.rows)


# ---- to look things up


def test_the_best_is_the_lowest_that_is_left():
    swept = sweep(
        GradientDescent(), {"w": [-2.0, 2.0], "b": [2.0, -2.0]}, J, 100, eta=ETAS, below=1e-2
    )
    best = swept.best()
    assert swept.sel(**best).loss == swept.loss.min() and list(best) == ["eta", "w", "b"]
    assert swept.path(**best).loss[-1] == pytest.approx(swept.loss.min(), rel=1e-9)
    first = swept.best("first_below")
    reached = swept.first_below[swept.first_below >= 0]
    assert (swept.first_below < 0).any() and swept.sel(**first).first_below == reached.min()
    part = swept.sel(eta=ETAS[0])
    assert (
        part.best()["eta"] == ETAS[0] and part.sel(**{k: part.best()[k] for k in "wb"}).axes == {}
    )
    assert part.path(**part.best()).steps == 100, "what sel has chosen may be said again"
    wild = sweep(GradientDescent(), [1.0, 0.0], Quadratic(1.0, 1.0), 600, eta=[3.0, 0.1])
    assert wild.best() == {"eta": 0.1} == wild.best("length") == wild.best("steps")


def test_an_xarray_has_the_axes_as_dimensions():
    rules = {"GD": GradientDescent(), "momentum": Momentum()}
    strip = sweep(rules, {"w": [-2.0, 1.0], "b": [0.0, 1.0, 2.0]}, J, 30, eta=ETAS, below=0.1)
    data = strip.to_xarray()
    assert isinstance(data, xarray.Dataset) and set(data.data_vars) == {"theta", *MEASURES}
    assert data.loss.dims == ("rule", "eta", "w", "b") and data.theta.dims[0] == "parameter"
    cell = {"rule": "momentum", "eta": ETAS[2], "w": 1.0, "b": 2.0}
    assert data.loss.sel(cell).item() == strip.sel(**cell).loss
    assert data.theta.sel(parameter="b", **cell).item() == strip.sel(**cell).theta[1]
    assert data.attrs["objective"] == "Neuron" and data.attrs["budget"] == 30
    assert strip.sel(rule="GD").to_xarray().attrs["rule"] == "GD"
    falls = basin(GradientDescent(0.005), HIMMELBLAU, 60, n=8)
    assert falls.to_xarray().ends.dims == ("y", "x")
    assert falls.to_xarray().ends.sel(x=6.0, y=-6.0).item() == falls.ends[0, -1] == 3


def test_without_xarray_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ModuleNotFoundError, match=r"to_xarray needs xarray: .*pip install xarray"):
        sweep(GradientDescent(), (2, 2), J, 3, eta=ETAS).to_xarray()


def test_a_bar_is_shown_when_asked_for(capsys):
    sweep(GradientDescent(), (2, 2), J, 3, eta=ETAS, block=2, progress=True)
    assert "4/4" in capsys.readouterr().err
    basin(GradientDescent(), HIMMELBLAU, 3, n=4, block=5, progress=True)
    assert "4/4" in capsys.readouterr().err


def test_the_readmes_example_runs(root):
    (example,) = (
        code
        for code in re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
        if "sweep(" in code
    )
    names: dict = {}
    exec(example, names)
    assert names["strip"].loss.shape == (3, 60)


# ---- bad input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sweep(Momentum(), (2, 2), J, lr=[0.1]),
         "Momentum has no hyper-parameter 'lr' to sweep; it has eta, gamma"),
        (lambda: sweep({"a": Momentum(), "b": GradientDescent()}, (2, 2), J, gamma=[0.1]),
         "GradientDescent has no hyper-parameter 'gamma'"),
        (lambda: sweep(LineSearch(), (2, 2), J, candidates=[0.1]),
         "LineSearch has no hyper-parameter 'candidates' to sweep; it has none"),
        (lambda: sweep(Momentum(), (2, 2), J, eta=0.1),
         r"eta is 0.1; expected numbers of shape \(n,\)"),
        (lambda: sweep(Momentum(), (2, 2), J, eta=[]), r"eta is \[\]; expected numbers"),
        (lambda: sweep(Momentum(), (2, 2), J, eta=["a"]), r"eta is \['a'\]; expected numbers"),
        (lambda: sweep(Momentum(), (2, 2), J, eta=[0.1, -0.1]),
         r"Momentum\(eta=-0.1\): eta must be at least 0"),
        (lambda: sweep(Momentum(np.ones(3)), (2, 2), J),
         "Momentum.* holds an array; give one number, or its values to `sweep`"),
        (lambda: sweep({}, (2, 2), J), "sweep: there is no rule"),
        (lambda: sweep(Momentum(), {"x": [1.0], "b": [1.0]}, J),
         "grid of starts has values of x, b; expected the coordinates of Neuron: w, b"),
        (lambda: sweep(Momentum(), np.ones((2, 3, 4)), J),
         r"theta has shape \(2, 3, 4\); expected \(D,\)"),
        (lambda: sweep(Momentum(), (2, np.nan), J), "expected finite numbers"),
        (lambda: sweep(Momentum(), (2, 2, 2), J), r"Neuron cannot take theta of shape \(3,\)"),
        (lambda: sweep(Momentum(), (2, 2), J, -1),
         "sweep: steps is -1; expected a whole number, at least 0"),
        (lambda: sweep(Momentum(), (2, 2), J, block=0),
         "sweep: block is 0; expected a whole number, at least 1"),
        (lambda: sweep(Momentum(), (2, 2), J, 3, eta=ETAS).sel(lr=1),
         "there is no axis 'lr'; the axes are eta"),
        (lambda: sweep(Momentum(), (2, 2), J, 3, eta=[1.0, 2.0]).sel(eta=1.8),
         "eta has no coordinate 1.8; the nearest is 2.0"),
        (lambda: sweep({"a": Momentum()}, (2, 2), J, 3).sel(rule="b"),
         "rule has no coordinate 'b'; it has a"),
        (lambda: sweep(Momentum(), (2, 2), J, 3, eta=ETAS).path(),
         "more than one run is left: choose eta too"),
        (lambda: sweep(Momentum(), (2, 2), J, 3, eta=ETAS).best("speed"),
         "there is no measure 'speed', but loss, length"),
        (lambda: sweep(Momentum(), (2, 2), J, 3, eta=ETAS).best("first_below"),
         "no run has a first_below: sweep other values, or more steps"),
        (lambda: basin(Momentum(), Saddle()),
         r"minima of Saddle have shape \(0, 2\); expected \(M, 2\)"),
        (lambda: basin(Momentum(), HIMMELBLAU, n=1), "basin: n is 1"),
        (lambda: basin(Momentum(), HIMMELBLAU, within=0.0),
         "basin: within is 0.0; expected a distance above 0"),
        (lambda: basin(Momentum(), HIMMELBLAU, steps=2.5),
         "basin: steps is 2.5; expected a whole number"),
        (lambda: basin(Momentum(np.ones(4)), HIMMELBLAU),
         "basin: Momentum.* holds an array; give one number"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_words_that_help(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_hyper_parameter_named_as_a_coordinate_is_refused():
    @dataclasses.dataclass(frozen=True)
    class Odd(GradientDescent):
        w: float = 0.0

    with pytest.raises(ValueError, match="'w' names a hyper-parameter and a coordinate of J"):
        sweep(Odd(), {"w": [1.0], "b": [1.0]}, J, 3, w=[0.0, 1.0])


# ---- basin maps


@every_rule
@pytest.mark.parametrize("name", ["Himmelblau", "DoubleWell", "Rastrigin"])
def test_a_cell_of_a_basin_map_is_where_its_run_ends(rule, name):
    surface = OBJECTIVES[name]
    falls = basin(rule(eta=0.004), surface, 80, n=6, within=0.1)
    x, y = falls.axes["x"], falls.axes["y"]
    for row, column in np.ndindex(6, 6):
        path = descend(rule(eta=0.004), [x[column], y[row]], surface, 80)
        far = np.sqrt(np.sum((path.theta[..., None] - surface.minima.T) ** 2, axis=1))
        end, came = ELSEWHERE, -1
        if path.diverged_at >= 0:
            end = DIVERGED
        elif far[-1].min() <= 0.1:
            end = far[-1].argmin()
            came = (far[:, end] <= 0.1).argmax()
        assert falls.ends[row, column] == end and falls.arrived[row, column] == came
        assert np.allclose(falls.theta[:, row, column], path.theta[-1], 1e-9, equal_nan=True)


def test_what_counts_as_an_end_can_be_said():
    dents = [[0.0, 0.0], [0.99496, 0.0]]  # the lowest dent of Rastrigin's bowl and a neighbour
    falls = basin(GradientDescent(0.002), OBJECTIVES["Rastrigin"], 100, n=20, minima=dents,
                  window=((-0.3, 1.3), (-0.2, 0.2)))  # fmt: skip
    assert set(np.unique(falls.ends)) == {0, 1} and falls.within == pytest.approx(0.004)
    assert (falls.ends[:, falls.axes["x"] < 0.4] == 0).all()
    assert (falls.ends[:, falls.axes["x"] > 0.6] == 1).all()
    assert falls.shares().sum() == 1 and "x: 20" in repr(falls)


def test_a_border_is_as_long_as_its_edges():
    wells = DoubleWell(tilt=0.0)
    falls = basin(GradientDescent(0.05), wells, 200, n=40)
    # One straight border down the middle, 39 gaps of 4/39 and the edges of 40 rows of cells.
    assert falls.boundary() == pytest.approx(40 * 4 / 39)


def test_14_6_the_basins_of_a_symmetric_double_well_are_mirror_images():
    for rule in (GradientDescent(0.05), Momentum(0.05), Adam(0.1)):
        falls = basin(rule, DoubleWell(tilt=0.0), 400, n=60)
        assert set(np.unique(falls.ends)) == {0, 1}
        assert same_bits(falls.ends[:, ::-1], 1 - falls.ends)
        assert same_bits(falls.arrived[:, ::-1], falls.arrived)
    descent = basin(GradientDescent(0.05), DoubleWell(tilt=0.0), 400, n=60)
    assert same_bits(descent.ends, np.broadcast_to(descent.axes["x"] > 0, (60, 60)).astype(int))
    tilted = basin(GradientDescent(0.05), DoubleWell(tilt=0.25), 400, n=60)
    assert tilted.shares()[0] > 0.5 > tilted.shares()[1], "the deeper one draws in more"


def test_14_6_small_steps_divide_himmelblaus_window_among_four_basins():
    falls = basin(GradientDescent(0.005), HIMMELBLAU, n=200)
    assert set(np.unique(falls.ends)) == {0, 1, 2, 3} and (falls.shares() > 0.2).all()

    def ends_around(x, y):
        column = np.argmin(np.abs(falls.axes["x"] - x))
        row = np.argmin(np.abs(falls.axes["y"] - y))
        return set(falls.ends[row - 1 : row + 2, column - 1 : column + 2].ravel().tolist())

    for i, minimum in enumerate(HIMMELBLAU.minima):
        assert ends_around(*minimum) == {i}, "each minimum lies within its own basin"
    saddles = {
        (0.0866775, 2.8842547): {0, 1}, (3.3851541, 0.0738518): {0, 3},
        (-3.0730258, -0.0813530): {1, 2}, (-0.1279613, -1.9537150): {2, 3},
    }  # fmt: skip
    for saddle, sides in saddles.items():
        assert np.abs(HIMMELBLAU.grad(np.array(saddle))).max() < 1e-4
        assert ends_around(*saddle) == sides, "a saddle lies on the border of two"
    summit = np.array([-0.2708446, -0.9230386])
    assert np.abs(HIMMELBLAU.grad(summit)).max() < 1e-4
    (x, y), r = summit, 0.15
    around = basin(
        GradientDescent(0.005), HIMMELBLAU, n=100, window=((x - r, x + r), (y - r, y + r))
    )
    assert (around.shares() > 0.01).all(), "all four meet at the summit"
    assert (falls.arrived >= 0).all() and falls.arrived.max() < 200


def test_14_6_memory_frays_the_basins():
    maps = {
        rule: basin(rule, HIMMELBLAU, n=200)
        for rule in (GradientDescent(0.005), Nesterov(0.005), Momentum(0.005))
    }
    assert all((m.ends >= 0).all() for m in maps.values())
    descent, nesterov, momentum = (m.boundary() for m in maps.values())
    assert 12 * descent < momentum and 3 * descent < nesterov < momentum / 3
    share = [m.arrived.mean() for m in maps.values()]
    assert share[1] < share[0]


def test_14_6_too_large_a_rate_leaves_only_the_wider_valleys():
    falls = basin(GradientDescent(0.02), HIMMELBLAU, n=100)
    assert set(np.unique(falls.ends)) == {0, 1, DIVERGED, ELSEWHERE}
    curved = [np.linalg.eigvalsh(_hessian(m))[-1] for m in HIMMELBLAU.minima]
    assert [c < 2 / 0.02 for c in curved] == [True, True, False, False]


def _hessian(point):
    x, y = point
    return np.array(
        [[12 * x**2 + 4 * y - 42, 4 * x + 4 * y], [4 * x + 4 * y, 12 * y**2 + 4 * x - 26]]
    )


def test_a_map_of_forty_thousand_starts_takes_little_memory():
    tracemalloc.start()
    try:
        assert basin(GradientDescent(0.005), HIMMELBLAU, 40, n=200).ends.shape == (200, 200)
        few = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        basin(GradientDescent(0.005), HIMMELBLAU, 160, n=200)
        many = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert few < 30e6 and many < 1.1 * few, "no history is kept: steps cost no memory"
