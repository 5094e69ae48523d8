"""A supervisor reads no inbox before the topics are known to be those of its journal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.broker.connecting import consumer_options, started
from services.broker.topics import partition_of
from services.broker.trouble import TopicsUnfit
from services.journal.embedded import EmbeddedServer
from services.worker.context import WorkerContext
from services.worker.metrics import Metrics
from services.worker.pg_notify import Notices
from services.worker.shard_supervisor import ShardSupervisor
from tests.services.worker.test_worker import offset_of, put
from tests.streaming_house import StreamingHouse

SIT = "market/SIT"
# Far longer than loading takes, and reading a message that is there.
READ_S = 2.0
END_S = 10.0


@pytest.fixture
def house(broker: str, postgres: EmbeddedServer, tmp_path: Path) -> Iterator[StreamingHouse]:
    """A clearinghouse on the shared broker, and nobody at work."""
    with StreamingHouse(broker, postgres, tmp_path) as made:
        yield made


async def keep_until_checked(house: StreamingHouse, answer: Exception) -> None:
    """Keep SIT with a message in its inbox; the answer of the check comes late."""
    partition = partition_of(SIT, house.name)
    await put(house, SIT, b"{}")
    options = consumer_options(house.settings) | {"group_id": None}
    consumer = await started(lambda: AIOKafkaConsumer(**options), house.settings)
    try:
        consumer.assign([TopicPartition(partition.topic, partition.number)])
        context = WorkerContext(house.settings, house.url, consumer, Metrics(), Notices(house.url))
        checked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        supervisor = ShardSupervisor(partition, context, checked=checked)
        keeping = asyncio.create_task(supervisor.run())
        await asyncio.sleep(READ_S)
        checked.set_exception(answer)
        async with asyncio.timeout(END_S):
            await keeping
    finally:
        await consumer.stop()


def test_nothing_of_a_topic_that_was_made_anew_is_taken(house: StreamingHouse) -> None:
    with pytest.raises(TopicsUnfit, match="made anew"):
        asyncio.run(keep_until_checked(house, TopicsUnfit("made anew")))
    assert offset_of(house, SIT) == 0
