"""Kernels for code that nobody has read yet.

`Sandbox` keeps one bubblewrap with one warm Python in it (`warm_kernel`); each kernel is a fork of
that Python in namespaces of its own. Inside there is no network, no environment, no home, no file
but Python, NumPy and what a kernel needs, and nothing can be written but a small /tmp. The kernel's
sockets are opened out here, and handed in: not even their folder can be seen from within.

Jupyter reaches it like any kernel, through a provisioner, over the ipc transport.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import select
import shutil
import site
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from jupyter_client.manager import KernelManager
from packaging.requirements import Requirement

from lecopt.grading.limits import Limits
from lecopt.grading.provisioner import OneKernel

HERE = Path(__file__).parent
PACKAGES = ("ipykernel", "numpy", "matplotlib")
NOBODY = 65534


class SandboxError(RuntimeError):
    """The sandbox cannot be had; the message says what to do."""


def requirements(*names: str) -> set[str]:
    """Return the names of packages and of all they require here."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        for text in importlib.metadata.requires(name) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append(requirement.name)
    return found


def package_files(name: str) -> dict[str, Path]:
    """Return {top-level name: path} of an installed package."""
    distribution = importlib.metadata.distribution(name)
    if distribution.files is None:
        raise SandboxError(f"{name} has no list of its files: install it with pip")
    tops = {file.parts[0] for file in distribution.files}
    paths = {top: Path(str(distribution.locate_file(top))) for top in tops - {"..", "__pycache__"}}
    return {top: path for top, path in paths.items() if path.exists()}


def base_python() -> str:
    """Return the Python that this environment was made from."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def system_view() -> list[str]:
    """Return bwrap's arguments for the Python and the libraries to be seen inside."""
    python = base_python()
    args: list[str] = []
    for folder in ("/usr/lib", "/usr/lib64", "/lib", "/lib64"):
        if os.path.islink(folder):
            args += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            args += ["--ro-bind", folder, folder]
    library = os.path.join(sys.base_prefix, "lib")
    if not library.startswith("/usr/lib"):
        args += ["--ro-bind", library, library]
    for hidden in (*site.getsitepackages([sys.base_prefix]), "/usr/lib/python3/dist-packages"):
        if os.path.isdir(hidden):
            args += ["--tmpfs", hidden]
    args += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    args += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
    return [*args, "--ro-bind", python, python]


def package_view() -> list[str]:
    """Return bwrap's arguments for the packages to be seen inside, under /site."""
    args: list[str] = []
    for name in sorted(requirements(*PACKAGES)):
        for top, path in sorted(package_files(name).items()):
            args += ["--ro-bind", str(path), f"/site/{top}"]
    args += ["--ro-bind", str(HERE / "stub"), "/site/lecopt"]
    return [*args, "--ro-bind", str(HERE / "warm_kernel.py"), "/warm_kernel.py"]


def parents(args: list[str]) -> list[str]:
    """Return bwrap's arguments for the folders above all mounts, open to every user."""
    targets = [args[i + 2] for i, arg in enumerate(args) if arg.startswith("--ro-bind")]
    above = {str(folder) for target in targets for folder in Path(target).parents}
    return [word for folder in sorted(above - {"/"}) for word in ("--dir", folder)]


def bubblewrap() -> str:
    """Return the path of bwrap; raise SandboxError, with the remedy, if it cannot work."""
    path = shutil.which("bwrap")
    if path is None:
        raise SandboxError(
            "bubblewrap is not installed. On Debian or Ubuntu: sudo apt install bubblewrap; "
            "on Fedora: sudo dnf install bubblewrap. (--sandbox none runs students' code "
            "with your rights: only for code that you trust.)"
        )
    probe = [path, "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "true"]
    result = subprocess.run(probe, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SandboxError(
            f"bubblewrap is here but cannot make namespaces ({result.stderr.strip()}). "
            "If the system forbids them to users: sudo sysctl kernel.unprivileged_userns_clone=1 "
            "or, on Ubuntu 24.04 and later, "
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0."
        )
    return path


def short_folder() -> str:
    """Return a folder for temporary files, near the root: a Unix socket's path has 107 bytes."""
    folder = tempfile.gettempdir()
    return folder if os.name != "posix" or len(folder) < 64 else "/tmp"


def command(listener: int, limits: Limits, name: str) -> list[str]:
    """Return the command line of the warm Python in its bubblewrap; `name` is for `ps`."""
    root = os.geteuid() == 0
    options = {"name": name, "uid": NOBODY if root else None, "limits": asdict(limits)}
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": "/tmp/home", "LANG": "C.UTF-8", "PYTHONPATH": "/site",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1", "MPLCONFIGDIR": "/tmp/home", "MPLBACKEND": "agg",
    }  # fmt: skip
    args = [bubblewrap(), "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    # Root gives its rights away for good, in warm_kernel, to a user that limits apply to.
    args += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else ["--unshare-user"]
    args += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "grader"]
    for variable, value in environment.items():
        args += ["--setenv", variable, value]
    view = [*system_view(), *package_view()]
    args += [*parents(view), *view]
    args += ["--dev", "/dev", "--proc", "/proc", "--perms", "1777", "--tmpfs", "/tmp"]
    args += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
    python = base_python()
    return [*args, python, "-s", "/warm_kernel.py", str(listener), json.dumps(options)]


class Sandbox:
    """A place to start kernels in: `with Sandbox("bwrap", limits) as place: place.kernel()`.

    Start it from a thread that outlives it: the sandbox dies with that thread.
    """

    def __init__(self, kind: str = "bwrap", limits: Limits | None = None) -> None:
        self.kind = kind
        self.limits = limits or Limits()
        self.folder = Path()
        self.started = 0
        self._waiting: list[KernelManager] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._alive = -1

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="lecopt-", dir=short_folder()))
        if self.kind == "bwrap":
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for kernel in self._waiting:
            kernel.shutdown_kernel(now=True)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            # All that runs inside holds the pipe's other end: it closes when the last has died.
            select.select([self._alive], [], [], 10)
            os.close(self._alive)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        self._alive, theirs = os.pipe()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.folder / "warm"))
            listener.listen()
            log = open(self.folder / "log", "wb")  # noqa: SIM115
            with log:
                self._process = subprocess.Popen(
                    command(listener.fileno(), self.limits, str(self.folder)),
                    pass_fds=[listener.fileno(), theirs],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        os.close(theirs)

    def complaint(self) -> str:
        """Return what the warm Python wrote before it died, or nothing if it lives."""
        if self._process is None or self._process.poll() is None:
            return ""
        return (self.folder / "log").read_text(errors="replace") or "it died without a word"

    def ahead(self, kernels: int) -> None:
        """Start some kernels before they are asked for."""
        self._waiting += [self._new_kernel() for _ in range(kernels)]

    def kernel(self) -> KernelManager:
        """Return a kernel: talk to it by `client()`, end it by `shutdown_kernel(now=True)`."""
        return self._waiting.pop() if self._waiting else self._new_kernel()

    def _new_kernel(self) -> KernelManager:
        self.started += 1
        warm = self.folder / "warm" if self.kind == "bwrap" else None
        manager = KernelManager(kernel_name="lecopt", kernel_spec_manager=OneKernel(warm))
        manager.connection_file = str(self.folder / f"k{self.started}.json")
        if os.name == "posix":
            manager.transport = "ipc"
            manager.ip = str(self.folder / f"k{self.started}")
        quiet = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
        manager.start_kernel(cwd=str(self.folder), **quiet)
        return manager
