"""Batches are read as aiokafka reads them, and those that it cannot read as the broker did."""

from __future__ import annotations

import gzip
import struct

import pytest
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from services.broker.batches import UNREAD, Damaged, read_batches
from services.broker.messages import BrokenBatch
from tests.raw_batches import NO_UTF8, batch, record

KEY = b"k"
ONE = record(0, b"one", key=KEY)
TWO = record(1, b"two", key=KEY)
CODECS = (bytes, gzip_encode, snappy_encode, lz4_encode, zstd_encode)
XERIAL = struct.Struct("!bccccccBii")
TRANSACTIONAL, CONTROL = 0x10, 0x20
END_OF_7 = batch(
    1, record(0, bytes(6), key=b"\0\0\0\0"), base=3, flags=TRANSACTIONAL | CONTROL, producer=7
)


def values(raw: bytes, *, offset: int = 0, most: int = 99) -> list[bytes | None]:
    """The values of what is read."""
    return [one.value for one in read_batches(raw, offset=offset, most=most).records]


def aiokafka_reads(raw: bytes) -> list[tuple[object, ...]]:
    """What aiokafka reads of batches."""
    batches = MemoryRecords(raw)
    found: list[tuple[object, ...]] = []
    while batches.has_next():
        one = batches.next_batch()
        assert one.validate_crc()
        found += [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in one]
    return found


@pytest.mark.parametrize("codec", range(5))
def test_what_clients_write_is_read_as_aiokafka_reads_it(codec: int) -> None:
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    for place, value in enumerate((b"{}", None, b"", b"x" * 70_000)):
        headers = [("é", b"1"), ("", None)] if place == 1 else []
        key = None if place == 2 else KEY
        builder.append(place, timestamp=place * 7, key=key, value=value, headers=headers)
    raw = bytes(builder.build()) * 2
    once = read_batches(raw, offset=0, most=99).records
    read = [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in once]
    # The second has the offsets of the first, so it was read before.
    assert read + read == aiokafka_reads(raw)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (NO_UTF8, "\\xff\\xfe"),
        (b"a\xc3", "a\\xc3"),
        (None, ""),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
    ],
)
def test_a_header_is_read_whatever_its_name_is(name: bytes | None, text: str) -> None:
    raw = batch(3, ONE + record(1, b"", key=KEY, names=[name]) + record(2, b"end", key=KEY))
    with pytest.raises(UNREAD):
        aiokafka_reads(raw)
    found = read_batches(raw, offset=0, most=99)
    assert [(one.offset, one.headers) for one in found.records] == [
        (0, []), (1, [(text, b"x")]), (2, []),
    ]  # fmt: skip
    assert found.next_offset == 3


def test_attributes_of_a_record_are_one_byte_whatever_it_is() -> None:
    raw = batch(2, ONE + record(1, b"two", key=b"\1" * 200, attributes=b"\xff"))
    found = read_batches(raw, offset=0, most=99).records
    assert [(one.offset, one.key, one.value) for one in found] == [
        (0, KEY, b"one"), (1, b"\1" * 200, b"two"),
    ]  # fmt: skip


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
    ],
    ids=lambda broken: f"{len(broken)}-bytes",  # Each process that collects must name it alike.
)
def test_a_batch_that_nobody_can_read_is_kept_whole_and_passed(broken: bytes) -> None:
    with pytest.raises(UNREAD):
        aiokafka_reads(broken)
    found = read_batches(broken + batch(1, ONE, base=6), offset=4, most=99)
    whole, after = found.records
    assert whole == BrokenBatch(5, 9, broken)
    assert (after.offset, after.value, found.next_offset) == (6, b"one", 7)


@pytest.mark.parametrize("deltas", [(0, 0), (1, 0), (0, 2)])
def test_a_batch_whose_offsets_do_not_rise_within_it_cannot_be_read(
    deltas: tuple[int, int],
) -> None:
    body = b"".join(record(delta, b"x", key=KEY) for delta in deltas)
    found = read_batches(batch(2, body), offset=0, most=99)
    assert [type(one) for one in found.records] == [BrokenBatch]
    assert found.next_offset == 2


def test_no_more_is_read_than_is_asked_for_and_reading_goes_on_there() -> None:
    raw = batch(2, ONE + TWO) + batch(2, ONE + TWO, base=2)
    assert read_batches(raw, offset=0, most=3).next_offset == 3
    assert values(raw, most=3) == [b"one", b"two", b"one"]
    assert values(raw, offset=3) == [b"two"]


def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    raw = batch(2, ONE + TWO)
    found = read_batches(raw + raw[:-1], offset=0, most=99)
    assert (len(found.records), found.next_offset) == (2, 2)


def test_what_a_transaction_aborts_is_not_read() -> None:
    lost = batch(2, ONE + TWO, base=1, flags=TRANSACTIONAL, producer=7)
    again = batch(1, ONE, base=4, flags=TRANSACTIONAL, producer=7)
    raw = batch(1, ONE) + lost + END_OF_7 + again
    found = read_batches(raw, offset=0, most=99, aborted=[(7, 1)])
    assert [one.offset for one in found.records] == [0, 4]
    assert [one.offset for one in read_batches(raw, offset=0, most=99).records] == [0, 1, 2, 4]


def test_a_checksum_that_differs_is_a_stop_behind_what_is_whole() -> None:
    good, raw = batch(1, ONE), bytearray(batch(1, ONE, base=1))
    raw[-1] ^= 1
    assert values(good + bytes(raw)) == [b"one"]
    with pytest.raises(Damaged, match="the batch at offset 1 is not as its checksum says"):
        values(bytes(raw))


def test_trouble_with_the_broker_is_no_batch_that_cannot_be_read() -> None:
    assert not issubclass(KafkaError, UNREAD)
    assert not issubclass(ConnectionError, UNREAD)
