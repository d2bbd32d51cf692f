"""Values that record what is done to them, by NumPy's own protocols, as nodes on a tape."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from lecopt.tape.composed import METHODS
from lecopt.tape.indexing import chosen_by, hits_of, plain_index
from lecopt.tape.known import RECORDED, known_functions
from lecopt.tape.refusal import name_of, refusal

if TYPE_CHECKING:
    from lecopt.tape.tape import Tape


class Traced(NDArrayOperatorsMixin):
    """A value on a tape: its node, and what it is in the example that is being run.

    As a NumPy array it can be changed in place, and then its views change with it; an input
    cannot, for it belongs to whoever called the traced code.
    """

    def __init__(self, tape: Tape, index: int, value: Any, *, given: bool = False) -> None:
        self.tape = tape
        self._index, self._value, self._given = index, value, given
        self._view: tuple[Traced, int, str, tuple[Any, ...]] | None = None

    @property
    def index(self) -> int:
        """The node that holds its value now."""
        if self._view is not None and self._view[0].index != self._view[1]:
            base, _, name, settings = self._view
            again = self.tape.record(name, base, *settings)
            self._index, self._value = again._index, again._value
            self._view = (base, base.index, name, settings)
        return self._index

    @property
    def example(self) -> np.ndarray[Any, Any]:
        """Its value in the example."""
        return np.asarray(self._value) if self.index >= 0 else self._value

    @property
    def is_array(self) -> bool:
        """Whether NumPy would have an array here, and not a number."""
        return isinstance(self._value, np.ndarray)

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
        return self.view("transpose")

    @property
    def mT(self) -> Traced:
        return np.swapaxes(self, -1, -2)  # type: ignore[return-value]

    def __len__(self) -> int:
        return len(self.example)

    def __iter__(self) -> Iterator[Traced]:
        return (self[i] for i in range(len(self)))

    def view(self, name: str, *settings: Any) -> Traced:
        """Return the same numbers in another shape or order; they change as this array does."""
        part = self.tape.record(name, self, *settings)
        if part.is_array:
            part._view = (self, self.index, name, settings)
        return part

    def copy(self) -> Traced:
        """Return a value of its own, which may be changed in place."""
        return Traced(self.tape, self.index, self.example.copy() if self.is_array else self._value)

    def astype(self, dtype: Any) -> Any:
        """Return the value as other numbers: floats, whole numbers (cut off), or truth values."""
        kind = np.dtype(dtype).kind
        if kind == "b":
            return self != 0
        return np.trunc(self) if kind in "iu" and self.dtype.kind == "f" else 1.0 * self

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Traced):
            if key.dtype.kind == "b":
                raise refusal(
                    "an index by a condition: how many are left is not known before",
                    "np.where(condition, a, b)",
                )
            return np.sum(np.where(hits_of(self, key), self, 0), axis=0)
        chosen = chosen_by(key)
        if chosen is not None:
            axis, numbers, before = chosen
            return self.tape.stack([self[(*before, int(i))] for i in numbers], axis)
        index = plain_index(key, self.ndim)
        if all(part == ["slice", None, None, None] for part in index):
            return self
        return self.view("get", index)

    def __setitem__(self, key: Any, value: Any) -> None:
        value = self.tape.symbol(value)
        self._check_type(value)
        if isinstance(key, Traced):
            where = key if key.dtype.kind == "b" else hits_of(self, key)
            if key.dtype.kind == "b" and value.ndim:
                raise refusal("an assignment of an array by a condition", "np.where")
            chosen: Any = np.where(where, value, self)
            return self._become(chosen)
        index = plain_index(key, self.ndim)
        if value._view is None or value._view[::2] != (self, "get") or value._view[3] != (index,):
            self._become(self.tape.record("set", self, index, value))
        return None

    def _check_type(self, value: Traced) -> None:
        if not np.can_cast(value.dtype, self.dtype, "same_kind"):
            raise refusal(
                f"{value.dtype} numbers put into an array of {self.dtype}",
                "an array of floats, as np.zeros_like(theta)",
            )

    def _become(self, value: Traced) -> None:
        """Take another value in place."""
        if not self.is_array or self.shape != value.shape:
            raise refusal(f"a value of shape {value.shape} put into {self.shape}", "a = a + b")
        if self._view is not None:
            base, _, name, settings = self._view
            if name != "get":
                raise refusal("a change in place of an array seen in another shape", "a copy")
            base._become(self.tape.record("set", base, *settings, value))
        elif self._given:
            raise refusal(
                "a change in place of what belongs to the caller, as theta or the state",
                "a new value (theta = theta - u), or begin with a copy (theta = theta.copy())",
            )
        else:
            self._index, self._value = value.index, np.array(value.example)

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return functools.partial(METHODS[name], self)
        if name.startswith("_"):
            raise AttributeError(name)
        raise refusal(f"an array's .{name}", known_functions())

    def __bool__(self) -> bool:
        raise refusal(
            "a decision (if, while, and, or, max, min) on a value", "np.where(condition, a, b)"
        )

    def __float__(self) -> NoReturn:
        raise refusal(
            "a conversion to a Python number (as by math.exp)", "NumPy's function (np.exp)"
        )

    __int__ = __complex__ = __float__

    def __index__(self) -> NoReturn:
        raise refusal("a count or an index of Python from a value", "np.where(condition, a, b)")

    def __round__(self, digits: int = 0) -> Any:
        return np.round(self, digits)

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise refusal(
            "a value put into a plain array", "np.stack([a, b]), or begin with np.zeros_like(theta)"
        )

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        if method != "__call__" or options:
            with_what = method if method != "__call__" else ", ".join(options)
            raise refusal(f"{name_of(ufunc)} with {with_what}", "the plain call, and np.where")
        value = self.tape.apply(ufunc, *inputs)
        if out is None:
            return value
        (target,) = out
        if not isinstance(target, Traced):
            raise refusal(
                "a change in place of a plain array",
                "a = a + b, or begin with np.zeros_like(theta)",
            )
        if not target.is_array:  # a number: Python gives its name to another one
            return value
        target._check_type(value)
        target._become(value)
        return target

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        record = RECORDED.get(func)
        if record is None:
            raise refusal(name_of(func), known_functions())
        signature = inspect.signature(record)
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise refusal(
                f"{name_of(func)} with other options", f"{name_of(func)}{signature}"
            ) from error
        return record(*args, **kwargs)
