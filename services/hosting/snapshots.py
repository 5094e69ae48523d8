"""The books of every shard right after a close, as rows of the table of snapshots.

In: a house of which every shard has closed the session. Out: rows, each at most 1 MiB of a shard's
state.
"""

from __future__ import annotations

from datetime import date

from events.chain import PART_BYTES_MAX
from services.journal.batch import SnapshotRow
from services.shards.clearinghouse import Clearinghouse
from services.shards.log import ShardLog
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD, market_shard
from services.shards.state import dump_control, dump_market, dump_member


def snapshot_rows(house: Clearinghouse, day: date) -> list[SnapshotRow]:
    """The parts of each shard's books as of its last row. day: the session that was closed."""
    states = {CONTROL_SHARD: dump_control(house.control)}
    for product, market in house.markets.items():
        states[market_shard(product)] = dump_market(market.books, links_sent=market.links_sent)
    states[MEMBER_SHARD] = dump_member(house.member)
    return [row for log in house.logs() for row in rows_of(log, states[log.shard], day=day)]


def rows_of(log: ShardLog, state: bytes, *, day: date) -> list[SnapshotRow]:
    """The parts of one shard's books as of its last row."""
    pieces = [
        state[first : first + PART_BYTES_MAX] for first in range(0, len(state), PART_BYTES_MAX)
    ]
    return [
        (log.shard, log.seq - 1, part, len(pieces), log.chain, day, piece)
        for part, piece in enumerate(pieces)
    ]
