"""`check("04.2")`, inside a student's running notebook."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lecopt.grading.exercise import Cell, Exercise, ExerciseError, Outputs, Ran, shown
from lecopt.grading.feedback import judge_task
from lecopt.grading.words import words


def candidates(names: dict[str, Any]) -> Iterator[Path]:
    """Yield where the running notebook's file may be: asked of Jupyter, of VS Code, looked for."""
    for path in (os.environ.get("JPY_SESSION_NAME"), names.get("__vsc_ipynb_file__")):
        if path:
            yield Path(path)
    for folder in (Path(), Path("exercises")):
        yield from sorted(folder.glob("*.ipynb"))


def find(task: str, names: dict[str, Any]) -> tuple[Exercise, Outputs]:
    """Return the exercise that has this task."""
    for path in candidates(names):
        with contextlib.suppress(OSError, ValueError, ExerciseError, AttributeError):
            metadata = json.loads(path.read_bytes()).get("metadata", {})
            exercise, outputs = Exercise.of_notebook(metadata)
            if any(task == known.id for known in exercise.tasks):
                return exercise, outputs
    raise ExerciseError(
        f"no exercise with a task {task!r} in {Path.cwd()}: is the task's name right, and "
        "is the notebook saved in the folder where it runs?"
    )


def run_check(exercise: Exercise, check: Cell, wanted: str, names: dict[str, Any]) -> Ran:
    """Run a check on the functions of a running notebook, on a copy of its names."""
    names = dict(names)
    printed = io.StringIO()
    error = detail = ""
    try:
        with contextlib.redirect_stdout(printed):
            exec(exercise.setup, names)
            exec(check.source, names)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 (it is the student's code)
        error, detail = type(problem).__name__, str(problem)
    ran = Ran(check.id, False, shown(printed.getvalue()), error, detail)
    return Ran(check.id, ran.text == wanted, ran.lines, error, detail)


def check(*tasks: str, hints: int = 1) -> None:
    """Check tasks of the exercise in this notebook, and say what passes: `check("04.2")`.

    Parameters
    ----------
    tasks
        Names of tasks, such as "04.2".
    hints
        How many hints to give on a mistake that is recognised.

    Raises
    ------
    ExerciseError
        If no saved notebook here has such a task.
    """
    frame = inspect.currentframe()
    names = frame.f_back.f_globals if frame and frame.f_back else {}
    verdicts = []
    for name in tasks:
        exercise, outputs = find(name, names)
        (task,) = (known for known in exercise.tasks if known.id == name)
        runs = [run_check(exercise, c, outputs.solution[c.id], names) for c in task.checks]
        verdicts.append(judge_task(task, runs, outputs))
    sys.stdout.write(words(verdicts, hints) + "\n")
