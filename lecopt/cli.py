"""The command `lecopt`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Trouble(click.ClickException):
    """An error in words, with the exit code of a wrong usage."""

    exit_code = USAGE


def console() -> Console:
    return Console(highlight=False, soft_wrap=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lecopt")
def main() -> None:
    """Exercises of the course book: check your own, or grade a class."""


@main.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--hints", default=1, show_default=True, help="How many hints on a known mistake.")
def check(notebook: Path, hints: int) -> None:
    """Check the exercise in NOTEBOOK, and say what passes.

    Exits 0 if all checks pass, 1 if some fail, 2 if the notebook cannot be read.
    """
    from lecopt.grading.check import check_notebook
    from lecopt.grading.exercise import ExerciseError
    from lecopt.grading.words import words

    try:
        checked = check_notebook(notebook)
    except ExerciseError as error:
        raise Trouble(f"{notebook}: {error}") from error
    out = console()
    for line in words(checked.tasks, hints).split("\n"):
        style = {"✓": "green", "✗": "red"}.get(line.strip()[:1])
        out.print(line, style=style, markup=False)
    for note in checked.notes:
        out.print(f"Note: {note}.", markup=False)
    if not checked.passed:
        sys.exit(FAILED)
