"""Runs side by side, a block of them at a time, of which no history is kept."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from lecopt.descent import Counted, descend, iterates
from lecopt.rule import Array, Objective, Rule, sweepable

Counts: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Stream: TypeAlias = Callable[[], Iterable[Objective]]

BLOCK = 16384  # runs at a time: few enough for their numbers to stay in the processor's cache


def blocks(shape: tuple[int, ...], size: int) -> Iterator[tuple[Counts, ...]]:
    """Yield the indices of all cells of an array of this shape, up to `size` cells at a time."""
    cells = math.prod(shape)
    for first in range(0, cells, size):
        yield np.unravel_index(np.arange(first, min(first + size, cells)), shape or (1,))


def walk(
    rule: Rule, theta: Array, J: Objective, steps: int, stream: Stream | None = None
) -> Iterator[tuple[Array, Array, tuple[int, int]]]:
    """Yield theta (D, K), the loss (K,) and the evaluations so far, at the start and each step.

    The evaluations are those of the loss and of the gradient; the walk ends before it asks for
    more than `steps` gradients, or when every run has diverged. A run that has is NaN from there.
    """
    counts = [0, 0]
    objectives = itertools.repeat(J) if stream is None else stream()
    counted = (Counted(Jt, counts) for Jt in itertools.islice(objectives, steps))
    alive = np.ones(theta.shape[1:], bool)
    for now, _ in iterates(rule, theta, counted):
        if counts[1] > steps:
            return
        loss = J(now)
        alive &= np.isfinite(loss) & np.isfinite(now).all(axis=0)
        evals = (counts[0], counts[1])
        if alive.all():
            yield now, loss, evals
        else:
            yield np.where(alive, now, np.nan), np.where(alive, loss, np.nan), evals
        if not alive.any():
            return


def measures(
    rule: Rule, theta: Array, J: Objective, steps: int, below: float, stream: Stream | None = None
) -> dict[str, Array]:
    """Walk K runs from `theta` (D, K) and return the measures of a `Sweep`, each of shape (K,)."""
    first_below, diverged_at = np.full((2, theta.shape[1]), -1)
    length, before, evals = np.zeros_like(theta[0]), theta, []
    with np.errstate(all="ignore"):
        for t, (now, loss, counts) in enumerate(walk(rule, theta, J, steps, stream)):
            length = length + np.sqrt(np.sum((now - before) ** 2, axis=0))
            first_below[(loss < below) & (first_below < 0)] = t
            diverged_at[np.isnan(loss) & (diverged_at < 0)] = t
            before = now.copy()  # a rule of one's own may change its theta in place
            evals.append(counts)
    done = np.where(diverged_at < 0, len(evals) - 1, diverged_at)
    loss_evals, grad_evals = np.array(evals)[done].T
    return {
        "theta": now,
        "loss": loss,
        "length": length,
        "first_below": first_below,
        "diverged_at": diverged_at,
        "steps": done,
        "grad_evals": grad_evals,
        "loss_evals": loss_evals,
    }


def checked(
    caller: str, rules: Mapping[str, Rule], starts: Any, J: Any, steps: int, block: int
) -> Array:
    """Return the starts as floats, after a look at what every rule and the objective accept."""
    if not rules:
        raise ValueError(f"{caller}: there is no rule")
    for name, number, least in (("steps", steps, 0), ("block", block, 1)):
        if not isinstance(number, (int, np.integer)) or number < least:
            raise ValueError(
                f"{caller}: {name} is {number}; expected a whole number, at least {least}"
            )
    for rule in rules.values():
        if any(np.ndim(getattr(rule, name)) for name in sweepable(rule)):
            raise ValueError(
                f"{caller}: {rule!r} holds an array; give one number, or its values to `sweep`"
            )
        begun = descend(rule, starts, J, 0).theta[0]
    return begun
