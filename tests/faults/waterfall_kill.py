"""A process that clears and is killed while the row of a waterfall is written.

In: arguments of `clearing clear` and a point. Out: the process, which gives itself SIGKILL there.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from services.journal.batch import Batch
from services.journal.writer import Journal
from services.shards.rows import JournalRow
from tests.faults.victims import Victim, started

WATERFALL: Final = b"waterfall_applied/1"
# The heads are moved, no row is there; the rows are there, uncommitted; and durable, unanswered.
POINTS: Final = ("_begin", "_append_all", "_commit")


def killed_at(arguments: Sequence[str], log: Path, *, point: str) -> Victim:
    """A process that dies after the point is passed with a waterfall in the batch."""
    return started(arguments, log, lines_a_block=1, arm=partial(_arm, point))


def _arm(point: str) -> None:
    commit, original = Journal.commit, getattr(Journal, point)
    is_waterfall = False

    def committed(self: Journal, batch: Batch) -> None:
        nonlocal is_waterfall
        is_waterfall = any(WATERFALL in JournalRow(*row).facts for row in batch.rows)
        commit(self, batch)

    def passed(self: Journal, *values: Any) -> None:  # noqa: ANN401 - whatever it takes
        original(self, *values)
        if is_waterfall:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(Journal, "commit", committed)  # noqa: B010
    setattr(Journal, point, passed)
