"""Read an exercise as its author writes it: one MyST text notebook, tags on cells.

The file starts with jupytext's header, to which `exercise: {title: …}` is added. Prose needs no
tag. Each code cell has one tag, and the options that go with it, in its YAML block:

    tag      options                       what it is
    setup                                  run first, and again before each check; sets `seed`
    demo                                   shown to the student, never graded: pictures, `check(…)`
    answer   task, title                   the solution; what students write stands between
                                           `### BEGIN SOLUTION` and `### END SOLUTION`
    check    task, points, says            calls the answer and prints with `show`; never asserts
    hidden   task, points, says            the same, but not given to students
    mutant   task, name, says, hints       a wrong answer: replaces the whole answer cell

`says` is for the student: what a check looks at, what a mutant gets wrong. `hints` is a list, from
a nudge to almost telling. An unknown tag or option, a missing one, a marker that is not exactly as
above: an `ExerciseError` that names file and cell. Nothing is guessed, so that nothing leaks.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
from nbformat import NotebookNode

from lecopt.grading.exercise import Cell, Exercise, ExerciseError, Mistake

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "# Your code here.\nraise NotImplementedError"
NEARLY_A_MARKER = re.compile(
    r"\b(begin|end)\W*(of\W*)?(the\W*)?solution|#\W*solution", re.IGNORECASE
)

OPTIONS: dict[str, dict[str, type]] = {
    "setup": {},
    "demo": {},
    "answer": {"task": str, "title": str},
    "check": {"task": str, "points": int, "says": str},
    "hidden": {"task": str, "points": int, "says": str},
    "mutant": {"task": str, "name": str, "says": str, "hints": list},
}
NOT_IN_A_CHECK: dict[str, type[ast.stmt | ast.expr]] = {
    "assert": ast.Assert,
    "a comparison": ast.Compare,
}


@dataclass(frozen=True)
class Source:
    """A source file, read: the exercise, and the student's notebook in the making."""

    exercise: Exercise
    pages: tuple[tuple[str, str], ...]  # (kind, text or cell id), in reading order


def read_source(path: Path) -> Source:
    """Read and check one source file."""
    try:
        notebook = jupytext.read(path, fmt="md:myst")
    except Exception as error:
        raise ExerciseError(f"{path}: not a MyST text notebook: {error}") from error
    return _Reader(path, notebook).source()


def strip(solution: str) -> str:
    """Replace what stands between the markers; raise ValueError unless they are exactly right."""
    lines = solution.split("\n")
    marks = [line.strip() for line in lines if NEARLY_A_MARKER.search(line)]
    if marks != [BEGIN, END]:
        raise ValueError(f"needs the lines {BEGIN!r} and {END!r}, once each; has {marks}")
    first, last = (next(i for i, x in enumerate(lines) if x.strip() == m) for m in (BEGIN, END))
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    if not "".join(lines[first + 1 : last]).strip():
        raise ValueError("there is nothing between the markers")
    stub = [indent + line for line in STUB.split("\n")]
    return "\n".join([*lines[:first], *stub, *lines[last + 1 :]])


