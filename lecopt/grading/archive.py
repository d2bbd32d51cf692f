"""The files that were handed in, from folders and zips in which anything may be.

A name in a zip is text that may tell who handed in what; it is never a place to write to. A file
that is wanted is copied into a scratch folder under a number of ours, and only as far as the limits
go, whatever the zip says about its size. What cannot be taken is told, and the rest goes on.
"""

from __future__ import annotations

import errno
import itertools
import lzma
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import IO

from lecopt.grading.merge import MAX_BYTES

WANTED = (".ipynb", ".zip")
CLUTTER = ("__MACOSX", ".ipynb_checkpoints")
DEEP = 12  # folders in folders
NESTED = 3  # zips in zips
RATIO = 400  # what a zip of text may swell by; deflate reaches 1032
SMALL = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT)
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Bounds:
    """What a zip may hold: entries, bytes of its table of contents, bytes unpacked."""

    entries: int
    contents: int
    total: int


CLASS = Bounds(100_000, 64 << 20, 16 << 30)
STUDENT = Bounds(2_000, 1 << 20, 200 << 20)


@dataclass(frozen=True)
class Trouble:
    """Something that a human must look at."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{printable(self.where)}: {self.what}"


@dataclass(frozen=True)
class Entry:
    """A file that was handed in: `parts` is its path below the top, zips counted as folders.

    `path` is where its bytes are, or None if nobody wants them; `when` its time, if it has one.
    """

    parts: tuple[str, ...]
    path: Path | None
    when: datetime | None
    archive: str = ""

    @property
    def where(self) -> str:
        return "/".join((*((self.archive,) if self.archive else ()), *self.parts))


class RefusedError(Exception):
    """An entry, or a zip, that is left out, and why."""


def printable(text: str) -> str:
    """Replace what would move a terminal's cursor or break a line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def parts_of(name: str) -> tuple[str, ...]:
    """Return the folders and the file of a path in a zip; raise RefusedError if it leads out."""
    pieces = name.replace("\\", "/").split("/")
    if not pieces[0] or re.match(r"[A-Za-z]:", name):
        raise RefusedError("its path is absolute, so it is left out")
    if ".." in pieces:
        raise RefusedError("its path leads out of the zip, so it is left out")
    if len(name) > 1000 or len(pieces) > DEEP:
        raise RefusedError("its path is too long, so it is left out")
    return tuple(piece for piece in pieces if piece not in ("", "."))


def name_of(info: zipfile.ZipInfo) -> str:
    """Return an entry's name. Some tools write UTF-8 and forget to say so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def contents_bytes(path: Path) -> int:
    """Return how large a zip says its table of contents is; reading it costs ten times that."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16) - 22))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + 16 > len(tail):
        raise zipfile.BadZipFile("there is no table of contents")
    return int.from_bytes(tail[at + 12 : at + 16], "little")


def clutter(parts: tuple[str, ...]) -> bool:
    """Say whether a path belongs to the system or an editor, not to the student."""
    return any(part.startswith(".") or part in CLUTTER for part in parts)


def check_size(path: Path, depth: int, bounds: Bounds) -> None:
    """Refuse a zip that is too deep in others, or lists too much to be read."""
    if depth > NESTED:
        raise RefusedError("zips in zips in zips are not opened")
    if contents_bytes(path) > bounds.contents:
        raise RefusedError(f"it holds more than {bounds.entries} files")


def in_brief(error: BaseException) -> str:
    """Return what broke; but a disk that is full is nobody's broken zip."""
    if isinstance(error, OSError) and error.errno in FULL:
        raise error
    return str(error)[:80] or type(error).__name__


def pour(source: IO[bytes], target: IO[bytes], most: int, credible: int) -> None:
    """Copy what a zip unpacks, and stop where it is too much, whatever the zip says of its size."""
    size = 0
    while block := source.read(1 << 16):
        size += len(block)
        if size > credible:
            raise RefusedError("it swells too much to be a notebook: a zip bomb")
        if size > most:
            raise RefusedError(f"it is too large: {most >> 20} MB were left for it")
        target.write(block)


