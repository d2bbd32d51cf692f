"""One class with honest, wrong, broken and hostile submissions: each gets its honest verdict.

Hostile code here is small and ends by itself: a loop gives up after a minute, a flood after 30 MB.
"""

from __future__ import annotations

import copy
import json
import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from grading.helpers import (
    SEED,
    SOURCE,
    Notebook,
    cell,
    code,
    fill,
    grade,
    grades,
    hand_in,
    left_running,
)

from lecopt.grading.exercise import Exercise

FIRST, SECOND, ALL = 7, 6, 13
LOOP = """
import time
end = time.time() + 60
while time.time() < end:
    try:
        time.sleep(0.1)
    except BaseException:
        pass
"""
LINGER = """
import os, threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=False).start()
if os.fork() == 0:
    time.sleep(60)
    os._exit(0)
"""
PATCHED = """
import builtins, sys
import numpy as np
from IPython import get_ipython
shell = get_ipython()
class Anything(float):
    __eq__ = lambda self, other: True
    __hash__ = float.__hash__
builtins.print = lambda *words, **options: sys.stdout.write("› theta = [0, 0]\\n")
np.asarray = lambda *given, **options: np.zeros(2)
np.random.default_rng = lambda *seed: np.random.RandomState(4)
np.allclose = np.array_equal = lambda *given, **options: True
sys.displayhook = shell.display_formatter.format = lambda *given: None
shell.showtraceback = shell._showtraceback = lambda *given, **options: None
shell.input_transformers_cleanup.append(lambda lines: ["0\\n"] if "show(" in lines[-1] else lines)
"""

Edit = Callable[[Notebook], None]


class Room:
    """A class: what is handed in, and what it should get."""

    def __init__(
        self, released: Notebook, solution: tuple[str, str], blank: tuple[str, str]
    ) -> None:
        self.right = fill(released, *solution)
        self.blank = fill(released, *blank)
        self.solution = solution
        self.points: dict[str, int] = {}
        self.papers: dict[str, Notebook | str | bytes] = {}
        self.reviewed: set[str] = set()

    def add(
        self, student: str, paper: Notebook | str | bytes, points: int, *, human: bool = False
    ) -> None:
        self.papers[student] = paper
        self.points[student] = points
        if human:
            self.reviewed.add(student)

    def edited(
        self, student: str, edit: Edit, points: int, *, right: bool = True, human: bool = False
    ) -> None:
        paper = copy.deepcopy(self.right if right else self.blank)
        edit(paper)
        self.add(student, paper, points, human=human)

    def first(self, student: str, answer: str, points: int) -> None:
        """Hand in another answer to the first task, and the right one to the second."""
        paper = copy.deepcopy(self.right)
        cell(paper, "04-1-answer")["source"] = answer
        self.add(student, paper, points)

    def write(self, folder: Path) -> None:
        for student, paper in self.papers.items():
            hand_in(folder, student, paper)


def checks_of(paper: Notebook) -> list[dict[str, object]]:
    return [one for one in paper["cells"] if "-check-" in one["id"]]


def delete_checks(paper: Notebook) -> None:
    paper["cells"] = [one for one in paper["cells"] if one not in checks_of(paper)]


def edit_checks(paper: Notebook) -> None:
    for one in checks_of(paper):
        one["source"] = "assert True\nprint('› theta = [1, 1]')"


def double_checks(paper: Notebook) -> None:
    paper["cells"] += copy.deepcopy(paper["cells"])


def tag_everything(paper: Notebook) -> None:
    tags = ["raises-exception", "nbval-skip", "nbval-ignore-output", "skip-execution"]
    for one in paper["cells"]:
        one["metadata"]["tags"] = tags
        if one["cell_type"] == "code":
            one["source"] = "# NBVAL_IGNORE_OUTPUT\n" + one["source"]


def skip_answers(paper: Notebook) -> None:
    for name in ("04-1-answer", "04-2-answer"):
        cell(paper, name)["source"] = "# NBVAL_SKIP\n" + cell(paper, name)["source"]


