"""`lecopt grade`: a folder of submissions in, grades and feedback out."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lecopt.grading.exercise import ExerciseError
from lecopt.grading.limits import Limits
from lecopt.grading.outputs import expected_outputs
from lecopt.grading.report import write_class_page, write_page
from lecopt.grading.sandbox import bubblewrap, short_folder
from lecopt.grading.source import read_source
from lecopt.grading.store import Grade, Store, fingerprint
from lecopt.grading.versions import versions
from lecopt.grading.workers import Job, Reference, is_link, run_jobs

SCRATCH = "lecopt-"
OURS = ("results.sqlite", "results.sqlite-wal", "results.sqlite-shm", "grades.csv", "class.html")


@dataclass
class Summary:
    """What a run did."""

    seed: int
    graded: int = 0
    kept: int = 0
    review: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Order:
    """What to grade, and how."""

    submissions: Path
    out: Path
    sources: Path
    exercise: str | None = None
    seed: int | None = None
    workers: int = 2
    kind: str = "bwrap"
    limits: Limits = Limits()
    dask: str | None = None


def find_sources(folder: Path, only: str | None) -> dict[str, Path]:
    """Return {name: source file} of the exercises to grade."""
    if not folder.is_dir():
        raise ExerciseError(f"{folder}: no such folder; give the exercises' sources by --source")
    paths = {path.stem: path for path in sorted(folder.glob("*.md"))}
    chosen = {n: p for n, p in paths.items() if only in (None, n, n.split("_")[0])}
    if not chosen:
        known = ", ".join(paths) or "none"
        raise ExerciseError(f"{folder}: no exercise {only or ''} there (there are: {known})")
    return chosen


def students(order: Order) -> Iterator[Path]:
    """Yield the folders of students."""
    if not order.submissions.is_dir():
        raise ExerciseError(f"{order.submissions}: no such folder")
    for folder in sorted(order.submissions.iterdir()):
        ours = folder.resolve() == order.out.resolve() or folder.name.startswith(".")
        if folder.is_dir() and not ours:
            yield folder


def find_jobs(
    order: Order, references: dict[str, Reference], hashes: dict[str, str]
) -> Iterator[Job]:
    """Yield a job for each notebook handed in."""
    for folder in students(order):
        for name in references:
            path = folder / f"{name}.ipynb"
            if not path.exists() and not path.is_symlink():
                continue
            yield Job(folder.name, name, path, fingerprint(content(path), hashes[name]))


def content(path: Path) -> bytes:
    """Return a file's bytes; of a link, or of what cannot be read, only that it is so."""
    if is_link(path):
        return b"link"
    try:
        return path.read_bytes()
    except OSError as error:
        return repr(error).encode()


def page_path(out: Path, student: str, exercise: str) -> Path:
    """Return where a student's page goes, out of the way of our own files."""
    folder = f"{student}_" if student in OURS else student
    return out / folder / f"{exercise}.html"


def reference_for(path: Path, seed: int, kind: str, store: Store) -> tuple[Reference, str]:
    """Return the reference of an exercise, and a hash of all that it depends on."""
    exercise = read_source(path).exercise
    key = fingerprint(path.read_bytes(), seed, versions())
    outputs = store.outputs(key)
    if outputs is None:
        outputs = expected_outputs(exercise, seed, kind)
        store.keep_outputs(key, outputs)
    return Reference(exercise, outputs, seed), key


def choose_seed(wanted: int | None, store: Store) -> int:
    """Return the seed asked for, else that of the last run, else a new one."""
    if wanted is None:
        kept = store.setting("seed")
        wanted = secrets.randbelow(2**31) if kept is None else int(kept)
    store.set("seed", str(wanted))
    return wanted


def grade_class(
    order: Order,
    begin: Callable[[int], None] = lambda _: None,
    advance: Callable[[], None] = lambda: None,
) -> Summary:
    """Grade a folder of submissions; what was graded before, and has not changed, is kept."""
    sources = find_sources(order.sources, order.exercise)
    list(students(order))
    if order.kind == "bwrap":
        bubblewrap()
    if order.dask is not None:
        probe(order.dask, order.kind)
    order.out.mkdir(parents=True, exist_ok=True)
    store = Store(order.out / "results.sqlite")
    try:
        sweep(store)
        summary = Summary(choose_seed(order.seed, store))
        references, hashes = {}, {}
        for name, path in sources.items():
            references[name], hashes[name] = reference_for(path, summary.seed, order.kind, store)
        _grade(order, store, references, hashes, summary, begin, advance)
        store.write_csv(order.out / "grades.csv")
        write_class_page(store.grades(), order.out / "class.html")
        for grade in store.grades():
            if grade.problems:
                what = "; ".join(grade.problems)
                summary.review.append(f"{grade.student}, {grade.exercise}: {what}")
    finally:
        store.close()
    return summary


def _grade(
    order: Order,
    store: Store,
    references: dict[str, Reference],
    hashes: dict[str, str],
    summary: Summary,
    begin: Callable[[int], None],
    advance: Callable[[], None],
) -> None:
    """Grade what has no grade yet."""

    def keep(grade: Grade) -> None:
        path = page_path(order.out, grade.student, grade.exercise)
        write_page(grade, references[grade.exercise].exercise.title, path)
        store.keep(grade, versions())
        summary.graded += 1
        advance()

    jobs = []
    for job in find_jobs(order, references, hashes):
        page = page_path(order.out, job.student, job.exercise)
        if store.key(job.student, job.exercise) == job.key and page.exists():
            summary.kept += 1
        else:
            jobs.append(job)
    begin(len(jobs))
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=short_folder()) as folder:
        store.set("scratch", folder)
        graded = start(order, jobs, references, Path(folder))
        with contextlib.closing(graded):
            for grade in graded:
                keep(grade)


def probe(address: str, kind: str) -> None:
    """Raise ClusterError now, and not after long preparations, if a cluster cannot be used."""
    from lecopt.grading.cluster import cluster

    with cluster(address, kind):
        pass


def start(
    order: Order, jobs: list[Job], references: dict[str, Reference], scratch: Path
) -> Generator[Grade, None, None]:
    """Return the grades to come, from processes here or from a cluster."""
    if order.dask is None or not jobs:
        return run_jobs(
            jobs,
            references,
            workers=order.workers,
            kind=order.kind,
            limits=order.limits,
            scratch=scratch,
        )
    from lecopt.grading.cluster import run_on_cluster

    return run_on_cluster(order.dask, jobs, references, kind=order.kind, limits=order.limits)


def sweep(store: Store) -> None:
    """Remove what a run that was killed could not."""
    left = Path(store.setting("scratch") or "")
    if left.is_absolute() and left.name.startswith(SCRATCH):
        shutil.rmtree(left, ignore_errors=True)
