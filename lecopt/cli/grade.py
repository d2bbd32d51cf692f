"""`lecopt grade`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from lecopt.cli.common import FAILED, SOURCES, in_words, path_argument, sandbox_option

SHOWN = 100
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
@click.option("--out", type=path_argument, required=True, help="The folder RESULTS.")
@click.option("--exercise", help="Grade this exercise only, such as 04.")
@click.option("--roster", type=path_argument, help="A CSV of the class: tells who is missing.")
@click.option("--late", help='A deadline and a policy: "2026-11-20T23:59+01:00 -10%/day", or off.')
@click.option(
    "--attempts",
    type=click.Choice(["best", "last", "first"]),
    help="Which counts of several.  [default: last]",
)
@click.option("--student", help="Grade this student only.")
@click.option("--again", is_flag=True, help="Run again what is graded already.")
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
    roster: Path | None,
    late: str | None,
    attempts: str | None,
    student: str | None,
    again: bool,
    seed: int | None,
    workers: int,
    dask: str | None,
    seconds: float,
    kind: str,
    sources: Path,
) -> None:
    """Grade what a class handed in.

    SUBMISSIONS is a folder with a folder for each student, nbgrader's folder `submitted`, the zip
    that Canvas or Moodle gives, or a folder of such zips. A notebook may have any name: it says
    itself which exercise it is.

    RESULTS gets grades.csv, a page for each student, class.html and, if something needs a human,
    review.txt. Run again to go on where a run was stopped; roster, deadline and the choice of
    attempts are remembered, and changing them runs no code again.

    --late takes an ISO 8601 deadline with its zone, and none, zero or -10%/day: of the points
    possible, for each day begun. --roster takes Canvas's gradebook, Moodle's grading worksheet, or
    a CSV with a column "student".

    `lecopt override` changes points by hand, `lecopt export` fills in Canvas's and Moodle's files.

    Exits 0 if all were graded, 1 if something needs a human, 2 on wrong usage, 130 if interrupted.
    """
    from lecopt.cli.progress import told
    from lecopt.grading.grade import Order, grade_class
    from lecopt.grading.limits import Limits

    limits = Limits(cell=seconds, group=3 * seconds, notebook=9 * seconds, cpu=int(4 * seconds) + 1)
    order = Order(
        submissions, out, sources, exercise, seed, workers, kind, limits, dask,
        roster, late, attempts, student, again,
    )  # fmt: skip
    with in_words(), told() as (begin, advance):
        summary = grade_class(order, begin, advance)
    click.echo(f"Graded {summary.graded}, kept {summary.kept} from before; seed {summary.seed}.")
    click.echo(f"Grades: {out / 'grades.csv'}; the class: {out / 'class.html'}")
    say("handed in nothing", summary.missing)
    if summary.review:
        say("need a human", summary.review)
        click.echo(f"This list: {out / 'review.txt'}")
        sys.exit(FAILED)


def say(what: str, lines: list[str]) -> None:
    """Print a list, its beginning if it is long; the pages have the whole."""
    if lines:
        click.echo(f"{len(lines)} {what}:")
    for line in lines[:SHOWN]:
        click.echo(f"  {line}")
    if len(lines) > SHOWN:
        click.echo(f"  … and {len(lines) - SHOWN} more")
