"""The pictures: what is drawn is what was computed, and nothing else changes."""

from __future__ import annotations

import inspect
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import QuadMesh
from matplotlib.text import Text
from strategies import OBJECTIVES, RULES, every_objective, points

from lecopt import (
    Adam,
    GradientDescent,
    Momentum,
    Nesterov,
    Neuron,
    Quadratic,
    Saddle,
    basin,
    descend,
    effective_rates,
    moments,
    plots,
    step_vectors,
    sweep,
    two_points,
)
from lecopt.path import Path
from lecopt.plots.labels import spread
from lecopt.plots.styles import DARK

J = Neuron(*two_points())
WALK = descend(GradientDescent(1.0), (-2, -2), J, 30)
ADAM = Adam(0.1)
ADAMS = descend(ADAM, (-2, -2), J, 30)
FALLS = basin(ADAM, J, 20, n=5)
STRIP = sweep({"GD": GradientDescent(), "Adam": ADAM}, (-2, -2), J, 20, eta=[0.1, 1], below=0.1)
VECTORS = step_vectors(Nesterov(1.0), (0.2, -0.1), (0.1, 0.2), J)


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    figure.canvas.draw()
    plt.close(figure)


@pytest.fixture
def ax3d():
    figure, axes = plt.subplots(subplot_kw={"projection": "3d"})
    yield axes
    figure.canvas.draw()
    plt.close(figure)


DRAWINGS = {
    "contours": lambda ax: plots.contours(ax, J),
    "path": lambda ax: plots.path(ax, WALK, label="GD"),
    "losses": lambda ax: plots.losses(ax, {"GD": WALK}),
    "neuron": lambda ax: plots.neuron(ax, J, {"guess": np.zeros(2)}),
    "arrow": lambda ax: plots.arrow(ax, np.zeros(2), np.ones(2)),
    "rates": lambda ax: plots.rates(ax, {"Adam": effective_rates(ADAM, ADAMS)}),
    "first_moment": lambda ax: plots.first_moment(ax, moments(ADAM, ADAMS)),
    "second_moment": lambda ax: plots.second_moment(ax, moments(ADAM, ADAMS)),
    "look_ahead": lambda ax: plots.look_ahead(ax, VECTORS),
    "basin": lambda ax: plots.basin(ax, FALLS),
    "robustness": lambda ax: plots.robustness(ax, STRIP),
}
DRAWINGS_3D = {
    "surface": lambda ax: plots.surface(ax, J, n=11),
    "path_on_surface": lambda ax: plots.path_on_surface(ax, WALK),
}


def test_every_drawing_is_tested():
    drawings = {
        name
        for name, function in vars(plots).items()
        if inspect.isfunction(function)
        and next(iter(inspect.signature(function).parameters)) == "ax"
    }
    assert drawings - {"paper"} == {*DRAWINGS, *DRAWINGS_3D}


@pytest.mark.parametrize("name", [*DRAWINGS, *DRAWINGS_3D])
def test_it_draws_on_the_axes_it_is_given_and_returns_them(name, request):
    axes = request.getfixturevalue("ax3d" if name in DRAWINGS_3D else "ax")
    plt.figure()  # another figure is the current one
    elsewhere = plt.gcf()
    try:
        settings, before = dict(mpl.rcParams), len(axes.get_children())
        figures = plt.get_fignums()
        assert (DRAWINGS | DRAWINGS_3D)[name](axes) is axes
        assert len(axes.get_children()) > before
        assert not elsewhere.axes and plt.gcf() is elsewhere and plt.get_fignums() == figures
        assert dict(mpl.rcParams) == settings
    finally:
        plt.close(elsewhere)


@pytest.mark.parametrize("name", [*DRAWINGS, *DRAWINGS_3D])
def test_it_takes_no_step(name, request, monkeypatch):
    def forbidden(*_):
        raise AssertionError("a picture computes no step and no gradient")

    for rule in (GradientDescent, Momentum, Nesterov, Adam):
        monkeypatch.setattr(rule, "step", forbidden)
    monkeypatch.setattr(Neuron, "grad", forbidden)
    axes = request.getfixturevalue("ax3d" if name in DRAWINGS_3D else "ax")
    (DRAWINGS | DRAWINGS_3D)[name](axes)


