"""Record what a rule or an objective computes, as a small program that JavaScript can run.

The code runs once on `Traced` values. They answer to NumPy's own protocols, so that every
operation on them adds a node to a `Tape`; the tape is the program. Nothing is typed twice.

A program is a dict, ready for JSON:

    nodes    a list of [operation, argument, ...]; an argument is the index of an earlier node
    out      what the program returns: a name and a node for each
    locals   [name, node, line] for each local variable of the traced function, with its value
             on return and the line of `source`, from 0, that set it last
    source   the traced function's own code
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import sys
import textwrap
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from lecopt.rule import Rule
from lecopt.tape import Tape, Traced, TraceError

__all__ = ["TraceError", "trace_init", "trace_objective", "trace_step"]


def trace_step(rule: Rule, dim: int = 2) -> dict[str, Any]:
    """Return the program of one step of a rule in `dim` dimensions.

    Its inputs are "theta", "state.<field>" and the rule's hyper-parameters by name; it returns
    "theta" and "state.<field>"; J(x) and J.grad(x) are its nodes "loss" and "grad".

    Raises
    ------
    TraceError
        If `step` holds what cannot be traced, as an `if` on a traced value: the message names
        the line and says what to write instead.
    """
    tape = Tape()
    traced_rule, start = _traced(rule, tape), np.linspace(0.5, 1.5, dim)
    theta = tape.input("theta", start)
    fresh = rule.init(start)
    _check_state("init", fresh)
    state = type(fresh)(*(tape.input(f"state.{k}", v) for k, v in fresh._asdict().items()))
    step = type(rule).step
    (new_theta, new_state), names = _call(step, traced_rule, theta, state, _TracedObjective(tape))
    _check_state("step", new_state)
    out = {"theta": new_theta} | {f"state.{k}": v for k, v in new_state._asdict().items()}
    return _program(tape, out, names, step)


def trace_init(rule: Rule, dim: int = 2) -> dict[str, Any]:
    """Return the program of a rule's first state in `dim` dimensions.

    Its inputs are "theta" and the rule's hyper-parameters by name; it returns "theta" as it is,
    and "state.<field>".

    Raises
    ------
    TraceError
        If `init` holds what cannot be traced.
    """
    tape = Tape()
    theta = tape.input("theta", np.linspace(0.5, 1.5, dim))
    init = type(rule).init
    state, names = _call(init, _traced(rule, tape), theta)
    _check_state("init", state)
    out = {"theta": theta} | {f"state.{k}": v for k, v in state._asdict().items()}
    return _program(tape, out, names, init)


def trace_objective(J: Any) -> dict[str, Any]:
    """Return the programs "loss" and "grad" of an objective in the plane, and its "data".

    The programs take "theta", and "data.<field>" for each array named in `J.data`; they return
    "value". The data are lists, ready for JSON.
    """
    dim = len(J.labels)
    fields = getattr(J, "data", ())
    programs: dict[str, Any] = {}
    for name, method in (("loss", type(J).__call__), ("grad", type(J).grad)):
        tape = Tape()
        traced_J = copy.copy(J)
        for field in fields:
            symbol = tape.input(f"data.{field}", getattr(J, field))
            object.__setattr__(traced_J, field, symbol)
        theta = tape.input("theta", np.linspace(0.5, 1.5, dim))
        value, names = _call(method, traced_J, theta)
        programs[name] = _program(tape, {"value": value}, names, method)
    return programs | {"data": {field: getattr(J, field).tolist() for field in fields}}


def _traced(rule: Rule, tape: Tape) -> Rule:
    """Return a copy of a rule whose hyper-parameters are inputs of the tape."""
    if not dataclasses.is_dataclass(rule):
        raise TraceError(f"{type(rule).__name__} is not a dataclass; write @dataclass above it")
    copied = copy.copy(rule)
    for field in dataclasses.fields(rule):
        if not field.metadata.get("sweep", True):
            continue  # no slider: part of the program, as the candidates of a line search
        symbol = tape.input(field.name, np.asarray(getattr(rule, field.name), float))
        object.__setattr__(copied, field.name, symbol)
    return copied


def _program(
    tape: Tape, out: dict[str, Any], names: dict[str, Traced], function: Callable[..., Any]
) -> dict[str, Any]:
    """Return what was recorded as a dict for JSON."""
    nodes = {name: tape.symbol(value).index for name, value in out.items()}
    source, lines = _source_and_lines(function)
    known = [[k, v.index, lines[k]] for k, v in names.items() if k in lines]
    return {"nodes": tape.nodes, "out": nodes, "locals": known, "source": source}


def _check_state(method: str, state: Any) -> None:
    if not (isinstance(state, tuple) and hasattr(state, "_asdict")):
        raise TraceError(
            f"{method} gives a {type(state).__name__} as the state; expected a NamedTuple, "
            "so that each part of it has a name (see lecopt.optimizers.MomentumState)"
        )


class _TracedObjective:
    """The objective inside a rule: each call is a node."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def __call__(self, theta: Any) -> Traced:
        x = self.tape.symbol(theta)
        return self.tape.add(["loss", x.index], np.ones(x.shape[1:]))

    def grad(self, theta: Any) -> Traced:
        x = self.tape.symbol(theta)
        return self.tape.add(["grad", x.index], np.ones(x.shape))


def _call(function: Callable[..., Any], *args: Any) -> tuple[Any, dict[str, Traced]]:
    """Call a function; return its result and its traced local variables as it returned."""
    names: dict[str, Traced] = {}

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is inspect.unwrap(function).__code__:
            names.update({k: v for k, v in frame.f_locals.items() if isinstance(v, Traced)})

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        result = function(*args)
    finally:
        sys.setprofile(before)
    return result, names


def _source_and_lines(function: Callable[..., Any]) -> tuple[str, dict[str, int]]:
    """Return a function's source, and the line on which each of its names is set last."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return "", {}
    lines: dict[str, int] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            lines[node.id] = max(node.lineno - 1, lines.get(node.id, 0))
    return source, lines
