"""Take results out: into the instructor's own Canvas or Moodle file, for Gradescope, or anonymous.

A file of Canvas's or Moodle's is never invented: the instructor's export is filled in, one cell a
student, and all else goes back byte for byte. Whom a row means is decided as on a roster.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lecopt.grading.exercise import ExerciseError
from lecopt.grading.feedback import CheckVerdict, TaskVerdict
from lecopt.grading.intake import Owner, plain
from lecopt.grading.report import COLUMNS, csv_row, folder_names, number, whole, write_whole
from lecopt.grading.results import LATE, Result
from lecopt.grading.roster import Person, Roster, people
from lecopt.grading.table import Table

NOT_FILLED = ("EX", "N/A")  # Canvas: excused, not assigned
FEEDBACK = "Feedback comments"


def fill(path: Path, found: Iterable[Result], column: str | None = None) -> tuple[bytes, list[str]]:
    """Fill results into Canvas's gradebook or Moodle's worksheet; say what has no place there."""
    table = Table.read(path)
    everyone = people(table)
    roster, lms = Roster(everyone), everyone[0].lms
    if lms not in ("canvas", "moodle"):
        raise ExerciseError(
            f"{path}: it is neither Canvas's gradebook nor Moodle's grading worksheet; "
            f"its columns are {', '.join(map(repr, table.header))}"
        )
    notes: list[str] = []
    columns: dict[str, int] = {}
    filled: dict[tuple[int, int], str] = {}
    for one in found:
        if not one.counts:
            continue
        if one.exercise not in columns:
            columns[one.exercise] = column_for(table, lms, one, column)
            notes += different_maximum(table, lms, one, columns[one.exercise])
        person, why = match(roster, one)
        if person is None:
            notes.append(f"{one.student}: {why}, so {number(one.points)} points have no place")
            continue
        place = (person.line, columns[one.exercise])
        if place in filled:
            notes.append(
                f"{one.student}: the row is that of {filled[place]} already; left as it is"
            )
        elif reason := closed(table, lms, *place):
            notes.append(f"{one.student}: {reason}, left as it is")
        else:
            filled[place] = one.student
            table.fill(*place, table.number(one.points))
            if lms == "moodle" and FEEDBACK in table.header:
                table.fill(person.line, table.column(FEEDBACK), feedback(one))
    return table.data(), notes


def match(roster: Roster, one: Result) -> tuple[Person | None, str]:
    """Return the row that a result belongs to: by what its file said, else by the roster."""
    person, why = roster.find(one.owner)
    if person is None and one.person is not None:
        known = one.person
        others = [Owner(known.student, known.lms, known.number, known.name)]
        others += [Owner(text) for text in known.texts]
        fitting = {found for owner in others if (found := roster.find(owner)[0]) is not None}
        if len(fitting) == 1:
            return fitting.pop(), ""
    return person, why.replace("on the roster", "in this file")


def column_for(table: Table, lms: str, one: Result, wanted: str | None) -> int:
    """Return the column of an exercise: the one that was named, else the one that is named so."""
    if wanted is not None:
        return table.column(wanted)
    if lms == "moodle":
        return table.column("Grade")
    assignments = [name for name in table.header if re.search(r" \(\d+\)$", name)]
    titles = {plain(one.exercise), plain(one.assignment.title)}
    fitting = [n for n in assignments if plain(re.sub(r" \(\d+\)$", "", n)) in titles]
    fitting = fitting or [n for n in assignments if any(title in plain(n) for title in titles)]
    if len(fitting) != 1:
        raise ExerciseError(
            f"{table.path}: which column is {one.exercise}? Name one by --column: "
            f"{', '.join(map(repr, assignments)) or 'there is no assignment in it'}"
        )
    return table.column(fitting[0])


def different_maximum(table: Table, lms: str, one: Result, column: int) -> Iterator[str]:
    """Say if the file and the exercise do not agree on the points possible."""
    if lms == "canvas":
        cells = [row for _, row in table.rows() if row.get("ID", "") == ""]
        said = [row.get(table.header[column], "") for row in cells]
    else:
        said = [row.get("Maximum Grade", "") for _, row in table.rows()][:1]
    numbers = [text.replace(",", ".") for text in said if re.fullmatch(r"\d+([.,]\d+)?", text)]
    if numbers and float(numbers[0]) != one.max:
        yield f"{one.exercise} has {one.max} points, the file says {numbers[0]}: not scaled"


def closed(table: Table, lms: str, line: int, column: int) -> str:
    """Say why a row must stay as it is, "" if it need not."""
    row = table.row(line)
    if lms == "canvas" and row.get(table.header[column]) in NOT_FILLED:
        return f"Canvas says {row[table.header[column]]}"
    if lms == "moodle" and row.get("Grade can be changed", "Yes") == "No":
        return "Moodle says that the grade cannot be changed"
    return ""


def feedback(one: Result) -> str:
    """Return a student's points in a line, in our words alone."""
    grade = one.grade
    parts = []
    for task in grade.tasks if grade else ():
        said = one.of_task(task.id)
        parts.append(f"{task.id}: {number(said.value if said else task.earned)} of {task.points}")
    if one.days and one.before != one.points:
        parts.append(f"{one.days} days late: {number(one.before)} became {number(one.points)}")
    return "; ".join(parts)


