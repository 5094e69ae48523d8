"""The journal rows of one shard while they are decided, with their hash chain.

In: an input with its place, and the blocks of facts it caused. Out: rows in the order of the
journal's columns, and the parts beyond the first. Nothing here is durable; the journal makes it so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

    novated: trades cleared by the fast path; decided: the first facts of all other rows; early:
    who takes parts beyond the first as soon as they are complete, else they come to `parts`; sent:
    how many parts of the row being decided it has, the first, which it never gets, among them.
    """

    shard: str
    seq: int = 0
    chain: bytes = GENESIS
    rows: list[JournalRow] = field(default_factory=list)
    parts: list[PartRow] = field(default_factory=list)
    novated: int = 0
    decided: list[bytes] = field(default_factory=list)
    early: Callable[[list[PartRow]], None] | None = None
    sent: int = 1

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
        if self.early is None:
            self.parts += self._part_rows(parts)
        else:
            self._send(parts, self.early)
        self.seq, self.sent = self.seq + 1, 1

    def send_complete(self, blocks: Sequence[bytes]) -> None:
        """Hand over what parts of the row being decided no later fact will change."""
        if self.early is not None:
            self._send(parts_of(blocks)[:-1], self.early)

    def _send(self, parts: Sequence[bytes], early: Callable[[list[PartRow]], None]) -> None:
        more = self._part_rows(parts)
        if more:
            self.sent = len(parts)
            early(more)

    def _part_rows(self, parts: Sequence[bytes]) -> list[PartRow]:
        return [
            (self.shard, self.seq, number, parts[number]) for number in range(self.sent, len(parts))
        ]
