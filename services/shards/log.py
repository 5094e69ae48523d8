"""What one shard has decided and has yet to write, with its hash chain.

In: an input with its place, and the facts it caused. Out: rows in the order of the journal's
tables. Nothing here is durable; the journal makes it so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from events.chain import GENESIS, RowKey, chain_row
from services.shards.emission import Emission, parts_of
from services.shards.rows import (
    DayRow,
    JournalRow,
    LinkRow,
    NumberRow,
    PartRow,
    PriceRow,
    StatementRow,
)

BEFORE_SESSIONS: Final = date(1, 1, 1)


class Inbound(NamedTuple):
    """Where an input stands: file and position, inbox and offset, or `control/0` and number."""

    origin: str
    position: int
    logical_time: int
    line: bytes


@dataclass(slots=True)
class Pending:
    """Rows that were not handed over yet.

    novated: how many of the rows cleared a trade; refused: how many were refused, by reason.
    """

    rows: list[JournalRow] = field(default_factory=list)
    parts: list[PartRow] = field(default_factory=list)
    links: list[LinkRow] = field(default_factory=list)
    prices: list[PriceRow] = field(default_factory=list)
    statements: list[StatementRow] = field(default_factory=list)
    days: list[DayRow] = field(default_factory=list)
    numbers: list[NumberRow] = field(default_factory=list)
    novated: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class ShardLog:
    """What one shard has to write.

    seq: of the next row; chain: of the row before; links_sent: the number of the last link.
    """

    shard: str
    seq: int = 0
    chain: bytes = GENESIS
    links_sent: int = 0
    pending: Pending = field(default_factory=Pending)

    def hand_over(self) -> Pending:
        """What was decided since the last time."""
        pending, self.pending = self.pending, Pending()
        return pending

    def record(
        self, inbound: Inbound, emission: Emission[Any], *, business_date: date | None
    ) -> None:
        """One more row, and the refusal it may be."""
        self.append(inbound, emission.blocks, business_date=business_date)
        if emission.refusal is not None:
            self.pending.refused[emission.refusal.reason.value] += 1

    def append(
        self, inbound: Inbound, blocks: Sequence[bytes], *, business_date: date | None
    ) -> None:
        """One more row of these facts."""
        parts = parts_of(blocks) if blocks else [b""]
        day = business_date or BEFORE_SESSIONS
        origin, position, logical_time, line = inbound
        key = RowKey(self.shard, self.seq, day, origin, position, logical_time)
        self.chain = chain_row(self.chain, key, line=line, parts=parts)
        self.pending.rows.append(
            JournalRow(*key, line=line, parts=len(parts), facts=parts[0], chain=self.chain)
        )
        self.pending.parts += [
            PartRow(self.shard, self.seq, number, part)
            for number, part in enumerate(parts[1:], start=1)
        ]
        self.seq += 1
