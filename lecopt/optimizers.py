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

from lecopt.rule import (
    Array,
    CheckedHyperParameters,
    Hyper,
    Objective,
    decay,
    epsilon,
    epsilon_inside,
    hyper,
    learning_rate,
)


class NoState(NamedTuple):
    """Plain gradient descent remembers nothing."""


class MomentumState(NamedTuple):
    """The last update."""

    u: Array


class MeanState(NamedTuple):
    """A moving average of the gradients."""

    m: Array


class SquareState(NamedTuple):
    """A sum, or a moving average, of the squared gradients."""

    v: Array


class RpropState(NamedTuple):
    """The last gradient (0 where it was not followed), and the length of each coordinate's step."""

    g: Array
    delta: Array


class AdaDeltaState(NamedTuple):
    """Moving averages of the squared gradients and of the squared steps."""

    v: Array
    d: Array


class AMSGradState(NamedTuple):
    """Steps done, moving averages as Adam's, and the largest `v` so far."""

    t: int
    m: Array
    v: Array
    v_max: Array


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
    USSR Computational Mathematics and Mathematical Physics 4 (1964): the heavy ball.
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
class NesterovShifted(CheckedHyperParameters):
    """Nesterov's rule, told by one who stands at the look-ahead point already.

        g     <- grad J(theta)
        u     <- gamma u + eta g,    u = 0 at the start
        theta <- theta - (gamma u + eta g)

    Its theta is the look-ahead point theta - gamma u of `Nesterov`, from the same start: one
    gradient, at theta itself. This is what PyTorch and Keras run.

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
    Y. Bengio, N. Boulanger-Lewandowski and R. Pascanu, "Advances in optimizing recurrent
    networks", ICASSP 2013, section 3.5.
    """

    eta: Hyper = learning_rate(0.1)
    gamma: Hyper = hyper(0.9, "γ", at_most=1.0, slider=(0.0, 0.99))

    def init(self, theta: Array) -> MomentumState:
        return MomentumState(u=np.zeros_like(theta))

    def step(self, theta: Array, state: MomentumState, J: Objective) -> tuple[Array, MomentumState]:
        g = J.grad(theta)
        u = self.gamma * state.u + self.eta * g
        theta = theta - (self.gamma * u + self.eta * g)
        return theta, MomentumState(u)


@dataclass(frozen=True)
class AdaGrad(CheckedHyperParameters):
    """Divide each coordinate's step by the root of the sum of all its squared gradients.

        v     <- v + g^2,      g = grad J(theta),    v = 0 at the start
        theta <- theta - eta g / (sqrt(v + eps_root) + eps)

    A coordinate that is seldom updated keeps a large rate; no rate ever grows again.

    Parameters
    ----------
    eta
        Learning rate, at least 0: about the length of the first step, in each coordinate.
    eps, eps_root
        Small numbers, at least 0, that keep the division finite; outside the root, and inside.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", JMLR 12 (2011), equation (1).
    """

    eta: Hyper = learning_rate(0.1)
    eps: Hyper = epsilon(1e-8)
    eps_root: Hyper = epsilon_inside(0.0)

    def init(self, theta: Array) -> SquareState:
        return SquareState(v=np.zeros_like(theta))

    def step(self, theta: Array, state: SquareState, J: Objective) -> tuple[Array, SquareState]:
        g = J.grad(theta)
        v = state.v + g**2
        theta = theta - self.eta * g / (np.sqrt(v + self.eps_root) + self.eps)
        return theta, SquareState(v)


@dataclass(frozen=True)
class AdaGradNoRoot(CheckedHyperParameters):
    """AdaGrad without its square root, to see what the root is good for.

        v     <- v + g^2,      g = grad J(theta),    v = 0 at the start
        theta <- theta - eta g / (v + eps)

    A loss twice as large now means steps half as long, and the first step is eta / g: longest
    where the surface is flat.

    Parameters
    ----------
    eta
        Learning rate, at least 0.
    eps
        Small number, at least 0, that keeps the division finite.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    None: a counter-example to `AdaGrad`, not a rule to use.
    """

    eta: Hyper = learning_rate(0.1)
    eps: Hyper = epsilon(1e-8)

    def init(self, theta: Array) -> SquareState:
        return SquareState(v=np.zeros_like(theta))

    def step(self, theta: Array, state: SquareState, J: Objective) -> tuple[Array, SquareState]:
        g = J.grad(theta)
        v = state.v + g**2
        theta = theta - self.eta * g / (v + self.eps)
        return theta, SquareState(v)


