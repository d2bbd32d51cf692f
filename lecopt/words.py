"""Numbers and lists as a reader expects them in a sentence."""

from __future__ import annotations

import re
from typing import Any


def number(x: float) -> str:
    """Return a number to three digits, with a real minus sign: 1.5, −2, 1e−5."""
    return re.sub(r"e([+-])0", r"e\1", f"{x:.3g}").replace("e+", "e").replace("-", "−")


def point(theta: Any) -> str:
    """Return a point as text."""
    return f"({', '.join(number(x) for x in theta)})"


def listed(parts: list[str]) -> str:
    """Return "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
