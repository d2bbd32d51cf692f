"""`lecopt check`: a student's whole notebook, on the public seed, on the student's machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lecopt.grading.exercise import Exercise
from lecopt.grading.feedback import TaskVerdict, judge
from lecopt.grading.limits import Limits
from lecopt.grading.merge import merge, read_notebook
from lecopt.grading.sandbox import Sandbox


@dataclass(frozen=True)
class Checked:
    """What `lecopt check` found."""

    tasks: tuple[TaskVerdict, ...]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return all(task.passed for task in self.tasks)


def check_notebook(path: Path, limits: Limits | None = None) -> Checked:
    """Check a notebook just as it is graded, but on the seed that everybody knows.

    It is the student's own code on the student's own machine, so there is no sandbox.
    """
    notebook = read_notebook(path)
    exercise, outputs = Exercise.of_notebook(notebook["metadata"])
    merged = merge(exercise, notebook, exercise.seed)
    with Sandbox("none", limits) as place:
        place.ahead(len(merged.groups))
        from lecopt.grading.compare import compare  # while the kernels start

        results = compare(merged.groups, dict(outputs.solution), place)
    return Checked(tuple(judge(exercise, results, outputs)), (*merged.notes, *merged.problems))
