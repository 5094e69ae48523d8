"""Stops a producer within seconds, even if no broker answers.

In: a producer that was started. Out: its batches are delivered, or given up after some seconds, and
none of its tasks runs on. aiokafka's own `stop` waits for every batch, and an idempotent producer
repeats a batch for ever: without a broker `stop` would never return.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Final

from aiokafka import AIOKafkaProducer

from services.broker.connecting import until_ended

STOP_S: Final = 5.0
# How long requests that were sent may take to end once their batches are given up.
_LET_GO_S: Final = 1.0


async def stop_producer(producer: AIOKafkaProducer, *, patience_s: float = STOP_S) -> None:
    """Disconnect; batches that are not delivered after so long are given up."""
    is_delivered = False
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await producer.flush()
                is_delivered = True
    finally:
        await until_ended(producer.stop() if is_delivered else _give_up(producer))
        for abandoned in _abandoned(producer):
            if abandoned.done() and not abandoned.cancelled():
                # Retrieved, or asyncio logs that nobody did.
                abandoned.exception()


def _abandoned(producer: AIOKafkaProducer) -> Iterator[asyncio.Future[object]]:
    """What a producer that was fenced off lets fail without anybody waiting for it."""
    transactions = producer._txn_manager  # noqa: SLF001 - nothing public gives it
    if transactions is not None and transactions._transaction_waiter is not None:  # noqa: SLF001
        yield transactions._transaction_waiter  # noqa: SLF001 - as above
    sending = producer._message_accumulator  # noqa: SLF001 - as above
    for batch in chain(*sending._batches.values(), sending._pending_batches):  # noqa: SLF001
        yield batch.future
        yield batch._drain_waiter  # noqa: SLF001 - as above


async def _give_up(producer: AIOKafkaProducer) -> None:
    """Stop without waiting for the batches."""
    sender = producer._sender.sender_task  # noqa: SLF001 - nothing public ends it
    # Cancelled once, it waits for its requests; cancelled twice, it does not.
    for _ in range(2):
        sender.cancel()
        await asyncio.wait({sender}, timeout=_LET_GO_S)
    producer._closed = True  # noqa: SLF001 - else it complains of never having been stopped
    await producer.client.close()
