"""Workers to be killed: `clearing worker` itself, in processes that start at once.

In: settings as environment, a point at which it stops itself, a planted defect. Out: a process.
They are forked from one that has imported everything, so that a kill at a random moment hits the
work and not the imports.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.faults.streaming.namespaces import enter
from tests.faults.streaming.plants import plant
from tests.faults.streaming.points import Fault, arm
from tests.forked import FORKS, end_with_parent


@dataclass(slots=True)
class Victim:
    """A worker. fault: where it stops itself, if anywhere; port: of its pages, if it has any."""

    process: BaseProcess
    log: Path
    fault: Fault | None
    is_still: bool = False
    port: int = 0
    host: str = "127.0.0.1"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process.pid is not None, "it was never started"
        return self.process.pid

    @property
    def code(self) -> int | None:
        """How it ended, negative for a signal; None while it lives."""
        return self.process.exitcode

    def kill(self) -> None:
        """End it with SIGKILL, standing still or not."""
        self.process.kill()
        self.process.join()

    def suspend(self) -> None:
        """Let it stand still."""
        os.kill(self.pid, signal.SIGSTOP)
        self.is_still = True

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)
        self.is_still = False

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self.pid, signal.SIGTERM)

    def has_ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        self.process.join(seconds)
        return self.process.exitcode is not None

    def log_lines(self) -> list[str]:
        """What it has said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()


def started(
    environment: Mapping[str, str],
    log: Path,
    *,
    fault: Fault | None = None,
    planted: str = "",
    command: Sequence[str] = ("worker",),
    room: str = "",
) -> Victim:
    """A worker with these settings, or another command; in this room, if any."""
    values = {"environment": {**environment}, "log": log, "fault": fault, "planted": planted}
    values |= {"command": [*command], "room": room}
    log.touch()
    process = FORKS.Process(target=_work, kwargs=values, daemon=True)
    process.start()
    return Victim(process, log, fault)


def _work(
    *,
    environment: dict[str, str],
    log: Path,
    fault: Fault | None,
    planted: str,
    command: list[str],
    room: str,
) -> None:
    import services.cli  # noqa: PLC0415 - the process that only starts victims needs none of it

    end_with_parent()
    if room:
        enter(room)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(said, stream)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    os.environ.update(environment)
    if planted:
        plant(planted)
    if fault is not None:
        arm(fault)
    sys.argv = ["clearing", *command]
    services.cli.main()