@every_objective
@pytest.mark.parametrize("log", [False, True])
def test_the_map_shows_the_window_the_names_and_the_minima(ax, J, log):
    plots.contours(ax, J, log=log)
    assert (ax.get_xlim(), ax.get_ylim()) == J.window
    assert (ax.get_xlabel(), ax.get_ylabel()) == J.labels
    stars = {tuple(line.get_xydata()[0]) for line in ax.get_lines() if line.get_marker() == "*"}
    assert stars == {tuple(minimum) for minimum in J.minima}


def test_the_map_is_that_of_the_loss(ax):
    plots.contours(ax, J, levels=[0.05, 0.1, 0.2])
    lines = ax.collections[-1]
    assert lines.get_array() is None or not isinstance(lines, QuadMesh)
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        assert J(path.vertices.T) == pytest.approx(np.full(len(path.vertices), level), abs=2e-3)


def test_the_grid_is_the_loss_on_the_window():
    x, y, loss = plots.grid(J, ((-1.0, 2.0), (0.0, 5.0)), n=7)
    assert (x[0], x[-1], y[0], y[-1]) == (-1, 2, 0, 5)
    for i, k in np.ndindex(7, 7):
        assert loss[i, k] == pytest.approx(J(np.array([x[k], y[i]])))


def test_a_window_of_ones_own(ax):
    plots.contours(ax, J, window=((0.0, 1.0), (2.0, 3.0)))
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (2, 3))


def test_the_path_goes_through_its_points(ax):
    plots.path(ax, WALK, index=1, label="GD")
    rim, dots, line, ring = ax.get_lines()
    assert line.get_label() == "GD"
    for part in (rim, dots, line):
        assert np.array_equal(part.get_xydata(), WALK.theta)
    assert rim.get_color() == plots.paper(ax).paper
    assert (line.get_marker(), line.get_markevery()) == ("s", [30])
    assert ring.get_xydata().tolist() == [[-2, -2]]


def test_a_path_on_a_surface_lies_just_above_it(ax3d):
    plots.surface(ax3d, J)
    plots.path_on_surface(ax3d, WALK)
    rim, line = ax3d.get_lines()
    x, y, z = line.get_data_3d()
    assert np.array_equal(rim.get_data_3d(), line.get_data_3d())
    assert np.array_equal([x, y], WALK.theta.T)
    lift = z - WALK.loss
    assert (lift > 0).all() and lift.max() < 0.05 * np.ptp(ax3d.get_zlim())
    assert (ax3d.get_xlabel(), ax3d.get_ylabel(), ax3d.get_zlabel()) == ("w", "b", "loss")


def test_losses_against_steps_and_against_evaluations(ax):
    twice = Path(WALK.theta, WALK.loss, (), 2 * WALK.grad_evals, WALK.loss_evals, WALK.diverged_at)
    plots.losses(ax, {"one": WALK, "two": twice}, evaluations=True)
    one, two = ax.get_lines()
    assert np.array_equal(two.get_xdata(), 2 * one.get_xdata())
    assert np.array_equal(one.get_ydata(), WALK.loss)
    assert ax.get_yscale() == "log" and ax.get_xlabel() == "gradient evaluations"
    assert [text.get_text() for text in ax.texts] == ["one", "two"]
    plots.losses(ax.figure.add_subplot(), {"one": WALK})
    assert ax.figure.axes[-1].get_xlabel() == "step"


def test_the_neurons_curve_passes_through_its_predictions(ax):
    thetas = {"guess": np.array([0.5, 0.0]), "best": J.minima[0]}
    plots.neuron(ax, J, thetas)
    *curves, data = ax.get_lines()
    for curve, theta in zip(curves, thetas.values(), strict=True):
        x, f = curve.get_data()
        assert x.min() < J.X.min() and x.max() > J.X.max()
        assert f == pytest.approx(1 / (1 + np.exp(-(theta[0] * x + theta[1]))))
    assert np.array_equal(data.get_xydata(), np.column_stack([J.X, J.y]))


