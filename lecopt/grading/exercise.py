"""What an exercise is, to all who handle it: authors, students and graders.

A `Cell` is one code cell that matters to grading. An `Exercise` is all of them, with the mistakes
it knows how to name. The author's side reads it from the source file (`source`); the student's side
from the notebook's own metadata (`Exercise.of_notebook`), which holds no solution, no mutant and no
hidden check: of the mistakes, only what they are called and what they print on the public seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

KEY = "lecopt"
MARK = "› "
VERSION = 1


class ExerciseError(Exception):
    """Something is wrong with an exercise, a notebook or a folder; the message says where."""


@dataclass(frozen=True)
class Cell:
    """A code cell: `role` is setup, demo, answer, check or hidden."""

    id: str
    role: str
    source: str
    task: str = ""
    title: str = ""
    points: int = 0
    says: str = ""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that the feedback can name. Its source never leaves the author's side."""

    id: str
    task: str
    says: str
    hints: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True)
class Task:
    """One thing to write, and how it is checked."""

    id: str
    title: str
    answer: Cell
    checks: tuple[Cell, ...]
    mistakes: tuple[Mistake, ...]

    @property
    def points(self) -> int:
        return sum(check.points for check in self.checks)


@dataclass(frozen=True)
class Outputs:
    """What each check prints: text by check, for the solution; digests for each mistake."""

    solution: Mapping[str, str]
    mistakes: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Exercise:
    """An exercise. `solutions` (source by task) are empty on the student's side."""

    name: str
    title: str
    seed: int
    cells: tuple[Cell, ...]
    mistakes: tuple[Mistake, ...]
    solutions: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> str:
        return self.name.split("_")[0]

    @property
    def setup(self) -> str:
        return "\n".join(cell.source for cell in self.cells if cell.role == "setup")

    @property
    def tasks(self) -> tuple[Task, ...]:
        return tuple(
            Task(
                answer.task,
                answer.title,
                answer,
                tuple(c for c in self.cells if c.task == answer.task and c.points),
                tuple(m for m in self.mistakes if m.task == answer.task),
            )
            for answer in self.cells
            if answer.role == "answer"
        )

    def public(self) -> Exercise:
        """Return what a student may have."""
        return replace(
            self,
            cells=tuple(cell for cell in self.cells if cell.role != "hidden"),
            mistakes=tuple(replace(mistake, source="") for mistake in self.mistakes),
            solutions={},
        )

    def to_metadata(self, outputs: Outputs) -> dict[str, Any]:
        """Return the public side as JSON-able metadata of the student's notebook."""
        public = self.public()
        known = {check.id for check in public.checks()}
        mistakes = [{k: v for k, v in asdict(m).items() if k != "source"} for m in public.mistakes]
        return {
            "version": VERSION,
            "exercise": self.name,
            "title": self.title,
            "seed": self.seed,
            "cells": [asdict(cell) for cell in public.cells],
            "mistakes": mistakes,
            "outputs": {k: v for k, v in outputs.solution.items() if k in known},
            "digests": {
                name: {k: v for k, v in by_check.items() if k in known}
                for name, by_check in outputs.mistakes.items()
            },
        }

    def checks(self) -> tuple[Cell, ...]:
        return tuple(check for task in self.tasks for check in task.checks)

    @classmethod
    def of_notebook(cls, metadata: Mapping[str, Any]) -> tuple[Exercise, Outputs]:
        """Read a student notebook's metadata back."""
        ours = metadata.get(KEY)
        if not isinstance(ours, Mapping) or "exercise" not in ours:
            raise ExerciseError(
                "it is not an exercise of this book, or a tool has dropped its metadata: "
                "paste your answers into a fresh copy of the exercise"
            )
        if ours.get("version") != VERSION:
            raise ExerciseError(f"it needs another version of lecopt ({ours.get('version')})")
        try:
            exercise = cls(
                name=str(ours["exercise"]),
                title=str(ours["title"]),
                seed=int(ours["seed"]),
                cells=tuple(Cell(**cell) for cell in ours["cells"]),
                mistakes=tuple(
                    Mistake(**{**mistake, "hints": tuple(mistake["hints"])})
                    for mistake in ours["mistakes"]
                ),
            )
            return exercise, Outputs(dict(ours["outputs"]), dict(ours["digests"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ExerciseError(
                f"its metadata is damaged ({error!r}): take a fresh copy of the exercise"
            ) from error


@dataclass(frozen=True)
class Ran:
    """What came of a check, or (`check` is "") of a cell of the student's."""

    check: str
    passed: bool
    lines: str
    error: str = ""  # the exception's name, or what stopped the kernel
    detail: str = ""  # its message, from the student's code: never trusted, often useful

    @property
    def text(self) -> str:
        """All that can be compared: right answers and mistakes are told apart by it."""
        return self.lines + (f"! {self.error}\n" if self.error else "")


def shown(text: str) -> str:
    """Return the lines that `show` printed, and nothing else that a student's code printed."""
    lines = (line[line.index(MARK) :] for line in text.split("\n") if MARK in line)
    return "".join(line + "\n" for line in lines)


def digest(text: str) -> str:
    """Return a short fingerprint of a check's output."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
