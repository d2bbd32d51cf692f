"""Values that record what is done to them, by NumPy's own protocols, as nodes on a tape."""

from __future__ import annotations

import functools
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

UNARY: dict[Any, str] = {
    np.negative: "neg", np.exp: "exp", np.log: "log", np.log2: "log2", np.log1p: "log1p",
    np.expm1: "expm1", np.sqrt: "sqrt", np.absolute: "abs", np.fabs: "abs", np.sign: "sign",
    np.floor: "floor", np.ceil: "ceil", np.cos: "cos", np.sin: "sin", np.tanh: "tanh",
    np.logical_not: "not",
}  # fmt: skip
BINARY: dict[Any, str] = {
    np.add: "add", np.subtract: "sub", np.multiply: "mul", np.divide: "div", np.power: "pow",
    np.float_power: "pow", np.maximum: "max", np.minimum: "min", np.less: "lt",
    np.less_equal: "le", np.greater: "gt", np.greater_equal: "ge", np.equal: "eq",
    np.not_equal: "ne", np.logical_and: "and", np.logical_or: "or", np.bitwise_and: "and",
    np.bitwise_or: "or", np.matmul: "matmul",
}  # fmt: skip
REDUCTIONS: dict[Any, str] = {
    np.sum: "sum", np.mean: "mean", np.max: "amax", np.min: "amin",
}  # fmt: skip


class TraceError(TypeError):
    """The code does something that a program for the page cannot hold."""


class Tape:
    """The nodes recorded so far; an operation that was recorded before is not repeated."""

    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self._index: dict[str, int] = {}

    def input(self, name: str, example: Any) -> Traced:
        """Return a symbol for an input, with an example of its shape and type."""
        return self.add(["in", name], np.asarray(example))

    def add(self, node: list[Any], value: Any) -> Traced:
        """Return the symbol of a node, whose value in the example is `value`."""
        index = self._index.setdefault(repr(node), len(self.nodes))
        if index == len(self.nodes):
            self.nodes.append(node)
        return Traced(self, index, np.asarray(value))

    def symbol(self, value: Any) -> Traced:
        """Return `value` itself if it is traced, else a constant."""
        if isinstance(value, Traced):
            return value
        constant = np.asarray(value)
        if constant.dtype.kind not in "biuf":
            raise _refusal(
                f"a {type(value).__name__} among numbers", "numbers and NumPy arrays of them"
            )
        return self.add(["const", constant.astype(float).tolist()], constant)

    def reduce(self, func: Callable[..., Any], a: Traced, axis: int | None = None) -> Traced:
        """Return the symbol of a sum, mean, maximum or minimum over one axis, or over all."""
        if not isinstance(axis, (int, type(None))):
            raise _refusal("a sum over several axes at once", "one axis, or all of them")
        axis = axis if axis is None else axis % a.ndim
        return self.add([REDUCTIONS[func], a.index, axis], func(a.example, axis=axis))


class Traced(NDArrayOperatorsMixin):
    """A value on a tape: its node, and what it is in the example that is being run."""

    def __init__(self, tape: Tape, index: int, example: np.ndarray[Any, Any]) -> None:
        self.tape, self.index, self.example = tape, index, example

    @property
    def shape(self) -> tuple[int, ...]:
        return self.example.shape

    @property
    def ndim(self) -> int:
        return self.example.ndim

    @property
    def size(self) -> int:
        return self.example.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.example.dtype

    @property
    def T(self) -> Traced:
        return self.tape.add(["transpose", self.index], self.example.T)

    def __len__(self) -> int:
        return len(self.example)

    def __iter__(self) -> Iterator[Traced]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Traced:
        index = _plain_index(key, self.ndim)
        value = self.example[key]
        if all(i == ["slice", None, None, None] for i in index):
            return self
        return self.tape.add(["get", self.index, index], value)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise _refusal(f"an array's .{name}", _known_functions())

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise _refusal("an assignment into an array", "np.where, or np.stack of the coordinates")

    def __bool__(self) -> bool:
        raise _refusal("a decision (if, while, and, or) on a value", "np.where(condition, a, b)")

    def __float__(self) -> NoReturn:
        raise _refusal(
            "a conversion to a Python number (as by math.exp)", "NumPy's function (np.exp)"
        )

    __int__ = __index__ = __complex__ = __float__

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _refusal("a conversion to a plain array (as by np.array)", "np.stack([a, b])")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Traced:
        if "out" in kwargs:
            raise _refusal("a change in place (as theta -= u)", "a new value: theta = theta - u")
        if method != "__call__" or kwargs:
            raise _refusal(f"np.{ufunc.__name__} with {method} or options", "the plain call")
        if ufunc is np.square:
            return inputs[0] * inputs[0]
        if ufunc is np.positive:
            return inputs[0]
        if ufunc is np.reciprocal:
            return 1 / inputs[0]
        name = UNARY.get(ufunc) or BINARY.get(ufunc)
        if name is None:
            raise _refusal(f"np.{ufunc.__name__}", _known_functions())
        if name == "pow" and not isinstance(inputs[1], Traced) and np.ndim(inputs[1]) == 0:
            if inputs[1] == 2:
                return inputs[0] * inputs[0]
            if inputs[1] == 0.5:
                return np.sqrt(inputs[0])
        symbols = [self.tape.symbol(x) for x in inputs]
        with np.errstate(all="ignore"):
            value = ufunc(*(s.example for s in symbols))
        return self.tape.add([name, *(s.index for s in symbols)], value)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func not in FUNCTIONS and func not in REDUCTIONS:
            raise _refusal(f"np.{func.__name__}", _known_functions())
        record = FUNCTIONS.get(func) or functools.partial(self.tape.reduce, func)
        try:
            inspect.signature(record).bind(*args, **kwargs)
        except TypeError as error:
            raise _refusal(f"np.{func.__name__} with options", "the plain call") from error
        return record(*args, **kwargs)

    def sum(self, axis: int | None = None) -> Traced:
        return self.tape.reduce(np.sum, self, axis)

    def mean(self, axis: int | None = None) -> Traced:
        return self.tape.reduce(np.mean, self, axis)

    def max(self, axis: int | None = None) -> Traced:
        return self.tape.reduce(np.max, self, axis)

    def min(self, axis: int | None = None) -> Traced:
        return self.tape.reduce(np.min, self, axis)

    def copy(self) -> Traced:
        return self


