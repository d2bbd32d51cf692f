"""Jupyter's way to a kernel in the sandbox: a provisioner that asks the warm Python for a fork."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import signal
import socket
from pathlib import Path
from typing import Any

import ipykernel.kernelspec
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import KernelProvisionerBase, KernelProvisionerFactory

CHANNELS = ("shell", "stdin", "control", "iopub")  # in the order that warm_kernel expects
PROVISIONER = "lecopt-sandbox"


class OneKernel(KernelSpecManager):
    """Knows one kernel only: a student's notebook cannot ask for another.

    `address` is the socket of the warm Python that forks it; None means a plain ipykernel.
    """

    def __init__(self, address: Path | None) -> None:
        super().__init__()
        self.address = address

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = KernelSpec(**ipykernel.kernelspec.get_kernel_dict())
        spec.argv += ["--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor"]
        if self.address is not None:
            config = {"address": str(self.address)}
            provisioner = {"provisioner_name": PROVISIONER, "config": config}
            spec.metadata = {"kernel_provisioner": provisioner}
        return spec


class SandboxProvisioner(KernelProvisionerBase):
    """Asks the warm Python for a kernel; the kernel lives as long as the connection."""

    address = ""
    _connection: socket.socket | None = None
    _listeners: tuple[socket.socket, ...] = ()

    def __init__(self, address: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.address = address

    @property
    def has_process(self) -> bool:
        return self._connection is not None

    @property
    def manager(self) -> KernelManager:
        """The kernel manager that this kernel was asked for by."""
        if not isinstance(self.parent, KernelManager):
            raise TypeError("a sandboxed kernel needs a KernelManager")
        return self.parent

    async def poll(self) -> int | None:
        if self._connection is None:
            return 0
        self._connection.setblocking(False)
        try:
            word = self._connection.recv(64)
        except BlockingIOError:
            return None
        except OSError:
            word = b""
        self._connection.close()
        self._connection = None
        return int(json.loads(word)["exit"]) if word else 1

    async def wait(self) -> int | None:
        if self._connection is None:
            return 0
        self._connection.settimeout(10)
        with contextlib.suppress(OSError):
            self._connection.recv(64)
        self._connection.close()
        self._connection = None
        return 0

    async def send_signal(self, signum: int) -> None:
        """Kill and wait; there is no other signal (an interrupt would not reach inside)."""
        if signum != signal.SIGINT and self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)
            await self.wait()

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def cleanup(self, restart: bool = False) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Open the kernel's sockets, listening: a client may connect before the kernel is up."""
        manager = self.manager
        listeners = []
        manager.hb_port = len(CHANNELS) + 1  # a number is asked for; nobody listens
        for number, channel in enumerate(CHANNELS, start=1):
            setattr(manager, f"{channel}_port", number)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(f"{manager.ip}-{number}")
            listener.listen()
            listeners.append(listener)
        self._listeners = tuple(listeners)
        return {**kwargs, "cmd": []}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(self.address)
        request = json.dumps({"key": self.manager.session.key.decode()}).encode()
        socket.send_fds(connection, [request], [one.fileno() for one in self._listeners])
        self._connection = connection
        for listener in self._listeners:
            listener.close()
        info: KernelConnectionInfo = self.manager.get_connection_info()
        return info


KernelProvisionerFactory.provisioners[PROVISIONER] = importlib.metadata.EntryPoint(
    PROVISIONER,
    "lecopt.grading.provisioner:SandboxProvisioner",
    KernelProvisionerFactory.GROUP_NAME,
)
