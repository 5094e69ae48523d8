"""Remembered ids: the rows of a shard that named an id; old ids cost no more than new ones.

In: ids of a batch as 64-bit keys (`identity_keys`). Out: for each key known, the seqs of the rows
that made it known. A key is a hash: two ids may share one, so the caller compares the id in the row
it finds.

The rows of a shard are cut into spans of 2^20 seqs. The open span is held exactly (12 bytes an id);
the ids that a batch adds are also a row of `identity` (a run: sorted keys and their seqs). A span
that ends is sealed: its ids go to `identity_page` by the leading bits of the key, its filter to
`identity_filter` and stays in memory: 2 bytes for each seq of the span. A look-up tests the
filters, all keys at once, and reads a page of 256 ids for each hit.

A filter is two Bloom filters with blocks of one 64-bit word (Putze, Sanders & Singler 2007, §3), 8
bits an id each, placed by independent bits of the key. A look-up tests the second with the keys
that the first lets through, so it costs one memory access a key. Together they let 1 in 1,100 new
keys through when the span is full; one filter of 16 bits an id would let 1 in 250.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from services.journal.batch import Int64s, Seal
from services.journal.connecting import Connection
from services.journal.reader import SEQ_MAX
from services.journal.trouble import translated

# Part of the schema: the spans and pages of a database are cut by these.
SPAN_BITS = 20
PAGE_BITS = 8

# Part of the schema too: the words of a filter are kept in the database.
IDS_PER_WORD = 8
PROBES = 4
SECOND_HASH = np.uint64(0x9E3779B97F4A7C15)

Int32s = NDArray[np.int32]
UInt64s = NDArray[np.uint64]
SeqsByKey = dict[int, list[int]]

RUNS = "SELECT keys, seqs FROM clearing.identity WHERE shard = %s AND span = %s ORDER BY seq_first"
OPEN_SPANS = "SELECT DISTINCT span FROM clearing.identity WHERE shard = %s AND span > %s"
FILTERS = "SELECT span, words FROM clearing.identity_filter WHERE shard = %s ORDER BY span"
SEALED = "SELECT span FROM clearing.identity_filter WHERE shard = %s AND span = ANY(%s)"
# LIMIT keeps the planner to one index probe for each page.
PAGES = """
SELECT stored.keys, stored.seqs, hit.span
FROM unnest(%s::int[], %s::int[]) AS hit (span, page) CROSS JOIN LATERAL (
    SELECT keys, seqs FROM clearing.identity_page AS page
    WHERE page.shard = %s AND page.span = hit.span AND page.page = hit.page LIMIT 1
) AS stored
ORDER BY hit.span, hit.page
"""


def identity_keys(namespace: str, ids: Iterable[str]) -> Int64s:
    """The keys of ids; the same id in another namespace has another key."""
    return wire_keys(namespace, [name.encode() for name in ids])


def wire_keys(namespace: str, ids: Iterable[bytes]) -> Int64s:
    """The same for ids as bytes of the wire."""
    seed = xxh3_64_intdigest(namespace.encode())
    hashes = [xxh3_64_intdigest(name, seed) for name in ids]
    return np.array(hashes, np.uint64).view(np.int64)


class IdIndex:
    """The remembered ids of one shard; the connection is for look-ups and not the writer's."""

    def __init__(self, shard: str, connection: Connection, *, until: int | None = None) -> None:
        """Load the filters of sealed spans and rebuild the open one from its runs.

        until: know the ids of rows up to this one only, as the shard did then; −1: none.
        """
        self.shard = shard
        self._connection = connection
        self._filters: dict[int, IdFilter] = {}
        # Spans held exactly: the open one, and one just sealed until its pages are in the database.
        self._exact: dict[int, _Runs] = {}
        self._open = -1
        with translated(f"loading the remembered ids of {shard}"):
            self._load(SEQ_MAX if until is None else until)

    def add(self, keys: Int64s, seqs: Int64s) -> list[Seal]:
        """Make ids known when they are decided, before they are committed; seqs ascend.

        The spans that this completes come back and go into the same batch as the ids.
        """
        assert len(keys) == len(seqs)
        with translated(f"looking for sealed spans of {self.shard}"):
            self._forget_sealed()
        seals = []
        for span, span_keys, span_seqs in _by_span(keys, seqs):
            assert span >= self._open, (span, self._open)
            if span > self._open:
                if self._open >= 0:
                    seals.append(self._seal(self._open))
                self._open_span(span)
            self._exact[span].add(span_keys, span_seqs)
            self._filters[span].add(span_keys.view(np.uint64))
        return seals

    def lookup(self, keys: Int64s) -> SeqsByKey:
        """The seqs, ascending, of the keys that are known; keys not in it are new for certain."""
        seqs: SeqsByKey = {}
        if len(keys) == 0 or not self._filters:
            return seqs
        unsigned = keys.view(np.uint64)
        block, pattern = self._filters[self._open].block(unsigned), bits(unsigned)
        in_pages: dict[int, UInt64s] = {}
        # Sealed spans come before those held exactly, so that seqs are found in order.
        for span in sorted(self._filters.keys() - self._exact.keys()):
            hits = self._filters[span].perhaps(unsigned, block, pattern=pattern)
            if len(hits) > 0:
                in_pages[span] = np.unique(hits)
        if in_pages:
            self._find_in_pages(in_pages, seqs)
        for span in sorted(self._exact):
            hits = self._filters[span].perhaps(unsigned, block, pattern=pattern)
            if len(hits) > 0:
                self._exact[span].find(np.unique(hits), span << SPAN_BITS, seqs=seqs)
        return seqs

    @property
    def bytes_held(self) -> int:
        """Memory of filters and exact spans."""
        filters = sum(span.nbytes for span in self._filters.values())
        return filters + sum(runs.nbytes for runs in self._exact.values())

    def _load(self, until: int) -> None:
        span_last = until >> SPAN_BITS
        for span, words in self._connection.execute(FILTERS, [self.shard], binary=True):
            if span < span_last:
                self._filters[span] = IdFilter.from_bytes(1 << SPAN_BITS, words)
        sealed_last = max(self._filters, default=-1)
        rows = self._connection.execute(OPEN_SPANS, [self.shard, sealed_last]).fetchall()
        unsealed = [span for (span,) in rows if span <= span_last]
        assert len(unsealed) <= 1, f"shard {self.shard} has spans {unsealed} not sealed"
        self._open = sealed_last
        for span in unsealed:
            self._open_span(span)
            runs = self._connection.execute(RUNS, [self.shard, span], binary=True).fetchall()
            keys, offsets = _unpacked(runs)
            is_known = offsets <= until - (span << SPAN_BITS)
            self._exact[span].add_sorted(*_sorted(keys[is_known], offsets[is_known]))
            self._filters[span].add(keys[is_known])

    def _open_span(self, span: int) -> None:
        self._open = span
        self._filters[span] = IdFilter(1 << SPAN_BITS)
        self._exact[span] = _Runs()

    def _seal(self, span: int) -> Seal:
        """The pages of a span, and its filter; it stays exact until the database has them."""
        keys, offsets = self._exact[span].merged()
        bounds = np.arange(1 << (SPAN_BITS - PAGE_BITS), dtype=np.uint64)
        starts = np.searchsorted(keys, bounds << np.uint64(64 - SPAN_BITS + PAGE_BITS)).tolist()
        packed_keys, packed_offsets = keys.astype("<u8").tobytes(), offsets.astype("<i4").tobytes()
        pages = [
            (self.shard, span, page, packed_keys[8 * a : 8 * b], packed_offsets[4 * a : 4 * b])
            for page, (a, b) in enumerate(pairwise([*starts, len(keys)]))
            if a < b
        ]
        return Seal(self.shard, span, pages, self._filters[span].to_bytes())

    def _forget_sealed(self) -> None:
        waiting = [span for span in self._exact if span != self._open]
        if waiting:
            for (span,) in self._connection.execute(SEALED, [self.shard, waiting]).fetchall():
                del self._exact[span]

    def _find_in_pages(self, hits: dict[int, UInt64s], seqs: SeqsByKey) -> None:
        shift = np.uint64(64 - SPAN_BITS + PAGE_BITS)
        pages = {span: np.unique(keys >> shift).tolist() for span, keys in hits.items()}
        spans = [span for span, numbers in pages.items() for _ in numbers]
        numbers = [page for numbers in pages.values() for page in numbers]
        with translated(f"looking up remembered ids of {self.shard}"):
            values = [spans, numbers, self.shard]
            # Planned anew each time: a plan made while the table was small would be kept.
            rows = self._connection.execute(PAGES, values, binary=True, prepare=False).fetchall()
        # The pages of a span come in order, so its keys do.
        for span, span_pages in groupby(rows, itemgetter(2)):
            keys, offsets = _unpacked(list(span_pages))
            _add_matches(keys, offsets, hits=hits[span], seq_first=span << SPAN_BITS, seqs=seqs)


