"""The search of a line search: the first step length that passes a test."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from lecopt.rule import Array, Hyper

# While a rule is traced: what records the loop in place of running it.
recorder: ContextVar[Callable[..., Any] | None] = ContextVar("recorder", default=None)


def first_that(
    passes: Callable[[Array], Any], start: Hyper, after: Callable[[Array], Hyper], tries: int
) -> Array:
    """Return the first of start, after(start), after(after(start)), ... for which `passes` is true.

    Each run of a batch has a candidate of its own, and the search goes on until every run has
    found one.

    Parameters
    ----------
    passes
        The test: from a candidate to True or False, one for each run.
    start
        The first candidate, an array with one number for each run, or a number.
    after
        From a candidate that fails to the next one.
    tries
        How many candidates are tested at most; the one after them is returned untested.
    """
    if (record := recorder.get()) is not None:
        return record(passes, start, after, tries)
    x = np.asarray(start)
    for _ in range(tries):
        found = passes(x)
        if np.all(found):
            break
        x = np.where(found, x, after(x))
    return x
