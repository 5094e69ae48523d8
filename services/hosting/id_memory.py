"""The journal's memory of ids, as a running clearinghouse uses it.

In: the lines of a block before they are decided. Out: the first command under each of their ids:
from the journal if it is durable, else from memory. Ids decided in a batch leave memory when the
batch is durable.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from events.command import TRADE, Malformed
from events.control_facts import CommandRefused
from events.fact_text import fact_head
from events.facts import decode_fact
from events.int64 import IntArray
from events.refusals import Reason
from events.spread_commands import SubmitSpread
from events.texts import Texts
from services.journal.batch import Batch, Int64s
from services.journal.id_index import IdIndex, identity_keys
from services.journal.reader import Reader
from services.shards.ids import (
    Identity,
    Seen,
    decode_again,
    identity_of,
    legs_in,
    seen_cleared,
)
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import JournalRow

_REFUSED: Final = fact_head(CommandRefused)


@dataclass(slots=True)
class ClearedTrades:
    """Trades cleared in a batch, by columns: names, rows, lines.

    by_name: the columns of a trade and its number in them, of the first `listed` columns; made by
    the first `find`.
    """

    columns: list[tuple[Texts, IntArray, Texts]] = field(default_factory=list)
    by_name: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    listed: int = 0

    def find(self, name: bytes) -> tuple[int, bytes] | None:
        """The row and the line of a trade."""
        for part in range(self.listed, len(self.columns)):
            names = self.columns[part][0].words()
            self.by_name.update(zip(names, zip(repeat(part), range(len(names))), strict=False))
        self.listed = len(self.columns)
        if name not in self.by_name:
            return None
        part, number = self.by_name[name]
        _, seqs, lines = self.columns[part]
        return int(seqs[number]), lines[number]


@dataclass(slots=True)
class _ShardIds:
    """One shard's ids.

    recorded: those the journal has, for this block; fresh, cleared: not yet durable; cleared: by
    batch, the one being decided last; keys, seqs: of the ids decided since the last batch; firsts:
    the first row with an id of each batch that is not yet durable.
    """

    index: IdIndex
    recorded: dict[Identity, Seen] = field(default_factory=dict)
    fresh: dict[Identity, Seen] = field(default_factory=dict)
    cleared: list[ClearedTrades] = field(default_factory=lambda: [ClearedTrades()])
    keys: list[IntArray] = field(default_factory=list)
    seqs: list[IntArray] = field(default_factory=list)
    firsts: deque[int] = field(default_factory=deque)


@dataclass(slots=True)
class SubmittedIds:
    """A shard's ids that a batch makes known, kept in memory until it is durable."""

    shard: str
    fresh: list[Identity]
    cleared: ClearedTrades


