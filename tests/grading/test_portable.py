"""`lecopt check` needs nothing that only Linux has.

Nobody runs macOS or Windows here: what they lack is taken away instead, in a process of its own.
The workflow file runs the tests of `lecopt check` on all three.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from grading.helpers import NOTEBOOKS, ROOT, Notebook, fill, lecopt, write

ELSEWHERE = """
import os, signal, socket, sys, types

import ipykernel.kernelspec, jupyter_client.manager, nbval.plugin, pytest  # know where they are

for name in ("fcntl", "grp", "pwd", "pty", "readline", "resource", "syslog", "termios"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "geteuid", "pidfd_open", "setsid", "unshare"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGCHLD", "pidfd_send_signal"):
    if hasattr(signal, name):
        delattr(signal, name)


def without(module, **changed):
    return types.SimpleNamespace(**{**vars(module), **changed})


import lecopt.grading.provisioner, lecopt.grading.sandbox
from lecopt.cli import main

windows = without(os, name="nt")
plain = without(socket)
for name in ("AF_UNIX", "send_fds", "recv_fds", "SCM_RIGHTS"):
    delattr(plain, name)
lecopt.grading.sandbox.os = windows
lecopt.grading.sandbox.socket = lecopt.grading.provisioner.socket = plain
try:
    main(["check", *sys.argv[1:]], standalone_mode=False)
finally:
    linux = {"lecopt.grading.warm_kernel", "lecopt.grading.workers", "lecopt.grading.grade"}
    assert not linux & set(sys.modules), "what only grading needs is not imported"
"""


@pytest.fixture
def right(released: Notebook, solution: tuple[str, str]) -> Notebook:
    return fill(released, *solution)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_check_runs_without_what_only_linux_has(path: Path) -> None:
    command = [sys.executable, "-c", ELSEWHERE, str(path)]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 1, "blank: " + result.stderr
    assert "It is not written yet." in result.stdout
    assert "Traceback" not in result.stderr


def test_right_answers_pass_there_too(tmp_path: Path, right: Notebook) -> None:
    command = [sys.executable, "-c", ELSEWHERE, str(write(tmp_path / "mine.ipynb", right))]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "All passed" in result.stdout


def test_a_temporary_folder_behind_a_link_as_on_a_mac(tmp_path: Path, right: Notebook) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "var").symlink_to(tmp_path / "private")
    path = write(tmp_path / "mine.ipynb", right)
    result = lecopt("check", path, env={**os.environ, "TMPDIR": str(tmp_path / "var")})
    assert result.returncode == 0, result.stdout + result.stderr
