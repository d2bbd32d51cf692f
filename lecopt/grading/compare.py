"""Run task groups and compare, by nbval, in this process and not in the student's.

The kernel is sent code and sends back what it printed; the expected output stays here. nbval runs
the cells and compares the outputs. It is told what it does not know: which kernel to use (one in a
`Sandbox`), that a student's cell may fail, that only lines printed by `show` count, and when enough
is enough (a dead kernel, the clock, a flood of output).
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest
import zmq
from nbformat import NotebookNode
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from lecopt.grading.exercise import KEY, Ran, shown
from lecopt.grading.merge import Group
from lecopt.grading.sandbox import Sandbox, SandboxError

PREAMBLE = (
    "import importlib.util, sys\n"
    "for name in ('lecopt', 'torch', 'tensorflow', 'jax', 'keras', 'optax'):\n"
    "    sys.modules[name] = None\n"
    "for name in ('lecopt.grading', 'lecopt'):\n"
    "    sys.modules[name] = type(sys)(name)\n"
    "sys.modules['lecopt.grading'].check = lambda *tasks, **options: None\n"
    "del importlib, name, sys\n"
)
TIME_UP = "the time was up"
# Parts of pytest that notebooks do not need: each takes time to load, for each submission.
UNUSED = (
    "assertion", "cacheprovider", "capture", "debugging", "doctest", "faulthandler", "junitxml",
    "logging", "monkeypatch", "pastebin", "recwarn", "setuponly", "setupplan", "skipping",
    "stepwise", "subtests", "threadexception", "tmpdir", "unittest", "unraisableexception",
    "warnings",
)  # fmt: skip


class StoppedError(Exception):
    """The kernel is gone, and why."""


class BoundedKernel(RunningKernel):  # type: ignore[misc]
    """nbval's kernel, in the sandbox, with an eye on the clock and on the amount of output."""

    def __init__(self, place: Sandbox, notebook_ends: float = math.inf) -> None:
        self.limits = place.limits
        self.group_ends = self.cell_ends = time.monotonic() + self.limits.group
        self.received = 0
        self.waiting: dict[str, deque[dict[str, Any]]] = {"shell": deque(), "iopub": deque()}
        self.km = place.kernel()
        self.kc = self.km.client()
        self.kc.start_channels(hb=False, stdin=False, control=False)
        self.sockets = {
            "shell": self.kc.shell_channel.socket,
            "iopub": self.kc.iopub_channel.socket,
        }
        try:
            self._ensure_iopub_up()
        except (RuntimeError, StoppedError) as error:
            self.stop()
            raise SandboxError(f"no kernel would start: {error}. {place.complaint()}") from error
        self.group_ends = min(time.monotonic() + self.limits.group, notebook_ends)

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        self.cell_ends = time.monotonic() + self.limits.cell
        msg_id: str = super().execute_cell_input(cell_input, allow_stdin=allow_stdin)
        return msg_id

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message; raise StoppedError when there is no point in waiting."""
        ends = time.monotonic() + (1e9 if timeout is None else timeout)
        while not self.waiting[stream]:
            alive = self.km.is_alive()
            if not self._read(milliseconds=100) and not alive:
                raise StoppedError("the kernel died")
            now = time.monotonic()
            if now > min(self.group_ends, self.cell_ends):
                raise StoppedError(TIME_UP)
            if now > ends:
                raise Empty
        return self.waiting[stream].popleft()

    def _read(self, milliseconds: int) -> bool:
        """Take what both channels hold. (One left unread would fill up and lose messages.)"""
        poller = zmq.Poller()
        for socket in self.sockets.values():
            poller.register(socket, zmq.POLLIN)
        ready = dict(poller.poll(milliseconds))
        for stream, socket in self.sockets.items():
            if socket in ready:
                frames = socket.recv_multipart()
                self.received += sum(map(len, frames))
                if self.received > self.limits.output:
                    raise StoppedError("the output was too much")
                _, content = self.kc.session.feed_identities(frames)
                with contextlib.suppress(ValueError):  # not signed, or not JSON: not for us
                    self.waiting[stream].append(self.kc.session.deserialize(content))
        return bool(ready)

    def stop(self) -> None:
        if hasattr(self, "km"):
            super().stop()


class GradedCell(IPyNbCell):  # type: ignore[misc]
    """A cell of a graded notebook."""

    ran: Ran | None = None

    def setup(self) -> None:
        """Leave out nbval's expected failures after a timeout: here a failure is a failure."""

    def runtest(self) -> None:
        kernel = self.parent.kernel
        kind, name = (self.cell.metadata[KEY][key] for key in ("kind", "check"))
        if kind == "carried" and self.parent.plugin.broken:
            return
        if kernel is None:
            self.ran = Ran(name, False, "", self.parent.stopped)
            raise NbCellError(self.cell_num, self.parent.stopped, "")
        error = ""
        try:
            super().runtest()
        except StoppedError as reason:
            self.parent.stopped = error = str(reason)
            self.parent.stopped_at = self.cell_num
            self.parent.kernel = None
            self.parent.plugin.broken |= kind == "own"
            kernel.stop()
            raise
        except NbCellError:
            self.ran = Ran(name, False, self.printed(), *self.raised())
            raise
        else:
            self.ran = Ran(name, not self.raised()[0], self.printed(), *self.raised())
        finally:
            if self.ran is None:
                self.ran = Ran(name, False, self.printed(), error)

    def counts(self) -> bool:
        """Return whether somebody should hear of this cell: a check, or a cell that failed."""
        kind = self.cell.metadata[KEY]["kind"]
        return kind == "check" or (kind == "own" and bool(self.ran and self.ran.error))

    def raised(self) -> tuple[str, str]:
        """Return the name and the message of the error that the cell ended with."""
        errors = [o for o in self.test_outputs or () if o.output_type == "error"]
        return (str(errors[-1].ename), str(errors[-1].evalue)) if errors else ("", "")

    def printed(self) -> str:
        outputs = self.test_outputs or ()
        texts = (o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
        return shown("".join(texts))

    def compare_outputs(
        self, test: Sequence[NotebookNode], ref: Sequence[NotebookNode], skip_compare: Any = None
    ) -> bool:
        """Compare the shown lines only: a forgotten print or a warning is not a wrong answer."""
        same: bool = super().compare_outputs([stream(self.printed())], ref, skip_compare)
        return same

    def raise_cell_error(self, message: str, *args: Any, **kwargs: Any) -> None:
        if self.options["check"]:
            super().raise_cell_error(message, *args, **kwargs)


class GradedNotebook(IPyNbFile):  # type: ignore[misc]
    """A task group: one kernel."""

    stopped = ""
    stopped_at = -1
    plugin: _Plugin

    def setup(self) -> None:
        if time.monotonic() > self.plugin.notebook_ends:
            self.kernel, self.stopped = None, TIME_UP
            return
        self.kernel = BoundedKernel(self.plugin.place, self.plugin.notebook_ends)
        if self.plugin.place.kind == "none":
            self.kernel.await_reply(self.kernel.execute_cell_input(PREAMBLE))

    def collect(self) -> Iterator[GradedCell]:
        """Yield the cells. Tags and comments say nothing to us; what the cell is says all."""
        notebook = nbformat.from_dict(json.loads(self.path.read_bytes()))  # ours: no need to check
        for number, cell in enumerate(notebook.cells):
            check = cell.metadata[KEY]["kind"] == "check"
            yield GradedCell.from_parent(
                self,
                name=f"cell {number}",
                cell_num=number,
                cell=cell,
                options={"check": check, "check_exception": not check, "skip": False},
            )

    def teardown(self) -> None:
        if self.kernel is not None:
            self.kernel.stop()


def stream(text: str) -> NotebookNode:
    return NotebookNode(output_type="stream", name="stdout", text=text)


def notebook_of(group: Group, expected: dict[str, str]) -> dict[str, Any]:
    """Write a task group as the notebook that nbval reads, expected outputs stored in it."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "source": step.source,
            "execution_count": 1,
            "outputs": [stream(expected.get(step.check, ""))] if step.check else [],
            "metadata": {KEY: {"kind": step.kind, "check": step.check}},
        }
        for number, step in enumerate(group.steps)
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


class _Plugin:
    """Collects graded notebooks, and what came of them."""

    def __init__(self, place: Sandbox, wanted: list[Path], notebook_ends: float) -> None:
        self.place = place
        self.notebook_ends = notebook_ends
        self.wanted = wanted
        self.cells: list[GradedCell] = []
        self.trouble: list[str] = []
        self.broken = False  # by a cell of the student's: later tasks do without it

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        if file_path not in self.wanted:
            return None
        notebook: GradedNotebook = GradedNotebook.from_parent(parent, path=file_path)
        notebook.plugin = self
        return notebook

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.cells = [item for item in items if isinstance(item, GradedCell)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup" and report.failed:
            self.trouble.append(str(report.longrepr))


def run_notebooks(files: list[Path], place: Sandbox, ends: float) -> _Plugin:
    """Hand notebooks to pytest and nbval."""
    plugin = _Plugin(place, files, ends)
    args = ["-p", "nbval.plugin", *(f"-pno:{name}" for name in UNUSED)]
    args += ["--disable-plugin-autoload", "--noconftest", "-c", os.devnull, "-W", "ignore"]
    args += ["--rootdir", str(files[0].parent), "--nbval-cell-timeout", "1e9", *map(str, files)]
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        code = pytest.main(args, plugins=[plugin])
    if plugin.trouble or code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise SandboxError("\n".join(plugin.trouble) or silence.getvalue())
    return plugin


def compare(
    groups: Sequence[Group],
    expected: dict[str, str],
    place: Sandbox,
    ends: float | None = None,
) -> dict[str, list[Ran]]:
    """Run task groups, each in a kernel of its own; return what came of each task's checks.

    All are stopped when the clock (`time.monotonic`) shows `ends`, by default the notebook's limit.
    """
    ends = time.monotonic() + place.limits.notebook if ends is None else ends
    results: dict[str, list[Ran]] = {}
    with tempfile.TemporaryDirectory(prefix="lecopt-") as folder:
        files = {}
        for number, group in enumerate(groups):
            files[Path(folder).resolve() / f"{number:03d}.ipynb"] = group  # as pytest will name it
        for path, group in files.items():
            path.write_text(json.dumps(notebook_of(group, expected)))
        plugin = run_notebooks(list(files), place, ends)
    again = []
    for notebook in dict.fromkeys(cell.parent for cell in plugin.cells):
        group = files[notebook.path]
        cells = [cell for cell in plugin.cells if cell.parent is notebook]
        if notebook.stopped and group.steps[notebook.stopped_at].kind == "carried":
            again.append(group.alone())
        results[group.task] = [c.ran for c in cells if c.ran is not None and c.counts()]
    return {**results, **(compare(again, expected, place, ends) if again else {})}
