"""Exercises: written once, checked by students, graded safely.

In a notebook, `from lecopt.grading import check` and `check("04.2")`. All else is a command:
`lecopt check`, `lecopt grade`, `lecopt exercise`.
"""

import sys
from typing import Any, cast

# nbformat imports jsonschema, and that, if it finds this, builds a grammar of web addresses: 0.9 s.
cast("dict[str, Any]", sys.modules).setdefault("rfc3987_syntax", None)

from lecopt.grading.live import check  # noqa: E402

__all__ = ["check"]
