"""Where grades are kept: one SQLite file, written by one process.

What a run of code gave is a row of `grade`, written whole, in one transaction, under a hash of all
that it depends on; so a run that was stopped, however rudely, goes on where it was. What was handed
in (`attempt`), by whom (`person`) and what a human decided (`override`, and an exercise's deadline)
stand beside it, and say what counts: changing them runs nothing again.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from lecopt.grading.exercise import ExerciseError, Outputs
from lecopt.grading.feedback import CheckVerdict, TaskVerdict
from lecopt.grading.records import Assignment, Attempt, Grade, Override, now
from lecopt.grading.roster import Person

VERSION = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS reference (key TEXT PRIMARY KEY, outputs TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS exercise (
    name TEXT PRIMARY KEY, title TEXT NOT NULL, max INTEGER NOT NULL, tasks TEXT NOT NULL,
    late TEXT NOT NULL DEFAULT '', attempts TEXT NOT NULL DEFAULT 'last'
);
CREATE TABLE IF NOT EXISTS person (
    student TEXT PRIMARY KEY, name TEXT NOT NULL, lms TEXT NOT NULL, number TEXT NOT NULL,
    texts TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempt (
    student TEXT NOT NULL, exercise TEXT NOT NULL, number INTEGER NOT NULL, handle TEXT NOT NULL,
    lms TEXT NOT NULL, lms_number TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL,
    source TEXT NOT NULL, digest TEXT NOT NULL, handed_in TEXT, late INTEGER, unknown TEXT NOT NULL,
    PRIMARY KEY (student, exercise, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_handle ON attempt (handle);
CREATE TABLE IF NOT EXISTS grade (
    student TEXT NOT NULL, exercise TEXT NOT NULL, key TEXT NOT NULL,
    points INTEGER NOT NULL, max INTEGER NOT NULL, status TEXT NOT NULL, seed INTEGER NOT NULL,
    tasks TEXT NOT NULL, notes TEXT NOT NULL, problems TEXT NOT NULL, seconds REAL NOT NULL,
    versions TEXT NOT NULL, code TEXT NOT NULL DEFAULT '', reference TEXT NOT NULL DEFAULT '',
    graded_at TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (student, exercise, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS override (
    student TEXT NOT NULL, exercise TEXT NOT NULL, task TEXT NOT NULL, value REAL NOT NULL,
    reason TEXT NOT NULL, who TEXT NOT NULL, time TEXT NOT NULL, given_on TEXT NOT NULL,
    PRIMARY KEY (student, exercise, task)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trouble (line TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS page (path TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
"""
FROM_1 = """
INSERT INTO grade
    SELECT student, exercise, key, points, max, status, seed, tasks, notes, problems, seconds,
           versions, '', '', '' FROM grade_1;
INSERT INTO attempt
    SELECT student, exercise, 1, student, '', '', student, key, '', '', NULL, NULL, '' FROM grade_1;
INSERT INTO exercise (name, title, max, tasks)
    SELECT exercise, exercise, max(max), '[]' FROM grade_1 GROUP BY exercise;
DROP TABLE grade_1;
"""


