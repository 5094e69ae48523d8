"""Looks once a second how far a shard is behind its inbox, in every state of the shard.

In: the end of the inbox in Kafka, the commit that is under way. Out: the shard's lag; a line when
another producer leaves a transaction open, or a commit hangs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

from services.broker.topics import ShardPartition
from services.broker.trouble import BrokerTrouble
from services.worker.context import WorkerContext
from services.worker.lag import Lag
from services.worker.lasting import Lasting
from services.worker.offsets import end_of, end_with_open

END_CHECK_S: Final = 1.0

_log = logging.getLogger(__name__)


async def watch_inbox(
    context: WorkerContext,
    partition: ShardPartition,
    *,
    lag: Lag,
    commit_began: Callable[[], float | None],
) -> None:
    """Watch until cancelled. commit_began: when the commit began that is under way."""
    hanging, where = Lasting(), {"shard": partition.shard}
    while True:
        at = monotonic()
        commit_s = at - (commit_began() or at)
        context.metrics.note_commit(partition.shard, commit_s)
        if hanging.is_to_log(commit_s, now=at):
            _log.warning("a commit has lasted for %.0f s", commit_s, extra=where)
        # Reading from Kafka reports what is wrong with it; here only its silence counts.
        with suppress(BrokerTrouble):
            readable = await end_of(context, partition)
            end = end_with_open(context, partition, readable=readable)
            lag.note_end(end, at=at, readable=readable)
            if lag.transaction.is_to_log(at):
                _log.warning("%s", lag.late_because(at), extra=where)
        await asyncio.sleep(END_CHECK_S)
