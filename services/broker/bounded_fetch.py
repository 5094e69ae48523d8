"""aiokafka's consumer, made to unpack within a bound: whatever a producer sends, workers go on.

In: the bytes of a fetch, as aiokafka's fetcher hands them on. Out: the records that `batches.py`
reads from them, one after the other. The fetcher takes these two classes instead of its own; it
has no other way to look at a batch before it is unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import aiokafka.consumer.fetcher

from services.broker.batches import TopicDamaged, read_batches
from services.broker.messages import UNPACKED_BYTES_MAX, Record

# After so many unpacked bytes a fetch ends, and the rest of it is fetched again: thousands of small
# batches may each hold as much as one may.
_FETCH_UNPACKED_BYTES: Final = 2 * UNPACKED_BYTES_MAX


class RawBatches:
    """The batches of a fetch before they are read, in place of aiokafka's MemoryRecords."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def has_next(self) -> bool:
        """Whether there is anything; Kafka sends the first batch whole, however long it is."""
        return bool(self.raw)

    def size_in_bytes(self) -> int:
        """The bytes of all batches."""
        return len(self.raw)


class BoundedRecords(aiokafka.consumer.fetcher.PartitionRecords):  # type: ignore[misc] # untyped
    """The records of a fetch, in place of aiokafka's PartitionRecords."""

    next_fetch_offset: int

    def __iter__(self) -> Iterator[Record]:
        """The records that were not taken yet, without a call of Python for each."""
        records: Iterator[Record] = self._records_iterator
        return records

    def _unpack_records(self) -> Iterator[Record]:
        """The records from `next_fetch_offset` on, which moves with them. Errors: TopicDamaged."""
        begin, unpacked = self.next_fetch_offset, 0
        batches = read_batches(self._records.raw, aborted=self._aborted_transactions)
        try:
            for batch in batches:
                for record in batch.records():
                    if record.offset >= self.next_fetch_offset:
                        self.next_fetch_offset = record.offset + 1
                        yield record
                self.next_fetch_offset = max(self.next_fetch_offset, batch.next_offset)
                unpacked += batch.bytes_unpacked
                if unpacked >= _FETCH_UNPACKED_BYTES:
                    return
        except TopicDamaged:
            # What comes before it is read first.
            if self.next_fetch_offset == begin:
                raise


def bound_fetches() -> None:
    """Let every consumer of this process that starts from now on unpack within the bound."""
    aiokafka.consumer.fetcher.MemoryRecords = RawBatches
    aiokafka.consumer.fetcher.PartitionRecords = BoundedRecords
