"""The journal's memory of ids, as a running clearinghouse uses it.

In: the lines of a block before they are decided. Out: what was seen under their ids, from the
journal for what is durable, from here for what is not yet. Ids decided in a batch leave here when
the batch is durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from events.codec import decode_command
from events.command import TRADE, Malformed
from events.control_facts import CommandRefused
from events.facts import decode_fact
from events.refusals import Reason
from services.journal.batch import Batch, Int64s
from services.journal.id_index import IdIndex, identity_keys
from services.journal.reader import Reader
from services.shards.ids import (
    Cleared,
    Identity,
    Seen,
    identity_of,
    seen_cleared,
)


@dataclass(slots=True)
class ClearedTrades:
    """Trades cleared in a batch, by columns; only who asks for one makes them a dictionary."""

    names: list[bytes] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    by_name: Cleared = field(default_factory=dict)

    def find(self, name: bytes) -> tuple[int, bytes] | None:
        """The row and the line of a trade."""
        if len(self.by_name) < len(self.names):
            first = len(self.by_name)
            rows = zip(self.seqs[first:], self.lines[first:], strict=True)
            self.by_name.update(zip(self.names[first:], rows, strict=True))
        return self.by_name.get(name)


@dataclass(slots=True)
class _ShardIds:
    """One shard's ids. known: from the journal for this block; fresh, cleared: not yet durable.

    cleared: by batch, the one being decided last.
    """

    index: IdIndex
    known: dict[Identity, Seen] = field(default_factory=dict)
    fresh: dict[Identity, Seen] = field(default_factory=dict)
    cleared: list[ClearedTrades] = field(default_factory=lambda: [ClearedTrades()])
    keys: list[int] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Handed:
    """What a batch made known, to be forgotten here when it is durable."""

    shard: str
    fresh: list[Identity]
    cleared: ClearedTrades


class IdMemory:
    """What is remembered of ids, by shard."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._shards: dict[str, _ShardIds] = {}

    def begin_block(self) -> None:
        """What the journal said for the block before is no longer needed."""
        for held in self._shards.values():
            held.known = {}

    def prepare_trades(
        self, shard: str, names: Sequence[bytes], *, keys: Int64s, chosen: NDArray[np.bool_]
    ) -> list[int]:
        """Look up the trade ids of a block; gives the keys that are known, durable or not.

        names, keys: of every line; chosen: which lines are trades of this shard.
        """
        hits = self._of(shard).index.lookup(keys[chosen])
        if hits:
            places = np.flatnonzero(np.isin(keys, np.array([*hits], np.int64)) & chosen)
            ids = {Identity(TRADE, names[place].decode()) for place in places.tolist()}
            self._recall(shard, ids, hits=hits)
        return [*hits]

    def prepare(self, shard: str, ids: Sequence[tuple[Identity, int]]) -> None:
        """Look up other ids of a block, with their keys."""
        held = self._of(shard)
        hits = held.index.lookup(np.array([key for _, key in ids], np.int64))
        if hits:
            self._recall(shard, {identity for identity, key in ids if key in hits}, hits=hits)

    def look(self, shard: str, identity: Identity) -> Seen | None:
        """What came first under an id in a shard."""
        held = self._of(shard)
        found = held.fresh.get(identity) or held.known.get(identity)
        if found is not None or identity.kind != TRADE:
            return found
        name = identity.name.encode()
        for batch in held.cleared:
            cleared = batch.find(name)
            if cleared is not None:
                return seen_cleared(*cleared)
        return None

    def keep(self, shard: str, identity: Identity, *, seen: Seen) -> None:
        """Remember what came first."""
        held = self._of(shard)
        held.fresh[identity] = seen
        held.keys.append(key_of(identity))
        held.seqs.append(seen.seq)

    def keep_cleared(
        self,
        shard: str,
        names: Sequence[bytes],
        *,
        keys: Sequence[int],
        lines: Sequence[bytes],
        last_seq: int,
    ) -> None:
        """Remember trades that were cleared in rows that follow one another, up to the last."""
        held = self._of(shard)
        seqs = range(last_seq + 1 - len(names), last_seq + 1)
        batch = held.cleared[-1]
        batch.names += names
        batch.seqs += seqs
        batch.lines += lines
        held.keys += keys
        held.seqs += seqs

    def hand_over(self, batch: Batch) -> list[Handed]:
        """Put what was remembered since the last batch into this one."""
        handed = []
        for shard, held in sorted(self._shards.items()):
            if not held.seqs:
                continue
            keys, seqs = np.array(held.keys, np.int64), np.array(held.seqs, np.int64)
            batch.identities.append((shard, keys, seqs))
            batch.seals += held.index.add(keys, seqs)
            first = held.seqs[0]
            handed.append(
                Handed(
                    shard,
                    [identity for identity, seen in held.fresh.items() if seen.seq >= first],
                    held.cleared[-1],
                )
            )
            held.cleared.append(ClearedTrades())
            held.keys, held.seqs = [], []
        return handed

    def forget(self, handed: Iterable[Handed]) -> None:
        """The batch is durable: the journal answers for its ids from here on."""
        for one in handed:
            held = self._of(one.shard)
            for identity in one.fresh:
                held.fresh.pop(identity, None)
            held.cleared = [batch for batch in held.cleared if batch is not one.cleared]

    @property
    def bytes_held(self) -> int:
        """Memory of the filters and of the newest ids."""
        return sum(held.index.bytes_held for held in self._shards.values())

    def _of(self, shard: str) -> _ShardIds:
        held = self._shards.get(shard)
        if held is None:
            held = _ShardIds(IdIndex(shard, self._reader.connection))
            self._shards[shard] = held
        return held

    def _recall(self, shard: str, ids: set[Identity], *, hits: dict[int, list[int]]) -> None:
        """Read the rows that the index names; one that is not durable yet is remembered here."""
        held = self._of(shard)
        seqs = sorted({seq for found in hits.values() for seq in found})
        for row in self._reader.rows_at(shard, seqs):
            identity, seen = seen_in_row(row.seq, row.line, facts=row.facts)
            if identity in ids:
                held.known.setdefault(identity, seen)


def suspects_among(
    keys: Int64s, *, is_trade: NDArray[np.bool_], known: list[int]
) -> NDArray[np.bool_]:
    """Of the trades of a block those whose id is known, or comes more than once among them."""
    ordered = np.sort(np.concatenate([keys[is_trade], np.array(known, np.int64)]))
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.isin(keys, twice) if len(twice) else np.zeros(len(keys), np.bool_)


def key_of(identity: Identity) -> int:
    """The journal's key of an id."""
    return int(identity_keys(identity.kind, [identity.name])[0])


def seen_in_row(seq: int, line: bytes, *, facts: bytes) -> tuple[Identity, Seen]:
    """What a journal row says was first under its id."""
    command = decode_command(line)
    assert not isinstance(command, Malformed), f"row {seq} is remembered but malformed"
    identity = identity_of(command)
    assert identity is not None, f"row {seq} is remembered but has no id"
    first = decode_fact(facts.partition(b"\n")[0]).fact if facts else None
    if isinstance(first, CommandRefused):
        return identity, Seen(seq, command, Reason(first.reason), first.detail)
    return identity, Seen(seq, command, None, "")
