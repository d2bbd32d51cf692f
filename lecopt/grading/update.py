"""Bring a student's notebook to a corrected release, and keep all that is the student's.

Prose, setup, checks and demos come from the new release. Answers and the student's own cells are
kept: an answer goes into the cell of the new release that asks for the same function (or has the
same id), an own cell stays behind the cell that it stood behind. Whatever else the student wrote
(changes to our cells, an older copy of an answer, the answer to a task that is gone) is kept as
text in a marked cell at the end, where it runs no more.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lecopt.grading.exercise import KEY, Cell, Exercise, ExerciseError, digest
from lecopt.grading.merge import identify, read_notebook, signature, source_of

Notebook = dict[str, Any]
KEPT = "kept"


@dataclass
class Update:
    """The notebook in the making: what stands at and behind each cell of the new release."""

    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    behind: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    displaced: list[tuple[str, str, str]] = field(default_factory=list)  # (why, language, text)
    said: list[str] = field(default_factory=list)


class _Release:
    """Where the cells of the new release are."""

    def __init__(self, notebook: Notebook) -> None:
        self.exercise, _ = Exercise.of_notebook(notebook["metadata"])
        self.cells = notebook["cells"]
        self.by_id = {id_of(cell): place for place, cell in enumerate(self.cells)}
        self.by_text: dict[tuple[str, str], int] = {}
        for place, cell in enumerate(self.cells):
            self.by_text.setdefault((cell["cell_type"], source_of(cell).strip()), place)
        self.stubs = {signature(task.answer): task.answer for task in self.exercise.tasks}

    def place(self, cell: Mapping[str, Any], canonical: Cell | None) -> int | None:
        """Return where a cell of the last release is in this one: by its text, else by its id."""
        same = self.by_text.get((str(cell.get("cell_type")), source_of(cell).strip()))
        name = canonical.id if canonical is not None else id_of(cell)
        return self.by_id.get(name) if same is None else same

    def answer(self, old: Cell) -> Cell | None:
        """Return the cell that asks for the same function, else the one of the same id."""
        same_id = (task.answer for task in self.exercise.tasks if task.answer.id == old.id)
        return self.stubs.get(signature(old)) or next(same_id, None)


def ours(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what we wrote into a cell's metadata."""
    metadata = cell.get("metadata")
    found = metadata.get(KEY) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def id_of(cell: Mapping[str, Any]) -> str:
    """Return the id that a cell came with."""
    return str(ours(cell).get("id") or cell.get("id") or "")


def is_prose(cell: Mapping[str, Any], release: _Release) -> bool:
    """Say whether a text cell came with the exercise."""
    text = ("markdown", source_of(cell).strip())
    return ours(cell).get("role") == "prose" or text in release.by_text


def is_edited(cell: Mapping[str, Any], canonical: Cell | None, release: _Release) -> bool:
    """Say whether the student changed a cell that came with the exercise."""
    text = source_of(cell)
    if (str(cell.get("cell_type")), text.strip()) in release.by_text:
        return False
    if canonical is not None:
        return text.strip() != canonical.source.strip()
    return digest(text) != ours(cell).get("digest")


def collect(student: Notebook, old: Exercise, release: _Release) -> Update:
    """Go through a student's cells, and find a place for each."""
    update = Update()
    found = iter(identify(old, student))
    place = -1
    for cell in student["cells"]:
        if not isinstance(cell, dict):
            continue
        canonical = next(found).cell if cell.get("cell_type") == "code" else None
        if ours(cell).get("role") == KEPT:
            update.behind.setdefault(len(release.cells) - 1, []).append(cell)
        elif canonical is not None and canonical.role == "answer":
            there = take_answer(update, cell, canonical, release)
            place = place if there is None else there
        elif canonical is not None or is_prose(cell, release):
            if is_edited(cell, canonical, release):
                what = canonical.role if canonical is not None else "prose"
                language = "python" if canonical is not None else "markdown"
                update.displaced.append((f"your change to {what}", language, source_of(cell)))
            there = release.place(cell, canonical)
            place = place if there is None else there
        else:
            update.behind.setdefault(place, []).append(cell)
    return update


def take_answer(update: Update, cell: dict[str, Any], old: Cell, release: _Release) -> int | None:
    """Put an answer where the new release asks for it, and return where that is."""
    new, text = release.answer(old), source_of(cell)
    place = None if new is None else release.by_id[new.id]
    if text.strip() in ("", old.source.strip()) or (new and text.strip() == new.source.strip()):
        return place
    if new is None or place is None:
        update.displaced.append((f"your answer to {old.task}, a task that is gone", "python", text))
        return None
    if signature(old) not in text and signature(new) not in text and place in update.answers:
        update.behind.setdefault(place, []).append(cell)  # a copy of the cell, made a helper
        return place
    if place in update.answers:
        earlier = update.answers[place]
        if signature(old) in source_of(earlier):
            why = f"an earlier copy of your answer to {new.task}"
            update.displaced.append((why, "python", source_of(earlier)))
        else:
            update.behind.setdefault(place - 1, []).append(earlier)
    update.answers[place] = cell
    return place


