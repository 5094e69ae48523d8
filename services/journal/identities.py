"""Remembered ids: which rows of a shard spoke of an id before; old ids cost no more than new ones.

In: ids of a batch as 64-bit keys (`identity_keys`). Out: for each key known, the seqs of the rows
that made it known. A key is a hash: two ids may share one, so the caller compares the id in the row
it finds.

The rows of a shard are cut into spans of 2^20 seqs. The open span is held exactly (12 bytes an id);
what each batch adds to it is also a row of `identity` (a run: sorted keys and their seqs). A span
that ends is sealed: its ids go to `identity_page` by the leading bits of the key, its filter to
`identity_filter` and stays in memory: 2 bytes for each seq of the span. A look-up tests the
filters, all keys at once, and reads a page of 256 ids for each hit. The filter is a blocked Bloom
filter with blocks of one word (Putze, Sanders & Singler 2007, §3): with 16 bits an id, 0.3 % of new
keys hit a full span's filter for nothing and cost one page.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import xxhash
from numpy.typing import NDArray

from services.journal.batch import Int64s, Seal
from services.journal.connecting import Connection
from services.journal.trouble import translated

# Part of the schema: spans, pages and filters in a database are cut by these. Not to be changed
# without a migration.
SPAN_BITS = 20
PAGE_BITS = 8
IDS_PER_WORD_BITS = 2
PROBES = 5

UInt64s = NDArray[np.uint64]
Int32s = NDArray[np.int32]

RUNS = "SELECT keys, seqs FROM clearing.identity WHERE shard = %s AND span = %s ORDER BY seq_first"
OPEN_SPANS = "SELECT DISTINCT span FROM clearing.identity WHERE shard = %s AND span > %s"
FILTERS = "SELECT span, words FROM clearing.identity_filter WHERE shard = %s ORDER BY span"
SEALED = "SELECT span FROM clearing.identity_filter WHERE shard = %s AND span = ANY(%s)"
# LIMIT keeps the planner to one index probe for each page.
PAGES = """
SELECT wanted.span, found.keys, found.seqs
FROM unnest(%s::int[], %s::int[]) AS wanted (span, page) CROSS JOIN LATERAL (
    SELECT keys, seqs FROM clearing.identity_page AS held
    WHERE held.shard = %s AND held.span = wanted.span AND held.page = wanted.page LIMIT 1
) AS found
"""


def identity_keys(namespace: str, ids: Iterable[str]) -> Int64s:
    """The keys of ids; the same id in another namespace has another key."""
    seed = xxhash.xxh3_64_intdigest(namespace.encode())
    digest = xxhash.xxh3_64_intdigest
    return np.array([digest(name.encode(), seed) for name in ids], np.uint64).view(np.int64)


class IdentityIndex:
    """The remembered ids of one shard; the connection is for look-ups and not the writer's."""

    def __init__(self, shard: str, connection: Connection) -> None:
        """Load the filters of sealed spans and rebuild the open one from its runs."""
        self.shard = shard
        self._connection = connection
        self._filters: dict[int, UInt64s] = {}
        # Spans held exactly: the open one, and one just sealed until its pages are in the database.
        self._exact: dict[int, _Runs] = {}
        self._open = -1
        with translated(f"loading the remembered ids of {shard}"):
            self._load()

    def add(self, keys: Int64s, seqs: Int64s) -> list[Seal]:
        """Make ids known when they are decided, before they are committed; seqs ascend.

        The spans that this completes come back and go into the same batch as the ids.
        """
        assert len(keys) == len(seqs)
        with translated(f"looking for sealed spans of {self.shard}"):
            self._forget_sealed()
        seals = []
        for span, some_keys, some_seqs in _by_span(keys, seqs):
            assert span >= self._open, (span, self._open)
            if span > self._open:
                if self._open >= 0:
                    seals.append(self._seal(self._open))
                self._open_span(span)
            self._exact[span].add(some_keys, some_seqs)
            _set(self._filters[span], some_keys.view(np.uint64))
        return seals

    def lookup(self, keys: Int64s) -> dict[int, list[int]]:
        """The seqs, ascending, of the keys that are known; keys not in it are new for certain."""
        found: dict[int, list[int]] = {}
        if len(keys) == 0:
            return found
        unsigned = keys.view(np.uint64)
        block, mask = _block(unsigned), _mask(unsigned)
        pages: list[tuple[int, int]] = []
        hits: dict[int, UInt64s] = {}
        for span, words in self._filters.items():
            hit = unsigned[(words[block] & mask) == mask]
            if len(hit) == 0:
                continue
            hit = np.unique(hit)
            if span in self._exact:
                self._exact[span].find(hit, span << SPAN_BITS, found)
            else:
                hits[span] = hit
                pages += [(span, page) for page in np.unique(_page(hit)).tolist()]
        if pages:
            self._find_in_pages(pages, hits, found)
            for seqs in found.values():
                seqs.sort()
        return found

    @property
    def bytes_held(self) -> int:
        """Memory of filters and exact spans."""
        filters = sum(words.nbytes for words in self._filters.values())
        return filters + sum(runs.nbytes for runs in self._exact.values())

    def _load(self) -> None:
        for span, words in self._connection.execute(FILTERS, [self.shard]):
            self._filters[span] = np.frombuffer(words, "<u8").astype(np.uint64)
        sealed_last = max(self._filters, default=-1)
        left = self._connection.execute(OPEN_SPANS, [self.shard, sealed_last]).fetchall()
        assert len(left) <= 1, f"shard {self.shard} has spans {left} not sealed"
        for (span,) in left:
            self._open_span(span)
            runs = self._connection.execute(RUNS, [self.shard, span], binary=True).fetchall()
            keys = np.frombuffer(b"".join([run[0] for run in runs]), "<u8").astype(np.uint64)
            offsets = np.frombuffer(b"".join([run[1] for run in runs]), "<i4").astype(np.int32)
            self._exact[span].add_sorted(*_sorted(keys, offsets))
            _set(self._filters[span], keys)
        self._open = max(self._filters, default=-1)

    def _open_span(self, span: int) -> None:
        self._open = span
        self._filters[span] = np.zeros(1 << (SPAN_BITS - IDS_PER_WORD_BITS), np.uint64)
        self._exact[span] = _Runs()

    def _seal(self, span: int) -> Seal:
        """The pages of a span, and its filter; it stays exact until the database has them."""
        keys, offsets = self._exact[span].merged()
        bounds = np.arange(1 << (SPAN_BITS - PAGE_BITS), dtype=np.uint64) << np.uint64(
            64 - SPAN_BITS + PAGE_BITS
        )
        starts = [*np.searchsorted(keys, bounds).tolist(), len(keys)]
        packed_keys, packed_offsets = keys.astype("<u8").tobytes(), offsets.astype("<i4").tobytes()
        pages = [
            (self.shard, span, page, packed_keys[8 * a : 8 * b], packed_offsets[4 * a : 4 * b])
            for page, (a, b) in enumerate(pairwise(starts))
            if a < b
        ]
        return Seal(self.shard, span, pages, self._filters[span].astype("<u8").tobytes())

    def _forget_sealed(self) -> None:
        waiting = [span for span in self._exact if span != self._open]
        if waiting:
            for (span,) in self._connection.execute(SEALED, [self.shard, waiting]).fetchall():
                del self._exact[span]

    def _find_in_pages(
        self,
        pages: Sequence[tuple[int, int]],
        hits: dict[int, UInt64s],
        found: dict[int, list[int]],
    ) -> None:
        spans, numbers = [span for span, _ in pages], [page for _, page in pages]
        with translated(f"looking up remembered ids of {self.shard}"):
            rows = self._connection.execute(PAGES, [spans, numbers, self.shard], binary=True)
            for span, packed_keys, packed_offsets in rows:
                keys, offsets = (
                    np.frombuffer(packed_keys, "<u8"),
                    np.frombuffer(packed_offsets, "<i4"),
                )
                page = hits[span][_page(hits[span]) == _page(keys[:1])[0]]
                _match(keys, offsets, page, span << SPAN_BITS, found)


