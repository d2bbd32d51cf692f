"""`lecopt exercise`: what authors do."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import click

from lecopt.cli.common import FAILED, SOURCES, in_words, path_argument, sandbox_option


@click.group()
def exercise() -> None:
    """Write exercises: make the students' notebooks, and prove them."""


def sources_or_all(sources: tuple[Path, ...]) -> list[Path]:
    """Return the sources that were named, or all of the book's."""
    return list(sources) or sorted(SOURCES.glob("*.md"))


@exercise.command()
@click.argument("name")
@click.option("--title", default="", help="What students read; by default made from NAME.")
@click.option(
    "--out",
    "folder",
    type=path_argument,
    default=SOURCES,
    show_default=True,
    help="The folder for the source.",
)
def new(name: str, title: str, folder: Path) -> None:
    """Start an exercise: NAME, such as 05_nesterov, becomes exercises/source/05_nesterov.md.

    It is an example that passes `verify`, with comments that say how to make it your own.
    """
    from lecopt.grading.new import write_new

    with in_words():
        path = write_new(name, title, folder)
    click.echo(f"Wrote {path}. Change it, then: lecopt exercise verify {path}")


@exercise.command()
@click.argument("sources", nargs=-1, type=path_argument)
@click.option("--out", type=path_argument, help="The folder for the notebooks.")
@click.option(
    "--nbgrader",
    "course",
    type=path_argument,
    help="Make a course folder for nbgrader here instead.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Of nbgrader's hidden tests; without it, a random one.",
)
def release(
    sources: tuple[Path, ...], out: Path | None, course: Path | None, seed: int | None
) -> None:
    """Make the students' notebooks of SOURCES, by default of exercises/source.

    exercises/source/04_momentum.md becomes exercises/04_momentum.ipynb.

    With --nbgrader DIR, make DIR/source/04_momentum/04_momentum.ipynb and a configuration, for
    `nbgrader generate_assignment` and `autograde`. DIR holds the answers: it is the instructor's.
    nbgrader compares inside the student's kernel, so clever code can cheat it; `lecopt grade` not.
    """
    if course is None and seed is not None:
        raise click.UsageError(
            "--seed goes with --nbgrader: students' notebooks have the public one"
        )
    if course is not None:
        if out is not None:
            raise click.UsageError("give --out or --nbgrader, not both")
        release_course(sources_or_all(sources), course, seed)
        return
    from lecopt.grading.release import release_text

    for source in sources_or_all(sources):
        path = (out or source.parent.parent) / f"{source.stem}.ipynb"
        with in_words():
            text = release_text(source)
        path.write_text(text, encoding="utf-8", newline="\n")
        click.echo(f"Wrote {path}")


def release_course(sources: list[Path], folder: Path, seed: int | None) -> None:
    """Write a course folder for nbgrader."""
    from lecopt.grading.course import write_course

    seed = secrets.randbelow(1 << 31) if seed is None else seed
    with in_words():
        for path in write_course(sources, folder, seed):
            click.echo(f"Wrote {path}")
    click.echo(f"The seed of the hidden tests is {seed}.")


@exercise.command()
@click.argument("sources", nargs=-1, type=path_argument)
@click.option("--seeds", default=3, show_default=True, help="How many private seeds to try.")
@sandbox_option
def verify(sources: tuple[Path, ...], seeds: int, kind: str) -> None:
    """Prove that SOURCES tell right from wrong.

    The solution gets full marks, the blank none; each mutant loses points and is named.
    """
    from rich.console import Console
    from rich.table import Table

    from lecopt.grading.verify import prove

    failed = False
    for source in sources_or_all(sources):
        with in_words():
            proofs, wrong = prove(source, list(range(1000, 1000 + seeds)), kind)
        table = Table("seed", "task", "answer", "graded", "checked", "named", title=source.name)
        for proof in proofs:
            marks = (f"{v.earned}/{v.points}" for v in (proof.graded, proof.checked))
            table.add_row(str(proof.seed), proof.task, proof.variant, *marks, proof.graded.mistake)
        Console().print(table)
        for fault in wrong:
            click.echo(f"{source}: {fault}", err=True)
        failed |= bool(wrong)
    if failed:
        sys.exit(FAILED)


@exercise.command()
@click.argument("notebook", type=path_argument)
@click.option(
    "--to",
    "new_release",
    type=path_argument,
    help="The corrected notebook; by default the one of that exercise in the folder exercises.",
)
def update(notebook: Path, new_release: Path | None) -> None:
    """Bring your NOTEBOOK to a corrected release of its exercise, and keep your answers.

    Answers and cells of your own stay; prose, setup and checks are replaced. The notebook as it
    was is kept beside it, as NOTEBOOK.bak, and nothing that you wrote is lost.
    """
    from lecopt.grading.update import release_for, update_notebook

    with in_words(f"{notebook}: "):
        new_release = new_release or release_for(notebook, Path("exercises"))
        kept, said = update_notebook(notebook, new_release)
    for line in said:
        click.echo(line)
    if kept is not None:
        click.echo(f"Updated {notebook}. As it was: {kept}")
