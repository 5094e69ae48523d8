"""A second fetch gives what the consumer could not read, or stops the worker."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from services.broker.messages import BrokenBatch
from services.broker.raw_fetch import RawFetch, TopicDamaged, read_fetch, refetch
from services.broker.topics import ShardPartition, partition_of
from services.broker.trouble import BrokerTrouble, BrokerUnreachable
from services.settings import Settings, load_settings
from tests.raw_batches import NO_UTF8, batch, put_batch, record
from tests.services.broker.passing import make_topic

KEY = b"market/SIT"
PARTITION = partition_of("market/SIT", "clearing")


@pytest.fixture
def there(broker: str) -> tuple[Settings, ShardPartition]:
    """A topic of two batches; the second has a header whose name is no text."""
    settings = load_settings(brokers=broker)
    partition = PARTITION._replace(topic=f"second-{uuid4().hex[:12]}")
    make_topic(settings, partition.topic)
    for names in ([], [NO_UTF8]):
        body = record(0, b"one", key=KEY) + record(1, b"two", key=KEY, names=names)
        put_batch(settings, partition, batch(2, body))
    return settings, partition


def test_a_second_fetch_begins_at_its_offset_and_gives_no_more_than_it_should(
    there: tuple[Settings, ShardPartition],
) -> None:
    settings, partition = there
    first = asyncio.run(refetch(settings, partition, offset=1, most=1))
    assert [(record.offset, record.value) for record in first.records] == [(1, b"two")]
    second = asyncio.run(refetch(settings, partition, offset=first.next_offset, most=9))
    (broken,) = second.records
    assert isinstance(broken, BrokenBatch)
    assert (broken.offset, second.next_offset) == (3, 4)


def test_an_answer_that_is_none_is_trouble_of_the_broker(
    there: tuple[Settings, ShardPartition],
) -> None:
    settings, partition = there
    with pytest.raises(BrokerTrouble):
        asyncio.run(refetch(settings, partition, offset=99, most=1))
    with pytest.raises(BrokerUnreachable):
        asyncio.run(refetch(settings, partition._replace(number=7), offset=0, most=1))


def test_what_changed_since_it_was_written_stops_and_says_where() -> None:
    raw = bytearray(batch(1, record(0, b"one", key=KEY), base=5))
    raw[-2] ^= 1
    message = (
        "market/SIT: the journal goes on at offset 5 of clearing.market/0, and there the batch"
    )
    with pytest.raises(TopicDamaged, match=message):
        read_fetch(PARTITION, RawFetch([], bytes(raw)), offset=5, most=1)