@dataclass(frozen=True)
class RMSProp(CheckedHyperParameters):
    """Divide each coordinate's step by the root of the mean of its recent squared gradients.

        v     <- beta v + (1 - beta) g^2,      g = grad J(theta),    v = 0 at the start
        theta <- theta - eta g / (sqrt(v + eps_root) + eps)

    Unlike AdaGrad's sum, the mean forgets: the rate may grow again.

    Parameters
    ----------
    eta
        Learning rate, at least 0: about the length of a step, in each coordinate; the first is
        1 / sqrt(1 - beta) times as long, for v starts at 0.
    beta
        How much of the last average is kept, at least 0 and below 1.
    eps, eps_root
        Small numbers, at least 0, that keep the division finite; outside the root, and inside.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop", Neural Networks for Machine Learning,
    Coursera 2012.
    """

    eta: Hyper = learning_rate(0.1)
    beta: Hyper = decay(0.9, "β")
    eps: Hyper = epsilon(1e-8)
    eps_root: Hyper = epsilon_inside(0.0)

    def init(self, theta: Array) -> SquareState:
        return SquareState(v=np.zeros_like(theta))

    def step(self, theta: Array, state: SquareState, J: Objective) -> tuple[Array, SquareState]:
        g = J.grad(theta)
        v = self.beta * state.v + (1 - self.beta) * g**2
        theta = theta - self.eta * g / (np.sqrt(v + self.eps_root) + self.eps)
        return theta, SquareState(v)


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
    eps: Hyper = epsilon(1e-8)
    eps_root: Hyper = epsilon_inside(0.0)

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


@dataclass(frozen=True)
class AdamUncorrected(CheckedHyperParameters):
    """Adam without bias correction, to see what the correction is good for.

        t     <- t + 1
        m     <- beta1 m + (1 - beta1) g,      g = grad J(theta)
        v     <- beta2 v + (1 - beta2) g^2
        theta <- theta - eta m / (sqrt(v + eps_root) + eps)

    m, v and t are 0 at the start, so m and v are too small at first, v by more: the first step
    is (1 - beta1) / sqrt(1 - beta2) times as long as Adam's.

    Parameters
    ----------
    eta
        Learning rate, at least 0: about the length of a late step, in each coordinate.
    beta1, beta2
        How much of the last averages is kept, at least 0 and below 1.
    eps, eps_root
        Small numbers, at least 0, that keep the division finite; outside the root, and inside.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 6.4.
    """

    eta: Hyper = learning_rate(0.1)
    beta1: Hyper = decay(0.9, "β₁")
    beta2: Hyper = decay(0.999, "β₂", slider=(0.0, 0.9999))
    eps: Hyper = epsilon(1e-8)
    eps_root: Hyper = epsilon_inside(0.0)

    def init(self, theta: Array) -> AdamState:
        return AdamState(t=0, m=np.zeros_like(theta), v=np.zeros_like(theta))

    def step(self, theta: Array, state: AdamState, J: Objective) -> tuple[Array, AdamState]:
        g = J.grad(theta)
        m = self.beta1 * state.m + (1 - self.beta1) * g
        v = self.beta2 * state.v + (1 - self.beta2) * g**2
        theta = theta - self.eta * m / (np.sqrt(v + self.eps_root) + self.eps)
        return theta, AdamState(state.t + 1, m, v)


