"""The command `lecopt`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import click

# nbformat imports jsonschema, and that, if it finds this, builds a grammar of web addresses: 0.9 s.
cast("dict[str, Any]", sys.modules).setdefault("rfc3987_syntax", None)

FAILED, USAGE, INTERRUPTED = 1, 2, 130
SOURCES = Path("exercises/source")

path_argument = click.Path(path_type=Path)
sandbox_option = click.option(
    "--sandbox",
    "kind",
    type=click.Choice(["bwrap", "none"]),
    default="bwrap",
    show_default=True,
    help="Where code runs; 'none' gives it your own rights.",
)
source_option = click.option(
    "--source",
    "sources",
    type=path_argument,
    default=SOURCES,
    show_default=True,
    help="The folder of the exercises' sources.",
)


class Trouble(click.ClickException):
    """An error in words, with the exit code of wrong usage."""

    exit_code = USAGE


@contextmanager
def in_words(where: str = "") -> Iterator[None]:
    """Turn our own errors into a message and an exit code, and Ctrl-C into 130."""
    from lecopt.grading.exercise import ExerciseError
    from lecopt.grading.sandbox import SandboxError

    try:
        yield
    except (ExerciseError, SandboxError) as error:
        raise Trouble(f"{where}{error}") from error
    except KeyboardInterrupt:
        click.echo("Interrupted. What was done is kept: run again to go on.", err=True)
        sys.exit(INTERRUPTED)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lecopt")
def main() -> None:
    """Exercises of the course book: check your own, or grade a class."""


@main.command()
@click.argument("notebook", type=path_argument)
@click.option("--hints", default=1, show_default=True, help="How many hints on a known mistake.")
def check(notebook: Path, hints: int) -> None:
    """Check the exercise in NOTEBOOK, and say what passes.

    Exits 0 if all checks pass, 1 if some fail, 2 if the notebook cannot be read.
    """
    from lecopt.grading.check import check_notebook
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


@main.command()
@click.argument("submissions", type=path_argument)
@click.option("--out", type=path_argument, required=True, help="The folder for the results.")
@click.option("--exercise", help="Grade this exercise only, such as 04.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the hidden numbers; kept in RESULTS.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="one a processor",
    help="How many submissions to grade at once.",
)
@click.option("--time", "seconds", default=20.0, show_default=True, help="Seconds for one cell.")
@sandbox_option
@source_option
def grade(
    submissions: Path,
    out: Path,
    exercise: str | None,
    seed: int | None,
    workers: int,
    seconds: float,
    kind: str,
    sources: Path,
) -> None:
    """Grade SUBMISSIONS/<student>/<exercise>.ipynb.

    Writes grades.csv, a page for each student and results.sqlite. Run again to go on where a run
    was stopped. Exits 0 if all were graded, 1 if something needs a human, 2 on wrong usage.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from lecopt.grading.grade import Order, grade_class
    from lecopt.grading.limits import Limits

    limits = Limits(cell=seconds, group=3 * seconds, cpu=int(4 * seconds) + 1)
    order = Order(submissions, out, sources, exercise, seed, workers, kind, limits)
    bar = Progress("grading", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with in_words(), bar:
        task = bar.add_task("grading")
        summary = grade_class(
            order,
            begin=lambda total: bar.update(task, total=total),
            advance=lambda: bar.advance(task),
        )
    click.echo(f"Graded {summary.graded}, kept {summary.kept} from before; seed {summary.seed}.")
    click.echo(f"Grades: {out / 'grades.csv'}")
    if summary.review:
        click.echo(f"{len(summary.review)} need a human:")
        for line in summary.review:
            click.echo(f"  {line}")
        sys.exit(FAILED)


@main.group()
def exercise() -> None:
    """Write exercises: make the students' notebooks, and prove them."""


def sources_or_all(sources: tuple[Path, ...]) -> list[Path]:
    """Return the sources that were named, or all of the book's."""
    return list(sources) or sorted(SOURCES.glob("*.md"))


@exercise.command()
@click.argument("sources", nargs=-1, type=path_argument)
@click.option("--out", type=path_argument, help="The folder for the notebooks.")
def release(sources: tuple[Path, ...], out: Path | None) -> None:
    """Make the students' notebooks of SOURCES, by default of exercises/source.

    exercises/source/04_momentum.md becomes exercises/04_momentum.ipynb.
    """
    from lecopt.grading.release import release_text

    for source in sources_or_all(sources):
        path = (out or source.parent.parent) / f"{source.stem}.ipynb"
        with in_words():
            text = release_text(source)
        path.write_text(text, encoding="utf-8")
        click.echo(f"Wrote {path}")


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
