"""The session's clock on a real Kafka that stops answering."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from services.broker.topics import ShardPartition, topic_name
from services.settings import Settings
from services.shards.routing import CONTROL_SHARD
from services.worker.clock import SessionClock
from tests.services.broker.passing import lose_topic, make_topic

# It is always time.
OPEN: Any = SimpleNamespace(business_date=True, is_time_in_range=lambda _: True)


def test_a_clock_whose_time_nobody_takes_is_stopped_at_once(streams: Settings) -> None:
    topic = topic_name("control", streams.topic_prefix)
    make_topic(streams, topic)
    partition = ShardPartition(CONTROL_SHARD, topic, 0)

    async def told() -> None:
        clock = SessionClock(streams)
        await clock.advance(partition, OPEN)
        await asyncio.to_thread(lose_topic, streams, topic)
        telling = asyncio.create_task(clock.advance(partition, OPEN))
        await asyncio.wait({telling}, timeout=0.2)
        async with asyncio.timeout(4):
            await clock.stop()
        telling.cancel()

    asyncio.run(told())
