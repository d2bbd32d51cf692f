"""An exponentially weighted moving average, written as a rule so that the page can run it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lecopt.rule import Array, Objective


class AverageState(NamedTuple):
    """Values seen so far, and their average, still pulled towards its zero start."""

    t: int
    m: Array


@dataclass(frozen=True)
class MovingAverage:
    """Keep beta of the old average, add 1 - beta of the new value.

        m     <- beta m + (1 - beta) x,    m = 0 at the start
        m_hat  = m / (1 - beta^t)

    The value x arrives as the "gradient", and the corrected average leaves as `theta`.
    """

    beta: float = 0.9

    def init(self, theta: Array) -> AverageState:
        return AverageState(t=0, m=np.zeros_like(theta))

    def step(self, theta: Array, state: AverageState, J: Objective) -> tuple[Array, AverageState]:
        x = J.grad(theta)
        t = state.t + 1
        m = self.beta * state.m + (1 - self.beta) * x
        m_hat = m / (1 - self.beta**t)
        return m_hat, AverageState(t, m)
