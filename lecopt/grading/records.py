"""What is remembered of a class: exercises, what was handed in, what it got, a human's word."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from lecopt.grading.feedback import TaskVerdict


@dataclass(frozen=True)
class Grade:
    """What came of running one submission; `code` is alike where answers are."""

    student: str
    exercise: str
    key: str
    seed: int
    max: int
    tasks: tuple[TaskVerdict, ...]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    seconds: float = 0.0
    code: str = ""
    versions: str = ""
    reference: str = ""
    graded_at: str = ""

    @property
    def points(self) -> int:
        return sum(task.earned for task in self.tasks)

    @property
    def status(self) -> str:
        return "review" if self.problems else "graded"


@dataclass(frozen=True)
class Attempt:
    """One notebook that was handed in, and what it got; `handle` is how it named its student."""

    student: str
    exercise: str
    number: int
    handle: str
    lms: str
    lms_number: str
    name: str
    key: str
    source: str
    digest: str
    handed_in: datetime | None
    late: bool | None
    unknown: str
    grade: Grade | None = None


@dataclass(frozen=True)
class Assignment:
    """An exercise as it is given to this class. `tasks` are (id, title, points)."""

    name: str
    title: str
    max: int
    tasks: tuple[tuple[str, str, int], ...]
    late: str = ""
    attempts: str = "last"


@dataclass(frozen=True)
class Override:
    """A human's word on one task, or (`task` is "late") on how many days late it was."""

    student: str
    exercise: str
    task: str
    value: float
    reason: str
    who: str
    time: str
    given_on: str


def fingerprint(*parts: bytes | str | int) -> str:
    """Return one hash of several things, in order."""
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
