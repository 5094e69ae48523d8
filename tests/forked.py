"""Processes of `clearing` that begin at once: forked from one that has imported the program.

In: words as typed, an environment, a file for what is said. Out: a process of its own, to be asked,
signalled and waited for as one of `subprocess`. It ends with whoever started it. A test of the
start itself (imports, the console script, flags of the interpreter) starts Python.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_PR_SET_PDEATHSIG: Final = 1
FORKS: Final = get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "tests.forked",
        "tests.faults.victims",
        "tests.faults.streaming.victims",
        "services.cli",
        "services.console.clear_command",
        "services.console.feed_command",
        "services.console.publish_command",
        "services.console.worker_command",
        # What these import when they run.
        "services.embedded.clear",
        "services.feed.session",
        "services.journal.migrate",
        "services.sources.csv_trades",
        "services.worker.app",
        "services.worker.fact_host",
        "services.worker.host",
    ]
)


class ForkedProcess:
    """A process that runs `clearing` with these words.

    log: of both its outputs, from the beginning. before: what it does first, of a module below
    tests/, as it is pickled.
    """

    def __init__(
        self,
        words: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str],
        before: Callable[[], None] | None = None,
    ) -> None:
        self._words = ["clearing", *words]
        log.write_bytes(b"")  # It may be killed before it says anything.
        values = {"words": [*words], "log": log, "environment": {**environment}, "before": before}
        self._process = FORKS.Process(target=_run, kwargs=values, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process.pid is not None, "it was never started"
        return self._process.pid

    def poll(self) -> int | None:
        """How it ended, negative for a signal; None while it lives."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; how it ended. Errors: subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._words, timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


def end_with_parent() -> None:
    """Let nobody be left behind when the tests are killed, standing still or not."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _run(
    *,
    words: list[str],
    log: Path,
    environment: dict[str, str],
    before: Callable[[], None] | None,
) -> None:
    import services.cli  # noqa: PLC0415 - a process that only starts others needs none of it

    os.setsid()
    end_with_parent()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    written = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(written, stream)
    if before is not None:
        before()
    sys.argv = ["clearing", *words]
    services.cli.main()
