"""Named points of a worker at which a test build is killed (SIGKILL) or stands still (SIGSTOP).

In: a point and at which passage of it. Out: a worker program that then gives itself the signal.
Nothing is changed in a worker that is not armed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NamedTuple

from services.hosting import restore
from services.journal.batch import Batch
from services.journal.tables import SNAPSHOT, Table
from services.journal.writer import Journal
from services.worker import shard_decider as deciding
from services.worker import shard_run
from services.worker import shard_supervisor as supervisor
from services.worker.copy_sender import CopySender
from services.worker.host import ShardHost
from services.worker.shard_decider import ShardDecider
from services.worker.shard_run import ShardRun
from services.worker.shard_supervisor import ShardSupervisor


class Fault(NamedTuple):
    """Where a worker stops itself. ending: SIGKILL or SIGSTOP."""

    point: str
    passage: int
    ending: signal.Signals = signal.SIGKILL


Trap = Callable[[], None]


def arm(fault: Fault) -> None:
    """Change the worker program of this process."""
    remaining = fault.passage

    def passed() -> None:
        nonlocal remaining
        remaining -= 1
        if remaining == 0:
            os.kill(os.getpid(), fault.ending)

    (POINTS | SPREAD_POINTS)[fault.point](passed)


def _wrap(
    owner: object, name: str, *, before: Trap | None = None, after: Trap | None = None
) -> None:
    """Pass a trap before or after each call of a function."""
    original: Callable[..., Any] = getattr(owner, name)

    @wraps(original)
    def changed(*values: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
        if before is not None:
            before()
        returned = original(*values, **named)
        if after is not None:
            after()
        return returned

    setattr(owner, name, changed)


def _after_awaited(owner: object, name: str, trap: Trap) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    @wraps(original)
    async def changed(*values: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
        returned = await original(*values, **named)
        trap()
        return returned

    setattr(owner, name, changed)


def _after_copy(trap: Trap) -> None:
    """After the first rows of a batch went through COPY, the rest not yet."""
    _wrap(Journal, "_append", after=trap)


def _before_commit(trap: Trap) -> None:
    _wrap(Journal, "_commit", before=trap)


def _after_commit(trap: Trap) -> None:
    _wrap(Journal, "_commit", after=trap)


def _before_batch(trap: Trap) -> None:
    """A batch was decided, nothing of it is written: who stands still here comes back too late."""
    _wrap(Journal, "commit", before=trap)


def _before_copies(trap: Trap) -> None:
    """The control journal has the command; the inbox of the next shard does not have its copy."""
    _wrap(CopySender, "_send", before=trap)


def _after_copies(trap: Trap) -> None:
    """Some inboxes have the copies, others do not."""
    _after_awaited(CopySender, "_send", trap)


def _waiting_at_barrier(trap: Trap) -> None:
    _wrap(ShardDecider, "missing_markets", after=trap)


def _behind_barrier(trap: Trap) -> None:
    """All markets have answered; what that makes of the members is not written."""
    _wrap(deciding, "read_answers", after=trap)


def _in_snapshot(trap: Trap) -> None:
    """The books were dumped; their close is not written."""
    _wrap(deciding, "snapshot_rows", after=trap)


def _snapshot_written(trap: Trap) -> None:
    """The snapshot went through COPY, its transaction is open."""
    original = Journal._append_rows  # noqa: SLF001 - this is what a test build is

    def changed(self: Journal, table: Table, rows: Any, **options: Any) -> None:  # noqa: ANN401
        original(self, table, rows, **options)
        if table is SNAPSHOT and rows:
            trap()

    setattr(Journal, "_append_rows", changed)  # noqa: B010


def _loading(trap: Trap) -> None:
    """The shard is loaded, its inbox is not at the right place yet."""
    _wrap(shard_run, "load_from_journal", after=trap)


def _opening(trap: Trap) -> None:
    """A shard was opened, its row 0 is not written."""
    _wrap(restore, "_opened", after=trap)


def _letting_go(trap: Trap) -> None:
    """A partition is being taken away."""
    _wrap(ShardSupervisor, "park", before=trap)
    _wrap(ShardSupervisor, "release", before=trap)
    _wrap(ShardHost, "_release", before=trap)


def _fetched(trap: Trap) -> None:
    """Messages were fetched, none is decided."""
    _after_awaited(ShardSupervisor, "_fetch", trap)


def _sought(trap: Trap) -> None:
    """The offset was checked; the consumer was not told."""
    _after_awaited(supervisor, "check_offset", trap)


POINTS: Final[dict[str, Callable[[Trap], None]]] = {
    "after COPY": _after_copy,
    "before COMMIT": _before_commit,
    "after COMMIT": _after_commit,
    "before a batch": _before_batch,
    "before copies": _before_copies,
    "between copies": _after_copies,
    "waiting at a barrier": _waiting_at_barrier,
    "behind a barrier": _behind_barrier,
    "in a snapshot": _in_snapshot,
    "snapshot written": _snapshot_written,
    "loading": _loading,
    "opening": _opening,
    "letting go": _letting_go,
    "fetched": _fetched,
    "before seek": _sought,
}


def _before_vote(trap: Trap) -> None:
    """A market has come to a spread of two; its vote is decided, and not written."""
    _wrap(ShardDecider, "vote", after=trap)


def _after_vote(trap: Trap) -> None:
    """A market's vote on a spread is durable."""
    _wrap(ShardRun, "vote", after=trap)


def _spread_decided(trap: Trap) -> None:
    """One market's row of a spread is durable; that of the further one may not be."""
    original = Journal.commit

    def changed(self: Journal, batch: Batch) -> None:
        original(self, batch)
        rows = [row for row in batch.rows if row[0].startswith("market/")]
        if any(b"submit_spread/1" in line for _, _, _, _, _, _, line, _, _, _ in rows):
            trap()

    setattr(Journal, "commit", changed)  # noqa: B010


# Passed only where there are spreads: no round of any market waits for them.
SPREAD_POINTS: Final[dict[str, Callable[[Trap], None]]] = {
    "before a vote": _before_vote,
    "after a vote": _after_vote,
    "a spread decided": _spread_decided,
}
# Those that are passed at every batch, so often that a worker does some work before the nth.
OFTEN: Final = frozenset(
    {"after COPY", "before COMMIT", "after COMMIT", "before a batch", "fetched"}
)
# Where a worker that stands still is most dangerous: with a batch in its hands.
STANDSTILLS: Final = ("before a batch", "before COMMIT", "after COPY", "before copies", "fetched")