def drop_ids(paper: Notebook) -> None:
    for one in paper["cells"]:
        del one["id"]
        one["metadata"] = {}
    paper["nbformat_minor"] = 4


def same_id(paper: Notebook) -> None:
    for one in paper["cells"]:
        one["id"] = "same"


def reorder(paper: Notebook) -> None:
    paper["cells"].reverse()


def drop_first_answer(paper: Notebook) -> None:
    paper["cells"].remove(cell(paper, "04-1-answer"))


def old_format(paper: Notebook) -> str:
    """Write the notebook as nbformat 3 did."""
    cells = []
    for one in paper["cells"]:
        if one["cell_type"] == "code":
            given = {"input": one["source"], "metadata": one["metadata"], "outputs": []}
            cells += [{"cell_type": "code", "language": "python", "collapsed": False, **given}]
    sheet = {"cells": cells, "metadata": {}}
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [sheet]})


def foreign_kernel(paper: Notebook) -> None:
    paper["metadata"]["kernelspec"] = {"name": "bash", "display_name": "Bash"}
    paper["metadata"]["lecopt"] = {"outputs": "mine"}


def pictures(paper: Notebook) -> None:
    source = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n3"
    paper["cells"].insert(1, code(source))


def helper_and_debug(paper: Notebook) -> None:
    answer = cell(paper, "04-1-answer")
    answer["source"] = answer["source"].replace(
        "u_new = gamma * u", "print('in', theta, end='')\n    u_new = faded(gamma, u)"
    )
    where = paper["cells"].index(answer) + 1
    paper["cells"].insert(where, code("def faded(gamma, u):\n    return gamma * u", "helper"))


def call_my_step(paper: Notebook) -> None:
    answer = cell(paper, "04-2-answer")
    lines = (
        "            u = gamma * u + eta * loss_gradient(theta)\n            theta = theta - u\n"
    )
    assert lines in answer["source"]
    call = "            theta, u = momentum_step(theta, u, loss_gradient, eta, gamma)\n"
    answer["source"] = answer["source"].replace(lines, call)


SCRIPT = "<script>alert(1)</script>"


def script_everywhere(paper: Notebook) -> None:
    answer = cell(paper, "04-1-answer")
    error = f"type({SCRIPT!r}, (Exception,), {{}})(momentum_step, seed, {SCRIPT!r})"
    answer["source"] = f"def momentum_step(*given):\n    raise {error}\n"
    answer["outputs"] = [{"output_type": "stream", "name": "stdout", "text": SCRIPT}]
    paper["cells"].insert(0, {"cell_type": "markdown", "id": "x", "metadata": {}, "source": SCRIPT})


def tell_the_numbers(paper: Notebook) -> None:
    answer = cell(paper, "04-1-answer")
    answer["source"] = (
        "def momentum_step(theta, *given):\n    print('› seed =', seed)\n"
        "    raise ValueError(f'{seed} {theta}')\n"
    )
    paper["cells"].insert(1, code("raise ValueError(f'the seed is {seed}')"))


def fake_prints(paper: Notebook) -> None:
    for number, one in enumerate(("04-1-answer", "04-2-answer")):
        shown = paper["metadata"]["lecopt"]["outputs"]
        text = "".join(text for name, text in shown.items() if name.startswith(f"04-{number + 1}"))
        cell(paper, one)["source"] = (
            f"print({text!r})\ndef momentum_step(*given):\n    print({text!r})"
        )


