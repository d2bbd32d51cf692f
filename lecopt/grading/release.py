"""Make the student's notebook from the author's source, the same bytes every time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from lecopt.grading.exercise import KEY, Cell, Exercise, ExerciseError, Outputs, digest
from lecopt.grading.outputs import expected_outputs
from lecopt.grading.source import BEGIN, END, Source, read_source

FIXED = ("setup", "check")


def student_cell(cell: Cell) -> NotebookNode:
    """Return a code cell, its id kept in the metadata too: some tools drop ids."""
    metadata: dict[str, Any] = {KEY: {"id": cell.id, "role": cell.role}}
    if cell.role in FIXED:
        metadata |= {"editable": False, "deletable": False}
    if cell.role == "answer":
        metadata |= {"deletable": False}
    return v4.new_code_cell(cell.source, id=cell.id, metadata=metadata)


def prose_cell(name: str, text: str) -> NotebookNode:
    """Return a text cell, with a digest by which a student's own words in it are noticed."""
    metadata = {KEY: {"id": name, "role": "prose", "digest": digest(text)}}
    return v4.new_markdown_cell(text, id=name, metadata=metadata)


def student_notebook(source: Source, outputs: Outputs) -> NotebookNode:
    """Return the notebook that a student opens."""
    exercise = source.exercise
    cells = {cell.id: cell for cell in exercise.public().cells}
    pages = []
    for number, (kind, what) in enumerate(source.pages, start=1):
        if kind == "prose":
            pages.append(prose_cell(f"{exercise.number}-prose-{number}", what))
        else:
            pages.append(student_cell(cells[what]))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {
        "kernelspec": kernel,
        "language_info": {"name": "python"},
        KEY: exercise.to_metadata(outputs),
    }
    return v4.new_notebook(cells=pages, metadata=metadata)


def secret_lines(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """Yield (where from, line) for each line that no student may read."""
    for task in exercise.tasks:
        lines = exercise.solutions[task.id].split("\n")
        marks = [i for i, line in enumerate(lines) if line.strip() in (BEGIN, END)]
        yield from ((f"the solution of {task.id}", x) for x in lines[marks[0] : marks[1] + 1])
        for check in task.checks:
            if check.role == "hidden":
                yield f"the hidden check {check.id}", check.source
        for mistake in task.mistakes:
            given = task.answer.source
            lines = [x for x in mistake.source.split("\n") if x.strip() and x not in given]
            yield from ((f"the mutant {mistake.id}", line) for line in lines)


def leaks(exercise: Exercise, text: str) -> list[str]:
    """Return what a text (raw, or JSON) tells of the secrets of an exercise.

    A line counts when it says something: 16 characters or more without its indent.
    """
    found = []
    for where, line in secret_lines(exercise):
        bare = line.strip()
        escaped = (json.dumps(bare)[1:-1], json.dumps(bare, ensure_ascii=False)[1:-1])
        if len(bare) >= 16 and any(form in text for form in (bare, *escaped)):
            found.append(f"{where}: {bare[:60]}")
    return found


def release_text(path: Path) -> str:
    """Return the student's notebook for a source file, as text; raise ExerciseError on a leak."""
    source = read_source(path)
    return notebook_text(
        path, source, expected_outputs(source.exercise, source.exercise.seed, "none")
    )


def notebook_text(path: Path, source: Source, outputs: Outputs) -> str:
    """Return the student's notebook, given what its checks print."""
    notebook = student_notebook(source, outputs)
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    found = leaks(source.exercise, text)
    if found:
        raise ExerciseError(f"{path}: the student's notebook would hold {'; '.join(found)}")
    return text
