"""What a second fetch gives of what the first could not, and when it is a stop."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from services.broker.raw_fetch import Answer, TopicDamaged, look_again, read_answer
from services.broker.topics import ShardPartition, partition_of
from services.broker.trouble import BrokerTrouble, BrokerUnreachable
from services.settings import Settings, load_settings
from tests.raw_batches import NO_UTF8, batch, put_batch, record
from tests.services.broker.passing import make_topic

KEY = b"market/SIT"
PARTITION = partition_of("market/SIT", "clearing")


@pytest.fixture
def there(broker: str) -> tuple[Settings, ShardPartition]:
    """A topic of two batches, one of them with a header whose name is no text."""
    settings = load_settings(brokers=broker)
    partition = PARTITION._replace(topic=f"second-{uuid4().hex[:12]}")
    make_topic(settings, partition.topic)
    for names in ([], [NO_UTF8]):
        body = record(0, b"one", key=KEY) + record(1, b"two", key=KEY, names=names)
        put_batch(settings, partition, batch(2, body))
    return settings, partition


def test_a_second_look_goes_on_where_it_was_asked_and_no_further_than_asked(
    there: tuple[Settings, ShardPartition],
) -> None:
    settings, partition = there
    found = asyncio.run(look_again(settings, partition, offset=1, most=2))
    assert [(one.offset, one.value) for one in found.records] == [(1, b"two"), (2, b"one")]
    rest = asyncio.run(look_again(settings, partition, offset=found.next_offset, most=9))
    assert [one.headers for one in rest.records] == [[("\\xff\\xfe", b"x")]]
    assert rest.next_offset == 4


def test_an_answer_that_is_none_is_trouble_of_the_broker(
    there: tuple[Settings, ShardPartition],
) -> None:
    settings, partition = there
    with pytest.raises(BrokerTrouble):
        asyncio.run(look_again(settings, partition, offset=99, most=1))
    with pytest.raises(BrokerUnreachable):
        asyncio.run(look_again(settings, partition._replace(number=7), offset=0, most=1))


def test_what_changed_since_it_was_written_stops_and_says_where() -> None:
    raw = bytearray(batch(1, record(0, b"one", key=KEY), base=5))
    raw[-2] ^= 1
    said = "market/SIT: the journal goes on at offset 5 of clearing.market/0, and there the batch"
    with pytest.raises(TopicDamaged, match=said):
        read_answer(PARTITION, Answer([], bytes(raw)), offset=5, most=1)
