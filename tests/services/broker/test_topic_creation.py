"""Making topics on a real broker and recording them; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka import KafkaProducer

from events.contracts import PRODUCTS
from services.broker.topic_creation import TopicPlan, make_topics
from services.broker.topic_safety import Safety, check_kafka
from services.broker.topic_state import check_recorded, existing_topics, topics_admin
from services.broker.topics import fact_partitions, partition_counts, shard_partitions
from services.broker.trouble import TopicsUnfit
from services.embedded.clear import clear
from services.journal.reader import Inbox, Reader
from services.journal.trouble import FedOtherwise
from services.settings import Settings
from tests.waiting import until_kafka_shows

ONE = TopicPlan(replication=1, min_insync=1)


def database_of(settings: Settings) -> str:
    """The database that these settings name."""
    assert settings.database is not None
    return settings.database


def recorded(settings: Settings) -> list[Inbox]:
    """The table of inboxes."""
    with Reader(database_of(settings)) as reader:
        return reader.inboxes()


def check(settings: Settings) -> None:
    """What a worker does at its start."""
    with Reader(database_of(settings)) as reader:
        check_recorded(settings, reader)


def test_topics_are_made_and_each_shard_has_its_inbox_recorded(streams: Settings) -> None:
    assert len(make_topics(streams, ONE)) == 3 + len(shard_partitions())
    with topics_admin(streams) as admin:
        topics = existing_topics(admin, partition_counts(streams.topic_prefix, with_facts=True))
    assert {topic.name: topic.partitions for topic in topics.values()} == partition_counts(
        streams.topic_prefix
    )
    assert recorded(streams) == [
        Inbox(partition.shard, partition.topic, partition.number, topics[partition.topic].topic_id)
        for partition in shard_partitions(streams.topic_prefix)
    ]
    check(streams)


def test_the_second_time_nothing_is_done(streams: Settings) -> None:
    make_topics(streams, ONE)
    before = recorded(streams)
    assert make_topics(streams, TopicPlan()) == []
    assert recorded(streams) == before


def test_topics_keep_every_message_and_are_dated_by_kafka(streams: Settings) -> None:
    make_topics(streams, ONE)
    with topics_admin(streams) as admin:
        topics = existing_topics(admin, partition_counts(streams.topic_prefix, with_facts=True))
    for topic in topics.values():
        assert {name: topic.configs[name] for name in ONE.configs} == {
            "cleanup.policy": "delete",
            "min.insync.replicas": "1",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "max.message.bytes": "1048576",
            "message.timestamp.type": "LogAppendTime",
            "unclean.leader.election.enable": "false",
        }


def test_a_limit_of_days_is_in_milliseconds() -> None:
    assert TopicPlan(retention_days=30).configs["retention.ms"] == "2592000000"


def test_more_replicas_than_brokers_are_refused_before_anything_is_made(streams: Settings) -> None:
    with pytest.raises(TopicsUnfit, match=r"9 replicas need as many brokers.*--development"):
        make_topics(streams, TopicPlan(replication=9))
    assert recorded(streams) == []


def test_after_a_crash_between_kafka_and_postgres_the_same_again_ends_it(
    streams: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("services.broker.topic_creation.record_inboxes", _crash)
        with pytest.raises(KeyboardInterrupt):
            make_topics(streams, ONE)
    assert recorded(streams) == []
    assert [line.split()[0] for line in make_topics(streams, ONE)] == ["recorded"] * len(
        shard_partitions()
    )
    check(streams)


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_database_that_clear_has_written_is_refused(streams: Settings, tmp_path: Path) -> None:
    (tmp_path / "day.jsonl").write_text("nonsense\n", encoding="utf-8")
    clear(database_of(streams), str(tmp_path / "day.jsonl"))
    with pytest.raises(FedOtherwise, match=r"written by `clearing clear`.*another database"):
        make_topics(streams, ONE)
    with topics_admin(streams) as admin:
        assert existing_topics(admin, partition_counts(streams.topic_prefix, with_facts=True)) == {}


def test_a_topic_of_others_is_not_taken(streams: Settings) -> None:
    name = f"{streams.topic_prefix}.market"
    with topics_admin(streams) as admin:
        admin.create_topics({name: {"num_partitions": 7, "replication_factor": 1}})
        admin.wait_for_topics([name])
    with pytest.raises(TopicsUnfit, match="is there already, with 7 partitions instead of 2"):
        make_topics(streams, ONE)


def test_a_worker_without_recorded_topics_is_told_to_make_them(streams: Settings) -> None:
    make_topics(streams, ONE)
    changed = streams.model_copy(update={"topic_prefix": f"{streams.topic_prefix}-x"})
    with pytest.raises(TopicsUnfit, match=r"recorded as the inbox of control/0 .* topic_prefix"):
        check(changed)


def test_a_deleted_topic_stops_workers_and_is_not_made_again(streams: Settings) -> None:
    make_topics(streams, ONE)
    name = f"{streams.topic_prefix}.market"
    with topics_admin(streams) as admin:
        admin.delete_topics([name])
    until_kafka_shows(streams, lambda topics: name not in topics)
    for again in (check, lambda settings: make_topics(settings, ONE)):
        with pytest.raises(TopicsUnfit, match="market is recorded and Kafka does not have it"):
            again(streams)


def test_a_topic_made_again_under_its_name_is_noticed(streams: Settings) -> None:
    make_topics(streams, ONE)
    name = f"{streams.topic_prefix}.member"
    with topics_admin(streams) as admin:
        admin.delete_topics([name])
        until_kafka_shows(streams, lambda topics: name not in topics)
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}})
    until_kafka_shows(streams, lambda topics: name in topics)
    for again in (check, lambda settings: make_topics(settings, ONE)):
        with pytest.raises(TopicsUnfit, match="deleted and made again"):
            again(streams)


def test_partitions_that_nobody_reads_are_told_and_stop_nobody(streams: Settings) -> None:
    make_topics(streams, ONE)
    name = f"{streams.topic_prefix}.control"
    with topics_admin(streams) as admin:
        admin.create_partitions({name: 3})
    until_kafka_shows(streams, lambda topics: topics[name].partitions == 3)
    with Reader(database_of(streams)) as reader:
        assert check_recorded(streams, reader) == {name: range(1, 3)}
    assert make_topics(streams, ONE) == []
    assert [one.verdict for one in found_unread(streams)] == ["warn"]
    producer = KafkaProducer(bootstrap_servers=streams.brokers)
    producer.send(name, b"{}", partition=2).get(30)
    producer.close()
    (lost,) = found_unread(streams)
    assert (lost.verdict, lost.detail) == ("fail", "nobody reads partition 1, 2: added by hand")
    assert lost.advice.startswith("1 messages lie there")


def found_unread(settings: Settings) -> list[Safety]:
    """What `topics check` says of partitions that nobody reads."""
    findings = check_kafka(settings, recorded(settings), heads={})
    return [finding for finding in findings if "nobody reads" in finding.detail]


def test_a_product_of_a_newer_program_gets_its_partition(
    streams: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_topics(streams, ONE)
    monkeypatch.setitem(PRODUCTS, "NEW", PRODUCTS["SCU"])
    with pytest.raises(TopicsUnfit, match="no inbox is recorded for market/NEW"):
        check(streams)
    name = f"{streams.topic_prefix}.market"
    assert make_topics(streams, ONE) == [
        f"topic {name} has 3 partitions now",
        f"recorded {name}/2 for market/NEW",
    ]
    until_kafka_shows(streams, lambda topics: topics[name].partitions == 3)
    check(streams)


def test_the_topic_of_facts_is_made_when_it_is_wanted_and_again_when_it_is_lost(
    streams: Settings,
) -> None:
    make_topics(streams, ONE)
    inboxes = recorded(streams)
    wanted = streams.model_copy(update={"publish_facts": True})
    name, count = f"{streams.topic_prefix}.facts", len(fact_partitions())
    made = [f"made topic {name}, partitions: {count}"]
    assert make_topics(wanted, ONE) == made
    assert make_topics(wanted, ONE) == []
    with topics_admin(streams) as admin:
        facts = existing_topics(admin, partition_counts(streams.topic_prefix, with_facts=True))[
            name
        ]
        assert facts.configs["cleanup.policy"] == "delete"
        assert facts.configs["min.insync.replicas"] == "1"
        admin.delete_topics([name])
    until_kafka_shows(streams, lambda topics: name not in topics)
    assert make_topics(wanted, ONE) == made
    assert recorded(streams) == inboxes
    check(streams)
