"""Classes without kernels: stores filled as the grader would, zips as Canvas and Moodle write."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from grading.helpers import Notebook

from lecopt.grading.exercise import Exercise
from lecopt.grading.feedback import CheckVerdict, TaskVerdict
from lecopt.grading.intake import Intake, Submission
from lecopt.grading.records import Assignment, Attempt, Grade, fingerprint
from lecopt.grading.store import Store
from lecopt.grading.versions import versions

NAME = "04_momentum"
TASKS = (("04.1", "One step", 7), ("04.2", "Which γ", 6))


def zip_of(files: Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]) -> bytes:
    """Return a zip; names may be there twice."""
    pairs = files.items() if isinstance(files, Mapping) else files
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in pairs:
            info = zipfile.ZipInfo(name, (2026, 11, 20, 12, 0, 0))
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def link_in_zip(name: str, target: str) -> bytes:
    """Return a zip with a symbolic link."""
    buffer = io.BytesIO()
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, target)
    return buffer.getvalue()


def taken(
    top: Path, exercise: Exercise, scratch: Path, zone: object = None
) -> tuple[list[Submission], list[str]]:
    """Return what an intake finds, and what it complains of."""
    scratch.mkdir(exist_ok=True)
    intake = Intake(top, {exercise.name: exercise}, scratch, zone)  # type: ignore[arg-type]
    found = intake.submissions()
    return found, [str(trouble) for trouble in intake.troubles]


def text_of(notebook: Notebook, mark: str = "") -> str:
    """Return a notebook's text; `mark` tells it from others."""
    return json.dumps({**notebook, "metadata": {**notebook["metadata"], "mark": mark}})


def verdicts(first: int, second: int) -> tuple[TaskVerdict, ...]:
    """Return the two tasks of the exercise, with so many points earned."""
    return tuple(
        TaskVerdict(
            task, title,
            (
                CheckVerdict(f"{task}-a", f"{title}, from rest", False, earned, True),
                CheckVerdict(f"{task}-b", f"{title}, moving", True, points - earned, False, "Odd"),
            ),
            looks_like="the memory does not fade" if earned < points else "",
        )
        for (task, title, points), earned in zip(TASKS, (first, second), strict=True)
    )  # fmt: skip


def assigned(late: str = "", attempts: str = "last", name: str = NAME) -> Assignment:
    return Assignment(name, "Momentum", 13, TASKS, late, attempts)


def handed_in(student: str, points: tuple[int, int] = (7, 6), **known: object) -> Attempt:
    """Return a graded attempt; `known` is what else is known of it."""
    number = known.pop("number", 1)
    key = fingerprint(student, str(number), str(points))
    problems = known.pop("problems", ())
    code = known.pop("code", "")
    grade = Grade(
        student, NAME, key, 7, 13, verdicts(*points), (), tuple(problems), 1.0,  # type: ignore[arg-type]
        str(code), reference="f" * 64,
    )  # fmt: skip
    facts = {
        "lms": "", "lms_number": "", "name": student, "source": f"{student}/{NAME}.ipynb",
        "digest": fingerprint(key), "handed_in": None, "late": None, "unknown": "",
        "handle": student,
    }  # fmt: skip
    return Attempt(student, NAME, number, key=key, grade=grade, **{**facts, **known})  # type: ignore[arg-type]


def fill_store(
    store: Store, attempts: Iterable[Attempt], assignment: Assignment | None = None
) -> None:
    """Keep attempts and their grades, as a run does."""
    some = list(attempts)
    store.keep_assignment(assignment or assigned())
    store.keep_attempts(some, [NAME])
    for one in some:
        assert one.grade is not None
        store.keep(one.grade, versions())
