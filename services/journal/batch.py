"""A batch: everything one transaction makes durable.

The shards decide, the host fills a batch, `writer.Journal.commit` writes it whole or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.shards.rows import (
    DayRow,
    JournalRow,
    JournalRows,
    LinkRow,
    NumberRow,
    PartRow,
    PriceRow,
    SnapshotRow,
    StatementRow,
)

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HeadMove:
    """The head of a shard goes from `seq_before` (None: a new shard) to `seq_after`.

    control_number: of the last control command that the shard knows.
    """

    shard: str
    seq_before: int | None
    seq_after: int
    chain: bytes
    next_offset: int
    control_number: int = 0


@dataclass(frozen=True, slots=True)
class SourceMove:
    """A source of commands was read on from `position_before` (None: never seen) to `position`.

    sha256: of all bytes read so far; lines: how many they hold; ended: there was no more.
    """

    name: str
    position_before: int | None
    position: int
    sha256: bytes
    lines: int
    ended: bool


@dataclass(frozen=True, slots=True)
class Seal:
    """A complete span of remembered ids: its pages and the filter over it (id_index.py)."""

    shard: str
    span: int
    pages: list[tuple[str, int, int, bytes, bytes]]
    words: bytes


class ReceiptRow(NamedTuple):
    """The rows of a shard from `seq_first` to its next receipt were received in this second.

    second: since 1970, UTC; clock: whose, as in `hosting/receipts.py`.
    """

    shard: str
    seq_first: int
    second: int
    clock: str


@dataclass(slots=True)
class Batch:
    """The rows of one transaction; everything may be empty.

    identities: (shard, keys, seqs), one entry per shard, the ids that these rows make known;
    seals: the spans that these ids complete, from `IdIndex.add`.
    """

    rows: Sequence[JournalRow] = field(default_factory=JournalRows)
    parts: list[PartRow] = field(default_factory=list)
    links: list[LinkRow] = field(default_factory=list)
    identities: list[tuple[str, Int64s, Int64s]] = field(default_factory=list)
    seals: list[Seal] = field(default_factory=list)
    heads: list[HeadMove] = field(default_factory=list)
    source: SourceMove | None = None
    snapshots: list[SnapshotRow] = field(default_factory=list)
    days: list[DayRow] = field(default_factory=list)
    prices: list[PriceRow] = field(default_factory=list)
    statements: list[StatementRow] = field(default_factory=list)
    numbers: list[NumberRow] = field(default_factory=list)
    receipts: list[ReceiptRow] = field(default_factory=list)
