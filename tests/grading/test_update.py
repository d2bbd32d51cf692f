"""`lecopt exercise update`: a student's notebook on a corrected release, with nothing lost."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import nbformat
import pytest
from grading.helpers import SOURCE, Notebook, cell, code, fill, lecopt

from lecopt.grading.checking import check_notebook
from lecopt.grading.release import release_text
from lecopt.grading.update import updated

CORRECTIONS = {
    "In chapter 4 a ball": "In the fourth chapter a ball",  # prose
    "rng.uniform(1, 3, 2), np.zeros(2)": "rng.uniform(2, 3, 2), np.zeros(2)",  # a check
    "seed = 4 ": "seed = 5 ",  # the setup
    '"""Return theta and u after one step of momentum."""': '"""Return the new theta and u."""',
    "## 04.1 One step\n": """A cell that is new.

```{code-cell} ipython3
---
tags: [demo]
---
print("A demo that is new, so that later cells have other numbers.")
```

## 04.1 One step
""",
}
MINE = "def fade(u, gamma):\n    return gamma * u  # a helper of mine"


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corrected release of the exercise: prose, setup, a check, a stub, a cell more."""
    folder = tmp_path_factory.mktemp("corrected")
    text = SOURCE.read_text(encoding="utf-8")
    for old, new in CORRECTIONS.items():
        assert old in text
        text = text.replace(old, new, 1)
    (folder / SOURCE.name).write_text(text, encoding="utf-8")
    path = folder / "04_momentum.ipynb"
    path.write_text(release_text(folder / SOURCE.name), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def new(corrected: Path) -> Notebook:
    notebook: Notebook = json.loads(json.dumps(nbformat.read(corrected, as_version=4)))
    return notebook


@pytest.fixture
def mine(released: Notebook, solution: tuple[str, str]) -> Notebook:
    """A student's notebook: both answers, one by means of a helper cell, and a note."""
    first = solution[0].replace("gamma * u +", "fade(u, gamma) +")
    notebook = fill(released, first, solution[1])
    number = notebook["cells"].index(cell(notebook, "04-1-answer"))
    note = {"cell_type": "markdown", "id": "note", "metadata": {}, "source": "Ask about γ!"}
    notebook["cells"][number:number] = [note, code(MINE, "helper")]
    return notebook


def texts(notebook: Notebook) -> list[str]:
    return [one["source"] for one in notebook["cells"]]


def sound(notebook: Notebook, new: Notebook) -> None:
    """Assert that a notebook is valid, and that it is the new release with something added."""
    nbformat.validate(nbformat.from_dict(notebook))
    assert notebook["metadata"]["lecopt"] == new["metadata"]["lecopt"]
    theirs = {one["id"]: one["source"] for one in notebook["cells"]}
    for one in new["cells"]:
        assert one["id"].endswith("-answer") or theirs[one["id"]] == one["source"]


def test_command_keeps_answers_replaces_the_rest_and_makes_a_backup(
    tmp_path: Path, mine: Notebook, corrected: Path, new: Notebook
) -> None:
    path = tmp_path / "mein Übungsblatt.ipynb"
    path.write_text(json.dumps(mine), encoding="utf-8")
    before = path.read_bytes()
    result = lecopt("exercise", "update", path, "--to", corrected)
    assert result.returncode == 0, result.stderr
    assert "04.1 One step of momentum: your answer is kept" in result.stdout
    assert "04.1: the lines given with this task changed" in result.stdout
    assert "2 cells of your own kept" in result.stdout
    assert path.with_name(path.name + ".bak").read_bytes() == before
    after = json.loads(json.dumps(nbformat.read(path, as_version=4)))
    sound(after, new)
    place = texts(after).index(MINE)
    assert texts(after)[place - 1] == "Ask about γ!"
    assert after["cells"][place + 1]["id"] == "04-1-answer"
    assert after["cells"][place + 1]["source"] == cell(mine, "04-1-answer")["source"]
    assert check_notebook(path).passed

    again = lecopt("exercise", "update", path, "--to", corrected)
    assert "nothing was changed" in again.stdout
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name, path.name + ".bak"]


def test_a_second_backup_does_not_replace_the_first(
    tmp_path: Path, mine: Notebook, corrected: Path
) -> None:
    path = tmp_path / "04_momentum.ipynb"
    for words in ("first", "second"):
        cell(mine, "note")["source"] = words
        path.write_text(json.dumps(mine), encoding="utf-8")
        assert lecopt("exercise", "update", path, "--to", corrected).returncode == 0
    assert "first" in (tmp_path / "04_momentum.ipynb.bak").read_text(encoding="utf-8")
    assert "second" in (tmp_path / "04_momentum.ipynb.bak2").read_text(encoding="utf-8")


def reorder(notebook: Notebook) -> None:
    notebook["cells"].reverse()


def double(notebook: Notebook) -> None:
    notebook["cells"] += copy.deepcopy(notebook["cells"])


def drop_ids(notebook: Notebook) -> None:
    for one in notebook["cells"]:
        one.pop("id", None)
        one["metadata"] = {}
    notebook["nbformat_minor"] = 4


def drop_our_metadata(notebook: Notebook) -> None:
    drop_ids(notebook)
    notebook["metadata"] = {}


def same_id(notebook: Notebook) -> None:
    for one in notebook["cells"]:
        one["id"] = "same"


def delete_all_but_mine(notebook: Notebook) -> None:
    keep = ("04-1-answer", "04-2-answer", "note", "helper")
    notebook["cells"] = [one for one in notebook["cells"] if one["id"] in keep]