def rename(paper: Notebook) -> None:
    answer = cell(paper, "04-1-answer")
    answer["source"] = answer["source"].replace("momentum_step", "step_of_momentum")


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
    room.add("format 3", old_format(right), ALL)
    room.add("surrogate", json.dumps(right).replace("One step", "\\ud800"), ALL)
    room.first("syntax", "def momentum_step(:", SECOND)
    room.first("loop", LOOP, SECOND)
    room.first("exit", "import os\nos._exit(0)", SECOND)
    kill = "import os, signal\nos.kill(os.getppid() or os.getpid(), signal.SIGKILL)\nos._exit(1)"
    room.first("kill", kill, SECOND)
    room.first("flood", "for _ in range(3):\n    print('x' * 10_000_000, flush=True)", SECOND)
    room.first("memory", "memory = [0] * 500_000_000", SECOND)
    room.first("magic", "%%nosuch\n" + solution[0], SECOND)
    room.first("linger", LINGER + solution[0], ALL)
    room.first("warns", "import warnings\nwarnings.warn('mind')\n" + solution[0], ALL)
    room.first("patched", PATCHED, 0)
    room.edited("patched blank", lambda p: p["cells"].insert(1, code(PATCHED)), 0, right=False)
    room.edited("fake prints", fake_prints, 0, right=False)
    for name, edit in {
        "deleted": delete_checks, "edited": edit_checks, "doubled": double_checks,
        "tagged": tag_everything, "skipped": skip_answers,
    }.items():  # fmt: skip
        room.edited(f"{name} right", edit, ALL)
        room.edited(f"{name} blank", edit, 0, right=False)
    room.edited("no ids", drop_ids, ALL)
    room.edited("same ids", same_id, ALL)
    room.edited("reordered", reorder, ALL)
    room.edited("renamed", rename, SECOND)
    room.edited("no answer", drop_first_answer, SECOND, human=True)
    room.edited("foreign kernel", foreign_kernel, ALL)
    room.edited("pictures", pictures, ALL)
    room.edited("helper", helper_and_debug, ALL)
    room.edited("calls", call_my_step, ALL)
    room.edited("script", script_everywhere, SECOND)
    room.edited("teller", tell_the_numbers, SECOND)
    room.edited("Žofie Ö 学生 <b>&\"'", lambda _: None, ALL)
    return room


@pytest.fixture(scope="module")
def out(room: Room, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grade the class, once."""
    base = tmp_path_factory.mktemp("class")
    room.write(base / "in")
    others = base / "in" / "own files" / "04_momentum.ipynb"
    hand_in(base / "in", "own files", room.blank)
    for name in ("conftest.py", "numpy.py", "sitecustomize.py"):
        (others.parent / name).write_text("raise SystemExit('not mine')")
    room.points["own files"] = 0
    (base / "in" / "link").mkdir()
    (base / "in" / "link" / "04_momentum.ipynb").symlink_to(base / "in" / "honest" / others.name)
    room.points["link"] = 0
    room.reviewed.add("link")
    scratch = base / "tmp"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    result = grade(base / "in", base / "out", "--time", "5", env=environment)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{len(room.reviewed)} need a human" in result.stdout
    assert left_running(scratch) == []
    assert list(scratch.iterdir()) == []
    return base / "out"


def test_everyone_gets_the_honest_points(room: Room, out: Path, exercise: Exercise) -> None:
    found = grades(out)
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


def test_tampering_is_noted(out: Path) -> None:
    for student, word in (("edited blank", "edited"), ("deleted right", "deleted")):
        assert word in (out / student / "04_momentum.html").read_text()


def test_pages_are_escaped_and_keep_hidden_inputs(
    room: Room, out: Path, exercise: Exercise
) -> None:
    for student in room.points:
        page = (out / student / "04_momentum.html").read_text()
        assert "<script" not in page
        assert "default-src 'none'" in page
        assert str(SEED) not in page
        for check in exercise.cells:
            assert check.role != "hidden" or check.source not in page
    assert "&lt;script&gt;alert(1)" in (out / "script" / "04_momentum.html").read_text()


def test_class_page_adds_up(room: Room, out: Path, exercise: Exercise) -> None:
    page = (out / "class.html").read_text()
    assert f"{len(room.points)} submissions" in page
    assert "<script" not in page
    assert "the answer cell of 04.1 is missing" in page
    right = sum(row["points"] == str(ALL) for row in grades(out).values())
    assert re.search(rf'number">{ALL}</td>\s*<td><meter value="{right}"', page)
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
