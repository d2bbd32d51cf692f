"""The update rules, in the book's order.

Each rule is a frozen dataclass of hyper-parameters with two methods: `init(theta)` makes the
state before the first step, `step(theta, state, J)` returns the next `theta` and state.
`theta` has shape (D,), or (D, K...) for a batch of runs; a hyper-parameter may be an array that
broadcasts over K. Rules are pure: they change no argument, draw no random number, print nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lecopt.rule import Array, CheckedHyperParameters, Hyper, Objective, decay, hyper, learning_rate


class NoState(NamedTuple):
    """Plain gradient descent remembers nothing."""


class MomentumState(NamedTuple):
    """The last update."""

    u: Array


class MeanState(NamedTuple):
    """A moving average of the gradients."""

    m: Array


class AdamState(NamedTuple):
    """Steps done, and moving averages of the gradients and of their squares."""

    t: int
    m: Array
    v: Array


@dataclass(frozen=True)
class GradientDescent(CheckedHyperParameters):
    """Step against the gradient.

        theta <- theta - eta grad J(theta)

    Parameters
    ----------
    eta
        Learning rate, at least 0; an array of shape (K...) for a sweep.

    Raises
    ------
    ValueError
        If eta is negative or not finite.

    References
    ----------
    A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées",
    Comptes rendus 25 (1847).
    """

    eta: Hyper = learning_rate(0.1)

    def init(self, theta: Array) -> NoState:
        return NoState()

    def step(self, theta: Array, state: NoState, J: Objective) -> tuple[Array, NoState]:
        g = J.grad(theta)
        theta = theta - self.eta * g
        return theta, state


@dataclass(frozen=True)
class Momentum(CheckedHyperParameters):
    """Step along a fading sum of all the gradients so far.

        u     <- gamma u + eta grad J(theta),    u = 0 at the start
        theta <- theta - u

    Here eta is inside the memory: a gradient keeps the learning rate of its own day.

    Parameters
    ----------
    eta
        Learning rate, at least 0.
    gamma
        How much of the last update is kept, from 0 (gradient descent) to 1 (no friction).

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration methods",
    USSR Computational Mathematics and Mathematical Physics 4 (1964), equation (9).
    """

    eta: Hyper = learning_rate(0.1)
    gamma: Hyper = hyper(0.9, "γ", at_most=1.0, slider=(0.0, 0.99))

    def init(self, theta: Array) -> MomentumState:
        return MomentumState(u=np.zeros_like(theta))

    def step(self, theta: Array, state: MomentumState, J: Objective) -> tuple[Array, MomentumState]:
        g = J.grad(theta)
        u = self.gamma * state.u + self.eta * g
        theta = theta - u
        return theta, MomentumState(u)


@dataclass(frozen=True)
class MomentumEMA(CheckedHyperParameters):
    """Step along a moving average of the gradients.

        m     <- beta m + (1 - beta) grad J(theta),    m = 0 at the start
        theta <- theta - eta m

    With beta = gamma and eta = eta' / (1 - beta) it walks the path of `Momentum(eta', gamma)`.

    Parameters
    ----------
    eta
        Learning rate, at least 0.
    beta
        How much of the last average is kept, at least 0 and below 1.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    The first moment of Adam: D. P. Kingma and J. Ba, "Adam", ICLR 2015, algorithm 1.
    """

    eta: Hyper = learning_rate(0.1)
    beta: Hyper = decay(0.9, "β")

    def init(self, theta: Array) -> MeanState:
        return MeanState(m=np.zeros_like(theta))

    def step(self, theta: Array, state: MeanState, J: Objective) -> tuple[Array, MeanState]:
        g = J.grad(theta)
        m = self.beta * state.m + (1 - self.beta) * g
        theta = theta - self.eta * m
        return theta, MeanState(m)


@dataclass(frozen=True)
class Nesterov(CheckedHyperParameters):
    """Look ahead to where the memory carries you, and take the gradient there.

        u     <- gamma u + eta grad J(theta - gamma u),    u = 0 at the start
        theta <- theta - u

    PyTorch and Keras store the look-ahead point theta - gamma u where this rule stores theta.

    Parameters
    ----------
    eta
        Learning rate, at least 0.
    gamma
        How much of the last update is kept, from 0 (gradient descent) to 1 (no friction).

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    Y. Nesterov, "A method for solving the convex programming problem with convergence rate
    O(1/k^2)", Doklady 269 (1983); in this form: I. Sutskever et al., "On the importance of
    initialization and momentum in deep learning", ICML 2013, equations (3) and (4).
    """

    eta: Hyper = learning_rate(0.1)
    gamma: Hyper = hyper(0.9, "γ", at_most=1.0, slider=(0.0, 0.99))

    def init(self, theta: Array) -> MomentumState:
        return MomentumState(u=np.zeros_like(theta))

    def step(self, theta: Array, state: MomentumState, J: Objective) -> tuple[Array, MomentumState]:
        theta_look = theta - self.gamma * state.u
        g = J.grad(theta_look)
        u = self.gamma * state.u + self.eta * g
        theta = theta - u
        return theta, MomentumState(u)


@dataclass(frozen=True)
class Adam(CheckedHyperParameters):
    """Step along the mean gradient, divided by the root of the mean squared gradient.

        t     <- t + 1
        m     <- beta1 m + (1 - beta1) g,      g = grad J(theta)
        v     <- beta2 v + (1 - beta2) g^2
        m_hat  = m / (1 - beta1^t),   v_hat = v / (1 - beta2^t)
        theta <- theta - eta m_hat / (sqrt(v_hat + eps_root) + eps)

    m, v and t are 0 at the start. eps stands outside the root, as in the paper and in PyTorch;
    for the form with it inside, set eps=0 and eps_root to its value.

    Parameters
    ----------
    eta
        Learning rate, at least 0: about the length of a step, in each coordinate.
    beta1, beta2
        How much of the last averages is kept, at least 0 and below 1.
    eps, eps_root
        Small numbers, at least 0, that keep the division finite.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
    """

    eta: Hyper = learning_rate(0.1)
    beta1: Hyper = decay(0.9, "β₁")
    beta2: Hyper = decay(0.999, "β₂", slider=(0.0, 0.9999))
    eps: Hyper = hyper(1e-8, "ε", slider=(1e-10, 1e-1), log=True)
    eps_root: Hyper = hyper(0.0, "ε (inside the root)", slider=(0.0, 1e-2))

    def init(self, theta: Array) -> AdamState:
        return AdamState(t=0, m=np.zeros_like(theta), v=np.zeros_like(theta))

    def step(self, theta: Array, state: AdamState, J: Objective) -> tuple[Array, AdamState]:
        t = state.t + 1
        g = J.grad(theta)
        m = self.beta1 * state.m + (1 - self.beta1) * g
        v = self.beta2 * state.v + (1 - self.beta2) * g**2
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        theta = theta - self.eta * m_hat / (np.sqrt(v_hat + self.eps_root) + self.eps)
        return theta, AdamState(t, m, v)