def windows_lines(notebook: Notebook) -> None:
    for one in notebook["cells"]:
        one["source"] = one["source"].replace("\n", "\r\n")


def lists_of_lines(notebook: Notebook) -> None:
    for one in notebook["cells"]:
        one["source"] = one["source"].splitlines(keepends=True)


TREATED = (
    reorder, double, drop_ids, drop_our_metadata, same_id, delete_all_but_mine, windows_lines,
    lists_of_lines,
)  # fmt: skip


@pytest.mark.parametrize("treat", TREATED)
def test_a_badly_treated_notebook_keeps_answers_and_own_cells(
    treat, mine: Notebook, new: Notebook, tmp_path: Path
) -> None:
    answers = [cell(mine, name)["source"] for name in ("04-1-answer", "04-2-answer")]
    treat(mine)
    after, _ = updated(mine, new)
    sound(after, new)
    assert [cell(after, name)["source"] for name in ("04-1-answer", "04-2-answer")] == answers
    assert MINE in texts(after)
    assert "Ask about γ!" in texts(after)
    path = tmp_path / "04_momentum.ipynb"
    path.write_text(json.dumps(after), encoding="utf-8")
    assert check_notebook(path).passed


def test_what_finds_no_place_is_kept_as_text_in_a_marked_cell(
    released: Notebook, new: Notebook, solution: tuple[str, str]
) -> None:
    notebook = fill(released, *solution)
    older = copy.deepcopy(cell(notebook, "04-1-answer"))
    older |= {"id": "older", "source": older["source"] + "\n# my first try, with ``` in it"}
    notebook["cells"].insert(0, older)
    cell(notebook, "04-1-check-1")["source"] += "\nprint('what is u here?')"
    cell(notebook, "04-prose-1")["source"] += "\n\nA thought of mine."
    after, said = updated(notebook, new)
    sound(after, new)
    last = after["cells"][-1]
    assert last["metadata"]["lecopt"]["role"] == "kept"
    assert last["cell_type"] == "markdown"
    for words in ("my first try, with ``` in it", "what is u here?", "A thought of mine."):
        assert words in last["source"]
        assert not any(words in text for text in texts(after)[:-1])
    assert "````python" in last["source"], "a fence that the text cannot end"
    assert sum("kept as text" in line for line in said) == 3
    again, _ = updated(after, new)
    assert texts(again) == texts(after), "a second update keeps what the first kept"


def test_a_task_that_is_gone_and_one_that_is_new(
    released: Notebook, new: Notebook, solution: tuple[str, str]
) -> None:
    """Tasks change their numbers; an answer goes where its function is asked for."""
    renumbered = json.loads(json.dumps(new).replace("04.2", "04.3").replace("04-2-", "04-3-"))
    after, said = updated(fill(released, *solution), renumbered)
    assert cell(after, "04-3-answer")["source"] == solution[1]
    assert "04.3: this task is new" in said
    without = copy.deepcopy(new)
    without["cells"] = [one for one in new["cells"] if "04-2" not in one["id"]]
    ours = without["metadata"]["lecopt"]
    ours["cells"] = [one for one in ours["cells"] if one["task"] != "04.2"]
    after, said = updated(fill(released, *solution), without)
    assert "kept as text in the last cell: your answer to 04.2, a task that is gone" in said
    assert solution[1] in after["cells"][-1]["source"]


def test_a_renamed_function_keeps_the_answer_and_says_so(
    released: Notebook, new: Notebook, solution: tuple[str, str]
) -> None:
    renamed = json.loads(json.dumps(new).replace("def best_gamma(", "def find_gamma("))
    after, said = updated(fill(released, *solution), renamed)
    assert cell(after, "04-2-answer")["source"] == solution[1]
    assert "04.2: the task now asks for def find_gamma(…): rename yours" in said


def test_a_blank_answer_gets_the_corrected_stub(released: Notebook, new: Notebook) -> None:
    after, said = updated(released, new)
    assert texts(after) == texts(new)
    assert "04.1 One step of momentum: not written yet" in said


def test_errors_are_exit_2_and_change_nothing(
    tmp_path: Path, mine: Notebook, corrected: Path
) -> None:
    path = tmp_path / "04_momentum.ipynb"
    path.write_text(json.dumps(mine), encoding="utf-8")
    other = tmp_path / "other.ipynb"
    text = corrected.read_text(encoding="utf-8")
    other.write_text(text.replace('"04_momentum"', '"05_nesterov"'), encoding="utf-8")
    broken = tmp_path / "broken.ipynb"
    broken.write_text("words", encoding="utf-8")
    for args, message in (
        (["--to", other], "it is exercise 04_momentum, the new one is 05_nesterov"),
        (["--to", broken], "not JSON"),
        (["--to", tmp_path / "none.ipynb"], "No such file"),
        ([], "--to NEW.ipynb"),
    ):
        result = lecopt("exercise", "update", path, *args, folder=tmp_path)
        assert result.returncode == 2
        assert message in result.stderr
        assert "Traceback" not in result.stderr
    assert json.loads(path.read_bytes()) == mine
    assert not path.with_name(path.name + ".bak").exists()


def test_without_to_the_folder_exercises_is_looked_in(
    tmp_path: Path, mine: Notebook, corrected: Path
) -> None:
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps(mine), encoding="utf-8")
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "04_momentum.ipynb").write_bytes(corrected.read_bytes())
    result = lecopt("exercise", "update", path, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "seed = 5" in path.read_text(encoding="utf-8")
