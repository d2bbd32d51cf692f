"""Exports fill the instructor's own files, say who has no place, and name nobody if so told."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from grading.classes import NAME, assigned, fill_store, handed_in
from grading.helpers import lecopt
from grading.test_roster import CANVAS, MOODLE

from lecopt.grading.exports import fill, gradescope
from lecopt.grading.override import decide
from lecopt.grading.records import Attempt
from lecopt.grading.report import write_reports
from lecopt.grading.results import results
from lecopt.grading.roster import Person
from lecopt.grading.store import Store
from lecopt.grading.table import harmless

DUE = datetime.fromisoformat("2026-11-20T23:59:00+01:00")
LATE = f"{DUE.isoformat()} -10%/day"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "results.sqlite")
    yield store
    store.close()


def canvas(number: int, name: str, points: tuple[int, int] = (7, 6), **known: object) -> Attempt:
    known = {"lms": "canvas", "lms_number": str(number), "name": name, **known}
    return handed_in(f"{name}_{number}", points, **known)


def moodle(number: int, name: str, points: tuple[int, int] = (7, 6), **known: object) -> Attempt:
    known = {"lms": "moodle", "lms_number": str(number), "name": name, **known}
    return handed_in(f"{name}_{number}", points, **known)


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "theirs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_canvas_is_filled_and_else_unchanged(store: Store, tmp_path: Path) -> None:
    attempts = [canvas(1001, "lovelaceada", (7, 3)), canvas(1009, "lovelaceada", (1, 0)),
                canvas(4, "stranger"), handed_in("Ada Lovelace")]  # fmt: skip
    fill_store(store, attempts)
    text = CANVAS.replace("\n", "\r\n")
    data, notes = fill(written(tmp_path, text, "utf-8-sig"), results(store))
    wanted = text.replace("ada@uni.edu,A,,", "ada@uni.edu,A,10,")
    wanted = wanted.replace("ada.l@uni.edu,B,,", "ada.l@uni.edu,B,1,")
    assert data == wanted.encode("utf-8-sig")
    assert notes == [
        "Ada Lovelace: it could be of ada.l@uni.edu or ada@uni.edu, so 13 points have no place",
        "stranger_4: nobody in this file is called so, so 13 points have no place",
    ]


def test_canvas_with_semicolons_writes_decimal_commas(store: Store, tmp_path: Path) -> None:
    fill_store(store, [canvas(1, "a", handed_in=DUE + timedelta(hours=1))], assigned(LATE))
    text = 'Student;ID;SIS Login ID;Section;Momentum (7);"x;y"\n"A, a";1;a;S;"";"keep;me"\n'
    data, notes = fill(written(tmp_path, text), results(store))
    assert (data.decode(), notes) == (text.replace('""', '"11,7"'), [])


def test_canvas_keeps_the_excused_and_tells_of_another_maximum(
    store: Store, tmp_path: Path
) -> None:
    fill_store(store, [canvas(1, "a"), canvas(2, "b")])
    text = "Student,ID,Section,04_momentum (7)\nPoints Possible,,,10\nA,1,S,EX\nB,2,S,3\n"
    data, notes = fill(written(tmp_path, text), results(store))
    assert data.decode() == text.replace("S,3", "S,13")
    assert notes == [f"{NAME} has 13 points, the file says 10: not scaled",
                     "a_1: Canvas says EX, left as it is"]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "wanted", "says"),
    [
        ("Quiz (1),Poll (2)", None, r"Name one by --column: 'Quiz \(1\)', 'Poll \(2\)'"),
        ("Momentum (1),Momentum (2)", None, "Name one by --column"),
        ("Quiz (1)", "Quizz", "it needs one column 'Quizz'"),
        ("Total", None, "there is no assignment in it"),
    ],
)
def test_the_column_must_be_clear(
    store: Store, tmp_path: Path, columns: str, wanted: str | None, says: str
) -> None:
    from lecopt.grading.exercise import ExerciseError

    fill_store(store, [canvas(1, "a")])
    path = written(tmp_path, f"Student,ID,Section,{columns}\nA,1,S\n")
    with pytest.raises(ExerciseError, match=says):
        fill(path, results(store), wanted)


def test_moodle_is_filled_with_feedback(store: Store, tmp_path: Path) -> None:
    late = DUE + timedelta(hours=1)
    fill_store(
        store,
        [moodle(2001, "Ada Lovelace", (7, 2), handed_in=late), moodle(2002, "Zoë Ångström")],
        assigned(LATE),
    )
    decide(store, "Ada Lovelace_2001", "04.2", 3.5, "almost, says =me()", "")
    text = MOODLE.replace("No submission,,13.00,Yes", "No submission,,13.00,No")
    data, notes = fill(written(tmp_path, text), results(store))
    (ada, zoe) = csv.DictReader(data.decode().splitlines())
    assert (ada["Grade"], ada["Last modified (grade)"]) == ("9.2", "-")
    assert ada["Feedback comments"] == (
        "04.1: 7 of 7; 04.2: 3.5 of 6; 1 days late: 10.5 became 9.2"
    )
    assert (zoe["Grade"], zoe["Feedback comments"]) == ("", "")
    assert notes == [
        "Zoë Ångström_2002: Moodle says that the grade cannot be changed, left as it is"
    ]
    ours = {"Grade", "Feedback comments"}
    before = list(csv.DictReader(text.splitlines()))
    for old, new in zip(before, (ada, zoe), strict=True):
        assert {k: v for k, v in old.items() if k not in ours} == {
            k: v for k, v in new.items() if k not in ours
        }


def test_a_roster_leads_from_folders_to_another_systems_file(store: Store, tmp_path: Path) -> None:
    store.keep_people([Person("ana", "Ada Lovelace", texts=("ada.l@uni.edu",))])
    fill_store(store, [handed_in("ana", (4, 4))])
    data, notes = fill(written(tmp_path, CANVAS), results(store))
    assert b"ada.l@uni.edu,B,8," in data
    assert notes == []


def test_two_results_never_share_a_row(store: Store, tmp_path: Path) -> None:
    fill_store(store, [canvas(1, "a"), handed_in("A", (0, 0))])
    data, notes = fill(
        written(tmp_path, "Student,ID,Section,Momentum (7)\nA,1,S,\n"), results(store)
    )
    assert data.decode().count("S,0") == 1
    assert notes == ["a_1: the row is that of A already; left as it is"]


def test_gradescope(store: Store) -> None:
    fill_store(
        store, [handed_in("ana", (7, 2), handed_in=DUE + timedelta(hours=1))], assigned(LATE)
    )
    decide(store, "ana", "04.2", 4, "nearly", "")
    (one,) = results(store)
    page = json.loads(json.dumps(gradescope(one)))
    assert page["score"] == one.points == 9.7
    assert page["output"].split("\n") == [
        "04.2: the memory does not fade", "1 days late: 11 became 9.7."
    ]  # fmt: skip
    assert {test["visibility"] for test in page["tests"]} == {"visible", "after_due_date"}
    assert page["tests"][-1] == {
        "name": "04.2 decided by hand", "score": 4, "output": "nearly",
        "output_format": "text", "visibility": "visible",
    }  # fmt: skip
    assert "seed" not in json.dumps(page)
    assert {key for test in page["tests"] for key in test} <= {
        "score", "max_score", "status", "name", "output", "output_format", "visibility"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x", "\tx", " =x", "\r=x"])
def test_names_are_no_formulas(store: Store, tmp_path: Path, name: str) -> None:
    assert harmless(name) == f"'{name}"
    store.keep_people([Person(name, name)])
    fill_store(store, [handed_in(name)])
    write_reports(store, tmp_path)
    with (tmp_path / "grades.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["student"] == row["name"] == f"'{name}"


def test_pseudonyms_name_nobody(store: Store, tmp_path: Path) -> None:
    secret = ["Ödön Horváth", "oho@uni.edu", "1003", "SecretError", "Prof. Who", "was ill", "horv",
              "2026-11-20", "work.zip"]  # fmt: skip
    one = canvas(
        1003, "horváthödön", (7, 2), handed_in=DUE + timedelta(hours=1), source="work.zip/x.ipynb",
        problems=["horváth: odd"], unknown="horv?", code="c0de",
    )  # fmt: skip
    assert one.grade is not None
    task = one.grade.tasks[0]
    told = replace(
        task,
        cell_errors=("SecretError",),
        checks=tuple(replace(check, why="SecretError") for check in task.checks),
    )
    grade = replace(one.grade, tasks=(told, *one.grade.tasks[1:]), notes=())
    store.keep_people([Person("oho@uni.edu", "Ödön Horváth", "canvas", "1003", ("s3",))])
    fill_store(store, [replace(one, student="oho@uni.edu", grade=grade)], assigned())
    decide(store, "oho@uni.edu", "04.2", 3, "was ill", "Prof. Who")
    secret += [one.digest, one.key, one.handle]
    key = tmp_path / "keys" / "key"
    key.parent.mkdir()
    store.close()
    names = []
    for form in ("--csv", "--json", "--page"):
        for again in (1, 2):
            out = tmp_path / f"export{form}{again}"
            run = lecopt("export", tmp_path, form, "--out", out, "--pseudonyms", key)
            assert run.returncode == 0, run.stderr
            content = out.read_bytes()
            for word in (*secret, key.read_text()):
                assert word.encode() not in content, (form, word)
            assert b"SecretError" not in content
            names.append(content[content.index(b"S-") :][:14])
        assert (tmp_path / f"export{form}1").read_bytes() == out.read_bytes()
    assert len(set(names)) == 1
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    other = lecopt(
        "export", tmp_path, "--csv", "--out", tmp_path / "x", "--pseudonyms", tmp_path / "key2"
    )
    assert other.returncode == 0
    assert names[0] not in (tmp_path / "x").read_bytes()


def test_the_key_stays_out_of_the_export(store: Store, tmp_path: Path) -> None:
    fill_store(store, [handed_in("ana")])
    (tmp_path / "bad").write_text("not hex")
    for out, key, says in (
        ("x.csv", "x.csv", "keep the key elsewhere"), ("x.csv", "bad", "no key that lecopt made"),
    ):  # fmt: skip
        run = lecopt(
            "export", tmp_path, "--csv", "--out", tmp_path / out, "--pseudonyms", tmp_path / key
        )
        assert run.returncode == 2
        assert says in run.stderr
    assert not (tmp_path / "x.csv").exists()


def test_the_command_line(store: Store, tmp_path: Path) -> None:
    fill_store(store, [canvas(1001, "lovelaceada"), canvas(4, "nobody")])
    theirs = written(tmp_path, CANVAS)
    run = lecopt("export", tmp_path, "--canvas", theirs, "--out", tmp_path / "filled.csv")
    assert run.returncode == 1
    assert "nobody_4" in run.stdout
    assert b"ada@uni.edu,A,13," in (tmp_path / "filled.csv").read_bytes()
    for args, says in (
        (("--canvas", theirs, "--out", theirs), "give another file"),
        (("--csv", "--json", "--out", tmp_path / "x"), "choose one"),
        (("--out", tmp_path / "x"), "choose one"),
        (("--csv", "--exercise", "99", "--out", tmp_path / "x"), "no exercise 99"),
        (("--gradescope", "--out", tmp_path / "x", "--pseudonyms", tmp_path / "k"), "needs names"),
        (("--moodle", tmp_path / "none.csv", "--out", tmp_path / "x"), "cannot be read"),
    ):
        run = lecopt("export", tmp_path, *args)
        assert (run.returncode, says in run.stderr) == (2, True), run.stderr
    assert theirs.read_text() == CANVAS
    run = lecopt("export", tmp_path, "--gradescope", "--out", tmp_path / "gs", "--exercise", "04")
    assert run.returncode == 0
    pages = list((tmp_path / "gs").rglob("results.json"))
    assert {json.loads(path.read_text())["score"] for path in pages} == {13.0}
    run = lecopt("export", tmp_path, "--json", "--out", tmp_path / "all.jsonl")
    first = json.loads((tmp_path / "all.jsonl").read_text().split("\n")[0])
    assert first["verdict"]["seed"] == 7
    assert first["verdict"]["versions"]["python"]
    assert len(first["submission"]["sha256"]) == len(first["verdict"]["reference"]) == 64
    run = lecopt("override", tmp_path, "nobody_4", "04.1", "3", "--reason", "half", "--who", "me")
    assert run.returncode == 0
    assert "nobody_4,04_momentum,9" in (tmp_path / "grades.csv").read_text()
    assert lecopt("override", tmp_path, "nobody_4", "04.1", "3").returncode == 2
    assert lecopt("override", tmp_path, "nobody_4", "04.1", "--remove").returncode == 0
    assert "nobody_4,04_momentum,13" in (tmp_path / "grades.csv").read_text()
