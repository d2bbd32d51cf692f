"""What runs inside the sandbox: a warm Python that forks a ready kernel for each request.

Starting a kernel is nearly all the cost of grading, and importing is nearly all of that. So one
process imports everything once; a request (the kernel's listening sockets and its key, over a
Unix socket) then costs a fork. Each fork gets namespaces of its own (users, processes, mounts,
network, IPC), its own small /tmp, and limits; nobody's kernel can see another's.

The file is run as a plain script and imports nothing of the package: in the sandbox there is none.

    python warm_kernel.py LISTENER_FD '{"uid": null, "limits": {...}}'
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any, NoReturn

CHANNELS = ("shell", "stdin", "control", "iopub")  # in the order in which ipykernel binds them

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
HELD = ("RssAnon", "RssShmem")

libc = ctypes.CDLL(None, use_errno=True)


def must(result: int, what: str) -> None:
    """Raise OSError if a C call failed: a sandbox half made is no sandbox."""
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount_tmpfs(target: str, size: int) -> None:
    options = f"size={size},mode=1777".encode()
    flags = MS_NOSUID | MS_NODEV
    must(libc.mount(b"tmpfs", target.encode(), b"tmpfs", flags, options), f"tmpfs on {target}")


def enter_namespaces() -> None:
    """Leave for new namespaces; the next fork is process 1 of its own process namespace."""
    uid, gid = os.getuid(), os.getgid()
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # or /proc/self/uid_map belongs to root
    spaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC
    must(libc.unshare(spaces), "unshare")
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def furnish(disk: int) -> None:
    """Give the kernel an empty /tmp of its own, and hide what the namespaces would share."""
    must(libc.unshare(CLONE_NEWNS), "unshare mounts")  # its keeper goes on seeing /proc
    must(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
    for target, size in (("/tmp", disk), ("/dev/shm", 1 << 20), ("/proc", 1 << 16)):
        mount_tmpfs(target, size)
    os.mkdir("/tmp/home")
    os.mkdir("/tmp/work")
    os.chdir("/tmp/work")


def drop_capabilities() -> None:
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # past the last one it fails: no harm
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    must(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def set_limits(limits: dict[str, int]) -> None:
    """Set what the kernel of Linux enforces, hard: a process cannot raise them again."""
    for name, value in (
        ("RLIMIT_AS", limits["memory"]),
        ("RLIMIT_NPROC", limits["processes"]),
        ("RLIMIT_CPU", limits["cpu"]),
        ("RLIMIT_FSIZE", limits["disk"]),
        ("RLIMIT_NOFILE", 256),
        ("RLIMIT_CORE", 0),
    ):
        resource.setrlimit(getattr(resource, name), (value, value))


def run_kernel(key: str, fds: list[int], script: str | None = None) -> None:
    """Serve a Jupyter kernel on sockets that already listen."""
    import zmq
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    listening = iter(fds)

    class Kernel(IPKernelApp):
        """An ipykernel that is handed its sockets instead of opening them."""

        def init_connection_file(self) -> None:
            self.session.key = key.encode()
            self.transport = "ipc"

        def write_connection_file(self, **kwargs: Any) -> None: ...

        def parse_command_line(self, argv: Any = None) -> None: ...  # there is none, and it is slow

        def init_heartbeat(self) -> None: ...

        def _bind_socket(self, s: Any, port: int) -> int:
            s.setsockopt(zmq.USE_FD, next(listening))
            s.bind("ipc:///tmp/kernel")
            return 1

    config = Config()
    config.HistoryManager.enabled = False
    config.IPKernelApp.capture_fd_output = False
    config.IPKernelApp.quiet = True
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.xmode = "Minimal"  # nobody reads the traceback, and it takes 20 ms
    app: Any = Kernel.instance(config=config)
    app.initialize([])
    if script is not None:
        app.shell.run_cell(script)
        return
    app.start()


def warm_up() -> None:
    """Import whatever a working kernel imports, as seen in a child that runs one."""
    import numpy as np  # noqa: F401

    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            folder = "/tmp/scout"
            os.makedirs(folder + "/home", exist_ok=True)
            os.environ["HOME"] = folder + "/home"
            fds = []
            for channel in CHANNELS:
                s = socket.socket(socket.AF_UNIX)
                s.bind(f"{folder}/{channel}")
                s.listen()
                fds.append(s.detach())
            run_kernel("", fds, "import numpy as np\nnp.random.default_rng(0)\nprint(1)")
            theirs.sendall("\n".join(sys.modules).encode())
        finally:
            os._exit(0)
    theirs.close()
    with ours.makefile() as lines:
        names = lines.read().split("\n")
    os.waitpid(pid, 0)
    for name in names:
        with contextlib.suppress(Exception):
            __import__(name)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Read a request: JSON with the kernel's key, and one listening socket a channel."""
    room = array.array("i", [0] * len(CHANNELS))
    data, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(room.itemsize * len(room)))
    fds = array.array("i")
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    return json.loads(data), list(fds)


def memory_below(pid: int) -> int:
    """Return the bytes that a process and all below it hold, shared pages of files left out."""
    parent, held = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/status") as file:
            lines = dict(line.split(":", 1) for line in file)
            parent[int(name)] = int(lines["PPid"])
            held[int(name)] = sum(int(lines.get(k, "0 kB").split()[0]) for k in HELD) << 10
    family = {pid}
    while more := {child for child, above in parent.items() if above in family} - family:
        family |= more
    return sum(held.get(one, 0) for one in family)


def watch(connection: socket.socket, pid: int, memory: int) -> NoReturn:
    """Kill the kernel when the grader hangs up; tell the grader when the kernel dies."""
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLHUP)
    poll.register(pidfd, select.POLLIN)
    while not (ready := poll.poll(100)) and memory_below(pid) <= memory:
        pass
    if pidfd not in {fd for fd, _ in ready}:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps({"exit": os.waitstatus_to_exitcode(status)}).encode())
    os._exit(0)


def serve(connection: socket.socket, options: dict[str, Any]) -> NoReturn:
    """Turn this fork into the keeper of one kernel."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, fds = receive(connection)
    enter_namespaces()
    pid = os.fork()
    if pid:
        for fd in fds:
            os.close(fd)
        watch(connection, pid, options["limits"]["memory"])
    connection.close()
    try:
        must(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "parent-death signal")
        furnish(options["limits"]["disk"])
        set_limits(options["limits"])
        drop_capabilities()
        run_kernel(request["key"], fds)
    finally:
        os._exit(1)


def main() -> NoReturn:
    listener = socket.socket(fileno=int(sys.argv[1]))
    options = json.loads(sys.argv[2])
    if options["uid"] is not None:
        os.setgroups([])
        os.setresgid(*[options["uid"]] * 3)
        os.setresuid(*[options["uid"]] * 3)
    warm_up()
    gc.collect()
    gc.freeze()  # or each fork's first collection copies all pages
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener.listen()
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            serve(connection, options)
        connection.close()


if __name__ == "__main__":
    main()
