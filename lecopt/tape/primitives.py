"""Functions of NumPy that are operations of a tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from lecopt.tape.operations import REDUCTIONS


def is_traced(value: Any) -> bool:
    """Whether a value records what is done to it."""
    return isinstance(value, NDArrayOperatorsMixin)


def as_array(value: Any) -> Any:
    """Return a traced value as it is, and anything else as an array."""
    return value if is_traced(value) else np.asarray(value)


def holds_traced(value: Any) -> bool:
    """Whether a value, or one in a list, or in a list of lists, is traced."""
    return any(is_traced(part) for part in _flat(value))


def _flat(value: Any) -> Iterator[Any]:
    if not isinstance(value, (list, tuple)):
        yield value
        return
    for part in value:
        yield from _flat(part)


def _tape_of(*values: Any) -> Any:
    return next(v.tape for v in values if is_traced(v))


def _where(condition: Any, x: Any, y: Any) -> Any:
    tape = _tape_of(condition, x, y)
    return tape.record("where", *(tape.symbol(v) for v in (condition, x, y)))


def _stack(arrays: Any, axis: int = 0) -> Any:
    return _tape_of(*arrays).stack(arrays, axis)


def _concatenate(arrays: Any, axis: int | None = 0) -> Any:
    tape = _tape_of(*arrays)
    parts = [tape.symbol(a) for a in arrays]
    if axis is None:
        return _concatenate([p.reshape(-1) for p in parts])
    return tape.record("concat", parts, axis)


def _reshape(a: Any, shape: int | tuple[int, ...]) -> Any:
    return a.view("reshape", list(a.example.reshape(shape).shape))


def _transpose(a: Any, axes: tuple[int, ...] | None = None) -> Any:
    order = () if axes is None else ([axis % a.ndim for axis in axes],)
    return a.view("transpose", *order)


def _reduction(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return a sum, mean, product, maximum or minimum over one axis, several, or all."""

    def reduce(a: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
        name = REDUCTIONS[func]
        if axis is None:
            over = set(range(a.ndim))
            result = a.tape.record(name, a, None)
        else:
            over = {k % a.ndim for k in (axis if isinstance(axis, tuple) else (axis,))}
            result = a
            for k in sorted(over, reverse=True):
                result = a.tape.record(name, result, k)
        kept = tuple(None if k in over else slice(None) for k in range(a.ndim))
        return result[kept] if keepdims and a.ndim else result

    return reduce


def _filled_like(number: float) -> Callable[..., Any]:
    def filled(a: Any, dtype: Any = None) -> Any:
        return a.tape.symbol(np.full_like(a.example, number, dtype=dtype))

    return filled


PRIMITIVES: dict[Any, Callable[..., Any]] = {
    **{func: _reduction(func) for func in REDUCTIONS},
    np.where: _where,
    np.stack: _stack,
    np.concatenate: _concatenate,
    np.reshape: _reshape,
    np.transpose: _transpose,
    np.zeros_like: _filled_like(0),
    np.empty_like: _filled_like(0),
    np.ones_like: _filled_like(1),
    np.copy: lambda a: a.copy(),
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a: a.size,
}


def array(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return np.array or np.asarray, made ready for traced values among the others."""

    def of(value: Any, dtype: Any = None, **options: Any) -> Any:
        if not holds_traced(value):
            return plain(value, dtype, **options)
        if not is_traced(value):
            value = _tape_of(*_flat(value)).symbol(value)
        elif plain.__name__ == "array":
            value = value.copy()
        return value if dtype is None else value.astype(dtype)

    return of