def own(cell: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    """Return a student's own cell, with an id that no other cell has."""
    metadata = dict(cell.get("metadata") or {})
    if ours(cell).get("role") != KEPT:
        metadata.pop(KEY, None)
    name = str(cell.get("id") or "")
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) or name in taken:
        name = next(free for n in range(1, 1 << 30) if (free := f"own-{n}") not in taken)
    taken.add(name)
    changed = {"metadata": metadata, "source": source_of(cell), "id": name}
    return {**copy.deepcopy(dict(cell)), **changed}


def kept_cell(displaced: list[tuple[str, str, str]], taken: set[str]) -> dict[str, Any]:
    """Return the marked cell with all that found no place."""
    parts = [
        "**Kept by `lecopt exercise update`.** It found no place above, and does not run here."
    ]
    for why, language, text in displaced:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        parts.append(f"{why[0].upper()}{why[1:]}:\n\n{fence}{language}\n{text}\n{fence}")
    cell = {
        "cell_type": "markdown",
        "metadata": {KEY: {"role": KEPT}},
        "source": "\n\n".join(parts),
    }
    return own(cell, taken)


def updated(student: Notebook, new: Notebook) -> tuple[Notebook, list[str]]:
    """Return a student's notebook on the new release, and what was done to it."""
    release = _Release(new)
    old = release.exercise
    if KEY in student["metadata"]:
        old, _ = Exercise.of_notebook(student["metadata"])
    if old.name != release.exercise.name:
        raise ExerciseError(f"it is exercise {old.name}, the new one is {release.exercise.name}")
    update = collect(student, old, release)
    cells: list[dict[str, Any]] = []
    taken = set(release.by_id)
    cells += [own(cell, taken) for cell in update.behind.get(-1, ())]
    for place, cell in enumerate(release.cells):
        answer = update.answers.get(place)
        cells.append(copy.deepcopy(cell))
        if answer is not None:
            cells[-1]["source"] = source_of(answer)
            cells[-1]["outputs"] = copy.deepcopy(answer.get("outputs", []))
        cells += [own(cell, taken) for cell in update.behind.get(place, ())]
    if update.displaced:
        cells.append(kept_cell(update.displaced, taken))
    metadata = {**student["metadata"], **copy.deepcopy(new["metadata"])}
    result = {**copy.deepcopy(new), "metadata": metadata, "cells": cells}
    return result, list(words(update, old, release))


def words(update: Update, old: Exercise, release: _Release) -> Iterator[str]:
    """Say what was done."""
    stubs = {answer.task: answer.source for answer in (task.answer for task in old.tasks)}
    for task in release.exercise.tasks:
        if release.by_id[task.answer.id] in update.answers:
            yield f"{task.id} {task.title}: your answer is kept"
            text = source_of(update.answers[release.by_id[task.answer.id]])
            if signature(task.answer) not in text:
                yield f"{task.id}: the task now asks for {signature(task.answer)}…): rename yours"
        else:
            yield f"{task.id} {task.title}: not written yet"
        if task.id not in stubs:
            yield f"{task.id}: this task is new"
        elif stubs[task.id] != task.answer.source:
            yield f"{task.id}: the lines given with this task changed; compare them with yours"
    count = sum(map(len, update.behind.values()))
    if count:
        yield f"{count} cell{'s' if count > 1 else ''} of your own kept"
    for why, _, _ in update.displaced:
        yield f"kept as text in the last cell: {why}"


def backup(path: Path) -> Path:
    """Copy a file to a name beside it that is free, and return the copy's path."""
    names = (f"{path.name}.bak{number if number > 1 else ''}" for number in range(1, 1000))
    free = next(p for name in names if not (p := path.with_name(name)).exists())
    shutil.copy2(path, free)
    return free


def release_for(path: Path, folder: Path) -> Path:
    """Return the release of a student's exercise in a folder; raise ExerciseError if none is."""
    exercise, _ = Exercise.of_notebook(read_notebook(path)["metadata"])
    new = folder / f"{exercise.name}.ipynb"
    if not new.exists() or new.samefile(path):
        raise ExerciseError("name the corrected notebook: --to NEW.ipynb")
    return new


def update_notebook(path: Path, new: Path) -> tuple[Path | None, list[str]]:
    """Update a notebook in place; return the backup (None if nothing was to be done), and words."""
    student = read_notebook(path)
    try:
        result, said = updated(student, read_notebook(new))
    except ExerciseError as error:
        raise ExerciseError(f"updating to {new}: {error}") from error
    if plain(result) == plain(student):
        return None, ["It is on this release already; nothing was changed."]
    safe = backup(path)
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
    return safe, said


def plain(notebook: Notebook) -> list[Any]:
    """Return what of a notebook an update is about: the release, and each cell's text."""
    texts = [(cell.get("cell_type"), source_of(cell)) for cell in notebook["cells"]]
    return [notebook["metadata"].get(KEY), texts]
