"""How a run goes fast: its rule and its objective become one loop without their overhead.

Written for readers, a step of Adam on two points costs NumPy sixty calls on arrays of two numbers,
and nearly all of that time goes into making calls and arrays, not into arithmetic. So a run of
the package's own rules on its own objectives is compiled:

1. `program` runs the rule's `step` once on symbols, with the objective's loss and gradient inside
   it (see `lecopt.tape`), and writes what they do as lines such as a38 = a33 + a36, each on single
   numbers. What comes up twice is computed once: the loss recorded at a point and the gradient of
   the next step share the model's predictions.
2. `scalars` turns the lines into Python code for one run, on floats.
3. `rows` turns them into NumPy calls for a sweep, on rows of thousands of runs.

To see the code of a run:

    print(lecopt.compiled.code(Adam(), Neuron(*two_points()), theta))

Nothing else changes: the numbers are those of the plain loop in `lecopt.descent`, to the last bit.
What cannot be compiled is run by that loop: streams, schedules that watch the loss, float32, and
whatever is not the package's own. A rule of one's own is called at every step, as written: it may
print, count or draw at random, and a compiled copy of it would not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from lecopt.compiled.found import find, is_ours
from lecopt.compiled.walks import Journey, one_run, sweep
from lecopt.path import Record
from lecopt.rule import LIMITS, Array, Objective, Rule, declared
from lecopt.schedules import Schedules, Watching

__all__ = ["code", "walk", "worth_it"]

WORTH = 100_000  # steps times (1000 + runs); with less, the plain loop is done before compiling is


class PlainLoopError(Exception):
    """The plain loop has to run this, and to speak up if something is wrong."""


def worth_it(rule: Rule, J: Objective, theta: Array, steps: int) -> bool:
    """Whether rule and objective are the package's own, and a run is longer than compiling it."""
    return is_ours(rule, J) and steps * (1000 + theta[0].size) >= WORTH


def walk(
    rule: Rule,
    start: tuple[Array, Any, int],
    J: Objective,
    steps: int,
    schedules: Schedules,
    shown: Callable[[Sequence[Any]], Iterable[Any]] = iter,
) -> Record | None:
    """Walk with compiled code; None where only the plain loop can.

    Parameters
    ----------
    rule, J, steps, schedules
        As `descend` has prepared them; a schedule may be asked for the same step twice.
    start
        Theta, the state, and the number of steps done before.
    shown
        Wraps the pieces of the walk, as in a progress bar.
    """
    theta, state, first = start
    found = find(rule, theta, state, J, tuple(schedules))
    if found is None or any(isinstance(schedule, Watching) for schedule in schedules.values()):
        return None
    limits = {f.name: f.metadata for f in declared(rule)}

    def value(name: str, step: int) -> float:
        given = schedules[name](first + step)  # type: ignore[operator]
        low, high, below = (limits[name].get(k, d) for k, d in LIMITS)
        if np.ndim(given) or not low <= given <= high or not given < below:
            raise PlainLoopError
        return float(given)

    data = {name: getattr(J, name) for name in found.program.data}
    hypers = [getattr(rule, name) for name in found.program.hypers if name not in schedules]
    journey = Journey(found.program, found.walk, theta, state, data, hypers, steps, value, shown)
    try:
        return (one_run if theta.ndim == 1 else sweep)(journey)
    except (PlainLoopError, MemoryError):  # it keeps room for all steps: a plain run may end early
        return None


def code(rule: Rule, J: Objective, theta: Array) -> str:
    """Return the code that a run from `theta` is compiled to; empty where it is not.

    Hyper-parameters that are arrays stand for a sweep: give theta with the shape of its runs.
    """
    theta = np.asarray(theta, float)
    found = find(rule, theta, rule.init(theta), J, ())
    return "" if found is None else found.source
