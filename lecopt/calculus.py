"""Derivatives by differences: what a gradient is checked against, and the curvatures."""

from __future__ import annotations

import numpy as np

from lecopt.rule import Array, Objective


def numerical_gradient(J: Objective, theta: Array, h: float = 1e-5) -> Array:
    """Return the gradient by central differences, one coordinate after the other.

    dJ/dtheta_i = (J(theta + h e_i) - J(theta - h e_i)) / (2 h)
    """
    steps = h * _unit_vectors(theta)
    return np.stack([(J(theta + e) - J(theta - e)) / (2 * h) for e in steps])


def hessian(J: Objective, theta: Array, h: float = 1e-5) -> Array:
    """Return the matrix of second derivatives at `theta`, shape (D, D, K...), symmetric.

    H_i = (grad J(theta + h e_i) - grad J(theta - h e_i)) / (2 h)
    """
    steps = h * _unit_vectors(theta)
    H = np.stack([(J.grad(theta + e) - J.grad(theta - e)) / (2 * h) for e in steps])
    return (H + H.swapaxes(0, 1)) / 2


def _unit_vectors(theta: Array) -> Array:
    """Return one unit vector for each parameter, of a shape that adds to `theta`."""
    D = len(theta)
    return np.eye(D).reshape(D, D, *(1,) * (theta.ndim - 1))
