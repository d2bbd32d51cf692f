"""What counts: of all that a student handed in, after lateness and a human's word."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from lecopt.grading.intake import Owner
from lecopt.grading.late import Late
from lecopt.grading.records import Assignment, Attempt, Grade, Override
from lecopt.grading.roster import Person
from lecopt.grading.store import Store

LATE = "late"
HOW_LATE = (
    "it was late, and nothing says by how much: decide by "
    "`lecopt override RESULTS STUDENT {task} DAYS --reason …`"
)


@dataclass(frozen=True)
class Result:
    """One student's result in one exercise: the attempt that counts, and its points.

    `before` is what the checks and overrides gave, `points` what is left of it after lateness.
    `days` is how late it was, None if nothing tells.
    """

    student: str
    person: Person | None
    assignment: Assignment
    attempt: Attempt | None
    attempts: int
    before: float
    points: float
    days: int | None
    late: Late | None
    overrides: tuple[Override, ...]
    problems: tuple[str, ...]

    @property
    def grade(self) -> Grade | None:
        return self.attempt.grade if self.attempt else None

    @property
    def exercise(self) -> str:
        return self.assignment.name

    @property
    def max(self) -> int:
        return self.assignment.max

    @property
    def name(self) -> str:
        return self.person.name if self.person else ""

    @property
    def status(self) -> str:
        if self.attempt is None:
            return "missing"
        if self.grade is None:
            return "waiting"
        return "review" if self.problems else "graded"

    @property
    def counts(self) -> bool:
        """Say whether there are points to report: what is missing has none, unless by hand."""
        return self.grade is not None or any(one.task != LATE for one in self.overrides)

    @property
    def owner(self) -> Owner:
        """Return how the submission named its student."""
        one = self.attempt
        if one is None:
            return Owner(self.student, name=self.name)
        return Owner(one.handle, one.lms, one.lms_number, one.name)

    def outdated(self, said: Override) -> bool:
        """Say whether an override was given on other work, or against another reference."""
        return self.attempt is not None and said.given_on not in ("", self.attempt.key)

    def of_task(self, task: str) -> Override | None:
        return next((one for one in self.overrides if one.task == task), None)


def results(store: Store, student: str | None = None) -> Iterator[Result]:
    """Yield all results by student and exercise, without ever holding more than one."""
    assignments, people, overrides = store.assignments(), store.people(), store.overrides()
    handed_in = groupby(store.attempts(student), key=lambda one: (one.student, one.exercise))
    found = ((key, tuple(some)) for key, some in handed_in)
    nothing: Iterator[tuple[tuple[str, str], tuple[Attempt, ...]]]
    nothing = ((key, ()) for key in store.missing(student))
    for (who, exercise), attempts in heapq.merge(found, nothing, key=lambda one: one[0]):
        if exercise in assignments:
            said = overrides.get((who, exercise), ())
            yield result(who, people.get(who), assignments[exercise], attempts, said)


def result(
    student: str,
    person: Person | None,
    assignment: Assignment,
    attempts: tuple[Attempt, ...],
    overrides: tuple[Override, ...],
) -> Result:
    """Return what counts of some attempts."""
    late = Late.parse(assignment.late) if assignment.late else None
    scored = [scores(one, assignment, overrides, late) for one in attempts or (None,)]
    one, before, points, days, problems = chosen(scored, assignment.attempts)
    return Result(
        student, person, assignment, one, len(attempts), before, points, days, late, overrides,
        problems,
    )  # fmt: skip


Scores = tuple[Attempt | None, float, float, int | None, tuple[str, ...]]


def chosen(scored: list[Scores], policy: str) -> Scores:
    """Return the attempt that counts, among those that are graded."""
    graded = [one for one in scored if one[0] is None or one[0].grade is not None] or scored[-1:]
    if policy == "best":
        return max(graded, key=lambda one: one[2])
    return graded[0 if policy == "first" else -1]


def scores(
    one: Attempt | None, assignment: Assignment, overrides: tuple[Override, ...], late: Late | None
) -> Scores:
    """Return an attempt's points, before and after lateness, and what a human must look at."""
    said = {override.task: override.value for override in overrides}
    grade = one.grade if one else None
    earned = {task.id: float(task.earned) for task in grade.tasks} if grade else {}
    before = sum((earned | {k: v for k, v in said.items() if k != LATE}).values())
    problems = list(grade.problems) if grade else []
    if one and one.unknown:
        problems.append(one.unknown)
    if one is None or late is None:
        return one, before, before, None, tuple(problems)
    days = int(said[LATE]) if LATE in said else late.days(one.handed_in, one.late)
    points = late.points(before, assignment.max, days or 0)
    if days is None and one.late and late.percent:
        if math.isinf(late.percent):
            points = 0.0
        else:
            task = f"{assignment.name.split('_')[0]}.{LATE}"
            problems.append(HOW_LATE.format(task=task))
    return one, before, points, days, tuple(problems)


def duplicates(store: Store) -> Mapping[str, list[str]]:
    """Return {exercise: groups of students whose code is the same}, as lines of names."""
    query = (
        "SELECT a.exercise, g.code, group_concat(DISTINCT a.student) AS who, "
        "count(DISTINCT a.student) AS many FROM attempt a JOIN grade g ON g.student = a.handle AND "
        "g.exercise = a.exercise AND g.key = a.key WHERE g.code != '' "
        "GROUP BY a.exercise, g.code HAVING many > 1 ORDER BY many DESC, who"
    )
    found: dict[str, list[str]] = {}
    for row in store.rows(query):
        found.setdefault(row["exercise"], []).append(row["who"].replace(",", ", "))
    return found
