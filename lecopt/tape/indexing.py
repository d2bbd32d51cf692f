"""Indices as a tape holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecopt.tape.refusal import refusal


def plain_index(key: Any, ndim: int) -> list[Any]:
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
    if isinstance(key, slice):
        bounds = (key.start, key.stop, key.step)
        if all(k is None or isinstance(k, (int, np.integer)) for k in bounds):
            return ["slice", *(k if k is None else int(k) for k in bounds)]
    raise refusal("an index by arrays or values", "np.where(condition, a, b)")


def chosen_by(key: Any) -> tuple[int, Any, tuple[Any, ...]] | None:
    """Return axis, numbers and what stands before them, of an index by a list of numbers."""
    *before, last = key if isinstance(key, tuple) else (key,)
    if not isinstance(last, (list, np.ndarray)) or any(k != slice(None) for k in before):
        return None
    numbers = np.asarray(last)
    if numbers.dtype.kind == "b":
        numbers = np.flatnonzero(numbers)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        return None
    return len(before), numbers, tuple(before)


def hits_of(a: Any, i: Any) -> Any:
    """Return where along the first axis the number i is, an index that only the run knows."""
    if i.ndim or i.dtype.kind not in "iu":
        raise refusal("an index by arrays or values", "np.where(condition, a, b)")
    rows = np.arange(len(a)).reshape(-1, *(1,) * (a.ndim - 1))
    return rows == i % len(a)
