"""What students are given: current, the same each time, and no secret in it."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import nbformat
import pytest
from grading.helpers import NOTEBOOK, NOTEBOOKS, ROOT, SOURCE, SOURCES, lecopt, told

from lecopt.grading.exercise import Exercise, ExerciseError
from lecopt.grading.release import leaks, release_text
from lecopt.grading.source import read_source


def test_committed_notebooks_are_what_their_sources_give(tmp_path: Path) -> None:
    result = lecopt("exercise", "release", "--out", tmp_path)
    assert result.returncode == 0, result.stderr
    for path in NOTEBOOKS:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), "run: make exercises"
    assert len(list(tmp_path.iterdir())) == len(NOTEBOOKS)


def test_every_source_has_its_notebook() -> None:
    assert [path.stem for path in SOURCES] == [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid_and_keeps_ids_in_metadata(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["metadata"]["lecopt"]["id"] == cell["id"]
            assert cell["outputs"] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_notebook_holds_a_line_of_a_secret(source: Path) -> None:
    exercise = read_source(source).exercise
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert "BEGIN SOLUTION" not in text
        if path.stem == source.stem:
            assert leaks(exercise, text) == []
            for cell in exercise.cells:
                assert (cell.id in text) == (cell.role != "hidden")


def built(kind: str, folder: Path) -> dict[str, bytes]:
    """Build the package, and return the files in it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.iterdir()
    if kind == "wheel":
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(path) as sdist:
        files = ((member.name, sdist.extractfile(member)) for member in sdist)
        return {name: file.read() for name, file in files if file is not None}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_package_tells_no_secret(kind: str, tmp_path: Path) -> None:
    files = built(kind, tmp_path)
    assert any(name.endswith("lecopt/grading/source.py") for name in files)
    assert told(files) == []


def test_tracked_files_tell_no_secret_but_the_sources() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = [ROOT / line for line in listed.stdout.splitlines() if not line.startswith("tests/")]
    files = {str(path.relative_to(ROOT)): path.read_bytes() for path in paths if path.is_file()}
    assert told(files) == [str(path.relative_to(ROOT)) for path in SOURCES]


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
