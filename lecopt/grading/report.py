"""What a run leaves in RESULTS: pages of students and of the class, grades.csv and review.txt.

What came from a student is escaped; no script runs. All is made in one pass over the results, so
that a class of ten thousand needs no more memory than one of ten.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

import jinja2

from lecopt.grading.archive import printable
from lecopt.grading.records import fingerprint
from lecopt.grading.results import Result, duplicates, results
from lecopt.grading.store import Store
from lecopt.grading.table import harmless
from lecopt.grading.tally import Tally

OURS = ("results.sqlite", "grades.csv", "class.html", "review.txt")
COLUMNS = (
    "student", "exercise", "points", "max", "status", "seed", "name", "before", "days_late",
    "handed_in", "attempt", "attempts", "overrides",
)  # fmt: skip


@functools.cache
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("lecopt.grading", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["n"] = number
    made.filters["day"] = day
    return made


def number(value: float) -> str:
    """Write points: 13, 11.7."""
    return f"{round(value, 2):g}"


def day(when: datetime) -> str:
    """Write a time with its zone."""
    return when.strftime("%Y-%m-%d %H:%M %z").strip()


@contextlib.contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """Give a file to write to, which is there when it is whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    try:
        with draft.open("w", encoding="utf-8", errors="replace", newline="") as file:
            yield file
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    with whole(path) as file:
        file.write(text)


def folded(name: str) -> str:
    """Return what a file system may take a name for: some tell no A from a, nor ways to write é."""
    return unicodedata.normalize("NFC", name).casefold()


def folder_names(students: Iterable[str]) -> dict[str, str]:
    """Return the name of each student's folder: no path, none of our files, no two alike."""
    safe = {s: re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", s).strip(" .")[:80] for s in students}
    taken = Counter(map(folded, safe.values())) + Counter(OURS)
    return {
        student: name
        if name == student and taken[folded(name)] == 1 and not name.startswith("lecopt-")
        else f"{name}~{fingerprint(student)[:8]}"
        for student, name in safe.items()
    }


class Reports:
    """Writes the pages of students, those that have changed."""

    def __init__(self, store: Store, out: Path) -> None:
        self.store = store
        self.out = out
        self.folders = folder_names(store.students())
        self.template = environment().get_template("student.html")
        self.form = fingerprint(*map(str, environment().list_templates()), *sources())

    def path(self, student: str, exercise: str) -> str:
        """Return where a student's page is, seen from RESULTS."""
        return f"{self.folders[student]}/{exercise}.html"

    def page(self, result: Result) -> None:
        """Write a student's page, unless it is there and says just this."""
        if not result.counts:
            return
        path = self.path(result.student, result.exercise)
        digest = fingerprint(self.form, repr(result))
        if self.store.page(path) == digest and (self.out / path).exists():
            return
        write_whole(self.out / path, self.template.render(result=result, grade=result.grade))
        self.store.keep_page(path, digest)


def sources() -> Iterator[str]:
    """Yield the texts of the templates: when they change, pages are written anew."""
    loader = environment().loader
    assert loader is not None
    for name in environment().list_templates():
        yield loader.get_source(environment(), name)[0]


@dataclass
class Written:
    """What the reports found: lines that need a human, and who handed in nothing."""

    review: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def csv_row(one: Result) -> dict[str, Any]:
    """Return a line of grades.csv. What students can choose is made harmless to spreadsheets."""
    grade, attempt = one.grade, one.attempt
    return {
        "student": harmless(one.student),
        "exercise": one.exercise,
        "points": number(one.points) if one.counts else "",
        "max": one.max,
        "status": one.status,
        "seed": grade.seed if grade else "",
        "name": harmless(one.name),
        "before": number(one.before) if one.counts else "",
        "days_late": "" if one.days is None else one.days,
        "handed_in": attempt.handed_in.isoformat() if attempt and attempt.handed_in else "",
        "attempt": attempt.number if attempt else "",
        "attempts": one.attempts,
        "overrides": harmless(
            "; ".join(f"{o.task} = {number(o.value)}: {o.reason}" for o in one.overrides)
        ),
    }


def review_lines(one: Result) -> Iterator[str]:
    if one.problems:
        yield printable(f"{one.student}, {one.exercise}: {'; '.join(one.problems)}")


def write_reports(store: Store, out: Path) -> Written:
    """Write everything there is to write."""
    written, tallies = Written(review=store.troubles()), tallies_of(store)
    reports = Reports(store, out)
    with whole(out / "grades.csv") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for one in results(store):
            reports.page(one)
            table.writerow(csv_row(one))
            written.review += review_lines(one)
            if one.status == "missing":
                written.missing.append(f"{one.student}, {one.exercise}")
            tallies[one.exercise].add(one, quote(reports.path(one.student, one.exercise)))
    store.connection.commit()
    written.review += [line for tally in tallies.values() for line in tally.untold()]
    write_review(out / "review.txt", written.review)
    write_class_page(tallies, out / "class.html", store.troubles())
    return written


def tallies_of(store: Store) -> dict[str, Tally]:
    """Return an empty tally for each exercise."""
    alike = duplicates(store)
    return {
        name: Tally(assignment, alike.get(name, []))
        for name, assignment in store.assignments().items()
    }


def write_review(path: Path, lines: list[str]) -> None:
    """Write the list of what needs a human; where nothing does, there is no file."""
    if lines:
        write_whole(path, "".join(f"{line}\n" for line in lines))
    else:
        path.unlink(missing_ok=True)


def write_class_page(tallies: dict[str, Tally], path: Path, troubles: list[str]) -> None:
    """Write the page of the class: how it went, what was hard, whom to look at."""
    template = environment().get_template("class.html")
    exercises = [one for one in tallies.values() if one.count or one.missing]
    write_whole(path, template.render(exercises=exercises, troubles=troubles))
