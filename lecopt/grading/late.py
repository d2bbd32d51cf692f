"""What being late costs: a deadline with its zone, and a policy that can change without a rerun."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from lecopt.grading.exercise import ExerciseError

HOW = (
    'write a deadline with its zone and a policy, as "2026-11-20T23:59+01:00 -10%/day"; '
    "policies are none, zero and -10%/day"
)


@dataclass(frozen=True)
class Late:
    """A deadline, and what to do after it: `percent` of the points possible is lost a day."""

    deadline: datetime
    percent: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Late:
        """Read `2026-11-20T23:59+01:00 -10%/day`; without a policy, lateness is only shown."""
        when, _, policy = text.strip().partition(" ")
        try:
            deadline = datetime.fromisoformat(when)
        except ValueError as error:
            raise ExerciseError(f"--late: {when!r} is no time; {HOW}") from error
        if deadline.tzinfo is None:
            raise ExerciseError(f"--late: {when!r} has no zone, such as +01:00 or Z; {HOW}")
        return cls(deadline, percent_of(policy.strip()))

    def __str__(self) -> str:
        policy = {0: "none", math.inf: "zero"}.get(self.percent, f"-{self.percent:g}%/day")
        return f"{self.deadline.isoformat()} {policy}"

    def days(self, when: datetime | None, late: bool | None) -> int | None:
        """Return how many days were begun after the deadline; None if nothing tells.

        What the LMS says goes before a time, since it knows of extensions.
        """
        if late is False:
            return 0
        if when is None:
            return None
        return max(0, math.ceil((when - self.deadline) / timedelta(days=1)))

    def points(self, earned: float, most: float, days: int) -> float:
        """Return what is left of the points."""
        if days == 0 or self.percent == 0:
            return earned
        lost = math.inf if math.isinf(self.percent) else most * self.percent * days / 100
        return round(max(0.0, earned - lost), 2)

    def in_words(self) -> str:
        """Say the policy to a student."""
        if self.percent == 0:
            return "Nothing is taken off for being late."
        if math.isinf(self.percent):
            return "After the deadline, nothing counts."
        return (
            f"For each day begun after the deadline, {self.percent:g} % "
            "of the points possible are taken off."
        )


def percent_of(policy: str) -> float:
    """Read a policy."""
    named = {"": 0.0, "none": 0.0, "zero": math.inf}
    if policy in named:
        return named[policy]
    found = re.fullmatch(r"-?(\d+(?:\.\d+)?) ?% ?(?:/|a|per) ?day", policy)
    if found is None or not 0 < float(found[1]) <= 100:
        raise ExerciseError(f"--late: {policy!r} is no policy; {HOW}")
    return float(found[1])
