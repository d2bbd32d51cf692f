"""The operations of a tape: for each its name, and the NumPy function that it is.

`evaluate(name, *arguments)` runs one of them; whatever interprets a tape needs no other list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

UNARY: dict[Any, str] = {
    np.negative: "neg", np.exp: "exp", np.log: "log", np.log2: "log2", np.log10: "log10",
    np.log1p: "log1p", np.expm1: "expm1", np.sqrt: "sqrt", np.cbrt: "cbrt", np.absolute: "abs",
    np.fabs: "abs", np.sign: "sign", np.floor: "floor", np.ceil: "ceil", np.trunc: "trunc",
    np.rint: "rint", np.sin: "sin", np.cos: "cos", np.tan: "tan", np.arcsin: "asin",
    np.arccos: "acos", np.arctan: "atan", np.sinh: "sinh", np.cosh: "cosh", np.tanh: "tanh",
    np.arcsinh: "asinh", np.arccosh: "acosh", np.arctanh: "atanh", np.logical_not: "not",
}  # fmt: skip
BINARY: dict[Any, str] = {
    np.add: "add", np.subtract: "sub", np.multiply: "mul", np.divide: "div", np.power: "pow",
    np.float_power: "pow", np.remainder: "mod", np.maximum: "max", np.minimum: "min",
    np.arctan2: "atan2", np.hypot: "hypot", np.less: "lt", np.less_equal: "le",
    np.greater: "gt", np.greater_equal: "ge", np.equal: "eq", np.not_equal: "ne",
    np.logical_and: "and", np.logical_or: "or", np.matmul: "matmul",
}  # fmt: skip
REDUCTIONS: dict[Any, str] = {
    np.sum: "sum", np.mean: "mean", np.prod: "prod", np.max: "amax", np.min: "amin",
    np.amax: "amax", np.amin: "amin",
}  # fmt: skip


def key_of(index: Sequence[Any]) -> tuple[Any, ...]:
    """Return an index as NumPy takes it; on a tape, a slice is ["slice", start, stop, step]."""
    return tuple(slice(*part[1:]) if isinstance(part, list) else part for part in index)


def get(a: Any, index: Sequence[Any]) -> Any:
    """Return a[index]."""
    return a[key_of(index)]


def put(a: Any, index: Sequence[Any], value: Any) -> Any:
    """Return a copy of `a` in which a[index] is `value`."""
    changed = np.array(a)
    changed[key_of(index)] = value
    return changed


def _of(name: str, functions: dict[Any, str]) -> Callable[..., Any]:
    """Return the first function of that name."""
    return next(function for function, its in functions.items() if its == name)


OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: _of(name, UNARY) for name in UNARY.values()},
    **{name: _of(name, BINARY) for name in BINARY.values()},
    **{name: _of(name, REDUCTIONS) for name in REDUCTIONS.values()},
    "where": np.where,
    "get": get,
    "set": put,
    "reshape": np.reshape,
    "transpose": np.transpose,
    "stack": np.stack,
    "concat": np.concatenate,
}


def evaluate(name: str, *arguments: Any) -> Any:
    """Return the value of an operation; a run that leaves the range of floats is no error."""
    with np.errstate(all="ignore"):
        return OPERATIONS[name](*arguments)