def test_an_arrow_is_in_the_units_of_the_axes(ax):
    ax.set(xlim=(0, 10), ylim=(0, 10))
    plots.arrow(ax, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    arrow = ax.collections[0]
    assert (arrow.X, arrow.Y, arrow.U, arrow.V) == (1, 2, 3, 4)
    assert (arrow.angles, arrow.scale_units, arrow.scale) == ("xy", "xy", 1)


def test_a_run_that_diverged_and_a_surface_without_minimum_can_be_drawn(ax):
    walk = descend(GradientDescent(1e3), (-1.0, 2.0), OBJECTIVES["Rosenbrock"], 50)
    assert walk.diverged_at > 0
    plots.contours(ax, OBJECTIVES["Rosenbrock"], log=True)
    plots.path(ax, walk)
    plots.losses(ax.figure.add_subplot(), {"lost": walk})
    plots.contours(ax.figure.add_subplot(), Saddle())


def test_a_path_that_leaves_the_box_is_cut_there(ax3d):
    far = descend(Momentum(9.0, 0.99), (-2.0, -2.0), J, 60)
    assert np.abs(far.theta).max() > 12
    plots.surface(ax3d, J)
    plots.path_on_surface(ax3d, far)
    box = [ax3d.get_xlim(), ax3d.get_ylim(), ax3d.get_zlim()]
    for (low, high), drawn in zip(box, ax3d.get_lines()[-1].get_data_3d(), strict=True):
        assert low <= np.nanmin(drawn) and np.nanmax(drawn) <= high
        assert 0 < np.isnan(drawn).sum() < 61


def test_a_landscape_shows_the_same_paths_twice():
    figure = plt.figure()
    solid, flat = plots.landscape(figure, J, {"GD": WALK, "Adam": ADAMS})
    assert figure.axes == [solid, flat]
    for k, walk in enumerate((WALK, ADAMS)):
        line, above = flat.get_lines()[3 + 4 * k], solid.get_lines()[1 + 2 * k]
        assert line.get_color() == above.get_color() == plots.STYLES[k].color
        assert np.array_equal(line.get_xydata(), walk.theta)
        assert np.array_equal(np.array(above.get_data_3d())[:2], walk.theta.T)
    assert [text.get_text() for text in flat.get_legend().get_texts()] == ["GD", "Adam"]
    plt.close(figure)


@pytest.mark.parametrize("log", [False, True])
def test_the_lines_bear_their_height(ax, log):
    rosenbrock = OBJECTIVES["Rosenbrock"]
    plots.contours(ax, rosenbrock, log=log, heights=5)
    assert len({text.get_text() for text in ax.texts}) in range(3, 6)
    for text in ax.texts:
        assert "e" not in text.get_text()
        there = float(rosenbrock(np.array(text.get_position())))
        assert there == pytest.approx(float(text.get_text()), rel=0.1, abs=0.05)


def test_the_rates_are_drawn_as_they_are(ax):
    rates = {"Adam": effective_rates(ADAM, ADAMS), "more": effective_rates(ADAM, ADAMS) * 2}
    plots.rates(ax, rates)
    names = ["Adam, w", "Adam, b", "more, w", "more, b"]
    assert [line.get_label() for line in ax.get_lines()] == names
    assert [text.get_text() for text in ax.texts] == names
    for k, line in enumerate(ax.get_lines()):
        assert line.get_xdata().tolist() == list(range(1, 31))
        assert np.array_equal(line.get_ydata(), [*rates.values()][k // 2][:, k % 2])
        assert line.get_color() == plots.STYLES[k // 2].color
    one, other = ax.get_lines()[:2]
    assert one.is_dashed() != other.is_dashed()
    assert ax.get_yscale() == "log"


@pytest.mark.parametrize("coordinate", [0, 1])
def test_the_moments_are_drawn_as_they_are(ax, coordinate):
    found = moments(ADAM, ADAMS)
    other = ax.figure.add_subplot()
    plots.first_moment(ax, found, coordinate=coordinate)
    plots.second_moment(other, found, coordinate=coordinate)
    drawn = [ax.get_lines()[0], ax.get_lines()[1], *other.get_lines()]
    for line, part in zip(drawn, (found.m, found.m_hat, found.v, found.v_hat), strict=True):
        assert np.array_equal(line.get_ydata(), part[:, coordinate])
        assert line.get_xdata().tolist() == list(range(1, 31))
    assert (ax.get_yscale(), other.get_yscale()) == ("linear", "log")


def test_the_vectors_of_a_look_ahead_are_drawn_head_to_tail(ax):
    plots.contours(ax, J, window=plots.around(VECTORS))
    before = len(ax.collections)
    plots.look_ahead(ax, VECTORS)
    s = VECTORS
    drawn = [(*np.array([a.X, a.Y, a.U, a.V]).ravel(),) for a in ax.collections[before:]]
    assert drawn == [
        (*s.theta, *s.slope),
        (*s.theta, *s.jump),
        (*s.look, *s.slope),
        (*s.look, *s.correction),
    ]
    (x_lo, x_hi), (y_lo, y_hi) = plots.around(s)
    assert x_hi - x_lo == pytest.approx(y_hi - y_lo)
    for x, y in (s.theta, s.look, s.nesterov, s.momentum, s.theta + s.slope):
        assert x_lo < x < x_hi and y_lo < y < y_hi


def boxes(texts):
    """Where words stand, without the lines that lead to them."""
    return [Text.get_window_extent(text) for text in texts]


@settings(deadline=None, max_examples=5)
@given(theta=points(J), u=points(J), eta=st.floats(0.1, 20))
def test_labels_keep_clear_of_each_other_and_inside(theta, u, eta):
    figure, ax = plt.subplots(figsize=(5, 5), layout="constrained")
    vectors = step_vectors(Nesterov(eta), theta, u, J)
    ax.set_aspect("equal")
    ax.set(**dict(zip(("xlim", "ylim"), plots.around(vectors), strict=True)))
    plots.look_ahead(ax, vectors)
    figure.canvas.draw()
    placed, frame = boxes(ax.texts), ax.get_window_extent()
    for one, other in itertools.combinations(placed, 2):
        assert not one.overlaps(other)
    for box in placed:
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1
    plt.close(figure)


def test_without_memory_there_is_no_jump_to_name(ax):
    plots.look_ahead(ax, step_vectors(Nesterov(1.0), (0.2, -0.1), (0.0, 0.0), J))
    words = " ".join(text.get_text() for text in ax.texts)
    assert "jump" not in words and "look-ahead" not in [text.get_text() for text in ax.texts]
    at_rest = ax.figure.add_subplot()
    plots.look_ahead(at_rest, step_vectors(Nesterov(1.0), (0.0, 0.0), (0.0, 0.0), Quadratic()))
    assert [text.get_text() for text in at_rest.texts] == ["momentum", "Nesterov", r"$\theta$"]


def test_names_at_the_ends_of_sixteen_lines_do_not_meet():
    figure, ax = plt.subplots(layout="constrained")
    names = [rule.__name__ for rule in RULES]
    assert len(names) > 14
    plots.losses(ax, dict.fromkeys(names, WALK))
    figure.canvas.draw()
    placed = boxes(ax.texts)
    assert sorted(text.get_text() for text in ax.texts) == sorted(names)
    for one, other in itertools.combinations(placed, 2):
        assert not one.overlaps(other)
    for box in placed:
        assert ax.get_window_extent().x1 < box.x1 <= figure.bbox.x1
    plt.close(figure)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20))
def test_labels_are_spread_no_more_than_they_need(heights):
    heights = np.array(heights)
    apart = spread(heights, 10.0)
    assert (np.diff(np.sort(apart)) >= 10 - 1e-9).all()
    order = np.argsort(heights, kind="stable")
    assert (np.diff(apart[order]) > 0).all(), "in the same order"
    assert apart.mean() == pytest.approx(heights.mean(), abs=1e-9), "about the same middle"
    if len(heights) == 1 or np.diff(np.sort(heights)).min() >= 10:
        assert apart == pytest.approx(heights)


@pytest.mark.parametrize("name", [*DRAWINGS, *DRAWINGS_3D])
def test_every_picture_suits_the_dark(name):
    with plots.theme("dark"):
        figure = plt.figure()
        kind = "3d" if name in DRAWINGS_3D else None
        ax = figure.add_subplot(projection=kind)
    (DRAWINGS | DRAWINGS_3D)[name](ax)  # made in the dark, drawn on outside: the paper decides
    light = {style.color for style in plots.STYLES} - {style.color for style in DARK.styles}
    artists = [a for a in ax.findobj() if hasattr(a, "get_color")]
    colors = {a.get_color() for a in artists if isinstance(a.get_color(), str)}
    assert not colors & light
    figure.canvas.draw()
    plt.close(figure)
