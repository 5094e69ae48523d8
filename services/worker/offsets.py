"""The offset of the next message, checked against the offsets that Kafka has (ARCHITECTURE §3, §4).

In: the offset that Postgres expects next. Out: nothing, or `OffsetLost` in words an operator can
use. Silence after lost data would be worse than a stop.
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
LEADER_CATCH_UP_S: Final = 10.0
END_POLL_S: Final = 0.5


class OffsetLost(Exception):
    """Kafka does not have the messages that come next; an operator must decide."""


async def check_offset(
    context: WorkerContext,
    partition: ShardPartition,
    *,
    next_offset: int,
    patience_s: float = LEADER_CATCH_UP_S,
) -> None:
    """Raise OffsetLost unless the next message is there or still to come."""
    until = monotonic() + patience_s
    first, end = await _offsets(context, partition)
    while next_offset > end and monotonic() < until:
        # One that is cut off from the others answers for the leader that it was.
        context.consumer._client.force_metadata_update()  # noqa: SLF001 - nothing public does it
        await asyncio.sleep(END_POLL_S)
        first, end = await _offsets(context, partition)
    if next_offset < first:
        remedy = (
            f"the {first - next_offset} between them are lost to the journal: restore the topic "
            "from a copy, or have them sent again under the journal of a new database"
        )
    elif next_offset > end:
        remedy = (
            "the topic was truncated or made anew: restore it, or the database that belongs to it; "
            "but first look whether the broker that leads it is cut off from the others"
        )
    else:
        return
    msg = (
        f"{partition.shard}: the journal goes on at offset {next_offset} of {partition.origin}, "
        f"Kafka has {first} to {end}: {remedy}"
    )
    raise OffsetLost(msg)


async def _offsets(context: WorkerContext, partition: ShardPartition) -> tuple[int, int]:
    """The offsets of the first message that Kafka has of an inbox, and of the next to come."""
    topic_partition = TopicPartition(partition.topic, partition.number)
    with broker_translated(f"asking for the offsets of {partition.origin}", context.settings):
        first = (await context.consumer.beginning_offsets([topic_partition]))[topic_partition]
        end = (await context.consumer.end_offsets([topic_partition]))[topic_partition]
    return first, end


async def end_of(context: WorkerContext, partition: ShardPartition) -> int:
    """The offset up to which messages of an inbox can be read. Errors: BrokerTrouble.

    If no transaction is open it is the offset that the next message will have.
    """
    topic_partition = TopicPartition(partition.topic, partition.number)
    with broker_translated(f"asking for the end of {partition.origin}", context.settings):
        ends: dict[TopicPartition, int] = await context.consumer.end_offsets([topic_partition])
    return ends[topic_partition]


def end_with_open(context: WorkerContext, partition: ShardPartition, *, readable: int) -> int:
    """The offset that the next message of an inbox will have, also behind an open transaction.

    readable: what `end_of` gave just now. Each answer to a fetch says the end too: where that is
    beyond what can be read now, a transaction is open.
    """
    topic_partition = TopicPartition(partition.topic, partition.number)
    if topic_partition not in context.consumer.assignment():
        return readable
    return max(readable, context.consumer.highwater(topic_partition) or 0)
