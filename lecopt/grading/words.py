"""Say a verdict in plain text, for a terminal or a notebook."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from lecopt.grading.feedback import CheckVerdict, TaskVerdict

WIDTH = 88


def wrapped(first: str, text: str) -> str:
    """Return text as a paragraph, `first` before it and the rest indented as far."""
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first))


def block(first: str, lines: str) -> Iterator[str]:
    """Yield the lines of an output, a few of them."""
    rows = lines.rstrip("\n").split("\n")
    for row in rows[:8]:
        yield first + row
        first = " " * len(first)
    if len(rows) > 8:
        yield f"{first}… and {len(rows) - 8} lines more"


def check_words(check: CheckVerdict) -> Iterator[str]:
    points = f"{check.points} point" + ("s" if check.points > 1 else "")
    yield f"  {'✓' if check.passed else '✗'} {check.says} ({points})"
    if check.why:
        yield wrapped("      ", check.why)
    elif not check.passed and check.got:
        yield from block("      yours  ", check.got)
        yield from block("      right  ", check.wanted)
    elif not check.passed and not check.hidden:
        yield "      It returned nothing that could be shown."


def task_words(task: TaskVerdict, hints: int) -> Iterator[str]:
    yield f"{task.id} {task.title}: {task.earned} of {task.points} points"
    for check in task.checks:
        yield from check_words(check)
    for error in task.cell_errors:
        yield wrapped("  A cell of yours stopped: ", error)
    if task.looks_like:
        yield wrapped(
            "  This looks like: " if task.sure else "  Partly like this: ", task.looks_like
        )
        for number, hint in enumerate(task.hints[:hints], start=1):
            yield wrapped(f"  Hint {number}: ", hint)
        if hints < len(task.hints):
            yield f"  (There is another hint: ask with hints={hints + 1}.)"


def words(tasks: Sequence[TaskVerdict], hints: int = 1) -> str:
    """Return the whole feedback."""
    paragraphs = ["\n".join(task_words(task, hints)) for task in tasks]
    if all(task.passed for task in tasks):
        paragraphs.append("All passed. Well done!")
    return "\n\n".join(paragraphs)
