"""A sweep: the same lines, each for thousands of runs at once.

A line is one call of NumPy on rows that hold a number for each run. Its result goes straight into
the history, or into one of a few buffers, which is used again as soon as nothing needs what it
holds: all of them stay in the processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lecopt.compiled import scalars
from lecopt.compiled.program import Program, assigned, call, flat

POWERS = {"pow", "array_pow"}
APART = {"where", *POWERS}  # all others may write over what they read
MASKS = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"}


def source(program: Program, scheduled: Sequence[str], rows: set[str]) -> str:
    """Return the code of a function that walks from step `first` up to step `stop`, or the end.

    It reads theta and state at each step from the history, and writes the loss there, and the next
    theta and state. It returns the step at which it ended: the last one, or, if `heed`, the first
    at which no run has a finite loss; None where it goes on.

    Parameters
    ----------
    program
        Without whole arrays.
    scheduled
        Hyper-parameters that are asked for at each step.
    rows
        Which of the names that come in are rows; the others are numbers.
    """
    rows = program.made_from(rows)
    once, at_theta, then = program.parts(scheduled)
    outputs = _outputs(program, rows)
    places, buffers, masks = _places(program, [n for n in (*at_theta, *then) if n in rows], outputs)
    copies = [
        (place, f"{place}[...] = {name}" if place.isidentifier() else f"{place} = {name}")
        for place, name in outputs
        if places.get(name) != place
    ]
    lines = {n: f"{n} = {_expression(program, n, rows, places.get(n))}" for n in program.lines}
    nexts = {k: names for k, names in program.before.items() if rows.issuperset(flat({k: names}))}
    return "\n".join([
        "def walk(history, given, first, stop, steps, heed, value):",
        f"    {assigned([f'all_{k}' for k in (*program.before, 'loss')])} = history",
        f"    {assigned(program.given(scheduled))} = given",
        f"    {assigned(buffers)} = np.empty(({len(buffers)}, *all_loss[0].shape))",
        f"    {assigned(masks)} = np.empty(({len(masks)}, *all_loss[0].shape), bool)",
        *(f"    {lines[n]}" for n in once),
        "    for step in range(first, stop):",
        *(f"        {_read(k, names, rows)}" for k, names in program.before.items()),
        "        loss = all_loss[step]",
        *(f"        {lines[n]}" for n in at_theta),
        *(f"        {copy}" for place, copy in copies if place == "loss"),
        "        if step == steps or (heed and lost(loss)):",
        "            return step",
        *(f"        {program.hypers[k]} = value({k!r}, step)" for k in scheduled),
        *(f"        {_unpacked(names, '_next')} = all_{k}[step + 1]" for k, names in nexts.items()),
        *(f"        {lines[n]}" for n in then),
        *(f"        {copy}" for place, copy in copies if place != "loss"),
    ])  # fmt: skip


def _outputs(program: Program, rows: set[str]) -> list[tuple[str, str]]:
    """Return each place in the history that a step fills, and the name of what belongs there."""
    outputs = [("loss", program.loss)]
    for k, names in program.before.items():
        for name, after in zip(flat({k: names}), flat({k: program.after[k]}), strict=True):
            outputs.append((f"{name}_next" if name in rows else f"all_{k}[step + 1]", after))
    return outputs


def _places(
    program: Program, order: list[str], outputs: list[tuple[str, str]]
) -> tuple[dict[str, str], list[str], list[str]]:
    """Return where each of some rows, made in this order, is written; the buffers; the masks."""
    places = {name: place for place, name in reversed(outputs) if name in set(order)}
    last = {arg: n for n in order for arg in program.lines[n][1]}
    made: dict[str, list[str]] = {"buffer": [], "mask": []}
    free: dict[str, list[str]] = {"buffer": [], "mask": []}
    kind_of: dict[str, str] = {}  # of each row in a buffer
    for n in order:
        operation, args = program.lines[n]
        over = [a for a in dict.fromkeys(args) if a in kind_of and last[a] == n]
        if operation not in APART:
            _release(free, over, places, kind_of)
        if n not in places:
            kind = kind_of[n] = "mask" if operation in MASKS else "buffer"
            if not free[kind]:
                made[kind].append(f"{kind}_{len(made[kind])}")
                free[kind].append(made[kind][-1])
            places[n] = free[kind].pop()
        if operation in APART:
            _release(free, over, places, kind_of)
    return places, made["buffer"], made["mask"]


def _release(
    free: dict[str, list[str]], over: list[str], places: dict[str, str], kind_of: dict[str, str]
) -> None:
    """Free the buffers of rows that nothing needs any more."""
    for name in over:
        free[kind_of[name]].append(places[name])


def _expression(program: Program, name: str, rows: set[str], place: str | None) -> str:
    """Return what makes a row, or a number, as Python."""
    operation, args = program.lines[name]
    if name not in rows:
        return scalars.expression(program, name)
    if place is None:  # once, before the loop
        return call(operation, args)
    if operation in POWERS:
        square = args[1] == "2.0"
        return (
            f"np.square({args[0]}, out={place})"
            if square
            else f"put({call(operation, args)}, {place})"
        )
    if operation == "where":
        return f"where({', '.join(args)}, {place})"
    return f"{call(operation, args)[:-1]}, out={place})"


def _read(field: str, names: Any, rows: set[str]) -> str:
    """Return the assignment that reads theta, or a part of the state, from the history."""
    if rows.issuperset(flat({field: names})):
        return f"{_unpacked(names)} = all_{field}[step]"
    return f"{names.item()} = float(all_{field}[step])"


def _unpacked(names: Any, suffix: str = "") -> str:
    """Return the left side of an assignment from one point of the history."""
    return assigned([f"{n}{suffix}" for n in names]) if names.ndim else f"{names.item()}{suffix}"


def put(row: Any, place: Any) -> Any:
    """Write a row where it belongs."""
    np.copyto(place, row)
    return place


def where(condition: Any, a: Any, b: Any, place: Any) -> Any:
    """Write a where the condition holds, and b elsewhere."""
    np.copyto(place, b)
    np.copyto(place, a, where=condition)
    return place


def lost(loss: Any) -> bool:
    """Whether no run has a finite loss."""
    return not (math.isfinite(loss[0]) or np.isfinite(loss).any())


KNOWN = scalars.KNOWN | {"put": put, "where": where, "lost": lost}
