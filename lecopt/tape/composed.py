"""Functions of NumPy in terms of simpler ones, as a tape records them.

The table goes from NumPy's function to ours, which takes the arguments that can be traced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lecopt.tape.primitives import as_array
from lecopt.tape.refusal import refusal

Axis = int | tuple[int, ...] | None


def _along(a: Any, axis: int, part: Any) -> Any:
    """Return a[..., part, ...] with the part taken along an axis."""
    return a[(slice(None),) * (axis % a.ndim) + (part,)]


# ---- shapes


def _expand_dims(a: Any, axis: int) -> Any:
    place = axis % (a.ndim + 1)
    return a[(slice(None),) * place + (None,)]


def _squeeze(a: Any, axis: Axis = None) -> Any:
    axes = range(a.ndim) if axis is None else np.atleast_1d(axis) % a.ndim
    gone = [d for d in axes if axis is not None or a.shape[d] == 1]
    return a[tuple(0 if d in gone else slice(None) for d in range(a.ndim))]


def _flip(a: Any, axis: Axis = None) -> Any:
    axes = range(a.ndim) if axis is None else np.atleast_1d(axis) % a.ndim
    back = slice(None, None, -1)
    return a[tuple(back if d in axes else slice(None) for d in range(a.ndim))]


def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return np.transpose(a, tuple(order))


def _moveaxis(a: Any, source: int, destination: int) -> Any:
    order = [d for d in range(a.ndim) if d != source % a.ndim]
    order.insert(destination % a.ndim, source % a.ndim)
    return np.transpose(a, tuple(order))


def _roll(a: Any, shift: int, axis: int | None = None) -> Any:
    if axis is None:
        return np.reshape(_roll(np.reshape(a, -1), shift, 0), a.shape)
    cut = -shift % a.shape[axis]
    return np.concatenate([_along(a, axis, slice(cut, None)), _along(a, axis, slice(cut))], axis)


def _hstack(arrays: Sequence[Any]) -> Any:
    parts = [a if (a := as_array(x)).ndim else np.reshape(a, -1) for x in arrays]
    return np.concatenate(parts, 0 if parts[0].ndim == 1 else 1)


def _vstack(arrays: Sequence[Any]) -> Any:
    return np.concatenate(
        [a if (a := as_array(x)).ndim > 1 else np.reshape(a, (1, -1)) for x in arrays], 0
    )


def _column_stack(arrays: Sequence[Any]) -> Any:
    return np.concatenate(
        [a if (a := as_array(x)).ndim > 1 else np.reshape(a, (-1, 1)) for x in arrays], 1
    )


def _append(a: Any, values: Any, axis: int | None = None) -> Any:
    if axis is None:
        return np.concatenate([np.reshape(as_array(x), -1) for x in (a, values)])
    return np.concatenate([a, values], axis)


# ---- sums and products


def _total(a: Any, axis: int | None, join: Callable[[Any, Any], Any]) -> Any:
    """Return the running sums or products along an axis, all of it in one line if None."""
    a = as_array(a) if axis is not None else np.reshape(as_array(a), -1)
    along = (axis or 0) % a.ndim
    parts = [1 * _along(a, along, 0)]
    for i in range(1, a.shape[along]):
        parts.append(join(parts[-1], _along(a, along, i)))
    return np.stack(parts, along)


def _var(a: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    mean = np.mean(a, axis=axis, keepdims=True)
    squares = np.sum((a - mean) ** 2, axis=axis, keepdims=keepdims)
    return squares / (a.size / mean.size - ddof)


def _std(a: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return np.sqrt(_var(a, axis, ddof, keepdims))


def _arg(extreme: Callable[..., Any]) -> Callable[..., Any]:
    """Return argmax or argmin: the first place of the extreme value, or of a NaN."""

    def place(a: Any, axis: int | None = None) -> Any:
        if axis is None:
            return place(np.reshape(a, -1), 0)
        n = a.shape[axis]
        places = np.arange(n).reshape(-1, *(1,) * (a.ndim - axis % a.ndim - 1))
        here = (a == extreme(a, axis=axis, keepdims=True)) | np.isnan(a)
        return np.min(np.where(here, places, n), axis=axis)

    return place


def _diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    for _ in range(n):
        a = _along(a, axis, slice(1, None)) - _along(a, axis, slice(None, -1))
    return a


def _average(a: Any, axis: int | None = None, weights: Any = None) -> Any:
    if weights is None:
        return np.mean(a, axis=axis)
    return np.sum(a * weights, axis=axis) / np.sum(weights + 0 * a, axis=axis)


def _norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A002
    over: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
    if ord == np.inf:
        return np.max(np.abs(x), **over)
    if ord == 1 and (x.ndim == 1 or axis is not None):
        return np.sum(np.abs(x), **over)
    if ord is None or (ord == 2 and (x.ndim == 1 or axis is not None)):
        return np.sqrt(np.sum(x * x, **over))
    raise refusal(f"np.linalg.norm with ord={ord!r}", "1, 2 or np.inf, along one axis")


def _dot(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    return a @ b if a.ndim and b.ndim else a * b


def _inner(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    return a @ b.T if a.ndim and b.ndim else a * b


def _outer(a: Any, b: Any) -> Any:
    return np.reshape(as_array(a), (-1, 1)) * np.reshape(as_array(b), (1, -1))


def _vdot(a: Any, b: Any) -> Any:
    return np.sum(np.reshape(as_array(a), -1) * np.reshape(as_array(b), -1))


def _einsum(subscripts: str, *operands: Any) -> Any:
    """Multiply the operands, each with the axes of all letters, and sum over those not kept."""
    inputs, _, kept = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if "->" not in subscripts:
        kept = "".join(sorted(c for c in {*inputs} - {","} if inputs.count(c) == 1))
    if "." in inputs or any(len({*term}) < len(term) for term in terms):
        raise refusal(
            f"np.einsum({subscripts!r})", "a term without dots, and with each letter only once"
        )
    letters = kept + "".join(sorted({*inputs} - {*kept, ","}))
    product: Any = 1
    for term, operand in zip(terms, operands, strict=True):
        order = [term.index(c) for c in letters if c in term]
        here = np.transpose(as_array(operand), tuple(order))
        product = product * here[tuple(slice(None) if c in term else None for c in letters)]
    summed = tuple(range(len(kept), len(letters)))
    return np.sum(product, axis=summed) if summed else product


# ---- choices


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    raised = a if low is None else np.maximum(a, low)
    return raised if high is None else np.minimum(raised, high)


def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(condition, choice, result)
    return result


def _nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    most = np.finfo(float).max
    high, low = (most if posinf is None else posinf), (-most if neginf is None else neginf)
    return np.where(np.isnan(x), nan, np.where(x == np.inf, high, np.where(x == -np.inf, low, x)))


def _sinc(x: Any) -> Any:
    angle = np.pi * np.where(np.equal(x, 0), 1e-20, x)
    return np.sin(angle) / angle


def _round(a: Any, decimals: int = 0) -> Any:
    return np.rint(a) if decimals == 0 else np.rint(a * 10.0**decimals) / 10.0**decimals


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.expand_dims: _expand_dims,
    np.squeeze: _squeeze,
    np.ravel: lambda a: np.reshape(a, -1),
    np.flip: _flip,
    np.flipud: lambda m: _flip(m, 0),
    np.fliplr: lambda m: _flip(m, 1),
    np.swapaxes: _swapaxes,
    np.moveaxis: _moveaxis,
    np.roll: _roll,
    np.atleast_1d: lambda a: a if a.ndim else np.reshape(a, -1),
    np.hstack: _hstack,
    np.vstack: _vstack,
    np.column_stack: _column_stack,
    np.append: _append,
    np.full_like: lambda a, fill_value: np.zeros_like(a, dtype=float) + fill_value,
    np.broadcast_to: lambda array, shape: np.where(np.ones(shape, bool), array, 0),
    np.cumsum: lambda a, axis=None: _total(a, axis, np.add),
    np.cumprod: lambda a, axis=None: _total(a, axis, np.multiply),
    np.var: _var,
    np.std: _std,
    np.average: _average,
    np.ptp: lambda a, axis=None: np.max(a, axis=axis) - np.min(a, axis=axis),
    np.any: lambda a, axis=None, keepdims=False: np.max(a != 0, axis=axis, keepdims=keepdims),
    np.all: lambda a, axis=None, keepdims=False: np.min(a != 0, axis=axis, keepdims=keepdims),
    np.count_nonzero: lambda a, axis=None: np.sum(a != 0, axis=axis),
    np.argmax: _arg(np.max),
    np.argmin: _arg(np.min),
    np.diff: _diff,
    np.linalg.norm: _norm,
    np.dot: _dot,
    np.inner: _inner,
    np.outer: _outer,
    np.vdot: _vdot,
    np.einsum: _einsum,
    np.clip: _clip,
    np.select: _select,
    np.nan_to_num: _nan_to_num,
    np.sinc: _sinc,
    np.round: _round,
    np.around: _round,
}

METHODS: dict[str, Callable[..., Any]] = {
    **{f.__name__: f for f in (np.sum, np.mean, np.prod, np.max, np.min, np.cumsum, np.cumprod)},
    **{f.__name__: f for f in (np.var, np.std, np.any, np.all, np.argmax, np.argmin, np.round)},
    **{f.__name__: f for f in (np.dot, np.clip, np.squeeze, np.swapaxes, np.ravel)},
    "reshape": lambda a, *shape: np.reshape(a, shape[0] if len(shape) == 1 else shape),
    "transpose": lambda a, *axes: np.transpose(a, axes or None),
    "flatten": lambda a: np.reshape(a, -1).copy(),
}
