"""Schedules: how a hyper-parameter changes with the steps.

A schedule is a function of the step t = 0, 1, ...; those that must watch the loss are objects with
`init` and `step`, as the rules are. Give them to `descend` by the hyper-parameter's name:

    descend(GradientDescent(), theta, J, schedules={"eta": exponential(1.0, 0.01)})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np

from lecopt.rule import Array, CheckedHyperParameters, Hyper, hyper


@runtime_checkable
class Watching(Protocol):
    """A schedule that sees the loss."""

    def init(self) -> Any:
        """Return what it remembers before the first step."""
        ...

    def step(self, state: Any, t: int, loss: Array) -> tuple[Hyper, Any]:
        """Return the value for step t, and what to remember, from the loss before that step."""
        ...


Schedule: TypeAlias = Callable[[int], Hyper] | Watching
Schedules: TypeAlias = Mapping[str, Schedule]


def constant(value: Hyper) -> Schedule:
    """Return the schedule that always gives `value`."""
    return lambda _: value


def step_decay(start: Hyper, every: int, factor: float = 0.5) -> Schedule:
    """Return start * factor^floor(t / every): halved every `every` steps."""
    _positive("step_decay", every=every)
    return lambda t: start * factor ** np.floor(t / every)


def exponential(start: Hyper, k: float) -> Schedule:
    """Return start * e^(-k t)."""
    return lambda t: start * np.exp(-k * t)


def inverse_time(start: Hyper, k: float) -> Schedule:
    """Return start / (1 + k t)."""
    return lambda t: start / (1 + k * t)


def cosine(start: Hyper, steps: int, warm_up: int = 0, end: Hyper = 0.0) -> Schedule:
    """Return half a cosine wave from `start` down to `end` at t = steps, and `end` from there on.

    During the first `warm_up` steps the value climbs to `start` in equal parts instead, the first
    of them start / (warm_up + 1).

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    equation (5).
    """
    _positive("cosine", steps=steps, steps_after_warm_up=steps - warm_up)

    def value(t: int) -> Any:
        part = np.clip((t - warm_up) / (steps - warm_up), 0.0, 1.0)
        falling = end + (start - end) * (1 + np.cos(np.pi * part)) / 2
        return np.where(t < warm_up, start * (t + 1) / (warm_up + 1), falling)

    return value


def sutskever(at_most: float = 0.99, every: int = 250) -> Schedule:
    """Return min(1 - 2^(-1 - log2(floor(t / every) + 1)), at_most), for momentum's gamma.

    It begins at 1/2 and rises to 3/4, 5/6, ...

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization and
    momentum in deep learning", ICML 2013, equation (5).
    """
    _positive("sutskever", every=every)
    return lambda t: np.minimum(1 - 2 ** (-1 - np.log2(np.floor(t / every) + 1)), at_most)


class HalveState(NamedTuple):
    """The value now, and the loss when it was last looked at."""

    value: Hyper
    loss: Array


@dataclass(frozen=True)
class HalveWhenWorse(CheckedHyperParameters):
    """Multiply the value by `factor` whenever the watched loss has risen since the last step.

    Each run of a batch has a value of its own.

    Parameters
    ----------
    start
        The first value, at least 0.
    factor
        From 0 to 1.

    Raises
    ------
    ValueError
        If start or factor is out of range or not finite.
    """

    start: Hyper = hyper(0.1, "η₀", slider=(1e-3, 30.0), log=True)
    factor: Hyper = hyper(0.5, "factor", at_most=1.0, slider=(0.1, 1.0))

    def init(self) -> HalveState:
        return HalveState(value=self.start, loss=np.array(np.inf))

    def step(self, state: HalveState, t: int, loss: Array) -> tuple[Hyper, HalveState]:
        value = np.where(loss > state.loss, self.factor * state.value, state.value)
        return value, HalveState(value, loss)


def first_memory(schedules: Schedules) -> dict[str, Any]:
    """Return what the watching schedules remember before the first step, by name."""
    return {name: s.init() for name, s in schedules.items() if isinstance(s, Watching)}


def values_at(
    t: int, schedules: Schedules, memory: dict[str, Any], loss: Callable[[], Array]
) -> tuple[dict[str, Hyper], dict[str, Any]]:
    """Return the values for step t and the next memory; `loss` is asked once, if anyone watches."""
    watched = loss() if memory else np.array(np.nan)
    values: dict[str, Hyper] = {}
    after: dict[str, Any] = {}
    for name, schedule in schedules.items():
        if isinstance(schedule, Watching):
            values[name], after[name] = schedule.step(memory[name], t, watched)
        else:
            values[name] = schedule(t)
    return values, after


def _positive(schedule: str, **lengths: int) -> None:
    """Refuse a number of steps that is not positive."""
    for name, steps in lengths.items():
        if not steps > 0:
            raise ValueError(f"{schedule}: {name} is {steps}; expected a positive number of steps")
