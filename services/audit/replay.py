"""`clearing replay`: the books of every shard from its first row, by folding recorded facts.

In: a database. Out: one line per shard: its name, last row, chain there, hash of the books.
Nothing is decided and no snapshot is used; `verify` checks whether the facts are right. Rows are
read as of one instant.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from operator import itemgetter

from events.history import InputHistory
from services.audit.days import ClosedDay
from services.hosting.control_history import blocks_of
from services.hosting.restore import opened_shard, replay_shard
from services.journal.reader import Reader
from services.shards.routing import CONTROL_SHARD


def replay(url: str, *, until: date | None = None) -> list[str]:
    """A line `shard seq chain state_hash` for every shard, by name.

    until: fold up to and with the close of this session; the hashes are those stated at the close.
    """
    with Reader(url) as reader:
        reader.freeze()
        last = {
            shard: head.seq if until is None else _last_seq(reader, shard, day=until)
            for shard, head in reader.heads().items()
        }
        return [
            _line(reader, shard, seq=seq) for shard, seq in sorted(last.items()) if seq is not None
        ]


def replayed_days(url: str) -> list[ClosedDay]:
    """Every day of every shard, its hashes computed anew: of folded books, of inputs."""
    with Reader(url) as reader:
        reader.freeze()
        days = [day for shard in reader.heads() for day in _days(reader, shard)]
    return sorted(days, key=itemgetter(0, 1))


def _days(reader: Reader, name: str) -> Iterator[ClosedDay]:
    shard, history = opened_shard(reader, name, from_snapshot=False), InputHistory(name)
    history.add_row(b"", reader.rows_at(name, [0])[0].facts, seq=0)
    last, closed = -1, history.before
    for block in blocks_of(reader, name, after=0, has_inputs=True):
        first = 0
        for number, (seq, _, line, facts, _) in enumerate(block, start=1):
            history.add_row(line, facts, seq=seq)
            if history.before != closed:
                shard.fold(block[first:number])
                (row,) = reader.rows_at(name, [seq])
                hashes = (shard.state_hash(), history.before.hex(), row.chain.hex())
                yield ClosedDay(row.business_date, name, seq, seq - last, *hashes)
                first, last, closed = number, seq, history.before
        shard.fold(block[first:])


def _last_seq(reader: Reader, shard: str, *, day: date) -> int | None:
    """The last row of a session or before; None when the shard was opened later."""
    seq, control = reader.last_seq(shard, day), reader.last_seq(CONTROL_SHARD, day)
    if seq is None or control is None:
        return None
    opened, closed = reader.rows_at(shard, [0])[0], reader.rows_at(CONTROL_SHARD, [control])[0]
    return seq if opened.logical_time <= closed.logical_time else None


def _line(reader: Reader, shard: str, *, seq: int) -> str:
    (row,) = reader.rows_at(shard, [seq])
    return f"{shard} {seq} {row.chain.hex()} {replay_shard(reader, shard, until=seq).state_hash()}"
