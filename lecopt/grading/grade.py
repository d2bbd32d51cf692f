"""`lecopt grade`: what a class handed in goes in, grades and feedback come out."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from lecopt.grading.exercise import Exercise, ExerciseError
from lecopt.grading.intake import Intake, Submission, in_order
from lecopt.grading.late import Late
from lecopt.grading.limits import Limits
from lecopt.grading.outputs import expected_outputs
from lecopt.grading.records import Assignment, Attempt, Grade, fingerprint
from lecopt.grading.report import Reports, write_reports
from lecopt.grading.results import results
from lecopt.grading.roster import Person, Roster, placed, read_people
from lecopt.grading.sandbox import bubblewrap, short_folder
from lecopt.grading.source import read_source
from lecopt.grading.store import Store
from lecopt.grading.versions import versions
from lecopt.grading.workers import Job, Reference, is_link, run_jobs

SCRATCH = "lecopt-"
OFF = "off"  # no deadline any more


@dataclass
class Summary:
    """What a run did; `review` says what needs a human."""

    seed: int
    graded: int = 0
    kept: int = 0
    review: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Order:
    """What to grade, and how. What is None stays as it was in the last run."""

    submissions: Path
    out: Path
    sources: Path
    exercise: str | None = None
    seed: int | None = None
    workers: int = 2
    kind: str = "bwrap"
    limits: Limits = Limits()
    dask: str | None = None
    roster: Path | None = None
    late: str | None = None
    attempts: str | None = None
    student: str | None = None
    again: bool = False


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


def known_exercises(order: Order) -> dict[str, Exercise]:
    """Return all exercises that a notebook may be, those to grade and others that can be read."""
    chosen = find_sources(order.sources, order.exercise)
    known = {}
    for name, path in find_sources(order.sources, None).items():
        try:
            known[name] = read_source(path).exercise
        except ExerciseError:
            if name in chosen:
                raise
    return known


def content(path: Path) -> bytes:
    """Return a file's bytes; of a link, or of what cannot be read, only that it is so."""
    if is_link(path):
        return b"link"
    try:
        return path.read_bytes()
    except OSError as error:
        return repr(error).encode()


class References(dict[str, Reference]):
    """What submissions are graded against, worked out when the first one asks: others start up."""

    def __init__(self, sources: Mapping[str, Path], seed: int, kind: str, store: Store) -> None:
        super().__init__()
        self.seed, self.kind, self.store = seed, kind, store
        self.exercises = {name: read_source(path).exercise for name, path in sources.items()}
        self.hashes = {  # of all that a reference depends on
            name: fingerprint(path.read_bytes(), seed, versions()) for name, path in sources.items()
        }

    def __missing__(self, name: str) -> Reference:
        exercise, key = self.exercises[name], self.hashes[name]
        outputs = self.store.outputs(key)
        if outputs is None:
            outputs = expected_outputs(exercise, self.seed, self.kind)
            self.store.keep_outputs(key, outputs)
        self[name] = Reference(exercise, outputs, self.seed)
        return self[name]


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
    """Grade what a class handed in; what was graded before, and has not changed, is kept."""
    sources, known = find_sources(order.sources, order.exercise), known_exercises(order)
    late = Late.parse(order.late) if order.late not in (None, OFF) else None
    zone = late.deadline.tzinfo if late else None
    people = read_people(order.roster, zone) if order.roster else None
    if not order.submissions.exists():
        raise ExerciseError(f"{order.submissions}: no such folder")
    if order.kind == "bwrap":
        bubblewrap()
    if order.dask is not None:
        probe(order.dask, order.kind)
    order.out.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(Store(order.out / "results.sqlite")) as store, scratch(store) as folder:
        summary = Summary(choose_seed(order.seed, store))
        intake = Intake(order.submissions, known, folder, zone, order.out)
        found = [one for one in intake.submissions() if one.exercise in sources]
        handed_in = {one.exercise for one in found}
        needed = {
            name: path
            for name, path in sources.items()
            if name in handed_in or order.exercise is not None
        }
        references = References(needed, summary.seed, order.kind, store)
        run = _Run(order, store, summary, begin, advance, references)
        run.take(found, people)
        store.keep_troubles(map(str, intake.troubles))
        run.grade()
        reports = write_reports(store, order.out)
        summary.review, summary.missing = reports.review, reports.missing
    return summary


def probe(address: str, kind: str) -> None:
    """Raise ClusterError now, and not after long preparations, if a cluster cannot be used."""
    from lecopt.grading.cluster import cluster

    with cluster(address, kind):
        pass


