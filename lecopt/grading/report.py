"""The pages of students and of the class. What came from a student is escaped; no script runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

from lecopt.grading.store import Grade

ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("lecopt.grading", "."),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)


def write_whole(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    try:
        draft.write_text(text, encoding="utf-8", errors="replace")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def write_page(grade: Grade, title: str, path: Path) -> None:
    """Write a student's page."""
    write_whole(path, ENVIRONMENT.get_template("page.html").render(grade=grade, title=title))


@dataclass
class Tally:
    """One exercise of a class, added up grade by grade."""

    name: str
    max: int = 0
    count: int = 0
    total: int = 0
    by_points: Counter[int] = field(default_factory=Counter)
    passed: dict[tuple[str, str], int] = field(default_factory=dict)
    named: Counter[str] = field(default_factory=Counter)
    look: list[tuple[str, str]] = field(default_factory=list)

    def add(self, grade: Grade) -> None:
        self.max = grade.max
        self.count += 1
        self.total += grade.points
        self.by_points[grade.points] += 1
        for task in grade.tasks:
            for check in task.checks:
                key = (task.id, check.says)
                self.passed[key] = self.passed.get(key, 0) + check.passed
            if task.looks_like:
                self.named[f"{task.id}: {task.looks_like}"] += 1
        if why := "; ".join((*grade.problems, *grade.notes)):
            self.look.append((grade.student, why))

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def most(self) -> int:
        return max(self.by_points.values())

    @property
    def points(self) -> list[tuple[int, int]]:
        return [(points, self.by_points[points]) for points in range(self.max, -1, -1)]

    @property
    def checks(self) -> list[tuple[str, str, int]]:
        return [(task, says, passed) for (task, says), passed in self.passed.items()]

    @property
    def mistakes(self) -> list[tuple[str, int]]:
        return self.named.most_common()


def write_class_page(grades: Iterable[Grade], path: Path) -> None:
    """Write the page of the class: how it went, what was hard, whom to look at."""
    tallies: dict[str, Tally] = {}
    for grade in grades:
        tallies.setdefault(grade.exercise, Tally(grade.exercise)).add(grade)
    template = ENVIRONMENT.get_template("class_page.html")
    write_whole(path, template.render(exercises=list(tallies.values())))