def _plain_index(key: Any, ndim: int) -> list[Any]:
    """Return an index as a list of ints, slices and new axes, one for each axis."""
    keys = list(key) if isinstance(key, tuple) else [key]
    ellipses = [i for i, k in enumerate(keys) if k is Ellipsis]
    for at in ellipses:
        used = sum(k is not None for k in keys) - 1
        keys[at : at + 1] = [slice(None)] * (ndim - used)
    keys += [slice(None)] * (ndim - sum(k is not None for k in keys))
    return [_plain_key(k) for k in keys]


def _plain_key(key: Any) -> Any:
    if key is None:
        return None
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        return int(key)
    if isinstance(key, slice) and all(k is None or isinstance(k, int) for k in _bounds(key)):
        return ["slice", *_bounds(key)]
    raise _refusal("an index by an array or a traced value", "np.where(condition, a, b)")


def _bounds(key: slice) -> tuple[Any, Any, Any]:
    return key.start, key.stop, key.step


def _where(condition: Any, a: Any, b: Any) -> Traced:
    tape = _tape_of([condition, a, b])
    symbols = [tape.symbol(x) for x in (condition, a, b)]
    value = np.where(*(s.example for s in symbols))
    return tape.add(["where", *(s.index for s in symbols)], value)


def _stack(arrays: Sequence[Any], axis: int = 0) -> Traced:
    tape = _tape_of(arrays)
    symbols = [tape.symbol(x) for x in arrays]
    value = np.stack([s.example for s in symbols], axis)
    return tape.add(["stack", [s.index for s in symbols], axis], value)


def _clip(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    low = a if a_min is None else np.maximum(a, a_min)
    return low if a_max is None else np.minimum(low, a_max)


def _norm(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


def _tape_of(values: Sequence[Any]) -> Tape:
    return next(v.tape for v in values if isinstance(v, Traced))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.stack: _stack,
    np.clip: _clip,
    np.dot: lambda a, b: a @ b if np.ndim(a) and np.ndim(b) else a * b,
    np.outer: lambda a, b: a[:, None] * b[None, :],
    np.transpose: lambda a: a.T,
    np.linalg.norm: _norm,
    np.copy: lambda a: a,
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a: a.size,
    np.zeros_like: lambda a: np.zeros_like(a.example, dtype=float),
    np.ones_like: lambda a: np.ones_like(a.example, dtype=float),
    np.full_like: lambda a, value: np.full_like(a.example, value, dtype=float),
}


def _known_functions() -> str:
    names = {f.__name__ for f in (*UNARY, *BINARY, *REDUCTIONS, *FUNCTIONS)}
    return "NumPy functions that can be: " + ", ".join(sorted(names))


def _refusal(what: str, instead: str) -> TraceError:
    """Return the error for something that cannot be traced, naming the line that does it."""
    frame = sys._getframe(1)
    inside = (__file__, str(Path(np.__file__).parent))
    while frame.f_back is not None and frame.f_code.co_filename.startswith(inside):
        frame = frame.f_back
    code, line = frame.f_code, frame.f_lineno
    text = linecache.getline(code.co_filename, line).strip()
    return TraceError(
        f"{Path(code.co_filename).name}, line {line}, in {code.co_name}: {text}\n"
        f"This holds {what}, which the page cannot run. Write instead: {instead}."
    )
