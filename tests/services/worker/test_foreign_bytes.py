"""Bytes that no client of Kafka writes, in an inbox: refused and kept, and never a crash loop."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.broker.messages import UNPACKED_BYTES_MAX
from services.broker.topics import partition_of
from services.journal.embedded import EmbeddedServer
from services.journal.reader import Reader
from tests.raw_batches import NO_UTF8, batch, bomb, put_batch, record
from tests.services.worker.test_shard_run import ADMIT, OPEN, TRADE, line
from tests.services.worker.test_worker import offset_of, put, put_all, says
from tests.streaming_house import StreamingHouse, Worker
from tests.waiting import until

SIT = "market/SIT"
KEY = SIT.encode()
# With key and lengths it is as much as may be unpacked.
LARGEST = UNPACKED_BYTES_MAX - 24
QUICK = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500}


@pytest.fixture
def house(broker: str, postgres: EmbeddedServer, tmp_path: Path) -> Iterator[StreamingHouse]:
    """A clearinghouse on the shared broker, with a market that is open."""
    with StreamingHouse(broker, postgres, tmp_path, **QUICK) as made:
        yield made


def trade(place: int) -> bytes:
    """A trade of its own."""
    return line({**TRADE, "trade_id": f"t-{place}"})


def put_raw(house: StreamingHouse, raw: bytes) -> None:
    """A batch into the inbox of SIT."""
    put_batch(house.settings, partition_of(SIT, house.name), raw)


def rows(house: StreamingHouse) -> list[tuple[str, int, bytes, dict[str, Any]]]:
    """Mark, position, input and first fact of each row that came from the inbox of SIT."""
    with Reader(house.url) as reader:
        found = [row for block in reader.rows(SIT, after=0) for row in block]
    return [
        (row[3].partition("?")[2], row[4], row[6], json.loads(row[8].split(b"\n")[0] or b"{}"))
        for row in found
        if row[3] != "control/0"
    ]


def peak_bytes(worker: Worker) -> int:
    """The most memory that a worker has had."""
    status = Path(f"/proc/{worker.pid}/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize("codec", [0, 1])
def test_a_batch_with_a_header_whose_name_is_no_text_is_refused_whole_and_what_follows_cleared(
    house: StreamingHouse, codec: int
) -> None:
    worker = house.start_worker()
    house.feed([line(OPEN), line(ADMIT)])
    house.await_control()
    begin = offset_of(house, SIT)
    body = record(0, trade(0), key=KEY) + record(1, trade(1), key=KEY, names=[NO_UTF8])
    raw = batch(2, gzip.compress(body) if codec else body, codec=codec)
    put_raw(house, raw)
    asyncio.run(put(house, SIT, trade(2)))
    until(lambda: offset_of(house, SIT) == begin + 3, "all are taken")
    (mark, position, kept, fact), after = rows(house)
    assert (mark, position, kept[61:]) == ("batch", begin + 1, raw[61:])
    assert (fact["reason"], after[1:3]) == ("malformed", (begin + 2, trade(2)))
    assert says(worker, f"refuses a batch: expected records, found a batch from offset {begin} on")
    assert worker.is_alive
    assert house.verify() == []


def test_a_batch_that_cannot_be_read_is_kept_once_and_the_next_message_taken(
    house: StreamingHouse,
) -> None:
    worker = house.start_worker()
    body = record(0, b"one", key=KEY) + record(1, b"two", key=KEY)
    raw = batch(2, gzip.compress(body) + b"junkjunk", codec=1)
    put_raw(house, raw)
    until(lambda: offset_of(house, SIT) == 2, "the batch is passed")
    worker.terminate()
    again = house.start_worker()
    asyncio.run(put(house, SIT, b"after"))
    until(lambda: offset_of(house, SIT) == 3, "the next is taken")
    (mark, position, kept, fact), after = rows(house)
    # What stands before the records the broker has changed: its clock is in it now.
    assert (mark, position, kept[61:]) == ("batch", 1, raw[61:])
    assert (fact["reason"], after[1:3]) == ("malformed", (2, b"after"))
    assert again.is_alive
    assert house.verify() == []


def test_a_batch_whose_record_aiokafka_takes_for_another_is_refused_whole(
    house: StreamingHouse,
) -> None:
    house.start_worker()
    # Its attributes are one byte; read as a number, they make the key's length its offset.
    shifted = record(0, b"x" * 40, key=b"\x01\x02" * 40, attributes=b"\xff")
    put_raw(house, batch(1, shifted))
    asyncio.run(put_all(house, [b"one", b"two"]))
    until(lambda: offset_of(house, SIT) == 3, "all are taken")
    assert [row[:2] for row in rows(house)] == [("batch", 0), ("", 1), ("", 2)]
    assert house.verify() == []


def test_batches_that_hold_gigabytes_are_refused_whole_and_the_next_message_taken(
    house: StreamingHouse,
) -> None:
    worker = house.start_worker()
    bombs = [bomb(1), bomb(2), bomb(3), bomb(4, times=112)]
    for raw in bombs:
        put_raw(house, raw)
    values: list[bytes | None] = [b"after", bytes(LARGEST)]
    asyncio.run(put_all(house, values, compression_type="zstd", max_request_size=1 << 30))
    until(lambda: offset_of(house, SIT) == 6, "all are taken")
    *refused, after, largest = rows(house)
    for (mark, _, kept, fact), raw in zip(refused, bombs, strict=True):
        assert (mark, kept[61:]) == ("batch", raw[61:])
        assert f"found more in a batch of {len(raw)} from offset" in fact["detail"]
    assert [row[:3] for row in (after, largest)] == [("", 4, b"after"), ("", 5, bytes(LARGEST))]
    assert peak_bytes(worker) < 600 << 20
    assert says(worker, "refuses a batch: expected at most 16777216 bytes, 131072 records")
    assert house.verify() == []
