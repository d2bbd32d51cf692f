"""The same exercises for nbgrader: a course folder that its own commands take.

nbgrader runs tests inside the student's kernel. So each of our checks becomes a test cell whose
hidden part runs the check once more, on a private seed, and compares a digest of what `show`
printed. The digests do not tell the answers; but code of a student's that looks for them, or that
replaces what Python compares with, can cheat as it can cheat any such test. `lecopt grade`
compares outside the kernel, and can not be reached like this.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from lecopt.grading.exercise import MARK, Cell, Exercise, ExerciseError, Outputs, digest
from lecopt.grading.outputs import expected_outputs
from lecopt.grading.release import student_notebook
from lecopt.grading.source import STUB, Source, read_source

CONFIG = f"""\
# Made by `lecopt exercise release --nbgrader`. Run nbgrader's commands in this folder.
c = get_config()
c.CourseDirectory.course_id = "lecopt"
c.ClearSolutions.code_stub = {{"python": {STUB!r}}}
"""

TEST = """\
# The grader looks at this: {says}.
### BEGIN HIDDEN TESTS
def _shows(setup, check, wanted):
    import contextlib, hashlib, io

    names, printed = dict(globals()), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        exec(setup, names)
        exec(check, names)
    lines = printed.getvalue().split("\\n")
    text = "".join(line[line.index({mark!r}) :] + "\\n" for line in lines if {mark!r} in line)
    return hashlib.sha256(text.encode()).hexdigest()[:16] == wanted


assert _shows({setup!r}, {check!r}, {wanted!r}), "not what it should be"
### END HIDDEN TESTS"""


def marked(cell: NotebookNode, **options: Any) -> NotebookNode:
    """Return a cell with nbgrader's metadata: locked, neither solution nor test, unless told."""
    metadata = {"schema_version": 3, "locked": True, "solution": False, "grade": False}
    cell.metadata["nbgrader"] = {**metadata, "task": False, "grade_id": cell.id, **options}
    return cell


def points_cell(exercise: Exercise, check: Cell, seed: int, wanted: str) -> NotebookNode:
    """Return the cell in which nbgrader gives the points of one check."""
    setup = f"{exercise.setup}\n\nseed = {seed}\n"
    source = TEST.format(
        says=check.says, mark=MARK, setup=setup, check=check.source, wanted=digest(wanted)
    )
    cell = v4.new_code_cell(source, id=f"{check.id}-points")
    return marked(cell, grade=True, points=check.points)


def cells(
    source: Source, student: NotebookNode, seed: int, private: Outputs
) -> Iterator[NotebookNode]:
    """Yield the instructor's cells: the student's, solved, and the points after each task."""
    exercise = source.exercise
    answers = {task.answer.id: task for task in exercise.tasks}
    last = {[c.id for c in t.checks if c.role == "check"][-1]: t for t in exercise.tasks}
    for cell in student.cells:
        role = cell.metadata.get("lecopt", {}).get("role", "")
        if cell.id in answers:
            cell.source = exercise.solutions[answers[cell.id].id]
            marked(cell, solution=True, locked=False)
        elif role in ("setup", "check"):
            marked(cell)
        yield cell
        if cell.id in last:
            for check in last[cell.id].checks:
                yield points_cell(exercise, check, seed, private.solution[check.id])


def instructor_notebook(path: Path, seed: int) -> NotebookNode:
    """Return what `nbgrader generate_assignment` makes the student's notebook from."""
    source = read_source(path)
    exercise = source.exercise
    public, private = (expected_outputs(exercise, s, "none") for s in (exercise.seed, seed))
    notebook = student_notebook(source, public)
    notebook.cells = list(cells(source, notebook, seed, private))
    nbformat.validate(notebook)
    return notebook


def write_course(paths: list[Path], folder: Path, seed: int) -> Iterator[Path]:
    """Write a course folder for nbgrader, and yield what was written.

    A configuration that is there already is left as it is.
    """
    config = folder / "nbgrader_config.py"
    if folder.exists() and not folder.is_dir():
        raise ExerciseError(f"{folder}: is a file; name a folder for the course")
    for path in paths:
        notebook = instructor_notebook(path, seed)
        target = folder / "source" / path.stem / f"{path.stem}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        text = nbformat.writes(notebook) + "\n"
        target.write_text(text, encoding="utf-8", newline="\n")
        yield target
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8")
        yield config
