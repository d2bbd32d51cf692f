"""`lecopt export` and `lecopt override`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lecopt.cli.common import FAILED, Trouble, in_words, path_argument

if TYPE_CHECKING:
    from lecopt.grading.results import Result
    from lecopt.grading.store import Store


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """Open the results in a folder; there must be some."""
    from lecopt.grading.store import Store

    path = folder / "results.sqlite"
    if not path.is_file():
        raise Trouble(f"{folder}: no results there; `lecopt grade … --out {folder}` makes them")
    with in_words(), contextlib.closing(Store(path)) as store:
        yield store


@click.command()
@click.argument("results", type=path_argument)
@click.option("--canvas", type=path_argument, help="Fill in the gradebook that Canvas exported.")
@click.option("--moodle", type=path_argument, help="Fill in Moodle's grading worksheet.")
@click.option("--gradescope", is_flag=True, help="Write a results.json for each student.")
@click.option("--csv", "as_csv", is_flag=True, help="Write one table of all results.")
@click.option("--json", "as_json", is_flag=True, help="Write all that is known, one JSON a line.")
@click.option("--page", is_flag=True, help="Write the page of the class.")
@click.option("--out", type=path_argument, required=True, help="The file, or folder, to write.")
@click.option("--exercise", help="This exercise only, such as 04.")
@click.option("--column", help="The column to fill in, by its whole name.")
@click.option(
    "--pseudonyms",
    type=path_argument,
    metavar="KEYFILE",
    help="Name nobody (--csv, --json, --page). The key is made if it is not there: keep it.",
)
def export(
    results: Path,
    canvas: Path | None,
    moodle: Path | None,
    gradescope: bool,
    as_csv: bool,
    as_json: bool,
    page: bool,
    out: Path,
    exercise: str | None,
    column: str | None,
    pseudonyms: Path | None,
) -> None:
    """Take grades out of RESULTS.

    lecopt export RESULTS --canvas gradebook.csv --out filled.csv

    Canvas's and Moodle's files are the instructor's own, filled in: one cell for each student, the
    rest stays as it is. Whoever cannot be placed is listed, and the exit code is then 1.
    """
    from lecopt.grading.exports import fill, write_csv, write_gradescope, write_json
    from lecopt.grading.pseudonyms import all_hidden, read_key

    forms = (canvas, moodle, gradescope, as_csv, as_json, page)
    if sum(map(bool, forms)) != 1:
        raise Trouble("choose one of --canvas, --moodle, --gradescope, --csv, --json and --page")
    lms_file = canvas or moodle
    if pseudonyms and not (as_csv or as_json or page):
        raise Trouble("--pseudonyms goes with --csv, --json and --page: an LMS needs names")
    notes: list[str] = []
    with opened(results) as store:
        found = wanted(store, exercise)
        if pseudonyms:
            found = all_hidden(found, read_key(pseudonyms, out))
        if lms_file:
            if out.exists() and out.samefile(lms_file):
                raise Trouble(f"--out {out}: give another file, so that the export stays as it was")
            data, notes = fill(lms_file, found, column)
            out.write_bytes(data)
        elif gradescope:
            write_gradescope(found, store.students(), out)
        elif as_csv:
            write_csv(found, out)
        elif as_json:
            write_json(found, out)
        else:
            write_page(store, found, out)
    click.echo(f"Wrote {out}")
    if notes:
        click.echo(f"{len(notes)} need a human:")
        for line in notes:
            click.echo(f"  {line}")
        sys.exit(FAILED)


def wanted(store: Store, exercise: str | None) -> Iterator[Result]:
    """Yield the results of one exercise, or of all."""
    from lecopt.grading.results import results

    names = [n for n in store.assignments() if exercise in (None, n, n.split("_")[0])]
    if not names:
        known = ", ".join(store.assignments()) or "none"
        raise Trouble(f"no exercise {exercise} in these results (there are: {known})")
    return (one for one in results(store) if one.exercise in names)


def write_page(store: Store, found: Iterator[Result], out: Path) -> None:
    """Write the page of the class, which links to no other."""
    from lecopt.grading.report import write_class_page
    from lecopt.grading.tally import Tally

    tallies = {name: Tally(one) for name, one in store.assignments().items()}
    for one in found:
        tallies[one.exercise].add(one, "")
    write_class_page(tallies, out, [])


@click.command()
@click.argument("results", type=path_argument)
@click.argument("student")
@click.argument("task")
@click.argument("points", type=click.FloatRange(min=0), required=False)
@click.option("--reason", help="Why; the student reads it.")
@click.option("--who", default="", help="Who decided.")
@click.option("--remove", is_flag=True, help="Let the grader's points count again.")
def override(
    results: Path,
    student: str,
    task: str,
    points: float | None,
    reason: str | None,
    who: str,
    remove: bool,
) -> None:
    """Give POINTS for a TASK by hand, whatever the grader found, or says later.

    lecopt override RESULTS ana 04.2 3 --reason "right, in another form"

    TASK `04.late` is how many days late it was: 0 is an extension.
    """
    from lecopt.grading.override import decide, undo
    from lecopt.grading.report import write_reports

    if not remove and (points is None or not (reason or "").strip()):
        raise Trouble("give the points and a --reason, or --remove")
    with opened(results) as store:
        if remove:
            undo(store, student, task)
        else:
            decide(store, student, task, points or 0.0, str(reason).strip(), who)
        write_reports(store, results)
    click.echo(f"{student}, {task}: " + ("as graded" if remove else f"{points:g}, by hand"))
