"""NumPy's ufuncs in terms of simpler ones, as a tape records them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lecopt.tape.primitives import as_array
from lecopt.tape.refusal import refusal


def _truths(ufunc: Callable[..., Any]) -> Callable[..., Any]:
    """Return `&`, `|`, `~` or `^`: of truth values what `ufunc` is, and of nothing else."""

    def of_truths(*values: Any) -> Any:
        if any(as_array(v).dtype.kind != "b" for v in values):
            raise refusal("&, |, ^ or ~ between numbers", "conditions, as (a > 0) & (b > 0)")
        return ufunc(*values)

    return of_truths


def _floor_divide(a: Any, b: Any) -> Any:
    return np.where(np.equal(b, 0), a / b, np.rint((a - np.remainder(a, b)) / b))


def _fmod(a: Any, b: Any) -> Any:
    rest = np.remainder(np.abs(a), np.abs(b))
    return np.where(np.less(a, 0), -rest, rest)


def _heaviside(a: Any, at_zero: Any) -> Any:
    return np.where(np.equal(a, 0), at_zero, (np.sign(a) + 1) / 2)


def _copysign(a: Any, b: Any) -> Any:
    size = np.abs(a)
    return np.where((np.less(b, 0)) | (np.less(1 / b, 0)), -size, size)


def _logaddexp(a: Any, b: Any) -> Any:
    return np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b)))


UFUNCS: dict[Any, Callable[..., Any]] = {
    np.square: lambda a: a * a,
    np.positive: lambda a: a,
    np.reciprocal: lambda a: 1 / a,
    np.exp2: lambda a: 2.0**a,
    np.isnan: lambda a: np.not_equal(a, a),
    np.isinf: lambda a: np.abs(a) == np.inf,
    np.isfinite: lambda a: np.abs(a) < np.inf,
    np.radians: lambda a: a * (np.pi / 180),
    np.deg2rad: lambda a: a * (np.pi / 180),
    np.degrees: lambda a: a * (180 / np.pi),
    np.rad2deg: lambda a: a * (180 / np.pi),
    np.floor_divide: _floor_divide,
    np.divmod: lambda a, b: (_floor_divide(a, b), np.remainder(a, b)),
    np.fmod: _fmod,
    np.fmax: lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.maximum(a, b))),
    np.fmin: lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.minimum(a, b))),
    np.heaviside: _heaviside,
    np.copysign: _copysign,
    np.logaddexp: _logaddexp,
    np.logical_xor: lambda a, b: np.not_equal(np.not_equal(a, 0), np.not_equal(b, 0)),
    np.bitwise_and: _truths(np.logical_and),
    np.bitwise_or: _truths(np.logical_or),
    np.bitwise_xor: _truths(np.not_equal),
    np.invert: _truths(np.logical_not),
}
