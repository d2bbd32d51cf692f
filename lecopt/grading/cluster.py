"""Grading on a Dask cluster: the workers of `workers`, on other machines.

On each of the cluster's workers a plugin keeps one grader (a child process with a sandbox of its
own) for each thread. A submission's bytes travel there and its grade comes back; the driver alone
writes it down. If a worker is lost, Dask gives its submissions to others. Right answers go to the
cluster, so it must be one that students cannot reach: a network of its own, or TLS.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import warnings
from asyncio import CancelledError
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker, WorkerPlugin, get_worker
from distributed.client import as_completed
from distributed.comm.addressing import get_address_host_port

from lecopt.grading.exercise import ExerciseError
from lecopt.grading.limits import Limits
from lecopt.grading.records import Grade
from lecopt.grading.sandbox import SandboxError, bubblewrap, short_folder
from lecopt.grading.versions import versions
from lecopt.grading.workers import (
    GIVEN_UP,
    TRIES,
    Job,
    Reference,
    Worker,
    read_submission,
    ungraded,
)

SECONDS = 10  # to wait for a scheduler, and for a first worker
PLUGIN = "lecopt-"


class ClusterError(ExerciseError):
    """The cluster cannot be used; the message says why."""


class Graders(WorkerPlugin):
    """Keeps a grader for each thread of one of the cluster's workers."""

    def __init__(
        self, name: str, references: Mapping[str, Reference], kind: str, limits: Limits
    ) -> None:
        self.name = name
        self.references = references
        self.kind = kind
        self.limits = limits
        self.versions = versions()
        self.closed = False

    def setup(self, worker: Any) -> None:
        sweep()
        self.scratch = Path(tempfile.mkdtemp(prefix=f"{PLUGIN}{os.getpid()}-", dir=short_folder()))
        self.crew: dict[int, Worker] = {}

    def teardown(self, worker: Any) -> None:
        self.closed = True
        for grader in self.crew.values():
            grader.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def grade(self, job: Job, content: bytes) -> Grade:
        """Grade a submission, with a new grader if the first one fails on it."""
        if versions() != self.versions:
            raise ClusterError(other_versions("one that came late", versions(), self.versions))
        reference, thread = self.references[job.exercise], threading.get_ident()
        for _ in range(TRIES):
            if self.closed:
                raise ClusterError("the driver has gone")
            grader = self.crew.get(thread)
            if grader is None or grader.process.poll() is not None:
                grader = self.crew[thread] = Worker(self.kind, self.limits, self.scratch)
            grader.give(job, reference, content)
            while not grader.failed:
                if (grade := grader.take(1)) is not None:
                    return grade
            grader.stop()
        return ungraded(job, reference, GIVEN_UP)


def sweep() -> None:
    """Remove what workers on this machine left behind when they were killed."""
    for folder in Path(short_folder()).glob(f"{PLUGIN}*-*"):
        number = folder.name.removeprefix(PLUGIN).split("-")[0]
        if number.isdigit() and not alive(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def grade_here(name: str, job: Job, content: bytes) -> Grade:
    """Grade a submission on the worker that this is called on."""
    graders = get_worker().plugins[name]
    assert isinstance(graders, Graders)
    return graders.grade(job, content)


def look_around(kind: str) -> tuple[str, str]:
    """Return the versions that this worker has, and what keeps it from grading, if anything."""
    try:
        if kind == "bwrap":
            bubblewrap()
    except SandboxError as error:
        return versions(), str(error)
    return versions(), ""


@contextlib.contextmanager
def cluster(address: str, kind: str) -> Iterator[Client]:
    """Give a client of a cluster whose workers can grade as this machine does."""
    try:
        get_address_host_port(address)  # a client made of a bad one complains when it is deleted
        client = Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(f"no Dask scheduler answers at {address} ({error})") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=SECONDS)
        except TimeoutError as error:
            raise ClusterError(f"the Dask scheduler at {address} has no workers") from error
        check_workers(client, kind)
        yield client


def check_workers(client: Client, kind: str) -> None:
    """Raise ClusterError unless all workers would grade as this machine does."""
    try:
        found = client.run(look_around, kind)
    except Exception as error:  # whatever is amiss over there
        raise ClusterError(
            f"a worker of the cluster cannot run lecopt ({error!r}): "
            "install the same versions there, with the grading extra"
        ) from error
    for worker, (theirs, trouble) in sorted(found.items()):
        if trouble:
            raise ClusterError(f"worker {worker}: {trouble}")
        if theirs != versions():
            raise ClusterError(other_versions(worker, theirs, versions()))


def other_versions(worker: str, theirs: str, ours: str) -> str:
    return (
        f"a worker of the cluster ({worker}) has other versions than this machine, so its grades "
        f"could differ: {theirs} there, {ours} here. Install the same on both"
    )


def run_on_cluster(
    address: str,
    jobs: Iterable[Job],
    references: Mapping[str, Reference],
    *,
    kind: str,
    limits: Limits,
) -> Generator[Grade, None, None]:
    """Yield grades as they come from the cluster's workers."""
    with cluster(address, kind) as client:
        name = f"{PLUGIN}{client.id}"
        client.register_plugin(Graders(name, references, kind, limits), name=name)
        try:
            yield from _grades(client, name, jobs, references)
        finally:
            with contextlib.suppress(OSError):
                client.unregister_worker_plugin(name)


def _grades(
    client: Client, name: str, jobs: Iterable[Job], references: Mapping[str, Reference]
) -> Iterator[Grade]:
    """Keep the cluster busy, with few submissions on their way at any time."""
    sent: dict[Any, Job] = {}
    running = as_completed(loop=client.loop)

    def next_grade() -> Grade:
        future = next(running)
        job = sent.pop(future.key)
        return outcome(future, job, references[job.exercise])

    for job in jobs:
        try:
            content = read_submission(job.path)
        except ExerciseError as error:
            yield ungraded(job, references[job.exercise], str(error))
            continue
        with warnings.catch_warnings():  # Dask warns of large ones: some submissions are
            warnings.simplefilter("ignore")
            future = client.submit(grade_here, name, job, content, pure=False)
        sent[future.key] = job
        running.add(future)
        while len(sent) >= 2 * max(1, sum(client.nthreads().values())):
            yield next_grade()
    while sent:
        yield next_grade()


def outcome(future: Future[Grade], job: Job, reference: Reference) -> Grade:
    """Return what came of a submission; one that several workers died of is a human's to grade."""
    try:
        return future.result()
    except KilledWorker:
        return ungraded(job, reference, GIVEN_UP)
    except (CancelledError, OSError) as error:
        raise ClusterError(
            f"the cluster failed ({error!r}). What was done is kept: run again to go on"
        ) from error