class _Reader:
    """Walks through the cells of one file, and complains by cell."""

    def __init__(self, path: Path, notebook: NotebookNode) -> None:
        self.path = path
        self.notebook = notebook
        self.where = ""
        self.cells: list[Cell] = []
        self.mistakes: list[Mistake] = []
        self.solutions: dict[str, str] = {}
        self.pages: list[tuple[str, str]] = []

    def wrong(self, what: str) -> ExerciseError:
        return ExerciseError(f"{self.path}: {self.where}{what}")

    def source(self) -> Source:
        header = self.notebook.metadata.get("exercise")
        if not isinstance(header, dict) or set(header) != {"title"}:
            raise self.wrong("its header needs `exercise: {title: …}`, and nothing else in it")
        for number, cell in enumerate(self.notebook.cells, start=1):
            first = (cell.source.strip().split("\n") or [""])[0][:60]
            self.where = f"cell {number} ({first!r}): "
            if cell.cell_type == "code":
                self.code(cell)
            else:
                self.prose(cell)
        self.where = ""
        self.whole()
        name = self.path.stem
        exercise = Exercise(
            name, header["title"], self.seed(), tuple(self.cells), tuple(self.mistakes),
            self.solutions,
        )  # fmt: skip
        return Source(exercise, tuple(self.pages))

    def prose(self, cell: NotebookNode) -> None:
        if cell.metadata:
            raise self.wrong(f"prose takes no tag and no option, found {sorted(cell.metadata)}")
        self.no_marker(cell.source)
        self.pages.append(("prose", cell.source))

    def code(self, cell: NotebookNode) -> None:
        tag = self.tag(cell)
        options = self.options(tag, cell)
        if tag == "answer":
            self.answer(cell.source, options)
            return
        self.no_marker(cell.source)
        if tag == "mutant":
            self.mutant(cell.source, options)
            return
        if tag in ("check", "hidden"):
            self.check(cell.source)
        number = sum(c.role == tag and c.task == options.get("task", "") for c in self.cells) + 1
        stem = options.get("task", self.path.stem.split("_")[0]).replace(".", "-")
        self.add(Cell(f"{stem}-{tag}-{number}", tag, cell.source, **options))

    def add(self, cell: Cell) -> None:
        self.cells.append(cell)
        if cell.role != "hidden":
            self.pages.append((cell.role, cell.id))

    def tag(self, cell: NotebookNode) -> str:
        tags = cell.metadata.get("tags", [])
        known = ", ".join(OPTIONS)
        if not isinstance(tags, list) or len(tags) != 1:
            raise self.wrong(f"a code cell needs one tag ({known}), this has {tags}")
        if tags[0] not in OPTIONS:
            raise self.wrong(f"unknown tag {tags[0]!r}; known are {known}")
        return str(tags[0])

    def options(self, tag: str, cell: NotebookNode) -> dict[str, Any]:
        options = {key: value for key, value in cell.metadata.items() if key != "tags"}
        expected = OPTIONS[tag]
        for problem, names in (
            ("unknown option", set(options) - set(expected)),
            ("missing option", set(expected) - set(options)),
        ):
            if names:
                raise self.wrong(f"{problem} of tag {tag!r}: {', '.join(sorted(names))}")
        for key, kind in expected.items():
            value = options[key]
            if not isinstance(value, kind) or isinstance(value, bool) or not value:
                raise self.wrong(f"{key} must be a {kind.__name__} and not empty, is {value!r}")
        if options.get("points", 1) < 1:
            raise self.wrong("points must be at least 1")
        return options

    def no_marker(self, source: str) -> None:
        if NEARLY_A_MARKER.search(source):
            raise self.wrong(f"{BEGIN!r} and {END!r} belong in answer cells only")

    def parse(self, source: str) -> ast.Module:
        try:
            return ast.parse(source)
        except SyntaxError as error:
            raise self.wrong(f"line {error.lineno}: {error.msg}") from error

    def answer(self, source: str, options: dict[str, Any]) -> None:
        task = options["task"]
        if task in self.solutions:
            raise self.wrong(f"task {task} has an answer already")
        try:
            stub = strip(source)
        except ValueError as error:
            raise self.wrong(str(error)) from error
        self.parse(source)
        self.parse(stub)
        self.solutions[task] = source
        self.add(Cell(f"{task.replace('.', '-')}-answer", "answer", stub, **options))

    def mutant(self, source: str, options: dict[str, Any]) -> None:
        self.parse(source)
        name, task = options["name"], options["task"]
        self.mistakes.append(
            Mistake(f"{task}/{name}", task, options["says"], tuple(options["hints"]), source)
        )

    def check(self, source: str) -> None:
        for node in ast.walk(self.parse(source)):
            for name, kind in NOT_IN_A_CHECK.items():
                if isinstance(node, kind):
                    raise self.wrong(
                        f"{name} in a check; print what the answer returns, "
                        "with show(name, value): the grader compares"
                    )

    def seed(self) -> int:
        for node in ast.walk(ast.parse(self.setup())):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                names = [t.id for t in node.targets if isinstance(t, ast.Name)]
                if names == ["seed"] and isinstance(node.value.value, int):
                    return node.value.value
        raise self.wrong("a setup cell must say `seed = …` (a number), the public seed")

    def setup(self) -> str:
        return "\n".join(cell.source for cell in self.cells if cell.role == "setup")

    def whole(self) -> None:
        """Check what can be seen only in the whole file."""
        for name, count in Counter(mistake.id for mistake in self.mistakes).items():
            if count > 1:
                raise self.wrong(f"mutant {name} is there {count} times")
        named = {cell.task for cell in self.cells} | {m.task for m in self.mistakes}
        for task in sorted(named - {""} - set(self.solutions)):
            raise self.wrong(f"task {task} has no answer cell")
        for task in self.solutions:
            if not any(c.task == task and c.role == "check" for c in self.cells):
                raise self.wrong(f"task {task} has no check")
            if not any(mistake.task == task for mistake in self.mistakes):
                raise self.wrong(f"task {task} has no mutant")
        self.seed()
