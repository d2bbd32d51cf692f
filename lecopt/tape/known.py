"""Which functions of NumPy can be traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lecopt.tape.composed import FUNCTIONS
from lecopt.tape.operations import BINARY, UNARY
from lecopt.tape.primitives import PRIMITIVES
from lecopt.tape.refusal import name_of
from lecopt.tape.ufuncs import UFUNCS

RECORDED: dict[Any, Callable[..., Any]] = PRIMITIVES | FUNCTIONS


def known_functions() -> str:
    """Say which they are."""
    tables: tuple[dict[Any, Any], ...] = (UNARY, BINARY, UFUNCS, RECORDED)
    names = {name_of(function).removeprefix("np.") for table in tables for function in table}
    return "NumPy functions that can be: " + ", ".join(sorted(names))
