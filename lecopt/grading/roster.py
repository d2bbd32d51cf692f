"""Who is in the class, and which of them handed a notebook in.

A roster is the instructor's own export: Canvas's gradebook, Moodle's grading worksheet, or any CSV
with a column that names students. People are matched by the number that the system gave them, then
by login, email or other id, then by name, and only ever if exactly one fits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path

from lecopt.grading.exercise import ExerciseError
from lecopt.grading.intake import Owner, Submission, plain
from lecopt.grading.table import Table

LABELS = (
    "student", "student id", "student_id", "username", "user", "login", "id", "id number",
    "email address", "email", "full name", "name",
)  # fmt: skip
TEXTS = {
    *LABELS, "sis user id", "sis login id", "integration id", "sid", "number", "matriculation",
}  # fmt: skip
NAMES = ("full name", "student", "name", "display name")
FIRST = ("first name", "firstname", "first_name")
LAST = ("last name", "lastname", "last_name", "surname")
POINTS_ROW = "points possible"
TIMES = ("%A, %d %B %Y, %I:%M %p", "%d %B %Y, %I:%M %p", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")


@dataclass(frozen=True)
class Person:
    """A student: `student` is how results call them, `number` the LMS's own, `line` in the file."""

    student: str
    name: str = ""
    lms: str = ""
    number: str = ""
    texts: tuple[str, ...] = ()
    when: datetime | None = None
    line: int = 0


def lms_of(table: Table) -> str:
    """Say what a file is by its header: canvas, moodle or a plain list; else raise in words."""
    columns = set(table.header)
    if {"ID", "Section"} <= columns and ({"Student"} <= columns or {"LastName"} <= columns):
        return "canvas"
    if {"Identifier", "Grade"} <= columns:
        return "moodle"
    if columns & {name for name in table.header if name.lower() in LABELS}:
        return ""
    raise ExerciseError(
        f"{table.path}: which column names the students? Found "
        f"{', '.join(map(repr, table.header))}; expected Canvas's gradebook (Student, ID, …, "
        "Section), Moodle's grading worksheet (Identifier, Full name, …, Grade) or a column "
        "'student'"
    )


def people(table: Table, zone: tzinfo | None = None) -> list[Person]:
    """Return the students of a file. No two may be called the same."""
    lms = lms_of(table)
    found: dict[str, Person] = {}
    for line, row in table.rows():
        person = person_of({name.lower(): text.strip() for name, text in row.items()}, lms, zone)
        if person is None:
            continue
        if person.student in found:
            raise ExerciseError(
                f"{table.path}, line {line + 1}: {person.student!r} is there twice; "
                "each student needs an id, a login or a name of their own"
            )
        found[person.student] = replace(person, line=line)
    if not found:
        raise ExerciseError(f"{table.path}: there is no student in it")
    return list(found.values())


def person_of(row: dict[str, str], lms: str, zone: tzinfo | None) -> Person | None:
    """Return the student of a line, None if it is about something else."""
    name = name_in(row)
    texts = tuple(text for column, text in row.items() if column in TEXTS and text)
    if lms == "canvas":
        if not row.get("id", "").isdigit() or row.get("student", "").lower() == POINTS_ROW:
            return None
        label = row.get("sis login id") or row["id"]
        return Person(label, name, lms, row["id"], texts)
    if lms == "moodle":
        number = found[0] if (found := re.search(r"\d+$", row["identifier"])) else ""
        label = row.get("email address") or row.get("username") or name or row["identifier"]
        when = moodle_time(row.get("last modified (submission)", ""), zone)
        return Person(label, name, lms, number, texts, when)
    label = next((row[column] for column in LABELS if row.get(column)), "")
    return Person(label, name, texts=texts) if label else None


def name_in(row: dict[str, str]) -> str:
    """Return a student's name, from whichever columns have it."""
    first, last = (next((row[c] for c in cs if row.get(c)), "") for cs in (FIRST, LAST))
    if first or last:
        return f"{first} {last}".strip()
    return next((row[column] for column in NAMES if row.get(column)), "")


