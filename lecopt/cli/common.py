"""What the commands share: options, exit codes, and errors in words."""

from __future__ import annotations

import errno
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

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


FULL = "the disk is full. What was done is kept: make room and run again to go on"


def disk_full(error: BaseException) -> bool:
    """Say whether an error means that nothing more can be written."""
    if isinstance(error, sqlite3.Error):
        return error.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
    except (OSError, sqlite3.OperationalError) as error:
        if not disk_full(error):
            raise
        raise Trouble(f"{where}{FULL} ({error})") from error
    except KeyboardInterrupt:
        click.echo("Interrupted. What was done is kept: run again to go on.", err=True)
        sys.exit(INTERRUPTED)
