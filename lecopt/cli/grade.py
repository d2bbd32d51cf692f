"""`lecopt grade`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from lecopt.cli.common import FAILED, SOURCES, in_words, path_argument, sandbox_option

source_option = click.option(
    "--source",
    "sources",
    type=path_argument,
    default=SOURCES,
    show_default=True,
    help="The folder of the exercises' sources.",
)


@click.command()
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
@click.option("--dask", metavar="ADDRESS", help="Grade on the Dask cluster with this scheduler.")
@click.option("--time", "seconds", default=20.0, show_default=True, help="Seconds for one cell.")
@sandbox_option
@source_option
def grade(
    submissions: Path,
    out: Path,
    exercise: str | None,
    seed: int | None,
    workers: int,
    dask: str | None,
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

    limits = Limits(cell=seconds, group=3 * seconds, notebook=9 * seconds, cpu=int(4 * seconds) + 1)
    order = Order(submissions, out, sources, exercise, seed, workers, kind, limits, dask)
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
