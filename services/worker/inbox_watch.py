"""Looks once a second how far a shard is behind its inbox, in every state of the shard.

In: the end of the inbox in Kafka. Out: the shard's lag, and a line when another producer leaves a
transaction open.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from time import monotonic
from typing import Final

from services.broker.topics import ShardPartition
from services.broker.trouble import BrokerTrouble
from services.worker.context import WorkerContext
from services.worker.lag import Lag
from services.worker.offsets import end_of, end_with_open

END_CHECK_S: Final = 1.0

_log = logging.getLogger(__name__)


async def watch_inbox(context: WorkerContext, partition: ShardPartition, *, lag: Lag) -> None:
    """Watch until cancelled."""
    while True:
        at = monotonic()
        # Reading from Kafka reports what is wrong with it; here only its silence counts.
        with suppress(BrokerTrouble):
            readable = await end_of(context, partition)
            end = end_with_open(context, partition, readable=readable)
            lag.note_end(end, at=at, readable=readable)
            if lag.transaction.is_to_log(at):
                _log.warning("%s", lag.late_because(at), extra={"shard": partition.shard})
        await asyncio.sleep(END_CHECK_S)