class IdFilter:
    """Says of keys "new" for certain, or "perhaps known".

    ids: how many a span holds at most, a power of two and at least sixteen.
    """

    def __init__(self, ids: int) -> None:
        """Nothing is known yet."""
        self._block_bits = (ids // IDS_PER_WORD).bit_length() - 1
        assert ids == IDS_PER_WORD << self._block_bits > IDS_PER_WORD, ids
        self._words = np.zeros((2, ids // IDS_PER_WORD), np.uint64)

    @classmethod
    def from_bytes(cls, ids: int, packed: bytes) -> Self:
        """The filter that `to_bytes` gave."""
        made = cls(ids)
        made._words = np.frombuffer(packed, "<u8").astype(np.uint64).reshape(made._words.shape)
        return made

    def to_bytes(self) -> bytes:
        """The words, little-endian."""
        return self._words.astype("<u8").tobytes()

    @property
    def nbytes(self) -> int:
        """Memory of the words."""
        return self._words.nbytes

    def add(self, keys: UInt64s) -> None:
        """Make keys known."""
        for words, hashed in zip(self._words, (keys, keys * SECOND_HASH), strict=True):
            np.bitwise_or.at(words, self.block(hashed), bits(hashed))

    def block(self, hashed: UInt64s) -> UInt64s:
        """The word of each key in its filter."""
        return hashed >> np.uint64(64 - self._block_bits)

    def perhaps(self, keys: UInt64s, block: UInt64s, *, pattern: UInt64s) -> UInt64s:
        """The keys that are perhaps known.

        block, pattern: `block` and `bits` of the keys, which are the same for all spans.
        """
        hits: UInt64s = keys[(self._words[0][block] & pattern) == pattern]
        if len(hits) == 0:
            return hits
        hashed = hits * SECOND_HASH
        pattern = bits(hashed)
        confirmed: UInt64s = hits[(self._words[1][self.block(hashed)] & pattern) == pattern]
        return confirmed


def bits(hashed: UInt64s) -> UInt64s:
    """The bits of each key in its word, from bits of the hash that do not choose the word."""
    pattern = np.zeros(len(hashed), np.uint64)
    for probe in range(PROBES):
        pattern |= np.uint64(1) << ((hashed >> np.uint64(6 * probe + 12)) & np.uint64(63))
    return pattern


class _Runs:
    """The ids of one span, exactly: sorted runs, each at least twice as long as the next."""

    def __init__(self) -> None:
        self._runs: list[tuple[UInt64s, Int32s]] = []

    def add(self, keys: Int64s, seqs: Int64s) -> None:
        self.add_sorted(*_sorted(keys.view(np.uint64), _offsets(seqs)))

    def add_sorted(self, keys: UInt64s, offsets: Int32s) -> None:
        self._runs.append((keys, offsets))
        runs = self._runs
        while len(runs) > 1 and len(runs[-2][0]) < 2 * len(runs[-1][0]):
            last, before = runs.pop(), runs.pop()
            runs.append(_merged([before, last]))

    def find(self, hits: UInt64s, seq_first: int, *, seqs: SeqsByKey) -> None:
        for keys, offsets in self._runs:
            _add_matches(keys, offsets, hits=hits, seq_first=seq_first, seqs=seqs)

    def merged(self) -> tuple[UInt64s, Int32s]:
        return _merged(self._runs)

    @property
    def nbytes(self) -> int:
        return sum(keys.nbytes + offsets.nbytes for keys, offsets in self._runs)


def runs_of(shard: str, keys: Int64s, *, seqs: Int64s) -> list[tuple[str, int, int, bytes, bytes]]:
    """The rows of `identity` for the ids of a batch: one for each span it touches."""
    rows = []
    for span, span_keys, span_seqs in _by_span(keys, seqs):
        ordered, placed = _sorted(span_keys.view(np.uint64), _offsets(span_seqs))
        packed = ordered.astype("<u8").tobytes(), placed.astype("<i4").tobytes()
        rows.append((shard, span, int(span_seqs[0]), *packed))
    return rows


def _by_span(keys: Int64s, seqs: Int64s) -> list[tuple[int, Int64s, Int64s]]:
    """The ids by span; seqs ascend."""
    if len(seqs) == 0:
        return []
    first, last = int(seqs[0]) >> SPAN_BITS, int(seqs[-1]) >> SPAN_BITS
    if first == last:
        return [(first, keys, seqs)]
    spans = range(first, last + 1)
    ends = np.searchsorted(seqs, [(span + 1) << SPAN_BITS for span in spans]).tolist()
    return [
        (span, keys[start:end], seqs[start:end])
        for span, (start, end) in zip(spans, pairwise([0, *ends]), strict=True)
        if start < end
    ]


def _offsets(seqs: Int64s) -> Int32s:
    """The seqs, counted from the first of their span."""
    return (seqs & ((1 << SPAN_BITS) - 1)).astype(np.int32)


def _unpacked(rows: Sequence[tuple[Any, ...]]) -> tuple[UInt64s, Int32s]:
    keys = np.frombuffer(b"".join([row[0] for row in rows]), "<u8").astype(np.uint64)
    return keys, np.frombuffer(b"".join([row[1] for row in rows]), "<i4").astype(np.int32)


def _sorted(keys: UInt64s, offsets: Int32s) -> tuple[UInt64s, Int32s]:
    # Stable: the rows of one key stay in order, and runs that are sorted already are only merged.
    order = np.argsort(keys, kind="stable")
    return keys[order], offsets[order]


def _merged(runs: Sequence[tuple[UInt64s, Int32s]]) -> tuple[UInt64s, Int32s]:
    keys = np.concatenate([run[0] for run in runs])
    return _sorted(keys, np.concatenate([run[1] for run in runs]))


def _add_matches(
    keys: UInt64s, offsets: Int32s, *, hits: UInt64s, seq_first: int, seqs: SeqsByKey
) -> None:
    """Add to `seqs` the rows of the hits among sorted keys; earlier runs come first."""
    starts = np.searchsorted(keys, hits, side="left")
    ends = np.searchsorted(keys, hits, side="right")
    is_there = starts < ends
    slices = zip(starts[is_there].tolist(), ends[is_there].tolist(), strict=True)
    for key, (start, end) in zip(hits[is_there].view(np.int64).tolist(), slices, strict=True):
        matches = [seq_first + offset for offset in offsets[start:end].tolist()]
        seqs[key] = seqs[key] + matches if key in seqs else matches
