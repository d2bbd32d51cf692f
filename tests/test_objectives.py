"""Surfaces: gradients, minima, windows, one point against many."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import OBJECTIVES, SURFACES, batches, each, every_objective, law, points

from lecopt import (
    Beale,
    DoubleWell,
    Quadratic,
    Rastrigin,
    Rosenbrock,
    hessian,
    numerical_gradient,
    ravine,
)
from lecopt.objectives import Surface

# sin, cos and exp of these are NumPy's, which PyTorch's tensors do not pass through.
OTHERS = ("Neuron", "Narrow", "Plateau", "Rastrigin")
POLYNOMIALS = {name: J for name, J in OBJECTIVES.items() if name not in OTHERS}


def scale(J: Surface, theta: np.ndarray) -> float:
    """Return how large a gradient may be hereabouts: what round-off is relative to."""
    corners = np.stack(np.meshgrid(*J.window)).reshape(2, -1)
    return float(1 + np.abs(J.grad(corners)).max() + np.abs(J.grad(theta)).max())


@every_objective
@law
@given(data=st.data())
def test_gradient_is_the_slope_of_the_loss(J, data):
    theta = data.draw(points(J))
    # Central differences err by h^2 times the third derivative, and by round-off over h.
    error = J.grad(theta) - numerical_gradient(J, theta, h=1e-5)
    assert np.abs(error).max() < 1e-7 * scale(J, theta)


@each(POLYNOMIALS)
@law
@given(data=st.data())
def test_gradient_is_what_automatic_differentiation_gives(J, data):
    theta = data.draw(points(J))
    x = torch.tensor(theta, requires_grad=True)
    J(x).backward()
    assert np.abs(J.grad(theta) - x.grad.numpy()).max() < 1e-14 * scale(J, theta)


@every_objective
@law
@given(data=st.data())
def test_many_points_at_once_are_each_point_alone(J, data):
    theta = data.draw(batches(J))
    loss, grad = J(theta), J.grad(theta)
    assert loss.shape == theta.shape[1:] and grad.shape == theta.shape
    for k in range(theta.shape[1]):
        assert loss[k] == pytest.approx(J(theta[:, k]), rel=1e-12, abs=1e-12)
        assert np.abs(grad[:, k] - J.grad(theta[:, k])).max() < 1e-12 * scale(J, theta)


@every_objective
def test_a_grid_of_points_keeps_its_shape(J):
    theta = np.random.default_rng(0).uniform(-1, 1, (2, 3, 4))
    assert J(theta).shape == (3, 4)
    assert J.grad(theta).shape == (2, 3, 4)
    assert J.grad(theta)[:, 2, 1] == pytest.approx(J.grad(theta[:, 2, 1]), rel=1e-12, abs=1e-12)


@every_objective
def test_single_precision_stays_single(J):
    theta = np.array([0.5, -1.25], np.float32)
    assert J(theta).dtype == np.float32
    assert J.grad(theta).dtype == np.float32
    assert J.grad(theta) == pytest.approx(J.grad(theta.astype(float)), rel=1e-4, abs=1e-4)


@every_objective
def test_points_are_not_changed(J):
    theta = np.array([0.5, -1.25])
    theta.flags.writeable = False
    J(theta), J.grad(theta)
    assert not np.shares_memory(J.grad(theta), theta)
    assert theta.tolist() == [0.5, -1.25]


@each({name: J for name, J in OBJECTIVES.items() if len(J.minima)})
def test_minima_are_flat_curve_upwards_and_lie_in_the_window(J):
    for minimum in J.minima:
        assert np.abs(J.grad(minimum)).max() < 1e-12
        assert np.linalg.eigvalsh(hessian(J, minimum)).min() > 0
        for value, (low, high) in zip(minimum, J.window, strict=True):
            assert low < value < high


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.__name__)
def test_no_point_of_the_window_lies_below_the_lowest_minimum(surface):
    J = surface()
    x, y = (np.linspace(low, high, 201) for low, high in J.window)
    lowest = J(np.stack(np.meshgrid(x, y))).min()
    if len(J.minima):
        assert lowest >= J(J.minima.T).min() - 1e-12
    else:
        assert lowest < J(np.zeros(2)) - 1, "a surface without a minimum falls off"


def test_himmelblau_and_the_double_well_have_all_their_minima():
    himmelblau = OBJECTIVES["Himmelblau"]
    assert len(himmelblau.minima) == 4 == len(np.unique(himmelblau.minima.round(6), axis=0))
    assert himmelblau(himmelblau.minima.T) == pytest.approx(np.zeros(4), abs=1e-12)
    left, right = DoubleWell().minima
    assert left[0] < 0 < right[0]
    assert DoubleWell()(left) < DoubleWell()(right), "the left valley is the deeper one"
    assert len(DoubleWell(tilt=3.0).minima) == 1, "a strong tilt leaves one valley"


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(-4, 4), st.floats(-3, 3), st.floats(-3, 3))
@law
def test_a_quadratic_has_the_curvatures_that_it_is_given(lambda1, lambda2, angle, x, y):
    J = Quadratic(lambda1, lambda2, angle)
    H = hessian(J, np.array([x, y]))
    assert np.linalg.eigvalsh(H) == pytest.approx(sorted([lambda1, lambda2]), abs=1e-7)
    axis = np.array([np.cos(angle), np.sin(angle)])
    assert H @ axis == pytest.approx(lambda1 * axis, abs=1e-7)
    assert J(np.array([x, y])) == pytest.approx(np.array([x, y]) @ H @ [x, y] / 2, abs=1e-6)


def test_known_values():
    assert Rosenbrock()(np.array([-1.2, 1.0])) == pytest.approx(24.2)
    assert Rastrigin()(np.array([0.5, 0.5])) == pytest.approx(40.5)
    assert Rastrigin()(np.array([1.0, 0.0])) == pytest.approx(1.0)


@pytest.mark.parametrize("shape", [(2,), (2, 2), (2, 3), (2, 2, 2)])
def test_differences_work_for_batches_too(shape):
    theta = np.random.default_rng(1).uniform(-1, 1, shape)
    J = Rosenbrock()
    assert numerical_gradient(J, theta) == pytest.approx(J.grad(theta), abs=1e-5)
    H = hessian(J, theta)
    assert H.shape == (2, *shape)
    x, y = theta
    assert H[0, 0] == pytest.approx(2 + 1200 * x**2 - 400 * y, abs=1e-4)
    assert H[0, 1] == pytest.approx(-400 * x, abs=1e-4)
    assert (H[1, 0] == H[0, 1]).all()
    assert H[1, 1] == pytest.approx(np.full(shape[1:], 200.0), abs=1e-4)


@every_objective
def test_every_objective_can_be_drawn(J):
    assert isinstance(J, Surface)
    assert len(J.labels) == len(J.window) == 2 and len(set(J.labels)) == 2
    assert all(low < high for low, high in J.window)
    assert J.minima.shape[1:] == (2,)


# ---- any condition number, any number of dimensions


@given(st.floats(1, 1e6), st.floats(-3, 3))
@law
def test_a_ravine_has_the_condition_number_that_it_is_given(condition, angle):
    J = ravine(condition, angle)
    assert J.condition == condition
    flat, stiff = np.linalg.eigvalsh(hessian(J, np.zeros(2)))
    assert flat == pytest.approx(1, abs=1e-9 * condition)
    assert stiff == pytest.approx(condition, rel=1e-9)
    along = np.array([np.cos(angle), np.sin(angle)])
    assert J(along) == pytest.approx(1 / 2), "flat along the angle"
    assert J(along[::-1] * [-1, 1]) == pytest.approx(condition / 2), "and steep across"


@pytest.mark.parametrize("condition", [0.5, -3.0, 0, np.inf, np.nan])
def test_a_condition_number_below_1_is_refused(condition):
    with pytest.raises(ValueError, match=f"condition is {condition}; expected a number, 1 or more"):
        ravine(condition)


@pytest.mark.parametrize("kind", [Rosenbrock, Rastrigin])
@pytest.mark.parametrize("dim", [2, 3, 7])
@law
@given(data=st.data())
def test_in_any_number_of_dimensions(kind, dim, data):
    J = kind(dim=dim)
    theta = data.draw(st.lists(st.floats(-2, 2), min_size=dim, max_size=dim).map(np.array))
    assert J.grad(theta) == pytest.approx(numerical_gradient(J, theta), rel=1e-6, abs=1e-4)
    assert J(theta) >= J(J.minima[0]) == 0 and np.abs(J.grad(J.minima[0])).max() < 1e-12
    assert len(J.labels) == dim and J.minima.shape == (1, dim)
    batch = np.stack([theta, -theta], axis=1)[:, :, None]
    assert J(batch).shape == (2, 1) and J.grad(batch).shape == (dim, 2, 1)
    assert J(batch)[0, 0] == pytest.approx(J(theta), rel=1e-14)
    assert J.grad(batch)[:, 1, 0] == pytest.approx(J.grad(-theta), rel=1e-14)
    single = theta.astype(np.float32)
    assert J(single).dtype == J.grad(single).dtype == np.float32


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=8).map(np.array))
@law
def test_rosenbrock_is_a_sum_over_neighbours(theta):
    two, many = Rosenbrock(), Rosenbrock(dim=len(theta))
    pairs = np.stack([theta[:-1], theta[1:]])
    assert many(theta) == pytest.approx(two(pairs).sum(), rel=1e-12)


def test_rosenbrock_has_a_second_minimum_in_five_dimensions_and_not_in_three():
    J, near = Rosenbrock(dim=5), np.array([-1.0, 1, 1, 1, 1])
    for _ in range(20):  # Newton's method
        near = near - np.linalg.solve(hessian(J, near), J.grad(near))
    assert near[0] < -0.9 and (near[1:] > 0.6).all()
    assert np.abs(J.grad(near)).max() < 1e-8 and np.linalg.eigvalsh(hessian(J, near)).min() > 0
    assert 3 < J(near) < 5


@pytest.mark.parametrize("kind", [Rosenbrock, Rastrigin])
def test_the_number_of_coordinates_is_checked(kind):
    name = kind.__name__
    for ask in (kind(), kind().grad):
        words = rf"{name}: theta has 3 coordinates; expected 2: .*{name}\(dim=3\)"
        with pytest.raises(ValueError, match=words):
            ask(np.zeros(3))
    for dim in (1, 0, 2.0, None):
        with pytest.raises(ValueError, match=f"{name}: dim is {dim}; expected a whole number, 2"):
            kind(dim=dim)
    assert kind().labels == Beale().labels == ("x", "y")
    assert kind(dim=3).labels == ("x1", "x2", "x3")
