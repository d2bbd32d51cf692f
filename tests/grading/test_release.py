"""What students are given: current, the same each time, and no secret in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nbformat
import pytest
from grading.helpers import NOTEBOOK, ROOT, SOURCE, Notebook, lecopt

from lecopt.grading.exercise import Exercise, ExerciseError
from lecopt.grading.release import leaks, release_text


def test_committed_notebook_is_what_its_source_gives(tmp_path: Path) -> None:
    result = lecopt("exercise", "release", "--out", tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / NOTEBOOK.name).read_bytes() == NOTEBOOK.read_bytes(), (
        f"run: lecopt exercise release {SOURCE.relative_to(ROOT)}"
    )


def test_every_source_has_its_notebook() -> None:
    sources = {path.stem for path in SOURCE.parent.glob("*.md")}
    assert sources == {path.stem for path in NOTEBOOK.parent.glob("*.ipynb")}


def test_notebook_is_valid_and_keeps_ids_in_metadata(released: Notebook) -> None:
    nbformat.validate(nbformat.from_dict(released))
    ids = [cell["id"] for cell in released["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in released["cells"]:
        if cell["cell_type"] == "code":
            assert cell["metadata"]["lecopt"]["id"] == cell["id"]
            assert cell["outputs"] == []


def test_no_published_file_holds_a_secret(exercise: Exercise) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    published = [
        path
        for path in paths
        if path.suffix in (".ipynb", ".html", ".json", ".csv", ".md") and path != SOURCE
    ]
    assert NOTEBOOK in published
    for path in published:
        if path.is_file() and ROOT / "exercises" in path.parents:
            assert leaks(exercise, path.read_text(errors="replace")) == []


def test_no_secret_however_short_the_line(exercise: Exercise, released: Notebook) -> None:
    everything = json.dumps(released, ensure_ascii=False)
    assert "BEGIN SOLUTION" not in everything
    assert "hidden" not in json.dumps([c["metadata"] for c in released["cells"]])
    for cell in exercise.cells:
        assert (cell.id in everything) == (cell.role != "hidden")
    for mistake in exercise.mistakes:
        assert json.dumps(mistake.source, ensure_ascii=False)[1:-1] not in everything


def test_leaks_finds_a_planted_secret(exercise: Exercise) -> None:
    text = NOTEBOOK.read_text()
    secrets = (
        "u_new = gamma * u + eta * grad(theta)",
        'show("best gamma at a tiny learning rate", best_gamma(theta0, rng.uniform(1e-3, 2e-3)))',
        "theta -= u\n    return theta, u",
    )
    assert leaks(exercise, text + secrets[0])
    assert not leaks(exercise, text + secrets[1])  # a public check
    hidden = next(cell for cell in exercise.cells if cell.role == "hidden")
    assert leaks(exercise, text + json.dumps(hidden.source))


def test_release_refuses_a_leak(tmp_path: Path) -> None:
    path = tmp_path / "04_momentum.md"
    text = SOURCE.read_text()
    guess = "Before you write, guess"
    path.write_text(text.replace(guess, "`u_new = gamma * u + eta * grad(theta)`. " + guess))
    with pytest.raises(ExerciseError, match=r"the solution of 04\.1"):
        release_text(path)


def test_release_and_verify_refuse_checks_that_cannot_tell_right_from_wrong(tmp_path: Path) -> None:
    path = tmp_path / "04_momentum.md"
    mutant = "u_new = gamma * u + eta * grad(theta - gamma * u)"
    assert mutant in SOURCE.read_text()
    path.write_text(SOURCE.read_text().replace(mutant, "u_new = eta * grad(theta) + gamma * u"))
    message = "the public checks cannot tell 04.1/nesterov from solution"
    with pytest.raises(ExerciseError, match=message):
        release_text(path)
    result = lecopt("exercise", "verify", path, "--seeds", "0")
    assert result.returncode == 1
    assert message in result.stderr


def test_verify_proves_the_exercise() -> None:
    result = lecopt("exercise", "verify", SOURCE, "--seeds", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("solution") == 2 * 2
