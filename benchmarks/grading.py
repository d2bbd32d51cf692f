"""Measure checking and grading: seconds a check, seconds a submission, memory against class size.

    python benchmarks/grading.py [SUBMISSIONS]

Each submission is the right one: five checks and more in two task groups, sandbox on.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import nbformat

from lecopt.grading.source import read_source

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "exercises/source/04_momentum.md"
LECOPT = Path(sys.executable).with_name("lecopt")


def solved() -> str:
    """Return the student's notebook with the solutions written in."""
    exercise = read_source(SOURCE).exercise
    answers = {task.answer.id: exercise.solutions[task.id] for task in exercise.tasks}
    notebook = nbformat.read(ROOT / "exercises/04_momentum.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    return nbformat.writes(notebook)


def seconds(*args: str | Path) -> float:
    """Run lecopt, which must succeed, and return how long it took."""
    start = time.perf_counter()
    command = [str(LECOPT), *map(str, args)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def hand_in(room: Path, notebook: str, count: int) -> None:
    """Make the class `count` strong."""
    for number in range(count):
        folder = room / f"student {number:05d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "04_momentum.ipynb").write_text(notebook, encoding="utf-8")


def main() -> None:
    """Print the figures, as JSON."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    notebook = solved()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        path = base / "04_momentum.ipynb"
        path.write_text(notebook, encoding="utf-8")
        figures["seconds a check"] = median(seconds("check", path) for _ in range(3))
        room, out = base / "in", base / "out"
        grade = ("grade", room, "--out", out, "--seed", "1")
        for students in (1, 1 + count):
            hand_in(room, notebook, students)
            figures[f"seconds for {students} submissions"] = seconds(*grade)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            figures[f"MB at most, {students} submissions"] = peak
        figures["seconds for a class graded before"] = seconds(*grade)
    more = figures[f"seconds for {1 + count} submissions"]
    figures["seconds a submission"] = more / count
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=2))


if __name__ == "__main__":
    main()
