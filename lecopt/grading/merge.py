"""Build what is graded: the canonical cells, with the student's code where it belongs.

Of a submission nothing counts but the source of code cells. A cell that the exercise came with is
recognised by its id (kept also in its metadata, since some tools drop ids), or by its text; if it
is not an answer it is left out, whatever was done to it, and the canonical one is run. Answers and
the student's own cells are run in the student's order.

Each task has a kernel of its own, so that one task's hang does not cost another its points. It runs
the student's cells up to that task, so that helpers and earlier answers are there to be called.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from lecopt.grading.exercise import KEY, Cell, Exercise, ExerciseError, Task

MAX_BYTES = 100 << 20


@dataclass(frozen=True)
class Step:
    """A cell to run: `kind` is setup, carried (a student's cell of an earlier task), own, check."""

    kind: str
    source: str
    check: str = ""


@dataclass(frozen=True)
class Group:
    """What the kernel of one task runs."""

    task: str
    steps: tuple[Step, ...]

    def alone(self) -> Group:
        """Return the group without the cells of earlier tasks, to be run if those break it."""
        return Group(self.task, tuple(step for step in self.steps if step.kind != "carried"))


@dataclass(frozen=True)
class Merged:
    """The groups; what was odd (`notes`); what a human must look at (`problems`)."""

    groups: tuple[Group, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class _Found:
    """A student's code cell, and the canonical cell it is, if any."""

    source: str
    cell: Cell | None


def read_bytes(path: Path) -> bytes:
    """Read a file that may be anything; raise ExerciseError in words for its owner."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ExerciseError(f"it is larger than {MAX_BYTES >> 20} MB: clear its outputs")
        return path.read_bytes()
    except OSError as error:
        raise ExerciseError(f"it cannot be read: {error.strerror}") from error


def read_notebook(path: Path) -> dict[str, Any]:
    """Read a notebook that may be anything; raise ExerciseError in words for its owner."""
    return parse_notebook(read_bytes(path))


def parse_notebook(data: bytes) -> dict[str, Any]:
    """Read a notebook from a file's bytes; raise ExerciseError in words for its owner."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ExerciseError(f"it is not JSON, so it is no notebook ({error})") from error
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise ExerciseError("it is JSON, but not a notebook")
    if content["nbformat"] < 4:
        try:
            content = nbformat.convert(nbformat.from_dict(content), 4)
        except Exception as error:
            raise ExerciseError(f"its format {content['nbformat']} cannot be read") from error
    if not isinstance(content.get("cells"), list):
        raise ExerciseError("it is JSON, but not a notebook: it has no cells")
    if not isinstance(content.get("metadata"), dict):
        content["metadata"] = {}
    return content


def source_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's text, with the line ends of this system's or any other made plain."""
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(str(line) for line in source)
    # A lone surrogate is legal JSON but no text: it could not be sent to a kernel.
    return str(source).replace("\r\n", "\n").encode("utf-8", "replace").decode()


def code_cells(notebook: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the ids (ours first) and the source of each code cell that deserves the name."""
    for cell in notebook["cells"]:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        metadata = cell.get("metadata")
        ours = metadata.get(KEY) if isinstance(metadata, dict) else None
        marked = ours.get("id") if isinstance(ours, dict) else None
        ids = tuple(i for i in (marked, cell.get("id")) if isinstance(i, str))
        yield ids, source_of(cell)


def signature(cell: Cell) -> str:
    """Return the first line of an answer's stub: `def momentum_step(` and so on."""
    lines = [line for line in cell.source.split("\n") if line.startswith("def ")]
    return lines[0].split("(")[0] + "(" if lines else cell.source


def identify(exercise: Exercise, notebook: Mapping[str, Any]) -> list[_Found]:
    """Say of each code cell which canonical cell it is."""
    by_id = {cell.id: cell for cell in exercise.cells if cell.role != "hidden"}
    by_text = {cell.source.strip(): cell for cell in by_id.values() if cell.role != "answer"}
    found = []
    for ids, source in code_cells(notebook):
        known = next((by_id[i] for i in ids if i in by_id), None) or by_text.get(source.strip())
        found.append(_Found(source, known))
    answered = {f.cell.id for f in found if f.cell is not None}
    for answer in (task.answer for task in exercise.tasks if task.answer.id not in answered):
        for i, one in enumerate(found):
            if one.cell is None and signature(answer) in one.source:
                found[i] = _Found(one.source, answer)
    return found


def merge(exercise: Exercise, notebook: Mapping[str, Any], seed: int) -> Merged:
    """Build the task groups of a submission, to be checked on `seed`."""
    found = identify(exercise, notebook)
    order = {task.id: number for number, task in enumerate(exercise.tasks)}
    student: list[tuple[int, str]] = []
    place = len(order) - 1  # a cell after all tasks belongs to the last
    for one in reversed(found):
        if one.cell is not None and one.cell.task:
            place = order[one.cell.task]
        if one.cell is None or one.cell.role == "answer":
            student.append((place, one.source))
    student.reverse()
    groups = tuple(group(exercise, task, order[task.id], student, seed) for task in exercise.tasks)
    return Merged(groups, tuple(notes(exercise, found)), tuple(problems(exercise, found)))


def group(
    exercise: Exercise, task: Task, number: int, student: list[tuple[int, str]], seed: int
) -> Group:
    """Build the group of one task."""
    setup = f"{exercise.setup}\n\nseed = {seed}\n"
    steps = [Step("setup", setup)]
    steps += [
        Step("own" if place == number else "carried", source)
        for place, source in student
        if place <= number and source.strip()
    ]
    steps += [Step("check", setup + check.source, check.id) for check in task.checks]
    return Group(task.id, tuple(steps))


def notes(exercise: Exercise, found: list[_Found]) -> Iterator[str]:
    """Say what was done to the cells that the exercise came with."""
    done: dict[str, list[str]] = {"deleted": [], "edited": [], "there more than once": []}
    for cell in exercise.cells:
        copies = [one for one in found if one.cell is not None and one.cell.id == cell.id]
        if cell.role in ("check", "setup"):
            if not copies:
                done["deleted"].append(cell.id)
            elif any(one.source.strip() != cell.source.strip() for one in copies):
                done["edited"].append(cell.id)
        if cell.role in ("check", "answer") and len(copies) > 1:
            done["there more than once"].append(cell.id)
    for what, cells in done.items():
        if cells:
            yield f"{what}, so the original counts: {', '.join(cells)}"


def problems(exercise: Exercise, found: list[_Found]) -> Iterator[str]:
    """Say which answers are nowhere to be found."""
    here = {one.cell.id for one in found if one.cell is not None}
    for task in exercise.tasks:
        if task.answer.id not in here:
            yield f"the answer cell of {task.id} is missing"
