"""Where grades are kept: one SQLite file, written by one process.

A row is written whole, in one transaction, when a submission is graded. Its key is a hash of all
that the grade depends on, so a run that was stopped, however rudely, goes on where it was: what has
a row with the right key is done.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lecopt.grading.exercise import Outputs
from lecopt.grading.feedback import CheckVerdict, TaskVerdict

SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS reference (key TEXT PRIMARY KEY, outputs TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS grade (
    student TEXT NOT NULL, exercise TEXT NOT NULL, key TEXT NOT NULL,
    points INTEGER NOT NULL, max INTEGER NOT NULL, status TEXT NOT NULL, seed INTEGER NOT NULL,
    tasks TEXT NOT NULL, notes TEXT NOT NULL, problems TEXT NOT NULL, seconds REAL NOT NULL,
    versions TEXT NOT NULL,
    PRIMARY KEY (student, exercise)
) WITHOUT ROWID;
"""
COLUMNS = ("student", "exercise", "points", "max", "status", "seed")


@dataclass(frozen=True)
class Grade:
    """What one submission got."""

    student: str
    exercise: str
    key: str
    seed: int
    max: int
    tasks: tuple[TaskVerdict, ...]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def points(self) -> int:
        return sum(task.earned for task in self.tasks)

    @property
    def status(self) -> str:
        return "review" if self.problems else "graded"


def fingerprint(*parts: bytes | str | int) -> str:
    """Return one hash of several things, in order."""
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()


class Store:
    """The grades of a class."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode = WAL")
        with self.connection:
            self.connection.executescript(SCHEMA)

    def close(self) -> None:
        self.connection.close()

    def setting(self, name: str) -> str | None:
        rows = self.connection.execute("SELECT value FROM setting WHERE name = ?", (name,))
        with closing(rows):
            row = rows.fetchone()
        return None if row is None else str(row["value"])

    def set(self, name: str, value: str) -> None:
        with self.connection:
            self.connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def outputs(self, key: str) -> Outputs | None:
        """Return the expected outputs computed earlier, if any."""
        row = self.connection.execute(
            "SELECT outputs FROM reference WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else Outputs(**json.loads(row["outputs"]))

    def keep_outputs(self, key: str, outputs: Outputs) -> None:
        with self.connection:
            self.connection.execute(
                "INSERT OR REPLACE INTO reference VALUES (?, ?)", (key, json.dumps(asdict(outputs)))
            )

    def key(self, student: str, exercise: str) -> str | None:
        """Return the key under which a submission was graded, if it was."""
        row = self.connection.execute(
            "SELECT key FROM grade WHERE student = ? AND exercise = ?", (student, exercise)
        ).fetchone()
        return None if row is None else str(row["key"])

    def keep(self, grade: Grade, versions: str) -> None:
        """Write one grade, whole."""
        parts: Sequence[Any] = (grade.tasks, grade.notes, grade.problems)
        texts = [json.dumps([asdict(p) if not isinstance(p, str) else p for p in x]) for x in parts]
        with self.connection:
            self.connection.execute(
                f"INSERT OR REPLACE INTO grade VALUES ({', '.join('?' * 12)})",
                (
                    grade.student, grade.exercise, grade.key, grade.points, grade.max,
                    grade.status, grade.seed, *texts, grade.seconds, versions,
                ),
            )  # fmt: skip

    def grades(self) -> Iterator[Grade]:
        """Yield all grades, by student."""
        for row in self.connection.execute("SELECT * FROM grade ORDER BY student, exercise"):
            yield Grade(
                row["student"], row["exercise"], row["key"], row["seed"], row["max"],
                tuple(task_from(task) for task in json.loads(row["tasks"])),
                tuple(json.loads(row["notes"])), tuple(json.loads(row["problems"])), row["seconds"],
            )  # fmt: skip

    def write_csv(self, path: Path) -> None:
        """Write grades.csv; a reader never sees half of it."""
        draft = path.with_suffix(".part")
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            columns = ", ".join(COLUMNS)
            for row in self.connection.execute(
                f"SELECT {columns} FROM grade ORDER BY student, exercise"
            ):
                writer.writerow(tuple(row))
        draft.replace(path)


def task_from(task: dict[str, Any]) -> TaskVerdict:
    """Read a verdict back from JSON."""
    checks = tuple(CheckVerdict(**check) for check in task["checks"])
    lists = {name: tuple(task[name]) for name in ("hints", "cell_errors")}
    return TaskVerdict(**{**task, **lists, "checks": checks})
