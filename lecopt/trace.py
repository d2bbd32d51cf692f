"""Record what a rule, a schedule or an objective computes, as a small program for JavaScript.

The code runs on `Traced` values. They answer to NumPy's own protocols, so that every operation
on them adds a node to a `Tape`; the tape is the program. Nothing is typed twice.

A program is a dict, ready for JSON:

    nodes    a list of [operation, argument, ...]; the operations are below
    out      what the program returns: a name and a node for each
    locals   [name, node, line] for each local variable of the traced function, with its value
             on return and the line of `source`, from 0, that set it last
    source   the traced function's own code

An argument a, b, ... is the number of an earlier node; the functions are `lecopt.tape.OPERATIONS`.

    [name, a], [name, a, b]     UNARY and BINARY: broadcast as in NumPy; truth is 1, else 0
    ["where", c, a, b]          a where c is not 0, else b
    [name, a, axis]             REDUCTIONS, over one axis, or over all if None
    ["get", a, index]           a[index]; a part of it is a number, None (a new axis) or
                                ["slice", start, stop, step]
    ["set", a, index, b]        a copy of a, with b at that index
    ["reshape", a, shape]       ["transpose", a], ["transpose", a, axes]
    ["stack", [a, ...], axis]   ["concat", [a, ...], axis]
    ["in", name]                an input
    ["const", numbers]          a number, or nested lists of them
    ["loss", a], ["grad", a]    J(a) and J.grad(a)

What code does in place (u -= g, u[0] = 1) is recorded on what it made itself, a copy or a result,
and seen by every name and slice of it, as in NumPy; done to an input it is refused, since it would
change the caller's array. J is asked as often as the code asks it.

There is one bounded loop, that of `lecopt.search.first_that`, in three nodes:

    ["candidate", start, tries] begins the loop: the candidate, which is `start` at first
    ...                         nodes that are run for each candidate
    ["until", found]            leaves the loop if `found` is not 0 (for all runs of a batch)
    ...                         nodes that are run for each candidate that fails
    ["first", candidate, found, after]
                                ends the loop's body: runs that have not found one go on with
                                `after`, at most `tries` times; its value is the candidate then.
                                No node after it uses one from inside.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from lecopt.rule import Rule
from lecopt.schedules import Schedule, Watching
from lecopt.tape import Tape, Traced, TraceError
from lecopt.tape.recording import call, recorded, source_and_lines
from lecopt.tape.refusal import refusal

__all__ = ["TraceError", "trace_init", "trace_objective", "trace_schedule", "trace_step"]

Program = dict[str, Any]


def trace_step(rule: Rule, dim: int = 2) -> Program:
    """Return the program of one step of a rule in `dim` dimensions.

    Its inputs are "theta", "state.<field>" and the rule's hyper-parameters by name; it returns
    "theta" and "state.<field>"; J(x) and J.grad(x) are its nodes "loss" and "grad".

    Raises
    ------
    TraceError
        If `step` holds what cannot be traced, as an `if` on a traced value: the message names
        the line and says what to write instead.
    """
    step = type(rule).step

    def record(tape: Tape) -> Program:
        traced_rule, start = _traced(rule, tape), np.linspace(0.5, 1.5, dim)
        theta = tape.input("theta", start)
        fresh = rule.init(start)
        _check_state("init", fresh)
        state = _inputs_like(tape, fresh)
        J = _TracedObjective(tape)
        (new_theta, new_state), names = call(tape, step, traced_rule, theta, state, J)
        _check_state("step", new_state)
        return _program(tape, {"theta": new_theta} | _fields_of(new_state), names, step)

    return recorded(record)


def trace_init(rule: Rule, dim: int = 2) -> Program:
    """Return the program of a rule's first state in `dim` dimensions.

    Its inputs are "theta" and the rule's hyper-parameters by name; it returns "theta" as it is,
    and "state.<field>".

    Raises
    ------
    TraceError
        If `init` holds what cannot be traced.
    """
    init = type(rule).init

    def record(tape: Tape) -> Program:
        theta = tape.input("theta", np.linspace(0.5, 1.5, dim))
        state, names = call(tape, init, _traced(rule, tape), theta)
        _check_state("init", state)
        return _program(tape, {"theta": theta} | _fields_of(state), names, init)

    return recorded(record)


def trace_objective(J: Any) -> dict[str, Any]:
    """Return the programs "loss" and "grad" of an objective, and its "data".

    The programs take "theta", and "data.<field>" for each array named in `J.data`; they return
    "value". The data are lists, ready for JSON.
    """
    fields = getattr(J, "data", ())

    def program_of(method: Callable[..., Any]) -> Program:
        return recorded(lambda tape: record(tape, method))

    def record(tape: Tape, method: Callable[..., Any]) -> Program:
        traced_J = copy.copy(J)
        for field in fields:
            symbol = tape.input(f"data.{field}", getattr(J, field))
            object.__setattr__(traced_J, field, symbol)
        theta = tape.input("theta", np.linspace(0.5, 1.5, len(J.labels)))
        value, names = call(tape, method, traced_J, theta)
        return _program(tape, {"value": value}, names, method)

    programs: dict[str, Any] = {
        "loss": program_of(type(J).__call__),
        "grad": program_of(type(J).grad),
    }
    return programs | {"data": {field: getattr(J, field).tolist() for field in fields}}


def trace_schedule(schedule: Schedule) -> dict[str, Program]:
    """Return the programs "init" and "step" of a schedule.

    "init" returns "state.<field>" for what a watching schedule remembers at first, nothing for a
    function of t. "step" takes "t", and for a watching one "loss" and "state.<field>"; it returns
    "value" and "state.<field>".

    Raises
    ------
    TraceError
        If the schedule holds what cannot be traced, as an `if` on t.
    TypeError
        If it is neither a function nor a watching object.
    """
    if not callable(schedule) and not isinstance(schedule, Watching):
        raise TypeError(
            f"the schedule is {schedule!r}; expected a function of t, as "
            "lecopt.schedules.constant(0.1), or an object with init and step"
        )
    if not isinstance(schedule, Watching):
        return {
            "init": _program(Tape(), {}, {}),
            "step": recorded(lambda tape: _value_at(tape, schedule, tape.input("t", 1.0))),
        }

    def init(tape: Tape) -> Program:
        fresh = schedule.init()
        _check_state("init", fresh)
        return _program(tape, _fields_of(fresh), {})

    def step(tape: Tape) -> Program:
        t, loss = tape.input("t", 1.0), tape.input("loss", 1.0)
        state = _inputs_like(tape, schedule.init())
        (value, after), _ = call(tape, type(schedule).step, copy.copy(schedule), state, t, loss)
        _check_state("step", after)
        return _program(tape, {"value": _one_number(tape, value)} | _fields_of(after), {})

    return {"init": recorded(init), "step": recorded(step)}


def _value_at(tape: Tape, schedule: Callable[[Any], Any], t: Traced) -> Program:
    value, _ = call(tape, schedule, t)
    return _program(tape, {"value": _one_number(tape, value)}, {})


def _one_number(tape: Tape, value: Any) -> Traced:
    symbol = tape.symbol(value)
    if symbol.shape != ():
        raise TraceError(
            f"a schedule gives values of shape {symbol.shape}; a page runs one run at a time: "
            "give a schedule of one number"
        )
    return symbol


def _traced(rule: Rule, tape: Tape) -> Rule:
    """Return a copy of a rule whose hyper-parameters are inputs of the tape."""
    if not dataclasses.is_dataclass(rule):
        raise TraceError(f"{type(rule).__name__} is not a dataclass; write @dataclass above it")
    copied = copy.copy(rule)
    for field in dataclasses.fields(rule):
        if not field.metadata.get("sweep", True):
            continue  # no slider: part of the program, as the candidates of a line search
        value = np.asarray(getattr(rule, field.name), float)
        symbol = tape.input(field.name, value if value.ndim else float(value))
        object.__setattr__(copied, field.name, symbol)
    return copied


def _program(
    tape: Tape,
    out: dict[str, Any],
    names: dict[str, Traced],
    function: Callable[..., Any] | None = None,
) -> Program:
    """Return what was recorded as a dict for JSON."""
    nodes = {name: tape.symbol(value).index for name, value in out.items()}
    source, lines = ("", {}) if function is None else source_and_lines(function)
    known = [[k, v.index, lines[k]] for k, v in names.items() if k in lines]
    return {"nodes": tape.nodes, "out": nodes, "locals": known, "source": source}


def _check_state(method: str, state: Any) -> None:
    if not (isinstance(state, tuple) and hasattr(state, "_asdict")):
        raise TraceError(
            f"{method} gives a {type(state).__name__} as the state; expected a NamedTuple, "
            "so that each part of it has a name (see lecopt.optimizers.MomentumState)"
        )


def _inputs_like(tape: Tape, state: Any) -> Any:
    return type(state)(*(tape.input(name, value) for name, value in _fields_of(state).items()))


def _fields_of(state: Any) -> dict[str, Any]:
    return {f"state.{name}": value for name, value in state._asdict().items()}


class _TracedObjective:
    """The objective inside a rule: each call is a node."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __call__(self, theta: Any) -> Traced:
        x = self._tape.symbol(theta)
        return self._tape.append(["loss", x.index], np.float64(1.0))

    def grad(self, theta: Any) -> Traced:
        x = self._tape.symbol(theta)
        return self._tape.append(["grad", x.index], np.ones(x.shape))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise refusal(f"the objective's .{name}", "J(theta) and J.grad(theta) alone")
