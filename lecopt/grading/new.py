"""A new exercise to start from: an example that works, with comments that teach the format."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from lecopt.grading.exercise import ExerciseError

NAME = re.compile(r"([0-9]{2})_([a-z0-9_]+)")


def new_text(name: str, title: str, path: Path) -> str:
    """Return the source of a new exercise."""
    found = NAME.fullmatch(name)
    if found is None:
        raise ExerciseError(
            f"{name!r}: name it by two digits, the chapter, and its topic, such as 05_nesterov"
        )
    title = title or found[2].replace("_", " ").capitalize()
    if not title.isprintable() or set('"\\') & set(title):
        raise ExerciseError(f"the title {title!r} must be one line without quotes and backslashes")
    text = files("lecopt.grading").joinpath("new_exercise.md").read_text(encoding="utf-8")
    for mark, value in {
        "@TITLE@": title,
        "@PATH@": path.as_posix(),
        "@NUMBER@": str(int(found[1])),
        "@NN@": found[1],
        "@SEED@": str(int(found[1])),
        "@NAME@": name,
    }.items():
        text = text.replace(mark, value)
    return text


def write_new(name: str, title: str, folder: Path) -> Path:
    """Write the source of a new exercise, and return where; never write over a file."""
    path = folder / f"{name}.md"
    text = new_text(name, title, path)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise ExerciseError(f"{path} is there already; choose another name") from error
    return path
