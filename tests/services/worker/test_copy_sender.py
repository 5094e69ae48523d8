"""The control copier against a Kafka that stops answering, and a Postgres in trouble."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from services.broker.connecting import client_options, started
from services.broker.topics import topic_name
from services.journal.migrate import migrate
from services.journal.trouble import SchemaMissing
from services.settings import Settings
from services.worker.context import WorkerContext
from services.worker.copy_sender import CopySender
from services.worker.metrics import Metrics
from services.worker.pg_notify import CONTROL_CHANNEL, Notices
from tests.services.broker.passing import lose_topic, make_topic
from tests.streams import Streams

ADVANCE = {"type": "advance_clock/1", "at": "2026-06-01T09:00:00Z"}


@pytest.fixture
def shards(streams: Settings) -> Iterator[Streams]:
    """The shards of an empty journal, and topics for what is copied to them."""
    assert streams.database is not None
    migrate(streams.database)
    for kind in ("market", "member"):
        make_topic(streams, topic_name(kind, streams.topic_prefix))
    with Streams(streams.database) as made:
        yield made


def say(shards: Streams) -> None:
    """A control command that stands."""
    shards.put("control/0", json.dumps(ADVANCE).encode())
    shards.run_shard("control/0")


def context_of(settings: Settings) -> WorkerContext:
    """What a copier needs of a worker."""
    assert settings.database is not None
    consumer: Any = None
    notices = Notices(settings.database)
    return WorkerContext(settings, settings.database, consumer, Metrics(), notices)


async def copies_of(settings: Settings, topic: str) -> list[bytes]:
    """What was copied into a topic, as soon as there is something."""
    options = client_options(settings) | {"auto_offset_reset": "earliest"}
    consumer = await started(lambda: AIOKafkaConsumer(topic, **options), settings)
    try:
        async with asyncio.timeout(10):
            found = await consumer.getone()
        return [found.value]
    finally:
        await consumer.stop()


def test_a_copier_whose_copies_nobody_takes_is_stopped_at_once(
    streams: Settings, shards: Streams
) -> None:
    market = topic_name("market", streams.topic_prefix)

    async def copied() -> None:
        context = context_of(streams)
        copying = asyncio.create_task(CopySender(context).run())
        await asyncio.to_thread(say, shards)
        assert await copies_of(streams, market) == [json.dumps(ADVANCE).encode()]
        await asyncio.to_thread(lose_topic, streams, market)
        await asyncio.to_thread(say, shards)
        context.notices.wake(CONTROL_CHANNEL)
        await asyncio.wait({copying}, timeout=0.5)
        copying.cancel()
        done, _ = await asyncio.wait({copying}, timeout=4)
        assert done

    asyncio.run(copied())


def test_what_does_not_pass_by_itself_ends_the_copier(streams: Settings) -> None:
    async def copied() -> None:
        async with asyncio.timeout(5):
            await CopySender(context_of(streams)).run()

    with pytest.raises(SchemaMissing):
        asyncio.run(copied())
