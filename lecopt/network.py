"""A network of two layers on data, with backpropagation: hidden units, then output units."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from lecopt.objectives import Window
from lecopt.rule import Array
from lecopt.units import Softmax, Tanh


@runtime_checkable
class Hidden(Protocol):
    """The units of the hidden layer: a curve and its slope."""

    def __call__(self, z: Array) -> Array:
        """Return what the units give out for their inputs z."""
        ...

    def slope(self, a: Array) -> Array:
        """Return da/dz where the units give out a."""
        ...


@runtime_checkable
class Output(Protocol):
    """The units of the output layer, and the loss that suits them; units along axis -2."""

    def __call__(self, z: Array) -> Array:
        """Return what the units give out for their inputs z."""
        ...

    def loss(self, z: Array, y: Array) -> Array:
        """Return the loss of each row."""
        ...

    def delta(self, z: Array, y: Array) -> Array:
        """Return dloss/dz."""
        ...

    def targets(self, y: Array) -> Array:
        """Return the targets of N rows as (N, n_y), checked."""
        ...


@dataclass(frozen=True, eq=False)
class Network:
    """A layer of hidden units, a layer of output units, and how far these are from y.

        z1 = W1 x + b1,    a1 = hidden(z1)
        z2 = W2 a1 + b2,   a2 = output(z2),    J(theta) = sum over the rows of loss(a2, y)

    Backpropagation is the chain rule from the last line to the first, for each row:

        dz2 = output's dloss/dz2
        dW2 = dz2 a1^T,    db2 = dz2,    da1 = W2^T dz2
        dz1 = da1 hidden'(z1)
        dW1 = dz1 x^T,     db1 = dz1

    theta holds W1 (n_h, n_x), b1 (n_h, 1), W2 (n_y, n_h), b2 (n_y, 1), one after the other, each
    row by row: `unpack` takes it apart, `pack` puts it together. Loss and gradient are plain sums
    over the rows, so those of two halves add up.

    Parameters
    ----------
    X
        Inputs, shape (N, n_x), or (N,) for one input; finite.
    y
        Targets; what the output units take, see there. With `Softmax` a class 0, 1, 2, ... for
        each row; kept as (N, n_y).
    n_h
        Number of hidden units, at least 1.
    hidden
        `Tanh()` or `Sigmoid()`.
    output
        `Softmax()` or `Sigmoid()`; each brings its loss.
    window
        Ranges of two parameters in a picture: see `Slice`.

    Raises
    ------
    TypeError
        If hidden or output are no units.
    ValueError
        If there is no row, the shapes disagree, n_h is no whole number of at least 1, or a row
        holds a NaN or a target that the output units cannot give.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
    back-propagating errors", Nature 323 (1986).
    """

    X: Array
    y: Array
    n_h: int
    hidden: Hidden = Tanh()
    output: Output = Softmax()
    window: Window = ((-3.0, 3.0), (-3.0, 3.0))

    data: ClassVar[tuple[str, ...]] = ("X", "y")

    def __post_init__(self) -> None:
        _check_units("hidden", self.hidden, Hidden)
        _check_units("output", self.output, Output)
        if not isinstance(self.n_h, (int, np.integer)) or self.n_h < 1:
            raise ValueError(f"Network: n_h is {self.n_h!r}; expected a whole number, 1 or more")
        X = _inputs(self.X)
        y = self.output.targets(np.asarray(self.y))
        if len(X) != len(y) or len(y) == 0:
            raise ValueError(
                f"Network: X has {len(X)} rows and y {len(y)}; expected a row of each for every "
                "example, and at least one"
            )
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """The shapes of W1, b1, W2 and b2, in the order in which theta holds them."""
        n_x, n_h, n_y = self.X.shape[1], self.n_h, self.y.shape[1]
        return {"W1": (n_h, n_x), "b1": (n_h, 1), "W2": (n_y, n_h), "b2": (n_y, 1)}

    @property
    def D(self) -> int:
        """Number of parameters."""
        return sum(rows * columns for rows, columns in self.shapes.values())

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the parameters: W1[0,0], W1[0,1], ..."""
        return tuple(
            f"{name}[{i},{j}]" for name, shape in self.shapes.items() for i, j in np.ndindex(shape)
        )

    @property
    def minima(self) -> Array:
        """None is known, shape (0, D)."""
        return np.empty((0, self.D))

    def on(self, rows: Sequence[int] | Array | slice) -> Network:
        """Return the same objective on some of the rows (indices, or a slice)."""
        part = copy.copy(self)
        object.__setattr__(part, "X", self.X[rows])
        object.__setattr__(part, "y", self.y[rows])
        return part

    def start(self, rng: np.random.Generator) -> Array:
        """Return a random theta of shape (D,): weights of variance 1 / inputs, and zero biases.

        So the inputs of every unit are of about the size of its layer's inputs, and no two hidden
        units are alike: from equal ones they would stay equal for ever.

        References
        ----------
        Y. LeCun et al., "Efficient BackProp" (1998), section 4.6.
        """
        W1, b1, W2, b2 = self.shapes.values()
        return self.pack(
            rng.normal(0.0, 1 / np.sqrt(W1[1]), W1),
            np.zeros(b1),
            rng.normal(0.0, 1 / np.sqrt(W2[1]), W2),
            np.zeros(b2),
        )

    def unpack(self, theta: Array) -> tuple[Array, Array, Array, Array]:
        """Return W1 (n_h, n_x), b1 (n_h, 1), W2 (n_y, n_h) and b2 (n_y, 1) of theta (D,).

        For a batch, theta (D, K...), the axes of the batch stand in front, in reverse, as `@`
        wants them: W1 has shape (..., K, n_h, n_x).
        """
        if len(theta) != self.D:
            (n_h, n_x), (n_y, _) = self.shapes["W1"], self.shapes["b2"]
            raise ValueError(
                f"Network: theta has {len(theta)} parameters; expected D = {self.D} for {n_x} "
                f"inputs, {n_h} hidden units and {n_y} outputs: n_h (n_x + 1) + n_y (n_h + 1)"
            )
        flat, first, parts = theta.T, 0, []
        for rows, columns in self.shapes.values():
            part = flat[..., first : first + rows * columns]
            parts.append(part.reshape(*flat.shape[:-1], rows, columns))
            first += rows * columns
        W1, b1, W2, b2 = parts
        return W1, b1, W2, b2

    def pack(self, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
        """Return theta of shape (D,), or (D, K...): the inverse of `unpack`."""
        parts = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
        for name, shape in self.shapes.items():
            if parts[name].shape[-2:] != shape:
                raise ValueError(f"Network: {name} has shape {parts[name].shape}; expected {shape}")
        flat = [part.reshape(*part.shape[:-2], -1) for part in parts.values()]
        return np.concatenate(flat, axis=-1).T

    def __call__(self, theta: Array) -> Array:
        W1, b1, W2, b2 = self.unpack(theta)
        X, y = _in_precision_of(theta, self.X, self.y)
        a1 = self.hidden(W1 @ X.T + b1)
        loss = self.output.loss(W2 @ a1 + b2, y.T)
        return np.sum(loss, axis=-1).T

    def grad(self, theta: Array) -> Array:
        W1, b1, W2, b2 = self.unpack(theta)
        X, y = _in_precision_of(theta, self.X, self.y)
        a1 = self.hidden(W1 @ X.T + b1)
        dz2 = self.output.delta(W2 @ a1 + b2, y.T)
        dW2 = dz2 @ a1.mT
        db2 = np.sum(dz2, axis=-1)[..., None]
        da1 = W2.mT @ dz2
        dz1 = da1 * self.hidden.slope(a1)
        dW1 = dz1 @ X
        db1 = np.sum(dz1, axis=-1)[..., None]
        return self.pack(dW1, db1, dW2, db2)

    def predict(self, theta: Array, X: ArrayLike) -> Array:
        """Return the outputs for inputs X of shape (N, n_x), shape (N, n_y, K...)."""
        W1, b1, W2, b2 = self.unpack(theta)
        (X,) = _in_precision_of(theta, _inputs(X))
        if X.shape[1] != W1.shape[-1]:
            raise ValueError(f"Network: X has {X.shape[1]} inputs a row; expected {W1.shape[-1]}")
        a1 = self.hidden(W1 @ X.T + b1)
        return self.output(W2 @ a1 + b2).T

    def accuracy(self, theta: Array, X: ArrayLike, y: ArrayLike) -> Array:
        """Return the share of rows whose largest output is that of the class y, shape (K...).

        y has shape (N,): classes 0, 1, 2, ...; a single output means 1 above a half, and else 0.
        """
        f = self.predict(theta, X)
        guess = np.argmax(f, axis=1) if f.shape[1] > 1 else f[:, 0] > 0.5
        y = np.asarray(y)
        if y.shape != guess.shape[:1]:
            raise ValueError(
                f"Network: X has {len(f)} rows and y shape {y.shape}; expected one class for each"
            )
        return np.mean(y == guess.T, axis=-1).T


def _in_precision_of(theta: Array, *data: Array) -> list[Array]:
    """Return the data as float32 if theta is, so that single precision stays single."""
    if theta.dtype == np.float32:
        return [array.astype(np.float32, copy=False) for array in data]
    return list(data)


def _inputs(X: ArrayLike) -> Array:
    """Return inputs as an array of shape (N, n_x), checked."""
    X = np.asarray(X, dtype=float)
    if X.ndim not in (1, 2) or X.size == 0:
        raise ValueError(
            f"Network: X has shape {X.shape}; expected (N, n_x), or (N,) for one input, at least "
            "one row and one input"
        )
    X = X[:, None] if X.ndim == 1 else X
    rows_ok = np.isfinite(X).all(axis=1)
    if not rows_ok.all():
        row = int(np.argmin(rows_ok))
        raise ValueError(
            f"Network: row {row} has X = {X[row]}; every X must be finite: mend or drop that row"
        )
    return X


def _check_units(name: str, units: Any, kind: type) -> None:
    """Refuse what are no units, as the name of some, or their class."""
    if isinstance(units, type) or not isinstance(units, kind):
        choices = "Tanh() or Sigmoid()" if kind is Hidden else "Softmax() or Sigmoid()"
        raise TypeError(f"Network: {name} is {units!r}; expected {choices}, or units of your own")
