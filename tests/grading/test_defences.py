"""Each defence holds, and is needed: switched off, the same attack gets through."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from grading.attacks import ATTACKS, LIMITS, LINGER, Attack, outcome, sandbox
from grading.classes import NAME, fill_store, handed_in
from grading.helpers import SEED, Notebook, fill, hand_in, left_running
from grading.papers import FIRST, SAME_ON_EVERY_SEED, recite, script_everywhere

from lecopt.grading import report, workers
from lecopt.grading.compare import BoundedKernel
from lecopt.grading.exercise import Exercise
from lecopt.grading.outputs import expected_outputs
from lecopt.grading.sandbox import Sandbox
from lecopt.grading.store import Store
from lecopt.grading.workers import Job, Reference, grade_one

both = pytest.mark.parametrize("defended", [True, False], ids=["defended", "defenceless"])


@both
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_attack(
    attack: Attack, defended: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LECOPT_TEST_SECRET", "in the environment")
    name = f"lecopt-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as abstract,
        sandbox(attack, defended, tmp_path) as place,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        kernel = BoundedKernel(place)
        port = listener.getsockname()[1]
        source = attack.source.replace("{port}", str(port)).replace("{name}", name)
        words = outcome(kernel, source)
        kernel.stop()
    if defended:
        assert words in attack.held
    else:
        assert words == "won" or words.startswith("xxx")
    assert left_running(place.folder) == []
    assert not place.folder.exists()


@both
def test_nothing_goes_on_after_the_end(defended: bool, tmp_path: Path) -> None:
    with sandbox(LINGER, defended, tmp_path) as place:
        kernel = BoundedKernel(place)
        assert place._process is not None
        inside = psutil.Process(place._process.pid)
        assert outcome(kernel, LINGER.source) == "won"
        kernel.stop()
        warm = 2  # bubblewrap's own first process, and the warm Python
        _, alive = psutil.wait_procs(inside.children(recursive=True)[warm:], timeout=3)
    assert bool(alive) != defended
    assert left_running(place.folder) == []


@pytest.fixture(scope="module")
def place() -> Iterator[Sandbox]:
    with Sandbox("bwrap", LIMITS) as place:
        yield place


@pytest.fixture(scope="module")
def reference(exercise: Exercise) -> Reference:
    return Reference(exercise, expected_outputs(exercise, SEED, "bwrap"), SEED)


def points(place: Sandbox, folder: Path, paper: Notebook, reference: Reference) -> int:
    path = hand_in(folder, "student", paper)
    return grade_one(Job("student", reference.exercise.name, path, ""), reference, place).points


@both
def test_known_outputs_gain_nothing(
    defended: bool, place: Sandbox, reference: Reference, released: Notebook,
    blank: tuple[str, str], tmp_path: Path,
) -> None:  # fmt: skip
    """Students know what the checks print on the public seed; the grader has a seed of its own."""
    paper = fill(released, *blank)
    recite(paper)
    if not defended:
        _, outputs = Exercise.of_notebook(released["metadata"])
        reference = replace(reference, seed=reference.exercise.seed, outputs=outputs)
    earned = points(place, tmp_path, paper, reference)
    assert earned == SAME_ON_EVERY_SEED if defended else earned > FIRST


@both
def test_a_submission_is_not_its_own_judge(
    defended: bool, place: Sandbox, reference: Reference, released: Notebook,
    blank: tuple[str, str], tmp_path: Path,
) -> None:  # fmt: skip
    """Edited checks with outputs to match: the exercise's own are run, and compared with."""
    paper = fill(released, *blank)
    ours = paper["metadata"]["lecopt"]
    for one in (*paper["cells"], *ours["cells"]):
        if "-check-" in one["id"]:
            one["source"] = "print('› all is well')"
            ours["outputs"][one["id"]] = "› all is well\n"
    if not defended:
        reference = Reference(*Exercise.of_notebook(paper["metadata"]), SEED)
    expected = 0 if defended else reference.points
    assert points(place, tmp_path, paper, reference) == expected


@both
def test_links_lead_nowhere(
    defended: bool, place: Sandbox, reference: Reference, released: Notebook,
    solution: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    honest = hand_in(tmp_path, "honest", fill(released, *solution))
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / honest.name).symlink_to(honest)
    if not defended:
        monkeypatch.setattr(workers, "is_link", lambda path: False)
    job = Job("student", reference.exercise.name, tmp_path / "student" / honest.name, "")
    assert grade_one(job, reference, place).points == (0 if defended else reference.points)


@both
def test_no_script_of_a_student_runs(
    defended: bool, place: Sandbox, reference: Reference, released: Notebook,
    solution: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    paper = fill(released, *solution)
    script_everywhere(paper)
    path = hand_in(tmp_path, "student", paper)
    grade = grade_one(Job("student", reference.exercise.name, path, "key"), reference, place)
    store = Store(tmp_path / "results.sqlite")
    fill_store(store, [replace(handed_in("student"), key="key", grade=grade)])
    if not defended:
        monkeypatch.setattr(report.environment(), "autoescape", False)
    report.environment().cache.clear()
    report.write_reports(store, tmp_path)
    report.environment().cache.clear()
    store.close()
    pages = [tmp_path / "class.html", tmp_path / "student" / f"{NAME}.html"]
    assert any("<script" in page.read_text() for page in pages) != defended