class _Runs:
    """The ids of one span, exactly: sorted runs, each at least twice as long as the next."""

    def __init__(self) -> None:
        self._runs: list[tuple[UInt64s, Int32s]] = []

    def add(self, keys: Int64s, seqs: Int64s) -> None:
        offsets = (seqs & ((1 << SPAN_BITS) - 1)).astype(np.int32)
        self.add_sorted(*_sorted(keys.view(np.uint64), offsets))

    def add_sorted(self, keys: UInt64s, offsets: Int32s) -> None:
        self._runs.append((keys, offsets))
        runs = self._runs
        while len(runs) > 1 and len(runs[-2][0]) < 2 * len(runs[-1][0]):
            last, before = runs.pop(), runs.pop()
            runs.append(_merged([before, last]))

    def find(self, wanted: UInt64s, seq_first: int, found: dict[int, list[int]]) -> None:
        for keys, offsets in self._runs:
            _match(keys, offsets, wanted, seq_first, found)

    def merged(self) -> tuple[UInt64s, Int32s]:
        return _merged(self._runs)

    @property
    def nbytes(self) -> int:
        return sum(keys.nbytes + offsets.nbytes for keys, offsets in self._runs)


def runs_of(shard: str, keys: Int64s, seqs: Int64s) -> list[tuple[str, int, int, bytes, bytes]]:
    """The rows of `identity` for the ids of a batch: one for each span it touches."""
    rows = []
    for span, some_keys, some_seqs in _by_span(keys, seqs):
        offsets = (some_seqs & ((1 << SPAN_BITS) - 1)).astype(np.int32)
        ordered, placed = _sorted(some_keys.view(np.uint64), offsets)
        packed = ordered.astype("<u8").tobytes(), placed.astype("<i4").tobytes()
        rows.append((shard, span, int(some_seqs[0]), *packed))
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
    starts = [0, *ends[:-1]]
    return [
        (span, keys[start:end], seqs[start:end])
        for span, start, end in zip(spans, starts, ends, strict=True)
        if start < end
    ]


