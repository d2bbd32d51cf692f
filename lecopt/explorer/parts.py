"""The pieces of a scene: objectives, rules and sliders as plain JSON-able dicts."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lecopt.rule import Array, Rule, declared
from lecopt.schedules import Schedule, Schedules
from lecopt.trace import trace_init, trace_objective, trace_schedule, trace_step

Scene = dict[str, Any]
Window = tuple[tuple[float, float], tuple[float, float]]


def checked_point(name: str, point: Sequence[float] | Array, dim: int = 2) -> list[float]:
    """Return a point as floats.

    Raises
    ------
    ValueError
        If it is not `dim` finite numbers.
    """
    numbers = np.asarray(point, dtype=float)
    if numbers.shape != (dim,):
        raise ValueError(
            f"{name} has shape {numbers.shape}; expected ({dim},), "
            f"one number for each parameter: give {dim} numbers"
        )
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} is {point}; every number must be finite: replace NaN and inf")
    return [float(x) for x in numbers]


def checked_count(name: str, count: int) -> int:
    """Return a whole number from 1 to 100 000.

    Raises
    ------
    ValueError
        If it is not one.
    """
    if not isinstance(count, int | np.integer) or not 1 <= count <= 100_000:
        raise ValueError(f"{name} is {count!r}; give a whole number from 1 to 100000")
    return int(count)


def refuse_others(argument: str, given: Sequence[str], known: Any) -> None:
    """Refuse names that are not among those known.

    Raises
    ------
    ValueError
        Naming the first one that is not.
    """
    for name in given:
        if name not in known:
            raise ValueError(
                f"{argument}: no {name!r} here; there are {', '.join(map(repr, known))}"
            )


def objective_part(J: Any, window: Window | None = None) -> Scene:
    """Return the objective traced, with the window to look at.

    Raises
    ------
    ValueError
        If it has not two parameters, so that no map can be drawn, or the window is not two ranges.
    """
    labels = list(getattr(J, "labels", ("x", "y")))
    if len(labels) != 2:
        raise ValueError(
            f"{type(J).__name__} has {len(labels)} parameters, {labels[0]} to {labels[-1]}; "
            "a map needs 2: give an objective of two, or cut a plane: Slice(J, at, (0, 1))"
        )
    sides = np.asarray(J.window if window is None else window, dtype=float)
    if sides.shape != (2, 2) or not np.isfinite(sides).all() or (sides[:, 0] >= sides[:, 1]).any():
        raise ValueError(f"window is {window}; expected ((low, high), (low, high)), low below high")
    minima = np.asarray(getattr(J, "minima", np.empty((0, 2))))
    traced = trace_objective(J)
    return {
        "loss": program_part(traced["loss"]),
        "grad": program_part(traced["grad"]),
        "data": traced["data"],
        "name": spaced(type(J).__name__),
        "labels": labels,
        "window": sides.tolist(),
        "minima": minima.tolist(),
    }


def program_part(program: Scene) -> Scene:
    """Return a program ready for JSON, without its source, which the page does not show."""
    nodes = [
        [op, for_json(args[0])] if op == "const" else [op, *args] for op, *args in program["nodes"]
    ]
    return {"nodes": nodes, "out": program["out"]}


def for_json(value: Any) -> Any:
    """Return numbers, or nested lists of them, with those that JSON lacks as text."""
    if isinstance(value, list):
        return [for_json(v) for v in value]
    if np.isfinite(value):
        return value
    return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def named_rules(rules: Mapping[str, Rule] | Sequence[Rule]) -> dict[str, Rule]:
    """Return rules by name; a list is named after its classes.

    Raises
    ------
    TypeError
        If a rule lacks `init` or `step`, or is a class instead of an object.
    ValueError
        If there is none, or there are two of one name.
    """
    if isinstance(rules, Mapping):
        named = {str(k): v for k, v in rules.items()}
    else:
        named = {spaced(type(rule).__name__): rule for rule in rules}
    if len(named) != len(rules):
        raise ValueError('two rules of one class: give them names, {"slow": Momentum(0.1), …}')
    if not named:
        raise ValueError("no rules to race; give at least one, as [Momentum(eta=1.0)]")
    for name, rule in named.items():
        if isinstance(rule, type):
            raise TypeError(f"{name} is the class {rule.__name__}; make one: {rule.__name__}(...)")
        if not isinstance(rule, Rule):
            raise TypeError(
                f"{name} is {rule!r}; a rule needs init(theta) and step(theta, state, J)"
            )
    return named


def rule_part(name: str, rule: Any, dim: int = 2, schedules: Schedules | None = None) -> Scene:
    """Return one rule traced, with its first state, its sliders and what is on a schedule.

    Raises
    ------
    ValueError
        If a schedule is for no hyper-parameter of the rule.
    """
    given, known = schedules or {}, fields(rule)
    refuse_others(f"schedules of {name}", [*given], [f.name for f in known])
    part = {
        "key": name,
        "program": step_part(trace_step(rule, dim=dim)),
        "init": program_part(trace_init(rule, dim=dim)),
        "hyper": [slider_of(f, getattr(rule, f.name)) for f in known if f.name not in given],
    }
    scheduled = [
        schedule_part(f, getattr(rule, f.name), given[f.name]) for f in known if f.name in given
    ]
    return part | ({"schedules": scheduled} if scheduled else {})


def schedule_part(field: dataclasses.Field[Any], value: float, schedule: Schedule) -> Scene:
    """Return the schedule of a hyper-parameter traced, with the value that the rule itself has."""
    programs = trace_schedule(schedule)
    return {
        "name": field.name,
        "symbol": str(field.metadata.get("symbol", field.name)),
        "value": float(value),
        "init": program_part(programs["init"]),
        "step": program_part(programs["step"]),
    }


def batches_part(J: Any, rows: Sequence[Any]) -> Scene:
    """Return the rows that each step descends on, and the programs that they need.

    "rows" is a list of row numbers for each step, as `Path.rows`; "sizes" has the objective's
    programs for numbers of rows whose programs are not those of all rows.
    """
    plain = [np.asarray(step, dtype=int).tolist() for step in rows]
    whole, sizes = trace_objective(J), {}
    for n in sorted({len(step) for step in plain}):
        part = trace_objective(J.on(list(range(n))))
        if any(part[name]["nodes"] != whole[name]["nodes"] for name in ("loss", "grad")):
            sizes[str(n)] = {name: program_part(part[name]) for name in ("loss", "grad")}
    return {"rows": plain, "sizes": sizes}


def step_part(program: Scene) -> Scene:
    """Return the program of a step, its source headed by a plain `def` without annotations."""
    part = program_part(program) | {"source": program["source"], "locals": program["locals"]}
    if not program["source"]:
        return part
    function = ast.parse(program["source"]).body[0]
    if not isinstance(function, ast.FunctionDef):
        return part
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    lines = program["source"].splitlines()
    first = function.body[0].lineno - 1
    header = f"def {function.name}({', '.join(names)}):"
    moved = [[name, node, line - (first - 1)] for name, node, line in program["locals"]]
    return part | {"source": "\n".join([header, *lines[first:]]), "locals": moved}


def fields(rule: Any) -> list[dataclasses.Field[Any]]:
    """Return the hyper-parameters of a rule that a slider can move."""
    numbers = (f for f in declared(rule) if f.metadata.get("sweep", True))
    return [f for f in numbers if isinstance(getattr(rule, f.name), int | float | np.number)]


def slider_of(field: dataclasses.Field[Any], value: float) -> Scene:
    """Return the slider of a hyper-parameter, from the metadata of its field."""
    meta = field.metadata
    low, high = meta.get("range") or guessed_range(float(value))
    is_log = bool(meta.get("log", low > 0 and high / low > 100))
    return slider(
        field.name,
        str(meta.get("symbol", field.name)),
        value,
        (min(low, value), max(high, value)),
        log=is_log and min(low, value) > 0,
        limits=limits_of(meta),
    )


def slider(
    name: str,
    symbol: str,
    value: float,
    span: tuple[float, float],
    *,
    log: bool = False,
    limits: tuple[float | None, float | None] = (None, None),
) -> Scene:
    """Return one slider: what it is called, where it stands, where it may go."""
    return {
        "name": name,
        "symbol": symbol,
        "value": float(value),
        "range": [float(span[0]), float(span[1])],
        "log": log,
        "limits": list(limits),
    }


def guessed_range(value: float) -> tuple[float, float]:
    """Return a range for a hyper-parameter that declares none."""
    if value <= 0:
        return (min(2 * value, -1.0) if value < 0 else 0.0, 1.0)
    return (value / 100, value * 100)


def limits_of(meta: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the least and greatest value that a hyper-parameter may take."""
    low = meta.get("at_least", -np.inf)
    high = min(meta.get("at_most", np.inf), meta.get("below", np.inf) - 1e-9)
    return (float(low) if np.isfinite(low) else None, float(high) if np.isfinite(high) else None)


def values_of(rules: Sequence[Scene]) -> dict[str, dict[str, float]]:
    """Return the value of every slider, by rule and name."""
    return {r["key"]: {h["name"]: h["value"] for h in r["hyper"]} for r in rules}


def spaced(name: str) -> str:
    """Return a class name as words: GradientDescent becomes Gradient descent."""
    first, *rest = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", name) or [name]
    return " ".join([first, *(w if w.isupper() else w.lower() for w in rest)])
