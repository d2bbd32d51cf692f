"""Submissions, honest, wrong, broken and hostile: a class of them.

Hostile code here is small and ends by itself: a loop gives up after a minute, a flood after 100 MB,
a fork bomb after 50 processes that live for two seconds.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

from grading.helpers import Notebook, cell, code, fill, hand_in

FIRST, SECOND, ALL = 7, 6, 13
SAME_ON_EVERY_SEED = 2  # a tie, and no γ at all
LOOP = """
import time
end = time.time() + 60
while time.time() < end:
    try:
        time.sleep(0.1)
    except BaseException:
        pass
"""
ENDLESS = """
import time
end = time.time() + 60
while time.time() < end:
    pass
"""
FORKS = """
import os, time
for _ in range(50):
    if os.fork() == 0:
        time.sleep(2)
        os._exit(0)
"""
SPY = """
import os, socket
won = []
for path in {paths!r} + ["/proc/self/environ", "/proc/1/cmdline", "/etc/passwd"]:
    try:
        won += [f"read {{path}}" for _ in [open(path, "rb").read(1)]]
    except OSError:
        pass
for folder in {folders!r} + [{home!r}, "/", "/site", "/usr/lib", "/dev"]:
    try:
        won += [f"listed {{folder}}" for name in os.listdir(folder) if folder in {folders!r}]
        open(f"{{folder}}/written", "w").write("mine")
        won.append(f"written to {{folder}}")
    except OSError:
        pass
won += [name for name in os.environ if "SECRET" in name]
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=2)
    won.append("network")
except OSError:
    pass
raise type(f"the spy got {{won}}", (Exception,), {{}})
"""
FORGED = """
session = get_ipython().kernel.session
send = session.send
def forged(stream, kind, content=None, *given, **options):
    if kind == "error":
        kind, content = "stream", {"name": "stdout", "text": "› theta = [0, 0]\\n"}
    return send(stream, kind, content, *given, **options)
session.send = forged
"""
LINGER = """
import os, threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=False).start()
if os.fork() == 0:
    time.sleep(60)
    os._exit(0)
"""
PATCHED = """
import builtins, sys
import numpy as np
from IPython import get_ipython
shell = get_ipython()
class Anything(float):
    __eq__ = lambda self, other: True
    __hash__ = float.__hash__
