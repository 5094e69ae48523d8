"""The hash chain of the journal: its byte layout (ARCHITECTURE §3).

In: every column of a journal row and the hash of the row before. Out: 32 bytes.
Layout of a row, all integers big-endian:

    domain  "token-clearinghouse/journal-row"   length as u16, bytes
    version u16
    before  32 bytes, the hash of the row before (zeros for row 0)
    shard   length as u16, bytes
    origin  length as u16, bytes
    seq i64, business date as days since 0001-01-01 u32, position i64, logical time i64,
    length of the input u32, number of parts u32, length of each part u32
    input   bytes
    parts   bytes of each

A link row is hashed the same way under its own domain, "token-clearinghouse/link":

    domain  length as u16, bytes
    version u16
    source  length as u16, bytes
    target  length as u16, bytes
    number i64, barrier i64, whether it is the last u32
    payload bytes

The rows and any SHA-256 suffice to check the chain. Test vectors: tests/published/chain_rows.csv
and chain_links.csv; chain.sh beside them computes the hashes with printf and sha256sum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

import numpy as np

from events.int64 import IntArray
from events.texts import Texts, joined, records

CHAIN_VERSION: Final = 1
CHAIN_BYTES: Final = 32
GENESIS: Final = bytes(CHAIN_BYTES)
PART_BYTES_MAX: Final = 1 << 20

_ROW_DOMAIN: Final = b"token-clearinghouse/journal-row"
_LINK_DOMAIN: Final = b"token-clearinghouse/link"
# Shards times sources; more are only slower.
_PREFIXES_MAX: Final = 256
_U16: Final = Struct(">H")
_U32: Final = Struct(">I")
_ROW_NUMBERS: Final = Struct(">qIqqIII")
_LINK_NUMBERS: Final = Struct(">qqI")


def _short(text: bytes) -> bytes:
    return _U16.pack(len(text)) + text


@lru_cache(maxsize=_PREFIXES_MAX)
def _row_prefix(shard: str, origin: str) -> tuple[bytes, bytes]:
    """The bytes on either side of the previous row's hash, alike for a shard and an origin."""
    head = _short(_ROW_DOMAIN) + _U16.pack(CHAIN_VERSION)
    return head, _short(shard.encode()) + _short(origin.encode())


class RowKey(NamedTuple):
    """The columns of a journal row that are not bytes."""

    shard: str
    seq: int
    business_date: date
    origin: str
    position: int
    logical_time: int


def chain_row(before: bytes, key: RowKey, *, line: bytes, parts: Sequence[bytes]) -> bytes:
    """The hash of a row over all its columns, all its parts and the previous row's hash."""
    head, ends = _row_prefix(key.shard, key.origin)
    day = key.business_date.toordinal() - 1
    sizes = [len(part) for part in parts]
    numbers = _ROW_NUMBERS.pack(
        key.seq, day, key.position, key.logical_time, len(line), len(parts), sizes[0]
    )
    further_sizes = b"".join(_U32.pack(size) for size in sizes[1:])
    digest = hashlib.sha256(head + before + ends + numbers + further_sizes + line)
    for part in parts:
        digest.update(part)
    return digest.digest()


def chain_column(
    before: bytes,
    key: RowKey,
    *,
    positions: IntArray,
    times: IntArray,
    lines: Texts,
    facts: Sequence[Texts],
) -> tuple[Texts, bytes]:
    """The facts and the hashes of rows that follow one another, each with one part.

    key: of the first; facts: pieces of the facts, to be joined.
    """
    head, ends = _row_prefix(key.shard, key.origin)
    count, day = len(lines), key.business_date.toordinal() - 1
    lengths = sum((piece.lengths for piece in facts), np.zeros(count, np.int64))
    numbers = records(
        count, (">i8", np.arange(key.seq, key.seq + count)), (">u4", day), (">i8", positions),
        (">i8", times), (">u4", lines.lengths), (">u4", 1), (">u4", lengths),
    )  # fmt: skip
    hashed = joined((ends, numbers, lines, *facts))
    # A copy of a hash, updated twice, is made sooner than a new one of all the bytes joined.
    chains, copy_head = [], hashlib.sha256(head).copy
    for row in hashed:
        row_hash = copy_head()
        row_hash.update(before)
        row_hash.update(row)
        before = row_hash.digest()
        chains.append(before)
    return Texts(hashed.buffer, hashed.ends - lengths, hashed.ends), b"".join(chains)


def link_hash(source: str, target: str, *, numbers: tuple[int, int, int], payload: bytes) -> bytes:
    """The hash of a link row. numbers: the row's, its barrier's, 1 for the last row, else 0."""
    head = _short(_LINK_DOMAIN) + _U16.pack(CHAIN_VERSION)
    ends = _short(source.encode()) + _short(target.encode())
    return hashlib.sha256(head + ends + _LINK_NUMBERS.pack(*numbers) + payload).digest()
