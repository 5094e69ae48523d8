"""What somebody with write access does to an inbox: bombs, and transactions that he leaves open.

In: a house, an inbox. Out: a batch that holds more than it may; messages that are never committed.
A broker that is away takes neither.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.broker.connecting import producer_options
from services.broker.topics import partition_of
from services.broker.trouble import BrokerTrouble
from services.settings import Settings
from tests.raw_batches import bomb, put_batch

# Kafka ends what its producer has left once it is older; it looks every ten seconds.
ABANDONED_MS: Final = 4_000
_ANSWER_S: Final = 20.0


def send_bomb(settings: Settings, shard: str, *, codec: int) -> None:
    """A batch of a few kilobytes that holds 18 MiB, into the inbox of a shard."""
    with suppress(KafkaError, BrokerTrouble):
        put_batch(settings, partition_of(shard, settings.topic_prefix), bomb(codec))


async def hold_transaction(
    settings: Settings, shard: str, *, seconds: float, is_abandoned: bool
) -> None:
    """A message in a transaction that is open for a while, and then aborted, by us or by Kafka."""
    partition = partition_of(shard, settings.topic_prefix)
    options = producer_options(settings, "stranger") | {
        "transactional_id": uuid4().hex,
        "transaction_timeout_ms": ABANDONED_MS if is_abandoned else 60_000,
    }
    producer = AIOKafkaProducer(**options)
    with suppress(KafkaError, TimeoutError):
        try:
            async with asyncio.timeout(_ANSWER_S):
                await producer.start()
                await producer.begin_transaction()
                await producer.send_and_wait(partition.topic, b"never", partition=partition.number)
            await asyncio.sleep(seconds)
            if not is_abandoned:
                async with asyncio.timeout(_ANSWER_S):
                    await producer.abort_transaction()
        finally:
            await vanish(producer)


async def vanish(producer: AIOKafkaProducer) -> None:
    """End a producer as if it were killed: leaving in order would abort its transaction."""
    await producer.client.close()
    producer._closed = True  # noqa: SLF001
    sender = producer._sender  # noqa: SLF001
    if sender is not None and sender.sender_task is not None:
        sender.sender_task.cancel()