def _sorted(keys: UInt64s, offsets: Int32s) -> tuple[UInt64s, Int32s]:
    order = np.argsort(keys, kind="stable")
    return keys[order], offsets[order]


def _merged(runs: Sequence[tuple[UInt64s, Int32s]]) -> tuple[UInt64s, Int32s]:
    keys = np.concatenate([run[0] for run in runs])
    return _sorted(keys, np.concatenate([run[1] for run in runs]))


def _match(
    keys: UInt64s, offsets: Int32s, wanted: UInt64s, seq_first: int, found: dict[int, list[int]]
) -> None:
    """Add to `found` where the wanted keys stand in sorted keys."""
    starts = np.searchsorted(keys, wanted, side="left")
    ends = np.searchsorted(keys, wanted, side="right")
    for place in np.flatnonzero(starts < ends).tolist():
        key = int(wanted[place : place + 1].view(np.int64)[0])
        seqs = found.setdefault(key, [])
        seqs += [seq_first + offset for offset in offsets[starts[place] : ends[place]].tolist()]
        seqs.sort()


def _block(keys: UInt64s) -> Int64s:
    return (keys >> np.uint64(64 - SPAN_BITS + IDS_PER_WORD_BITS)).astype(np.int64)


def _page(keys: UInt64s) -> Int64s:
    return (keys >> np.uint64(64 - SPAN_BITS + PAGE_BITS)).astype(np.int64)


def _mask(keys: UInt64s) -> UInt64s:
    """The bits of a key in its word: from its low bits, which choose neither word nor page."""
    mask = np.zeros(len(keys), np.uint64)
    for probe in range(PROBES):
        mask |= np.uint64(1) << ((keys >> np.uint64(6 * probe)) & np.uint64(63))
    return mask


def _set(words: UInt64s, keys: UInt64s) -> None:
    np.bitwise_or.at(words, _block(keys), _mask(keys))
