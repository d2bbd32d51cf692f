"""Rules that look before they step: try step lengths along the gradient, compare losses.

They keep to the protocol of `lecopt.optimizers`. Each run of a batch gets a step length of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lecopt.rule import Array, CheckedHyperParameters, Hyper, Objective, hyper, learning_rate
from lecopt.search import first_that


class RateState(NamedTuple):
    """The step length taken last, one for each run; 0 before the first step."""

    eta: Array


@dataclass(frozen=True)
class LineSearch(CheckedHyperParameters):
    """Try each of some step lengths against the gradient, keep the one with the lowest loss.

        g      = grad J(theta)
        eta    = the candidate for which J(theta - eta g) is lowest, the first of equals
        theta <- theta - eta g

    A step costs one gradient, and one loss for each candidate. Where no candidate gives a finite
    loss it stays where it is, with eta = 0.

    Parameters
    ----------
    candidates
        Step lengths to try, each at least 0, at least one.

    Raises
    ------
    ValueError
        If there is no candidate, or one is negative or not finite.

    References
    ----------
    A grid in place of the minimum along the line of A. Cauchy, Comptes rendus 25 (1847).
    """

    candidates: Sequence[float] = dataclasses.field(
        default=(0.1, 0.5, 1.0, 5.0, 10.0),
        metadata={"symbol": "η", "at_least": 0.0, "sweep": False},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.ndim(self.candidates) != 1 or np.size(self.candidates) == 0:
            raise ValueError(
                f"LineSearch(candidates={self.candidates!r}): expected at least one step length, "
                "as (0.1, 1.0, 10.0)"
            )

    def init(self, theta: Array) -> RateState:
        return RateState(eta=np.zeros_like(theta[0]))

    def step(self, theta: Array, state: RateState, J: Objective) -> tuple[Array, RateState]:
        g = J.grad(theta)
        best, eta, lowest = theta, np.zeros_like(theta[0]), np.array(np.inf)
        for candidate in self.candidates:
            trial = theta - candidate * g
            loss = J(trial)
            better = loss < lowest
            best = np.where(better, trial, best)
            eta = np.where(better, candidate, eta)
            lowest = np.where(better, loss, lowest)
        return best, RateState(eta)


@dataclass(frozen=True)
class ExactLineSearch(CheckedHyperParameters):
    """Step to the lowest point along the gradient, on a quadratic, whose slope is linear.

        g      = grad J(theta),     d = g / max |g|
        H d    = (grad J(theta + d) - grad J(theta - d)) / 2
        eta    = g^T g / g^T H g  = d^T d / d^T H d
        theta <- theta - eta g

    This is the method of steepest descent. Of curvatures it needs only that along d, which two
    more gradients tell exactly; with the first one they show whether J is quadratic at all. Where
    a line does not curve upwards it has no lowest point: there it stays, with eta = 0.

    Raises
    ------
    ValueError
        By `step`, if the gradient is not linear along the line, so that J is not quadratic.

    References
    ----------
    A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées",
    Comptes rendus 25 (1847).
    """

    def init(self, theta: Array) -> RateState:
        return RateState(eta=np.zeros_like(theta[0]))

    def step(self, theta: Array, state: RateState, J: Objective) -> tuple[Array, RateState]:
        g = J.grad(theta)
        steepest = np.max(np.abs(g), axis=0)
        d = g / np.where(steepest > 0, steepest, 1.0)
        ahead, behind = J.grad(theta + d), J.grad(theta - d)
        _refuse_bent(theta, g, ahead, behind)
        curve = np.sum(d * (ahead - behind), axis=0) / 2
        eta = np.where(curve > 0, np.sum(d * d, axis=0) / np.where(curve > 0, curve, 1.0), 0.0)
        theta = theta - eta * g
        return theta, RateState(eta)


def _refuse_bent(theta: Array, g: Array, ahead: Array, behind: Array) -> None:
    """Refuse a gradient that is not, in the middle of a line, the mean of those at its ends."""
    if not isinstance(theta, np.ndarray):
        return  # it is being traced: there are no numbers yet
    size = np.max(np.abs(ahead) + np.abs(behind), axis=0)
    bend = np.max(np.abs(ahead + behind - 2 * g), axis=0)
    bent = bend > np.sqrt(np.finfo(theta.dtype).eps) * size
    if bent.any():
        where = theta[:, *np.argwhere(bent)[0]]
        raise ValueError(
            f"ExactLineSearch: at theta = {where} the slope along the gradient is not linear, so "
            "this objective is not quadratic, and the formula would miss the lowest point; take "
            "LineSearch or Backtracking"
        )


@dataclass(frozen=True)
class Backtracking(CheckedHyperParameters):
    """Begin with a long step, and shorten it until the loss falls enough for its length.

        g      = grad J(theta)
        eta   <- down eta    while J(theta - eta g) > J(theta) - c eta |g|^2
        theta <- theta - eta g

    A step costs one gradient, the loss at theta, and one loss for each length tried; in a batch
    the search goes on until every run has its step.

    Parameters
    ----------
    eta
        The length tried first at every step, at least 0.
    down
        Factor for the next one, from 0 to 1.
    c
        Share of the fall promised by the slope that is enough, from 0 to 1.
    tries
        How often the step is shortened at most.

    Raises
    ------
    TypeError
        If tries is no whole number.
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    L. Armijo, "Minimization of functions having Lipschitz continuous first partial derivatives",
    Pacific Journal of Mathematics 16 (1966).
    """

    eta: Hyper = learning_rate(10.0)
    down: Hyper = hyper(0.5, "down", at_most=1.0, slider=(0.1, 0.9))
    c: Hyper = hyper(1e-4, "c", at_most=1.0, slider=(1e-5, 0.5), log=True)
    tries: int = dataclasses.field(
        default=40,
        metadata={
            "symbol": "tries",
            "at_least": 0.0,
            "range": (0, 40),
            "log": False,
            "sweep": False,
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.tries, (int, np.integer)):
            raise TypeError(f"Backtracking(tries={self.tries!r}): expected a whole number")

    def init(self, theta: Array) -> RateState:
        return RateState(eta=np.zeros_like(theta[0]))

    def step(self, theta: Array, state: RateState, J: Objective) -> tuple[Array, RateState]:
        g = J.grad(theta)
        loss, slope = J(theta), np.sum(g * g, axis=0)

        def enough(eta: Array) -> Any:
            return J(theta - eta * g) <= loss - self.c * eta * slope

        longest = np.zeros_like(theta[0]) + self.eta
        eta = first_that(enough, longest, lambda eta: self.down * eta, self.tries)
        theta = theta - eta * g
        return theta, RateState(eta)
