"""Which lines of a source are in Kafka already, by the numbers that Kafka gave them.

In: how far a source was recorded as fed, and where its inboxes end. Out: by shard the lines that
were sent after that, each with its offset. A producer numbers its messages for each partition, and
every feed of a source is the same producer: its messages are told from all others by that producer
and their sequence numbers, without a word in them. Source: Kafka's record batches, magic 2.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import LeaderNotAvailableError, NoError, for_code
from aiokafka.protocol.fetch import FetchRequest

from services.broker.batches import RecordBatch, TopicDamaged, read_batches
from services.broker.connecting import client_options
from services.broker.trouble import BrokerTrouble, broker_translated
from services.journal.fed_sources import FedSource, Sent
from services.journal.reader import Inbox
from services.settings import Settings

_WAIT_MS: Final = 500
_FETCH_BYTES: Final = 4 << 20
# Up to where all replicas have it: a transaction of somebody else may be open before that.
_READ_UNCOMMITTED: Final = 0
# Of a shard whose inbox was made after the source was recorded.
NOTHING_SENT: Final = Sent(0, 0)


class DeliveredLine(NamedTuple):
    """A line of a source in an inbox."""

    line: bytes
    offset: int


Delivered = Mapping[str, deque[DeliveredLine]]


async def delivered_lines(
    settings: Settings, fed: FedSource, *, ends: Mapping[Inbox, int]
) -> Delivered:
    """By shard the lines of a source behind those recorded. ends: the next offset of each inbox.

    Errors: BrokerTrouble, also when messages between them are missing.
    """
    delivered: dict[str, deque[DeliveredLine]] = {}
    with broker_translated("looking for what was fed before", settings, right="Read"):
        async with _client(settings) as client:
            for inbox, end in ends.items():
                sent = fed.sent.get(inbox.shard, NOTHING_SENT)
                lines = delivered[inbox.shard] = deque()
                async for batch in _batches(client, inbox, begin=sent.offset, end=end):
                    if batch.producer == fed.producer_id and not batch.is_control:
                        _expect_next(batch, inbox, sequence=sent.sequence + len(lines))
                        lines += [
                            DeliveredLine(record.value or b"", record.offset)
                            for record in batch.records()
                        ]
    return delivered


def _expect_next(batch: RecordBatch, inbox: Inbox, *, sequence: int) -> None:
    if batch.sequence != sequence:
        msg = (
            f"{inbox.topic}/{inbox.partition} has message {batch.sequence} of this source at "
            f"offset {batch.base_offset}, expected message {sequence}: messages are missing from "
            "the topic, restore it"
        )
        raise BrokerTrouble(msg)


@asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(**client_options(settings, "feed"))
    try:
        await client.bootstrap()
        yield client
    finally:
        await client.close()


async def _batches(
    client: AIOKafkaClient, inbox: Inbox, *, begin: int, end: int
) -> AsyncIterator[RecordBatch]:
    """The batches of an inbox between two offsets."""
    partition = TopicPartition(inbox.topic, inbox.partition)
    name = f"{inbox.topic}/{inbox.partition}"
    await client.set_topics([inbox.topic])
    while begin < end:
        leader = client.cluster.leader_for_partition(partition)
        if leader is None or leader < 0:
            raise LeaderNotAvailableError(name)
        topics = [(inbox.topic, [(inbox.partition, begin, _FETCH_BYTES)])]
        request = FetchRequest(_WAIT_MS, 1, _FETCH_BYTES, _READ_UNCOMMITTED, topics)
        fields = (await client.send(leader, request)).topics[0][1][0]
        error = for_code(fields[1])
        if error is not NoError:
            raise error(name)
        try:
            for batch in read_batches(fields[-1]):
                if begin <= batch.base_offset < end:
                    yield batch
                begin = max(begin, batch.next_offset)
        except TopicDamaged as damage:
            msg = f"{name}: {damage}: restore the topic from a copy"
            raise BrokerTrouble(msg) from damage
