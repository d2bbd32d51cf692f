"""The real nbgrader takes our exercises, and gives the points that our own checks give."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from grading.helpers import ROOT, SOURCES, Notebook, cell, lecopt, told
from nbgrader.api import Gradebook

from lecopt.grading.checking import check_notebook
from lecopt.grading.exercise import Exercise
from lecopt.grading.outputs import run_variants
from lecopt.grading.release import leaks
from lecopt.grading.source import read_source
from lecopt.grading.verify import prove_task

SEED = 4711
EXERCISES = {path.stem: read_source(path).exercise for path in SOURCES}


def nbgrader(course: Path, *args: str) -> None:
    command = [sys.executable, "-m", "nbgrader", *args]
    result = subprocess.run(
        command, cwd=course, capture_output=True, text=True, check=False, timeout=240
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder, with the students' versions that nbgrader itself made."""
    folder = tmp_path_factory.mktemp("nbgrader") / "the course"
    result = lecopt("exercise", "release", "--nbgrader", folder, "--seed", str(SEED))
    assert result.returncode == 0, result.stderr
    for name in EXERCISES:
        nbgrader(folder, "generate_assignment", name)
    return folder


def released(course: Path, name: str) -> Notebook:
    path = course / "release" / name / f"{name}.ipynb"
    notebook: Notebook = json.loads(json.dumps(nbformat.read(path, as_version=4)))
    return notebook


def papers(exercise: Exercise) -> dict[str, dict[str, str]]:
    """Return what two students write, one of whom is right, but noisy: {student: {task: …}}."""
    solution = dict(exercise.solutions)
    noisy = "import warnings\nwarnings.warn('mind the gap')\n"
    chatty = "\n    import warnings\n    warnings.warn('and mind the step')\n    "
    return {
        "right": {
            task: noisy + text.replace("### BEGIN SOLUTION", chatty, 1)
            for task, text in solution.items()
        },
        "wrong": {task.id: task.mistakes[0].source for task in exercise.tasks},
    }


@pytest.fixture(scope="module", params=SOURCES, ids=lambda path: path.stem)
def scores(
    request: pytest.FixtureRequest, course: Path
) -> dict[str, tuple[Counter[str], Counter[str]]]:
    """Submit, autograde, and read gradebook.db; put our own points beside: {student: {task: …}}."""
    name = request.param.stem
    exercise = EXERCISES[name]
    for student, answers in papers(exercise).items():
        notebook = copy.deepcopy(released(course, name))
        for task in exercise.tasks:
            cell(notebook, task.answer.id)["source"] = answers[task.id]
        path = course / "submitted" / student / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")
    nbgrader(course, "autograde", name)

    runs = run_variants(exercise, SEED, "none")
    proofs = (proof for task in exercise.tasks for proof in prove_task(exercise, task, runs, SEED))
    earned = {(proof.task, proof.variant): proof.graded.earned for proof in proofs}
    found = {}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        for student in papers(exercise):
            theirs, ours = Counter[str](), Counter[str]()
            for grade in book.find_submission_notebook(name, name, student).grades:
                theirs[grade.name.rpartition("-points")[0].split("-")[1]] += grade.score
            for task in exercise.tasks:
                variant = "solution" if student == "right" else task.mistakes[0].id
                ours[task.id.partition(".")[2]] += earned[task.id, variant]
            found[student] = (theirs, ours)
    return found


def test_nbgrader_gives_the_points_that_we_give(
    scores: dict[str, tuple[Counter[str], Counter[str]]],
) -> None:
    for student, (theirs, ours) in scores.items():
        assert theirs == ours, student
    assert scores["right"][0].total() > scores["wrong"][0].total() > 0


@pytest.mark.parametrize("name", EXERCISES)
def test_students_version_tells_nothing(name: str, course: Path) -> None:
    notebook = released(course, name)
    text = json.dumps(notebook, ensure_ascii=False)
    assert "HIDDEN TESTS" not in text
    assert "BEGIN SOLUTION" not in text
    assert "hashlib" not in text
    assert str(SEED) not in text
    assert leaks(EXERCISES[name], text) == []
    assert told({name: json.dumps(notebook).encode()}) == []
    assert told({name: (course / "source" / name / f"{name}.ipynb").read_bytes()}) == [name]


@pytest.mark.parametrize("name", EXERCISES)
def test_students_version_can_be_checked_like_ours(name: str, course: Path, tmp_path: Path) -> None:
    notebook = released(course, name)
    ours = nbformat.read(ROOT / "exercises" / f"{name}.ipynb", as_version=4)
    for task in EXERCISES[name].tasks:
        assert cell(notebook, task.answer.id)["source"] == task.answer.source
        cell(notebook, task.answer.id)["source"] = EXERCISES[name].solutions[task.id]
    assert {one["id"] for one in ours.cells} < {one["id"] for one in notebook["cells"]}
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    checked = check_notebook(path)
    assert checked.passed
    assert checked.notes == ()


def test_a_second_release_keeps_the_instructors_configuration(tmp_path: Path) -> None:
    config = tmp_path / "nbgrader_config.py"
    config.write_text("c = get_config()\n", encoding="utf-8")
    again = lecopt("exercise", "release", SOURCES[0], "--nbgrader", tmp_path)
    assert again.returncode == 0
    assert "The seed of the hidden tests is" in again.stdout
    assert config.read_text(encoding="utf-8") == "c = get_config()\n"


def test_options_that_contradict_each_other_are_exit_2(tmp_path: Path) -> None:
    for args in (["--seed", "1"], ["--out", tmp_path, "--nbgrader", tmp_path]):
        assert lecopt("exercise", "release", SOURCES[0], *args).returncode == 2
