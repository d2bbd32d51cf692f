"""The pictures: what is drawn is what was computed, and nothing else changes."""

from __future__ import annotations

import inspect

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from strategies import OBJECTIVES, every_objective

from lecopt import GradientDescent, Momentum, Neuron, Saddle, descend, plots, two_points
from lecopt.path import Path

J = Neuron(*two_points())
WALK = descend(GradientDescent(1.0), (-2, -2), J, 30)


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
}
DRAWINGS_3D = {
    "surface": lambda ax: plots.surface(ax, J, n=11),
    "path_on_surface": lambda ax: plots.path_on_surface(ax, WALK),
}


def test_every_drawing_is_tested():
    drawings = {
        name
        for name, function in vars(plots).items()
        if inspect.isfunction(function) and "ax" in inspect.signature(function).parameters
    }
    assert drawings == {*DRAWINGS, *DRAWINGS_3D}


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

    for rule in (GradientDescent, Momentum):
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
    line, dots, ring = ax.get_lines()
    assert line.get_label() == "GD"
    assert np.array_equal(line.get_xydata(), WALK.theta)
    assert np.array_equal(dots.get_xydata(), WALK.theta)
    assert ring.get_xydata().tolist() == [[-2, -2]]


def test_a_path_on_a_surface_lies_just_above_it(ax3d):
    plots.surface(ax3d, J)
    plots.path_on_surface(ax3d, WALK)
    x, y, z = ax3d.get_lines()[0].get_data_3d()
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
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
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


def test_paths_are_told_apart_by_more_than_colour(ax):
    for index in range(len(plots.STYLES) + 2):
        plots.path(ax, WALK, index=index)
    styles = plots.STYLES
    for part in ("color", "dashes", "marker"):
        assert len({getattr(style, part) for style in styles}) == len(styles)
    grey = sorted(np.dot(to_rgb(style.color), [0.2126, 0.7152, 0.0722]) for style in styles)
    assert grey[-1] < 0.7, "dark enough for a white page"
