"""What every optimizer has in common: checked hyper-parameters, `init` and `step`."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
Hyper: TypeAlias = float | Array


class Objective(Protocol):
    """A loss surface: `J(theta)` is the loss, `J.grad(theta)` its gradient."""

    def __call__(self, theta: Array) -> Array:
        """Return the loss, shape () for `theta` of shape (D,), shape (K...) for (D, K...)."""
        ...

    def grad(self, theta: Array) -> Array:
        """Return the gradient, of the shape of `theta`."""
        ...


@runtime_checkable
class Rule(Protocol):
    """An optimizer: how to begin, and how to take one step."""

    def init(self, theta: Array) -> Any:
        """Return the state before the first step, a NamedTuple."""
        ...

    def step(self, theta: Array, state: Any, J: Objective) -> tuple[Array, Any]:
        """Return the next `theta` and the next state; change nothing in place."""
        ...


def hyper(
    default: float,
    symbol: str,
    *,
    at_least: float = 0.0,
    at_most: float = np.inf,
    below: float = np.inf,
    slider: tuple[float, float],
    log: bool = False,
) -> Any:
    """Declare one hyper-parameter of a rule: its default, its symbol, what it may be.

    `slider` is the range a reader is offered, on a logarithmic scale if `log`.
    """
    metadata = {
        "symbol": symbol,
        "at_least": at_least,
        "at_most": at_most,
        "below": below,
        "range": slider,
        "log": log,
    }
    return dataclasses.field(default=default, metadata=metadata)


def learning_rate(default: float) -> Any:
    """Declare the hyper-parameter eta."""
    return hyper(default, "η", slider=(1e-3, 30.0), log=True)


def decay(default: float, symbol: str, *, slider: tuple[float, float] = (0.0, 0.999)) -> Any:
    """Declare a decay rate in [0, 1): a memory that is divided by 1 - decay must not reach 1."""
    return hyper(default, symbol, below=1.0, slider=slider)


def epsilon(default: float) -> Any:
    """Declare the small number that keeps a division finite, outside the root."""
    return hyper(default, "ε", slider=(1e-10, 1e-1), log=True)


def epsilon_inside(default: float) -> Any:
    """Declare the same inside the root."""
    return hyper(default, "ε (inside the root)", slider=(0.0, 1e-2))


def declared(rule: Any) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a rule that is a dataclass; none of one that is not."""
    return dataclasses.fields(rule) if dataclasses.is_dataclass(rule) else ()


def sweepable(rule: Any) -> list[str]:
    """Return the hyper-parameters that, given as an array, mean a run for each of its values."""
    return [f.name for f in declared(rule) if f.metadata.get("sweep", True)]


class CheckedHyperParameters:
    """Refuse hyper-parameters that are unknown or out of range when a rule is made."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]  # its subclasses are

    def __new__(cls, *_: Hyper, **named: Hyper) -> Self:
        known = [field.name for field in dataclasses.fields(cls)]
        for name in named:
            if name not in known:
                raise TypeError(
                    f"{cls.__name__} has no hyper-parameter {name!r}; it has {', '.join(known)}"
                )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_hyper(type(self).__name__, field, getattr(self, field.name))


def check_hyper(rule: str, field: dataclasses.Field[Any], value: ArrayLike) -> None:
    """Check one hyper-parameter, a number or an array of numbers (a sweep).

    Raises
    ------
    TypeError
        If it is not a number or an array of numbers.
    ValueError
        If any of it is NaN, infinite or out of the range that the field declares.
    """
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iuf":
        raise TypeError(
            f"{rule}({field.name}={value!r}): expected a number, or an array of them for a sweep"
        )
    limits = field.metadata
    low, high, below = (limits.get(k, d) for k, d in LIMITS)
    wrong = ~np.isfinite(numbers) | (numbers < low) | (numbers > high) | (numbers >= below)
    if wrong.any():
        upper = f"less than {below:g}" if np.isfinite(below) else f"at most {high:g}"
        upper = "finite" if np.isinf(below) and np.isinf(high) else upper
        raise ValueError(
            f"{rule}({field.name}={numbers[wrong].flat[0]:g}): {field.name} must be "
            f"at least {low:g} and {upper}; choose another value"
        )


LIMITS = (("at_least", -np.inf), ("at_most", np.inf), ("below", np.inf))
