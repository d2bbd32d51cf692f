"""`lecopt exercise new`: what it writes is proved, taught and never written over."""

from __future__ import annotations

from pathlib import Path

import jupytext
import pytest
from grading.helpers import lecopt, told

from lecopt.grading.source import OPTIONS, read_source


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("author") / "my exercises"
    result = lecopt("exercise", "new", "08_line_search", "--title", "Größe: 1", "--out", folder)
    assert result.returncode == 0, result.stderr
    assert str(folder / "08_line_search.md") in result.stdout
    return folder


def test_a_new_exercise_passes_verify(folder: Path) -> None:
    path = folder / "08_line_search.md"
    result = lecopt("exercise", "verify", path, "--seeds", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    exercise = read_source(path).exercise
    assert (exercise.number, exercise.title, exercise.seed) == ("08", "Größe: 1", 8)
    assert [(task.id, task.points, len(task.mistakes)) for task in exercise.tasks] == [
        ("08.1", 3, 4)
    ]


def test_it_shows_every_tag_and_keeps_its_comments_from_students(
    folder: Path, tmp_path: Path
) -> None:
    path = folder / "08_line_search.md"
    notebook = jupytext.read(path, fmt="md:myst")
    tags = {tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])}
    assert tags == set(OPTIONS)
    for tag in tags:
        assert f"# {tag}: " in path.read_text(encoding="utf-8"), "a comment that explains the tag"
    assert lecopt("exercise", "release", path, "--out", tmp_path).returncode == 0
    released = tmp_path / "08_line_search.ipynb"
    assert "reaches nobody else" not in released.read_text(encoding="utf-8")
    assert "# answer: " not in released.read_text(encoding="utf-8")
    assert "@" not in released.read_text(encoding="utf-8")
    assert told({"released": released.read_bytes()}, [path]) == []


def test_it_writes_over_nothing(folder: Path) -> None:
    path = folder / "08_line_search.md"
    before = path.read_bytes()
    result = lecopt("exercise", "new", "08_line_search", "--out", folder)
    assert result.returncode == 2
    assert "is there already" in result.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["line_search", "8_line", "08-line", "08_", "../08_line", "08_Ü"])
def test_a_name_that_would_not_do_is_refused(name: str, tmp_path: Path) -> None:
    result = lecopt("exercise", "new", name, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "such as 05_nesterov" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_title_that_would_break_the_header_is_refused(tmp_path: Path) -> None:
    result = lecopt("exercise", "new", "08_x", "--title", 'a "b"', "--out", tmp_path)
    assert result.returncode == 2
    assert "one line without quotes" in result.stderr


def test_without_a_title_the_name_gives_one(tmp_path: Path) -> None:
    assert lecopt("exercise", "new", "05_nesterov_ahead", "--out", tmp_path).returncode == 0
    assert read_source(tmp_path / "05_nesterov_ahead.md").exercise.title == "Nesterov ahead"


def test_verify_wants_four_mutants_a_task(folder: Path, tmp_path: Path) -> None:
    text = (folder / "08_line_search.md").read_text(encoding="utf-8")
    start = text.rindex("```{code-cell} ipython3\n---\ntags: [mutant]")
    path = tmp_path / "08_line_search.md"
    path.write_text(text[:start], encoding="utf-8")
    result = lecopt("exercise", "verify", path, "--seeds", "0")
    assert result.returncode == 1
    assert "task 08.1 has 3 mutants; it needs 4 or more" in result.stderr
