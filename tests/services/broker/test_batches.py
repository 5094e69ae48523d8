"""Batches are read as aiokafka reads them; one that it cannot read is kept whole."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest
from aiokafka.codec import snappy_encode
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from services.broker.batches import UNREAD, TopicDamaged
from services.broker.bounded_fetch import BoundedRecords, RawBatches
from services.broker.messages import (
    BATCH_HEADERS_MAX,
    BATCH_RECORDS_MAX,
    UNCOUNTED_BYTES,
    UNPACKED_BYTES_MAX,
    BrokenBatch,
)
from tests.raw_batches import NO_UTF8, batch, field, number, packed, record

KEY = b"k"
ONE = record(0, b"one", key=KEY)
TWO = record(1, b"two", key=KEY)
BAD_NAMES = (NO_UTF8, b"a\xc3", b"\xed\xa0\x80", None)
TRANSACTIONAL, CONTROL = 0x10, 0x20
END_OF_7 = batch(
    1, record(0, bytes(6), key=b"\0\0\0\0"), base=3, flags=TRANSACTIONAL | CONTROL, producer=7
)


def kept_whole(offset: int, raw: bytes) -> BrokenBatch:
    """A batch of `tests/raw_batches.py`, with the latest time that its header states."""
    return BrokenBatch(offset, raw, timestamp=9, timestamp_type=0)


def fetched(
    raw: bytes, *, offset: int = 0, aborted: tuple[tuple[int, int], ...] = ()
) -> tuple[list[Any], int]:
    """The records of a fetch and the offset behind them, as aiokafka's fetcher comes by them."""
    records = BoundedRecords(
        None,
        RawBatches(raw),
        [*aborted],
        offset,
        key_deserializer=None,
        value_deserializer=None,
        check_crcs=True,
        isolation_level=READ_COMMITTED,
    )
    return [*records], records.next_fetch_offset


def values(raw: bytes, *, offset: int = 0) -> list[bytes | None]:
    """The values of what is read."""
    return [record.value for record in fetched(raw, offset=offset)[0]]


@pytest.mark.parametrize("codec", range(5))
def test_what_clients_write_is_read_as_it_was_written(codec: int) -> None:
    written: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = [
        (0, KEY, b"{}", []), (1, KEY, None, [("é", b"1"), ("", None)]),
        (2, None, b"", []), (3, KEY, b"x" * 70_000, []),
    ]  # fmt: skip
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    for offset, key, value, headers in written:
        builder.append(offset, timestamp=7, key=key, value=value, headers=headers)
    records, _ = fetched(bytes(builder.build()))
    assert [(r.offset, r.key, r.value, r.headers) for r in records] == written


@pytest.mark.parametrize(
    "broken",
    [
        batch(2, gzip.compress(ONE + TWO, mtime=0) + b"junkjunk", codec=1, base=4),
        batch(2, gzip.compress(ONE + TWO, mtime=0)[:-9], codec=1, base=4),
        batch(2, gzip.compress(ONE + TWO, mtime=0)[:10] + b"junk", codec=1, base=4),
        batch(2, snappy_encode(ONE) + snappy_encode(TWO), codec=2, base=4),
        batch(2, snappy_encode(ONE + TWO) + b"j", codec=2, base=4),
        batch(2, b"junkjunk", codec=3, base=4),
        batch(2, b"junkjunk", codec=4, base=4),
        batch(2, ONE + TWO, codec=5, base=4),
        batch(2, ONE + TWO[:-3], base=4),
        batch(2, ONE + record(1, b"two", key=KEY, behind=b"more"), base=4),
        batch(2, ONE + TWO + ONE, base=4),
        batch(2, ONE + b"\xff" * 12, base=4),
        batch(2, ONE + record(1, b"", key=KEY)[:-1] + b"\1", base=4),
        batch(2, ONE + record(1, b"", key=KEY)[:-1] + b"\x7f", base=4),
        *[batch(2, ONE + record(1, b"", key=KEY, names=[name]), base=4) for name in BAD_NAMES],
    ],
    ids=lambda broken: f"{len(broken)}-bytes",  # Each process that collects must name it alike.
)
def test_a_batch_that_aiokafka_cannot_read_is_kept_whole_and_passed(broken: bytes) -> None:
    with pytest.raises((*UNREAD, OSError, zlib.error)):
        list(DefaultRecordBatch(broken))
    (whole, after), behind = fetched(broken + batch(1, ONE, base=6), offset=4)
    assert whole == kept_whole(5, broken)
    assert (after.offset, after.value, behind) == (6, b"one", 7)
    # The record before may have been taken already: reading may go on at any offset of a batch.
    assert fetched(broken, offset=5) == ([whole], 6)


@pytest.mark.parametrize(
    "raw",
    [
        batch(2, record(0, b"x", key=KEY) + record(0, b"x", key=KEY)),
        batch(2, record(1, b"x", key=KEY) + record(0, b"x", key=KEY)),
        batch(2, record(0, b"x", key=KEY) + record(2, b"x", key=KEY)),
        # Its attributes are one byte; read as a number, they make the key's length its offset.
        batch(2, ONE + record(1, b"two", key=b"\1" * 200, attributes=b"\xff")),
    ],
    ids=["twice", "back", "gap", "attributes"],
)
def test_a_batch_is_kept_whole_if_its_records_have_other_offsets_than_it_states(
    raw: bytes,
) -> None:
    assert fetched(raw) == ([kept_whole(1, raw)], 2)


