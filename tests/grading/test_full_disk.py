"""A disk that fills up, a real one: a small tmpfs in a mount namespace of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from grading.helpers import LECOPT, ROOT, SEED, SOURCE, Notebook, fill, grades, hand_in, rows

STUDENTS = [f"student {number:02d}" for number in range(8)]
OWN = ["unshare", "--mount"]
if os.geteuid() != 0:
    OWN += ["--map-current-user", "--keep-caps"]


def run(script: str, *folders: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a mount namespace of its own; $1, $2 … are the folders."""
    return subprocess.run(
        [*OWN, "sh", "-ec", script, "sh", *map(str, folders)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


GRADE = (
    f"'{LECOPT}' grade \"$1\" --out \"$2\" --source '{SOURCE.parent}' --exercise 04 --seed {SEED}"
)


@pytest.fixture
def room(tmp_path: Path, released: Notebook, solution: tuple[str, str]) -> Path:
    for student in STUDENTS:
        hand_in(tmp_path / "in", student, fill(released, *solution))
    for name in ("out", "before", "after"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize("size", ["40k", "120k", "150k"])
def test_results_that_do_not_fit_go_on_where_they_were(room: Path, size: str) -> None:
    script = f"""
        mount -t tmpfs -o size={size} tmpfs "$2"
        {GRADE} || echo "exit $?"
        cp -r "$2/." "$3"
        mount -o remount,size=20m "$2"
        {GRADE}
        cp -r "$2/." "$4"
    """
    result = run(script, room / "in", room / "out", room / "before", room / "after")
    assert result.returncode == 0, result.stderr
    assert "exit 2" in result.stdout
    assert "the disk is full" in result.stderr
    assert "run again to go on" in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    done = rows(room / "before")
    assert len(done) < len(STUDENTS)
    assert f"Graded {len(STUDENTS) - len(done)}, kept {len(done)}" in result.stdout
    after = rows(room / "after")
    assert {student: after[student] for student in done} == done
    found = grades(room / "after")
    assert sorted(found) == STUDENTS
    assert {(row["points"], row["status"]) for row in found.values()} == {("13", "graded")}
    assert list((room / "after").rglob("*.part")) == []


DRIVER = """
import sys
from pathlib import Path
from lecopt.grading.limits import Limits
from lecopt.grading.outputs import expected_outputs
from lecopt.grading.source import read_source
from lecopt.grading.workers import Job, Reference, run_jobs
exercise = read_source(Path(sys.argv[1])).exercise
reference = {"04_momentum": Reference(exercise, expected_outputs(exercise, 1, "bwrap"), 1)}
jobs = [Job("student", "04_momentum", Path(sys.argv[2]), "key")]
settings = {"workers": 1, "kind": "bwrap", "limits": Limits(), "scratch": Path(sys.argv[3])}
try:
    print([grade.points for grade in run_jobs(jobs, reference, **settings)])
except OSError as error:
    print(error.strerror)
"""


def test_a_full_scratch_disk_is_no_fault_of_the_submission(room: Path) -> None:
    """Where graders keep their drafts: nobody is given up for it."""
    (room / "driver.py").write_text(DRIVER)
    script = f"""
        mount -t tmpfs -o size=16k tmpfs "$3"
        '{sys.executable}' "$1" '{SOURCE}' "$2" "$3"
        mount -o remount,size=20m "$3"
        '{sys.executable}' "$1" '{SOURCE}' "$2" "$3"
        ls "$3"
    """
    paper = room / "in" / STUDENTS[0] / "04_momentum.ipynb"
    result = run(script, room / "driver.py", paper, room / "out")
    assert result.stdout == "No space left on device\n[13]\n", result.stderr
