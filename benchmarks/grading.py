"""Measure grading beside nbgrader and otter: the same right answers, the same checks, one machine.

    python benchmarks/grading.py [SUBMISSIONS [PEERS' [ROUNDS]]]

Each submission is the right one to exercise 04: five checks and more in two task groups. Ours is
graded with its sandbox on, and from scratch: expected outputs and mutants too. The peers' checks do
the same work, and compare with `assert`. Peers are slow, so they get fewer submissions, and all are
given per submission. Rounds alternate. Writes benchmarks/results/grading.md.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from statistics import median

import nbformat
from nbformat import NotebookNode, v4

from lecopt.grading.exercise import Exercise
from lecopt.grading.outputs import expected_outputs
from lecopt.grading.source import read_source

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "exercises/source/04_momentum.md"
BIN = Path(sys.executable).parent
NAME = "04_momentum"
Check = tuple[str, int, str]
CHECK = """\
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as told:
    exec({source!r}, globals())
shown = "".join(line + "\\n" for line in told.getvalue().split("\\n") if line.startswith("› "))
assert shown == {wanted!r}
"""


def seconds(*command: str | Path, cwd: Path = ROOT) -> float:
    """Run a command, which must succeed, and return how long it took."""
    start = time.perf_counter()
    result = subprocess.run(
        [str(BIN / command[0]), *map(str, command[1:])],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SystemExit(f"{command} failed:\n{result.stdout}{result.stderr}")
    return time.perf_counter() - start


def solved(exercise: Exercise) -> NotebookNode:
    """Return the student's notebook with the solutions written in."""
    answers = {task.answer.id: exercise.solutions[task.id] for task in exercise.tasks}
    notebook = nbformat.read(ROOT / f"exercises/{NAME}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    return notebook


def peers_checks(exercise: Exercise) -> list[Check]:
    """Return (task, points, source) of each check, as an assert."""
    outputs = expected_outputs(exercise, exercise.seed, "bwrap").solution
    setup = f"{exercise.setup}\nseed = {exercise.seed}\n"
    return [
        (task.id, check.points, CHECK.format(source=setup + check.source, wanted=outputs[check.id]))
        for task in exercise.tasks
        for check in task.checks
    ]


class Ours:
    """`lecopt grade`."""

    def __init__(self, exercise: Exercise, base: Path, count: int) -> None:
        self.room, self.out, self.count = base / "ours", base / "out", count
        for number in range(count):
            folder = self.room / f"student {number:03d}"
            folder.mkdir(parents=True)
            nbformat.write(solved(exercise), folder / f"{NAME}.ipynb")

    def run(self) -> float:
        shutil.rmtree(self.out, ignore_errors=True)
        source = ("--source", SOURCE.parent, "--exercise", "04", "--seed", "1")
        return seconds("lecopt", "grade", self.room, "--out", self.out, *source)

    def check(self) -> None:
        rows = (self.out / "grades.csv").read_text().splitlines()[1:]
        assert len(rows) == self.count
        assert all(",13,13,graded" in row for row in rows)


class Nbgrader:
    """`nbgrader autograde`, all students in one command."""

    def __init__(self, exercise: Exercise, base: Path, count: int) -> None:
        self.course = base / "nbgrader"
        self.count = count
        (self.course / f"source/{NAME}").mkdir(parents=True)
        config = 'c = get_config()\nc.CourseDirectory.course_id = "bench"\n'
        (self.course / "nbgrader_config.py").write_text(config)
        source = self.course / f"source/{NAME}/{NAME}.ipynb"
        nbformat.write(self.notebook(exercise), source)
        seconds("nbgrader", "generate_assignment", NAME, cwd=self.course)
        for number in range(count):
            folder = self.course / f"submitted/s{number:03d}/{NAME}"
            folder.mkdir(parents=True)
            nbformat.write(self.notebook(exercise), folder / f"{NAME}.ipynb")

    def notebook(self, exercise: Exercise) -> NotebookNode:
        def marked(source: str, name: str, **kind: object) -> NotebookNode:
            about = {"schema_version": 3, "grade_id": name, "locked": False, "task": False, **kind}
            return v4.new_code_cell(source, metadata={"nbgrader": about})

        cells = [v4.new_code_cell(exercise.setup)]
        for task in exercise.tasks:
            source = exercise.solutions[task.id]
            cells.append(marked(source, f"answer-{task.answer.id}", grade=False, solution=True))
            mine = [one for one in peers_checks_of[exercise.name] if one[0] == task.id]
            for number, (_, points, check) in enumerate(mine):
                name = f"check-{task.answer.id}-{number}"
                cells.append(marked(check, name, grade=True, solution=False, points=points))
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})

    def run(self) -> float:
        shutil.rmtree(self.course / "autograded", ignore_errors=True)
        return seconds("nbgrader", "autograde", NAME, "--force", cwd=self.course)

    def check(self) -> None:
        assert len(list((self.course / "autograded").iterdir())) == self.count
        seconds("nbgrader", "export", cwd=self.course)
        rows = (self.course / "grades.csv").read_text().splitlines()[1:]
        assert sum(",13.0,13.0" in row for row in rows) == self.count, rows


