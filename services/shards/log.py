"""The journal rows of one shard while they are decided, with their hash chain.

In: an input with its place, and the blocks of facts it caused. Out: rows in the order of the
journal's columns, and the parts beyond the first. Nothing here is durable; the journal makes it so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from events.chain import GENESIS, RowKey, chain_row
from services.shards.emission import parts_of

BEFORE_SESSIONS: Final = date(1, 1, 1)

JournalRow = tuple[str, int, date, str, int, int, bytes, int, bytes, bytes]
PartRow = tuple[str, int, int, bytes]


class Inbound(NamedTuple):
    """Where an input stands: file and position, or `control/0` and number; its place in the run."""

    origin: str
    position: int
    decided: int
    line: bytes


@dataclass(slots=True)
class ShardLog:
    """What one shard has to write. seq: of the next row; chain: of the row before.

    novated: trades cleared by the fast path; decided: the first facts of all other rows.
    """

    shard: str
    seq: int = 0
    chain: bytes = GENESIS
    rows: list[JournalRow] = field(default_factory=list)
    parts: list[PartRow] = field(default_factory=list)
    novated: int = 0
    decided: list[bytes] = field(default_factory=list)

    def record(
        self, inbound: Inbound, blocks: Sequence[bytes], *, business_date: date | None
    ) -> None:
        """One more row."""
        parts = parts_of(blocks) if blocks else [b""]
        day = business_date or BEFORE_SESSIONS
        key = RowKey(self.shard, self.seq, day, inbound.origin, inbound.position, inbound.decided)
        self.chain = chain_row(self.chain, key, line=inbound.line, parts=parts)
        self.rows.append(
            (
                self.shard,
                self.seq,
                day,
                inbound.origin,
                inbound.position,
                inbound.decided,
                inbound.line,
                len(parts),
                parts[0],
                self.chain,
            )
        )
        self.decided.append(parts[0])
        self.parts += [
            (self.shard, self.seq, number, part) for number, part in enumerate(parts[1:], start=1)
        ]
        self.seq += 1
