"""The first process of an embedded server, for being killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from services.journal.embedded import is_running


def postmaster_of(data: Path) -> int:
    """Its process id, 0 when no server of this data directory runs."""
    try:
        pid = int((data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return 0
    return pid if is_running(data) else 0


def kill_postmaster(data: Path, *, patience_s: float = 20.0) -> None:
    """End it with SIGKILL, as soon as there is one."""
    deadline = time.monotonic() + patience_s
    while not (pid := postmaster_of(data)):
        assert time.monotonic() < deadline, f"no server came up in {data}"
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
