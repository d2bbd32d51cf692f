"""Exercises: written once, checked by students, graded safely.

In a notebook, `from lecopt.grading import check` and `check("04.2")`. All else is a command:
`lecopt check`, `lecopt grade`, `lecopt exercise`.
"""

from lecopt.grading.live import check

__all__ = ["check"]
