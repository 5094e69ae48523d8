"""Facts out: journal order, never a gap, through kills and takeovers, on a real Kafka."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiokafka import AIOKafkaProducer
from kafka import TopicPartition

from services.broker import fact_messages
from services.broker.connecting import producer_options, started
from services.broker.fact_messages import PublishedFact, last_fact
from services.broker.topic_creation import TopicPlan, make_topics
from services.broker.topic_state import topics_admin
from services.broker.topics import facts_of, topic_name
from services.broker.trouble import TopicsUnfit
from services.journal.fact_pieces import facts_after
from services.journal.reader import Reader
from services.settings import Settings
from services.worker import fact_sender
from services.worker.durable_rows import DurableRows
from services.worker.fact_host import FactHost
from services.worker.fact_sender import FactSender, FactsUnfit, pieces_after
from services.worker.metrics import Metrics
from tests.services.broker.passing import lose_topic
from tests.services.worker.fact_readers import SeenFact, journal_facts, kafka_facts
from tests.streams import Streams
from tests.twin.generate import written
from tests.waiting import until

SIT = "market/SIT"
SHARDS = ("control/0", SIT, "member/0")


@pytest.fixture
def facts(streams: Settings) -> Settings:
    """Settings whose topics are there, that of facts too, and a journal with a market of a day."""
    settings = streams.model_copy(update={"publish_facts": True})
    make_topics(settings, TopicPlan(replication=1, min_insync=1))
    with Streams(str(settings.database)) as inboxes:
        inboxes.feed(written(3, 1).lines)
    return settings


async def published_all(settings: Settings, shard: str) -> None:
    """Wait until the last fact of a shard is in Kafka."""
    last = journal_facts(str(settings.database), shard)[-1]
    async with asyncio.timeout(60):
        while True:
            if await last_fact(settings, facts_of(shard, settings.topic_prefix)) == last[1:]:
                return
            await asyncio.sleep(0.1)


async def publish(settings: Settings) -> None:
    """A publisher runs until all is in Kafka."""
    host = FactHost(lambda: None, settings=settings)
    await host.start()
    try:
        await asyncio.gather(*[published_all(settings, shard) for shard in SHARDS])
    finally:
        await host.stop()
    assert host.failure is None


def check_published(settings: Settings) -> None:
    """Kafka has each fact once, in the order of the journal."""
    for shard in SHARDS:
        assert kafka_facts(settings, shard) == journal_facts(str(settings.database), shard) != []


async def sender_of(settings: Settings) -> FactSender:
    """A sender of the market, which knows what is durable."""
    durable = DurableRows()
    with Reader(str(settings.database)) as reader:
        await durable.note({shard: head.seq for shard, head in reader.heads().items()})
    partition = facts_of(SIT, settings.topic_prefix)
    return FactSender(partition, settings, metrics=Metrics(), durable=durable)


async def send_until_published(settings: Settings, *, senders: int) -> None:
    """So many senders of one market at once, until all is in Kafka."""
    sending = [
        asyncio.create_task((await sender_of(settings)).run(), name=f"sender {number}")
        for number in range(senders)
    ]
    await published_all(settings, SIT)
    for task in sending:
        task.cancel()
    await asyncio.wait(sending)


def test_every_fact_is_published_once_in_the_order_of_the_journal(facts: Settings) -> None:
    asyncio.run(publish(facts))
    check_published(facts)
    # A second one finds all of it there.
    asyncio.run(publish(facts))
    check_published(facts)


def test_senders_of_one_shard_fence_each_other_and_do_not_interleave(
    facts: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fact_messages, "BLOCK_BYTES", 300)
    # Long enough for the other one to publish something before it is fenced in its turn.
    monkeypatch.setattr(fact_sender, "_RETRY_S", 2.0)
    monkeypatch.setattr(fact_sender, "_RETRY_S_MAX", 2.0)
    asyncio.run(send_until_published(facts, senders=2))
    assert kafka_facts(facts, SIT) == journal_facts(str(facts.database), SIT)
    assert "fenced" in caplog.text.lower() or "epoch" in caplog.text.lower(), caplog.text


def test_nothing_is_published_behind_a_transaction_of_somebody_else(facts: Settings) -> None:
    partition = facts_of(SIT, facts.topic_prefix)
    _, topic, number = partition

    async def look_while_it_is_open() -> None:
        options = producer_options(facts) | {"transactional_id": "stranger"}
        stranger = await started(lambda: AIOKafkaProducer(**options), facts)
        await stranger.begin_transaction()
        await stranger.send_and_wait(topic, b"?", partition=number)
        try:
            with pytest.raises(TopicsUnfit, match=f"open in {topic}/{number} from offset 0 on"):
                await last_fact(facts, partition)
        finally:
            await stranger.abort_transaction()
            await stranger.stop()

    asyncio.run(look_while_it_is_open())
    asyncio.run(publish(facts))
    check_published(facts)


def test_what_a_dead_sender_left_uncommitted_is_not_read(
    facts: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Death(Exception):
        """The end of a process between sending facts and committing them."""

    async def die(_: AIOKafkaProducer) -> None:
        raise Death

    async def dead() -> None:
        await (await sender_of(facts)).run()

    with monkeypatch.context() as patch:
        patch.setattr(AIOKafkaProducer, "commit_transaction", die)
        with pytest.raises(Death):
            asyncio.run(dead())
    asyncio.run(send_until_published(facts, senders=1))
    expected = journal_facts(str(facts.database), SIT)
    assert kafka_facts(facts, SIT) == expected
    assert len(kafka_facts(facts, SIT, isolation="read_uncommitted")) > len(expected)


def test_publishing_goes_on_right_after_any_fact(facts: Settings) -> None:
    seen = journal_facts(str(facts.database), SIT)
    with Reader(str(facts.database)) as reader:
        for number, (_, seq, position, text) in enumerate(seen):
            rest = [
                SeenFact(SIT, piece.seq, position, fact)
                for piece in pieces_after(reader, SIT, last=PublishedFact(seq, position, text))
                for position, fact in enumerate(piece.facts.splitlines(), piece.first)
            ]
            assert rest == seen[number + 1 :]


@pytest.mark.parametrize(
    ("seq", "position", "reason"),
    [
        (10**6, 0, "the journal ends at row"),
        (0, 0, "the journal has another there"),
        (0, 99, "the journal has another there"),
    ],
)
def test_facts_of_another_journal_are_not_gone_on_from(
    facts: Settings, seq: int, position: int, reason: str
) -> None:
    last = PublishedFact(seq, position, b"{}")
    with Reader(str(facts.database)) as reader, pytest.raises(FactsUnfit, match=reason):
        list(pieces_after(reader, SIT, last=last))


def test_a_fact_in_a_further_part_has_its_place_in_the_row() -> None:
    class Parts:
        """A reader of one row in three parts."""

        def __init__(self) -> None:
            self.connection = self
            self.rows = [(0, 3, b"a\nb")]

        def execute(self, *_: object, **__: object) -> Parts:
            return self

        def fetchall(self) -> list[tuple[int, int, bytes]]:
            rows, self.rows = self.rows, []
            return rows

        def parts(self, *_: object) -> list[bytes]:
            return [b"c", b"d\ne"]

    assert [*facts_after(Parts(), SIT, after=-1)] == [  # type: ignore[arg-type] # its part that is used
        (0, 0, b"a\nb", False),
        (0, 2, b"c", False),
        (0, 3, b"d\ne", True),
    ]


def test_what_kafka_has_deleted_by_age_is_published_anew(facts: Settings) -> None:
    asyncio.run(send_until_published(facts, senders=1))
    partition = facts_of(SIT, facts.topic_prefix)
    at = TopicPartition(partition.topic, partition.number)
    with topics_admin(facts) as admin:
        admin.delete_records({at: -1})
    asyncio.run(send_until_published(facts, senders=1))
    assert kafka_facts(facts, SIT) == journal_facts(str(facts.database), SIT)


def test_a_message_of_somebody_else_is_named(facts: Settings) -> None:
    partition = facts_of(SIT, facts.topic_prefix)

    async def put() -> None:
        options = producer_options(facts)
        producer = await started(lambda: AIOKafkaProducer(**options), facts)
        await producer.send_and_wait(partition.topic, b"{}", partition=partition.number)
        await producer.stop()

    asyncio.run(put())
    with pytest.raises(TopicsUnfit, match="somebody else writes there"):
        asyncio.run(last_fact(facts, partition))


def test_a_publisher_without_its_topic_says_what_to_do_and_goes_on_when_it_is_there(
    facts: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    lose_topic(facts, topic_name("facts", facts.topic_prefix))

    async def made_late() -> None:
        publishing = asyncio.create_task(publish(facts))
        await asyncio.to_thread(
            until, lambda: "run `clearing topics create`" in caplog.text, "said"
        )
        await asyncio.to_thread(make_topics, facts, TopicPlan(replication=1, min_insync=1))
        await publishing

    asyncio.run(made_late())
    check_published(facts)


def test_facts_that_stand_still_are_told_and_counted(
    facts: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fact_sender, "_STILL_S", 0.1)
    monkeypatch.setattr(fact_sender, "_WATCH_S", 0.05)
    nowhere = facts.model_copy(update={"brokers": "127.0.0.1:1"})

    async def stand_still() -> str:
        sender = await sender_of(nowhere)
        sending = asyncio.create_task(sender.run())
        await asyncio.sleep(1)
        text = sender._metrics.text().decode()  # noqa: SLF001 - the page of this sender
        sending.cancel()
        await asyncio.wait({sending})
        return text

    with caplog.at_level(logging.WARNING):
        text = asyncio.run(stand_still())
    assert "facts stand still" in caplog.text
    (line,) = [each for each in text.splitlines() if each.startswith("clearing_facts_lag_seconds{")]
    assert float(line.split()[1]) > 0
