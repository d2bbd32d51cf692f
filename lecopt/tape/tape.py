"""The tape: the nodes of a program, in the order in which they were met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lecopt.tape.known import known_functions
from lecopt.tape.operations import BINARY, UNARY, evaluate
from lecopt.tape.primitives import holds_traced
from lecopt.tape.refusal import Place, name_of, place_now, refusal
from lecopt.tape.traced import Traced
from lecopt.tape.ufuncs import UFUNCS

VALUE_OUTSIDE = ("a value from inside `first_that` in the code after it", "what first_that returns")


class Tape:
    """The nodes recorded so far; an operation that was recorded before is not repeated."""

    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self.places: list[Place] = []
        self._index: dict[str, int] = {}
        self._closed: set[int] = set()  # the nodes inside loops that are over

    def input(self, name: str, example: Any) -> Traced:
        """Return a symbol for an input, with an example of its shape and type."""
        return self.add(["in", name], example, given=True)

    def add(self, node: list[Any], value: Any, *, given: bool = False) -> Traced:
        """Return the symbol of a node, whose value in the example is `value`."""
        index = self._index.setdefault(repr(node), len(self.nodes))
        if index == len(self.nodes):
            self.nodes.append(node)
            self.places.append(place_now())
        return Traced(self, index, value, given=given)

    def append(self, node: list[Any], value: Any) -> Traced:
        """Return the symbol of a node that stands for itself, however often it is met."""
        self._index.pop(repr(node), None)
        return self.add(node, value)

    def record(self, name: str, *arguments: Any) -> Traced:
        """Return the symbol of an operation on symbols, lists of them, and plain settings."""
        node = [name, *(_each(self._node, a) for a in arguments)]
        return self.add(node, evaluate(name, *(_each(_example, a) for a in arguments)))

    def symbol(self, value: Any) -> Traced:
        """Return `value` itself if it is traced, else a constant."""
        if isinstance(value, Traced):
            return value
        if isinstance(value, (list, tuple)) and holds_traced(value):
            return self.stack(value)
        constant = np.asarray(value)
        if constant.dtype.kind not in "biuf":
            raise refusal(
                f"a {type(value).__name__} among numbers", "numbers and NumPy arrays of them"
            )
        return self.add(["const", constant.astype(float).tolist()], constant)

    def stack(self, arrays: Any, axis: int = 0) -> Traced:
        """Return the arrays one above the other, along a new axis."""
        return self.record("stack", [self.symbol(a) for a in arrays], axis)

    def apply(self, ufunc: Any, *inputs: Any) -> Any:
        """Return what a NumPy ufunc gives."""
        if ufunc in UFUNCS:
            return UFUNCS[ufunc](*inputs)
        name = UNARY.get(ufunc) or BINARY.get(ufunc)
        if name is None:
            raise refusal(name_of(ufunc), known_functions())
        symbols = [self.symbol(x) for x in inputs]
        kinds = "".join(s.dtype.kind for s in symbols)
        if kinds == "bb" and name in ("add", "mul"):  # True + True is True in NumPy
            name = {"add": "or", "mul": "and"}[name]
        if name == "pow" and set(kinds) <= {"i", "u"}:  # NumPy has no 10 ** -1 of whole numbers
            symbols[0] = Traced(self, symbols[0].index, 1.0 * symbols[0].example)
        if name == "pow" and not isinstance(inputs[1], Traced) and np.ndim(inputs[1]) == 0:
            return self.power(symbols[0], inputs[1])
        if name == "matmul" and max(s.ndim for s in symbols) > 2:
            raise refusal("a product of stacks of matrices", "vectors and matrices, or np.einsum")
        return self.record(name, *symbols)

    def power(self, a: Traced, exponent: float) -> Any:
        """Return a power with a constant exponent, as NumPy computes that of an array."""
        if exponent == 2:
            return a * a
        if exponent == 0.5:
            return np.sqrt(a)
        return self.record("pow", a, self.symbol(exponent))

    def first_that(
        self,
        passes: Callable[[Any], Any],
        start: Any,
        after: Callable[[Any], Any],
        tries: int,
    ) -> Traced:
        """Record the loop of `lecopt.line_search.first_that`."""
        start = self.symbol(start)
        if tries == 0:
            return start.copy()
        begin = len(self.nodes)
        x = self.append(["candidate", start.index, int(tries)], start.example)
        enough = self.symbol(passes(x))
        if enough.shape != ():
            raise refusal(
                f"first_that with a test of shape {enough.shape}", "a test that is one truth value"
            )
        self.append(["until", enough.index], enough.example)
        other = self.symbol(after(x))
        if other.shape != x.shape:
            raise refusal(
                f"first_that with a candidate of shape {x.shape}, then one of {other.shape}",
                "candidates of one shape",
            )
        node = ["first", x.index, enough.index, other.index]
        self._index = {key: i for key, i in self._index.items() if i < begin}
        self._closed.update(range(begin, len(self.nodes)))
        return self.append(node, start.example.copy())

    def _node(self, value: Traced) -> int:
        if value.index in self._closed:
            raise refusal(*VALUE_OUTSIDE)
        return value.index


def _each(of: Callable[[Traced], Any], argument: Any) -> Any:
    """Apply a function to a symbol, or to each of a list of them; other things stay."""
    if isinstance(argument, Traced):
        return of(argument)
    if isinstance(argument, list) and any(isinstance(a, Traced) for a in argument):
        return [of(a) for a in argument]
    return argument


def _example(value: Traced) -> Any:
    return value.example