class Reader:
    """Lists what was handed in; copies what comes from zips to `scratch`; collects `troubles`."""

    def __init__(self, scratch: Path, zone: tzinfo | None, without: Path | None = None) -> None:
        self.scratch = scratch
        self.zone = zone
        self.without = without
        self.troubles: list[Trouble] = []
        self.numbers = itertools.count(1)
        self.entries: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def trouble(self, where: str, what: object) -> None:
        self.troubles.append(Trouble(where, str(what)))

    def folder(self, top: Path, parts: tuple[str, ...] = ()) -> Iterator[Entry]:
        """Yield the files below a folder. Links are not followed."""
        for path in sorted(top.iterdir()):
            inner = (*parts, path.name)
            if clutter((path.name,)) or path.resolve() == self.without:
                continue
            if path.is_dir():
                if path.is_symlink():
                    self.trouble("/".join(inner), "it is a link, and links are not followed")
                elif len(inner) < DEEP:
                    yield from self.folder(path, inner)
            else:
                yield Entry(inner, path, self.time_of(path))

    def time_of(self, path: Path) -> datetime:
        return datetime.fromtimestamp(path.lstat().st_mtime).astimezone()

    def zip(self, path: Path, where: str, parts: tuple[str, ...], depth: int) -> Iterator[Entry]:
        """Yield the files in a zip, as lying below `parts`; without parts, it is a class."""
        bounds = STUDENT if parts else CLASS
        try:
            check_size(path, depth, bounds)
            with zipfile.ZipFile(path) as archive:
                yield from self.members(archive, where, parts, bounds)
        except RefusedError as error:
            self.trouble(where, error)
        except BROKEN as error:
            self.trouble(where, f"it is a broken zip ({in_brief(error)})")

    def members(
        self, archive: zipfile.ZipFile, where: str, parts: tuple[str, ...], bounds: Bounds
    ) -> Iterator[Entry]:
        """Yield the files in an open zip. All zips of a student share one allowance."""
        infos = archive.infolist()
        purse = parts[0] if parts else where
        self.entries[purse] += len(infos)
        if self.entries[purse] > bounds.entries:
            raise RefusedError(f"it holds more than {bounds.entries} files")
        self.doubles(infos, where)
        latest = {name_of(info): info for info in infos if not info.is_dir()}
        for name, info in latest.items():
            try:
                inner = parts_of(name)
                if clutter(inner) or not inner:
                    continue
                path = self.copy(archive, info, inner[-1], bounds.total - self.bytes[purse])
                self.bytes[purse] += path.stat().st_size if path else 0
            except RefusedError as error:
                self.trouble(f"{where}/{name}", error)
            except BROKEN as error:
                self.trouble(f"{where}/{name}", f"it is broken in the zip ({in_brief(error)})")
            else:
                yield Entry((*parts, *inner), path, self.stamp(info), "" if parts else where)

    def doubles(self, infos: list[zipfile.ZipInfo], where: str) -> None:
        """Tell of names that are there twice: the last one counts, as for other programs."""
        seen: set[str] = set()
        for name in map(name_of, infos):
            if name in seen:
                self.trouble(f"{where}/{name}", "it is in the zip more than once: the last counts")
            seen.add(name)

    def stamp(self, info: zipfile.ZipInfo) -> datetime | None:
        """Return an entry's time, which a zip keeps without a zone."""
        try:
            return datetime(*info.date_time, tzinfo=self.zone)
        except ValueError:
            return None

    def copy(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, left: int
    ) -> Path | None:
        """Copy an entry to scratch, if it is wanted, as far as the limits go."""
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise RefusedError("it is a link, and links are not followed")
        suffix = Path(name).suffix.lower()
        if suffix not in WANTED and name != "timestamp.txt":
            return None
        if info.flag_bits & 1:
            raise RefusedError("it is encrypted")
        packed = min(info.compress_size, archive.start_dir)
        path = self.scratch / f"{next(self.numbers):06d}{suffix}"
        try:
            with archive.open(info) as source, path.open("wb") as target:
                pour(source, target, min(MAX_BYTES, left), max(SMALL, RATIO * packed))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path
