"""The command `lecopt`."""

from __future__ import annotations

import io
import sys

import click

from lecopt.cli.check import check
from lecopt.cli.exercise import exercise
from lecopt.cli.export import export, override
from lecopt.cli.grade import grade


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lecopt")
def main() -> None:
    """Exercises of the course book: check your own, or grade a class."""
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper):  # Windows' old code pages know no ✓ and no η
            out.reconfigure(errors="replace")


for command in (check, grade, export, override, exercise):
    main.add_command(command)
