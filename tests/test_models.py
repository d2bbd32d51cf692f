"""The sigmoid neuron: formula, gradient, rows, bad data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import law

from lecopt import Neuron, numerical_gradient, two_points
from lecopt.units import sigmoid

numbers = st.floats(-3, 3)
shares = st.floats(0, 1)


@st.composite
def neurons(draw, most_features=3):
    """Draw a neuron on random data, X of shape (N,) or (N, p)."""
    n = draw(st.integers(1, 5))
    p = draw(st.integers(0, most_features))
    X = draw(arrays(float, (n, p) if p else (n,), elements=numbers))
    return Neuron(X, draw(arrays(float, n, elements=shares)))


def points(J, *shape):
    return arrays(float, (len(J.labels), *shape), elements=numbers)


def loss_by_hand(J, theta):
    """Return the loss by plain loops over rows and features."""
    total = 0.0
    for x, y in zip(J.X.reshape(J.n, -1).tolist(), J.y.tolist(), strict=True):
        *w, b = theta.tolist()
        z = sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b
        total += 0.5 * (1 / (1 + math.exp(-z)) - y) ** 2
    return total


@given(st.floats(-700, 700))
@law
def test_sigmoid_is_the_logistic_function(z):
    expected = 1 / (1 + math.exp(-z))
    assert sigmoid(np.float64(z)) == pytest.approx(expected, rel=1e-15, abs=1e-38)
    assert sigmoid(np.float64(z)) + sigmoid(np.float64(-z)) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_is_silent_far_out(dtype):
    z = np.array([-np.inf, -1e30, -90, 0, 90, 1e30, np.inf], dtype)
    with np.errstate(all="raise", under="ignore"):
        f = sigmoid(z)
    assert f.dtype == dtype
    assert f == pytest.approx([0, 0, 0, 0.5, 1, 1, 1], abs=1e-37)


@given(st.data())
@law
def test_loss_is_half_the_sum_of_squares(data):
    J = data.draw(neurons())
    theta = data.draw(points(J))
    assert J(theta) == pytest.approx(loss_by_hand(J, theta), rel=1e-12, abs=1e-15)


@given(st.data())
@law
def test_gradient_for_any_number_of_features(data):
    J = data.draw(neurons())
    theta = data.draw(points(J))
    assert J.grad(theta) == pytest.approx(numerical_gradient(J, theta), abs=1e-8)


@given(st.data())
@law
def test_many_thetas_at_once_are_each_alone(data):
    J = data.draw(neurons())
    theta = data.draw(points(J, 2, 3))
    loss, grad, f = J(theta), J.grad(theta), J.predict(theta, J.X)
    assert loss.shape == (2, 3) and grad.shape == theta.shape and f.shape == (J.n, 2, 3)
    for k in np.ndindex(2, 3):
        one = theta[(..., *k)]
        assert loss[k] == pytest.approx(J(one), rel=1e-12, abs=1e-15)
        assert grad[(..., *k)] == pytest.approx(J.grad(one), rel=1e-12, abs=1e-14)
        assert f[(..., *k)] == pytest.approx(J.predict(one, J.X), rel=1e-14)


@given(st.data())
@law
def test_loss_and_gradient_of_two_halves_add_up(data):
    J = data.draw(neurons())
    assume(J.n > 1)
    theta = data.draw(points(J))
    cut = data.draw(st.integers(1, J.n - 1))
    order = np.random.default_rng(cut).permutation(J.n)
    parts = J.on(order[:cut]), J.on(order[cut:])
    assert [part.n for part in parts] == [cut, J.n - cut]
    assert sum(part(theta) for part in parts) == pytest.approx(J(theta), abs=1e-14)
    assert sum(part.grad(theta) for part in parts) == pytest.approx(J.grad(theta), abs=1e-13)


def test_rows_by_index_list_or_slice():
    J = Neuron(np.arange(5.0), np.linspace(0, 1, 5))
    for rows in ([3, 1], np.array([3, 1]), slice(3, 0, -2)):
        assert J.on(rows).X.tolist() == [3, 1]
        assert J.on(rows).y.tolist() == [0.75, 0.25]
    assert J.n == 5, "the whole is left as it was"


def test_single_precision_through_data_and_prediction():
    J = Neuron(np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([0.2, 0.9]))
    theta = np.array([0.1, -0.4, 0.3], np.float32)
    for value in (J(theta), J.grad(theta), J.predict(theta, J.X)):
        assert value.dtype == np.float32
    assert J.grad(theta) == pytest.approx(J.grad(theta.astype(float)), abs=1e-6)
    assert J.grad(np.array([1, -2, 0])).dtype == float, "whole numbers are not cut"
    assert J.grad(np.array([1, -2, 0])) == pytest.approx(J.grad(np.array([1.0, -2.0, 0.0])))


def test_lists_are_taken_as_data():
    J = Neuron([0, 1], [0, 1])
    assert J.X.dtype == J.y.dtype == float


@given(st.floats(-2, 2), st.floats(-2, 2), arrays(float, 4, elements=numbers, unique=True))
@law
def test_the_minimum_fits_every_row_where_one_does(w, b, X):
    assume(np.ptp(X) > 0.1)
    J = Neuron(X, sigmoid(w * X + b))
    assert J.minima.shape == (1, 2)
    assert J.minima[0] == pytest.approx([w, b], abs=1e-6)


def test_no_minimum_is_claimed_where_none_fits():
    assert Neuron([0.0, 1.0, 2.0], [0.1, 0.9, 0.1]).minima.shape == (0, 2)
    assert Neuron([0.0, 1.0], [0.0, 1.0]).minima.shape == (0, 2), "0 and 1 are never reached"


def test_names_of_the_parameters():
    assert Neuron(*two_points()).labels == ("w", "b")
    assert Neuron(np.ones((2, 4)), [0.1, 0.2]).labels == ("w1", "w2", "w3", "w4", "b")


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        ([0.5, 2.5], [0.2, 1.7], ["row 1", "2.5", "1.7", "from 0 to 1", "drop that row"]),
        ([0.5, 2.5, 3], [0.2, -0.1, 2], ["row 1", "-0.1"]),
        ([np.nan, 2.5], [0.2, 0.9], ["row 0", "nan", "finite", "drop that row"]),
        ([[1, 2], [3, np.inf]], [0.2, 0.9], ["row 1", "inf", "finite"]),
        ([0.5, 2.5], [0.2, np.nan], ["row 1", "nan", "from 0 to 1"]),
        ([0.5, 2.5, 3.0], [0.2, 0.9], ["(3,)", "(2,)", "same N"]),
        ([], [], ["(0,)", "at least 1"]),
        ([0.5], [[0.2]], ["(1, 1)", "expected (N,)"]),
        (np.ones((2, 2, 2)), [0.1, 0.2], ["(2, 2, 2)", "(N, p)"]),
        (0.5, 0.2, ["()", "expected (N,)"]),
    ],
)
def test_bad_data_is_refused_by_name(X, y, words):
    with pytest.raises(ValueError, match="Neuron: ") as caught:
        Neuron(X, y)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_theta_of_the_wrong_length_is_refused():
    J = Neuron(np.ones((2, 4)), [0.1, 0.2])
    for ask in (J, J.grad):
        with pytest.raises(
            ValueError, match="Neuron: theta has 3 parameters; expected 5: a weight"
        ):
            ask(np.zeros(3))
