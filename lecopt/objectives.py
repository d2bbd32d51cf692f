"""Test surfaces, each with its gradient, its known minima and a window to look at.

Every objective is called with `theta` of shape (D,), or (D, K...) for many points at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np

from lecopt.rule import Array, Objective

Window: TypeAlias = tuple[tuple[float, float], tuple[float, float]]


@runtime_checkable
class Surface(Objective, Protocol):
    """An objective that can be drawn."""

    @property
    def window(self) -> Window: ...

    @property
    def minima(self) -> Array: ...

    @property
    def labels(self) -> tuple[str, ...]: ...


class Plane:
    """Names of the two coordinates of a test surface."""

    labels: ClassVar[tuple[str, ...]] = ("x", "y")


class Space:
    """Names of the coordinates of a test surface in any number of dimensions."""

    dim: int

    def __post_init__(self) -> None:
        if not isinstance(self.dim, (int, np.integer)) or self.dim < 2:
            name = type(self).__name__
            raise ValueError(f"{name}: dim is {self.dim!r}; expected a whole number, 2 or more")

    @property
    def labels(self) -> tuple[str, ...]:
        return Plane.labels if self.dim == 2 else tuple(f"x{i}" for i in range(1, self.dim + 1))

    def check(self, theta: Array) -> Array:
        """Return `theta` if it has `dim` coordinates."""
        if len(theta) != self.dim:
            name = type(self).__name__
            raise ValueError(
                f"{name}: theta has {len(theta)} coordinates; expected {self.dim}: take as many, "
                f"or {name}(dim={len(theta)})"
            )
        return theta


@dataclass(frozen=True)
class Quadratic(Plane):
    """A bowl, or a ravine: half a curvature times a squared distance, along each of two axes.

        J = (lambda1 p^2 + lambda2 q^2) / 2,    (p, q) = theta turned by -angle

    Gradient descent on it is stable for eta < 2 / max(lambda1, lambda2).

    Parameters
    ----------
    lambda1, lambda2
        Curvatures along the two axes; their ratio is the condition number.
    angle
        How far the axes are turned, in radians.
    """

    lambda1: float = 1.0
    lambda2: float = 10.0
    angle: float = 0.0
    window: Window = ((-3.0, 3.0), (-3.0, 3.0))

    @property
    def condition(self) -> float:
        """Condition number: the larger curvature over the smaller, 1 for a round bowl."""
        return max(self.lambda1, self.lambda2) / min(self.lambda1, self.lambda2)

    @property
    def minima(self) -> Array:
        return np.zeros((1, 2))

    def axes(self, theta: Array) -> tuple[Array, Array]:
        """Return the coordinates of `theta` along the two axes of the bowl."""
        x, y = theta
        c, s = math.cos(self.angle), math.sin(self.angle)
        return c * x + s * y, -s * x + c * y

    def __call__(self, theta: Array) -> Array:
        p, q = self.axes(theta)
        return (self.lambda1 * p**2 + self.lambda2 * q**2) / 2

    def grad(self, theta: Array) -> Array:
        p, q = self.axes(theta)
        dp, dq = self.lambda1 * p, self.lambda2 * q
        c, s = math.cos(self.angle), math.sin(self.angle)
        return np.stack([c * dp - s * dq, s * dp + c * dq])


def ravine(condition: float, angle: float = 0.0) -> Quadratic:
    """Return a ravine of a given condition number: curvature 1 along it, `condition` across.

    Raises
    ------
    ValueError
        If condition is below 1 or not finite.
    """
    if not 1 <= condition < math.inf:
        raise ValueError(f"ravine: condition is {condition}; expected a number, 1 or more")
    return Quadratic(1.0, float(condition), angle)


@dataclass(frozen=True)
class Beale(Plane):
    """A flat valley that ends in sharp corners.

    J = (1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2
    """

    window: Window = ((-4.5, 4.5), (-4.5, 4.5))

    @property
    def minima(self) -> Array:
        return np.array([[3.0, 0.5]])

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        a, b, c = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
        return a**2 + b**2 + c**2

    def grad(self, theta: Array) -> Array:
        x, y = theta
        a, b, c = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
        dx = 2 * a * (y - 1) + 2 * b * (y**2 - 1) + 2 * c * (y**3 - 1)
        dy = 2 * a * x + 4 * b * x * y + 6 * c * x * y**2
        return np.stack([dx, dy])


@dataclass(frozen=True)
class Rosenbrock(Space):
    """A long, bent, narrow valley.

        J = (1 - x)^2 + 100 (y - x^2)^2,    summed over neighbours x, y among the coordinates

    In 4 to 7 dimensions there is a second, shallow minimum near (-1, 1, ..., 1).

    Parameters
    ----------
    dim
        Number of coordinates, at least 2; with 2 there is one pair of neighbours.
    """

    dim: int = 2
    window: Window = ((-2.0, 2.0), (-1.0, 3.0))

    @property
    def minima(self) -> Array:
        return np.ones((1, self.dim))

    def __call__(self, theta: Array) -> Array:
        x, y = self.check(theta)[:-1], theta[1:]
        return ((1 - x) ** 2 + 100 * (y - x**2) ** 2).sum(0)

    def grad(self, theta: Array) -> Array:
        x, y = self.check(theta)[:-1], theta[1:]
        dx = -2 * (1 - x) - 400 * x * (y - x**2)
        dy = 200 * (y - x**2)
        return np.stack([dx[0], *(dx[1:] + dy[:-1]), dy[-1]])  # those between have two neighbours


@dataclass(frozen=True)
class Himmelblau(Plane):
    """Four equal valleys.

    J = (x^2 + y - 11)^2 + (x + y^2 - 7)^2
    """

    window: Window = ((-6.0, 6.0), (-6.0, 6.0))

    @property
    def minima(self) -> Array:
        return np.array(
            [
                [3.0, 2.0],
                [-2.805118086952745, 3.131312518250573],
                [-3.779310253377747, -3.283185991286170],
                [3.584428340330492, -1.848126526964404],
            ]
        )

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    def grad(self, theta: Array) -> Array:
        x, y = theta
        a, b = x**2 + y - 11, x + y**2 - 7
        return np.stack([4 * a * x + 2 * b, 2 * a + 4 * b * y])


@dataclass(frozen=True)
class Saddle(Plane):
    """A mountain pass: the ground rises along x and falls along y; no minimum.

    J = (x^2 - y^2) / 2
    """

    window: Window = ((-2.0, 2.0), (-2.0, 2.0))

    @property
    def minima(self) -> Array:
        return np.empty((0, 2))

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        return (x**2 - y**2) / 2

    def grad(self, theta: Array) -> Array:
        x, y = theta
        return np.stack([x, -y])


@dataclass(frozen=True)
class MonkeySaddle(Plane):
    """Three valleys and three ridges that meet in one flat point; no minimum.

    J = x^3 - 3 x y^2
    """

    window: Window = ((-1.5, 1.5), (-1.5, 1.5))

    @property
    def minima(self) -> Array:
        return np.empty((0, 2))

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        return x**3 - 3 * x * y**2

    def grad(self, theta: Array) -> Array:
        x, y = theta
        return np.stack([3 * x**2 - 3 * y**2, -6 * x * y])


@dataclass(frozen=True)
class Plateau(Plane):
    """A hole in a plain: steep within, all but flat a little way out.

    J = 1 - exp(-(x^2 + y^2) / 2)
    """

    window: Window = ((-4.0, 4.0), (-4.0, 4.0))

    @property
    def minima(self) -> Array:
        return np.zeros((1, 2))

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        return 1 - np.exp(-(x**2 + y**2) / 2)

    def grad(self, theta: Array) -> Array:
        x, y = theta
        e = np.exp(-(x**2 + y**2) / 2)
        return np.stack([e * x, e * y])


@dataclass(frozen=True)
class DoubleWell(Plane):
    """Two valleys, the left one deeper by a tilt, with a pass between them.

    J = (x^2 - 1)^2 + tilt x + y^2 / 2
    """

    tilt: float = 0.25
    window: Window = ((-2.0, 2.0), (-2.0, 2.0))

    @property
    def minima(self) -> Array:
        slope_zero = np.roots([4.0, 0.0, -4.0, self.tilt])
        x = np.sort(slope_zero[np.abs(slope_zero.imag) < 1e-12].real)
        x = x[12 * x**2 - 4 > 0]
        return np.column_stack([x, np.zeros_like(x)])

    def __call__(self, theta: Array) -> Array:
        x, y = theta
        return (x**2 - 1) ** 2 + self.tilt * x + y**2 / 2

    def grad(self, theta: Array) -> Array:
        x, y = theta
        return np.stack([4 * x * (x**2 - 1) + self.tilt, y])


@dataclass(frozen=True)
class Rastrigin(Space):
    """A bowl covered with dents: one lowest point among many low ones.

        J = sum_i (x_i^2 + 10 - 10 cos(2 pi x_i))

    Parameters
    ----------
    dim
        Number of coordinates, at least 2.
    """

    dim: int = 2
    window: Window = ((-3.0, 3.0), (-3.0, 3.0))

    @property
    def minima(self) -> Array:
        return np.zeros((1, self.dim))

    def __call__(self, theta: Array) -> Array:
        x = self.check(theta)
        return (x**2 + 10 - 10 * np.cos(2 * np.pi * x)).sum(0)

    def grad(self, theta: Array) -> Array:
        x = self.check(theta)
        return 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)
