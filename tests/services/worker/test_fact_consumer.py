"""The consumer that the operations page shows takes each fact once, also when they come twice."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from aiokafka import AIOKafkaProducer

from services.broker.connecting import producer_options, started
from services.broker.fact_messages import next_block
from services.broker.topic_creation import TopicPlan, make_topics
from services.broker.topics import ShardPartition, facts_of, topic_name
from services.journal.fact_pieces import facts_after
from services.journal.reader import Reader
from services.settings import Settings
from tests.services.worker.fact_readers import journal_facts
from tests.streaming_house import ROOT
from tests.streams import Streams
from tests.twin.generate import written

SHARDS = ("control/0", "market/SIT", "member/0")


def consumer_shown() -> str:
    """The program on the page."""
    page = (ROOT / "services/OPERATIONS.md").read_text("utf-8")
    return page.partition("<!-- consumer -->\n```python\n")[2].partition("```")[0]


async def publish_twice(settings: Settings) -> None:
    """All facts, and all of them again, as into a topic that was made anew."""
    options = producer_options(settings)
    producer = await started(lambda: AIOKafkaProducer(**options), settings)
    try:
        for shard in SHARDS * 2:
            await put_facts(producer, settings, partition=facts_of(shard, settings.topic_prefix))
    finally:
        await producer.stop()


async def put_facts(
    producer: AIOKafkaProducer, settings: Settings, *, partition: ShardPartition
) -> None:
    """All facts of a shard."""
    with Reader(str(settings.database)) as reader:
        pieces = facts_after(reader, partition.shard, after=-1)
        block = next_block(pieces, shard=partition.shard, make=producer.create_batch)
    assert block is not None
    for batch in block.batches:
        await (await producer.send_batch(batch, partition.topic, partition=partition.number))


def test_the_consumer_of_the_page_takes_each_fact_once_in_order(
    streams: Settings, tmp_path: Path
) -> None:
    settings = streams.model_copy(update={"publish_facts": True})
    make_topics(settings, TopicPlan(replication=1, min_insync=1))
    with Streams(str(settings.database)) as inboxes:
        inboxes.feed(written(3, 1).lines)
    asyncio.run(publish_twice(settings))
    program = tmp_path / "consumer.py"
    program.write_text(consumer_shown(), "utf-8")
    expected = {
        shard: [each.fact for each in journal_facts(str(settings.database), shard)]
        for shard in SHARDS
    }
    command = [sys.executable, str(program), settings.brokers]
    command.append(topic_name("facts", settings.topic_prefix))
    seen: dict[str, list[bytes]] = {shard: [] for shard in SHARDS}
    with subprocess.Popen(command, stdout=subprocess.PIPE) as consumer:
        assert consumer.stdout is not None
        for _ in range(sum(map(len, expected.values()))):
            fact = consumer.stdout.readline().rstrip(b"\n")
            seen[json.loads(fact)["shard"]].append(fact)
        consumer.kill()
        rest = consumer.stdout.read()
    assert (seen, rest) == (expected, b"")


def test_the_consumer_of_the_page_has_twenty_lines() -> None:
    assert len([line for line in consumer_shown().splitlines() if line.strip()]) <= 20