@dataclass(frozen=True)
class Rprop(CheckedHyperParameters):
    """Give each coordinate a step length of its own: longer while its slope keeps its sign.

        delta <- up delta     where g and the last g have the same sign,    g = grad J(theta)
                 down delta   where they differ (and g <- 0: stay there for this step)
                 delta        where either is 0
        delta <- delta, but at least delta_min and at most delta_max
        theta <- theta - delta sign(g)

    delta is eta at the start, and the last g is 0. Only signs of the gradient count, so the
    gradients of mini-batches, which change sign by chance, mislead it.

    Parameters
    ----------
    eta
        Length of the first step, at least 0. Only `init` reads it: to change it later, by a
        schedule, changes nothing.
    up, down
        Factors for the step length, at least 1, and from 0 to 1.
    delta_min, delta_max
        Bounds of the step length, at least 0; where they cross, delta_max holds.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    M. Riedmiller and H. Braun, "A direct adaptive method for faster backpropagation learning",
    ICNN 1993, equation (5); where the sign changes, as iRprop- of C. Igel and M. Hüsken,
    "Improving the Rprop learning algorithm", NC 2000, and as PyTorch.
    """

    eta: Hyper = learning_rate(0.1)
    up: Hyper = hyper(1.2, "η⁺", at_least=1.0, slider=(1.0, 2.0))
    down: Hyper = hyper(0.5, "η⁻", at_most=1.0, slider=(0.1, 1.0))
    delta_min: Hyper = hyper(1e-6, "Δ min", slider=(1e-9, 1e-2), log=True)
    delta_max: Hyper = hyper(50.0, "Δ max", slider=(0.1, 50.0), log=True)

    def init(self, theta: Array) -> RpropState:
        return RpropState(g=np.zeros_like(theta), delta=np.zeros_like(theta) + self.eta)

    def step(self, theta: Array, state: RpropState, J: Objective) -> tuple[Array, RpropState]:
        g = J.grad(theta)
        same = g * state.g
        longer = self.up * state.delta
        shorter = self.down * state.delta
        delta = np.where(same > 0, longer, np.where(same < 0, shorter, state.delta))
        delta = np.clip(delta, self.delta_min, self.delta_max)
        g = np.where(same < 0, 0.0, g)
        theta = theta - delta * np.sign(g)
        return theta, RpropState(g, delta)


@dataclass(frozen=True)
class AdaDelta(CheckedHyperParameters):
    """Take steps in the unit of the parameters: as long as recent ones, by size of the gradient.

        v     <- beta v + (1 - beta) g^2,      g = grad J(theta)
        step   = sqrt(d + eps_root) / sqrt(v + eps_root) g
        d     <- beta d + (1 - beta) step^2
        theta <- theta - eta step

    v and d are 0 at the start. eps_root stands inside both roots, as in the paper; it gives the
    first step its length, sqrt(eps_root / (1 - beta)).

    Parameters
    ----------
    eta
        Factor for the step, at least 0; 1 in the paper, which needs no learning rate.
    beta
        How much of the last averages is kept, at least 0 and below 1.
    eps_root
        Small number, at least 0; at 0 there is never a first step.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    M. D. Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701 (2012),
    algorithm 1.
    """

    eta: Hyper = learning_rate(1.0)
    beta: Hyper = decay(0.9, "β")
    eps_root: Hyper = hyper(1e-6, "ε (inside the root)", slider=(1e-10, 1e-2), log=True)

    def init(self, theta: Array) -> AdaDeltaState:
        return AdaDeltaState(v=np.zeros_like(theta), d=np.zeros_like(theta))

    def step(self, theta: Array, state: AdaDeltaState, J: Objective) -> tuple[Array, AdaDeltaState]:
        g = J.grad(theta)
        v = self.beta * state.v + (1 - self.beta) * g**2
        step = np.sqrt(state.d + self.eps_root) / np.sqrt(v + self.eps_root) * g
        d = self.beta * state.d + (1 - self.beta) * step**2
        theta = theta - self.eta * step
        return theta, AdaDeltaState(v, d)


