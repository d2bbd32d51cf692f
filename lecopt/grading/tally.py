"""A class in one exercise, added up result by result."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lecopt.grading.feedback import IN_WORDS
from lecopt.grading.records import Assignment
from lecopt.grading.results import Result

STOPPED = {
    IN_WORDS["the time was up"]: "timed out",
    IN_WORDS["the kernel died"]: "Python stopped",
    IN_WORDS["the output was too much"]: "printed too much",
}
BINS = 21  # as many bars as stay readable on a phone


@dataclass(frozen=True)
class Bar:
    """A bar of the distribution: its label, how many results, how high (of 1)."""

    label: str
    count: int
    share: float


@dataclass
class Tally:
    """How an exercise went. `alike` are the students whose code is the same."""

    assignment: Assignment
    alike: list[str] = field(default_factory=list)
    count: int = 0
    total: float = 0.0
    late_policy: str = ""
    no_time: int = 0
    by_points: Counter[float] = field(default_factory=Counter)
    passed: dict[tuple[str, str], int] = field(default_factory=dict)
    earned: Counter[str] = field(default_factory=Counter)
    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    look: list[tuple[str, str, str]] = field(default_factory=list)
    late: list[tuple[str, str, int, float]] = field(default_factory=list)
    overridden: list[tuple[str, str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    seeds: Counter[int] = field(default_factory=Counter)
    references: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)

    def add(self, one: Result, page: str) -> None:
        if one.status == "missing":
            self.missing.append(one.student)
        for said in one.overrides:
            what = f"{said.task} = {said.value:g}: {said.reason}"
            since = ", before the work or the exercise changed" if one.outdated(said) else ""
            told = ", ".join(filter(None, (said.who, said.time[:10])))
            self.overridden.append((one.student, page, f"{what} ({told}{since})"))
        if not one.counts:
            return
        self.count += 1
        self.total += one.points
        self.by_points[one.points] += 1
        self.late_policy = one.late.in_words() if one.late else ""
        if one.days:
            self.late.append((one.student, page, one.days, one.before - one.points))
        if one.late and one.days is None and one.attempt and one.attempt.late is None:
            self.no_time += 1
        if one.grade is None:
            return
        for task in one.grade.tasks:
            self.earned[task.id] += task.earned
            for check in task.checks:
                key = (task.id, check.says)
                self.passed[key] = self.passed.get(key, 0) + check.passed
            if task.looks_like:
                self.named[task.id, task.looks_like] += 1
        if why := "; ".join((*one.problems, *one.grade.notes, *stopped(one))):
            self.look.append((one.student, page, why))
        self.seeds[one.grade.seed] += 1
        self.references[one.grade.reference[:12]] += 1
        versions = json.loads(one.grade.versions or "{}")
        self.versions[", ".join(f"{name} {version}" for name, version in versions.items())] += 1

    def untold(self) -> Iterator[str]:
        """Say once if nothing tells when notebooks were handed in."""
        if self.no_time:
            yield (
                f"{self.assignment.name}: nothing tells when {self.no_time} notebooks were handed "
                "in, so they count as in time; Moodle's grading worksheet, as --roster, tells"
            )

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    @property
    def median(self) -> float:
        """Return the points that half of the class reached."""
        seen = 0
        for points in sorted(self.by_points):
            seen += self.by_points[points]
            if 2 * seen >= self.count:
                return points
        return 0.0

    @property
    def bars(self) -> list[Bar]:
        """Return the distribution, in bars of whole points, all of one width but the last."""
        width = max(1, math.ceil((self.assignment.max + 1) / BINS))
        heaps = Counter(dict.fromkeys(range(0, self.assignment.max + 1, width), 0))
        for points, count in self.by_points.items():
            heaps[width * int(points // width)] += count
        most = max(*heaps.values(), 1)
        label = "{}" if width == 1 else "{}–{}"
        return [
            Bar(label.format(start, start + width - 1), heaps[start], heaps[start] / most)
            for start in sorted(heaps)
        ]

    @property
    def tasks(self) -> list[tuple[str, str, float, list[tuple[str, int]]]]:
        """Return (id, title, share of the points earned, [(check, how many passed)])."""
        return [
            (
                task, title, self.earned[task] / (points * max(1, sum(self.seeds.values()))),
                [(says, many) for (of, says), many in self.passed.items() if of == task],
            )
            for task, title, points in self.assignment.tasks
        ]  # fmt: skip

    @property
    def graded(self) -> int:
        return sum(self.seeds.values())

    @property
    def mistakes(self) -> list[tuple[str, str, int]]:
        return [(task, says, many) for (task, says), many in self.named.most_common()]


def stopped(one: Result) -> Iterator[str]:
    """Say which tasks ran out of time, memory or output."""
    assert one.grade is not None
    for task in one.grade.tasks:
        whys = {check.why for check in task.checks if not check.passed}
        for why in sorted(whys & set(STOPPED)):
            yield f"{task.id}: {STOPPED[why]}"
