"""Ending a producer, whatever the broker does.

In: a producer that was started. Out: what it was given is delivered, or given up after some
seconds; nothing of it runs on. aiokafka's own `stop` waits for every batch, and an idempotent one
is tried for ever: with no broker it would never come back.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaProducer

STOP_S: Final = 5.0
# For requests that are on their way when nothing is waited for any more.
_LET_GO_S: Final = 1.0


async def stop_producer(producer: AIOKafkaProducer, *, patience_s: float = STOP_S) -> None:
    """Disconnect; what is not delivered after so long is given up."""
    is_delivered = False
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await producer.flush()
                is_delivered = True
    finally:
        await (producer.stop() if is_delivered else _give_up(producer))


async def _give_up(producer: AIOKafkaProducer) -> None:
    """What `stop` does, without waiting for the batches."""
    sender = producer._sender.sender_task  # noqa: SLF001 - nothing public ends it
    # Cancelled once it waits for its requests, cancelled twice it leaves them.
    for _ in range(2):
        sender.cancel()
        await asyncio.wait({sender}, timeout=_LET_GO_S)
    producer._closed = True  # noqa: SLF001 - else it complains of never having been stopped
    await producer.client.close()
