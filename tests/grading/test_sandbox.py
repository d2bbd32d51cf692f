"""What code in the sandbox can see, reach and use up. It attacks only what this test owns."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import Empty

import pytest
from grading.attacks import LIMITS, said
from grading.helpers import left_running

from lecopt.grading import sandbox as sandbox_module
from lecopt.grading.compare import BoundedKernel, StoppedError, compare
from lecopt.grading.merge import Group, Step
from lecopt.grading.sandbox import Sandbox, SandboxError

Run = Callable[[str], str]


@pytest.fixture(scope="module")
def place() -> Iterator[Sandbox]:
    os.environ["LECOPT_TEST_SECRET"] = "in the environment"
    with Sandbox("bwrap", LIMITS) as place:
        yield place
    del os.environ["LECOPT_TEST_SECRET"]
    assert left_running(place.folder) == []
    assert not place.folder.exists()


@pytest.fixture
def kernel(place: Sandbox) -> Iterator[BoundedKernel]:
    kernel = BoundedKernel(place)
    yield kernel
    kernel.stop()


def test_it_computes(kernel: BoundedKernel) -> None:
    assert said(kernel, "import numpy as np\nprint(np.arange(3).sum())") == "3\n"


def test_no_network(kernel: BoundedKernel) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.settimeout(0.5)
        source = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=5)"
        assert said(kernel, source) in ("ConnectionRefusedError", "OSError")
        with pytest.raises(TimeoutError):
            listener.accept()
    names = said(kernel, "import socket\nprint([n for _, n in socket.if_nameindex()])")
    assert "eth" not in names


def test_no_abstract_sockets_of_the_host(kernel: BoundedKernel) -> None:
    name = f"lecopt-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        source = f"import socket\nsocket.socket(socket.AF_UNIX).connect('\\0{name}')"
        assert said(kernel, source) == "ConnectionRefusedError"


def test_no_file_of_ours(kernel: BoundedKernel, tmp_path: Path) -> None:
    (tmp_path / "answers.txt").write_text("42")
    assert said(kernel, f"open({str(tmp_path / 'answers.txt')!r})") == "FileNotFoundError"
    assert said(kernel, f"open({str(Path(__file__))!r})") == "FileNotFoundError"
    source = "import os\nprint([f for _, _, files in os.walk('/') for f in files])"
    files = said(kernel, source)
    assert "numpy" in said(kernel, "import os\nprint(os.listdir('/site'))")
    for secret in ("04_momentum", "answers.txt", "results.sqlite", ".bash_history", "id_rsa"):
        assert f"'{secret}" not in files
    assert said(kernel, "import lecopt.optimizers") == "ModuleNotFoundError"
    assert said(kernel, "import nbval") == "ModuleNotFoundError"
    assert said(kernel, "import torch") == "ModuleNotFoundError"


def test_no_environment_and_no_other_process(kernel: BoundedKernel) -> None:
    assert "environment" not in said(kernel, "import os\nprint(dict(os.environ))")
    assert said(kernel, "import os\nprint(os.listdir('/proc'), os.getpid(), os.getppid())") == (
        "[] 1 0\n"
    )
    assert said(kernel, f"import os\nos.kill({os.getpid()}, 0)") == "ProcessLookupError"


def test_no_rights(kernel: BoundedKernel) -> None:
    assert said(kernel, "import os\nprint(os.getuid() != 0)") == "True\n"
    for source in (
        "os.setuid(0)",
        "os.chroot('/tmp')",
        "os.mknod('/tmp/d', 0o20666, os.makedev(1, 1))",
    ):
        assert said(kernel, f"import os\n{source}") in ("PermissionError", "OSError")
    mount = "import ctypes\nprint(ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, None))"
    assert said(kernel, mount) == "-1\n"


def test_nothing_can_be_written_but_tmp(kernel: BoundedKernel) -> None:
    for path in ("/x", "/site/x", "/usr/lib/x", "/dev/x", "/warm_kernel.py"):
        assert said(kernel, f"open({path!r}, 'w')") in ("OSError", "PermissionError"), path
    assert said(kernel, "open('/tmp/x', 'w').write('mine')\nprint('ok')") == "ok\n"


def test_disk_is_small(kernel: BoundedKernel) -> None:
    fill = (
        "import os\nfor i in range(200):\n"
        "    with open(f'/tmp/{i}', 'wb') as file:\n        file.write(bytes(1 << 20))"
    )
    assert said(kernel, fill) == "OSError"


def test_memory_is_bounded(kernel: BoundedKernel) -> None:
    assert "MemoryError" in said(kernel, "import numpy as np\nx = np.ones((4 << 30) // 8)")
    assert said(kernel, "print('alive')") == "alive\n"


def test_processes_are_bounded(kernel: BoundedKernel) -> None:
    fork = (
        "import os, time\nmade = 0\ntry:\n    for _ in range(50):\n        if os.fork() == 0:\n"
        "            time.sleep(5)\n            os._exit(0)\n        made += 1\n"
        "except OSError as error:\n    print(made < 50, error.errno)"
    )
    assert said(kernel, fork) == "True 11\n"


def test_kernels_share_nothing(place: Sandbox, kernel: BoundedKernel) -> None:
    other = BoundedKernel(place)
    share = (
        "open('/tmp/x', 'w').write('mine')\n"
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('\\0shared')\ns.listen()\n"
        "t = socket.create_server(('127.0.0.1', 4444))"
    )
    assert said(kernel, "import os\nopen('/dev/shm/x', 'w').write('mine')") == ""
    assert said(kernel, share) in ("", "OSError")
    assert said(other, "open('/tmp/x')") == "FileNotFoundError"
    assert said(other, "open('/dev/shm/x')") == "FileNotFoundError"
    knock = "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0shared')"
    assert said(other, knock) == "ConnectionRefusedError"
    knock = "import socket\nsocket.create_connection(('127.0.0.1', 4444), timeout=2)"
    assert said(other, knock) in ("ConnectionRefusedError", "OSError")
    other.stop()


def test_a_dead_kernel_is_noticed_at_once(kernel: BoundedKernel) -> None:
    with pytest.raises(StoppedError, match="died"):
        said(kernel, "import os\nos._exit(3)")


def test_a_loop_is_stopped(place: Sandbox) -> None:
    kernel = BoundedKernel(place)
    kernel.limits = replace(kernel.limits, cell=1)
    with pytest.raises(StoppedError, match="time"):
        said(kernel, "import time\nend = time.time() + 60\nwhile time.time() < end: pass")
    kernel.stop()


def test_a_notebook_has_only_so_much_time(place: Sandbox) -> None:
    """Each group would have its time, but together they have less."""
    wait = Step("own", "import time\ntime.sleep(1.2)")
    groups = [Group(name, (wait, Step("check", "print('› 1')", name))) for name in "abc"]
    results = compare(groups, dict.fromkeys("abc", "› 1\n"), place, time.monotonic() + 2)
    assert [ran.passed for ran in results["a"]] == [True]
    assert {ran.error for name in "bc" for ran in results[name]} == {"the time was up"}
    assert not any(ran.passed for name in "bc" for ran in results[name])


def test_a_flood_is_stopped(kernel: BoundedKernel) -> None:
    with pytest.raises(StoppedError, match="output"):
        said(kernel, "for _ in range(3):\n    print('x' * 10_000_000, flush=True)")


def test_forged_messages_end_in_an_error_or_in_silence(kernel: BoundedKernel) -> None:
    forge = (
        "import sys\nkernel = get_ipython().kernel\n"
        "kernel.session.key = b'another'\nprint('forged', flush=True)"
    )
    kernel.limits = replace(kernel.limits, cell=1)
    with pytest.raises((StoppedError, Empty)):
        said(kernel, forge)


def test_an_ordinary_users_sandbox_is_as_tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root and others get there by different ways (the limit on processes spares root alone)."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--unshare-user" in sandbox_module.command(3, LIMITS, "name")
    with Sandbox("bwrap", LIMITS) as place:
        kernel = BoundedKernel(place)
        test_no_network(kernel)
        test_no_environment_and_no_other_process(kernel)
        test_nothing_can_be_written_but_tmp(kernel)
        test_disk_is_small(kernel)
        test_memory_is_bounded(kernel)
        test_kernels_share_nothing(place, kernel)
        kernel.stop()
    assert left_running(place.folder) == []


def test_no_bubblewrap_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SandboxError, match="apt install bubblewrap"):
        sandbox_module.bubblewrap()


def test_a_bubblewrap_that_cannot_work_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bwrap").write_text(
        "#!/bin/sh\necho 'No permissions to create namespace' >&2\nexit 1\n"
    )
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="No permissions to create namespace"):
        sandbox_module.bubblewrap()


def test_a_warm_python_that_dies_is_told(tmp_path: Path) -> None:
    with Sandbox("bwrap", replace(LIMITS, memory=1)) as broken, pytest.raises(SandboxError):
        BoundedKernel(broken)


def test_only_what_a_kernel_needs_is_seen() -> None:
    names = sandbox_module.requirements(*sandbox_module.PACKAGES)
    assert {"ipykernel", "numpy", "pyzmq"} <= names
    assert not {"nbval", "pytest", "torch", "lecopt", "jupytext"} & names
    assert json.dumps(sandbox_module.command(3, LIMITS, "name")).count("submissions") == 0
