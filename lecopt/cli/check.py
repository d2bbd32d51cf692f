"""`lecopt check`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lecopt.cli.common import FAILED, in_words, path_argument


@click.command()
@click.argument("notebook", type=path_argument)
@click.option("--hints", default=1, show_default=True, help="How many hints on a known mistake.")
def check(notebook: Path, hints: int) -> None:
    """Check the exercise in NOTEBOOK, and say what passes.

    Exits 0 if all checks pass, 1 if some fail, 2 if the notebook cannot be read.
    """
    from lecopt.grading.checking import check_notebook
    from lecopt.grading.words import words

    with in_words(f"{notebook}: "):
        checked = check_notebook(notebook)
    colours = {"✓": "green", "✗": "red"}
    for line in words(checked.tasks, hints).split("\n"):
        click.secho(line, fg=colours.get(line.strip()[:1]))
    for note in checked.notes:
        click.echo(f"\nNote: {note}.")
    if not checked.passed:
        sys.exit(FAILED)
