"""Batches of records as Kafka keeps them: those that cannot be read, or hold too much, come whole.

In: the bytes of a fetch. Out: its batches and the records of each, none of one that a transaction
aborted. aiokafka's consumer unpacks whatever a batch holds, stops at one that it cannot
read, and gives a wrong offset to a record with odd attributes. No client writes such bytes, but
whoever may write to a topic can send them. Here a batch is unpacked within a bound before aiokafka
reads it; beyond the bound, or if reading fails or finds other offsets than the header of the batch
states, the batch is one `BrokenBatch`. Source: Kafka's DefaultRecordBatch, magic 2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final

from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import decode_varint
from cramjam import DecompressionError

from services.broker.messages import (
    BATCH_HEADERS_MAX,
    BATCH_RECORDS_MAX,
    UNCOUNTED_BYTES,
    UNPACKED_BYTES_MAX,
    BrokenBatch,
    Record,
)
from services.broker.unpacking import NOT_PACKED, UnpackedTooLong, unpack

# What a reader raises at bytes that are no records; errors of the connection are not among them.
UNREAD: Final = (
    CorruptRecordException, UnsupportedCodecError, DecompressionError, struct.error, EOFError,
    ValueError, LookupError, ArithmeticError,
)  # fmt: skip
# The offset of a batch, and the number of its bytes after these two fields.
_LENGTH: Final = struct.Struct(">qi")
# The number of records, at the end of the header.
_COUNT: Final = struct.Struct(">i")
_HEADER_BYTES: Final = 61
_MAGIC: Final = 2
# The byte of the header whose lowest bits name the codec.
_CODEC_AT: Final = 22
_CODEC_BITS: Final = 7
# What a header of a record takes in memory, a tuple in a list, beside its name and value.
_HEADER_ROOM: Final = 72
_OFFSET: Final = attrgetter("offset")
_HEADERS: Final = attrgetter("headers")


class TopicDamaged(Exception):
    """A batch in Kafka does not fit its checksum; an operator must look at the brokers' disks."""


class RecordBatch:
    """One batch. raw: all of its bytes; is_whole: whether they fit its checksum."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        header = DefaultRecordBatch(raw)
        self.base_offset: int = header.base_offset
        self.next_offset: int = header.next_offset
        self.producer: int = header.producer_id
        self.sequence: int = header.base_sequence
        self.timestamp: int = header.max_timestamp
        self.timestamp_type: int = header.timestamp_type
        self.is_transactional: bool = header.is_transactional
        self.is_control: bool = header.is_control_batch
        self.is_whole: bool = header.magic == _MAGIC and header.validate_crc()
        self.is_aborted = False
        self.bytes_unpacked = 0

    @property
    def is_abort(self) -> bool:
        """Whether it is the broker's mark that a transaction was aborted."""
        if not self.is_control or not self.is_whole:
            return False
        mark = next(iter(DefaultRecordBatch(self._unpacked())))
        return bool(ControlRecord.parse(mark.key) == ABORT_MARKER)

    def records(self) -> Sequence[Record]:
        """Its records, none of a control batch or one that was aborted.

        The whole batch is one record if it holds too much, any cannot be read, or offsets are
        missing among them.
        """
        if self.is_control or self.is_aborted:
            return []
        try:
            records: list[Record] = list(DefaultRecordBatch(self._unpacked()))
        except UnpackedTooLong:
            # So much was unpacked for nothing; a fetch of thousands of them would take a minute.
            self.bytes_unpacked = UNPACKED_BYTES_MAX
            return [self._refused(is_too_long=True)]
        except UNREAD:
            return [self._refused(is_too_long=False)]
        self.bytes_unpacked += _HEADER_ROOM * sum(map(len, map(_HEADERS, records)))
        offsets = [*range(self.base_offset, self.next_offset)]
        if [*map(_OFFSET, records)] != offsets:
            return [self._refused(is_too_long=False)]
        return records

    def _unpacked(self) -> bytes:
        """The batch as if nobody had packed it. Errors: UnpackedTooLong, those of UNREAD."""
        (count,) = _COUNT.unpack_from(self.raw, _HEADER_BYTES - _COUNT.size)
        if max(count, self.next_offset - self.base_offset) > BATCH_RECORDS_MAX:
            raise UnpackedTooLong
        header = bytearray(self.raw[:_HEADER_BYTES])
        codec = header[_CODEC_AT] & _CODEC_BITS
        records = unpack(codec, self.raw[_HEADER_BYTES:])
        if len(records) > UNCOUNTED_BYTES and _headers(records) > BATCH_HEADERS_MAX:
            raise UnpackedTooLong
        self.bytes_unpacked = len(records)
        header[_CODEC_AT] ^= codec
        return self.raw if codec == NOT_PACKED else bytes(header + records)

    def _refused(self, *, is_too_long: bool) -> BrokenBatch:
        return BrokenBatch(
            self.next_offset - 1,
            self.raw,
            timestamp=self.timestamp,
            timestamp_type=self.timestamp_type,
            is_too_long=is_too_long,
        )


def read_batches(raw: bytes, *, aborted: Sequence[tuple[int, int]] = ()) -> Iterator[RecordBatch]:
    """The batches of a fetch, checked.

    aborted: of transactions the producer and the first offset. Errors: TopicDamaged, of a batch
    when its turn comes.
    """
    pending = sorted(aborted, key=lambda transaction: transaction[1])
    producers: set[int] = set()
    for batch in _batches(raw):
        if not batch.is_whole:
            msg = f"the batch at offset {batch.base_offset} is not as its checksum says"
            raise TopicDamaged(msg)
        while pending and pending[0][1] <= batch.base_offset:
            producers.add(pending.pop(0)[0])
        if batch.is_abort:
            producers.discard(batch.producer)
        batch.is_aborted = batch.is_transactional and batch.producer in producers
        yield batch


def _headers(records: bytes) -> int:
    """The number of headers that unpacked records state. Errors: those of UNREAD."""
    count, at = 0, 0
    while at < len(records):
        length, at = decode_varint(records, at)
        if length < 0:
            msg = f"a record of {length} bytes"
            raise ValueError(msg)
        end = at + length
        _, at = decode_varint(records, at + 1)  # Its time, behind the attributes.
        _, at = decode_varint(records, at)  # Its offset.
        for _ in ("key", "value"):
            size, at = decode_varint(records, at)
            at += max(size, 0)
        count += max(0, decode_varint(records, at)[0])
        at = end
    return count


def _batches(raw: bytes) -> Iterator[RecordBatch]:
    """The batches of a fetch; the last may be cut off, and is left for the next fetch."""
    at = 0
    while at + _HEADER_BYTES <= len(raw):
        length = _LENGTH.unpack_from(raw, at)[1]
        end = at + max(_LENGTH.size + length, _HEADER_BYTES)
        if end > len(raw):
            return
        yield RecordBatch(raw[at:end])
        at = end