def start(
    order: Order, jobs: list[Job], references: References, scratch: Path
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

    whole = {job.exercise: references[job.exercise] for job in jobs}
    return run_on_cluster(order.dask, jobs, whole, kind=order.kind, limits=order.limits)


@contextlib.contextmanager
def scratch(store: Store) -> Iterator[Path]:
    """Give a folder for what comes out of zips; remove what a run that was killed left behind."""
    for name in ("scratch", "unpacked"):
        left = Path(store.setting(name) or "")
        if left.is_absolute() and left.name.startswith(SCRATCH):
            shutil.rmtree(left, ignore_errors=True)
    out = store.path.parent.resolve()
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=out) as folder:
        store.set("unpacked", folder)
        yield Path(folder)


@dataclass
class _Run:
    """One run of the grader."""

    order: Order
    store: Store
    summary: Summary
    begin: Callable[[int], None]
    advance: Callable[[], None]
    references: References
    assignments: dict[str, Assignment] = field(default_factory=dict)
    jobs: dict[tuple[str, str, str], Job] = field(default_factory=dict)

    def take(self, submissions: list[Submission], people: list[Person] | None) -> None:
        """Note who handed in what, and choose what has to be run."""
        if people is not None:
            self.store.keep_people(people)
        everyone = people or list(self.store.people().values())
        roster = Roster(everyone) if everyone else None
        for name, exercise in self.references.exercises.items():
            self.assignments[name] = self.assignment(name, exercise)
            self.store.keep_assignment(self.assignments[name])
        found = [one for one in placed(submissions, roster) if self.wanted(*one[:2])]
        if self.order.student is not None and not found:
            raise ExerciseError(f"{self.order.submissions}: nothing of {self.order.student} there")
        found.sort(key=lambda one: (one[0], in_order(one[1])[1:]))
        attempts = []
        for _, same in groupby(found, key=lambda one: (one[0], one[1].exercise)):
            some = [self.attempt(number, *one) for number, one in enumerate(same, start=1)]
            attempts += [attempt for attempt, _ in some]
            self.choose(some)
        self.store.keep_attempts(attempts, self.references.exercises)

    def wanted(self, student: str, one: Submission) -> bool:
        return self.order.student in (None, student, one.owner.handle)

    def assignment(self, name: str, exercise: Exercise) -> Assignment:
        """Return an exercise as this class has it: deadline and attempts as said last."""
        before = self.store.assignments().get(name)
        late, attempts = (before.late, before.attempts) if before else ("", "last")
        if self.order.late is not None:
            late = "" if self.order.late == OFF else str(Late.parse(self.order.late))
        tasks = tuple((task.id, task.title, task.points) for task in exercise.tasks)
        most = sum(points for *_, points in tasks)
        return Assignment(name, exercise.title, most, tasks, late, self.order.attempts or attempts)

    def attempt(
        self, number: int, student: str, one: Submission, unknown: str
    ) -> tuple[Attempt, Path]:
        data = content(one.path)
        key = fingerprint(data, self.references.hashes[one.exercise])
        owner = one.owner
        return (
            Attempt(
                student, one.exercise, number, owner.handle, owner.lms, owner.number, owner.name,
                key, one.where, fingerprint(data),
                one.when, one.late, unknown and f"whose is it? {unknown}",
            ),
            one.path,
        )  # fmt: skip

    def choose(self, some: list[tuple[Attempt, Path]]) -> None:
        """Add jobs for those attempts that may count."""
        policy = self.assignments[some[0][0].exercise].attempts
        ends = {"first": some[:1], "last": some[-1:]}
        for one, path in ends.get(policy, some):
            what = (one.handle, one.exercise, one.key)
            if not self.order.again and self.store.has(*what):
                self.summary.kept += 1
            else:
                self.jobs[what] = Job(one.handle, one.exercise, path, one.key)

    def grade(self) -> None:
        """Run what has no grade yet."""
        self.begin(len(self.jobs))
        reports = Reports(self.store, self.order.out)
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=short_folder()) as folder:
            self.store.set("scratch", folder)
            graded = start(self.order, list(self.jobs.values()), self.references, Path(folder))
            with contextlib.closing(graded):
                for grade in graded:
                    self.keep(grade, reports)

    def keep(self, grade: Grade, reports: Reports) -> None:
        """Keep a grade and show it on its student's page, before the next one comes."""
        self.store.keep(
            replace(grade, reference=self.references.hashes[grade.exercise]), versions()
        )
        for student in self.store.called(grade.student):
            for one in results(self.store, student):
                reports.page(one)
        self.summary.graded += 1
        self.advance()
