"""What a grade may depend on besides the exercise, the seed and the submission."""

from __future__ import annotations

import importlib.metadata
import json
import platform


def versions() -> str:
    """Return the versions that a grade may depend on, as JSON."""
    names = ("lecopt", "numpy", "ipykernel", "nbval")
    found = {name: importlib.metadata.version(name) for name in names}
    return json.dumps({"python": platform.python_version(), **found})
