"""Snapshots: the books of shards right after a close, as rows of the table.

In: shards that have closed the session. Out: rows, each at most 1 MiB of a shard's state.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from events.chain import PART_BYTES_MAX
from services.shards.rows import SnapshotRow
from services.shards.shard import Shard


def snapshot_rows(shards: Iterable[Shard], day: date) -> list[SnapshotRow]:
    """The parts of each shard's books as of its last row. day: the session that was closed."""
    return [row for shard in shards for row in _rows_of(shard, day)]


def _rows_of(shard: Shard, day: date) -> list[SnapshotRow]:
    state, log = shard.dump(), shard.log
    pieces = [
        state[first : first + PART_BYTES_MAX] for first in range(0, len(state), PART_BYTES_MAX)
    ]
    return [
        SnapshotRow(
            log.shard, log.seq - 1, part, len(pieces), log.chain, day, piece, log.history.before
        )
        for part, piece in enumerate(pieces)
    ]
