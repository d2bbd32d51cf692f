"""Streams of objectives for stochastic descent: the same loss, on some of its rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from lecopt.rule import Objective

Rows: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


class Batches(Iterator[Objective]):
    """J on some rows after others: `J.on(rows)` for each of a stream of rows.

    Attributes
    ----------
    rows
        The row numbers of the batch given last; empty before the first.
    """

    def __init__(self, J: Any, stream: Iterable[ArrayLike]) -> None:
        self._J, self._stream = J, iter(stream)
        self.rows: Rows = np.empty(0, np.int64)

    def __next__(self) -> Objective:
        self.rows = np.asarray(next(self._stream), dtype=np.int64)
        return self._J.on(self.rows)


def minibatches(
    J: Any, batch_size: int, rng: np.random.Generator, *, replace: bool = False
) -> Batches:
    """Yield `J.on(rows)` for ever, `batch_size` rows at a time, shuffled anew each epoch.

    The last batch of an epoch holds what is left. With `replace` there are no epochs: every row
    of every batch is drawn from all of them, so that one may come twice. A `batch_size` of 1 is
    stochastic descent.

        path = descend(rule, theta, J, 60, objectives=minibatches(J, 16, default_rng(0)))
        path.rows  # the rows of each step

    Raises
    ------
    ValueError
        If batch_size is below 1 or above the number of rows.
    """
    if not isinstance(batch_size, (int, np.integer)) or not 1 <= batch_size <= J.n:
        raise ValueError(
            f"minibatches: batch_size is {batch_size}; expected a whole number from 1 to {J.n}, "
            "the number of rows"
        )
    return Batches(J, (_drawn if replace else _shuffled)(J.n, batch_size, rng))


def replay(J: Any, rows: Iterable[ArrayLike] | None) -> Batches:
    """Yield `J.on(rows)` for each of the given rows, as those that a path has recorded.

        again = descend(rule, theta, J, path.steps, objectives=replay(J, path.rows))

    Raises
    ------
    ValueError
        If rows is None, as that of a path whose every step saw all rows.
    """
    if rows is None:
        raise ValueError(
            "replay: rows is None: the path did not descend a stream of minibatches, so there is "
            "none to replay; run it again without objectives="
        )
    return Batches(J, rows)


def _drawn(n: int, batch_size: int, rng: np.random.Generator) -> Iterator[Rows]:
    while True:
        yield rng.integers(n, size=batch_size)


def _shuffled(n: int, batch_size: int, rng: np.random.Generator) -> Iterator[Rows]:
    while True:
        order = rng.permutation(n)
        for first in range(0, n, batch_size):
            yield order[first : first + batch_size]
