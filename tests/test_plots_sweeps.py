"""Pictures of many runs, and every picture in words."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Patch
from strategies import RULES

from lecopt import (
    Adam,
    DoubleWell,
    GradientDescent,
    Himmelblau,
    Momentum,
    Nesterov,
    Neuron,
    RMSProp,
    Rosenbrock,
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
from lecopt.plots.sweeps import HATCH, borders, decades, ranking

J = Neuron(*two_points())
ETAS = np.geomspace(1e-2, 1e2, 9)
STRIP = sweep(
    {"slow": GradientDescent(), "fast": Momentum(gamma=0.9), "Adam": Adam()},
    (-2.0, -2.0), J, 150, eta=ETAS, below=1e-3,
)  # fmt: skip
FALLS = basin(GradientDescent(0.0145), Himmelblau(), 60, n=41)


@pytest.fixture
def ax():
    figure, axes = plt.subplots(layout="constrained")
    yield axes
    figure.canvas.draw()
    plt.close(figure)


def painted(ax):
    return np.array(ax.collections[0].get_array()).reshape(41, 41, 3)


def test_each_start_has_the_colour_of_its_minimum(ax):
    plots.basin(ax, FALLS)
    image = painted(ax)
    assert {*np.unique(FALLS.ends)} >= {-1, 0, 1, 2, 3}, "the map shows all there is to show"
    for row, column in np.ndindex(41, 41):
        end, color = FALLS.ends[row, column], image[row, column]
        if end < 0:
            assert color == pytest.approx([1, 1, 1])
            continue
        full = np.array(to_rgb(plots.STYLES[end].color))
        share = (1 - color) @ (1 - full) / ((1 - full) @ (1 - full))
        assert 1 - color == pytest.approx(share * (1 - full)), "mixed with the paper alone"
        assert 0.24 < share < 1.0001
    x, y = ax.collections[0].get_coordinates()[20, 10]
    assert abs(x - FALLS.axes["x"][10]) < 0.2 and abs(y - FALLS.axes["y"][20]) < 0.2


def test_the_longer_it_takes_the_paler(ax):
    plots.basin(ax, FALLS)
    image = painted(ax)
    there = FALLS.ends == 1
    order = np.argsort(FALLS.arrived[there], kind="stable")
    paleness = image[there].sum(axis=1)[order]
    assert (np.diff(paleness) >= -1e-12).all() and paleness[-1] > paleness[0] + 0.3


def test_divergence_is_hatched_where_it_is(ax):
    wild = basin(GradientDescent(0.02), Himmelblau(), 60, n=41)
    plots.basin(ax, wild)
    (hatched,) = [
        c for c in ax.collections if HATCH in (c.hatches if hasattr(c, "hatches") else [])
    ]
    (area,) = hatched.get_paths()
    x, y = np.meshgrid(FALLS.axes["x"], FALLS.axes["y"])
    inside = area.contains_points(np.column_stack([x.ravel(), y.ravel()])).reshape(41, 41)
    gone = wild.ends == -1
    assert gone[inside].mean() > 0.95 and inside[gone].mean() > 0.6  # but for the frame itself
    calm = basin(GradientDescent(0.001), DoubleWell(), 30, n=11)
    other = plots.basin(ax.figure.add_subplot(), calm)
    assert not any(hasattr(c, "hatches") for c in other.collections)


def test_the_key_says_what_there_is(ax):
    plots.basin(ax, FALLS)
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words[:4] == ["1: (3, 2)", "2: (−2.81, 3.13)", "3: (−3.78, −3.28)", "4: (3.58, −1.85)"]
    steps = FALLS.arrived[FALLS.ends >= 0]
    assert words[-2:] == [f"fewest steps: {steps.min()}", f"most steps: {steps.max()}"]
    assert "diverges" in words
    assert [text.get_text() for text in ax.texts] == ["1", "2", "3", "4"]
    for patch, style in zip(ax.get_legend().get_patches(), plots.STYLES, strict=False):
        if isinstance(patch, Patch) and patch.get_label() in words[:4]:
            assert to_hex(patch.get_facecolor()) == style.color


def test_a_map_on_which_nobody_arrives(ax):
    lost = dataclasses.replace(FALLS, ends=np.full((41, 41), -2), arrived=np.full((41, 41), -1))
    plots.basin(ax, lost)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["elsewhere"]
    assert plots.describe.basin(lost).endswith("ends at: 100\u00a0% end elsewhere.")


def test_every_rule_has_a_row_with_its_losses(ax):
    plots.robustness(ax, STRIP)
    order = ranking(STRIP.loss, 1e-3)
    names = [STRIP.axes["rule"][k] for k in order]
    assert [label.get_text() for label in ax.get_yticklabels()] == names
    cells = ax.collections[0].get_array().reshape(5, 9)
    shown = np.clip(STRIP.loss[order], 1e-9, 1e3)
    assert np.ma.filled(cells[::2], np.nan) == pytest.approx(shown, nan_ok=True)
    assert cells[1::2].mask.all()
    assert ax.get_xscale() == "log" and ax.get_ylim()[0] > ax.get_ylim()[1], "the first at the top"


def test_bars_and_numbers_tell_where_a_rule_succeeds(ax):
    plots.robustness(ax, STRIP)
    order, edges = ranking(STRIP.loss, 1e-3), borders(ETAS)
    bars = [c for c in ax.collections if isinstance(c, LineCollection)]
    numbers = [text.get_text() for text in ax.texts if re.fullmatch(r"[\d.]+|–", text.get_text())]
    assert len(numbers) == 3
    for k, words in zip(order, numbers, strict=True):
        assert words == f"{0.5 * (STRIP.loss[k] < 1e-3).sum():.1f}"
    for k, bar in zip(order, bars, strict=True):
        under = [(a <= ETAS) & (b >= ETAS) for (a, _), (b, _) in bar.get_segments()]
        assert np.array_equal(np.any(under, axis=0), STRIP.loss[k] < 1e-3)
        assert all(np.isin(segment[:, 0], edges).all() for segment in bar.get_segments())
    rings = [line.get_xydata()[0] for line in ax.get_lines()]
    for (x, y), (row, k) in zip(rings, enumerate(order), strict=True):
        assert x == pytest.approx(ETAS[np.nanargmin(STRIP.loss[k])]) and round(y + 0.1) == row


def test_rates_that_diverge_are_hatched(ax):
    strip = sweep(
        {"GD": GradientDescent(), "Adam": Adam()}, (-1.0, 2.0), Rosenbrock(), 50, eta=ETAS
    )
    lost = strip.diverged_at >= 0
    assert lost.any() and not lost.all()
    plots.robustness(ax, strip, below=1.0)
    hatched = [c for c in ax.collections if c.get_hatch() == HATCH]
    assert [len(c.get_paths()) for c in hatched] == lost[ranking(strip.loss, 1.0)].sum(
        axis=1
    ).tolist()


def test_sixteen_rules_fit_in_one_strip():
    names = {rule.__name__: rule() for rule in RULES}
    strip = sweep(names, (-2.0, -2.0), J, 40, eta=ETAS[2:6], below=0.1)
    figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
    plots.robustness(ax, strip)
    figure.colorbar(ax.collections[0], label="final loss")
    figure.canvas.draw()
    labels = ax.get_yticklabels()
    assert len(labels) == len(RULES) > 14
    boxes = [label.get_window_extent() for label in labels]
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))
    plt.close(figure)


def test_the_ranking_is_by_successes_then_by_loss():
    loss = np.array([[1, 1, 1], [1e-5, 1, np.nan], [1e-5, 1e-5, 9], [1e-7, 5, 5], [np.nan] * 3])
    assert ranking(loss, 1e-3).tolist() == [2, 3, 1, 0, 4]
    edges = borders(np.array([0.1, 1.0, 10.0]))
    assert edges == pytest.approx(10.0 ** np.array([-1.5, -0.5, 0.5, 1.5]))
    assert decades(loss[2], edges, 1e-3) == pytest.approx(2)


def test_a_strip_of_something_else(ax):
    with pytest.raises(ValueError, match="has the axes rule, eta, gamma; expected rule, eta"):
        plots.robustness(
            ax, sweep({"m": Momentum()}, (0, 0), J, 3, eta=ETAS, gamma=[0.1, 0.5]), below=1.0
        )
    with pytest.raises(ValueError, match="below is -inf; expected a loss above 0"):
        plots.robustness(ax, sweep({"m": Momentum()}, (0, 0), J, 3, eta=ETAS))


# In words. ------------------------------------------------------------------

WALKS = {
    "slow": descend(GradientDescent(0.1), (-2, -2), J, 30),
    "fast": descend(Momentum(2.0), (-2, -2), J, 20),
}
ADAMS = descend(Adam(0.1), (-2, -2), J, 30)
MOMENTS = moments(Adam(0.1), ADAMS)
RATES = {"RMSProp": effective_rates(RMSProp(0.1), descend(RMSProp(0.1), (-2, -2), J, 200))}
VECTORS = step_vectors(Nesterov(1.0, 0.5), (0.0, 0.0), (-0.2, 0.4), J)


def test_pictures_and_words_take_the_same_arguments():
    words = {
        name: inspect.signature(f).parameters
        for name, f in vars(plots.describe).items()
        if inspect.isfunction(f) and f.__module__ == plots.describe.__name__ and name[0] != "_"
    }
    assert set(words) >= {"basin", "robustness", "look_ahead", "rates", "losses", "contours"}
    for name in set(words) - {"race"}:
        drawn = [*inspect.signature(getattr(plots, name)).parameters]
        assert drawn[0] == "ax" and set(words[name]) <= set(drawn[1:]), name


def test_the_map_in_words():
    assert plots.describe.contours(J) == (
        "Contour map of the loss over w from −6 to 6 and b from −6 to 6, with a star at "
        "(1.79, −2.28)."
    )
    assert plots.describe.contours(Saddle(), window=((0, 1), (2, 3))) == (
        "Contour map of the loss over x from 0 to 1 and y from 2 to 3."
    )
    assert "stars at (3, 2), (−2.81, 3.13)" in plots.describe.contours(Himmelblau())


def test_losses_in_words_the_lowest_first():
    words = plots.describe.losses(WALKS)
    fast, slow = (WALKS[name].loss[-1] for name in ("fast", "slow"))
    assert fast < slow
    assert words == (
        "Loss on a logarithmic scale against steps, the lowest at its end first: "
        f"fast {fast:.3g} after 20 and slow {slow:.3g} after 30."
    )
    lost = descend(GradientDescent(1.0), (-1.0, 2.0), Rosenbrock(), 50)
    words = plots.describe.losses({"lost": lost, **WALKS}, evaluations=True)
    assert words.endswith(f"and lost diverges at step {lost.diverged_at}.")
    assert "against gradient evaluations" in words


def test_a_path_in_words():
    walk = WALKS["slow"]
    x, y = walk.theta[-1]
    assert plots.describe.path(walk, label="GD").replace("−", "-") == (
        f"GD starts at (-2, -2), where the loss is {walk.loss[0]:.3g}, and is at "
        f"({x:.3g}, {y:.3g}) after 30 steps, with a loss of {walk.loss[-1]:.3g}."
    )


def test_rates_in_words():
    rate = RATES["RMSProp"]
    words = plots.describe.rates(RATES)
    assert words.startswith("Effective learning rates over 200 steps")
    for k, label in enumerate("wb"):
        assert f"RMSProp for {label} from {rate[0, k]:.3g} to {rate[-1, k]:.3g}, rising" in words
    fall = {"AdaGrad": np.geomspace(1, 0.01, 20)[:, None] * [1, 2]}
    assert plots.describe.rates(fall).count("never rising") == 2


@pytest.mark.parametrize("coordinate", [0, 1])
def test_moments_in_words(coordinate):
    for words, raw, corrected, letter in (
        (plots.describe.first_moment, MOMENTS.m, MOMENTS.m_hat, "m"),
        (plots.describe.second_moment, MOMENTS.v, MOMENTS.v_hat, "v"),
    ):
        first, last = ([x[i, coordinate] for x in (raw, corrected)] for i in (0, -1))
        said = words(MOMENTS, coordinate=coordinate).replace("−", "-")
        expected = f"At step 1 {letter} is {first[0]:.3g} and {first[1]:.3g} with its bias"
        assert expected.replace("e-0", "e-") in said
        ends = f"at the last step {last[0]:.3g} and {last[1]:.3g}."
        assert said.endswith(ends.replace("e-0", "e-"))


def test_a_look_ahead_in_words():
    words = plots.describe.look_ahead(VECTORS).replace("−", "-")
    assert words.startswith(
        "Arrows from (0, 0): a jump of length 0.224 to the look-ahead point (0.1, -0.2); "
    )
    for vector, end in ((VECTORS.correction, VECTORS.nesterov), (VECTORS.slope, VECTORS.momentum)):
        assert f"length {np.hypot(*vector):.3g} to ({end[0]:.3g}, {end[1]:.3g})" in words


def test_a_basin_map_in_words():
    words = plots.describe.basin(FALLS)
    for k in range(4):
        assert f"{100 * FALLS.shares()[k]:.3g}\u00a0% at (" in words
    assert f"{100 * np.mean(FALLS.ends == -1):.3g}\u00a0% diverge" in words
    steps = FALLS.arrived[FALLS.ends >= 0]
    assert words.endswith(f"It takes {steps.min()} to {steps.max()} steps.")


def test_a_strip_in_words():
    words = plots.describe.robustness(STRIP)
    for name, loss in zip(STRIP.axes["rule"], STRIP.loss, strict=True):
        assert f"{name} over {0.5 * (loss < 1e-3).sum():.1f}" in words
    assert "against eta from 0.01 to 100" in words and "below 0.001" in words
    assert plots.describe.robustness(STRIP, below=1e-9) != words


def test_a_race_in_words():
    words = plots.describe.race(J, WALKS)
    assert words.startswith(plots.describe.contours(J))
    assert "Paths grow on it from (−2, −2)." in words
    assert words.endswith(plots.describe.losses(WALKS, evaluations=True))
