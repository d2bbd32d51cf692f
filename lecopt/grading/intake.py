"""Who handed in what: folders of students, nbgrader's folders, the zips of Canvas and Moodle.

Names as the systems write them, read from their sources (Canvas: lib/content_zipper.rb; Moodle:
mod/assign/classes/downloader.php; nbgrader: exchange/default/submit.py):

    <student>/04_momentum.ipynb                                     a folder a student
    <student>/<assignment>/04_momentum.ipynb + timestamp.txt        nbgrader's `submitted`
    lovelaceada_LATE_1001_5001_04_momentum-1.ipynb                  Canvas
    Ada Lovelace_2001_assignsubmission_file_/04_momentum.ipynb      Moodle, in folders or without

Inside a student's place files may be called anything: a notebook says itself which exercise it is.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lecopt.grading.archive import Entry, Reader, Trouble
from lecopt.grading.exercise import KEY, Exercise, ExerciseError
from lecopt.grading.merge import read_notebook

CANVAS = re.compile(
    r"(?:(?P<name>(?!anon_|LATE_)\w+?)_)?(?P<late>LATE_)?"
    r"(?P<number>anon_\w+?|\d+)_(?P<upload>\d+)_(?P<file>.+)"
)
MOODLE = re.compile(
    r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)"
)
ATTEMPT = re.compile(r"_attempt_(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
AGAIN = re.compile(r"[ _-]*(?:\((\d+)\)|-(\d+))$")  # "04_momentum (1)", "04_momentum-1"
WRAPPERS = ("submitted", "submissions")


@dataclass(frozen=True)
class Owner:
    """Who handed in, as far as names tell: `handle` is unique, `number` the LMS's own."""

    handle: str
    lms: str = ""
    number: str = ""
    name: str = ""


@dataclass(frozen=True)
class Submission:
    """A notebook that was handed in. `late` is what the LMS says of it, None if nothing."""

    owner: Owner
    exercise: str
    path: Path
    where: str
    when: datetime | None = None
    late: bool | None = None
    order: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class _File:
    """A file, its owner, and its name without what the LMS put before it."""

    entry: Entry
    owner: Owner
    name: str
    upload: int = 0
    late: bool | None = None
    dated: bool = True  # whether the file's own time is the time of handing in


