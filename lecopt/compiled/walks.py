"""Compiled code at work on one run, or on a sweep, and the history that it leaves."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lecopt.compiled.program import Program
from lecopt.path import Record
from lecopt.rule import Array

PIECE = 1000  # steps between two looks at the progress bar
BLOCK = 16384  # runs that are walked together: 128 kB a row


class Journey(NamedTuple):
    """What a walk needs.

    `data` holds the arrays of the objective, `hypers` the hyper-parameters that no schedule sets;
    `value(name, step)` gives those that one does; `shown` wraps the pieces in a progress bar.
    """

    program: Program
    walk: Callable[..., Any]
    theta: Array
    state: Any
    data: dict[str, Array]
    hypers: list[Any]
    steps: int
    value: Callable[[str, int], float]
    shown: Callable[[Sequence[Any]], Iterable[Any]]


def one_run(journey: Journey) -> Record:
    """Walk one run on floats; of each step theta, the loss and the state are kept as a row."""
    program, walk, theta, state, data, hypers, steps, value, shown = journey
    given = [*_given(program, data), *hypers]
    now = [float(x) for part in (theta, *state) for x in np.ravel(part)]
    kept = array("d")
    for first in shown(range(0, steps + 1, PIECE)):
        if now is not None:
            stop = min(first + PIECE, steps + 1)
            now = walk(now, given, first, stop, steps, kept.extend, value)
    parts = (theta, theta[0], *state)
    ends = np.cumsum([np.size(part) for part in parts])
    columns = np.split(np.frombuffer(kept).reshape(-1, ends[-1]), ends[:-1], axis=1)
    return _record(journey, [
        column.reshape(-1, *np.shape(part)).astype(np.asarray(part).dtype)
        for part, column in zip(parts, columns, strict=True)
    ])  # fmt: skip


def sweep(journey: Journey) -> Record:
    """Walk many runs on rows, a block of them after the other, straight into the history."""
    program, walk, theta, state, data, hypers, steps, value, shown = journey
    runs = theta.shape[1:]
    history = [_history(part, runs, steps) for part in (theta, *state)]
    history.append(np.empty((steps + 1, math.prod(runs))))
    rows = [np.broadcast_to(h, runs).ravel() if np.ndim(h) else float(h) for h in hypers]
    given = [*_given(program, data), *rows]

    def walk_block(begin: int, first: int, stop: int, last: int, *, heed: bool) -> int | None:
        part = slice(begin, begin + BLOCK)
        parts = [h[..., part] if h.ndim > 1 else h for h in history]
        inputs = [g[part] if isinstance(g, np.ndarray) else g for g in given]
        return walk(parts, inputs, first, stop, last, heed, value)

    ends: dict[int, int | None] = dict.fromkeys(range(0, math.prod(runs), BLOCK))
    for begin, first in shown([(b, f) for b in ends for f in range(0, steps + 1, PIECE)]):
        if ends[begin] is None:
            ends[begin] = walk_block(begin, first, min(first + PIECE, steps + 1), steps, heed=True)
    last = max(end for end in ends.values() if end is not None)
    for begin, end in ends.items():
        if end is not None and end < last:  # lost, and on with the others until they are too
            walk_block(begin, end, last + 1, last, heed=False)
    *points, loss = (h[: last + 1] for h in history)
    columns = [points[0], loss, *points[1:]]
    return _record(journey, [
        c.reshape(*c.shape[:-1], *runs) if c.ndim > 1 else c for c in columns
    ])  # fmt: skip


def _history(part: Any, runs: tuple[int, ...], steps: int) -> Array:
    """Return room for theta or a part of the state at each step, with its first value in it."""
    if np.ndim(part) == 0:
        history = np.empty(steps + 1, np.asarray(part).dtype)
    else:
        shape = np.shape(part)[: np.ndim(part) - len(runs)]
        history = np.empty((steps + 1, *shape, math.prod(runs)))
        part = np.reshape(part, history.shape[1:])
    history[0] = part
    return history


def _given(program: Program, data: dict[str, Array]) -> list[Any]:
    """Return the data as the program wants them: whole, or number by number."""
    given: list[Any] = []
    for name, names in program.data.items():
        given += [data[name]] if isinstance(names, str) else data[name].ravel().tolist()
    return given


def _record(journey: Journey, columns: list[Array]) -> Record:
    theta, loss, *states = columns
    steps = np.arange(len(loss))
    program, states = journey.program, type(journey.state)(*states)
    return Record(theta, loss, states, steps * program.grad_calls, steps * program.loss_calls)