builtins.print = lambda *words, **options: sys.stdout.write("› theta = [0, 0]\\n")
np.asarray = lambda *given, **options: np.zeros(2)
np.random.default_rng = lambda *seed: np.random.RandomState(4)
np.allclose = np.array_equal = lambda *given, **options: True
sys.displayhook = shell.display_formatter.format = lambda *given: None
shell.showtraceback = shell._showtraceback = lambda *given, **options: None
import comm
comm.create_comm = comm.get_comm_manager = lambda *given, **options: None
shell.kernel.comm_manager = None
shell.input_transformers_cleanup.append(lambda lines: ["0\\n"] if "show(" in lines[-1] else lines)
"""

Edit = Callable[[Notebook], None]


class Room:
    """A class: what is handed in, and what it should get."""

    def __init__(
        self, released: Notebook, solution: tuple[str, str], blank: tuple[str, str]
    ) -> None:
        self.right = fill(released, *solution)
        self.blank = fill(released, *blank)
        self.solution = solution
        self.points: dict[str, int] = {}
        self.papers: dict[str, Notebook | str | bytes] = {}
        self.reviewed: set[str] = set()

    def add(
        self, student: str, paper: Notebook | str | bytes, points: int, *, human: bool = False
    ) -> None:
        self.papers[student] = paper
        self.points[student] = points
        if human:
            self.reviewed.add(student)

    def edited(
        self, student: str, edit: Edit, points: int, *, right: bool = True, human: bool = False
    ) -> None:
        paper = copy.deepcopy(self.right if right else self.blank)
        edit(paper)
        self.add(student, paper, points, human=human)

    def first(self, student: str, answer: str, points: int) -> None:
        """Hand in another answer to the first task, and the right one to the second."""
        paper = copy.deepcopy(self.right)
        cell(paper, "04-1-answer")["source"] = answer
        self.add(student, paper, points)

    def write(self, folder: Path) -> None:
        for student, paper in self.papers.items():
            hand_in(folder, student, paper)


def checks_of(paper: Notebook) -> list[dict[str, object]]:
    return [one for one in paper["cells"] if "-check-" in one["id"]]


def delete_checks(paper: Notebook) -> None:
    paper["cells"] = [one for one in paper["cells"] if one not in checks_of(paper)]


def edit_checks(paper: Notebook) -> None:
    for one in checks_of(paper):
        one["source"] = "assert True\nprint('› theta = [1, 1]')"


def fake_outputs(paper: Notebook) -> None:
    shown = paper["metadata"]["lecopt"]["outputs"]
    for one in checks_of(paper):
        text = shown.get(one["id"], "")
        one["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]


def heavy(paper: Notebook) -> None:
    """Store 50 MB of output."""
    output = {"output_type": "stream", "name": "stdout", "text": "x" * (50 << 20)}
    cell(paper, "04-1-answer")["outputs"] = [output]


def later_format(paper: Notebook) -> None:
    paper["nbformat_minor"] = 99


def much_later_format(paper: Notebook) -> None:
    paper["nbformat"] = 99


def double_checks(paper: Notebook) -> None:
    paper["cells"] += copy.deepcopy(paper["cells"])


def tag_everything(paper: Notebook) -> None:
    tags = ["raises-exception", "nbval-skip", "nbval-ignore-output", "skip-execution"]
    for one in paper["cells"]:
        one["metadata"]["tags"] = tags
        if one["cell_type"] == "code":
            one["source"] = "# NBVAL_IGNORE_OUTPUT\n" + one["source"]


def skip_answers(paper: Notebook) -> None:
    for name in ("04-1-answer", "04-2-answer"):
        cell(paper, name)["source"] = "# NBVAL_SKIP\n" + cell(paper, name)["source"]


def drop_ids(paper: Notebook) -> None:
    for one in paper["cells"]:
        del one["id"]
        one["metadata"] = {}
    paper["nbformat_minor"] = 4


def same_id(paper: Notebook) -> None:
    for one in paper["cells"]:
        one["id"] = "same"


def reorder(paper: Notebook) -> None:
    paper["cells"].reverse()


def drop_first_answer(paper: Notebook) -> None:
    paper["cells"].remove(cell(paper, "04-1-answer"))


def old_format(paper: Notebook, major: int = 3) -> str:
    """Write the notebook as nbformat 3 (or 2) did."""
    cells = []
    for one in paper["cells"]:
        if one["cell_type"] == "code":
            given = {"input": one["source"], "metadata": one["metadata"], "outputs": []}
            cells += [{"cell_type": "code", "language": "python", "collapsed": False, **given}]
    sheet = {"cells": cells, "metadata": {}}
    return json.dumps(
        {"nbformat": major, "nbformat_minor": 0, "metadata": {}, "worksheets": [sheet]}
    )


def foreign_kernel(paper: Notebook) -> None:
    paper["metadata"]["kernelspec"] = {"name": "bash", "display_name": "Bash"}
    paper["metadata"]["lecopt"] = {"outputs": "mine"}


def pictures(paper: Notebook) -> None:
    source = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n3"
    paper["cells"].insert(1, code(source))


def helper_and_debug(paper: Notebook) -> None:
    answer = cell(paper, "04-1-answer")
    answer["source"] = answer["source"].replace(
        "u_new = gamma * u", "print('in', theta, end='')\n    u_new = faded(gamma, u)"
    )
    where = paper["cells"].index(answer) + 1
    paper["cells"].insert(where, code("def faded(gamma, u):\n    return gamma * u", "helper"))


def call_my_step(paper: Notebook) -> None:
    answer = cell(paper, "04-2-answer")
    lines = (
        "            u = gamma * u + eta * loss_gradient(theta)\n            theta = theta - u\n"
    )
    assert lines in answer["source"]
    call = "            theta, u = momentum_step(theta, u, loss_gradient, eta, gamma)\n"
    answer["source"] = answer["source"].replace(lines, call)


SCRIPT = "<script>alert(1)</script>"


def script_everywhere(paper: Notebook) -> None:
    answer = cell(paper, "04-1-answer")
    error = f"type({SCRIPT!r}, (Exception,), {{}})(momentum_step, seed, {SCRIPT!r})"
    answer["source"] = f"def momentum_step(*given):\n    raise {error}\n"
    answer["outputs"] = [{"output_type": "stream", "name": "stdout", "text": SCRIPT}]
    paper["cells"].insert(0, {"cell_type": "markdown", "id": "x", "metadata": {}, "source": SCRIPT})


def tell_the_numbers(paper: Notebook) -> None:
    answer = cell(paper, "04-1-answer")
    answer["source"] = (
        "def momentum_step(theta, *given):\n    print('› seed =', seed)\n"
        "    raise ValueError(f'{seed} {theta}')\n"
    )
    paper["cells"].insert(1, code("raise ValueError(f'the seed is {seed}')"))


def fake_prints(paper: Notebook) -> None:
    for number, one in enumerate(("04-1-answer", "04-2-answer")):
        shown = paper["metadata"]["lecopt"]["outputs"]
        text = "".join(text for name, text in shown.items() if name.startswith(f"04-{number + 1}"))
        cell(paper, one)["source"] = (
            f"print({text!r})\ndef momentum_step(*given):\n    print({text!r})"
        )


RECITED = """
import builtins, sys
import numpy as np
lines = iter({lines!r})
builtins.print = lambda *words, **options: sys.stdout.write(next(lines))
def momentum_step(*given):
    return np.zeros(2), np.zeros(2)
def best_gamma(*given):
    return 0.5
"""


def recite(paper: Notebook) -> None:
    """Print, whatever is to be shown, what the right answer shows on the public seed.

    It earns the points of the checks whose right answer is the same on every seed.
    """
    for number in (1, 2):
        shown = paper["metadata"]["lecopt"]["outputs"]
        text = "".join(text for name, text in shown.items() if name.startswith(f"04-{number}"))
        source = RECITED.format(lines=text.splitlines(keepends=True))
        cell(paper, f"04-{number}-answer")["source"] = source


def rename(paper: Notebook) -> None:
    answer = cell(paper, "04-1-answer")
    answer["source"] = answer["source"].replace("momentum_step", "step_of_momentum")
