"""An author's slip is an error that names file and cell; nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from grading.helpers import SOURCE, lecopt
from hypothesis import given
from hypothesis import strategies as st

from lecopt.grading.exercise import ExerciseError
from lecopt.grading.source import BEGIN, END, read_source, strip

SLIPS = {
    "misspelt tag": ("tags: [answer]", "tags: [answr]", "unknown tag 'answr'"),
    "no tag": (":tags: [demo]\n", "", "needs one tag"),
    "two tags": ("tags: [hidden]", "tags: [hidden, check]", "needs one tag"),
    "unknown option": ("points: 2\n", "points: 2\nscore: 2\n", "unknown option"),
    "missing option": ("points: 2\n", "", "missing option of tag 'check': points"),
    "no points": ("points: 2\n", "points: 0\n", "points must be"),
    "points in words": ("points: 2\n", "points: two\n", "points must be a int"),
    "misspelt begin": ("### BEGIN SOLUTION", "### BEGIN SOLUTON", "needs the lines"),
    "other case": ("### BEGIN SOLUTION", "### Begin solution", "needs the lines"),
    "no end": ("    ### END SOLUTION\n", "", "needs the lines"),
    "marker elsewhere": ("import numpy as np\n", f"{BEGIN}\nimport numpy as np\n", "answer cells"),
    "marker in prose": ("Before you write, guess", "BEGIN SOLUTION guess", "answer cells"),
    "assert in a check": ('show("u", u)', "assert u.shape", "assert in a check"),
    "comparison in a check": ('show("u", u)', 'show("u", u == 0)', "a comparison in a check"),
    "task without answer": ('task: "04.2"\nname: never-none', 'task: "04.3"\nname: n', "04.3"),
    "same mutant twice": ("name: no-decay", "name: no-memory", "2 times"),
    "syntax error": ("rng = np.random.default_rng(seed)\n", "rng = = 1\n", "invalid syntax"),
    "no seed": ("seed = 4", "sead = 4", "seed"),
    "no title": ("  title: Momentum\n", "  name: Momentum\n", "title"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slip_names_file_and_what_is_wrong(slip: str, tmp_path: Path) -> None:
    old, new, message = SLIPS[slip]
    text = SOURCE.read_text()
    assert old in text
    path = tmp_path / "04_momentum.md"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ExerciseError) as error:
        read_source(path)
    assert str(path) in str(error.value)
    assert message in str(error.value)


def test_message_names_the_cell(tmp_path: Path) -> None:
    path = tmp_path / "04_momentum.md"
    path.write_text(SOURCE.read_text().replace("tags: [answer]", "tags: [answr]", 1))
    result = lecopt("exercise", "release", path, "--out", tmp_path)
    assert result.returncode == 2
    assert "cell 4 ('def momentum_step(theta, u, grad, eta, gamma):')" in result.stderr
    assert list(tmp_path.iterdir()) == [path]


lines = st.lists(
    st.text(st.characters(exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
)


@given(before=lines, secret=lines, after=lines)
def test_strip_leaves_nothing_of_the_solution(
    before: list[str], secret: list[str], after: list[str]
) -> None:
    marked = [f"SECRET {line}" for line in secret] or ["SECRET"]
    try:
        stub = strip("\n".join([*before, BEGIN, *marked, END, *after]))
    except ValueError:
        return  # a marker by chance elsewhere: refused
    assert "SECRET" not in stub.replace("\n".join([*before, *after]), "")
    assert stub.split("\n")[: len(before)] == before
    assert BEGIN not in stub
    assert END not in stub


@pytest.mark.parametrize("marks", [[], [BEGIN], [END], [END, BEGIN], [BEGIN, END, END]])
def test_strip_fails_closed(marks: list[str]) -> None:
    source = "\n".join(f"{mark}\nx = 1" for mark in marks)
    with pytest.raises(ValueError, match="needs the lines"):
        strip(source)
