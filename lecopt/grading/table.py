"""CSV files of others, read so that they can be filled in and given back otherwise unchanged.

A cell keeps the very characters it has in the file. What is written goes into one cell; the rest,
quotes, line ends, byte order mark and all, goes back as it came.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lecopt.grading.exercise import ExerciseError

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
         (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip
DELIMITERS = ",;\t"
RISKY = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """Return text that a spreadsheet will show and not run: `=cmd()` gets an apostrophe."""
    return f"'{text}" if text.lstrip(" ").startswith(RISKY) else text


def decoded(data: bytes) -> tuple[bytes, str, str]:
    """Return the byte order mark, the encoding and the text of a file that Excel may have saved."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return mark, encoding, data[len(mark) :].decode(encoding)
    for encoding, likely in (("utf-16-le", data[1:2] == b"\0"), ("utf-16-be", data[:1] == b"\0")):
        if likely:
            return b"", encoding, data.decode(encoding)
    try:
        return b"", "utf-8", data.decode()
    except UnicodeDecodeError:
        return b"", "cp1252", data.decode("cp1252")


def records(text: str, delimiter: str) -> Iterator[tuple[list[str], str]]:
    """Yield (cells as they are written, line end) for each line of a CSV text."""
    cell = re.compile(rf'("(?:[^"]|"")*"[^{delimiter}\r\n]*|[^{delimiter}\r\n]*)(\r\n|\n|\r|.|$)')
    cells, at = [], 0
    while at < len(text):
        found = cell.match(text, at)
        assert found is not None
        cells.append(found[1])
        at = found.end()
        if found[2] != delimiter:
            yield cells, found[2]
            cells = []
    if cells:  # the text ends with a delimiter
        yield [*cells, ""], ""


def value(written: str) -> str:
    """Return what a cell holds."""
    if written.startswith('"') and written.endswith('"') and len(written) > 1:
        return written[1:-1].replace('""', '"')
    return written


@dataclass
class Table:
    """A CSV file: its header, and its lines as lists of cells as they are written."""

    path: Path
    mark: bytes
    encoding: str
    delimiter: str
    preamble: str
    header: list[str]
    lines: list[tuple[list[str], str]] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Table:
        """Read a file; the delimiter is the one that its first line has most of."""
        try:
            mark, encoding, text = decoded(path.read_bytes())
        except OSError as error:
            raise ExerciseError(f"{path}: it cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ExerciseError(f"{path}: it is no text; save it as CSV, UTF-8") from error
        preamble = found[0] if (found := re.match(r"sep=.\r?\n", text)) else ""
        text = text[len(preamble) :]
        if "\0" in text:
            raise ExerciseError(f"{path}: it is no CSV file; save it as CSV, UTF-8")
        counts = {d: len(next(records(text, d), ([], ""))[0]) for d in DELIMITERS}
        delimiter = max(DELIMITERS, key=lambda d: counts[d])
        lines = list(records(text, delimiter))
        if not lines:
            raise ExerciseError(f"{path}: it is empty")
        header = [value(cell).strip() for cell in lines[0][0]]
        return cls(path, mark, encoding, delimiter, preamble, header, lines)

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield (line, {column: value}) for each line that is not blank."""
        for number in range(1, len(self.lines)):
            row = self.row(number)
            if any(text.strip() for text in row.values()):
                yield number, row

    def row(self, line: int) -> dict[str, str]:
        """Return {column: value} of a line."""
        cells, _ = self.lines[line]
        return dict(zip(self.header, map(value, cells), strict=False))

    def column(self, name: str) -> int:
        """Return where a column is; it must be there once."""
        if Counter(self.header)[name] != 1:
            raise ExerciseError(
                f"{self.path}: it needs one column {name!r}; "
                f"its columns are {', '.join(map(repr, self.header))}"
            )
        return self.header.index(name)

    def fill(self, line: int, column: int, text: str) -> None:
        """Write one cell."""
        cells = self.lines[line][0]
        cells += [""] * (column + 1 - len(cells))
        quoted = cells[column].startswith('"') or re.search(rf'["\r\n{self.delimiter}]', text)
        cells[column] = '"' + text.replace('"', '""') + '"' if quoted else text

    def number(self, points: float) -> str:
        """Write a number as the file does: with a comma where cells are parted by semicolons."""
        text = f"{points:g}"
        return text.replace(".", ",") if self.delimiter == ";" else text

    def data(self) -> bytes:
        """Return the file."""
        lines = (self.delimiter.join(cells) + end for cells, end in self.lines)
        return self.mark + (self.preamble + "".join(lines)).encode(self.encoding)
