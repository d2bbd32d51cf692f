"""One class with honest, wrong, broken and hostile submissions: each gets its honest verdict.

Hostile code here is small and ends by itself: a loop gives up after a minute, a flood after 30 MB.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
from pathlib import Path

import pytest
from grading import papers
from grading.helpers import SEED, SOURCE, Notebook, code, fill, grade, grades, hand_in, left_running
from grading.papers import ALL, SECOND, Room

from lecopt.grading.exercise import Exercise
from lecopt.grading.report import folder_names


@pytest.fixture(scope="module")
def room(released: Notebook, solution: tuple[str, str], blank: tuple[str, str],
         pairs: dict[str, tuple[str, str]]) -> Room:  # fmt: skip
    room = Room(released, solution, blank)
    right, wrong = room.right, room.blank
    room.add("honest", right, ALL)
    room.add("blank", wrong, 0)
    for name, answers in pairs.items():
        room.add(name.replace("/", "_"), fill(released, *answers), -1)
    room.add("not json", "Dear teacher,", 0, human=True)
    room.add("empty", "", 0, human=True)
    room.add("a list", "[]", 0, human=True)
    room.add("deep", "[" * 100_000, 0, human=True)
    room.add("odd cells", '{"nbformat": 4, "cells": [1, {"cell_type": "code"}]}', 0, human=True)
    room.add("format 3", papers.old_format(right), ALL)
    room.add("surrogate", json.dumps(right).replace("One step", "\\ud800"), ALL)
    room.first("syntax", "def momentum_step(:", SECOND)
    room.first("loop", papers.LOOP, SECOND)
    room.first("endless", papers.ENDLESS, SECOND)
    room.first("fork bomb", papers.FORKS, SECOND)
    room.edited("forged", lambda p: p["cells"].insert(1, code(papers.FORGED)), 0, right=False)
    room.edited("fake outputs", papers.fake_outputs, 0, right=False)
    room.edited("50 MB", papers.heavy, ALL)
    room.edited("minor 99", papers.later_format, ALL)
    room.edited("major 99", papers.much_later_format, ALL)
    room.add("format 2", papers.old_format(right, 2), ALL)
    room.add("format in words", json.dumps({**right, "nbformat": "four"}), 0, human=True)
    room.add("no cells", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', 0, human=True)
    for name in (
        "x...",
        "x..%2f..%2fetc",
        "a\\..\\b",
        "-rf",
        "line\nbreak",
        "grades.csv",
        "Z\u030cofie",
    ):
        room.add(name, wrong, 0)
    room.first("exit", "import os\nos._exit(0)", SECOND)
    kill = "import os, signal\nos.kill(os.getppid() or os.getpid(), signal.SIGKILL)\nos._exit(1)"
    room.first("kill", kill, SECOND)
    room.first("flood", "for _ in range(10):\n    print('x' * 10_000_000, flush=True)", SECOND)
    room.first("memory", "memory = [0] * 500_000_000", SECOND)
    room.first("magic", "%%nosuch\n" + solution[0], SECOND)
    room.first("linger", papers.LINGER + solution[0], ALL)
    room.first("warns", "import warnings\nwarnings.warn('mind')\n" + solution[0], ALL)
    room.first("patched", papers.PATCHED, 0)
    room.edited(
        "patched blank", lambda p: p["cells"].insert(1, code(papers.PATCHED)), 0, right=False
    )
    room.edited("recited", papers.recite, papers.SAME_ON_EVERY_SEED, right=False)
    room.edited("fake prints", papers.fake_prints, 0, right=False)
    for name, edit in {
        "deleted": papers.delete_checks,
        "edited": papers.edit_checks,
        "doubled": papers.double_checks,
        "tagged": papers.tag_everything,
        "skipped": papers.skip_answers,
    }.items():
        room.edited(f"{name} right", edit, ALL)
        room.edited(f"{name} blank", edit, 0, right=False)
    room.edited("no ids", papers.drop_ids, ALL)
    room.edited("same ids", papers.same_id, ALL)
    room.edited("reordered", papers.reorder, ALL)
    room.edited("renamed", papers.rename, SECOND)
    room.edited("no answer", papers.drop_first_answer, SECOND, human=True)
    room.edited("foreign kernel", papers.foreign_kernel, ALL)
    room.edited("pictures", papers.pictures, ALL)
    room.edited("helper", papers.helper_and_debug, ALL)
    room.edited("calls", papers.call_my_step, ALL)
    room.edited("script", papers.script_everywhere, SECOND)
    room.edited("teller", papers.tell_the_numbers, SECOND)
    room.edited("Žofie Ö 学生 <b>&\"'", lambda _: None, ALL)
    return room


@pytest.fixture(scope="module")
def out(room: Room, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grade the class, once."""
    base = tmp_path_factory.mktemp("class")
    listener = socket.create_server(("127.0.0.1", 0))
    paths = [str(base / "in" / "honest" / "04_momentum.ipynb"), str(SOURCE)]
    folders = [str(base), str(base / "out"), str(SOURCE.parent)]
    home = Path.home()
    paths += [str(path) for path in home.iterdir() if path.is_file()]
    port = listener.getsockname()[1]
    spy = papers.SPY.format(paths=paths, folders=folders, home=str(home), port=port)
    room.first("spy", spy, SECOND)
    room.write(base / "in")
    others = base / "in" / "own files" / "04_momentum.ipynb"
    hand_in(base / "in", "own files", room.blank)
    for name in ("conftest.py", "numpy.py", "sitecustomize.py"):
        (others.parent / name).write_text("raise SystemExit('not mine')")
    room.points["own files"] = 0
    (base / "in" / "link").mkdir()
    (base / "in" / "link" / "04_momentum.ipynb").symlink_to(base / "in" / "honest" / others.name)
    (base / "in" / "linked folder").symlink_to(base / "in" / "honest")
    room.points["link"] = 0
    room.reviewed.add("link")
    scratch = base / "tmp"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "LECOPT_SECRET": "mine"}
    result = grade(base / "in", base / "out", "--time", "5", env=environment)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{len(room.reviewed) + 1} need a human" in result.stdout
    assert "linked folder: it is a link, and links are not followed" in result.stdout
    assert left_running(scratch) == []
    assert list(scratch.iterdir()) == []
    assert sorted(path.name for path in base.iterdir()) == ["in", "out", "tmp"]
    listener.setblocking(False)
    with listener, pytest.raises(BlockingIOError):
        listener.accept()
    return base / "out"


