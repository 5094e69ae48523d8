"""Fetching once more what aiokafka could not read, or read as something else.

In: a partition, an offset. Out: what lies there (`batches.py`), over a connection of its own: that
of the consumer waits for new messages meanwhile. It costs some hundredths of a second, and is asked
only where a fetch failed or its offsets are not one after another.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import LeaderNotAvailableError, NoError, for_code
from aiokafka.protocol.fetch import FetchRequest

from services.broker.batches import Damaged, Found, read_batches
from services.broker.connecting import client_options
from services.broker.topics import ShardPartition
from services.broker.trouble import broker_translated
from services.settings import Settings

_WAIT_MS: Final = 500
# A batch that is longer comes whole all the same.
_BYTES: Final = 1 << 20
_READ_COMMITTED: Final = 1
# From this version of the answer on, the replica to read from stands before the batches.
_WITH_REPLICA: Final = 11


class Answer(NamedTuple):
    """What Kafka answers to a fetch. aborted: producers and first offsets of transactions."""

    aborted: list[tuple[int, int]]
    batches: bytes


class TopicDamaged(Exception):
    """What Kafka keeps is not what it was given; an operator must look at its disks."""


async def look_again(
    settings: Settings, partition: ShardPartition, *, offset: int, most: int
) -> Found:
    """At most so many records of an inbox from an offset on. Errors: BrokerTrouble, TopicDamaged.

    Records that nobody can read are one `BrokenBatch`.
    """
    with broker_translated(f"fetching from {partition.origin} again", settings):
        answer = await _fetched(settings, partition, offset=offset)
    return await asyncio.to_thread(read_answer, partition, answer, offset=offset, most=most)


def read_answer(partition: ShardPartition, answer: Answer, *, offset: int, most: int) -> Found:
    """The records in an answer of Kafka. Errors: TopicDamaged."""
    try:
        return read_batches(answer.batches, offset=offset, most=most, aborted=answer.aborted)
    except Damaged as damage:
        msg = (
            f"{partition.shard}: the journal goes on at offset {offset} of {partition.origin}, "
            f"and there {damage}: see the disks of the brokers, and restore the topic from a copy"
        )
        raise TopicDamaged(msg) from damage


async def _fetched(settings: Settings, partition: ShardPartition, *, offset: int) -> Answer:
    client = AIOKafkaClient(**client_options(settings))
    try:
        await client.bootstrap()
        await client.set_topics([partition.topic])
        leader = client.cluster.leader_for_partition(
            TopicPartition(partition.topic, partition.number)
        )
        if leader is None or leader < 0:
            raise LeaderNotAvailableError(partition.origin)
        wanted = [(partition.topic, [(partition.number, offset, _BYTES)])]
        response = await client.send(
            leader, FetchRequest(_WAIT_MS, 1, _BYTES, _READ_COMMITTED, wanted)
        )
    finally:
        await client.close()
    _, code, _, *rest = response.topics[0][1][0]
    error = for_code(code)
    if error is not NoError:
        raise error(partition.origin)
    aborted = rest[-3 if response.API_VERSION >= _WITH_REPLICA else -2]
    return Answer(aborted or [], rest[-1])
