"""A run that is stopped, politely or not, loses nothing and grades nobody twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import psutil
import pytest
from grading.helpers import (
    LECOPT,
    ROOT,
    SEED,
    SOURCE,
    Notebook,
    fill,
    grade,
    grades,
    hand_in,
    rows,
    until,
)

STUDENTS = [f"student {number}" for number in range(6)]


@pytest.fixture
def room(tmp_path: Path, released: Notebook, solution: tuple[str, str]) -> Path:
    for student in STUDENTS:
        hand_in(tmp_path / "in", student, fill(released, *solution))
    return tmp_path


def scratch_of(out: Path) -> Path:
    """Return where the last run kept its sockets and drafts."""
    store = sqlite3.connect(out / "results.sqlite")
    ((path,),) = store.execute("SELECT value FROM setting WHERE name = 'scratch'").fetchall()
    store.close()
    return Path(path)


def start(room: Path) -> subprocess.Popen[bytes]:
    command = [str(LECOPT), "grade", str(room / "in"), "--out", str(room / "out")]
    command += ["--source", str(SOURCE.parent), "--seed", str(SEED), "--workers", "1"]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def gone(family: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(family, timeout=20)
    return not alive


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_and_started_again(room: Path, how: signal.Signals) -> None:
    process = start(room)
    until(process, room, 2)
    family = psutil.Process(process.pid).children(recursive=True)
    assert family
    os.kill(process.pid, how)
    _, said = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "run again to go on" in said.decode()
    assert gone(family)
    done = rows(room / "out")
    assert 2 <= len(done) < len(STUDENTS)
    scratch = scratch_of(room / "out")
    assert scratch.exists() == (how == signal.SIGKILL)

    result = grade(room / "in", room / "out")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Graded {len(STUDENTS) - len(done)}, kept {len(done)}" in result.stdout
    assert not scratch.exists()
    assert not scratch_of(room / "out").exists()
    after = rows(room / "out")
    assert {student: after[student] for student in done} == done
    found = grades(room / "out")
    assert sorted(found) == STUDENTS
    assert {(row["points"], row["status"], row["seed"]) for row in found.values()} == {
        ("13", "graded", str(SEED))
    }


def test_only_what_changed_is_graded_again(
    room: Path, released: Notebook, blank: tuple[str, str]
) -> None:
    assert grade(room / "in", room / "out").returncode == 0
    hand_in(room / "in", STUDENTS[3], fill(released, *blank))
    (room / "out" / STUDENTS[4] / "04_momentum.html").unlink()
    result = grade(room / "in", room / "out")
    assert f"Graded 1, kept {len(STUDENTS) - 1}" in result.stdout
    assert (room / "out" / STUDENTS[4] / "04_momentum.html").exists()
    points = {student: row["points"] for student, row in grades(room / "out").items()}
    assert points == {student: "0" if student == STUDENTS[3] else "13" for student in STUDENTS}


def test_wrong_usage_is_exit_2_and_touches_nothing(room: Path) -> None:
    out = room / "out"
    for args, message in (
        ((room / "nowhere", out), "no such folder"),
        ((room / "in", out, "--exercise", "99"), "no exercise 99"),
        ((room / "in", out, "--source", room / "nothing"), "no such folder"),
        ((room / "in", out, "--workers", "0"), "workers"),
        ((room / "in", out, "--sandbox", "jail"), "jail"),
    ):
        result = grade(*args)
        assert result.returncode == 2
        assert message in result.stderr
        assert "Traceback" not in result.stderr
        assert not out.exists()


def test_without_bubblewrap_it_refuses_and_says_how_to_get_it(room: Path) -> None:
    command = [str(LECOPT), "grade", str(room / "in"), "--out", str(room / "out")]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={"PATH": "/nonexistent"}, check=False
    )
    assert result.returncode == 2
    assert "apt install bubblewrap" in result.stderr
    assert not (room / "out").exists()
