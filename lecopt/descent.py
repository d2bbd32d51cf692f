"""The one run loop: a rule walks over an objective, and a `Path` records it."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lecopt import compiled
from lecopt.path import Path, Record
from lecopt.progress import with_progress
from lecopt.rule import Array, Objective, Rule, declared, sweepable
from lecopt.schedules import Schedule, Schedules, Watching, first_memory, values_at
from lecopt.streams import Batches


def iterates(
    rule: Rule,
    theta: Array | Path,
    objectives: Iterable[Objective],
    schedules: Schedules | None = None,
    watch: Objective | None = None,
) -> Iterator[tuple[Array, Any]]:
    """Yield (theta, state) before the first step and after each one, as long as objectives come.

    Parameters
    ----------
    rule
        The optimizer.
    theta
        Where to start, shape (D, K...); or a path, to go on where it ended.
    objectives
        One objective a step: the same again and again, or a stream of mini-batches.
    schedules
        For a hyper-parameter's name, its value as a function of the step t = 0, 1, ..., a number
        or one for each run; or an object that watches the loss: see `lecopt.schedules`.
    watch
        The objective whose loss such schedules see before each step, as one on held-out rows;
        without it, that of the step.
    """
    schedules = schedules or {}
    theta, state, first, memory = _begin(rule, theta, schedules, watch)
    yield theta, state
    for t, J in enumerate(objectives, first):
        if schedules:
            values, memory = values_at(t, schedules, memory, functools.partial(watch or J, theta))
            rule = _replaced(rule, {name: _like(theta, v) for name, v in values.items()})
        theta, state = rule.step(theta, state, J)
        yield theta, state


class Counted:
    """An objective that counts how often it is asked."""

    def __init__(self, J: Objective, counts: list[int]) -> None:
        self.J, self.counts = J, counts

    def __call__(self, theta: Array) -> Array:
        self.counts[0] += 1
        return self.J(theta)

    def grad(self, theta: Array) -> Array:
        self.counts[1] += 1
        return self.J.grad(theta)


def descend(
    rule: Rule,
    theta: ArrayLike | Path,
    J: Objective,
    steps: int = 1000,
    *,
    objectives: Iterable[Objective] | None = None,
    schedules: Schedules | None = None,
    watch: Objective | None = None,
    progress: bool | None = None,
) -> Path:
    """Run a rule from `theta` and record the path.

    To go on where a path ended, give it in place of `theta`, and everything else as before:

        path = descend(rule, theta, J, 100)
        path = descend(rule, path, J, 900)  # the same as 1000 steps at once, to the last bit

    The steps go on being counted, for schedules too, and a stream goes on where it stopped.

    A long run of the package's own rule on its own objective is walked by `lecopt.compiled`, to
    the same numbers, only faster.

    Parameters
    ----------
    rule
        The optimizer; hyper-parameters of shape (K,) mean K runs.
    theta
        Where to start, shape (D,) or (D, K...). Integers are converted to float64, for a step
        has fractions. Or a path, to go on where it ended: the whole path is returned.
    J
        The objective whose loss is recorded, and, unless `objectives` is given, descended.
    steps
        Number of steps, at least 0. A run stops early when all of it has diverged.
    objectives
        The stream that the steps descend, one objective each: see `minibatches`, whose rows are
        recorded.
    schedules
        See `iterates`.
    watch
        The objective whose loss schedules watch, J unless given; each look counts as an
        evaluation of the loss.
    progress
        Whether to show a progress bar: by default, in a terminal, if the run takes more than a
        second and tqdm is installed.

    Raises
    ------
    ModuleNotFoundError
        If `progress` is True and tqdm is not installed.
    TypeError
        If `theta` is not numeric, or a schedule is neither a function nor a watching object.
    ValueError
        If `theta` is empty or not finite, or a path of another rule, J cannot take its shape,
        steps is negative, or a schedule names no hyper-parameter.
    """
    before = theta if isinstance(theta, Path) else None
    start, rule = _prepared(rule, theta, steps, schedules)
    begin = start if before is None else before
    with np.errstate(all="ignore"):
        _check_loss(J, start)
        record = None
        if objectives is None and compiled.worth_it(rule, J, start, steps):
            schedules = {k: _asked_once(v) for k, v in (schedules or {}).items()}
            record = _compiled_walk(rule, begin, J, steps, schedules, progress)
        if record is None:
            stream = itertools.repeat(J) if objectives is None else objectives
            record = plain_walk(rule, begin, J, steps, stream, schedules, watch, progress)
        diverged_at = _mark_divergence(record.theta, record.loss)
    path = Path(**record._asdict(), diverged_at=diverged_at)
    return path if before is None else before.then(path)


def plain_walk(
    rule: Rule,
    start: Array | Path,
    J: Objective,
    steps: int,
    objectives: Iterable[Objective],
    schedules: Schedules | None = None,
    watch: Objective | None = None,
    progress: bool | None = None,
) -> Record:
    """Walk as `iterates` does, and write down each step."""
    counts = [0, 0]
    shown = with_progress(itertools.islice(objectives, steps), steps, progress)
    counted = (Counted(Jt, counts) for Jt in shown)
    watched = Counted(J if watch is None else watch, counts)
    points, losses, states, evals, rows = [], [], [], [], []
    for now, state in iterates(rule, start, counted, schedules, watched):
        points.append(now.copy())  # a rule of one's own may change its theta in place
        losses.append(J(now))
        states.append(state)
        evals.append(tuple(counts))
        if isinstance(objectives, Batches):
            rows.append(objectives.rows)
        if not np.isfinite(losses[-1]).any():
            break
    loss_evals, grad_evals = (np.array(evals) - evals[0]).T
    columns = type(states[0])(*(np.array(column) for column in zip(*states, strict=True)))
    seen = tuple(rows[1:]) if isinstance(objectives, Batches) else None
    return Record(np.stack(points), np.stack(losses), columns, grad_evals, loss_evals, seen)


def _compiled_walk(
    rule: Rule,
    start: Array | Path,
    J: Objective,
    steps: int,
    schedules: Schedules,
    progress: bool | None,
) -> Record | None:
    """Walk the same way with compiled code, where that can be: see `lecopt.compiled`."""

    def shown(pieces: Sequence[Any]) -> Iterable[Any]:
        return with_progress(pieces, len(pieces), progress, each=steps / len(pieces))

    theta, state, first, _ = _begin(rule, start, {}, None)
    return compiled.walk(rule, (theta, state, first), J, steps, schedules, shown)


def _asked_once(schedule: Schedule) -> Schedule:
    """Return a schedule that remembers, for should the plain loop ask for the same step again."""
    return schedule if isinstance(schedule, Watching) else functools.cache(schedule)


def _begin(
    rule: Rule, theta: Array | Path, schedules: Schedules, watch: Objective | None
) -> tuple[Array, Any, int, dict[str, Any]]:
    """Return theta, the state, the number of steps done, and what the schedules remember.

    A path knows the first three, and schedules that watch are shown its losses again.
    """
    memory = first_memory(schedules)
    if not isinstance(theta, Path):
        return theta, rule.init(theta), 0, memory
    path, fresh = theta, rule.init(theta.theta[-1])
    if getattr(path.states, "_fields", None) != fresh._fields:
        raise ValueError(
            f"descend: the path holds {type(path.states).__name__}, and {type(rule).__name__} "
            f"goes on from {type(fresh).__name__}; give the rule that walked the path"
        )
    last = (column[-1].copy() for column in path.states)
    state = (int(c) if isinstance(f, int) else c for c, f in zip(last, fresh, strict=True))
    losses = path.loss if watch is None else map(watch, path.theta)
    for t, loss in zip(range(path.steps if memory else 0), losses, strict=False):
        _, memory = values_at(t, schedules, memory, functools.partial(np.asarray, loss))
    return path.theta[-1].copy(), type(fresh)(*state), path.steps, memory


def _replaced(rule: Any, values: Mapping[str, Any]) -> Any:
    """Return the rule with other hyper-parameters, checked anew."""
    return dataclasses.replace(rule, **values)


def _prepared(
    rule: Rule, start: ArrayLike | Path, steps: int, schedules: Schedules | None
) -> tuple[Array, Rule]:
    """Check the arguments of `descend`; broadcast theta, and the type of the rule, to a sweep."""
    theta = start.theta[-1] if isinstance(start, Path) else np.asarray(start)
    if theta.dtype.kind not in "iuf":
        raise TypeError(f"descend: theta is {theta!r}; expected numbers")
    if theta.dtype.kind != "f":
        theta = theta.astype(float)
    finite = isinstance(start, Path) or np.isfinite(theta).all()
    if theta.ndim == 0 or theta.size == 0 or not finite:
        raise ValueError(
            f"descend: theta is {theta}; expected finite numbers of shape (D,) or (D, K...)"
        )
    if not isinstance(steps, (int, np.integer)) or steps < 0:
        raise ValueError(f"descend: steps is {steps}; expected a whole number, 0 or more")
    fields = [f.name for f in declared(rule)]
    unknown = sorted(set(schedules or ()) - set(fields))
    if unknown:
        raise ValueError(
            f"descend: a schedule for {unknown[0]!r}, which {type(rule).__name__} does not have; "
            f"its hyper-parameters are {', '.join(fields) or 'none'}"
        )
    for name, schedule in (schedules or {}).items():
        if not callable(schedule) and not isinstance(schedule, Watching):
            raise TypeError(
                f"descend: the schedule for {name!r} is {schedule!r}; expected a function of t, "
                "as lecopt.schedules.constant(0.1), or an object with init and step"
            )
    arrays = {
        k: _like(theta, v)
        for k in sweepable(rule)
        if isinstance(v := getattr(rule, k), (np.ndarray, np.generic, list, tuple))
    }
    if not arrays:
        return theta.copy(), rule
    shapes = {"theta": theta.shape[1:]} | {k: np.shape(v) for k, v in arrays.items()}
    try:
        sweep = np.broadcast_shapes(*shapes.values())
    except ValueError as error:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"descend: the shapes of the runs do not match: {found} (of theta, what follows its "
            "first axis); give each the same shape (K,)"
        ) from error
    if isinstance(start, Path) and sweep != theta.shape[1:]:
        raise ValueError(
            f"descend: the path is of runs of shape {theta.shape[1:]}, and the rule asks for "
            f"{sweep}; go on with the hyper-parameters it was walked with"
        )
    new_axes = (slice(None),) + (None,) * (len(sweep) - theta.ndim + 1)
    runs = np.broadcast_to(theta[new_axes], theta.shape[:1] + sweep).copy()
    return runs, _replaced(rule, arrays)


def _like(theta: Array, value: Any) -> Any:
    """Return a hyper-parameter that keeps theta's float type, as NumPy's scalars would not."""
    return float(value) if np.ndim(value) == 0 else np.asarray(value, theta.dtype)


def _check_loss(J: Objective, theta: Array) -> None:
    """Refuse a start that the objective cannot take, in words that name both."""
    try:
        shape = np.shape(J(theta))
    except ValueError as error:
        raise ValueError(
            f"descend: {type(J).__name__} cannot take theta of shape {theta.shape}: {error}"
        ) from error
    if shape != theta.shape[1:]:
        raise ValueError(
            f"descend: {type(J).__name__} gives a loss of shape {shape} for theta of shape "
            f"{theta.shape}; expected {theta.shape[1:]}"
        )


def _mark_divergence(theta: Array, loss: Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Write NaN from where a run is no longer finite, and return those steps (-1: none)."""
    at = np.full(loss.shape[1:], -1)
    if np.isfinite(theta.sum() + loss.sum()):
        return at
    suspects = ~np.isfinite(theta.sum(axis=(0, 1)) + loss.sum(axis=0))
    points, losses = theta[:, :, suspects], loss[:, suspects]
    gone = ~(np.isfinite(points).all(axis=1) & np.isfinite(losses))
    gone = np.logical_or.accumulate(gone, axis=0)
    theta[:, :, suspects] = np.where(gone[:, None], np.nan, points)
    loss[:, suspects] = np.where(gone, np.nan, losses)
    at[suspects] = np.where(gone.any(axis=0), gone.argmax(axis=0), -1)
    return at
