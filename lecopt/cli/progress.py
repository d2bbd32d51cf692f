"""How far the grader is, and how long it will take: a bar in a terminal, lines in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

EVERY = 10.0  # seconds between lines

Tell = tuple[Callable[[int], None], Callable[[], None]]


@contextmanager
def told(console: Console | None = None) -> Iterator[Tell]:
    """Give `begin(total)` and `advance()`, which tell how far it is."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        lines = Lines(console)
        yield lines.begin, lines.advance
        return
    columns = (BarColumn(), MofNCompleteColumn(), "time left", TimeRemainingColumn())
    with Progress("grading", *columns, console=console) as bar:
        task = bar.add_task("grading", total=None)
        yield lambda total: bar.update(task, total=total), lambda: bar.advance(task)


class Lines:
    """Tells by a line every few seconds, and one at the end."""

    def __init__(self, console: Console, every: float = EVERY) -> None:
        self.console = console
        self.every = every
        self.total = self.done = 0
        self.began = self.last = time.monotonic()

    def begin(self, total: int) -> None:
        self.total = total
        self.began = self.last = time.monotonic()
        self.say(f"{total} to grade")

    def advance(self) -> None:
        self.done += 1
        now = time.monotonic()
        if self.done == self.total:
            self.say(f"{self.done} of {self.total} graded in {span(now - self.began)}")
        elif now - self.last >= self.every:
            self.last = now
            left = (now - self.began) / self.done * (self.total - self.done)
            self.say(f"{self.done} of {self.total} graded, {span(left)} left")

    def say(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)


def span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
