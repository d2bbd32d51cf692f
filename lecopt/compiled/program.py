"""From a rule and an objective to one list of lines, each an operation on single numbers."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecopt.rule import sweepable
from lecopt.tape import BINARY, OPERATIONS, UNARY, Tape, Traced, evaluate
from lecopt.tape.operations import key_of

Names = Any  # an array of names, of the shape of the value; or one str, for a whole array
FEW = 8  # NumPy adds fewer numbers than these one after the other, as the lines do
MOST = 512  # numbers of data that may become a line each


class CannotCompileError(Exception):
    """Only the plain loop can run this."""


@dataclass
class Program:
    """One step of a rule on an objective, and the loss before it.

    `lines` holds, in order, for each name the operation that makes it and the names, or literal
    numbers, that it is made from; `wholes` are the names that are arrays over the rows of data.
    `before` and `after` name the numbers of theta (under "theta") and of each field of the state.
    """

    lines: dict[str, tuple[str, tuple[str, ...]]]
    wholes: set[str]
    before: dict[str, Names]
    after: dict[str, Names]
    loss: str
    data: dict[str, Names]
    hypers: dict[str, str]
    loss_calls: int
    grad_calls: int

    def parts(self, scheduled: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
        """Return the lines to run once; at each step for the loss; and for what comes after it."""
        changing = self.made_from([*flat(self.before), *(self.hypers[k] for k in scheduled)])
        loss = self.needed_for([self.loss])
        needed = loss | self.needed_for(flat(self.after))
        used = [n for n in self.lines if n in needed]
        once = [n for n in used if n not in changing]
        at_theta = [n for n in used if n in changing and n in loss]
        then = [n for n in used if n in changing and n not in loss]
        return once, at_theta, then

    def given(self, scheduled: Sequence[str]) -> list[str]:
        """Return the names of what stays as it is: data, and hyper-parameters not scheduled."""
        kept = [name for k, name in self.hypers.items() if k not in scheduled]
        return flat(self.data) + kept

    def made_from(self, first: Iterable[str]) -> set[str]:
        """Return `first`, and the names of all lines that depend on it."""
        found = set(first)
        for name, (_, args) in self.lines.items():
            if not found.isdisjoint(args):
                found.add(name)
        return found

    def needed_for(self, last: Iterable[str]) -> set[str]:
        """Return the names of the lines that `last` is made from."""
        found = set(last) & self.lines.keys()
        for name, (_, args) in reversed(self.lines.items()):
            if name in found:
                found.update(self.lines.keys() & set(args))
        return found


def write_program(rule: Any, J: Any, dim: int, *, keep_arrays: bool) -> Program:
    """Run `rule.step` once on symbols, with the methods of J inside it, and write out the numbers.

    The tape keeps each operation once: what loss and gradient share is computed once.

    Parameters
    ----------
    rule, J
        Their hyper-parameters, numbers, and their data, arrays, become inputs; all else is part
        of the program.
    dim
        Number of parameters.
    keep_arrays
        Whether arrays of `FEW` rows or more stay arrays.

    Raises
    ------
    TraceError, CannotCompileError
        If the step holds what such a program cannot.
    """
    tape, example = _ExactTape(), np.linspace(0.5, 1.5, dim)
    fresh = rule.init(example)
    theta = tape.input("theta", example)
    fields = {k: tape.input(k, v) for k, v in fresh._asdict().items()}
    hypers = {k: tape.input(f"rule_{k}", getattr(rule, k)) for k in sweepable(rule)}
    data = {k: tape.input(f"J_{k}", getattr(J, k)) for k in getattr(J, "data", ())}
    asked = _Asked(_with(J, data))
    loss = asked.J(theta)
    theta_after, state_after = _with(rule, hypers).step(theta, type(fresh)(**fields), asked)
    writer = _Writer(tape, keep_arrays)
    return Program(
        before={k: writer.of(v) for k, v in {"theta": theta, **fields}.items()},
        after={
            k: writer.of(tape.symbol(v))
            for k, v in {"theta": theta_after, **state_after._asdict()}.items()
        },
        loss=writer.of(loss).item(),
        data={k: writer.of(v) for k, v in data.items()},
        hypers={k: writer.of(v).item() for k, v in hypers.items()},
        lines=writer.lines,
        wholes=writer.wholes,
        loss_calls=asked.losses,
        grad_calls=asked.grads,
    )


class _Asked:
    """An objective on symbols, and how often a step asks it."""

    def __init__(self, J: Any) -> None:
        self.J, self.losses, self.grads = J, 0, 0

    def __call__(self, theta: Any) -> Any:
        self.losses += 1
        return self.J(theta)

    def grad(self, theta: Any) -> Any:
        self.grads += 1
        return self.J.grad(theta)


def _with(thing: Any, symbols: dict[str, Traced]) -> Any:
    """Return a copy with symbols in place of some of its fields."""
    copied = copy.copy(thing)
    for name, symbol in symbols.items():
        object.__setattr__(copied, name, symbol)
    return copied


class _ExactTape(Tape):
    """A tape that knows the shape of each node, and keeps powers apart from products.

    For x**2 NumPy takes the power if x is a number, and the square if it is an array: the last bit
    may differ.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []
        self.arrays: set[int] = set()  # nodes that are arrays in NumPy, if of one number only

    def add(self, node: list[Any], value: Any, *, given: bool = False) -> Traced:
        symbol = super().add(node, value, given=given)
        if symbol.index == len(self.shapes):
            self.shapes.append(symbol.shape)
            if symbol.shape or (symbol.is_array and node[0] != "const"):
                self.arrays.add(symbol.index)
        return symbol

    def power(self, a: Traced, exponent: float) -> Traced:
        return self.record("pow", a, self.symbol(exponent))


