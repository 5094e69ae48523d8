"""`clearing replay`: the books of every shard from its first row, by folding recorded facts.

In: a database. Out: one line per shard: its name, last row, chain there, hash of the books.
Nothing is decided and no snapshot is used; `verify` checks whether the facts are right. Rows are
read as of one instant.
"""

from __future__ import annotations

from datetime import date

from services.hosting.restore import replay_shard
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
