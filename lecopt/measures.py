"""What a run did inside: derived from its path, outside the rules, for pictures and tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lecopt.optimizers import (
    AdaDelta,
    AdaGrad,
    AdaGradNoRoot,
    Adam,
    AdaMax,
    AdamUncorrected,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    Nadam,
    Nesterov,
    RMSProp,
    Rprop,
)
from lecopt.path import Path
from lecopt.rule import Array, Objective


class Moments(NamedTuple):
    """Adam's moments after each step, each of shape (T, D, K...)."""

    m: Array
    v: Array
    m_hat: Array
    v_hat: Array


def moments(rule: Any, walk: Path) -> Moments:
    """Return m, v and both with their bias corrected, after the steps 1 to T.

        m_hat = m / (1 - beta1^t),   v_hat = v / (1 - beta2^t)

    For Nadam, m_hat looks one step ahead; for AMSGrad, v_hat is made of v_max. AdamUncorrected
    steps by m and v; its m_hat and v_hat are what it would need.

    Parameters
    ----------
    rule
        Adam, AdamUncorrected, AdamW, AMSGrad or Nadam, as it ran.
    walk
        The path of that run.

    Raises
    ------
    TypeError
        If the rule is of another kind.
    """
    if not isinstance(rule, Adam | AdamUncorrected | AdamW | AMSGrad | Nadam):
        raise TypeError(
            f"moments: {type(rule).__name__} has no pair of moments; "
            "expected Adam, AdamUncorrected, AdamW, AMSGrad or Nadam"
        )
    t = _steps(walk)
    m, v = walk.states.m[1:], walk.states.v[1:]
    m_hat = m / (1 - rule.beta1**t)
    v_hat = v / (1 - rule.beta2**t)
    if isinstance(rule, AMSGrad):
        v_hat = walk.states.v_max[1:] / (1 - rule.beta2**t)
    if isinstance(rule, Nadam):
        added = m - rule.beta1 * walk.states.m[:-1]  # (1 - beta1) g
        m_hat = rule.beta1 * m / (1 - rule.beta1 ** (t + 1)) + added / (1 - rule.beta1**t)
    return Moments(m, v, m_hat, v_hat)


def effective_rates(rule: Any, walk: Path, eta: ArrayLike | None = None) -> Array:
    """Return the learning rate that each coordinate had at the steps 1 to T, shape (T, D, K...).

    It is what the rule multiplies its direction by:

        step = -rate * direction

    ==============================  ==================================================  =========
    rule                            rate                                                direction
    ==============================  ==================================================  =========
    GradientDescent                 eta                                                 g
    AdaGrad, RMSProp                eta / (sqrt(v + eps_root) + eps)                    g
    AdaGradNoRoot                   eta / (v + eps)                                     g
    AdaDelta                        eta sqrt(last d + eps_root) / sqrt(v + eps_root)    g
    Rprop                           delta                                               sign(g)
    Adam, AdamW, AMSGrad, Nadam     eta / (sqrt(v_hat + eps_root) + eps)                m_hat
    AdamUncorrected                 eta / (sqrt(v + eps_root) + eps)                    m
    AdaMax                          eta / v                                             m_hat
    ==============================  ==================================================  =========

    (AdamW takes its weight decay besides; Rprop holds still where g has changed its sign.)

    Parameters
    ----------
    rule
        The rule as it ran.
    walk
        The path of that run.
    eta
        The learning rate of each step, shape (T,), if a schedule changed it.

    Raises
    ------
    TypeError
        If the rule is none of these.
    ValueError
        If there is not one eta for each step.
    """
    if eta is not None and np.shape(eta) != (walk.steps,):
        raise ValueError(
            f"effective_rates: eta has shape {np.shape(eta)}; expected ({walk.steps},), "
            "one for each step of the path"
        )
    with np.errstate(all="ignore"):  # after a run has diverged
        given = getattr(rule, "eta", None) if eta is None else _beside(np.asarray(eta), walk)
        rates = _rates(rule, walk, given)
    return np.where(np.isfinite(walk.theta[1:]), rates, np.nan)


def _rates(rule: Any, walk: Path, eta: Any) -> Any:
    s = walk.states
    match rule:
        case GradientDescent():
            return eta
        case AdaGrad() | RMSProp() | AdamUncorrected():
            return eta / (np.sqrt(s.v[1:] + rule.eps_root) + rule.eps)
        case AdaGradNoRoot():
            return eta / (s.v[1:] + rule.eps)
        case AdaDelta():
            return eta * np.sqrt(s.d[:-1] + rule.eps_root) / np.sqrt(s.v[1:] + rule.eps_root)
        case Rprop():
            return s.delta[1:]
        case Adam() | AdamW() | AMSGrad() | Nadam():
            return eta / (np.sqrt(moments(rule, walk).v_hat + rule.eps_root) + rule.eps)
        case AdaMax():
            return eta / s.v[1:]
    raise TypeError(
        f"effective_rates: {type(rule).__name__} has no learning rate for each coordinate; "
        "expected a rule that adapts it, as AdaGrad, RMSProp or Adam"
    )


def _steps(walk: Path) -> Array:
    """Return 1, 2, ..., T as floats, to combine with theta[1:]."""
    return _beside(np.arange(1.0, walk.steps + 1), walk)


def _beside(numbers: Array, walk: Path) -> Array:
    """Give one number for each step the axes of theta."""
    return numbers.reshape(-1, *[1] * (walk.theta.ndim - 1))


class StepVectors(NamedTuple):
    """One step from theta with memory u, as Nesterov and as momentum take it; each shape (D,).

    Attributes
    ----------
    theta, look
        Where it starts, and the look-ahead point theta - gamma u.
    jump
        -gamma u, common to both.
    correction
        -eta grad J(look): Nesterov's.
    slope
        -eta grad J(theta): momentum's.
    """

    theta: Array
    look: Array
    jump: Array
    correction: Array
    slope: Array

    @property
    def nesterov(self) -> Array:
        """Where Nesterov's step ends."""
        return self.theta + self.jump + self.correction

    @property
    def momentum(self) -> Array:
        """Where momentum's step ends."""
        return self.theta + self.jump + self.slope


def step_vectors(
    rule: Nesterov | Momentum, theta: ArrayLike, u: ArrayLike, J: Objective
) -> StepVectors:
    """Return the vectors of one step from any point: jump, then correct.

        jump       = -gamma u
        correction = -eta grad J(theta + jump)    (Nesterov)
        slope      = -eta grad J(theta)           (momentum)

    Parameters
    ----------
    rule
        Nesterov or Momentum: its eta and gamma are used.
    theta
        Where the step starts, shape (D,).
    u
        The memory at that moment, the last update, shape (D,).
    J
        The objective.

    Raises
    ------
    TypeError
        If the rule is of another kind.
    ValueError
        If theta and u differ in shape.
    """
    if not isinstance(rule, Nesterov | Momentum):
        raise TypeError(f"step_vectors: expected Nesterov or Momentum, not {type(rule).__name__}")
    theta, u = np.asarray(theta, dtype=float), np.asarray(u, dtype=float)
    if theta.shape != u.shape:
        raise ValueError(
            f"step_vectors: theta has shape {theta.shape} and u {u.shape}; they must be the same"
        )
    jump = -rule.gamma * u
    look = theta + jump
    return StepVectors(theta, look, jump, -rule.eta * J.grad(look), -rule.eta * J.grad(theta))
