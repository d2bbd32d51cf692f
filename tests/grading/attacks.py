"""Attacks on the sandbox: what each tries, what holds it, and how to take that away.

Each is bounded: at most 50 processes that end by themselves, 2 GB, 200 MB of disk, 5 seconds. A
network attack goes to a listener of the test's own on this machine.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from lecopt.grading import sandbox as sandbox_module
from lecopt.grading.compare import BoundedKernel, StoppedError
from lecopt.grading.limits import Limits
from lecopt.grading.sandbox import Sandbox

LIMITS = Limits(cell=20, group=60, processes=40)
GB = 1 << 30


def said(kernel: BoundedKernel, source: str) -> str:
    """Run a cell; return all that it printed, and the error it ended with."""
    words = []
    msg_id = kernel.execute_cell_input(source)
    kernel.await_reply(msg_id, timeout=60)
    while True:
        message = kernel.get_message("iopub", timeout=20)
        content = message["content"]
        if message["parent_header"].get("msg_id") != msg_id:
            continue
        if content.get("execution_state") == "idle":
            return "".join(words)
        words.append(content.get("text", "") + content.get("ename", ""))


def outcome(kernel: BoundedKernel, source: str) -> str:
    """Run a cell; return its words (the first thousand), or why it was stopped."""
    try:
        return said(kernel, source)[:1000].strip()
    except StoppedError as reason:
        return str(reason)
    except Empty:
        return "silence"


@dataclass(frozen=True)
class Attack:
    """`source` prints "won" if it gets through; else it ends as `held` says, in one of its ways.

    The defence is switched off by leaving `words` out of bwrap's command line (or putting `more`
    in), by `edits` of the warm kernel's source, or by other `off` limits. `user` runs it as an
    ordinary user's sandbox, where root's has another layer still.
    """

    name: str
    defence: str
    source: str
    held: tuple[str, ...]
    words: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    edits: tuple[tuple[str, str], ...] = ()
    limits: dict[str, Any] = field(default_factory=dict)
    off: dict[str, Any] = field(default_factory=dict)
    user: bool = False


FORK = """
import os, time
for _ in range({count}):
    if os.fork() == 0:
        {work}
        time.sleep(3)
        os._exit(0)
{after}
print("won")
"""

ATTACKS = (
    Attack(
        "network",
        "network namespaces of the sandbox and of each kernel (either is enough: both are off)",
        "import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=5)\nprint('won')",
        ("ConnectionRefusedError", "OSError"),
        words=("--unshare-net",),
        edits=((" | CLONE_NEWNET | ", " | "),),
    ),
    Attack(
        "abstract socket of the host",
        "the same two network namespaces",
        "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0{name}')\nprint('won')",
        ("ConnectionRefusedError",),
        words=("--unshare-net",),
        edits=((" | CLONE_NEWNET | ", " | "),),
    ),
    Attack(
        "files of the system",
        "only what a kernel needs is mounted",
        "print('won' if 'root' in open('/etc/passwd').read() else '')",
        ("FileNotFoundError",),
        more=("--ro-bind", "/etc", "/etc"),
    ),
    Attack(
        "environment",
        "a cleared environment",
        "import os\nprint('won' if 'LECOPT_TEST_SECRET' in os.environ else 'nothing there')",
        ("nothing there",),
        words=("--clearenv",),
    ),
    Attack(
        "processes of others",
        "an empty /proc",
        "print('won' if open('/proc/1/cmdline').read() else '')",
        ("FileNotFoundError",),
        edits=((', ("/proc", 1 << 16)', ""),),
    ),
    Attack(
        "mounting",
        "all capabilities dropped",
        "import ctypes\nmount = ctypes.CDLL(None).mount\n"
        "print('won' if mount(b'x', b'/tmp', b'tmpfs', 0, None) == 0 else 'no')",
        ("no",),
        edits=(("        drop_capabilities()\n", ""),),
    ),
    Attack(
        "writing outside /tmp",
        "everything else is read-only (and, under root, another user's)",
        "open('/x', 'w').write('mine')\nprint('won')",
        ("OSError", "PermissionError"),
        words=("--remount-ro", "/dev", "--remount-ro", "/"),
        user=True,
    ),
    Attack(
        "filling the disk",
        "a small /tmp",
        "for i in range(100):\n    with open(f'/tmp/{i}', 'wb') as f:\n"
        "        f.write(bytes(1 << 20))\nprint('won')",
        ("OSError",),
        off={"disk": 200 << 20},
    ),
    Attack(
        "one large file",
        "a limit on the size of a file, though it be empty",
        "with open('/tmp/x', 'wb') as f:\n    f.truncate(100 << 20)\nprint('won')",
        ("OSError",),
        off={"disk": 200 << 20},
    ),
    Attack(
        "memory bomb",
        "a limit on the memory of a process",
        "import numpy as np\nx = np.ones(GB * 3 // 2 // 8)\nprint('won')".replace("GB", str(GB)),
        ("MemoryError", "_ArrayMemoryError"),
        limits={"memory": GB},
        off={"memory": 3 * GB},
    ),
    Attack(
        "memory bomb of several processes",
        "a count of what they hold together",
        FORK.format(
            count=3, work="x = bytearray(b'x' * (200 << 20)) * 2", after="time.sleep(2.5)"
        ),
        ("the kernel died",),
        limits={"memory": GB},
        edits=((" and memory_below(pid) <= memory", ""),),
    ),
    Attack(
        "fork bomb",
        "a limit on the number of processes",
        FORK.format(count=50, work="pass", after=""),
        ("BlockingIOError",),
        off={"processes": 200},
    ),
    Attack(
        "burning the processor",
        "a limit on processor time",
        "import time\nwhile time.process_time() < 4: pass\nprint('won')",
        ("the kernel died",),
        limits={"cpu": 3},
        off={"cpu": 60},
    ),
    Attack(
        "sleeping",
        "a limit on the time of a cell",
        "import time\ntime.sleep(3)\nprint('won')",
        ("the time was up",),
        limits={"cell": 1},
        off={"cell": 20},
    ),
    Attack(
        "ignoring interrupts",
        "a limit on the time of a cell, enforced by killing",
        "import time\nend = time.time() + 4\nwhile time.time() < end:\n"
        "    try:\n        time.sleep(0.1)\n    except BaseException:\n        pass\nprint('won')",
        ("the time was up",),
        limits={"cell": 1},
        off={"cell": 20},
    ),
    Attack(
        "flood of output",
        "a limit on the bytes that are listened to",
        "for _ in range(10):\n    print('x' * 10_000_000, flush=True)",
        ("the output was too much",),
        off={"output": 200 << 20},
    ),
)  # fmt: skip


LINGER = Attack(
    "going on after the end",
    "a process namespace of each kernel, which ends with it",
    "import os, time\nif os.fork() == 0:\n    time.sleep(20)\n    os._exit(0)\nprint('won')",
    ("won",),
    edits=((" | CLONE_NEWPID | ", " | "),),
)


@contextmanager
def sandbox(attack: Attack, defended: bool, folder: Path) -> Iterator[Sandbox]:
    """Give a sandbox, whole or without the defence in question."""
    given = {**vars(LIMITS), **attack.limits, **({} if defended else attack.off)}
    with pytest.MonkeyPatch.context() as patch:
        if attack.user:
            patch.setattr(sandbox_module.os, "geteuid", lambda: 1000)
        if not defended:
            patch.setattr(sandbox_module, "HERE", edited(attack, folder))
            patch.setattr(sandbox_module, "command", weakened(attack, sandbox_module.command))
        with Sandbox("bwrap", Limits(**given)) as place:
            yield place


def edited(attack: Attack, folder: Path) -> Path:
    """Return a copy of what the sandbox takes from the package, the defence cut out."""
    shutil.copytree(sandbox_module.HERE / "stub", folder / "stub")
    source = (sandbox_module.HERE / "warm_kernel.py").read_text(encoding="utf-8")
    for old, new in attack.edits:
        assert source.count(old) == 1, f"{attack.name}: the defence has changed its wording"
        source = source.replace(old, new)
    (folder / "warm_kernel.py").write_text(source, encoding="utf-8")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    return folder


def weakened(
    attack: Attack, command: Callable[[int, Limits, str], list[str]]
) -> Callable[[int, Limits, str], list[str]]:
    """Return bwrap's command line without some words, or with more."""

    def weak(listener: int, limits: Limits, name: str) -> list[str]:
        args = command(listener, limits, name)
        if attack.words:
            starts = [
                i for i in range(len(args)) if tuple(args[i:][: len(attack.words)]) == attack.words
            ]
            assert len(starts) == 1, f"{attack.name}: the defence has changed its words"
            del args[starts[0] : starts[0] + len(attack.words)]
        at = args.index("--dev")
        return [*args[:at], *attack.more, *args[at:]]

    return weak
