"""One run: a loop over Python floats, with no array in it but whole columns of data.

Every line gives what NumPy gives for numbers of its own, to the last bit: where Python raises an
error, as for 1 / 0, or rounds in another way, as exp may, NumPy is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lecopt.compiled.program import Program, assigned, call, flat

NUMBER = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}",
    "div": "{0} / {1} if {1} else divide({0}, {1})",
    "neg": "-{0}", "abs": "abs({0})", "sqrt": "sqrt({0}) if {0} >= 0.0 else nan",
    "pow": "power({0}, {1})", "array_pow": "float(np.array({0}) ** {1})",
    "array_pow 2.0": "{0} * {0}",
    "lt": "{0} < {1}", "le": "{0} <= {1}", "gt": "{0} > {1}", "ge": "{0} >= {1}",
    "eq": "{0} == {1}", "ne": "{0} != {1}",
    "and": "{0} and {1}", "or": "{0} or {1}", "not": "not {0}",
    "where": "{1} if {0} else {2}",
    "max": "{1} if {0} < {1} or {1} != {1} else {0}",
    "min": "{1} if {0} > {1} or {1} != {1} else {0}",
    "sign": "1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else 0.0 if {0} == 0.0 else {0}",
}  # fmt: skip


def source(program: Program, scheduled: Sequence[str]) -> str:
    """Return the code of a function that walks from step `first` up to step `stop`, or the end.

    It hands `keep` theta, loss and state at each step, and returns the numbers to go on with;
    None where nothing is left to do, for the loss is no longer finite.
    """
    before, after = flat(program.before), flat(program.after)
    once, at_theta, then = program.parts(scheduled)
    theta, state = before[: program.before["theta"].size], before[program.before["theta"].size :]

    def lines(names: list[str], indent: int) -> list[str]:
        return [" " * indent + f"{n} = {expression(program, n)}" for n in names]

    return "\n".join([
        "def walk(now, given, first, stop, steps, keep, value):",
        f"    {assigned(before)} = now",
        f"    {assigned(program.given(scheduled))} = given",
        *lines(once, 4),
        "    for step in range(first, stop):",
        *lines(at_theta, 8),
        f"        keep(({', '.join([*theta, program.loss, *state])},))",
        f"        if step == steps or not isfinite({program.loss}):",
        "            return None",
        *(f"        {program.hypers[k]} = value({k!r}, step)" for k in scheduled),
        *lines(then, 8),
        f"        {assigned(before)} = {', '.join(after)},",
        f"    return {', '.join(before)},",
    ])  # fmt: skip


def expression(program: Program, name: str) -> str:
    """Return what a line computes, as Python."""
    operation, args = program.lines[name]
    if program.wholes.isdisjoint((name, *args)):
        template = NUMBER.get(" ".join((operation, *args[1:]))) or NUMBER.get(operation)
        return template.format(*args) if template else f"float({call(operation, args)})"
    return call(operation, args) if name in program.wholes else f"float({call(operation, args)})"


def power(a: float, b: float) -> float:
    """Return a ** b as NumPy does: infinite where it is too large, NaN where it is not real."""
    try:
        return math.pow(a, b)
    except (OverflowError, ValueError):
        return float(np.float64(a) ** b)


def divide(a: float, b: float) -> float:
    """Return a / b as NumPy does, for b = 0."""
    return float(np.divide(a, b))


KNOWN = {
    "np": np, "sqrt": math.sqrt, "isfinite": math.isfinite, "power": power, "divide": divide,
    "inf": math.inf, "nan": math.nan,
}  # fmt: skip