class IdMemory:
    """The remembered ids, by shard."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._shards: dict[str, _ShardIds] = {}

    def begin_block(self) -> None:
        """Forget the ids that the journal had for the block before."""
        for shard_ids in self._shards.values():
            shard_ids.recorded = {}

    def prepare_trades(
        self, shard: str, names: Sequence[bytes], *, keys: Int64s, chosen: NDArray[np.bool_]
    ) -> list[int]:
        """Look up the trade ids of a block; gives the keys that the index has, durable or not.

        names, keys: of every line; chosen: which lines are trades of this shard.
        """
        hits = self._of(shard).index.lookup(keys[chosen])
        if hits:
            numbers = np.flatnonzero(np.isin(keys, np.array([*hits], np.int64)) & chosen)
            ids = {Identity(TRADE, names[number].decode()) for number in numbers.tolist()}
            self._recall(shard, ids, hits=hits)
        return [*hits]

    def prepare(self, shard: str, ids: Sequence[tuple[Identity, int]]) -> None:
        """Look up further ids of a block, with their keys."""
        shard_ids = self._of(shard)
        hits = shard_ids.index.lookup(np.array([key for _, key in ids], np.int64))
        if hits:
            self._recall(shard, {identity for identity, key in ids if key in hits}, hits=hits)

    def find(self, shard: str, identity: Identity) -> Seen | None:
        """The first command under an id in a shard; None when the id is new."""
        shard_ids = self._of(shard)
        seen = shard_ids.fresh.get(identity) or shard_ids.recorded.get(identity)
        if seen is not None or identity.kind != TRADE:
            return seen
        name = identity.name.encode()
        for batch in shard_ids.cleared:
            cleared = batch.find(name)
            if cleared is not None:
                return seen_cleared(*cleared)
        return None

    def keep(self, shard: str, identity: Identity, *, seen: Seen) -> None:
        """Remember the first command under an id."""
        shard_ids = self._of(shard)
        shard_ids.fresh[identity] = seen
        shard_ids.keys.append(np.array([key_of(identity)], np.int64))
        shard_ids.seqs.append(np.array([seen.seq], np.int64))

    def keep_cleared(
        self,
        shard: str,
        names: Texts,
        *,
        keys: IntArray,
        lines: Texts,
        seqs: IntArray,
    ) -> None:
        """Remember trades that were cleared, with their rows in order."""
        if not len(seqs):
            return
        shard_ids = self._of(shard)
        shard_ids.cleared[-1].columns.append((names, seqs, lines))
        shard_ids.keys.append(keys)
        shard_ids.seqs.append(seqs)

    def hand_over(self, batch: Batch) -> list[SubmittedIds]:
        """Put the ids remembered since the last batch into this one."""
        submitted = []
        for shard, shard_ids in sorted(self._shards.items()):
            if not shard_ids.seqs:
                continue
            keys, seqs = np.concatenate(shard_ids.keys), np.concatenate(shard_ids.seqs)
            batch.identities.append((shard, keys, seqs))
            batch.seals += shard_ids.index.add(keys, seqs)
            first = int(seqs[0])
            submitted.append(
                SubmittedIds(
                    shard,
                    [identity for identity, seen in shard_ids.fresh.items() if seen.seq >= first],
                    shard_ids.cleared[-1],
                )
            )
            shard_ids.cleared.append(ClearedTrades())
            shard_ids.keys, shard_ids.seqs = [], []
            shard_ids.firsts.append(first)
        return submitted

    def forget(self, durable: Iterable[SubmittedIds]) -> None:
        """Forget the ids of a batch that is durable: from here on the journal has them."""
        for ids in durable:
            shard_ids = self._of(ids.shard)
            shard_ids.firsts.popleft()
            for identity in ids.fresh:
                shard_ids.fresh.pop(identity, None)
            shard_ids.cleared = [batch for batch in shard_ids.cleared if batch is not ids.cleared]

    @property
    def bytes_held(self) -> int:
        """Memory of the filters and of the newest ids."""
        return sum(shard_ids.index.bytes_held for shard_ids in self._shards.values())

    def _of(self, shard: str) -> _ShardIds:
        shard_ids = self._shards.get(shard)
        if shard_ids is None:
            shard_ids = _ShardIds(IdIndex(shard, self._reader.connection))
            self._shards[shard] = shard_ids
        return shard_ids

    def _recall(self, shard: str, ids: set[Identity], *, hits: dict[int, list[int]]) -> None:
        """Read the rows that the index names; a row that is not durable yet is in memory.

        A durable row that is not read would be forgotten, and its command decided twice.
        """
        shard_ids = self._of(shard)
        seqs = sorted({seq for seqs_of_key in hits.values() for seq in seqs_of_key})
        rows = self._reader.rows_at(shard, seqs)
        durable = seqs[: bisect_left(seqs, shard_ids.firsts[0])] if shard_ids.firsts else seqs
        lost = {*durable} - {row.seq for row in rows}
        assert not lost, f"{shard} remembers ids of rows {sorted(lost)}, which cannot be read"
        for row in rows:
            for identity, seen in seen_in_row(row).items():
                if identity in ids:
                    shard_ids.recorded.setdefault(identity, seen)


def suspects_among(
    keys: Int64s, *, is_trade: NDArray[np.bool_], seen_keys: list[int]
) -> NDArray[np.bool_]:
    """A mask of the trades of a block whose id may be known, or has come before among them.

    seen_keys: the keys that the index has, and those of the block's further lines.
    """
    seen = np.array(seen_keys, np.int64)
    ordered = np.sort(np.concatenate([keys[is_trade], seen]))
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return np.zeros(len(keys), np.bool_)
    suspects: NDArray[np.bool_] = np.isin(keys, twice) & is_trade
    numbers = np.flatnonzero(suspects)
    firsts = numbers[np.unique(keys[numbers], return_index=True)[1]]
    suspects[firsts[~np.isin(keys[firsts], seen)]] = False
    return suspects


def key_of(identity: Identity) -> int:
    """The journal's key of an id."""
    return int(identity_keys(identity.kind, [identity.name])[0])


def seen_in_row(row: JournalRow) -> dict[Identity, Seen]:
    """The ids of a journal row, each with its command as the first under that id.

    In a market's row of a spread they are those of the legs that it cleared.
    """
    command = decode_again(row.line)
    assert not isinstance(command, Malformed), f"row {row.seq} is remembered but malformed"
    if isinstance(command, SubmitSpread) and row.shard != CONTROL_SHARD:
        legs = legs_in(row.shard, command)
        return {identity: Seen(row.seq, leg, None) for identity, leg in legs.items()}
    identity = identity_of(command)
    assert identity is not None, f"row {row.seq} is remembered but has no id"
    reason = None
    if row.facts.startswith(_REFUSED):
        refused = decode_fact(row.facts.partition(b"\n")[0]).fact
        assert isinstance(refused, CommandRefused), refused
        reason = Reason(refused.reason)
    return {identity: Seen(row.seq, command, reason)}
