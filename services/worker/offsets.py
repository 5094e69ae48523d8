"""Where an inbox goes on, held against what Kafka still has (ARCHITECTURE §3, §4).

In: the offset that Postgres wants next. Out: nothing, or `OffsetLost` in words an operator can use.
Silence after lost data would be worse than a stop.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

from aiokafka import TopicPartition

from services.broker.topics import ShardPartition
from services.broker.trouble import broker_translated
from services.worker.context import WorkerContext

# A broker that just became the leader says an end too low until its followers have caught up: a
# moment. A topic that lost its end still has lost it then.
PATIENCE_S: Final = 10.0
AGAIN_S: Final = 0.5


class OffsetLost(Exception):
    """Kafka does not have the messages that come next; an operator must decide."""


async def check_offset(
    around: WorkerContext, partition: ShardPartition, *, wanted: int, patience_s: float = PATIENCE_S
) -> None:
    """Raise OffsetLost unless the next message is there or still to come."""
    until = monotonic() + patience_s
    first, end = await _held(around, partition)
    while wanted > end and monotonic() < until:
        await asyncio.sleep(AGAIN_S)
        first, end = await _held(around, partition)
    if wanted < first:
        remedy = (
            f"the {first - wanted} between them are lost to the journal: restore the topic from "
            "a copy, or have them sent again under the journal of a new database"
        )
    elif wanted > end:
        remedy = (
            "the topic was truncated or made anew: restore it, or the database that belongs to it"
        )
    else:
        return
    msg = (
        f"{partition.shard}: the journal goes on at offset {wanted} of {partition.origin}, "
        f"Kafka has {first} to {end}: {remedy}"
    )
    raise OffsetLost(msg)


async def _held(around: WorkerContext, partition: ShardPartition) -> tuple[int, int]:
    """From which offset on Kafka has the messages of an inbox, and where the next will be."""
    topic_partition = TopicPartition(partition.topic, partition.number)
    with broker_translated(f"asking for the offsets of {partition.origin}", around.settings):
        first = (await around.consumer.beginning_offsets([topic_partition]))[topic_partition]
        end = (await around.consumer.end_offsets([topic_partition]))[topic_partition]
    return first, end


async def end_of(around: WorkerContext, partition: ShardPartition) -> int:
    """The offset that the next message of an inbox will have. Errors: BrokerTrouble."""
    topic_partition = TopicPartition(partition.topic, partition.number)
    with broker_translated(f"asking for the end of {partition.origin}", around.settings):
        ends: dict[TopicPartition, int] = await around.consumer.end_offsets([topic_partition])
    return ends[topic_partition]
