"""Pin every dependency, for Python 3.11 and later on any system: `make lock`.

    python tools/lock.py [--upgrade]

requirements.txt holds what it takes to read, run, build and grade, tests/requirements.txt what
the tests need besides and benchmarks/requirements.txt the peers that are only timed (in versions
that agree with the first), tests/node.txt Node for machines without it. Versions stay as they are
unless pyproject.toml asks for others or --upgrade is given.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def pin(lock: str, *sources: str) -> None:
    """Write one lock."""
    compiler = (sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal")
    settings = ("--python-version", "3.11", "--custom-compile-command", "make lock")
    command = (*compiler, *settings, *sources, "--output-file", lock)
    subprocess.run(command, cwd=ROOT, check=True)


def constraints() -> str:
    """Copy requirements.txt without the package itself, which uv takes for no constraint."""
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").replace("-e .\n", "")
    (ROOT / "_build").mkdir(exist_ok=True)
    (ROOT / "_build/requirements.txt").write_text(pins, encoding="utf-8")
    return "_build/requirements.txt"


def main(options: list[str]) -> None:
    """Write the locks, in an order in which each can rely on those before it."""
    pin("requirements.txt", *options, "requirements.in")
    pin("tests/requirements.txt", *options, "--constraint", constraints(), "--group", "dev")
    others = ("--constraint", constraints(), "--constraint", "tests/requirements.txt")
    pin("benchmarks/requirements.txt", *options, *others, "--group", "bench")
    pin("tests/node.txt", *options, "--group", "node")


if __name__ == "__main__":
    main(sys.argv[1:])
