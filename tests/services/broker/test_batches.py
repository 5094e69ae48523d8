"""Batches are read as aiokafka reads them; one that it cannot read is kept whole."""

from __future__ import annotations

import gzip

import pytest
from aiokafka.codec import snappy_encode
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from services.broker.batches import UNREAD, Damaged, read_batches
from services.broker.messages import BrokenBatch
from tests.raw_batches import NO_UTF8, batch, record

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


def values(raw: bytes, *, offset: int = 0, most: int = 99) -> list[bytes | None]:
    """The values of what is read."""
    return [record.value for record in read_batches(raw, offset=offset, most=most).records]


@pytest.mark.parametrize("codec", range(5))
def test_what_clients_write_is_read_as_it_was_written(codec: int) -> None:
    written: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = [
        (0, KEY, b"{}", []), (1, KEY, None, [("é", b"1"), ("", None)]),
        (2, None, b"", []), (3, KEY, b"x" * 70_000, []),
    ]  # fmt: skip
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    for offset, key, value, headers in written:
        builder.append(offset, timestamp=7, key=key, value=value, headers=headers)
    records = read_batches(bytes(builder.build()), offset=0, most=99).records
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
    with pytest.raises(UNREAD):
        list(DefaultRecordBatch(broken))
    fetched = read_batches(broken + batch(1, ONE, base=6), offset=4, most=99)
    whole, after = fetched.records
    assert whole == kept_whole(5, broken)
    assert (after.offset, after.value, fetched.next_offset) == (6, b"one", 7)
    # The record before may have been taken already: reading may go on at any offset of a batch.
    assert read_batches(broken, offset=5, most=1) == ([whole], 6)


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
    assert read_batches(raw, offset=0, most=99) == ([kept_whole(1, raw)], 2)


def test_no_more_is_read_than_is_asked_for_and_reading_goes_on_there() -> None:
    raw = batch(2, ONE + TWO) + batch(2, ONE + TWO, base=2)
    assert read_batches(raw, offset=0, most=3).next_offset == 3
    assert values(raw, most=3) == [b"one", b"two", b"one"]
    assert values(raw, offset=3) == [b"two"]


def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    raw = batch(2, ONE + TWO)
    fetched = read_batches(raw + raw[:-1], offset=0, most=99)
    assert (len(fetched.records), fetched.next_offset) == (2, 2)


def test_what_a_transaction_aborts_is_not_read() -> None:
    lost = batch(2, ONE + TWO, base=1, flags=TRANSACTIONAL, producer=7)
    again = batch(1, ONE, base=4, flags=TRANSACTIONAL, producer=7)
    raw = batch(1, ONE) + lost + END_OF_7 + again
    visible = read_batches(raw, offset=0, most=99, aborted=[(7, 1)]).records
    assert [record.offset for record in visible] == [0, 4]
    every = read_batches(raw, offset=0, most=99).records
    assert [record.offset for record in every] == [0, 1, 2, 4]


def test_a_checksum_that_differs_is_a_stop_behind_what_is_whole() -> None:
    good, raw = batch(1, ONE), bytearray(batch(1, ONE, base=1))
    raw[-1] ^= 1
    assert values(good + bytes(raw)) == [b"one"]
    with pytest.raises(Damaged, match="the batch at offset 1 is not as its checksum says"):
        values(bytes(raw))


def test_trouble_with_the_broker_is_no_batch_that_cannot_be_read() -> None:
    assert not issubclass(KafkaError, UNREAD)
    assert not issubclass(ConnectionError, UNREAD)