def test_everyone_gets_the_honest_points(room: Room, out: Path, exercise: Exercise) -> None:
    found = grades(out)
    found["-rf"] = found.pop("'-rf")  # so that no spreadsheet takes it for a formula
    assert set(found) == set(room.points)
    points = {student: int(row["points"]) for student, row in found.items()}
    assert points == {s: points[s] if p < 0 else p for s, p in room.points.items()}
    assert {row["max"] for row in found.values()} == {str(ALL)}


def test_only_what_needs_a_human_is_listed(room: Room, out: Path) -> None:
    found = grades(out)
    assert {s for s, row in found.items() if row["status"] == "review"} == room.reviewed


def test_every_mutant_loses_points_and_is_named(
    out: Path, exercise: Exercise, pairs: dict[str, tuple[str, str]]
) -> None:
    store = sqlite3.connect(out / "results.sqlite")
    rows = store.execute("SELECT student, tasks FROM grade").fetchall()
    verdicts = {student: json.loads(tasks) for student, tasks in rows}
    store.close()
    for name in pairs:
        for task, mistake in zip(verdicts[name.replace("/", "_")], name.split(), strict=True):
            assert task["mistake"] == mistake
            assert task["sure"]
            assert not all(check["passed"] for check in task["checks"])


def test_the_spy_got_nothing(out: Path) -> None:
    assert "the spy got []" in (out / "spy" / "04_momentum.html").read_text()


def test_tampering_is_noted(out: Path) -> None:
    for student, word in (("edited blank", "edited"), ("deleted right", "deleted")):
        assert word in (out / student / "04_momentum.html").read_text()


def test_pages_are_escaped_and_keep_hidden_inputs(
    room: Room, out: Path, exercise: Exercise
) -> None:
    folders = folder_names(room.points)
    for student in room.points:
        page = (out / folders[student] / "04_momentum.html").read_text()
        assert "<script" not in page
        assert "default-src 'none'" in page
        assert str(SEED) not in page
        for check in exercise.cells:
            assert check.role != "hidden" or check.source not in page
    assert "&lt;script&gt;alert(1)" in (out / "script" / "04_momentum.html").read_text()


def test_class_page_adds_up(room: Room, out: Path, exercise: Exercise) -> None:
    page = (out / "class.html").read_text()
    assert f"<dt>submissions</dt><dd>{len(room.points)}</dd>" in page
    assert "<script" not in page
    assert "the answer cell of 04.1 is missing" in page
    right = sum(row["points"] == str(ALL) for row in grades(out).values())
    assert re.search(rf'number">{ALL}</td><td class="number">{right}</td>', page)
    says = next(m.says for m in exercise.mistakes if m.id == "04.1/no-memory")
    assert says in page


def test_page_of_the_honest_has_no_fault(out: Path) -> None:
    page = (out / "honest" / "04_momentum.html").read_text()
    assert "✗" not in page
    assert re.search(r"13\s+of\s+13", page)


def test_nothing_changed_means_nothing_graded_again(room: Room, out: Path) -> None:
    rows = (out / "grades.csv").read_bytes()
    result = grade(out.parent / "in", out, "--time", "5")
    assert f"Graded 0, kept {len(room.points)}" in result.stdout
    assert (out / "grades.csv").read_bytes() == rows


def test_sources_never_reach_the_results(out: Path, solution: tuple[str, str]) -> None:
    secret = [line.strip() for line in SOURCE.read_text().split("\n") if "u_new = " in line]
    for path in out.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(line.encode() in content for line in secret)
