"""The journal's memory of ids, as a running clearinghouse uses it.

In: the lines of a block before they are decided. Out: what was seen under their ids, from the journal for what
is durable, from here for what is not yet. Ids decided in a batch leave here when the batch is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field

import numpy as np

from events.codec import Malformed, decode_command, decode_fact
from events.facts import CommandRefused
from events.refusals import Reason
from services.journal.batch import Batch
from services.journal.identities import IdentityIndex, identity_keys
from services.journal.reader import Reader
from services.shards.identity import (
    TRADE,
    Cleared,
    Identity,
    Seen,
    identity_of,
    seen_cleared,
)


@dataclass(slots=True)
class _ShardIds:
    """One shard's ids. known: from the journal for this block; fresh, cleared: not yet durable."""

    index: IdentityIndex
    known: dict[Identity, Seen] = field(default_factory=dict)
    fresh: dict[Identity, Seen] = field(default_factory=dict)
    cleared: Cleared = field(default_factory=dict)
    suspects: set[bytes] = field(default_factory=set)
    keys: list[int] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Handed:
    """What a batch made known, to be forgotten here when it is durable."""

    shard: str
    fresh: list[Identity]
    cleared: list[bytes]


class JournalMemory:
    """What is remembered of ids, by shard."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._shards: dict[str, _ShardIds] = {}

    def prepare(self, wanted: dict[str, list[tuple[Identity, int]]]) -> None:
        """Look up the ids of a block before it is decided. wanted: by shard, ids and their keys."""
        for shard, ids in wanted.items():
            held = self._of(shard)
            held.known = self._find(shard, ids)
            held.suspects = {one.name.encode() for one in (*held.known, *held.fresh)}

    def look(self, shard: str, identity: Identity) -> Seen | None:
        """What came first under an id in a shard."""
        held = self._of(shard)
        found = held.fresh.get(identity) or held.known.get(identity)
        if found is not None or identity.kind != TRADE:
            return found
        cleared = held.cleared.get(identity.name.encode())
        return None if cleared is None else seen_cleared(*cleared)

    def keep(self, shard: str, identity: Identity, seen: Seen) -> None:
        """Remember what came first."""
        held = self._of(shard)
        held.fresh[identity] = seen
        held.suspects.add(identity.name.encode())
        held.keys.append(key_of(identity))
        held.seqs.append(seen.seq)

    def of_trades(
        self, shard: str
    ) -> tuple[Cleared, Container[bytes], Callable[[int, int], None]]:
        """For the fast path: see `services.shards.identity.Memory`."""
        held = self._of(shard)
        add_key, add_seq = held.keys.append, held.seqs.append

        def keep_key(key: int, seq: int) -> None:
            add_key(key)
            add_seq(seq)

        return held.cleared, held.suspects, keep_key

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
                    [name for name, (seq, _) in held.cleared.items() if seq >= first],
                )
            )
            held.keys, held.seqs = [], []
        return handed

    def forget(self, handed: Iterable[Handed]) -> None:
        """The batch is durable: the journal answers for its ids from here on."""
        for one in handed:
            held = self._of(one.shard)
            for identity in one.fresh:
                held.fresh.pop(identity, None)
            for name in one.cleared:
                held.cleared.pop(name, None)

    @property
    def bytes_held(self) -> int:
        """Memory of the filters and of the newest ids."""
        return sum(held.index.bytes_held for held in self._shards.values())

    def _of(self, shard: str) -> _ShardIds:
        held = self._shards.get(shard)
        if held is None:
            held = _ShardIds(IdentityIndex(shard, self._reader.connection))
            self._shards[shard] = held
        return held

    def _find(self, shard: str, ids: list[tuple[Identity, int]]) -> dict[Identity, Seen]:
        keys = np.array([key for _, key in ids], np.int64)
        hits = self._of(shard).index.lookup(keys)
        if not hits:
            return {}
        names = {identity for identity, key in ids if key in hits}
        seqs = sorted({seq for found in hits.values() for seq in found})
        known: dict[Identity, Seen] = {}
        for row in self._reader.rows_at(shard, seqs):
            identity, seen = seen_in_row(row[1], row[6], row[8])
            if identity in names:
                known.setdefault(identity, seen)
        return known


def key_of(identity: Identity) -> int:
    """The journal's key of an id."""
    return int(identity_keys(identity.kind, [identity.name])[0])


def seen_in_row(seq: int, line: bytes, facts: bytes) -> tuple[Identity, Seen]:
    """What a journal row says was first under its id."""
    command = decode_command(line)
    assert not isinstance(command, Malformed), f"row {seq} is remembered but malformed"
    identity = identity_of(command)
    assert identity is not None, f"row {seq} is remembered but has no id"
    first = decode_fact(facts.partition(b"\n")[0]).fact if facts else None
    if isinstance(first, CommandRefused):
        return identity, Seen(seq, command, Reason(first.reason), first.detail)
    return identity, Seen(seq, command, None, "")