def plain(text: str) -> str:
    """Return letters and digits alone, small: what is left of a name however it is written."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())


def owned(entry: Entry) -> _File | None:
    """Say whose file it is, by the names of its folders or its own."""
    first, last = entry.parts[0], entry.parts[-1]
    if found := MOODLE.fullmatch(first):
        handle = f"{found['name']}_{found['number']}"
        owner = Owner(handle, "moodle", found["number"], found["name"])
        name = last if len(entry.parts) > 1 else found["file"]
        return _File(entry, owner, name, dated=False)
    looks_sent = len(entry.parts) == 1 or first.lower().endswith(".zip")
    if looks_sent and (found := CANVAS.fullmatch(first)):
        handle = "_".join(filter(None, (found["name"], found["number"])))
        owner = Owner(handle, "canvas", found["number"], found["name"] or "")
        name = last if len(entry.parts) > 1 else found["file"]
        return _File(entry, owner, name, int(found["upload"]), found["late"] is not None, False)
    if len(entry.parts) > 1:
        return _File(entry, Owner(first, name=first), last)
    return None


class Intake:
    """Finds the submissions of a class, and says what nobody can place."""

    def __init__(
        self,
        top: Path,
        exercises: Mapping[str, Exercise],
        scratch: Path,
        zone: tzinfo | None = None,
        out: Path | None = None,
    ) -> None:
        self.top = top
        self.exercises = exercises
        self.zone = zone or datetime.now().astimezone().tzinfo
        self.reader = Reader(scratch, self.zone, out.resolve() if out else None)

    @property
    def troubles(self) -> list[Trouble]:
        return self.reader.troubles

    def entries(self) -> Iterator[Entry]:
        """Yield all files, those in zips too."""
        if self.top.is_dir():
            top, nested = self.top, self.top / "submitted"
            if nested.is_dir() and (self.top / "source").is_dir():  # a course of nbgrader's
                top = nested
            found = self.reader.folder(top)
        elif self.top.is_file() and self.top.suffix.lower() == ".zip":
            found = self.reader.zip(self.top, self.top.name, (), 1)
        else:
            raise ExerciseError(f"{self.top}: no such folder, and no zip file")
        for entry in found:
            yield from self.opened(entry, 1 if self.top.is_dir() else 2)

    def opened(self, entry: Entry, depth: int) -> Iterator[Entry]:
        """Yield a file or, if it is a zip, what is in it."""
        if len(entry.parts) > 1 and entry.parts[0].lower() in WRAPPERS:
            parts = entry.parts[1:]
            entry = Entry(parts, entry.path, entry.when, entry.archive)
        if not entry.parts[-1].lower().endswith(".zip") or entry.path is None:
            yield entry
        elif entry.path.is_symlink():
            self.reader.trouble(entry.where, "it is a link, and links are not followed")
        else:
            whole = owned(entry) is None  # a zip of nobody's holds a class
            parts = () if whole else entry.parts
            for inner in self.reader.zip(entry.path, entry.where, parts, depth):
                yield from self.opened(inner, depth + 1)

    def submissions(self) -> list[Submission]:
        """Return what was handed in, by student and exercise, the attempts in their order."""
        files: dict[str, list[_File]] = {}
        stamps: dict[tuple[str, ...], datetime] = {}
        for entry in self.entries():
            file = owned(entry)
            if entry.parts[-1] == "timestamp.txt" and entry.path is not None:
                if (when := self.stamp(entry)) is not None:
                    stamps[entry.parts[:-1]] = when
            elif file is not None:
                files.setdefault(file.owner.handle, []).append(file)
            elif entry.parts[-1].lower().endswith(".ipynb"):
                self.reader.trouble(
                    entry.where, "whose is it? Put it into a folder with the student's name"
                )
        found = [one for mine in files.values() for one in self.of_student(mine, stamps)]
        return sorted(found, key=in_order)

    def of_student(
        self, files: list[_File], stamps: Mapping[tuple[str, ...], datetime]
    ) -> Iterator[Submission]:
        notebooks = [file for file in files if file.name.lower().endswith(".ipynb")]
        if not notebooks:
            names = ", ".join(file.name for file in files[:3])
            self.reader.trouble(files[0].owner.handle, f"no notebook was handed in, but {names}")
        for file in notebooks:
            path, parts = file.entry.path, file.entry.parts
            if path is None:
                continue
            again = AGAIN.search(Path(file.name).stem)
            name = self.exercise_of(file.name, path)
            if name is None:
                self.reader.trouble(file.entry.where, "it is none of the exercises here")
                continue
            when = stamps.get(parts[:-1]) or self.dated(file)
            number = int(next(filter(None, again.groups()))) if again else 0
            yield Submission(
                file.owner, name, path, file.entry.where, when, file.late, (file.upload, number)
            )

    def exercise_of(self, name: str, path: Path) -> str | None:
        """Return the exercise that a notebook is: by its name, by what is in it, by likeness."""
        stem = Path(name).stem
        for known in self.exercises:
            if known.casefold() in (stem.casefold(), AGAIN.sub("", stem).casefold()):
                return known
        if path.is_symlink():
            return None
        inside = told_by(path, self.exercises)
        like = [known for known in self.exercises if plain(known) in plain(stem)]
        return inside or (like[0] if len(like) == 1 else None)

    def dated(self, file: _File) -> datetime | None:
        """Return when a file was handed in, if its name or its own time says so."""
        if found := ATTEMPT.search(file.entry.parts[0]):
            return datetime(*map(int, found.groups()), tzinfo=self.zone)  # type: ignore[arg-type, misc]
        return file.entry.when if file.dated else None

    def stamp(self, entry: Entry) -> datetime | None:
        """Read nbgrader's timestamp.txt."""
        assert entry.path is not None
        with entry.path.open("rb") as file:
            text = file.read(200).decode("utf-8", "replace").strip()
        when = parse_time(text, self.zone)
        if when is None:
            self.reader.trouble(entry.where, f"{text[:40]!r} is no time")
        return when


def in_order(one: Submission) -> tuple[Any, ...]:
    """Order attempts: by time, if it is known, else by the number that the LMS gave."""
    when = one.when or datetime.min.replace(tzinfo=UTC)
    return one.owner.handle, one.exercise, one.when is not None, when, one.order, one.where


def told_by(path: Path, exercises: Mapping[str, Exercise]) -> str | None:
    """Return the exercise that a notebook says it is, or whose answer cells it has."""
    try:
        notebook = read_notebook(path)
    except ExerciseError:
        return None
    ours = notebook["metadata"].get(KEY)
    named = ours.get("exercise") if isinstance(ours, dict) else None
    if isinstance(named, str) and named in exercises:
        return named
    ids = {cell.get("id") for cell in notebook["cells"] if isinstance(cell, dict) and "id" in cell}
    text = json.dumps(notebook["cells"])
    for name, exercise in exercises.items():
        answers = [task.answer for task in exercise.tasks]
        if all(a.id in ids or a.source.split("(")[0] in text for a in answers):
            return name
    return None


def parse_time(text: str, zone: tzinfo | None) -> datetime | None:
    """Read a time as nbgrader writes it: `2026-11-20 23:58:01.5 UTC`, or as ISO 8601 has it."""
    words = text.split(" ")
    try:
        if len(words) == 3:
            return datetime.fromisoformat(" ".join(words[:2])).replace(tzinfo=zone_of(words[2]))
        when = datetime.fromisoformat(text)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=zone)


def zone_of(name: str) -> tzinfo:
    """Return a zone by name, as `UTC` or `Europe/Prague`, or by offset, as `+0100`."""
    if found := re.fullmatch(r"([+-])(\d\d):?(\d\d)", name):
        minutes = 60 * int(found[2]) + int(found[3])
        return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
    return ZoneInfo(name)