def gradescope(one: Result) -> dict[str, Any]:
    """Return a student's results.json, as Gradescope's autograders write it."""
    tasks = one.grade.tasks if one.grade else ()
    tests = [test_of(task, check) for task in tasks for check in task.checks]
    tests += [
        {
            "name": f"{said.task} decided by hand", "score": said.value, "output": said.reason,
            "output_format": "text", "visibility": "visible",
        }
        for said in one.overrides if said.task != LATE
    ]  # fmt: skip
    says = [f"{task.id}: {task.looks_like}" for task in tasks if task.looks_like]
    if one.days:
        says.append(f"{one.days} days late: {number(one.before)} became {number(one.points)}.")
    return {
        "score": one.points,
        "output": "\n".join(says),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def test_of(task: TaskVerdict, check: CheckVerdict) -> dict[str, Any]:
    """Return a check as Gradescope's page lists it; `score` above counts, whatever these add to."""
    return {
        "name": f"{task.id} {check.says}",
        "score": check.earned,
        "max_score": check.points,
        "status": "passed" if check.passed else "failed",
        "output": check.why,
        "output_format": "text",
        "visibility": "after_due_date" if check.hidden else "visible",
    }


def write_gradescope(found: Iterable[Result], students: list[str], out: Path) -> int:
    """Write OUT/<student>/<exercise>/results.json for each result."""
    folders = folder_names(students)
    count = 0
    for one in found:
        if one.counts:
            path = out / folders[one.student] / one.exercise / "results.json"
            write_whole(path, json.dumps(gradescope(one), indent=1, ensure_ascii=False))
            count += 1
    return count


def write_csv(found: Iterable[Result], path: Path) -> None:
    """Write the generic table, as grades.csv is."""
    with whole(path) as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(map(csv_row, found))


def record(one: Result) -> dict[str, Any]:
    """Return all that is known of a result, so that its verdict can be had again."""
    grade, attempt = one.grade, one.attempt
    verdict = asdict(grade) if grade else {}
    verdict["versions"] = json.loads(verdict.get("versions") or "{}")
    return {
        "student": one.student, "name": one.name, "exercise": one.exercise, "points": one.points,
        "before": one.before, "max": one.max, "status": one.status, "days_late": one.days,
        "deadline": one.assignment.late, "attempts": one.attempts,
        "overrides": [asdict(said) for said in one.overrides], "problems": list(one.problems),
        "submission": {
            "attempt": attempt.number, "source": attempt.source, "sha256": attempt.digest,
            "handed_in": attempt.handed_in.isoformat() if attempt.handed_in else None,
        } if attempt else None,
        "verdict": {k: v for k, v in verdict.items() if k not in ("student", "exercise", "key")},
    }  # fmt: skip


def write_json(found: Iterable[Result], path: Path) -> None:
    """Write one result a line."""
    with whole(path) as file:
        for one in found:
            file.write(json.dumps(record(one), ensure_ascii=False) + "\n")
