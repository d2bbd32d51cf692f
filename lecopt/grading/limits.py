"""How much a submission may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits on a submission: all but `notebook` are on one kernel, which runs one task group.

    `memory` (bytes), `processes` (threads count as processes), `cpu` (seconds) and `disk` (bytes in
    /tmp) are enforced in the sandbox alone, by the operating system; but what the processes of one
    kernel hold together is counted ten times a second, and the kernel ended when it is more than
    `memory`. `cell`, `group` and `notebook` (seconds on the clock) and `output` (bytes sent to the
    grader) are enforced by the grader, always.
    """

    cell: float = 20.0
    group: float = 60.0
    notebook: float = 180.0
    output: int = 20 << 20
    memory: int = 3 << 30
    processes: int = 64
    cpu: int = 90
    disk: int = 64 << 20
