"""Surfaces that only the quiz needs, made from the book's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lecopt.objectives import Plane
from lecopt.rule import Array


@dataclass(frozen=True)
class Slope(Plane):
    """A plane: J = a x + b y."""

    a: float
    b: float

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        return self.a * x + self.b * y

    def grad(self, theta: Array) -> Array:
        x, y = theta
        return np.stack([self.a + 0 * x, self.b + 0 * y])


@dataclass(frozen=True)
class FourWells(Plane):
    """Four hollows around a hill: J = (x^2 - 1)^2 + (y^2 - 1)^2."""

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        return (x**2 - 1) ** 2 + (y**2 - 1) ** 2

    def grad(self, theta: Array) -> Array:
        return 4 * theta * (theta**2 - 1)


@dataclass(frozen=True)
class Tilted(Plane):
    """Another surface with a plane added: J + a x + b y."""

    J: Any
    a: float
    b: float

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        return self.J(theta) + self.a * x + self.b * y

    def grad(self, theta: Array) -> Array:
        dx, dy = self.J.grad(theta)
        return np.stack([dx + self.a, dy + self.b])


@dataclass(frozen=True)
class Turned(Plane):
    """Another surface, turned about the origin by an angle in radians."""

    J: Any
    angle: float

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        c, s = np.cos(self.angle), np.sin(self.angle)
        return self.J(np.stack([c * x + s * y, -s * x + c * y]))

    def grad(self, theta: Array) -> Array:
        x, y = theta
        c, s = np.cos(self.angle), np.sin(self.angle)
        dp, dq = self.J.grad(np.stack([c * x + s * y, -s * x + c * y]))
        return np.stack([c * dp - s * dq, s * dp + c * dq])


@dataclass(frozen=True)
class Mixture(Plane):
    """Round hills (height above 0) and holes (below 0) in a plain.

    J = sum_i h_i exp(-((x - x_i)^2 + (y - y_i)^2) / (2 width^2))
    """

    bumps: tuple[tuple[float, float, float], ...]
    width: float = 0.9

    def __call__(self, theta: Array) -> Array:
        x, _ = theta
        return sum((h * self.bump(theta, p, q) for p, q, h in self.bumps), start=0 * x)

    def grad(self, theta: Array) -> Array:
        x, y = theta
        pull = [(h * self.bump(theta, p, q) / self.width**2, p, q) for p, q, h in self.bumps]
        return np.stack(
            [sum(k * (p - x) for k, p, _ in pull), sum(k * (q - y) for k, _, q in pull)]
        )

    def bump(self, theta: Array, p: float, q: float) -> Array:
        """Return one hill of height 1 at (p, q)."""
        x, y = theta
        return np.exp(-((x - p) ** 2 + (y - q) ** 2) / (2 * self.width**2))
