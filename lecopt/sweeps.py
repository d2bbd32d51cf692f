"""Many runs in one call: hyper-parameters and starts along named axes, a few measures of each run.

    strip = sweep(
        {"momentum": Momentum(), "Adam": Adam()}, (-2, -2), J, 300, eta=np.geomspace(1e-3, 10, 40)
    )
    strip.loss                            # the final losses: axes rule and eta, shape (2, 40)
    strip.sel(rule="Adam").best()         # where Adam ends lowest
    strip.path(**strip.best())            # the best run again, with all its points
    strip.to_xarray().loss.plot.line(x="eta")

The runs go on side by side and only their measures are kept, so that a million of them fit.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lecopt.axes import Axes, dataset, position, start_axes
from lecopt.descent import descend
from lecopt.path import Path
from lecopt.progress import with_progress
from lecopt.rule import Array, Objective, Rule, sweepable
from lecopt.runs import BLOCK, Counts, Stream, blocks, checked, measures

MEASURES = (
    "loss", "length", "first_below", "diverged_at", "steps", "grad_evals", "loss_evals",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Setup:
    """What the runs of a sweep have in common, so that a comparison shows its terms.

    Attributes
    ----------
    rules
        The rules by name, with the hyper-parameters that are not swept.
    J
        The objective.
    starts
        Where the runs start, shape (D,), or (D, ...) with the axes of the starts.
    steps
        The budget of each run, in gradient evaluations.
    below
        The loss that `first_below` waits for.
    stream
        What gives the objectives of the steps anew for each rule; None for J itself.
    axes
        All axes, in order.
    """

    rules: Mapping[str, Rule]
    J: Any
    starts: Array
    steps: int
    below: float
    stream: Stream | None
    axes: Axes


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """The measures of many runs, each an array with one axis for each name in `axes`.

    Attributes
    ----------
    axes
        Coordinates along each axis, by name and in the arrays' order: "rule" where rules were
        given by name, then the hyper-parameters, then "start" or a grid's coordinates.
    chosen
        The coordinates that `sel` has picked.
    theta
        Where each run ends, shape (D, ...); NaN where it diverged.
    loss
        Its loss there; NaN where it diverged.
    length
        Length of its path; NaN where it diverged.
    first_below
        First step with a loss below `setup.below`, -1 where there is none.
    diverged_at
        First step that left the range of the floats, -1 where none did.
    steps, grad_evals, loss_evals
        Steps done until it diverged or had used up its budget, and what they asked for. Where a
        rule searches until every run has found, `loss_evals` are those of the slowest run.
    setup
        What the runs have in common.
    """

    axes: Axes
    chosen: Mapping[str, Any]
    theta: Array
    loss: Array
    length: Array
    first_below: Counts
    diverged_at: Counts
    steps: Counts
    grad_evals: Counts
    loss_evals: Counts
    setup: Setup

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(c)}" for name, c in self.axes.items()) or "one run"
        rules = ", ".join(map(repr, self.setup.rules.values()))
        return f"<Sweep ({sizes}) of {rules} on {type(self.setup.J).__name__}>"

    def sel(self, **coordinates: Any) -> Sweep:
        """Return the part at some coordinates, by the names of their axes: `sel(eta=0.1)`.

        Raises
        ------
        ValueError
            If there is no such axis, or no such coordinate on it.
        """
        part = self
        for name, value in coordinates.items():
            i, axis = position(part.axes, name, value), list(part.axes).index(name)
            changes: dict[str, Any] = {m: np.take(getattr(part, m), i, axis) for m in MEASURES}
            part = dataclasses.replace(
                part,
                axes={k: c for k, c in part.axes.items() if k != name},
                chosen={**part.chosen, name: part.axes[name][i].item()},
                theta=np.take(part.theta, i, axis + 1),
                **changes,
            )
        return part

    def best(self, measure: str = "loss") -> dict[str, Any]:
        """Return the coordinates of the run whose measure is least; the first of equals.

        A run that diverged, or for which there is none (-1), is not the best.

        Raises
        ------
        ValueError
            If there is no such measure, or no run has it.
        """
        if measure not in MEASURES:
            raise ValueError(f"best: there is no measure {measure!r}, but {', '.join(MEASURES)}")
        values = np.asarray(getattr(self, measure), float)
        usable = np.isfinite(values) & (self.diverged_at < 0)
        if measure == "first_below":
            usable &= values >= 0
        if not usable.any():
            raise ValueError(f"best: no run has a {measure}: sweep other values, or more steps")
        least = np.unravel_index(np.argmin(np.where(usable, values, np.inf)), values.shape)
        where = {name: c[i].item() for (name, c), i in zip(self.axes.items(), least, strict=True)}
        return {**self.chosen, **where}

    def path(self, **coordinates: Any) -> Path:
        """Run the one run at these coordinates again, and return its path.

        Raises
        ------
        ValueError
            If there is no such axis or coordinate, or they leave more than one run.
        """
        one = self.sel(**{k: v for k, v in coordinates.items() if k not in self.chosen})
        if one.axes:
            raise ValueError(f"path: more than one run is left: choose {', '.join(one.axes)} too")
        setup, names = self.setup, list(self.setup.axes)
        of_starts = names[len(names) - setup.starts.ndim + 1 :]
        at: Any = tuple(position(setup.axes, name, one.chosen[name]) for name in of_starts)
        rule = setup.rules[one.chosen.get("rule", next(iter(setup.rules)))]
        values = {k: v for k, v in one.chosen.items() if k not in ("rule", *of_starts)}
        return descend(
            _with(rule, values),
            setup.starts[(slice(None), *at)],
            setup.J,
            int(one.steps),
            objectives=setup.stream and setup.stream(),
        )

    def to_xarray(self) -> Any:
        """Return the measures as an `xarray.Dataset`, the axes as its dimensions.

        Raises
        ------
        ModuleNotFoundError
            If xarray is not installed.
        """
        dims, setup = tuple(self.axes), self.setup
        labels = getattr(setup.J, "labels", range(len(self.theta)))
        return dataset(
            {"parameter": np.array(labels), **self.axes},
            {m: (dims, getattr(self, m)) for m in MEASURES}
            | {"theta": (("parameter", *dims), self.theta)},
            {
                "objective": type(setup.J).__name__,
                "rules": ", ".join(map(repr, setup.rules.values())),
                "budget": setup.steps,
                "below": setup.below,
                **self.chosen,
            },
        )


def sweep(
    rule: Rule | Mapping[str, Rule],
    theta: ArrayLike | Mapping[str, ArrayLike],
    J: Objective,
    steps: int = 1000,
    *,
    below: float = -np.inf,
    stream: Stream | None = None,
    block: int = BLOCK,
    progress: bool | None = None,
    **values: ArrayLike,
) -> Sweep:
    """Run a rule with every combination of some hyper-parameters, from every start.

        sweep(Momentum(), (-2, -2), J, eta=[0.1, 1.0, 10.0], gamma=np.linspace(0, 0.99, 50))
        sweep(Adam(eta=0.1), {"x": np.linspace(-2, 2, 9), "y": np.linspace(-1, 3, 9)}, Rosenbrock())
        sweep({"SGD": GradientDescent(), "Adam": Adam()}, starts, J, eta=np.geomspace(1e-3, 10, 40))

    Parameters
    ----------
    rule
        The optimizer, or several by name: all get the same values, starts and budget.
    theta
        Where to start: one point, shape (D,); some, shape (D, S), along an axis "start"; or a
        grid, as values of each coordinate by its name in `J.labels`.
    J
        The objective whose loss is measured, and, unless `stream` is given, descended.
    steps
        The budget of each run, in gradient evaluations: as many steps, for a rule that asks for
        one in each.
    below
        The loss that `first_below` waits for.
    stream
        A function that makes the stream the steps descend, called anew for each rule, so that
        all see the same: `lambda: minibatches(J, 16, np.random.default_rng(0))`.
    block
        How many runs go side by side; the measures do not depend on it.
    progress
        Whether to show a progress bar: see `descend`.
    values
        Values of any hyper-parameters that all rules have, numbers of shape (n,).

    Raises
    ------
    TypeError, ValueError
        If a rule has no such hyper-parameter, or may not have such a value; if the values are
        not of shape (n,); and what `descend` raises.
    """
    rules = dict(rule) if isinstance(rule, Mapping) else {type(rule).__name__: rule}
    swept = {name: _values(rules, name, given) for name, given in values.items()}
    starts, along = start_axes(theta, J)
    clash = sorted(set(swept) & set(along))
    if clash:
        raise ValueError(f"sweep: {clash[0]!r} names a hyper-parameter and a coordinate of J")
    starts = checked("sweep", rules, starts, J, steps, block)
    shape = tuple(len(c) for c in (swept | along).values())
    jobs = ((name, cells) for name in rules for cells in blocks(shape, block))
    total = len(rules) * -(-math.prod(shape) // block)
    found: dict[str, list[dict[str, Array]]] = {name: [] for name in rules}
    for name, cells in with_progress(jobs, total, progress, unit="block"):
        columns = zip(swept.items(), cells, strict=False)
        hypers = {hyper: c[i].astype(starts.dtype) for (hyper, c), i in columns}
        at: Any = cells[len(swept) :] if along else ()
        begin = starts[(slice(None), *at)].reshape(len(starts), -1)
        begin = np.broadcast_to(begin, (len(starts), len(cells[0]))).copy()
        found[name].append(measures(_with(rules[name], hypers), begin, J, steps, below, stream))
    named = {"rule": np.array(list(rules))} if isinstance(rule, Mapping) else {}
    axes = named | swept | along
    whole = {
        m: _joined(found, m, tuple(len(c) for c in axes.values())) for m in ("theta", *MEASURES)
    }
    setup = Setup(rules, J, starts, steps, below, stream, axes)
    return Sweep(axes=axes, chosen={}, setup=setup, **whole)


def _joined(
    found: Mapping[str, list[dict[str, Array]]], measure: str, shape: tuple[int, ...]
) -> Any:
    """Return one measure of all rules and blocks; what has an axis of its own keeps it in front."""
    rules = [np.concatenate([part[measure] for part in parts], -1) for parts in found.values()]
    whole = np.stack(rules, axis=-2)
    return whole.reshape((*whole.shape[:-2], *shape))


def _with(rule: Any, values: Mapping[str, Any]) -> Any:
    """Return the rule with other hyper-parameters."""
    return dataclasses.replace(rule, **values) if values else rule


def _values(rules: Mapping[str, Rule], name: str, given: ArrayLike) -> Array:
    """Return the values of one hyper-parameter, which every rule must have and accept."""
    for rule in rules.values():
        if name not in (can := sweepable(rule)):
            raise ValueError(
                f"sweep: {type(rule).__name__} has no hyper-parameter {name!r} to sweep; "
                f"it has {', '.join(can) or 'none'}"
            )
    values = np.asarray(given)
    if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "iuf":
        raise ValueError(
            f"sweep: {name} is {given!r}; expected numbers of shape (n,), n at least 1"
        )
    for rule in rules.values():
        _with(rule, {name: values})  # refuses what is out of range
    return values.astype(float)
