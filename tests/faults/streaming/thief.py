"""A consumer that is no worker, in the workers' group: what it has is not cleared meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError

from services.broker.topics import partition_counts
from services.settings import Settings


async def steal_group_for(settings: Settings, seconds: float) -> None:
    """Be in the group for a while; a broker that is away lets nobody in."""
    consumer = AIOKafkaConsumer(
        *partition_counts(settings.topic_prefix),
        bootstrap_servers=settings.brokers.split(","),
        group_id=settings.group,
        # Who shares in another way than workers do is not let in.
        partition_assignment_strategy=(StickyPartitionAssignor,),
        client_id="thief",
        auto_offset_reset="latest",
        enable_auto_commit=False,
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=settings.heartbeat_interval_ms,
    )
    try:
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(10 + seconds):
                await consumer.start()
                await asyncio.sleep(seconds)
    finally:
        with suppress(KafkaError):
            await consumer.stop()
