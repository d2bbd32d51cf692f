"""Exercises, submissions and the command line, real ones."""

from __future__ import annotations

import copy
import csv
import html
import json
import re
import sqlite3
import subprocess
import sysconfig
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from lecopt.grading.exercise import Exercise
from lecopt.grading.source import BEGIN, END, read_source

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "exercises" / "source" / "04_momentum.md"
NOTEBOOK = ROOT / "exercises" / "04_momentum.ipynb"
SOURCES = sorted(SOURCE.parent.glob("*.md"))
NOTEBOOKS = sorted(NOTEBOOK.parent.glob("*.ipynb"))
LECOPT = Path(sysconfig.get_path("scripts")) / "lecopt"
SEED = 20260

Notebook = dict[str, Any]


def lecopt(
    *args: str | Path, folder: Path = ROOT, timeout: float = 240, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    command = [str(LECOPT), *map(str, args)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False, **options
    )


def grade(
    class_room: Path, out: Path, *args: str | Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run `lecopt grade` on the book's exercise, on a seed of the tests' own."""
    source = ("--source", SOURCE.parent, "--seed", SEED)
    return lecopt("grade", class_room, "--out", out, *map(str, source), *args, **options)


def grades(out: Path) -> dict[str, dict[str, str]]:
    """Read grades.csv: {student: row}."""
    with (out / "grades.csv").open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def cell(notebook: Notebook, name: str) -> dict[str, Any]:
    """Return the cell with this id."""
    (found,) = (one for one in notebook["cells"] if one["id"] == name)
    return found


def fill(notebook: Notebook, first: str, second: str) -> Notebook:
    """Return a copy of the notebook with both answers written."""
    notebook = copy.deepcopy(notebook)
    cell(notebook, "04-1-answer")["source"] = first
    cell(notebook, "04-2-answer")["source"] = second
    return notebook


def code(source: str, name: str = "mine", **metadata: Any) -> dict[str, Any]:
    """Return a code cell of a student's own."""
    return {
        "cell_type": "code", "id": name, "metadata": metadata, "source": source,
        "execution_count": None, "outputs": [],
    }  # fmt: skip


def hand_in(folder: Path, student: str, content: Notebook | str | bytes) -> Path:
    """Put a submission where `lecopt grade` looks for it."""
    path = folder / student / "04_momentum.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content) if isinstance(content, dict) else content
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def write(path: Path, notebook: Notebook) -> Path:
    """Write a notebook, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def left_running(folder: Path) -> list[psutil.Process]:
    """Return the processes of sandboxes below a folder that do not end, given time."""
    sandboxed = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in process.info["cmdline"] or ())
    ]
    _, alive = psutil.wait_procs(sandboxed, timeout=20)
    return alive


def secrets(exercise: Exercise) -> Iterator[str]:
    """Yield what only the author's side may hold: solutions, hidden checks and mutants, whole."""
    for solution in exercise.solutions.values():
        yield textwrap.dedent(solution.split(BEGIN + "\n")[1].rpartition("\n")[0])
        assert END not in solution.rpartition(END)[2]
    yield from (one.source for one in exercise.cells if one.role == "hidden")
    yield from (mistake.source.partition("\n")[2] for mistake in exercise.mistakes)


def told(files: dict[str, bytes], sources: list[Path] = SOURCES) -> list[str]:
    """Return the files in which a secret of an exercise stands, in plain, JSON or HTML."""
    found = []
    # A notebook's file holds a cell as a list of lines.
    files = {name: re.sub(rb'\\n",\s*"', rb"\\n", data) for name, data in files.items()}
    for source in sources:
        for secret in secrets(read_source(source).exercise):
            indented = textwrap.indent(secret, "    ")
            forms = {
                form.encode()
                for text in (secret, indented)
                for form in (
                    text,
                    json.dumps(text)[1:-1],
                    json.dumps(text, ensure_ascii=False)[1:-1],
                )
            } | {html.escape(secret).encode(), html.escape(secret, quote=False).encode()}
            found += [name for name, data in files.items() if any(form in data for form in forms)]
    return sorted(set(found))


def rows(out: Path) -> dict[str, tuple[str, float]]:
    """Return what is in the store: {student: (key, seconds that grading took)}."""
    path = out / "results.sqlite"
    if not path.exists():
        return {}
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found = store.execute("SELECT student, key, seconds FROM grade").fetchall()
    except sqlite3.OperationalError:  # the table is not there yet
        found = []
    store.close()
    return {student: (key, seconds) for student, key, seconds in found}


def until(process: subprocess.Popen[bytes], room: Path, count: int) -> None:
    """Wait until some are graded."""
    end = time.monotonic() + 120
    while len(rows(room / "out")) < count:
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < end
        time.sleep(0.05)
