"""Planes cut through objectives of many parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import each, law, same_bits

from lecopt import (
    GradientDescent,
    Network,
    Neuron,
    Rosenbrock,
    Slice,
    descend,
    four_features,
    numerical_gradient,
)
from lecopt.explorer.parts import objective_part
from lecopt.objectives import Surface

NEURON = Neuron(*four_features())
NETWORK = Network(*np.random.default_rng(0).normal(size=(1, 6, 3)), [0, 1, 2, 0, 1, 2], 4)
WHOLES = {
    "Neuron": (NEURON, NEURON.minima[0]),
    "Network": (NETWORK, NETWORK.start(np.random.default_rng(1))),
    "Rosenbrock": (Rosenbrock(dim=5), np.linspace(-1, 1, 5)),
}
every_whole = each(WHOLES)


@every_whole
@law
@given(data=st.data())
def test_it_is_the_whole_with_two_numbers_put_in(J, data):
    whole, at = J
    i, j = data.draw(st.permutations(range(len(at))))[:2]
    x, y = data.draw(st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
    cut, point = Slice(whole, at, (i, j)), at.copy()
    point[i], point[j] = x, y
    theta = np.array([x, y])
    assert same_bits(cut.lift(theta), point)
    assert same_bits(cut(theta), whole(point))
    assert same_bits(cut.grad(theta), whole.grad(point)[[i, j]])
    assert cut.grad(theta) == pytest.approx(numerical_gradient(cut, theta), rel=1e-5, abs=1e-4)
    assert cut.labels == (whole.labels[i], whole.labels[j])


@every_whole
def test_it_can_be_drawn_over_a_grid_and_descended(J):
    whole, at = J
    cut = Slice(whole, at, (2, 0))
    assert isinstance(cut, Surface) and cut.window == whole.window
    grid = np.random.default_rng(0).uniform(-1, 1, (2, 3, 4))
    assert cut(grid).shape == (3, 4) and cut.grad(grid).shape == grid.shape
    assert cut(grid)[2, 1] == pytest.approx(float(cut(grid[:, 2, 1])), rel=1e-12)
    single = grid.astype(np.float32)
    assert cut(single).dtype == cut.grad(single).dtype == np.float32
    path = descend(GradientDescent(1e-4), [0.1, -0.2], cut, 20)
    assert path.loss[-1] < path.loss[0]


def test_it_knows_the_minima_in_its_plane_and_no_others():
    w = NEURON.minima[0]
    assert Slice(NEURON, w, (3, 4)).minima == pytest.approx(np.array([[3.0, -1.0]]))
    assert Slice(NEURON, w + np.array([0, 0, 0, 9.0, 9.0]), (4, 3)).minima.tolist() == [
        [w[4], w[3]]
    ]
    assert Slice(NEURON, w + np.eye(5)[0], (3, 4)).minima.shape == (0, 2)
    assert Slice(*WHOLES["Network"]).minima.shape == (0, 2)


@pytest.mark.parametrize(
    ("at", "axes", "words"),
    [
        ([1.0, 2.0], (0, 1), r"at has shape \(2,\); Neuron has \(5,\) parameters"),
        (np.zeros(5), (0, 0), r"axes is \(0, 0\); expected two of the 5 parameters of Neuron"),
        (np.zeros(5), (0, 5), "each from 0 to 4"),
        (np.zeros(5), (-1, 0), "each from 0 to 4"),
        (np.zeros(5), (0, 1, 2), "expected two"),
    ],
)
def test_what_is_no_plane_is_refused(at, axes, words):
    with pytest.raises(ValueError, match=f"Slice: .*{words}"):
        Slice(NEURON, at, axes)


def test_what_has_too_many_parameters_for_a_map_is_shown_as_a_slice():
    words = r"has 31 parameters, W1\[0,0\] to b2\[2,0\]; a map needs 2: .* Slice\(J, at, \(0, 1\)\)"
    with pytest.raises(ValueError, match=words):
        objective_part(NETWORK)
    assert objective_part(Slice(*WHOLES["Network"]))["labels"] == ["W1[0,0]", "W1[0,1]"]