class Store:
    """The grades of a class."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(path)
        self.connection.row_factory = sqlite3.Row
        try:
            version = self.connection.execute("PRAGMA user_version").fetchone()[0]
            self._open(version)
            self.connection.execute("PRAGMA journal_mode = WAL")
            # A kill loses nothing; if the power fails, the last grades may have to be run again.
            self.connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.DatabaseError as error:
            self.close()
            if error.sqlite_errorname not in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
                raise
            raise ExerciseError(f"{path}: these are no results of lecopt ({error})") from error
        except ExerciseError:
            self.close()
            raise

    def _open(self, version: int) -> None:
        """Make the tables, or those of an older version into ours; never touch a newer one's."""
        if version > VERSION:
            raise ExerciseError(
                f"{self.path}: a newer lecopt wrote these results (form {version}, this one knows "
                f"{VERSION}): install that one, or give another --out"
            )
        old = version < VERSION and bool(
            self.connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'grade'").fetchone()
        )
        if old:
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy2(self.path, self.path.with_suffix(".sqlite.1"))
        steps = ["ALTER TABLE grade RENAME TO grade_1;"] if old else []
        steps += [SCHEMA, *([FROM_1] if old else []), f"PRAGMA user_version = {VERSION};"]
        if version < VERSION:
            self.connection.executescript("BEGIN IMMEDIATE;" + "".join(steps) + "COMMIT;")

    def close(self) -> None:
        self.connection.close()

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        return self.connection.execute(query, values).fetchall()

    def setting(self, name: str) -> str | None:
        rows = self.rows("SELECT value FROM setting WHERE name = ?", name)
        return str(rows[0]["value"]) if rows else None

    def set(self, name: str, value: str) -> None:
        with self.connection:
            self.connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def outputs(self, key: str) -> Outputs | None:
        """Return the expected outputs computed earlier, if any."""
        rows = self.rows("SELECT outputs FROM reference WHERE key = ?", key)
        return Outputs(**json.loads(rows[0]["outputs"])) if rows else None

    def keep_outputs(self, key: str, outputs: Outputs) -> None:
        with self.connection:
            self.connection.execute(
                "INSERT OR REPLACE INTO reference VALUES (?, ?)", (key, json.dumps(asdict(outputs)))
            )

    def keep_assignment(self, one: Assignment) -> None:
        with self.connection:
            self.connection.execute(
                "INSERT OR REPLACE INTO exercise VALUES (?, ?, ?, ?, ?, ?)",
                (one.name, one.title, one.max, json.dumps(one.tasks), one.late, one.attempts),
            )

    def assignments(self) -> dict[str, Assignment]:
        """Return the exercises that were graded here."""
        return {
            row["name"]: Assignment(
                row["name"], row["title"], row["max"],
                tuple((task, title, points) for task, title, points in json.loads(row["tasks"])),
                row["late"], row["attempts"],
            )
            for row in self.rows("SELECT * FROM exercise ORDER BY name")
        }  # fmt: skip

    def keep_people(self, people: Iterable[Person]) -> None:
        """Replace the roster."""
        with self.connection:
            self.connection.execute("DELETE FROM person")
            self.connection.executemany(
                "INSERT INTO person VALUES (?, ?, ?, ?, ?)",
                ((p.student, p.name, p.lms, p.number, json.dumps(p.texts)) for p in people),
            )

    def people(self) -> dict[str, Person]:
        """Return the roster, empty if none was given."""
        return {
            row["student"]: Person(
                row["student"], row["name"], row["lms"], row["number"],
                tuple(json.loads(row["texts"])),
            )
            for row in self.rows("SELECT * FROM person ORDER BY student")
        }  # fmt: skip

    def keep_attempts(self, attempts: Sequence[Attempt], exercises: Iterable[str]) -> None:
        """Replace what the students of `attempts` handed in, of these exercises.

        A student's attempts go under every name that the same files had before, so that a roster
        given later renames students, and does not double them.
        """
        handles = {(one.handle, exercise) for one in attempts for exercise in exercises}
        handles |= {(one.student, one.exercise) for one in attempts}
        with self.connection:
            for name in ("handle", "student"):
                self.connection.executemany(
                    f"DELETE FROM attempt WHERE {name} = ? AND exercise = ?", handles
                )
            self.connection.executemany(
                f"INSERT INTO attempt VALUES ({', '.join('?' * 13)})",
                (
                    (
                        a.student, a.exercise, a.number, a.handle, a.lms, a.lms_number, a.name,
                        a.key, a.source, a.digest, a.handed_in and a.handed_in.isoformat(), a.late,
                        a.unknown,
                    )
                    for a in attempts
                ),
            )  # fmt: skip

    def has(self, student: str, exercise: str, key: str) -> bool:
        """Say whether a submission was graded as it is."""
        query = "SELECT 1 FROM grade WHERE student = ? AND exercise = ? AND key = ?"
        return bool(self.rows(query, student, exercise, key))

    def keep(self, grade: Grade, versions: str) -> None:
        """Write one grade, whole."""
        parts: Sequence[Any] = (grade.tasks, grade.notes, grade.problems)
        texts = [json.dumps([asdict(p) if not isinstance(p, str) else p for p in x]) for x in parts]
        with self.connection:
            self.connection.execute(
                f"INSERT OR REPLACE INTO grade VALUES ({', '.join('?' * 15)})",
                (
                    grade.student, grade.exercise, grade.key, grade.points, grade.max,
                    grade.status, grade.seed, *texts, grade.seconds, versions, grade.code,
                    grade.reference, now(),
                ),
            )  # fmt: skip

    def attempts(self, student: str | None = None) -> Iterator[Attempt]:
        """Yield all attempts with their grades, by student and exercise, in their order."""
        where = "" if student is None else "WHERE a.student = ?"
        query = (
            "SELECT a.student AS called, a.number, a.handle, a.lms, a.lms_number, a.name, a.key AS "
            "wanted, a.exercise AS of_exercise, a.source, a.digest, a.handed_in, a.late, a.unknown,"
            " g.* FROM attempt a LEFT JOIN grade g ON g.student = a.handle AND g.exercise = "
            f"a.exercise AND g.key = a.key {where} ORDER BY a.student, a.exercise, a.number"
        )
        with closing(self.connection.execute(query, () if student is None else (student,))) as rows:
            for row in rows:
                yield Attempt(
                    row["called"], row["of_exercise"], row["number"], row["handle"], row["lms"],
                    row["lms_number"], row["name"], row["wanted"], row["source"], row["digest"],
                    row["handed_in"] and datetime.fromisoformat(row["handed_in"]),
                    None if row["late"] is None else bool(row["late"]), row["unknown"],
                    None if row["key"] is None else grade_from(row),
                )  # fmt: skip

    def missing(self, student: str | None = None) -> Iterator[tuple[str, str]]:
        """Yield (student, exercise) for whom the roster has and who handed in nothing."""
        where = "" if student is None else "AND p.student = ?"
        query = (
            "SELECT p.student, e.name FROM person p, exercise e WHERE NOT EXISTS (SELECT 1 FROM "
            "attempt a WHERE a.student = p.student AND a.exercise = e.name) "
            f"{where} ORDER BY p.student, e.name"
        )
        with closing(self.connection.execute(query, () if student is None else (student,))) as rows:
            yield from ((row[0], row[1]) for row in rows)

    def students(self) -> list[str]:
        """Return all who handed in or are on the roster."""
        query = "SELECT student FROM attempt UNION SELECT student FROM person ORDER BY student"
        return [str(row["student"]) for row in self.rows(query)]

    def called(self, handle: str) -> list[str]:
        """Return the students whose files named them so: one, unless a roster came in between."""
        rows = self.rows("SELECT DISTINCT student FROM attempt WHERE handle = ?", handle)
        return [str(row["student"]) for row in rows]

    def override(self, one: Override) -> None:
        with self.connection:
            self.connection.execute(
                "INSERT OR REPLACE INTO override VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                tuple(asdict(one).values()),
            )

    def remove_override(self, student: str, exercise: str, task: str) -> bool:
        """Remove an override; say whether there was one."""
        query = "DELETE FROM override WHERE student = ? AND exercise = ? AND task = ?"
        with self.connection:
            return self.connection.execute(query, (student, exercise, task)).rowcount > 0

    def overrides(self) -> dict[tuple[str, str], tuple[Override, ...]]:
        """Return what was decided by hand, by student and exercise."""
        found: dict[tuple[str, str], tuple[Override, ...]] = {}
        for row in self.rows("SELECT * FROM override ORDER BY student, exercise, task"):
            one = Override(**dict(row))
            found[one.student, one.exercise] = (*found.get((one.student, one.exercise), ()), one)
        return found

    def keep_troubles(self, lines: Iterable[str]) -> None:
        with self.connection:
            self.connection.execute("DELETE FROM trouble")
            self.connection.executemany("INSERT INTO trouble VALUES (?)", ((x,) for x in lines))

    def troubles(self) -> list[str]:
        return [str(row["line"]) for row in self.rows("SELECT line FROM trouble ORDER BY rowid")]

    def page(self, path: str) -> str:
        """Return a hash of what a page was made of, "" if it was not."""
        rows = self.rows("SELECT digest FROM page WHERE path = ?", path)
        return str(rows[0]["digest"]) if rows else ""

    def keep_page(self, path: str, digest: str) -> None:
        """Note that a page was written; the next transaction keeps it."""
        self.connection.execute("INSERT OR REPLACE INTO page VALUES (?, ?)", (path, digest))


def grade_from(row: sqlite3.Row) -> Grade:
    """Read a grade back."""
    return Grade(
        row["student"], row["exercise"], row["key"], row["seed"], row["max"],
        tuple(task_from(task) for task in json.loads(row["tasks"])),
        tuple(json.loads(row["notes"])), tuple(json.loads(row["problems"])), row["seconds"],
        row["code"], row["versions"], row["reference"], row["graded_at"],
    )  # fmt: skip


def task_from(task: dict[str, Any]) -> TaskVerdict:
    """Read a verdict back from JSON."""
    checks = tuple(CheckVerdict(**check) for check in task["checks"])
    lists = {name: tuple(task[name]) for name in ("hints", "cell_errors")}
    return TaskVerdict(**{**task, **lists, "checks": checks})
