"""The error for code that a tape cannot hold: it names the line, and what to write instead."""

from __future__ import annotations

import linecache
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).parent
# Where the lines are that are never the ones to blame.
INSIDE = (
    f"{HERE}{os.sep}",
    *(str(HERE.parent / file) for file in ("trace.py", "search.py")),
    str(Path(np.__file__).parent),
)


class TraceError(TypeError):
    """The code does something that a program for the page cannot hold."""


class Place(NamedTuple):
    """A line of code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.line).strip()
        return f"{Path(self.file).name}, line {self.line}, in {self.function}: {text}"


def place_now() -> Place:
    """Return the line that is being traced."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(INSIDE):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def refusal(what: str, instead: str, place: Place | None = None) -> TraceError:
    """Return the error for something that cannot be traced."""
    return TraceError(
        f"{place or place_now()}\n"
        f"This holds {what}, which the page cannot run. Write instead: {instead}."
    )


def name_of(function: Any) -> str:
    """Return a NumPy function's name as one writes it: np.linalg.norm."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"
