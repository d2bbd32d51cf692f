"""Processes that grade. Each has a sandbox of its own, and takes one submission at a time.

The driver never touches what a student wrote: if a worker dies of it, or hangs, the driver starts
another and tries once more; then a human is asked. Workers die with the driver.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from lecopt.grading.alike import code_digest
from lecopt.grading.compare import compare
from lecopt.grading.exercise import Exercise, ExerciseError, Outputs
from lecopt.grading.feedback import judge
from lecopt.grading.limits import Limits
from lecopt.grading.merge import merge, parse_notebook, read_bytes
from lecopt.grading.records import Grade
from lecopt.grading.sandbox import Sandbox

TRIES = 2
GIVEN_UP = f"the grader itself failed on it, {TRIES} times"
IDLE = 600.0  # seconds: a worker ends by itself if its driver has forgotten it
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


def read_submission(path: Path) -> bytes:
    """Read a notebook, but follow no link: it could lead to the reference, or to another's work."""
    if is_link(path):
        raise ExerciseError("it is a link to somewhere else, and links are not followed")
    return read_bytes(path)


def ungraded(job: Job, reference: Reference, problem: str) -> Grade:
    """Return the grade of a submission that no code could be run of: a human's to give."""
    tasks = tuple(judge(reference.exercise, {}, reference.outputs, reveal=False))
    return Grade(
        job.student, job.exercise, job.key, reference.seed, reference.points, tasks, (), (problem,)
    )


def grade_one(
    job: Job, reference: Reference, place: Sandbox, content: bytes | None = None
) -> Grade:
    """Grade one submission, whatever it is; its bytes are read from its path unless given."""
    began = time.monotonic()
    try:
        notebook = parse_notebook(read_submission(job.path) if content is None else content)
    except ExerciseError as error:
        return ungraded(job, reference, str(error))
    merged = merge(reference.exercise, notebook, reference.seed)
    results = compare(merged.groups, dict(reference.outputs.solution), place)
    return Grade(
        job.student,
        job.exercise,
        job.key,
        reference.seed,
        reference.points,
        tuple(judge(reference.exercise, results, reference.outputs, reveal=False)),
        merged.notes,
        merged.problems,
        time.monotonic() - began,
        code_digest(reference.exercise, merged),
    )


def work(fd: int) -> None:
    """Grade what comes through a pipe until it closes, or nothing has come for too long."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    pipe = Connection(fd)
    kind, limits, scratch = pipe.recv()
    tempfile.tempdir = scratch
    with Sandbox(kind, limits) as place, contextlib.suppress(EOFError):
        while pipe.poll(IDLE):
            job, reference, content = pipe.recv()
            try:
                pipe.send(grade_one(job, reference, place, content))
            except OSError as error:  # such as a full disk: not the submission's fault
                pipe.send(error)


class Worker:
    """The driver's end of a worker. (A thread that starts one must outlive it.)"""

    def __init__(self, kind: str, limits: Limits, scratch: Path) -> None:
        self.limits = limits
        self.pipe, theirs = multiprocessing.Pipe()
        # Not forked: nothing of the driver, such as the right answers, is in the worker's memory
        # before it is sent; and no child of `multiprocessing`, which a Dask worker may not have.
        code = f"from lecopt.grading.workers import work; work({theirs.fileno()})"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, str(scratch)],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.pipe.send((kind, limits, str(scratch)))
        self.job: Job | None = None
        self.deadline = 0.0

    def give(self, job: Job, reference: Reference, content: bytes | None = None) -> None:
        self.job = job
        self.deadline = time.monotonic() + 60 + self.limits.notebook
        with contextlib.suppress(OSError):  # it is dead: `take` finds out
            self.pipe.send((job, reference, content))

    def take(self, seconds: float = 0.0) -> Grade | None:
        """Return the grade if there is one by then; a worker that died is past its deadline.

        Raises what the machine, and not the submission, stopped the worker with.
        """
        try:
            answer: Grade | OSError | None = self.pipe.recv() if self.pipe.poll(seconds) else None
        except (EOFError, OSError):
            answer, self.deadline = None, 0.0
        if answer is not None:
            self.job = None
        if isinstance(answer, OSError):
            raise answer
        return answer

    @property
    def failed(self) -> bool:
        return time.monotonic() > self.deadline

    def stop(self) -> None:
        """End the worker: an idle one by itself, tidily; a busy one at once."""
        self.pipe.close()
        if self.job is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.process.kill()
        self.process.wait()


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
    crew = [Worker(kind, limits, scratch) for _ in range(min(workers, len(todo)))]
    try:
        while todo or any(worker.job for worker in crew):
            for worker in crew:
                if worker.job is None and todo:
                    given, tries[given] = todo.popleft()
                    worker.give(given, references[given.exercise])
            wait([worker.pipe for worker in crew if worker.job], timeout=1)
            for number, worker in enumerate(crew):
                if (job := worker.job) is None:
                    continue
                if (grade := worker.take()) is not None:
                    yield grade
                elif worker.failed:
                    worker.stop()
                    crew[number] = Worker(kind, limits, scratch)
                    if tries[job] < TRIES:
                        todo.append((job, tries[job] + 1))
                    else:
                        yield ungraded(job, references[job.exercise], GIVEN_UP)
    finally:
        for worker in crew:
            worker.stop()