class Otter:
    """`otter run`, a command a submission, as its manual has it without containers."""

    def __init__(self, exercise: Exercise, base: Path, count: int) -> None:
        self.folder = base / "otter"
        self.count = count
        (self.folder / "out").mkdir(parents=True)
        nbformat.write(self.notebook(exercise), self.folder / f"{NAME}.ipynb")
        with zipfile.ZipFile(self.folder / "autograder.zip", "w") as archive:
            archive.writestr("otter_config.json", json.dumps({"show_hidden": True}))
            archive.writestr("requirements.txt", "")
            for number, (_, points, check) in enumerate(peers_checks_of[exercise.name]):
                code = f">>> exec({check!r}, globals())"
                case = {"code": code, "hidden": False, "locked": False}
                suite = {
                    "cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest",
                }  # fmt: skip
                test = {"name": f"q{number}", "points": points, "suites": [suite]}
                archive.writestr(f"tests/q{number}.py", f"OK_FORMAT = True\n\ntest = {test!r}\n")

    def notebook(self, exercise: Exercise) -> NotebookNode:
        sources = [
            "import otter\ngrader = otter.Notebook()",
            exercise.setup,
            *(exercise.solutions[task.id] for task in exercise.tasks),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        cells = [v4.new_code_cell(source) for source in sources]
        return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})

    def run(self) -> float:
        args = ("run", "-a", "autograder.zip", "-o", "out", f"{NAME}.ipynb")
        return sum(seconds("otter", *args, cwd=self.folder) for _ in range(self.count))

    def check(self) -> None:
        tests = json.loads((self.folder / "out/results.json").read_text())["tests"]
        points = [(one.get("score"), one.get("max_score")) for one in tests if one.get("max_score")]
        assert points and all(score == most for score, most in points), tests


peers_checks_of: dict[str, list[Check]] = {}


def versions() -> str:
    names = ("lecopt", "nbgrader", "otter-grader", "ipykernel", "nbval", "numpy")
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return f"Python {platform.python_version()}, {found}"


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    ours, theirs, rounds = [*given, *(40, 6, 3)[len(given) :]]
    exercise = read_source(SOURCE).exercise
    peers_checks_of[exercise.name] = peers_checks(exercise)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        graders = {
            "lecopt grade": Ours(exercise, base, ours),
            "nbgrader autograde": Nbgrader(exercise, base, theirs),
            "otter run": Otter(exercise, base, max(1, theirs // 2)),
        }
        times: dict[str, list[float]] = {name: [] for name in graders}
        for _ in range(rounds):
            for name, grader in graders.items():
                times[name].append(grader.run() / grader.count)
                grader.check()
                print(f"{name}: {times[name][-1]:.3f} s a submission", flush=True)
    best = median(times["lecopt grade"])
    rows = [
        f"| {name} | {grader.count} | {median(times[name]):.2f} | {min(times[name]):.2f} "
        f"| {median(times[name]) / best:.1f} |"
        for name, grader in graders.items()
    ]
    text = "\n".join([
        "# Grading, beside nbgrader and otter",
        "",
        "Exercise 04, all answers right: nine checks in two tasks. The same answers and checks for",
        "all; `lecopt grade` runs them in its sandbox, works out the expected outputs and those of",
        "all known mistakes first, and writes the pages. Seconds a submission, commands started",
        f"cold, {rounds} alternating rounds; the peers' fewer submissions are scaled.",
        "",
        "| command | submissions | median | least | times ours |",
        "| --- | ---: | ---: | ---: | ---: |",
        *rows,
        "",
        f"{processor()}; load {os.getloadavg()[2]:.0f}, all that ran included. {versions()}.",
        "",
        "`make bench` measures anew.",
        "",
    ])  # fmt: skip
    path = ROOT / "benchmarks/results/grading.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
