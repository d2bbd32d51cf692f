"""Run the chapters once more, and hold what they print against what the site shows (nbval)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted(
    path.stem
    for path in (ROOT / "book").glob("*.md")
    if "file_format: mystnb" in path.read_text(encoding="utf-8")
)


def test_there_are_chapters():
    assert len(CHAPTERS) >= 4


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_second_run_prints_the_same(chapter, site, tmp_path):
    notebook = site.parent / "jupyter_execute" / "book" / f"{chapter}.ipynb"
    nbval = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout", "120"]
    plain = ["--noconftest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *plain, *nbval, str(notebook)],
        env=os.environ | {"LECOPT_SITE": "1", "MATPLOTLIBRC": str(ROOT / "book")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert not {"skipped", "xfailed", "xpassed"} & set(run.stdout.splitlines()[-1].split())
