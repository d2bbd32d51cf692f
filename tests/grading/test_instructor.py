"""An instructor's term, with real kernels: a Canvas zip in, a filled gradebook out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from grading.classes import text_of, zip_of
from grading.helpers import ROOT, SOURCE, Notebook, fill, grade, grades, lecopt
from grading.test_roster import CANVAS

DEADLINE = "2026-11-20T23:59+01:00"
PAGE = ROOT / "book" / "instructors.md"


@pytest.fixture(scope="module")
def zipped(
    released: Notebook, solution: tuple[str, str], blank: tuple[str, str]
) -> dict[str, str | bytes]:
    """Return what Canvas would give: an attempt and a better one, late work, a stranger, a bomb."""
    right = fill(released, *solution)
    half = fill(released, solution[0], blank[1])
    return {
        "lovelaceada_1001_11_04_momentum.ipynb": text_of(half),
        "lovelaceada_1001_12_04_momentum-1.ipynb": text_of(fill(released, *blank)),
        "vonhorváthödön_LATE_1003_13_Untitled (2).ipynb": text_of(right),
        "stranger_4_14_04_momentum.ipynb": text_of(right),
        "lovelaceada_1009_15_work.zip": zip_of({"x.ipynb": b" " * (8 << 20)}),
        "studenttest_1010_16_04_momentum.ipynb": "{}",
    }


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory, zipped: dict[str, str | bytes]) -> Path:
    folder = tmp_path_factory.mktemp("term")
    (folder / "submissions.zip").write_bytes(zip_of(zipped))
    (folder / "gradebook.csv").write_text(CANVAS)
    return folder


def points(out: Path) -> dict[str, tuple[str, str]]:
    return {student: (row["points"], row["status"]) for student, row in grades(out).items()}


def test_a_term(term: Path) -> None:
    out = term / "out"
    base = (term / "submissions.zip", out, "--roster", term / "gradebook.csv")
    run = grade(*base, "--late", f"{DEADLINE} zero")
    assert run.returncode == 1, run.stderr
    assert "Graded 4, kept 0" in run.stdout
    assert points(out) == {
        "ada@uni.edu": ("0", "graded"),
        "oho@uni.edu": ("0", "graded"),
        "stranger_4": ("13", "review"),
        "1010": ("0", "review"),
        "ada.l@uni.edu": ("", "missing"),
    }
    review = (out / "review.txt").read_text()
    assert "zip bomb" in review
    assert "stranger_4, 04_momentum: whose is it? nobody on the roster is called so" in review
    assert "it is JSON, but not a notebook" in review
    assert len(review.splitlines()) == 3
    assert "1 handed in nothing:\n  ada.l@uni.edu, 04_momentum" in run.stdout
    assert not list(out.glob("lecopt-*")), "what came out of zips is gone"

    run = grade(*base[:2], "--late", "off", "--attempts", "best")
    assert "Graded 1, kept 4" in run.stdout, "the first attempt had not been run"
    assert points(out)["ada@uni.edu"] == ("7", "graded")
    assert points(out)["oho@uni.edu"] == ("13", "graded")
    run = grade(*base[:2], "--late", f"{DEADLINE} -10%/day")
    assert "Graded 0, kept 5" in run.stdout
    assert points(out)["oho@uni.edu"] == ("13", "review")
    decided = ("override", out, "oho@uni.edu", "04.late", "2", "--reason", "by mail, on Sunday")
    assert lecopt(*decided).returncode == 0
    assert points(out)["oho@uni.edu"] == ("10.4", "graded")

    run = grade(*base[:2], "--student", "oho@uni.edu", "--again")
    assert "Graded 1, kept 0" in run.stdout
    assert len(points(out)) == 5
    assert points(out)["oho@uni.edu"] == ("10.4", "graded"), "a human's word is kept"
    page = (out / "oho@uni.edu" / "04_momentum.html").read_text()
    assert "13 points before, 10.4 after" in page
    assert "by mail, on Sunday" in page
    assert grade(*base[:2], "--student", "nobody").returncode == 2

    run = lecopt("export", out, "--canvas", term / "gradebook.csv", "--out", term / "filled.csv")
    assert run.returncode == 1
    filled = (term / "filled.csv").read_text()
    assert "oho@uni.edu,A,10.4," in filled
    assert "ada@uni.edu,A,7," in filled


def test_wrong_usage_is_told_before_anything_is_made(term: Path) -> None:
    out = term / "none"
    for args, says in (
        (("--late", "2026-11-20T23:59 zero"), "no zone"),
        (("--late", f"{DEADLINE} harsh"), "is no policy"),
        (("--attempts", "worst"), "worst"),
        (("--roster", term / "submissions.zip"), "save it as CSV"),
        (("--roster", term / "nowhere.csv"), "cannot be read"),
    ):
        run = grade(term / "submissions.zip", out, *args)
        assert (run.returncode, says in run.stderr) == (2, True), run.stderr
        assert "Traceback" not in run.stderr
        assert not out.exists()


def test_the_page_for_instructors_says_what_works(
    tmp_path: Path, zipped: dict[str, str | bytes]
) -> None:
    """Run the commands of the book's page, in its order, on a class."""
    (tmp_path / "submissions.zip").write_bytes(zip_of(zipped))
    (tmp_path / "gradebook.csv").write_text(CANVAS)
    (tmp_path / "exercises").symlink_to(SOURCE.parents[1])
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    assert len(commands) >= 8
    for command in commands:
        program, *args = shlex.split(command)
        assert program == "lecopt"
        run = lecopt(*args, folder=tmp_path)
        assert run.returncode in (0, 1), (command, run.stderr)