@dataclass(frozen=True)
class AdaMax(CheckedHyperParameters):
    """Step along the mean gradient, divided by the largest recent one.

        t     <- t + 1
        m     <- beta1 m + (1 - beta1) g,      g = grad J(theta)
        v     <- max(beta2 v, |g| + eps)
        m_hat  = m / (1 - beta1^t)
        theta <- theta - eta m_hat / v

    m, v and t are 0 at the start. Here v is of the size of g, not of its square. eps is added to
    |g|, as PyTorch does it; the paper has none.

    Parameters
    ----------
    eta
        Learning rate, at least 0: no step is much longer, in any coordinate.
    beta1, beta2
        How much of the last average and of the last maximum is kept, at least 0 and below 1.
    eps
        Small number, at least 0, that keeps the division finite.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 2.
    """

    eta: Hyper = learning_rate(0.1)
    beta1: Hyper = decay(0.9, "β₁")
    beta2: Hyper = decay(0.999, "β₂", slider=(0.0, 0.9999))
    eps: Hyper = epsilon(1e-8)

    def init(self, theta: Array) -> AdamState:
        return AdamState(t=0, m=np.zeros_like(theta), v=np.zeros_like(theta))

    def step(self, theta: Array, state: AdamState, J: Objective) -> tuple[Array, AdamState]:
        t = state.t + 1
        g = J.grad(theta)
        m = self.beta1 * state.m + (1 - self.beta1) * g
        v = np.maximum(self.beta2 * state.v, np.abs(g) + self.eps)
        m_hat = m / (1 - self.beta1**t)
        theta = theta - self.eta * m_hat / v
        return theta, AdamState(t, m, v)


@dataclass(frozen=True)
class Nadam(CheckedHyperParameters):
    """Adam that looks ahead: the mean gradient as it will be when this one has been added again.

        t     <- t + 1
        m     <- beta1 m + (1 - beta1) g,      g = grad J(theta)
        v     <- beta2 v + (1 - beta2) g^2
        m_hat  = beta1 m / (1 - beta1^(t+1)) + (1 - beta1) g / (1 - beta1^t)
        v_hat  = v / (1 - beta2^t)
        theta <- theta - eta m_hat / (sqrt(v_hat + eps_root) + eps)

    m, v and t are 0 at the start. beta1 is constant, as in optax; PyTorch and Keras let it rise
    slowly towards its value.

    Parameters
    ----------
    eta
        Learning rate, at least 0: about the length of a step, in each coordinate.
    beta1, beta2
        How much of the last averages is kept, at least 0 and below 1.
    eps, eps_root
        Small numbers, at least 0, that keep the division finite; outside the root, and inside.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016, algorithm 2.
    """

    eta: Hyper = learning_rate(0.1)
    beta1: Hyper = decay(0.9, "β₁")
    beta2: Hyper = decay(0.999, "β₂", slider=(0.0, 0.9999))
    eps: Hyper = epsilon(1e-8)
    eps_root: Hyper = epsilon_inside(0.0)

    def init(self, theta: Array) -> AdamState:
        return AdamState(t=0, m=np.zeros_like(theta), v=np.zeros_like(theta))

    def step(self, theta: Array, state: AdamState, J: Objective) -> tuple[Array, AdamState]:
        t = state.t + 1
        g = J.grad(theta)
        m = self.beta1 * state.m + (1 - self.beta1) * g
        v = self.beta2 * state.v + (1 - self.beta2) * g**2
        m_next = self.beta1 * m / (1 - self.beta1 ** (t + 1))
        m_hat = m_next + (1 - self.beta1) * g / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        theta = theta - self.eta * m_hat / (np.sqrt(v_hat + self.eps_root) + self.eps)
        return theta, AdamState(t, m, v)


