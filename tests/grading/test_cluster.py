"""Grading on a Dask cluster: the same grades, whatever dies on the way.

The cluster is the test's own, on this machine: a scheduler and two workers, each a process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import LocalCluster
from grading.helpers import (
    LECOPT,
    ROOT,
    SEED,
    SOURCE,
    Notebook,
    cell,
    fill,
    grade,
    grades,
    hand_in,
    rows,
    until,
)

from lecopt.grading import cluster as cluster_module

RIGHT = [f"right {number}" for number in range(6)]
GRADER = "lecopt.grading.workers"


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture
def room(tmp_path: Path, released: Notebook, solution: tuple[str, str],
         blank: tuple[str, str]) -> Path:  # fmt: skip
    for student in RIGHT:
        hand_in(tmp_path / "in", student, fill(released, *solution))
    hand_in(tmp_path / "in", "half", fill(released, solution[0], blank[1]))
    return tmp_path


def workers_of(cluster: LocalCluster) -> list[int]:
    """Return the process ids of the cluster's workers."""
    with cluster.get_client() as client:
        return list(client.run(os.getpid).values())


def graders() -> list[psutil.Process]:
    """Return the graders that run below this test's own processes."""
    family = psutil.Process().children(recursive=True)
    return [one for one in family if any(GRADER in word for word in cmdline(one))]


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def left_behind(cluster: LocalCluster) -> list[object]:
    """Return the graders and the folders that are still there, given time."""
    pids = set(workers_of(cluster))
    _, alive = psutil.wait_procs(graders(), timeout=20)
    folders = [path for pid in pids for path in Path("/tmp").glob(f"lecopt-{pid}-*")]
    return [*alive, *folders]


def start(room: Path, cluster: LocalCluster) -> subprocess.Popen[bytes]:
    command = [str(LECOPT), "grade", str(room / "in"), "--out", str(room / "out")]
    command += ["--source", str(SOURCE.parent), "--seed", str(SEED)]
    command += ["--dask", cluster.scheduler_address]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def points(out: Path) -> dict[str, str]:
    return {student: row["points"] for student, row in grades(out).items()}


def test_same_grades_as_here(room: Path, cluster: LocalCluster) -> None:
    hand_in(room / "in", "not json", "Dear teacher,")
    (room / "in" / "link").symlink_to(room / "in" / RIGHT[0])
    there = grade(room / "in", room / "there", "--dask", cluster.scheduler_address)
    assert there.returncode == 1, there.stderr
    assert "2 need a human" in there.stdout
    assert grade(room / "in", room / "here").returncode == 1
    assert (room / "there/grades.csv").read_bytes() == (room / "here/grades.csv").read_bytes()
    pages = [path.relative_to(room / "here") for path in (room / "here").rglob("*.html")]
    assert len(pages) > len(RIGHT)
    for page in pages:
        assert (room / "there" / page).read_bytes() == (room / "here" / page).read_bytes()
    assert left_behind(cluster) == []


def test_a_worker_killed_mid_run_loses_nothing(room: Path, cluster: LocalCluster) -> None:
    process = start(room, cluster)
    until(process, room, 1)
    done = rows(room / "out")
    victim = workers_of(cluster)[0]
    os.kill(victim, signal.SIGKILL)
    said, error = process.communicate(timeout=200)
    assert process.returncode == 0, error.decode()
    assert f"Graded {len(RIGHT) + 1}, kept 0" in said.decode()
    after = rows(room / "out")
    assert {student: after[student] for student in done} == done
    assert points(room / "out") == {**dict.fromkeys(RIGHT, "13"), "half": "7"}
    assert victim not in workers_of(cluster)
    cluster_module.sweep()  # as the next plugin on that machine does
    assert list(Path("/tmp").glob(f"lecopt-{victim}-*")) == []
    assert left_behind(cluster) == []


def test_an_interrupted_driver_goes_on(room: Path, cluster: LocalCluster) -> None:
    process = start(room, cluster)
    until(process, room, 2)
    os.kill(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error.decode()
    assert "run again to go on" in error.decode()
    assert left_behind(cluster) == []
    done = rows(room / "out")
    assert 2 <= len(done) < len(RIGHT) + 1
    again = grade(room / "in", room / "out", "--dask", cluster.scheduler_address)
    assert f"Graded {len(RIGHT) + 1 - len(done)}, kept {len(done)}" in again.stdout
    assert again.returncode == 0, again.stderr
    assert len(points(room / "out")) == len(RIGHT) + 1


def test_a_submission_that_graders_die_of_is_a_humans(
    room: Path, cluster: LocalCluster, released: Notebook, solution: tuple[str, str]
) -> None:
    """No submission is known to kill its grader: here the test does, while that one is graded."""
    sleepy = fill(released, *solution)
    cell(sleepy, "04-1-answer")["source"] += "\nimport time\ntime.sleep(15)"
    hand_in(room / "in", "zz deadly", sleepy)  # the last: others are done when it still sleeps
    process = start(room, cluster)
    until(process, room, len(RIGHT) + 1)
    killed = set()
    end = time.monotonic() + 100
    while len(killed) < 4 and process.poll() is None and time.monotonic() < end:
        for grader in graders():
            if grader not in killed:
                grader.kill()
                killed.add(grader)
        time.sleep(0.2)
    said, error = process.communicate(timeout=200)
    assert process.returncode == 1, error.decode()
    assert "zz deadly, 04_momentum: the grader itself failed on it, 2 times" in said.decode()
    found = grades(room / "out")
    assert found["zz deadly"]["status"] == "review"
    assert {row["status"] for name, row in found.items() if name != "zz deadly"} == {"graded"}
    assert left_behind(cluster) == []


def other_versions() -> None:
    cluster_module.versions = lambda: '{"numpy": "0.1"}'


def same_versions() -> None:
    from lecopt.grading.versions import versions

    cluster_module.versions = versions


def test_other_versions_are_refused(room: Path, cluster: LocalCluster) -> None:
    with cluster.get_client() as client:
        client.run(other_versions, workers=[min(client.nthreads())])
        try:
            result = grade(room / "in", room / "out", "--dask", cluster.scheduler_address)
        finally:
            client.run(same_versions)
    assert result.returncode == 2
    assert '{"numpy": "0.1"} there' in result.stderr
    assert "Install the same on both" in " ".join(result.stderr.split())
    assert not (room / "out").exists()


def test_no_scheduler_is_said_at_once(room: Path) -> None:
    for address in ("tcp://127.0.0.1:1", "nowhere", "ftp://127.0.0.1:1"):
        result = grade(room / "in", room / "out", "--dask", address)
        assert result.returncode == 2
        assert f"no Dask scheduler answers at {address}" in result.stderr
        assert "Traceback" not in result.stderr
        assert not (room / "out").exists()


def test_a_scheduler_without_workers_is_said(room: Path) -> None:
    with LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        result = grade(room / "in", room / "out", "--dask", empty.scheduler_address)
    assert result.returncode == 2
    assert "has no workers" in result.stderr
