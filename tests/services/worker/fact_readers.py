"""The facts of a shard as Kafka and as the journal have them, for tests of publishing."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.broker.connecting import client_options, started
from services.broker.topics import facts_of
from services.journal.reader import Reader
from services.settings import Settings


class SeenFact(NamedTuple):
    """A fact by its place in the journal."""

    shard: str
    seq: int
    position: int
    fact: bytes


def journal_facts(url: str, shard: str) -> list[SeenFact]:
    """All facts of a shard, by a query of our own and the reader of parts."""
    seen = []
    with Reader(url) as reader:
        rows = reader.connection.execute(
            "SELECT seq, parts, facts FROM clearing.journal WHERE shard = %s ORDER BY seq", [shard]
        ).fetchall()
        for seq, parts, first in rows:
            texts = [first, *(reader.parts(shard, seq) if parts > 1 else ())]
            lines = [line for text in texts for line in text.splitlines()]
            seen += [SeenFact(shard, seq, at, line) for at, line in enumerate(lines)]
    return seen


def kafka_facts(
    settings: Settings, shard: str, *, isolation: str = "read_committed"
) -> list[SeenFact]:
    """All facts in a shard's partition, in its order, after its headers and keys were checked."""
    return asyncio.run(_kafka_facts(settings, shard, isolation))


async def _kafka_facts(settings: Settings, shard: str, isolation: str) -> list[SeenFact]:
    partition = facts_of(shard, settings.topic_prefix)
    at = TopicPartition(partition.topic, partition.number)
    options = client_options(settings) | {"isolation_level": isolation}
    consumer = await started(lambda: AIOKafkaConsumer(**options), settings)
    seen = []
    try:
        consumer.assign([at])
        await consumer.seek_to_beginning(at)
        end = (await consumer.end_offsets([at]))[at]
        async with asyncio.timeout(60):
            while await consumer.position(at) < end:
                for record in (await consumer.getmany(at, timeout_ms=200)).get(at, ()):
                    headers = dict(record.headers)
                    assert record.key == shard.encode() == headers["shard"]
                    assert record.value.startswith(b'{"type":"%b",' % headers["type"])
                    seq, position = int(headers["seq"]), int(headers["position"])
                    seen.append(SeenFact(shard, seq, position, record.value))
    finally:
        await consumer.stop()
    return seen
