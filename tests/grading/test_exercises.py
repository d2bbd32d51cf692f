"""Every exercise: right gets all, blank nothing, each known mistake its name, however it is asked.

`lecopt check`, `check(…)` in a running notebook and `lecopt grade` are asked about the same papers.
Each paper holds one mutant of every task, so that a class of few papers holds all mutants.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import nbformat
import pytest
from grading.helpers import ROOT, SEED, Notebook, cell, hand_in, lecopt
from nbclient import NotebookClient

from lecopt.grading.checking import Checked, check_notebook
from lecopt.grading.exercise import Exercise
from lecopt.grading.feedback import TaskVerdict
from lecopt.grading.results import results
from lecopt.grading.sandbox import Sandbox
from lecopt.grading.source import read_source
from lecopt.grading.store import Store
from lecopt.grading.words import words

SOURCES = sorted((ROOT / "exercises" / "source").glob("*.md"))
HINTS = 9


@dataclass(frozen=True)
class Book:
    """An exercise, its notebook as students get it, and papers: {name: one answer a task}."""

    exercise: Exercise
    released: Notebook
    papers: dict[str, dict[str, str]]

    def paper(self, name: str) -> Notebook:
        paper = copy.deepcopy(self.released)
        for task in self.exercise.tasks:
            cell(paper, task.answer.id)["source"] = self.papers[name][task.id]
        return paper

    def expected(self, name: str, task: str) -> str:
        """Return the mistake that a paper makes in a task."""
        return next((word for word in name.split() if word.startswith(task)), "")


@pytest.fixture(scope="module", params=SOURCES, ids=lambda path: path.stem)
def book(request: pytest.FixtureRequest) -> Book:
    exercise = read_source(request.param).exercise
    path = ROOT / "exercises" / f"{exercise.name}.ipynb"
    papers = {
        "solution": dict(exercise.solutions),
        "blank": {task.id: task.answer.source for task in exercise.tasks},
    }
    for row in zip_longest(*(task.mistakes for task in exercise.tasks)):
        mistakes = [one or task.mistakes[0] for one, task in zip(row, exercise.tasks, strict=True)]
        papers[" ".join(one.id for one in mistakes)] = {one.task: one.source for one in mistakes}
    return Book(exercise, json.loads(path.read_bytes()), papers)


@pytest.fixture(scope="module")
def checked(book: Book, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checked]:
    """What `lecopt check` finds in each paper."""
    path = tmp_path_factory.mktemp("check") / f"{book.exercise.name}.ipynb"
    found = {}
    for name in book.papers:
        path.write_text(json.dumps(book.paper(name)), encoding="utf-8")
        found[name] = check_notebook(path)
    return found


@pytest.fixture(scope="module")
def graded(
    book: Book, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[TaskVerdict, ...]]:
    """What `lecopt grade` finds in a class that handed the papers in."""
    folder = tmp_path_factory.mktemp("grade")
    students = {f"student-{number:02d}": name for number, name in enumerate(book.papers)}
    for student, name in students.items():
        path = hand_in(folder / "class", student, book.paper(name))
        path.rename(path.with_name(f"{book.exercise.name}.ipynb"))
    out = folder / "out"
    result = lecopt(
        "grade", folder / "class", "--out", out, "--source", SOURCES[0].parent,
        "--exercise", book.exercise.number, "--seed", SEED, "--workers", "2",
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    store = Store(out / "results.sqlite")
    found = {students[one.student]: one.grade.tasks for one in results(store) if one.grade}
    store.close()
    return found


@pytest.fixture(scope="module")
def live(book: Book, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `check(…)` says of each paper in a running notebook."""
    folder = tmp_path_factory.mktemp("live")
    path = folder / f"{book.exercise.name}.ipynb"
    path.write_text(json.dumps(book.released), encoding="utf-8")
    tasks = ", ".join(repr(task.id) for task in book.exercise.tasks)
    said = {}
    with Sandbox("none") as place:
        kernel = place.kernel()
        client = kernel.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)

        def run(source: str) -> str:
            heard: list[str] = []

            def listen(message: dict[str, dict[str, str]]) -> None:
                content = message["content"]
                heard.append(content.get("text", "") + content.get("evalue", ""))

            client.execute_interactive(source, output_hook=listen, timeout=60)
            return "".join(heard)

        run(f"import os; os.chdir({str(folder)!r}); os.environ.pop('JPY_SESSION_NAME', None)")
        run(f"import warnings; warnings.simplefilter('ignore')\n{book.exercise.setup}")
        for name, answers in book.papers.items():
            run("\n\n".join(answers.values()))
            said[name] = run(f"from lecopt.grading import check\ncheck({tasks}, hints={HINTS})")
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    return said


def test_every_answer_gets_its_points_and_its_name(
    book: Book, checked: dict[str, Checked], graded: dict[str, tuple[TaskVerdict, ...]]
) -> None:
    assert set(checked) == set(graded) == set(book.papers)
    for name in book.papers:
        for task in (*checked[name].tasks, *graded[name]):
            expected = book.expected(name, task.id)
            assert task.mistake == expected, (name, task)
            assert task.sure == bool(expected)
            assert task.passed == (name == "solution")
            assert task.earned == 0 or name != "blank"
        assert checked[name].notes == ()


def test_all_mutants_were_asked_about(book: Book, checked: dict[str, Checked]) -> None:
    named = {task.mistake for paper in checked.values() for task in paper.tasks}
    assert named == {"", *(mistake.id for mistake in book.exercise.mistakes)}


def test_check_in_a_notebook_says_what_the_command_says(
    book: Book, checked: dict[str, Checked], live: dict[str, str]
) -> None:
    for name, found in checked.items():
        assert live[name].strip() == words(found.tasks, HINTS).strip()


def test_grade_gives_what_check_gives(
    checked: dict[str, Checked], graded: dict[str, tuple[TaskVerdict, ...]]
) -> None:
    """On the checks that students have; the grader has other numbers, and more checks."""
    for name, found in checked.items():
        for ours, theirs in zip(found.tasks, graded[name], strict=True):
            public = [one for one in theirs.checks if not one.hidden]
            assert [one.id for one in ours.checks] == [one.id for one in public]
            assert ours.mistake == theirs.mistake


def test_hints_lead_from_a_nudge_to_the_mend(book: Book) -> None:
    for task in book.exercise.tasks:
        assert len(task.mistakes) >= 4
        assert len({mistake.says for mistake in task.mistakes}) == len(task.mistakes)
        for mistake in task.mistakes:
            assert len(mistake.hints) >= 2
            assert len(set(mistake.hints)) == len(mistake.hints)


def test_notebook_runs_from_top_to_bottom(book: Book, tmp_path: Path) -> None:
    """With the answers written, every cell runs, pictures and check cells too."""
    path = tmp_path / f"{book.exercise.name}.ipynb"
    path.write_text(json.dumps(book.paper("solution")), encoding="utf-8")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for one in notebook.cells for output in one.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 1
    printed = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    assert printed.count("All passed. Well done!") == len(book.exercise.tasks)


def test_verify_proves_it(book: Book) -> None:
    path = SOURCES[0].parent / f"{book.exercise.name}.md"
    result = lecopt("exercise", "verify", path, "--seeds", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("solution") == 2 * len(book.exercise.tasks)
