"""`lecopt exercise`: what authors do."""

from __future__ import annotations

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
