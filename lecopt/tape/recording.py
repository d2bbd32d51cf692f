"""Run code on traced values, and learn what it computed and under which names."""

from __future__ import annotations

import ast
import contextlib
import inspect
import itertools
import re
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np

from lecopt.search import recorder
from lecopt.tape.primitives import array
from lecopt.tape.refusal import Place, TraceError, refusal
from lecopt.tape.tape import Tape
from lecopt.tape.traced import Traced

_ONE_AT_A_TIME = threading.RLock()  # np.array is one for all threads


def recorded(record: Callable[[Tape], dict[str, Any]]) -> dict[str, Any]:
    """Return what is recorded, and refuse code that computes something else each time."""
    tape, again = Tape(), Tape()
    program = record(tape)
    record(again)
    for i, nodes in enumerate(itertools.zip_longest(tape.nodes, again.nodes)):
        if repr(nodes[0]) != repr(nodes[1]):
            raise refusal(
                "something else each time it runs, as a random draw",
                "the same numbers for the same input: a rule draws no random numbers, "
                "it is given rows (see lecopt.minibatches)",
                (again.places if nodes[0] is None else tape.places)[i],
            )
    return program


def call(tape: Tape, function: Callable[..., Any], *args: Any) -> tuple[Any, dict[str, Traced]]:
    """Call a function; return its result and its traced local variables as it returned."""
    names: dict[str, Traced] = {}
    code = getattr(inspect.unwrap(function), "__code__", None)

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            names.update({k: v for k, v in frame.f_locals.items() if isinstance(v, Traced)})

    before = sys.getprofile()
    held = [(x, dict(vars(x))) for x in args if hasattr(x, "__dict__")]
    with _recording(tape):
        sys.setprofile(watch)
        try:
            result = function(*args)
        finally:
            sys.setprofile(before)
    for x, was in held:  # a rule, an objective, a schedule
        for name, value in vars(x).items():
            if name not in was or value is not was[name]:
                raise _kept_on_self(function, name)
    return result, names


def _kept_on_self(function: Callable[..., Any], name: str) -> TraceError:
    """Return the error for a value that is kept on the rule itself."""
    source, _ = source_and_lines(function)
    sets = re.compile(rf"\.{name}\b[^=]*=")
    line = next((i for i, text in enumerate(source.splitlines()) if sets.search(text)), 0)
    code = inspect.unwrap(function).__code__
    place = Place(code.co_filename, code.co_firstlineno + line, function.__name__)
    return refusal(
        f"a value kept on the object itself, as .{name}",
        f"the next state with it: return theta, State({name}=...)",
        place,
    )


@contextlib.contextmanager
def _recording(tape: Tape) -> Iterator[None]:
    """Let `first_that` record its loop on the tape, and np.array take traced values."""
    with _ONE_AT_A_TIME:
        token = recorder.set(tape.first_that)
        plain: dict[str, Any] = {"array": np.array, "asarray": np.asarray}
        try:
            for name, function in plain.items():
                setattr(np, name, array(function))
            yield
        finally:
            for name, function in plain.items():
                setattr(np, name, function)
            recorder.reset(token)


def source_and_lines(function: Callable[..., Any]) -> tuple[str, dict[str, int]]:
    """Return a function's source, and the line on which each of its names is set last."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return "", {}
    lines: dict[str, int] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Name, ast.Subscript)) and isinstance(node.ctx, ast.Store):
            target = node.value if isinstance(node, ast.Subscript) else node
            if isinstance(target, ast.Name):
                lines[target.id] = max(node.lineno - 1, lines.get(target.id, 0))
    return source, lines
