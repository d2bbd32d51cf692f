"""A human's word on a grade: kept through every run, with its reason, and removable."""

from __future__ import annotations

from lecopt.grading.exercise import ExerciseError
from lecopt.grading.records import Assignment, Override, now
from lecopt.grading.results import LATE, results
from lecopt.grading.store import Store


def target(store: Store, student: str, task: str) -> tuple[Assignment, str, int | None]:
    """Return the exercise, the task and its points (None for days) that are meant."""
    if student not in store.students():
        raise ExerciseError(f"no student {student!r} in these results, as class.html spells them")
    exercise, _, rest = task.partition(".")
    known = []
    for one in store.assignments().values():
        if rest == LATE and exercise in (one.name, one.name.split("_")[0]):
            return one, LATE, None
        for name, _, points in one.tasks:
            if name == task:
                return one, name, points
            known.append(name)
    raise ExerciseError(f"no task {task!r}; there are {', '.join(known) or 'none'}, and 04.late")


def decide(store: Store, student: str, task: str, value: float, reason: str, who: str) -> None:
    """Keep an override, and what the grader had found when it was given."""
    assignment, name, most = target(store, student, task)
    if most is not None and value > most:
        raise ExerciseError(f"{task} has {most} points, not {value:g}")
    if most is None and value != int(value):
        raise ExerciseError(f"{task} takes whole days, not {value:g}")
    said = next((one for one in results(store, student) if one.exercise == assignment.name), None)
    given_on = said.grade.key if said and said.grade else ""
    store.override(Override(student, assignment.name, name, value, reason, who, now(), given_on))


def undo(store: Store, student: str, task: str) -> None:
    """Let the grader's word count again."""
    assignment, name, _ = target(store, student, task)
    if not store.remove_override(student, assignment.name, name):
        raise ExerciseError(f"{student}, {task}: nothing was decided by hand")
