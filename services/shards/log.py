"""The decided rows of one shard that are not written yet, with its hash chain and its history.

In: an input with its origin and position, and its facts. Out: rows in the order of the journal's
tables. Nothing here is durable before the journal has written it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from events.chain import GENESIS, RowKey, chain_row
from events.history import InputHistory, closes_day
from services.shards.emission import Emission, parts_of
from services.shards.rows import (
    DayRow,
    JournalRow,
    JournalRows,
    LinkRow,
    NumberRow,
    PartRow,
    PriceRow,
    StatementRow,
)

BEFORE_SESSIONS: Final = date(1, 1, 1)


class Inbound(NamedTuple):
    """An input and its source: file and position, inbox and offset, or `control/0` and number."""

    origin: str
    position: int
    logical_time: int
    line: bytes


@dataclass(slots=True)
class Pending:
    """Rows that are not handed over yet.

    novated: the number of cleared trades among the rows; refused: of refusals, by reason.
    """

    rows: JournalRows = field(default_factory=JournalRows)
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
    """The log of one shard.

    seq: of the next row; chain: of the row before; links_sent: the number of the last link;
    history: the inputs since the last close.
    """

    shard: str
    seq: int = 0
    chain: bytes = GENESIS
    links_sent: int = 0
    pending: Pending = field(default_factory=Pending)
    history: InputHistory = field(init=False)

    def __post_init__(self) -> None:
        self.history = InputHistory(self.shard)

    def hand_over(self) -> Pending:
        """The rows decided since the last call."""
        pending, self.pending = self.pending, Pending()
        return pending

    def record(
        self, inbound: Inbound, emission: Emission[Any], *, business_date: date | None
    ) -> None:
        """Append a row, and count its refusal."""
        self.append(inbound, emission.blocks, count=emission.count, business_date=business_date)
        self.count_refusal(emission)

    def count_refusal(self, emission: Emission[Any]) -> None:
        """Count the refusal of a row, if it is one."""
        if emission.refusal is not None:
            self.pending.refused[emission.refusal.reason.value] += 1

    def append(
        self, inbound: Inbound, blocks: Sequence[bytes], *, count: int, business_date: date | None
    ) -> None:
        """Append a row with so many facts; the history has one that closes the day already."""
        parts = parts_of(blocks) if blocks else [b""]
        day = business_date or BEFORE_SESSIONS
        origin, position, logical_time, line = inbound
        if not blocks or not closes_day(blocks[-1]):
            self.history.add(line, blocks, seq=self.seq, count=count)
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
