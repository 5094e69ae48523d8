"""Batches of records as Kafka keeps them: those that aiokafka cannot read come whole.

In: the bytes of a fetch. Out: its records from an offset on, without those that a transaction
aborted. aiokafka's consumer stops at a batch that it cannot read, and gives a wrong offset to a
record with odd attributes. No client writes such bytes, but whoever may write to a topic can send
them. Here aiokafka reads batch by batch; if it fails, or finds other offsets than the header of the
batch states, the batch is one `BrokenBatch`. Source: Kafka's DefaultRecordBatch, magic 2.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch
from cramjam import DecompressionError

from services.broker.messages import BrokenBatch, Record

# What a reader raises at bytes that are no records; errors of the connection are not among them.
UNREAD: Final = (
    CorruptRecordException, UnsupportedCodecError, DecompressionError, gzip.BadGzipFile,
    zlib.error, struct.error, EOFError, ValueError, LookupError, ArithmeticError,
)  # fmt: skip

# The offset of a batch, and the number of its bytes after these two fields.
_LENGTH: Final = struct.Struct(">qi")
_HEADER_BYTES: Final = 61
_MAGIC: Final = 2


class Damaged(Exception):
    """A batch does not fit its checksum: it is not what the broker was given."""


class Fetched(NamedTuple):
    """The records of a fetch, and the offset that comes after them."""

    records: list[Record]
    next_offset: int


def read_batches(
    raw: bytes, *, offset: int, most: int, aborted: Sequence[tuple[int, int]] = ()
) -> Fetched:
    """At most so many records from an offset on.

    aborted: of transactions the producer and the first offset. Errors: Damaged, unless records
    come before it.
    """
    records: list[Record] = []
    for batch in _visible(raw, aborted):
        if batch.next_offset <= offset:
            continue
        if not batch.is_whole and not records:
            msg = f"the batch at offset {batch.base_offset} is not as its checksum says"
            raise Damaged(msg)
        if not batch.is_whole:
            break
        new = [record for record in batch.records() if record.offset >= offset]
        room = most - len(records)
        records += new[:room]
        if len(new) > room:
            return Fetched(records, new[room].offset)
        offset = batch.next_offset
    return Fetched(records, offset)


class _Batch:
    """One batch. raw: all of its bytes; is_whole: whether they fit its checksum."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        header = DefaultRecordBatch(raw)
        self.base_offset: int = header.base_offset
        self.next_offset: int = header.next_offset
        self.producer: int = header.producer_id
        self.timestamp: int = header.max_timestamp
        self.timestamp_type: int = header.timestamp_type
        self.is_transactional: bool = header.is_transactional
        self.is_control: bool = header.is_control_batch
        self.is_whole: bool = header.magic == _MAGIC and header.validate_crc()

    @property
    def is_abort(self) -> bool:
        """Whether it is the broker's mark that a transaction was aborted."""
        if not self.is_control or not self.is_whole:
            return False
        mark = next(iter(DefaultRecordBatch(self.raw)))
        return bool(ControlRecord.parse(mark.key) == ABORT_MARKER)

    def records(self) -> Sequence[Record]:
        """Its records, none of a control batch.

        The whole batch is one record if any cannot be read, or offsets are missing among them.
        """
        if self.is_control:
            return []
        try:
            records: list[Record] = list(DefaultRecordBatch(self.raw))
        except UNREAD:
            records = []
        offsets = range(self.base_offset, self.next_offset)
        if len(records) == len(offsets) and all(
            record.offset == offset for record, offset in zip(records, offsets, strict=True)
        ):
            return records
        return [
            BrokenBatch(
                self.next_offset - 1,
                self.raw,
                timestamp=self.timestamp,
                timestamp_type=self.timestamp_type,
            )
        ]


def _batches(raw: bytes) -> Iterator[_Batch]:
    """The batches of a fetch; the last may be cut off, and is left for the next fetch."""
    at = 0
    while at + _HEADER_BYTES <= len(raw):
        length = _LENGTH.unpack_from(raw, at)[1]
        end = at + max(_LENGTH.size + length, _HEADER_BYTES)
        if end > len(raw):
            return
        yield _Batch(raw[at:end])
        at = end


def _visible(raw: bytes, aborted: Sequence[tuple[int, int]]) -> Iterator[_Batch]:
    """All batches but those of aborted transactions."""
    pending = sorted(aborted, key=lambda transaction: transaction[1])
    producers: set[int] = set()
    for batch in _batches(raw):
        while pending and pending[0][1] <= batch.base_offset:
            producers.add(pending.pop(0)[0])
        if batch.is_abort:
            producers.discard(batch.producer)
        if not batch.is_whole or not batch.is_transactional or batch.producer not in producers:
            yield batch
