"""Processes that clear, for being killed: the command line itself, in blocks as small as one line.

In: arguments of `clearing`, a size of blocks. Out: a process, how it ended and what it said.
They are forked from one that has imported everything, so that a kill at a random moment hits the
work and not the imports; `commanded` starts the command from nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from tests.forked import FORKS

ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS_MAX: Final = 120.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended: its exit code, negative for a signal, and its standard error."""

    code: int
    said: str


@dataclass(frozen=True, slots=True)
class Victim:
    """A process at work."""

    process: BaseProcess
    log: Path

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()

    def ending(self, seconds: float = SECONDS_MAX) -> Ending:
        """Wait for its end."""
        self.process.join(seconds)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            self.process.join()
            message = f"still at work after {seconds} s: {self.log.read_text()}"
            raise TimeoutError(message)
        return Ending(code, self.log.read_text())

    def has_ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        self.process.join(seconds)
        return self.process.exitcode is not None


def started(
    arguments: Sequence[str],
    log: Path,
    *,
    lines_a_block: int,
    arm: Callable[[], None] | None = None,
) -> Victim:
    """A process that runs `clearing clear` with these arguments. arm: changes it before."""
    values = {"arguments": [*arguments], "log": log, "lines_a_block": lines_a_block, "arm": arm}
    process = FORKS.Process(target=_clear, kwargs=values)
    log.touch()  # It may be killed before it says anything.
    process.start()
    return Victim(process, log)


def ended(arguments: Sequence[str], log: Path, *, lines_a_block: int = 8192) -> Ending:
    """Run it to its end."""
    return started(arguments, log, lines_a_block=lines_a_block).ending()


def commanded(*arguments: str) -> Ending:
    """The command line from nothing, to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return Ending(done.returncode, done.stderr)


def _clear(
    *, arguments: list[str], log: Path, lines_a_block: int, arm: Callable[[], None] | None
) -> None:
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(said, 2)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    import services.cli  # noqa: PLC0415 - the process that only starts victims needs none of it
    import services.embedded.clear as embedded  # noqa: PLC0415

    # The command has no such option: blocks are its own affair.
    of_lines = partial(embedded.clear, lines_a_block=lines_a_block)
    setattr(embedded, "clear", of_lines)  # noqa: B010
    if arm is not None:
        arm()
    sys.argv = ["clearing", "clear", *arguments]
    services.cli.main()
