"""The book's exercise, its known answers and the notebook as students get it."""

from __future__ import annotations

import json

import nbformat
import pytest
from grading.helpers import NOTEBOOK, SOURCE, Notebook

from lecopt.grading.exercise import Exercise
from lecopt.grading.source import read_source


@pytest.fixture(scope="session")
def exercise() -> Exercise:
    return read_source(SOURCE).exercise


@pytest.fixture(scope="session")
def released() -> Notebook:
    """Return the student's notebook, as committed."""
    notebook: Notebook = json.loads(json.dumps(nbformat.read(NOTEBOOK, as_version=4)))
    return notebook


@pytest.fixture(scope="session")
def solution(exercise: Exercise) -> tuple[str, str]:
    return exercise.solutions["04.1"], exercise.solutions["04.2"]


@pytest.fixture(scope="session")
def blank(exercise: Exercise) -> tuple[str, str]:
    first, second = (task.answer.source for task in exercise.tasks)
    return first, second


@pytest.fixture(scope="session")
def pairs(exercise: Exercise) -> dict[str, tuple[str, str]]:
    """All mutants, one of each task together: {"04.1/… 04.2/…": (source, source)}."""
    first, second = (task.mistakes for task in exercise.tasks)
    longest = max(len(first), len(second))
    couples = [(first[i % len(first)], second[i % len(second)]) for i in range(longest)]
    return {f"{a.id} {b.id}": (a.source, b.source) for a, b in couples}
