"""Fetches the raw batches again where aiokafka's consumer failed or gave offsets with a gap.

In: a partition, an offset. Out: the records there, as `batches.py` reads them. It uses a connection
of its own, since the consumer's connection waits for new messages, and costs some hundredths of a
second.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import LeaderNotAvailableError, NoError, for_code
from aiokafka.protocol.fetch import FetchRequest

from services.broker.batches import Damaged, Fetched, read_batches
from services.broker.connecting import client_options
from services.broker.topics import ShardPartition
from services.broker.trouble import broker_translated
from services.settings import Settings

_WAIT_MS: Final = 500
# Kafka sends a longer batch whole too.
_BYTES: Final = 1 << 20
_READ_COMMITTED: Final = 1
# From this version of the answer on, the preferred replica stands between `aborted` and batches.
_WITH_REPLICA: Final = 11


class RawFetch(NamedTuple):
    """Kafka's answer to a fetch. aborted: of transactions the producer and the first offset."""

    aborted: list[tuple[int, int]]
    batches: bytes


class TopicDamaged(Exception):
    """A batch in Kafka does not fit its checksum; an operator must look at the brokers' disks."""


async def refetch(
    settings: Settings, partition: ShardPartition, *, offset: int, most: int
) -> Fetched:
    """At most so many records of an inbox from an offset on. Errors: BrokerTrouble, TopicDamaged.

    A batch that cannot be read is one `BrokenBatch`.
    """
    with broker_translated(f"fetching from {partition.origin} again", settings):
        raw = await _fetch(settings, partition, offset=offset)
    return await asyncio.to_thread(read_fetch, partition, raw, offset=offset, most=most)


def read_fetch(partition: ShardPartition, raw: RawFetch, *, offset: int, most: int) -> Fetched:
    """The records in an answer of Kafka. Errors: TopicDamaged."""
    try:
        return read_batches(raw.batches, offset=offset, most=most, aborted=raw.aborted)
    except Damaged as damage:
        msg = (
            f"{partition.shard}: the journal goes on at offset {offset} of {partition.origin}, "
            f"and there {damage}: see the disks of the brokers, and restore the topic from a copy"
        )
        raise TopicDamaged(msg) from damage


async def _fetch(settings: Settings, partition: ShardPartition, *, offset: int) -> RawFetch:
    client = AIOKafkaClient(**client_options(settings))
    try:
        await client.bootstrap()
        await client.set_topics([partition.topic])
        leader = client.cluster.leader_for_partition(
            TopicPartition(partition.topic, partition.number)
        )
        if leader is None or leader < 0:
            raise LeaderNotAvailableError(partition.origin)
        topics = [(partition.topic, [(partition.number, offset, _BYTES)])]
        request = FetchRequest(_WAIT_MS, 1, _BYTES, _READ_COMMITTED, topics)
        response = await client.send(leader, request)
    finally:
        await client.close()
    fields = response.topics[0][1][0]
    code, batches = fields[1], fields[-1]
    error = for_code(code)
    if error is not NoError:
        raise error(partition.origin)
    aborted = fields[-3 if response.API_VERSION >= _WITH_REPLICA else -2]
    return RawFetch(aborted or [], batches)