def test_reading_goes_on_at_any_offset_of_a_batch() -> None:
    raw = batch(2, ONE + TWO) + batch(2, ONE + TWO, base=2)
    assert values(raw, offset=1) == [b"two", b"one", b"two"]
    assert values(raw, offset=3) == [b"two"]


def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    raw = batch(2, ONE + TWO)
    records, behind = fetched(raw + raw[:-1])
    assert (len(records), behind) == (2, 2)


def test_what_a_transaction_aborts_is_not_read() -> None:
    lost = batch(2, ONE + TWO, base=1, flags=TRANSACTIONAL, producer=7)
    again = batch(1, ONE, base=4, flags=TRANSACTIONAL, producer=7)
    raw = batch(1, ONE) + lost + END_OF_7 + again
    visible, _ = fetched(raw, aborted=((7, 1),))
    assert [record.offset for record in visible] == [0, 4]
    every, _ = fetched(raw)
    assert [record.offset for record in every] == [0, 1, 2, 4]
    # The mark of its end may be in the next fetch.
    assert fetched(lost, offset=1, aborted=((7, 1),)) == ([], 3)


def test_a_checksum_that_differs_is_a_stop_behind_what_is_whole() -> None:
    good, raw = batch(1, ONE), bytearray(batch(1, ONE, base=1))
    raw[-1] ^= 1
    assert fetched(good + bytes(raw))[1] == 1
    assert values(good + bytes(raw)) == [b"one"]
    with pytest.raises(TopicDamaged, match="the batch at offset 1 is not as its checksum says"):
        values(bytes(raw))


def test_trouble_with_the_broker_is_no_batch_that_cannot_be_read() -> None:
    assert not issubclass(KafkaError, UNREAD)
    assert not issubclass(ConnectionError, UNREAD)


@pytest.mark.parametrize("codec", range(1, 5))
def test_a_batch_that_holds_too_much_is_kept_whole_and_the_next_is_read(codec: int) -> None:
    overhead = len(record(0, b"", key=KEY)) + 6
    value = bytes(UNPACKED_BYTES_MAX - overhead)
    body = record(0, value, key=KEY)
    assert len(body) == UNPACKED_BYTES_MAX
    assert values(batch(1, packed(codec, body), codec=codec)) == [value]
    beyond = batch(1, packed(codec, record(0, value + b"1", key=KEY)), codec=codec)
    (whole, after), _ = fetched(beyond + batch(1, ONE, base=1))
    assert whole == BrokenBatch(0, beyond, timestamp=9, timestamp_type=0, is_too_long=True)
    assert after.value == b"one"


def test_a_batch_of_too_many_records_is_not_unpacked() -> None:
    body = b"".join(record(delta, b"", key=None) for delta in range(BATCH_RECORDS_MAX + 1))
    (whole,), behind = fetched(batch(BATCH_RECORDS_MAX + 1, body))
    assert (whole.is_too_long, behind) == (True, BATCH_RECORDS_MAX + 1)


def test_of_many_batches_no_more_are_unpacked_at_once_than_memory_is_for() -> None:
    raw = [
        batch(1, packed(4, record(0, bytes(UNPACKED_BYTES_MAX // 2), key=KEY)), codec=4, base=base)
        for base in range(9)
    ]
    records, behind = fetched(b"".join(raw))
    assert (len(records), behind) == (4, 4)


@pytest.mark.parametrize("codec", [0, 4])
def test_a_batch_of_too_many_headers_is_kept_whole_before_any_is_made(codec: int) -> None:
    def with_headers(count: int) -> bytes:
        # Two bytes each: a name and a value of no length.
        tail = field(KEY) + field(bytes(UNCOUNTED_BYTES)) + number(count) + bytes(2 * count)
        body = bytes(3) + tail
        return batch(1, packed(codec, number(len(body)) + body), codec=codec)

    (fitting,), _ = fetched(with_headers(BATCH_HEADERS_MAX))
    assert len(fitting.headers) == BATCH_HEADERS_MAX
    beyond = with_headers(BATCH_HEADERS_MAX + 1)
    assert fetched(beyond) == ([BrokenBatch(0, beyond, None, (), 9, 0, is_too_long=True)], 1)


def test_of_many_batches_that_hold_too_much_a_fetch_unpacks_a_few() -> None:
    body = packed(4, bytes(UNPACKED_BYTES_MAX + 1))
    records, behind = fetched(b"".join(batch(1, body, codec=4, base=base) for base in range(9)))
    assert ([record.is_too_long for record in records], behind) == ([True, True], 2)


def test_short_batches_of_many_headers_are_not_unpacked_all_at_once() -> None:
    count = UNCOUNTED_BYTES // 2 - 10
    body = bytes(3) + field(KEY) + field(b"") + number(count) + bytes(2 * count)
    body = packed(4, number(len(body)) + body)
    records, behind = fetched(b"".join(batch(1, body, codec=4, base=base) for base in range(9)))
    assert (len(records), behind) == (1, 1)
