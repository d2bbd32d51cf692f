"""How much a submission may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits on one kernel, which runs one task group of one submission.

    `memory` (bytes of address space), `processes` (threads count as processes), `cpu` (seconds)
    and `disk` (bytes in /tmp) are enforced by the operating system, in the sandbox alone;
    `cell` and `group` (seconds on the clock) and `output` (bytes sent to the grader) by the
    grader, always.
    """

    cell: float = 20.0
    group: float = 60.0
    output: int = 20 << 20
    memory: int = 3 << 30
    processes: int = 64
    cpu: int = 90
    disk: int = 64 << 20
