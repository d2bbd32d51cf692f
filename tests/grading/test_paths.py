"""`lecopt check` bears what systems do to files: names, line ends, code pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from grading.helpers import ROOT, Notebook, cell, code, fill, lecopt, write

PLACES = (
    "OneDrive - Universität Zürich/Übungen (neu)/04 momentum #2.ipynb",
    "with 'quotes' and [brackets]/04_momentum.ipynb",
    "練習/мой ноутбук.ipynb",
)


@pytest.fixture
def right(released: Notebook, solution: tuple[str, str]) -> Notebook:
    return fill(released, *solution)


@pytest.mark.parametrize("place", PLACES)
def test_any_path_will_do(place: str, tmp_path: Path, right: Notebook) -> None:
    path = write(tmp_path / place, right)
    assert lecopt("check", path).returncode == 0
    assert lecopt("check", path.name, folder=path.parent).returncode == 0


def test_line_ends_and_byte_order_mark_of_windows(tmp_path: Path, right: Notebook) -> None:
    for one in right["cells"]:
        one["source"] = one["source"].replace("\n", "\r\n")
    right["cells"].insert(0, code("text = '''a\r\nb'''", "mine"))
    path = tmp_path / "04_momentum.ipynb"
    text = json.dumps(right, indent=1, ensure_ascii=False).replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    result = lecopt("check", path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "edited" not in result.stdout


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_an_old_code_page_garbles_a_sign_and_breaks_nothing(
    encoding: str, tmp_path: Path, released: Notebook
) -> None:
    cell(released, "04-1-answer")["source"] += "  # η, γ → ∞, 勾配"
    path = write(tmp_path / "04_momentum.ipynb", released)
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    result = subprocess.run(
        [sys.executable, "-c", "from lecopt.cli import main; main()", "check", str(path)],
        cwd=ROOT, capture_output=True, env=environment, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    assert b"Traceback" not in result.stderr
    assert b"It is not written yet." in result.stdout


def test_check_in_a_notebook_finds_it_in_any_folder(
    tmp_path: Path, right: Notebook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    path = write(tmp_path / PLACES[0], right)
    monkeypatch.chdir(path.parent)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    sources = [one["source"] for one in right["cells"] if one["id"].startswith("04-setup")]
    answers = [cell(right, name)["source"] for name in ("04-1-answer", "04-2-answer")]
    names: dict[str, object] = {}
    exec("\n\n".join([*sources, *answers]), names)
    exec("from lecopt.grading import check\ncheck('04.1', '04.2')", names)
    assert "All passed" in capsys.readouterr().out