class _Writer:
    """Writes the lines for the nodes of a tape.

    A value is an array of names, so that NumPy itself does the indexing, stacking and broadcasting,
    once, on the names: no line is left of it.
    """

    def __init__(self, tape: _ExactTape, keep_arrays: bool) -> None:
        self.keep_arrays, self.arrays = keep_arrays, tape.arrays
        self.lines: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.wholes: set[str] = set()
        self._known: dict[tuple[str, ...], str] = {}
        self._values: list[Names] = []
        for node, shape in zip(tape.nodes, tape.shapes, strict=True):
            self._values.append(self._value(node, shape))

    def of(self, symbol: Traced) -> Names:
        """Return the names of a value."""
        return self._values[symbol.index]

    def _line(self, operation: str, *args: str) -> str:
        """Return the name of a result; the same line is not written twice."""
        name = self._known.setdefault((operation, *args), f"a{len(self._known)}")
        self.lines.setdefault(name, (operation, args))
        return name

    def _lines(self, operation: str, *values: Names) -> Names:
        """Write a line for each number of some values, broadcast as NumPy does."""
        write = functools.partial(self._line, operation)
        return _array(np.frompyfunc(write, len(values), 1)(*values))

    def _whole(self, shape: tuple[int, ...], operation: str, *args: str) -> Names:
        """Write a line that works on whole arrays; its result may be a number."""
        name = self._line(operation, *args)
        if shape == ():
            return _array(name)
        self.wholes.add(name)
        return name

    def _value(self, node: list[Any], shape: tuple[int, ...]) -> Names:
        """Return the names of the value of a node."""
        operation, *args = node
        if operation == "in":
            return self._input(args[0], shape)
        if operation == "const":
            return _array(np.vectorize(repr, otypes=[object])(np.asarray(args[0], float)))
        if operation in MOVES:
            return self._moved(operation, args, shape)
        if operation in REDUCTIONS:
            return self._reduced(operation, self._values[args[0]], args[1], shape)
        if operation not in ELEMENTWISE:
            raise CannotCompileError(f"no line for {operation}")
        if operation == "pow" and not self.arrays.isdisjoint(args):
            operation = "array_pow"
        values = [self._values[i] for i in args]
        if any(isinstance(v, str) for v in values):
            names = [v if isinstance(v, str) else _number(v) for v in values]
            return self._whole(shape, operation, *names)
        return self._lines(operation, *values)

    def _input(self, name: str, shape: tuple[int, ...]) -> Names:
        size = math.prod(shape)
        if self.keep_arrays and shape and shape[0] >= FEW:
            self.wholes.add(name)
            return name
        if size > MOST:
            raise CannotCompileError(f"{size} numbers would be a line each")
        if shape == ():
            return _array(name)
        return np.array([f"{name}_{i}" for i in range(size)], object).reshape(shape)

    def _moved(self, operation: str, args: list[Any], shape: tuple[int, ...]) -> Names:
        """Take a part of a value, put values together, or turn them."""
        args = [_each(self._values.__getitem__, arg) if i in MOVES[operation] else arg
                for i, arg in enumerate(args)]  # fmt: skip
        whole = [v for v in _flat(args) if isinstance(v, str) and v in self.wholes]
        if not whole:
            return _array(evaluate(operation, *args))
        if operation not in CALLS or len(whole) > 1:
            raise CannotCompileError("rows of data that are moved about")
        settings = [key_of(part) if operation == "get" else part for part in args[1:]]
        return self._whole(shape, operation, whole[0], *map(repr, settings))

    def _reduced(
        self, operation: str, value: Names, axis: int | None, shape: tuple[int, ...]
    ) -> Names:
        """Sum, or the like, along an axis, in NumPy's own order."""
        if isinstance(value, str):
            return self._whole(shape, operation, value, repr(axis))
        if axis is None and not self.keep_arrays:
            raise CannotCompileError("a sum over all runs of a sweep")
        along = value.ravel() if axis is None else np.moveaxis(value, axis, 0)
        if len(along) >= FEW and self.keep_arrays:
            raise CannotCompileError("a sum that NumPy takes in another order")
        add = functools.partial(self._lines, REDUCTIONS[operation])
        total = functools.reduce(add, map(_array, along))
        return self._lines("div", total, repr(float(len(along)))) if operation == "mean" else total