def moodle_time(text: str, zone: tzinfo | None) -> datetime | None:
    """Read when Moodle's worksheet says that a student handed in."""
    for form in TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone)
        except ValueError:
            continue
    return None


def spellings(name: str) -> Iterator[str]:
    """Yield a name as systems run it together: `Lovelace, Ada` and `Ada Lovelace` are one."""
    yield plain(name)
    last, comma, first = name.partition(",")
    words = name.split()
    if comma:
        yield plain(first + last)
    elif len(words) > 1:
        yield plain("".join([words[-1], *words[:-1]]))
        yield plain("".join([*words[1:], words[0]]))


def texts_of(text: str) -> Iterator[str]:
    """Yield what a login, an id or an address may be written as."""
    yield text.casefold()
    if "@" in text:
        yield text.partition("@")[0].casefold()


class Roster:
    """Finds the person whom a name, a login or a number means."""

    def __init__(self, everyone: Iterable[Person]) -> None:
        self.everyone = list(everyone)
        self.labels = {person.student: i for i, person in enumerate(self.everyone)}
        self.known = {person.lms for person in self.everyone if person.number}
        self.numbers: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.texts: dict[str, set[int]] = defaultdict(set)
        self.names: dict[str, set[int]] = defaultdict(set)
        for i, person in enumerate(self.everyone):
            if person.number:
                self.numbers[person.lms, person.number].add(i)
            for text in (person.student, *person.texts):
                for form in texts_of(text):
                    self.texts[form].add(i)
            for name in (person.name, person.student):
                for form in spellings(name):
                    self.names[form].add(i)
        self.names.pop("", None)

    def find(self, owner: Owner) -> tuple[Person | None, str]:
        """Return the one person that an owner is, or nobody and why."""
        exact = {self.labels[owner.handle]} if owner.handle in self.labels else set()
        by_number = self.numbers.get((owner.lms, owner.number), set()) if owner.number else set()
        if owner.lms == "moodle":  # its numbers belong to one assignment: the name must agree
            by_number = {i for i in by_number if self.agree(self.everyone[i], owner)}
        by_text = set().union(
            *(self.texts.get(form, ()) for text in (owner.handle, owner.name)
              for form in texts_of(text) if text)
        )  # fmt: skip
        by_name = set().union(*(self.names.get(form, ()) for form in spellings(owner.name)))
        if (
            owner.lms == "canvas" and owner.lms in self.known
        ):  # its numbers are for good: no other way
            by_text = by_name = set()
        for fitting in (exact, by_number, by_text, by_name):
            if len(fitting) == 1:
                return self.everyone[fitting.pop()], ""
            if fitting:
                names = sorted(self.everyone[i].student for i in fitting)
                return None, f"it could be of {' or '.join(names)}"
        return None, "nobody on the roster is called so"

    def agree(self, person: Person, owner: Owner) -> bool:
        """Say whether a name in a file and a name on the roster may be of one person."""
        if not person.name or owner.name == "Participant":
            return True
        return plain(owner.name) in set(spellings(person.name)) | {plain(person.student)}


def read_people(path: Path, zone: tzinfo | None) -> list[Person]:
    """Read a roster."""
    return people(Table.read(path), zone)


def placed(
    submissions: Iterable[Submission], roster: Roster | None
) -> Iterator[tuple[str, Submission, str]]:
    """Yield (student, submission, why nobody fits): without a roster, students are who they say."""
    found: dict[Owner, tuple[Person | None, str]] = {}
    for one in submissions:
        if roster is None:
            yield one.owner.handle, one, ""
            continue
        if one.owner not in found:
            found[one.owner] = roster.find(one.owner)
        person, why = found[one.owner]
        if person is None:
            taken = one.owner.handle in roster.labels
            yield one.owner.handle + (" (somebody else)" if taken else ""), one, why
        else:
            yield person.student, replace(one, when=person.when or one.when), ""
