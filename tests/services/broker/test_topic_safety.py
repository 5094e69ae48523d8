"""Everything that is unsafe about topics is said in words, with what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from services.broker.topic_creation import DAY_MS, TopicPlan, make_topics
from services.broker.topic_safety import Safety, check_kafka, topic_safety
from services.broker.topic_state import TopicState, topics_admin
from services.journal.reader import Head, Reader
from services.settings import Settings
from tests.waiting import until_kafka_shows

SAFE = TopicState("t", "id", partitions=2, replicas=3, in_sync=3, configs=TopicPlan().configs)
DAYS_7, DAYS_30 = str(7 * DAY_MS), str(30 * DAY_MS)


def verdicts(topic: TopicState) -> list[tuple[str, str]]:
    """Verdict and finding of all that is said about a topic."""
    return [(safety.verdict, safety.detail) for safety in topic_safety(topic)]


def with_configs(**changed: str) -> TopicState:
    """The safe topic with other settings; `_` for `.` in their names."""
    named = {name.replace("_", "."): value for name, value in changed.items()}
    return replace(SAFE, configs={**SAFE.configs, **named})


def test_topics_as_we_make_them_on_three_brokers_are_safe() -> None:
    assert verdicts(SAFE) == [("ok", "2 partitions, 3 replicas, kept for ever")]


@pytest.mark.parametrize(
    ("topic", "verdict", "problem"),
    [
        (with_configs(cleanup_policy="compact"), "fail", "is compacted"),
        (with_configs(cleanup_policy="compact,delete"), "fail", "is compacted"),
        (with_configs(retention_ms=DAYS_7), "fail", "keeps messages for 7.0 days only"),
        (with_configs(retention_ms=DAYS_30), "warn", "keeps messages for 30 days"),
        (with_configs(retention_bytes="1000"), "fail", "keeps at most 1000 bytes"),
        (with_configs(max_message_bytes="65536"), "fail", "takes no message over 65536 bytes"),
        (with_configs(max_message_bytes=str(1 << 30)), "warn", "takes batches of 1073741824 bytes"),
        (replace(SAFE, in_sync=1), "fail", "1 replicas in step, 2 are needed"),
        (replace(SAFE, in_sync=1, leaderless=2), "fail", "2 partitions without a leader"),
        (replace(SAFE, replicas=2, in_sync=2), "warn", "min.insync.replicas is 2 of 2"),
        (with_configs(min_insync_replicas="1"), "loose", "min.insync.replicas is 1"),
        (with_configs(unclean_leader_election_enable="true"), "loose", "unclean leader election"),
    ],
)
def test_what_is_unsafe_is_said(topic: TopicState, verdict: str, problem: str) -> None:
    ((found_verdict, detail),) = verdicts(topic)
    assert found_verdict == verdict
    assert detail.startswith(problem)


def test_one_broker_is_loose_in_two_ways() -> None:
    plan = TopicPlan(replication=1, min_insync=1)
    alone = replace(SAFE, replicas=1, in_sync=1, configs=plan.configs)
    assert [verdict for verdict, _ in verdicts(alone)] == ["loose", "loose"]


def test_a_limit_in_time_by_the_sender_s_clock_is_unsafe() -> None:
    findings = verdicts(with_configs(retention_ms=DAYS_30, message_timestamp_type="CreateTime"))
    assert [verdict for verdict, _ in findings] == ["warn", "fail"]


def test_every_unsafe_finding_says_what_to_do() -> None:
    bad = {"cleanup.policy": "compact", "retention.ms": "1", "retention.bytes": "1"}
    limits = {"max.message.bytes": "1", "unclean.leader.election.enable": "true"}
    worst = replace(SAFE, replicas=1, in_sync=0, configs={**SAFE.configs, **bad, **limits})
    findings = list(topic_safety(worst))
    assert len(findings) == 8
    assert [safety for safety in findings if not safety.advice] == []


def seen(settings: Settings, heads: dict[str, Head] | None = None) -> list[Safety]:
    """What is said about the real broker, beyond what is well."""
    assert settings.database is not None
    with Reader(settings.database) as reader:
        all_heads = reader.heads() | (heads or {})
        findings = check_kafka(settings, reader.inboxes(), heads=all_heads)
        return [safety for safety in findings if safety.verdict != "ok"]


def test_one_real_broker_is_only_loose(streams: Settings) -> None:
    make_topics(streams, TopicPlan(replication=1, min_insync=1))
    assert {safety.verdict for safety in seen(streams)} == {"loose"}
    assert len(seen(streams)) == 6


def test_what_others_change_at_a_real_topic_is_seen(streams: Settings) -> None:
    make_topics(streams, TopicPlan(replication=1, min_insync=1))
    name = f"{streams.topic_prefix}.control"
    changed = {"cleanup.policy": "compact", "retention.ms": "3600000"}
    with topics_admin(streams) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, changed)])
    until_kafka_shows(streams, lambda topics: changed.items() <= topics[name].configs.items())
    problems = {
        safety.detail.partition(":")[0] for safety in seen(streams) if safety.verdict == "fail"
    }
    assert problems == {"is compacted", "keeps messages for 0.0 days only"}


def test_an_offset_that_kafka_does_not_have_is_seen(streams: Settings) -> None:
    make_topics(streams, TopicPlan(replication=1, min_insync=1))
    head = Head("market/SIT", seq=7, chain=b"", next_offset=7)
    (lost,) = [safety for safety in seen(streams, {"market/SIT": head}) if safety.verdict == "fail"]
    assert lost.what == "market/SIT"
    assert "goes on at offset 7" in lost.detail
    assert "Kafka has 0 to 0" in lost.detail


def test_missing_topics_are_seen(streams: Settings) -> None:
    make_topics(streams, TopicPlan(replication=1, min_insync=1))
    name = f"{streams.topic_prefix}.market"
    with topics_admin(streams) as admin:
        admin.delete_topics([name])
    until_kafka_shows(streams, lambda topics: name not in topics)
    (missing,) = [safety for safety in seen(streams) if safety.verdict == "fail"]
    assert missing.what == "recorded table"
    assert "Kafka does not have it" in missing.detail


def test_the_topic_of_facts_may_keep_them_for_an_hour_and_must_not_be_compacted(
    streams: Settings,
) -> None:
    wanted = streams.model_copy(update={"publish_facts": True})
    make_topics(streams, TopicPlan(replication=1, min_insync=1))
    name = f"{streams.topic_prefix}.facts"
    (missing,) = [safety for safety in seen(wanted) if safety.what == name]
    assert (missing.verdict, missing.detail) == ("fail", "is missing")
    make_topics(wanted, TopicPlan(replication=1, min_insync=1))
    assert told_after_change(wanted, {"retention.ms": "3600000"}) == {"loose"}
    assert told_after_change(wanted, {"cleanup.policy": "compact"}) == {"fail"}


def told_after_change(settings: Settings, changed: dict[str, str]) -> set[str]:
    """The verdicts on the topic of facts after its settings were changed."""
    name = f"{settings.topic_prefix}.facts"
    with topics_admin(settings) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, changed)])
    until_kafka_shows(settings, lambda topics: changed.items() <= topics[name].configs.items())
    return {each.verdict for each in seen(settings) if each.what == name}
