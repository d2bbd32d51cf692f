"""Results that can be shown to others: names that only the holder of a key can undo.

A pseudonym is an HMAC of the student's name, so it is the same in each export and tells nothing.
All that a student, or a human about a student, wrote in words is left out, and what could be looked
up: file names, hashes, times of handing in, names of exceptions.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from lecopt.grading.exercise import ExerciseError
from lecopt.grading.feedback import IN_WORDS
from lecopt.grading.records import Grade
from lecopt.grading.results import Result

LENGTH = 12
BY_HAND = "decided by hand"
A_HUMAN = "a human looked at it"


def read_key(path: Path, out: Path) -> bytes:
    """Return the key in a file, which is made if it is not there; never inside the export."""
    if path.resolve() == out.resolve() or out.resolve() in path.resolve().parents:
        raise ExerciseError(f"{path}: keep the key elsewhere, or it goes out with {out}")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        key = secrets.token_bytes(32)
        path.touch(mode=0o600)
        path.write_text(key.hex(), encoding="ascii")
    except ValueError as error:
        raise ExerciseError(f"{path}: it is no key that lecopt made") from error
    if len(key) != 32:
        raise ExerciseError(f"{path}: it is no key that lecopt made")
    return key


def pseudonym(key: bytes, student: str) -> str:
    """Return what a student is called outside."""
    mac = hmac.digest(key, student.encode("utf-8", "surrogatepass"), "sha256")
    return "S-" + base64.b32encode(mac).decode()[:LENGTH]


def hidden(one: Result, key: bytes) -> Result:
    """Return a result that names nobody."""
    called = pseudonym(key, one.student)
    attempt = one.attempt and replace(
        one.attempt, student=called, handle=called, lms="", lms_number="", name="", key="",
        source="", digest="", handed_in=None, unknown="",
        grade=one.grade and without_words(one.grade, called),
    )  # fmt: skip
    overrides = tuple(
        replace(said, student=called, reason=BY_HAND, who="", given_on="") for said in one.overrides
    )
    problems = (A_HUMAN,) if one.problems else ()
    return replace(
        one, student=called, person=None, attempt=attempt, overrides=overrides, problems=problems
    )


def without_words(grade: Grade, called: str) -> Grade:
    """Return a grade without what the student wrote, names of exceptions included."""
    known = set(IN_WORDS.values()) | {"it did not run"}
    tasks = tuple(
        replace(
            task,
            cell_errors=(),
            checks=tuple(
                replace(check, why=check.why if check.why in known else "", got="")
                for check in task.checks
            ),
        )
        for task in grade.tasks
    )
    problems = (A_HUMAN,) if grade.problems else ()
    return replace(
        grade, student=called, key="", code="", tasks=tasks, problems=problems, graded_at=""
    )


def all_hidden(found: Iterable[Result], key: bytes) -> Iterator[Result]:
    """Yield results that name nobody, in an order that tells nothing."""
    return iter(sorted((hidden(one, key) for one in found), key=lambda one: one.student))
