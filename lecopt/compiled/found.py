"""Which runs are compiled; and each of their programs, compiled once."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lecopt.compiled import rows, scalars
from lecopt.compiled.program import FEW, CannotCompileError, Program, flat, write_program
from lecopt.line_search import ExactLineSearch
from lecopt.rule import Array, CheckedHyperParameters, Objective, Rule, sweepable
from lecopt.tape import TraceError


class Found(NamedTuple):
    """A program, the code it was turned into, and the function that the code makes."""

    program: Program
    source: str
    walk: Callable[..., Any]


REMEMBERED: dict[Any, Found | None] = {}
AT_MOST = 256  # programs
MANY = 1000  # runs


def find(
    rule: Rule, theta: Array, state: Any, J: Objective, scheduled: tuple[str, ...]
) -> Found | None:
    """Return the compiled program of a run; None where only the plain loop can run it."""
    if isinstance(rule, ExactLineSearch):  # it refuses what is bent, which a program does not see
        return None
    if not (is_ours(rule, J) and _can_schedule(rule, scheduled) and _fits(theta, state, J)):
        return None
    free, data = sweepable(rule), getattr(J, "data", ())
    try:
        rest = _rest(rule, free), _rest(J, data)
    except CannotCompileError:
        return None
    key = (
        (type(rule), type(J), rest, scheduled),
        tuple(np.shape(getattr(J, name)) for name in data),
        tuple(name for name in free if np.ndim(getattr(rule, name)) and name not in scheduled),
        tuple((np.ndim(part), np.asarray(part).dtype.char) for part in state),
        (len(theta), theta.ndim == 1),
    )
    if key not in REMEMBERED:
        if len(REMEMBERED) >= AT_MOST:
            REMEMBERED.clear()
        REMEMBERED[key] = _compiled(rule, theta, state, J, scheduled)
    return REMEMBERED[key]


def _compiled(
    rule: Rule, theta: Array, state: Any, J: Objective, scheduled: tuple[str, ...]
) -> Found | None:
    one_run, example = theta.ndim == 1, copy.copy(rule)
    for name in sweepable(rule):
        object.__setattr__(example, name, float(np.ravel(getattr(rule, name))[0]))
    try:
        program = write_program(example, J, len(theta), keep_arrays=one_run)
    except (CannotCompileError, TraceError):
        return None
    if any(isinstance(names, str) for names in (*program.before.values(), *program.after.values())):
        return None
    if one_run:
        source, known = scalars.source(program, scheduled), scalars.KNOWN
    else:
        inputs = _rows(program, rule, state, scheduled)
        source, known = rows.source(program, scheduled, inputs), rows.KNOWN
    space: dict[str, Any] = dict(known)
    exec(compile(source, f"<{type(rule).__name__} on {type(J).__name__}>", "exec"), space)
    return Found(program, source, space["walk"])


def _rows(program: Program, rule: Any, state: Any, scheduled: tuple[str, ...]) -> set[str]:
    """Return which names of a sweep's input hold a number for each run."""
    parts = {"theta": True} | {k: np.ndim(v) > 0 for k, v in state._asdict().items()}
    arrays = [k for k in program.hypers if np.ndim(getattr(rule, k)) and k not in scheduled]
    return {
        *flat({k: program.before[k] for k, is_row in parts.items() if is_row}),
        *(program.hypers[k] for k in arrays),
    }


def is_ours(*things: Any) -> bool:
    """Whether rule and objective are the package's own, and nothing was added or replaced.

    What a reader has written is called at every step, as it stands: it may print, count or draw.
    """
    return all(
        dataclasses.is_dataclass(thing)
        and vars(thing).keys() == {field.name for field in dataclasses.fields(thing)}
        and all(
            made.__module__.partition(".")[0] == "lecopt"
            for cls in inspect.getmro(type(thing))[:-1]
            for made in (cls, *filter(inspect.isfunction, vars(cls).values()))
        )
        for thing in things
    )


def _can_schedule(rule: Any, scheduled: tuple[str, ...]) -> bool:
    """Whether each of the names is a number of its own, checked by itself."""
    plain_check = getattr(type(rule), "__post_init__", None) is CheckedHyperParameters.__post_init__
    return not scheduled or (plain_check and set(scheduled) <= set(sweepable(rule)))


def _rest(thing: Any, inputs: Any) -> tuple[Any, ...]:
    """Return the fields that a program holds as they are, as they are written."""
    fields = (f.name for f in dataclasses.fields(thing) if f.name not in inputs)
    return tuple((name, repr(_plain(getattr(thing, name)))) for name in fields)


def _plain(value: Any) -> Any:
    """Refuse what is no number, text or tuple of them: it may change, or be a reader's own."""
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    if isinstance(value, (int, float, str, np.number)):
        return value
    raise CannotCompileError(f"a {type(value).__name__} in a field")


def _fits(theta: Array, state: Any, J: Any) -> bool:
    """Whether theta and state are float64 (but for step counters), and as many as pay for it.

    A run keeps rows of data as arrays, which a sweep cannot: it has a line for each number of
    them, and that pays for many runs alone.
    """
    runs = theta.shape[1:]
    for part in (theta, *state):
        behind = np.shape(part)[max(np.ndim(part) - len(runs), 0) :]
        if not isinstance(part, int) and (np.asarray(part).dtype != float or behind != runs):
            return False
    if theta.ndim == 1:
        return len(theta) < FEW
    numbers = len(theta) + sum(np.size(getattr(J, name)) for name in getattr(J, "data", ()))
    return math.prod(runs) >= (2 if numbers <= 2 * FEW else MANY)