@dataclass(frozen=True)
class AMSGrad(CheckedHyperParameters):
    """Adam whose divisor never forgets a large gradient.

        t     <- t + 1
        m     <- beta1 m + (1 - beta1) g,      g = grad J(theta)
        v     <- beta2 v + (1 - beta2) g^2
        v_max <- max(v_max, v)
        m_hat  = m / (1 - beta1^t),   v_hat = v_max / (1 - beta2^t)
        theta <- theta - eta m_hat / (sqrt(v_hat + eps_root) + eps)

    m, v, v_max and t are 0 at the start. The maximum is of v itself, as in PyTorch and Keras; the
    paper has no bias correction, and optax takes the maximum of the corrected v.

    Parameters
    ----------
    eta
        Learning rate, at least 0: about the length of the longest steps, in each coordinate.
    beta1, beta2
        How much of the last averages is kept, at least 0 and below 1.
    eps, eps_root
        Small numbers, at least 0, that keep the division finite; outside the root, and inside.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    S. J. Reddi, S. Kale and S. Kumar, "On the convergence of Adam and beyond", ICLR 2018,
    algorithm 2.
    """

    eta: Hyper = learning_rate(0.1)
    beta1: Hyper = decay(0.9, "β₁")
    beta2: Hyper = decay(0.999, "β₂", slider=(0.0, 0.9999))
    eps: Hyper = epsilon(1e-8)
    eps_root: Hyper = epsilon_inside(0.0)

    def init(self, theta: Array) -> AMSGradState:
        m, v, v_max = np.zeros((3, *np.shape(theta)), theta.dtype)
        return AMSGradState(t=0, m=m, v=v, v_max=v_max)

    def step(self, theta: Array, state: AMSGradState, J: Objective) -> tuple[Array, AMSGradState]:
        t = state.t + 1
        g = J.grad(theta)
        m = self.beta1 * state.m + (1 - self.beta1) * g
        v = self.beta2 * state.v + (1 - self.beta2) * g**2
        v_max = np.maximum(state.v_max, v)
        m_hat = m / (1 - self.beta1**t)
        v_hat = v_max / (1 - self.beta2**t)
        theta = theta - self.eta * m_hat / (np.sqrt(v_hat + self.eps_root) + self.eps)
        return theta, AMSGradState(t, m, v, v_max)


@dataclass(frozen=True)
class AdamW(CheckedHyperParameters):
    """Adam that also shrinks every parameter a little at each step.

        t     <- t + 1
        m     <- beta1 m + (1 - beta1) g,      g = grad J(theta)
        v     <- beta2 v + (1 - beta2) g^2
        m_hat  = m / (1 - beta1^t),   v_hat = v / (1 - beta2^t)
        theta <- theta - eta (m_hat / (sqrt(v_hat + eps_root) + eps) + weight_decay theta)

    m, v and t are 0 at the start. The decay does not pass through m and v, as the gradient of a
    penalty in J would. It is multiplied by eta, as in PyTorch and optax.

    Parameters
    ----------
    eta
        Learning rate, at least 0: about the length of a step, in each coordinate.
    beta1, beta2
        How much of the last averages is kept, at least 0 and below 1.
    eps, eps_root
        Small numbers, at least 0, that keep the division finite; outside the root, and inside.
    weight_decay
        How fast parameters shrink towards 0, at least 0; at 0 it is Adam.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range or not finite.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
    """

    eta: Hyper = learning_rate(0.1)
    beta1: Hyper = decay(0.9, "β₁")
    beta2: Hyper = decay(0.999, "β₂", slider=(0.0, 0.9999))
    eps: Hyper = epsilon(1e-8)
    eps_root: Hyper = epsilon_inside(0.0)
    weight_decay: Hyper = hyper(0.01, "λ", slider=(0.0, 1.0))

    def init(self, theta: Array) -> AdamState:
        return AdamState(t=0, m=np.zeros_like(theta), v=np.zeros_like(theta))

    def step(self, theta: Array, state: AdamState, J: Objective) -> tuple[Array, AdamState]:
        t = state.t + 1
        g = J.grad(theta)
        m = self.beta1 * state.m + (1 - self.beta1) * g
        v = self.beta2 * state.v + (1 - self.beta2) * g**2
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        step = m_hat / (np.sqrt(v_hat + self.eps_root) + self.eps)
        theta = theta - self.eta * (step + self.weight_decay * theta)
        return theta, AdamState(t, m, v)
