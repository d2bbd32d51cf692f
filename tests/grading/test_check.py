"""`lecopt check` on right, wrong, untidy and broken notebooks: what it says, how it exits."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from grading.helpers import NOTEBOOK, Notebook, cell, code, fill, lecopt

from lecopt.grading import check as check_here
from lecopt.grading.exercise import Exercise, ExerciseError


def write(folder: Path, notebook: Notebook) -> Path:
    path = folder / "04_momentum.ipynb"
    path.write_text(json.dumps(notebook))
    return path


@pytest.fixture(scope="module")
def checked(
    tmp_path_factory: pytest.TempPathFactory,
    released: Notebook,
    solution: tuple[str, str],
    blank: tuple[str, str],
    pairs: dict[str, tuple[str, str]],
) -> dict[str, tuple[int, str]]:
    """Run `lecopt check` on each known pair of answers: {name: (exit code, what it says)}."""

    def run(item: tuple[str, tuple[str, str]]) -> tuple[str, tuple[int, str]]:
        folder = tmp_path_factory.mktemp("check")
        result = lecopt("check", write(folder, fill(released, *item[1])), "--hints", "2")
        return item[0], (result.returncode, result.stdout + result.stderr)

    everything = {"solution": solution, "blank": blank, **dict([*pairs.items()][:2])}
    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(run, everything.items()))


def test_solution_passes(checked: dict[str, tuple[int, str]]) -> None:
    status, said = checked["solution"]
    assert status == 0, said
    assert "All passed" in said


def test_blank_fails_and_is_told_so_kindly(checked: dict[str, tuple[int, str]]) -> None:
    status, said = checked["blank"]
    assert status == 1
    assert "✓" not in said
    assert "It is not written yet." in said


def test_mutants_fail_and_are_named_with_their_hints(
    checked: dict[str, tuple[int, str]], exercise: Exercise
) -> None:
    by_id = {mistake.id: mistake for mistake in exercise.mistakes}
    seen = set()
    for name, (status, said) in checked.items():
        flat = " ".join(said.split())
        for mistake in (by_id[word] for word in name.split() if word in by_id):
            seen.add(mistake.id)
            assert status == 1
            assert f"This looks like: {mistake.says}" in flat
            for hint in mistake.hints:
                assert hint in flat
    assert len(seen) == 4


def test_an_unknown_task_is_an_error_in_words(
    tmp_path: Path, released: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, released)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExerciseError, match=r"no exercise with a task '04\.9'"):
        check_here("04.9")


def test_right_but_chatty_untidy_and_warning(
    tmp_path: Path, released: Notebook, solution: tuple[str, str]
) -> None:
    """A forgotten print, a helper, a warning, another kernel's name: none is a wrong answer."""
    first, second = solution
    chatty = first.replace("u_new =", "print('u was', u, end='')\n    u_new =")
    warns = "import warnings\nwarnings.warn('mind the gap')\nfrom lecopt.grading import check\n"
    helper = code("def renewed(u, g, eta, gamma):\n    return gamma * u + eta * g")
    notebook = fill(
        released,
        warns
        + chatty.replace("gamma * u + eta * grad(theta)", "renewed(u, grad(theta), eta, gamma)"),
        second,
    )
    notebook["cells"].insert(1, helper)
    notebook["metadata"]["kernelspec"] = {"name": "julia-1.11", "display_name": "Julia"}
    result = lecopt("check", write(tmp_path, notebook))
    assert result.returncode == 0, result.stdout + result.stderr


def test_edited_checks_do_not_count(
    tmp_path: Path, released: Notebook, blank: tuple[str, str]
) -> None:
    notebook = fill(released, *blank)
    cell(notebook, "04-1-check-1")["source"] = "print('all right')"
    notebook["cells"].remove(cell(notebook, "04-1-check-2"))
    result = lecopt("check", write(tmp_path, notebook))
    assert result.returncode == 1
    assert "edited, so the original counts: 04-1-check-1" in result.stdout
    assert "deleted, so the original counts: 04-1-check-2" in result.stdout


BROKEN = {
    "not JSON": ("plain words", "not JSON"),
    "empty": ("", "not JSON"),
    "a list": ("[1, 2]", "not a notebook"),
    "no cells": ('{"nbformat": 4, "metadata": {}}', "no cells"),
    "another notebook": ('{"nbformat": 4, "metadata": {}, "cells": []}', "fresh copy"),
    "damaged": (
        '{"nbformat": 4, "cells": [], "metadata": {"lecopt": {"exercise": 4, "version": 1}}}',
        "damaged",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_unreadable_notebook_is_exit_2_and_words(kind: str, tmp_path: Path) -> None:
    text, message = BROKEN[kind]
    path = tmp_path / "broken.ipynb"
    path.write_text(text)
    result = lecopt("check", path)
    assert result.returncode == 2
    assert str(path) in result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_missing_notebook_is_exit_2(tmp_path: Path) -> None:
    result = lecopt("check", tmp_path / "none.ipynb")
    assert result.returncode == 2
    assert "No such file" in result.stderr
    assert lecopt("check").returncode == 2


def test_check_changes_nothing_in_the_folder(tmp_path: Path, released: Notebook) -> None:
    path = write(tmp_path, released)
    before = path.read_bytes()
    assert lecopt("check", path).returncode == 1
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert NOTEBOOK.exists()