def flat(values: dict[str, Names]) -> list[str]:
    """Return all names in a dict of arrays of names."""
    return [str(name) for names in values.values() for name in np.ravel(names)]


def call(operation: str, args: tuple[str, ...]) -> str:
    """Return the NumPy expression for an operation on arrays."""
    template = CALLS.get(operation) or f"np.{OPERATIONS[operation].__name__}({', '.join(args)})"
    return template.format(*args)


def assigned(names: list[str]) -> str:
    """Return names as the left side of an assignment from a tuple."""
    return f"[{', '.join(names)}]"


CALLS = {
    "get": "{0}[{1}]", "transpose": "{0}.T", "where": "np.where({0}, {1}, {2})",
    "pow": "{0} ** {1}", "array_pow": "{0} ** {1}",
    "sum": "np.sum({0}, {1})", "mean": "np.mean({0}, {1})",
    "amax": "np.max({0}, {1})", "amin": "np.min({0}, {1})",
}  # fmt: skip
REDUCTIONS = {"sum": "add", "mean": "add", "amax": "max", "amin": "min"}
MOVES = {  # which arguments are values
    "get": [0], "set": [0, 2], "reshape": [0], "transpose": [0], "stack": [0], "concat": [0],
}  # fmt: skip
ELEMENTWISE = {*UNARY.values(), *BINARY.values(), "where"} - {"matmul"}


def _array(names: Any) -> Names:
    return np.asarray(names, object)


def _each(of: Callable[[int], Names], argument: Any) -> Any:
    """Apply a function to a node, or to each of a list of them."""
    return [of(a) for a in argument] if isinstance(argument, list) else of(argument)


def _flat(args: list[Any]) -> Iterator[Any]:
    """Yield the arguments, and what is in lists among them."""
    for arg in args:
        yield from arg if isinstance(arg, list) else [arg]


def _number(value: Names) -> str:
    if value.shape:
        raise CannotCompileError("several numbers that meet rows of data")
    return str(value.item())
