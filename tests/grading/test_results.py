"""What counts: lateness, attempts, a human's word; and the store that remembers it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from grading.classes import NAME, assigned, fill_store, handed_in
from grading.helpers import grades, lecopt

from lecopt.grading.exercise import ExerciseError
from lecopt.grading.late import Late
from lecopt.grading.override import decide, undo
from lecopt.grading.report import folder_names, write_reports
from lecopt.grading.results import Result, results
from lecopt.grading.roster import Person
from lecopt.grading.store import Store

DEADLINE = "2026-11-20T23:59:00+01:00"
DUE = datetime.fromisoformat(DEADLINE)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def store(out: Path) -> Iterator[Store]:
    store = Store(out / "results.sqlite")
    yield store
    store.close()


def only(store: Store, student: str = "ana") -> Result:
    (one,) = results(store, student)
    return one


@pytest.mark.parametrize(
    ("policy", "days", "left"),
    [
        ("none", 3, 13), ("zero", 0, 13), ("zero", 1, 0), ("-10%/day", 0, 13),
        ("-10%/day", 1, 11.7),
        ("-10%/day", 2, 10.4), ("-10%/day", 11, 0), ("-12.5% per day", 1, 11.38),
        ("5%/day", 1, 12.35),
    ],
)  # fmt: skip
def test_policies(policy: str, days: int, left: float) -> None:
    late = Late.parse(f"{DEADLINE} {policy}")
    assert late.points(13, 13, days) == left
    assert Late.parse(str(late)) == late


@pytest.mark.parametrize(
    ("after", "days"),
    [
        (timedelta(days=-9), 0), (timedelta(0), 0), (timedelta(seconds=1), 1),
        (timedelta(days=1), 1), (timedelta(days=1, seconds=1), 2),
    ],
)  # fmt: skip
def test_days_begun_count(after: timedelta, days: int) -> None:
    late = Late.parse(DEADLINE)
    assert late.days(DUE + after, None) == days
    assert late.days((DUE + after).astimezone(), None) == days
    assert late.days(DUE + after, False) == 0, "what the LMS says goes first"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-11-20T23:59 zero", "has no zone"), ("tomorrow", "is no time"), ("", "is no time"),
        (f"{DEADLINE} -10%", "is no policy"), (f"{DEADLINE} harsh", "is no policy"),
        (f"{DEADLINE} -200%/day", "is no policy"),
    ],
)  # fmt: skip
def test_what_is_no_deadline_is_refused(text: str, says: str) -> None:
    with pytest.raises(ExerciseError, match=says):
        Late.parse(text)


def test_a_change_of_policy_runs_nothing_and_changes_points(store: Store) -> None:
    fill_store(store, [handed_in("ana", handed_in=DUE + timedelta(hours=30))])
    for policy, points in (("none", 13), ("-10%/day", 10.4), ("zero", 0)):
        store.keep_assignment(assigned(f"{DEADLINE} {policy}"))
        one = only(store)
        assert (one.before, one.points, one.days) == (13, points, 2)


def test_late_says_canvas_but_not_how_late(store: Store) -> None:
    fill_store(store, [handed_in("ana", late=True), handed_in("ben", late=False)])
    store.keep_assignment(assigned(f"{DEADLINE} -10%/day"))
    assert (only(store).points, only(store).status) == (13, "review")
    assert "04.late DAYS" in only(store).problems[0]
    assert (only(store, "ben").points, only(store, "ben").status) == (13, "graded")
    store.keep_assignment(assigned(f"{DEADLINE} zero"))
    assert (only(store).points, only(store).status) == (0, "graded")
    decide(store, "ana", "04.late", 0, "was ill", "me")
    assert (only(store).points, only(store).status) == (13, "graded")


def test_unknown_times_are_told_once(store: Store, out: Path) -> None:
    fill_store(store, [handed_in(name) for name in ("ana", "ben", "cyd")], assigned(DEADLINE))
    (line,) = write_reports(store, out).review
    assert "when 3 notebooks were handed in" in line
    assert (out / "review.txt").read_text() == line + "\n"
    store.keep_assignment(assigned())
    assert write_reports(store, out).review == []
    assert not (out / "review.txt").exists()


@pytest.mark.parametrize(
    ("policy", "number", "points"), [("first", 1, 5), ("last", 3, 7), ("best", 2, 10.4)]
)
def test_attempts(store: Store, policy: str, number: int, points: float) -> None:
    some = [
        handed_in("ana", (2, 3), number=1, handed_in=DUE - timedelta(days=2)),
        handed_in("ana", (7, 6), number=2, handed_in=DUE + timedelta(days=2)),
        handed_in("ana", (4, 3), number=3, handed_in=DUE - timedelta(hours=2)),
    ]
    fill_store(store, some, assigned(f"{DEADLINE} -10%/day", policy))
    one = only(store)
    assert one.attempt is not None
    assert (one.attempt.number, one.points, one.attempts) == (number, points, 3)


def test_a_word_by_hand_is_kept_shown_and_removable(store: Store, out: Path) -> None:
    fill_store(store, [handed_in("ana", (7, 2)), handed_in("ben", (7, 2))])
    decide(store, "ana", "04.2", 5.5, "right, <b>in another form</b>", "Prof. X")
    write_reports(store, out)
    row = grades(out)["ana"]
    assert (row["points"], row["before"]) == ("12.5", "12.5")
    assert row["overrides"] == "04.2 = 5.5: right, <b>in another form</b>"
    page = (out / "ana" / f"{NAME}.html").read_text()
    assert "5.5 instead of 2. right, &lt;b&gt;in another form" in page
    assert "before the work" not in page
    assert "Prof. X" in (out / "class.html").read_text()

    fill_store(store, [handed_in("ana", (6, 1))])  # handed in anew, graded anew
    write_reports(store, out)
    assert grades(out)["ana"]["points"] == "11.5"
    assert "before the work or the exercise changed" in (out / "ana" / f"{NAME}.html").read_text()
    undo(store, "ana", "04.2")
    write_reports(store, out)
    assert grades(out)["ana"]["points"] == "7"
    assert "by hand" not in (out / "ana" / f"{NAME}.html").read_text()
    assert grades(out)["ben"]["points"] == "9"


def test_what_cannot_be_overridden_is_refused(store: Store) -> None:
    fill_store(store, [handed_in("ana")])
    for student, task, value, says in (
        ("eve", "04.1", 1, "no student 'eve'"), ("ana", "07.1", 1, "there are 04.1, 04.2"),
        ("ana", "04.1", 8, "has 7 points"), ("ana", "04.late", 0.5, "whole days"),
    ):  # fmt: skip
        with pytest.raises(ExerciseError, match=says):
            decide(store, student, task, value, "why", "")
    with pytest.raises(ExerciseError, match="nothing was decided"):
        undo(store, "ana", "04.1")


def test_the_missing_are_told_and_may_get_points_by_hand(store: Store, out: Path) -> None:
    store.keep_people([Person("ana", "Ana A"), Person("ben", "=Ben B"), Person("cyd")])
    fill_store(store, [handed_in("ana")])
    decide(store, "cyd", "04.1", 4, "on paper", "")
    written = write_reports(store, out)
    assert written.missing == [f"ben, {NAME}", f"cyd, {NAME}"]
    assert written.review == []
    rows = grades(out)
    assert [(rows[s]["points"], rows[s]["status"]) for s in ("ana", "ben", "cyd")] == [
        ("13", "graded"), ("", "missing"), ("4", "missing")
    ]  # fmt: skip
    assert rows["ben"]["name"] == "'=Ben B"
    assert "ben, cyd" in (out / "class.html").read_text()
    assert "on paper" in (out / "cyd" / f"{NAME}.html").read_text()


def test_a_roster_given_later_renames_and_doubles_nobody(store: Store) -> None:
    one = handed_in("lovelaceada_1001")
    fill_store(store, [one])
    store.keep_attempts([replace(one, student="ada@uni.edu")], [NAME])
    assert [(r.student, r.points) for r in results(store)] == [("ada@uni.edu", 13)]


STRANGE = ["grades.csv", "class.html", "results.sqlite", "../up", "..", "", "a/b", "a\\b", "C:x",
           "lecopt-x", "x" * 300, "Ana", "ana", "Zoe\u0301", "Zoé", "con\x1b[2J",
           "review.txt"]  # fmt: skip


def test_every_student_gets_a_folder_of_their_own(store: Store, out: Path) -> None:
    folders = folder_names([*STRANGE, "plain name", "学生"])
    assert folders["plain name"] == "plain name"
    assert folders["学生"] == "学生"
    assert len({name.casefold() for name in folders.values()}) == len(folders)
    for name in folders.values():
        assert (out / name).resolve().parent == out.resolve()
        assert len(name.encode()) < 255
    (out / "grades.csv").write_text("old")
    fill_store(store, [handed_in(name or "_") for name in STRANGE])
    write_reports(store, out)
    assert len(list(out.glob("*/*.html"))) == len(STRANGE)
    assert len(grades(out)) == len(STRANGE)


def test_the_same_code_is_told(store: Store, out: Path) -> None:
    alike = [handed_in(name, code="c0de") for name in ("ana", "ben")]
    fill_store(store, [*alike, handed_in("cyd", code="other"), handed_in("dan"), handed_in("eve")])
    write_reports(store, out)
    assert "<li>ana, ben</li>" in (out / "class.html").read_text()


OLD = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE reference (key TEXT PRIMARY KEY, outputs TEXT NOT NULL);
CREATE TABLE grade (
    student TEXT NOT NULL, exercise TEXT NOT NULL, key TEXT NOT NULL,
    points INTEGER NOT NULL, max INTEGER NOT NULL, status TEXT NOT NULL, seed INTEGER NOT NULL,
    tasks TEXT NOT NULL, notes TEXT NOT NULL, problems TEXT NOT NULL, seconds REAL NOT NULL,
    versions TEXT NOT NULL, PRIMARY KEY (student, exercise)
) WITHOUT ROWID;
INSERT INTO setting VALUES ('seed', '42');
INSERT INTO grade VALUES ('ana', '04_momentum', 'k', 5, 13, 'graded', 42, '[{"id": "04.1",
 "title": "One", "checks": [{"id": "c", "says": "s", "hidden": false, "points": 13, "passed": true,
 "why": "", "got": "", "wanted": ""}], "mistake": "", "looks_like": "", "hints": [], "sure": false,
 "cell_errors": []}]', '[]', '[]', 1.0, '{}');
"""


