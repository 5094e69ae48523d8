"""The rows that shards write, each in the order of its table's columns (ARCHITECTURE §3).

Defined here once: the journal appends them, audits compare them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain
from typing import NamedTuple, SupportsIndex, TypeAlias, overload

import numpy as np

from events.chain import CHAIN_BYTES, RowKey
from events.int64 import IntArray
from events.quoted_texts import QuotedTexts
from events.texts import Texts


class JournalRow(NamedTuple):
    """One input and its facts.

    logical_time: orders the inputs of all shards. parts: the number of parts of its facts; facts:
    the first part.
    """

    shard: str
    seq: int
    business_date: date
    origin: str
    position: int
    logical_time: int
    line: bytes
    parts: int
    facts: bytes
    chain: bytes

    @property
    def key(self) -> RowKey:
        """The columns that are not bytes, as they are hashed."""
        return RowKey(
            self.shard,
            self.seq,
            self.business_date,
            self.origin,
            self.position,
            self.logical_time,
        )


@dataclass(frozen=True, slots=True)
class RowColumns:
    """Journal rows that follow one another, equal but for the columns. seq: of the first.

    Each has one part. chains: 32 bytes of each. packed: all of them as the journal's table takes
    them, if they were packed when they were decided.
    """

    shard: str
    seq: int
    business_date: date
    origin: str
    positions: IntArray
    times: IntArray
    lines: Texts
    facts: Texts
    chains: bytes
    packed: bytes | memoryview = b""

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[JournalRow]:
        numbers = zip(self.positions.tolist(), self.times.tolist(), strict=True)
        for row, (position, time), line, facts in zip(
            range(len(self)), numbers, self.lines, self.facts, strict=True
        ):
            key = RowKey(
                self.shard, self.seq + row, self.business_date, self.origin, position, time
            )
            hashed = self.chains[CHAIN_BYTES * row : CHAIN_BYTES * (row + 1)]
            yield JournalRow(*key, line, 1, facts, hashed)


class JournalRows(Sequence[JournalRow]):
    """Journal rows in order, of which many may stand as columns."""

    __slots__ = ("stretches",)

    def __init__(self, rows: Iterable[JournalRow] = ()) -> None:
        self.stretches: list[list[JournalRow] | RowColumns] = [[*rows]]

    def append(self, row: JournalRow) -> None:
        """Add a row."""
        last = self.stretches[-1]
        if isinstance(last, list):
            last.append(row)
        else:
            self.stretches.append([row])

    def extend(self, stretches: Iterable[list[JournalRow] | RowColumns]) -> None:
        """Add stretches of rows."""
        self.stretches += stretches

    def __len__(self) -> int:
        return sum(map(len, self.stretches))

    def __iter__(self) -> Iterator[JournalRow]:
        return chain.from_iterable(self.stretches)

    @overload
    def __getitem__(self, index: SupportsIndex) -> JournalRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[JournalRow]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> JournalRow | list[JournalRow]:
        return [*self][index]

    def __eq__(self, rows: object) -> bool:
        return isinstance(rows, Sequence) and [*self] == [*rows]

    __hash__ = None  # type: ignore[assignment]


def stretches_of(rows: Sequence[JournalRow]) -> Sequence[Sequence[JournalRow] | RowColumns]:
    """The stretches of rows; of a plain list itself."""
    return rows.stretches if isinstance(rows, JournalRows) else [rows]


class PartRow(NamedTuple):
    """A further part of a row's facts. part: its number, from 1."""

    shard: str
    seq: int
    part: int
    facts: bytes


class LinkRow(NamedTuple):
    """A link from a market to `member/0` at a barrier. seq: of the market's row."""

    source: str
    target: str
    number: int
    barrier: int
    seq: int
    is_last: bool
    payload: bytes
    hash: bytes


class SnapshotRow(NamedTuple):
    """A part of a shard's books after a close. part: its number, from 0; history: at the close."""

    shard: str
    seq: int
    part: int
    parts: int
    chain: bytes
    business_date: date
    state: bytes
    history: bytes


class DayRow(NamedTuple):
    """The hashes of a shard's books and of its inputs at a close."""

    shard: str
    business_date: date
    seq: int
    state_hash: bytes
    history_hash: bytes


class PriceRow(NamedTuple):
    """A settlement price or the mark of a cycle. kind: the fact's type."""

    shard: str
    seq: int
    product: str
    contract: str
    business_date: date
    cycle: str
    price_ticks: int
    tier: int | None
    kind: str


class StatementRow(NamedTuple):
    """An account after a cycle. positions: JSON, as in `margin_set`."""

    shard: str
    seq: int
    account: str
    member: str
    origin: str
    business_date: date
    cycle: str
    cash_cents: int
    variation_cents: int
    initial_cents: int
    maintenance_cents: int
    equity_cents: int
    positions: str


class NumberRow(NamedTuple):
    """A control command that stands. seq: of its row in `control/0`."""

    shard: str
    seq: int
    number: int
    business_date: date


# A journal row for folding: seq, origin, line (empty where no fold needs it), facts (all parts
# joined), number of parts.
FoldRow: TypeAlias = tuple[int, str, bytes, bytes, int]


@dataclass(frozen=True, eq=False)
class FoldBlock(Sequence[FoldRow]):
    """Journal rows for folding, as columns."""

    seqs: IntArray
    origins: Sequence[str]
    lines: Texts
    facts: Texts
    parts: IntArray

    @classmethod
    def of(cls, rows: Sequence[FoldRow]) -> FoldBlock:
        """A block of at least one row."""
        if isinstance(rows, FoldBlock):
            return rows
        seqs, origins, lines, facts, parts = zip(*rows, strict=True)
        return cls(
            np.array(seqs, np.int64), origins, Texts.of(lines), Texts.of(facts),
            np.array(parts, np.int64),
        )  # fmt: skip

    @cached_property
    def quoted(self) -> QuotedTexts:
        """The facts, with their quotation marks found; of at least one row."""
        return QuotedTexts.of(self.facts)

    def __len__(self) -> int:
        return len(self.seqs)

    @overload
    def __getitem__(self, index: int) -> FoldRow: ...
    @overload
    def __getitem__(self, index: slice) -> FoldBlock: ...
    def __getitem__(self, index: int | slice) -> FoldRow | FoldBlock:
        if isinstance(index, slice):
            return FoldBlock(
                self.seqs[index], self.origins[index], self.lines[index], self.facts[index],
                self.parts[index],
            )  # fmt: skip
        return (
            int(self.seqs[index]), self.origins[index], self.lines[index], self.facts[index],
            int(self.parts[index]),
        )  # fmt: skip

    def __iter__(self) -> Iterator[FoldRow]:
        return zip(
            self.seqs.tolist(), self.origins, self.lines, self.facts, self.parts.tolist(),
            strict=True,
        )  # fmt: skip
