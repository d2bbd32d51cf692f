"""Processes that grade. Each has a sandbox of its own, and takes one submission at a time.

The driver never touches what a student wrote: if a worker dies of it, or hangs, the driver starts
another and tries once more; then a human is asked. Workers die with the driver.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from lecopt.grading.compare import compare
from lecopt.grading.exercise import Exercise, ExerciseError, Outputs
from lecopt.grading.feedback import judge
from lecopt.grading.limits import Limits
from lecopt.grading.merge import merge, read_notebook
from lecopt.grading.sandbox import Sandbox
from lecopt.grading.store import Grade

TRIES = 2
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Reference:
    """What a submission is graded against."""

    exercise: Exercise
    outputs: Outputs
    seed: int

    @property
    def points(self) -> int:
        return sum(task.points for task in self.exercise.tasks)


@dataclass(frozen=True)
class Job:
    """One submission to grade."""

    student: str
    exercise: str
    path: Path
    key: str


def is_link(path: Path) -> bool:
    """Say whether a notebook, or its student's folder, leads somewhere else."""
    return path.is_symlink() or path.parent.is_symlink()


def read_submission(path: Path) -> dict[str, Any]:
    """Read a notebook, but follow no link: it could lead to the reference, or to another's work."""
    if is_link(path):
        raise ExerciseError("it is a link to somewhere else, and links are not followed")
    return read_notebook(path)


def grade_one(job: Job, reference: Reference, place: Sandbox) -> Grade:
    """Grade one submission, whatever it is."""
    began = time.monotonic()
    exercise, outputs = reference.exercise, reference.outputs
    blank = Grade(job.student, job.exercise, job.key, reference.seed, reference.points, ())
    try:
        notebook = read_submission(job.path)
    except ExerciseError as error:
        return replace(
            blank, tasks=tuple(judge(exercise, {}, outputs, reveal=False)), problems=(str(error),)
        )
    merged = merge(exercise, notebook, reference.seed)
    results = compare(merged.groups, dict(outputs.solution), place)
    return replace(
        blank,
        tasks=tuple(judge(exercise, results, outputs, reveal=False)),
        notes=merged.notes,
        problems=merged.problems,
        seconds=time.monotonic() - began,
    )


def work(
    pipe: Connection, references: Mapping[str, Reference], kind: str, limits: Limits, scratch: str
) -> None:
    """Grade what comes through the pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    tempfile.tempdir = scratch
    with Sandbox(kind, limits) as place:
        while True:
            try:
                job = pipe.recv()
            except EOFError:
                return
            pipe.send(grade_one(job, references[job.exercise], place))


class Worker:
    """The driver's end of a worker."""

    def __init__(
        self, references: Mapping[str, Reference], kind: str, limits: Limits, scratch: Path
    ) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        args = (theirs, references, kind, limits, str(scratch))
        # Spawned, not forked: nothing of the driver is in the worker's memory.
        spawn = multiprocessing.get_context("spawn")
        self.process: BaseProcess = spawn.Process(target=work, args=args)
        self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.deadline = 0.0

    def give(self, job: Job, seconds: float) -> None:
        self.job = job
        self.deadline = time.monotonic() + seconds
        self.pipe.send(job)

    def stop(self) -> None:
        """End the worker: an idle one by itself, tidily; a busy one at once."""
        self.pipe.close()
        if self.job is None:
            self.process.join(10)
        self.process.kill()
        self.process.join()


def run_jobs(
    jobs: Iterable[Job],
    references: Mapping[str, Reference],
    *,
    workers: int,
    kind: str,
    limits: Limits,
    scratch: Path,
) -> Generator[Grade, None, None]:
    """Yield grades as they come. The workers keep their sockets and drafts in `scratch`."""
    todo = deque((job, 1) for job in jobs)
    tries: dict[Job, int] = {}
    crew = [Worker(references, kind, limits, scratch) for _ in range(min(workers, len(todo)))]
    try:
        while todo or any(worker.job for worker in crew):
            for worker in crew:
                if worker.job is None and todo:
                    job, tries[job] = todo.popleft()
                    tasks = len(references[job.exercise].exercise.tasks)
                    worker.give(job, 60 + 2 * tasks * limits.group)
            wait([worker.pipe for worker in crew if worker.job], timeout=1)
            for number, worker in enumerate(crew):
                if worker.job is None:
                    continue
                try:
                    grade = worker.pipe.recv() if worker.pipe.poll() else None
                except (EOFError, OSError):
                    grade, worker.deadline = None, 0.0
                if grade is not None:
                    worker.job = None
                    yield grade
                elif time.monotonic() > worker.deadline:
                    job = worker.job
                    worker.stop()
                    crew[number] = Worker(references, kind, limits, scratch)
                    if tries[job] < TRIES:
                        todo.append((job, tries[job] + 1))
                    else:
                        yield given_up(job, references[job.exercise])
    finally:
        for worker in crew:
            worker.stop()


def given_up(job: Job, reference: Reference) -> Grade:
    """Return the grade of a submission that the grader could not survive: a human's to give."""
    tasks = tuple(judge(reference.exercise, {}, reference.outputs, reveal=False))
    problem = f"the grader itself failed on it, {TRIES} times"
    return Grade(
        job.student, job.exercise, job.key, reference.seed, reference.points, tasks, (), (problem,)
    )
