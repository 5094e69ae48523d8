"""Batches of records as Kafka keeps them, read as the broker read them when it took them.

In: the bytes of a fetch. Out: its records from an offset on, without those that a transaction
aborted. aiokafka reads faster and believes more: it fails at a header's name that is not UTF-8, at
bytes behind the end of a compressed stream, and it takes attributes of a record for a number. Such
bytes come from nobody's client, but whoever may write to a topic can send them. A batch that even
this does not read comes as one `BrokenBatch`, whole. Source: Kafka's DefaultRecordBatch, magic 2.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.util import calc_crc32c, decode_varint
from cramjam import DecompressionError

from services.broker.messages import BrokenBatch, Headers

# What a reader raises at bytes that are no records; what reaches no bytes is not among it.
UNREAD: Final = (
    CorruptRecordException, UnsupportedCodecError, DecompressionError, gzip.BadGzipFile,
    zlib.error, struct.error, EOFError, ValueError, LookupError, ArithmeticError,
)  # fmt: skip

_LENGTH: Final = struct.Struct(">qi")
_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
# The checksum is of what begins here.
_ATTRIBUTES_AT: Final = 21
_MAGIC: Final = 2
_CODEC, _LOG_APPEND, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
_CODECS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    bytes, gzip_decode, snappy_decode, lz4_decode, zstd_decode,
)  # fmt: skip
_ABORT: Final = 0


class Damaged(Exception):
    """A batch is not as its checksum says; what the broker took was another."""


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A record, under the names that aiokafka gives its parts."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Found(NamedTuple):
    """What a fetch holds, and the offset that comes after it."""

    records: list[ReadRecord | BrokenBatch]
    next_offset: int


def read_batches(
    raw: bytes, *, offset: int, most: int, aborted: Sequence[tuple[int, int]] = ()
) -> Found:
    """At most so many records from an offset on.

    aborted: of transactions the producer and the first offset. Errors: Damaged, unless records
    come before it.
    """
    found = Found([], offset)
    for batch in _visible(raw, aborted):
        if batch.last_offset < found.next_offset:
            continue
        if not batch.is_whole and not found.records:
            msg = f"the batch at offset {batch.base_offset} is not as its checksum says"
            raise Damaged(msg)
        if not batch.is_whole:
            break
        new = [one for one in batch.records() if one.offset >= found.next_offset]
        room = most - len(found.records)
        found.records.extend(new[:room])
        if len(new) > room:
            return found._replace(next_offset=new[room].offset)
        found = found._replace(next_offset=batch.last_offset + 1)
    return found


class _Batch:
    """One batch. raw: all of its bytes."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        header: tuple[int, ...] = _HEADER.unpack_from(raw)
        self.base_offset, _, _, self._magic, self._crc, self._attributes = header[:6]
        self.last_offset = self.base_offset + header[6]
        self._first_timestamp, self._max_timestamp, self.producer = header[7:10]
        self._count = header[12]

    @property
    def is_whole(self) -> bool:
        """Whether it is what was sent."""
        checksum: int = calc_crc32c(self.raw[_ATTRIBUTES_AT:])
        return self._magic == _MAGIC and self._crc == checksum

    @property
    def is_transactional(self) -> bool:
        """Whether it belongs to a transaction."""
        return bool(self._attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Whether the broker wrote it, to end a transaction."""
        return bool(self._attributes & _CONTROL)

    @property
    def is_abort(self) -> bool:
        """Whether it ends a transaction that does not count."""
        key = self._read()[0].key or b""
        kind: int = struct.unpack_from(">hh", key)[1]
        return kind == _ABORT

    def records(self) -> Sequence[ReadRecord | BrokenBatch]:
        """Its records; all of it as one if any cannot be read."""
        if self.is_control:
            return []
        try:
            return self._read()
        except UNREAD:
            return [BrokenBatch(self.last_offset, self._max_timestamp, self.raw)]

    def _read(self) -> list[ReadRecord]:
        codec = self._attributes & _CODEC
        fields = _Fields(_CODECS[codec](self.raw[_HEADER.size :]))
        records = [self._read_record(fields) for _ in range(self._count)]
        if self._count < 0 or not fields.is_at_end:
            msg = f"expected {self._count} records, found bytes after them"
            raise CorruptRecordException(msg)
        if not all(one.offset < two.offset for one, two in pairwise(records)):
            msg = "expected records in the order of their offsets, found another"
            raise CorruptRecordException(msg)
        return records

    def _read_record(self, fields: _Fields) -> ReadRecord:
        length = fields.number()
        end = fields.at + length
        fields.skip(1)  # The record's own attributes, of which Kafka uses none.
        timestamp = self._first_timestamp + fields.number()
        if self._attributes & _LOG_APPEND:
            timestamp = self._max_timestamp
        offset = self.base_offset + fields.number()
        key, value = fields.piece(), fields.piece()
        headers = [fields.header() for _ in range(fields.count())]
        if fields.at != end or not self.base_offset <= offset <= self.last_offset:
            msg = f"expected a record of {length} bytes within its batch, found offset {offset}"
            raise CorruptRecordException(msg)
        return ReadRecord(offset, timestamp, key, value, headers)


class _Fields:
    """Fields of records, one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self.at == len(self._data)

    def skip(self, size: int) -> None:
        """Pass over bytes."""
        self.at += size

    def number(self) -> int:
        """A number of free length."""
        found, self.at = decode_varint(self._data, self.at)
        return int(found)

    def count(self) -> int:
        """How many fields follow."""
        found = self.number()
        if found < 0:
            msg = f"expected a count of headers, found {found}"
            raise CorruptRecordException(msg)
        return found

    def piece(self) -> bytes | None:
        """Bytes of free length; None where there are none."""
        size = self.number()
        if size < 0:
            return None
        begun = self.at
        self.at += size
        if self.at > len(self._data):
            msg = f"expected {size} bytes, found {len(self._data) - begun}"
            raise CorruptRecordException(msg)
        return self._data[begun : self.at]

    def header(self) -> tuple[str, bytes | None]:
        """A header; what is no UTF-8 in its name is written as an escape in Python is."""
        name = self.piece() or b""
        return name.decode(errors="backslashreplace"), self.piece()


def _pieces(raw: bytes) -> Iterator[_Batch]:
    """The batches of a fetch; the last may be cut off, and is left for the next."""
    at = 0
    while at + _HEADER.size <= len(raw):
        length = _LENGTH.unpack_from(raw, at)[1]
        end = at + _LENGTH.size + max(length, _HEADER.size - _LENGTH.size)
        if end > len(raw):
            return
        yield _Batch(raw[at:end])
        at = end


def _visible(raw: bytes, aborted: Sequence[tuple[int, int]]) -> Iterator[_Batch]:
    """Batches that count; of others nothing but the order is used."""
    begun = sorted(aborted, key=lambda one: one[1])
    producers: set[int] = set()
    for batch in _pieces(raw):
        while begun and begun[0][1] <= batch.base_offset:
            producers.add(begun.pop(0)[0])
        if batch.is_control and batch.is_whole and batch.is_abort:
            producers.discard(batch.producer)
        if not batch.is_whole or not batch.is_transactional or batch.producer not in producers:
            yield batch