def test_results_of_an_older_version_are_taken_over(out: Path) -> None:
    path = out / "results.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(OLD)
    old.close()
    before = path.read_bytes()
    for _ in range(2):
        store = Store(path)
        (one,) = results(store)
        assert (one.student, one.points, one.max) == ("ana", 13, 13)
        assert store.setting("seed") == "42"
        store.close()
    assert (out / "results.sqlite.1").read_bytes() == before


def test_results_of_a_newer_version_are_left_alone(out: Path) -> None:
    Store(out / "results.sqlite").close()
    with sqlite3.connect(out / "results.sqlite") as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = (out / "results.sqlite").read_bytes()
    run = lecopt("override", out, "ana", "04.1", "1", "--reason", "x")
    assert run.returncode == 2
    assert "a newer lecopt wrote these results" in run.stderr
    assert (out / "results.sqlite").read_bytes() == before


def test_what_are_no_results_is_refused(out: Path) -> None:
    run = lecopt("export", out, "--csv", "--out", out / "x.csv")
    assert (run.returncode, "no results there" in run.stderr) == (2, True)
    (out / "results.sqlite").write_text("Dear diary, " * 100)
    run = lecopt("export", out, "--csv", "--out", out / "x.csv")
    assert (run.returncode, "these are no results" in run.stderr) == (2, True)
    assert not (out / "x.csv").exists()


def test_pages_are_written_when_they_change_alone(store: Store, out: Path) -> None:
    fill_store(store, [handed_in("ana", (7, 2)), handed_in("ben")])
    write_reports(store, out)
    pages = {path: path.stat().st_mtime_ns for path in out.glob("*/*.html")}
    shutil.rmtree(out / "ben")
    decide(store, "ana", "04.2", 3, "why", "")
    write_reports(store, out)
    after = {path: path.stat().st_mtime_ns for path in out.glob("*/*.html")}
    assert after.keys() == pages.keys()
    write_reports(store, out)
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/*.html")} == after
    assert all(after[path] != pages[path] for path in pages)
