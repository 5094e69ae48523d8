"""Findings about Kafka that could lose or mix up commands, each with its remedy.

In: settings, the recorded inboxes and heads. Out: findings. `fail`: commands can be lost, or are
not those the journal belongs to. `loose`: commands can be lost with one disk or one broker, as in a
trial installation. `warn`: a limit to know of. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec

from services.broker.messages import UNPACKED_BYTES_MAX
from services.broker.topic_creation import DAY_MS
from services.broker.topic_state import (
    TopicState,
    ask_admin,
    existing_topics,
    recorded_differences,
    unread_partitions,
)
from services.broker.topics import FACTS_TOPIC, fact_partitions, partition_counts, topic_name
from services.journal.reader import Head, Inbox
from services.settings import Settings

# The longest command, with room for Kafka's own bytes around it.
_COMMAND_BYTES: Final = (64 << 10) + 1024
# Postgres may be restored from last week's backup and go on from there.
_RECOVERY_DAYS: Final = 8
_SAFE_REPLICAS: Final = 2
_AUTO_CREATE: Final = "auto.create.topics.enable"
_UNREADABLE: Final = (
    "this user may not read the settings: nobody knows whether they are safe",
    "look as the administrator, or grant DescribeConfigs there",
)

Verdict = Literal["ok", "warn", "loose", "fail"]


@dataclass(frozen=True, slots=True)
class Safety:
    """One finding."""

    verdict: Verdict
    what: str
    detail: str
    advice: str = ""


def check_kafka(
    settings: Settings,
    recorded: Sequence[Inbox],
    *,
    heads: Mapping[str, Head],
    patience_s: float = 5.0,
) -> list[Safety]:
    """Everything about the cluster, the topics and their table. Errors: BrokerTrouble."""
    return ask_admin(
        settings,
        lambda admin: [*_findings(admin, settings, recorded=recorded, heads=heads)],
        patience_s=patience_s,
    )


def _findings(
    admin: Any,  # noqa: ANN401 - an untyped client
    settings: Settings,
    *,
    recorded: Sequence[Inbox],
    heads: Mapping[str, Head],
) -> Iterator[Safety]:
    prefix = settings.topic_prefix
    yield from _cluster(admin)
    topics = existing_topics(admin, partition_counts(prefix, with_facts=settings.publish_facts))
    for difference in recorded_differences(recorded, topics, prefix=prefix):
        what, _, advice = difference.partition(": ")
        yield Safety("fail", "recorded table", what, advice)
    for name in partition_counts(prefix):
        if name in topics:
            yield from topic_safety(topics[name])
    if settings.publish_facts:
        yield from _facts(topics, prefix=prefix)
    ids = {inbox.topic: inbox.topic_id for inbox in recorded}
    existing = [inbox for inbox in recorded if inbox.topic in topics]
    if not all(topics[inbox.topic].takes_messages for inbox in existing):
        return  # Who leads them perhaps does not know how far they go.
    if all(topics[name].topic_id == ids[name] for name in topics if name in ids):
        yield from _offsets(admin, existing, heads=heads)
        yield from _unread(admin, unread_partitions(recorded, topics))


def topic_safety(topic: TopicState) -> Iterator[Safety]:
    """The findings about one topic; one `ok` finding if it is safe."""
    if not topic.configs:
        yield Safety("fail", topic.name, *_UNREADABLE)
        return
    findings = [*_loss(topic), *_replicas(topic)]
    if findings:
        yield from findings
        return
    text = f"{topic.partitions} partitions, {topic.replicas} replicas, kept for ever"
    yield Safety("ok", topic.name, text)


def _facts(topics: Mapping[str, TopicState], *, prefix: str) -> Iterator[Safety]:
    """The findings about the topic of facts: the journal has all of them, however long it keeps."""
    name, count = topic_name(FACTS_TOPIC, prefix), len(fact_partitions(prefix))
    topic = topics.get(name)
    if topic is None or topic.partitions < count:
        lacking = "is missing" if topic is None else f"has {topic.partitions} of {count} partitions"
        yield Safety("fail", name, lacking, "run `clearing topics create` with publish_facts")
        return
    if not topic.configs:
        yield Safety("fail", name, *_UNREADABLE)
    elif "compact" in topic.configs["cleanup.policy"]:
        problem = "is compacted: Kafka keeps only the newest fact of each shard"
        yield Safety("fail", name, problem, "set cleanup.policy=delete at once")
    else:
        findings = [*_replicas(topic, "fact")]
        days = float(topic.configs["retention.ms"]) / DAY_MS
        text = "for ever" if days < 0 else f"for {days:.1f} days; older ones are in the journal"
        yield from findings or [
            Safety("ok", name, f"{count} partitions, {topic.replicas} replicas, kept {text}")
        ]


def _cluster(admin: Any) -> Iterator[Safety]:  # noqa: ANN401 - an untyped client
    registered = admin.describe_cluster()["brokers"]
    brokers = [broker for broker in registered if not broker.get("is_fenced")]
    yield Safety("ok", "Kafka", f"{len(brokers)} brokers")
    if away := [str(broker["broker_id"]) for broker in registered if broker.get("is_fenced")]:
        advice = "start them; what is gone for good: kafka-cluster.sh unregister"
        yield Safety("warn", "Kafka", f"of {len(registered)} are down: {', '.join(away)}", advice)
    resources = [
        ConfigResource(ConfigResourceType.BROKER, str(broker["broker_id"])) for broker in brokers
    ]
    configs = admin.describe_configs(resources, config_filter="all")["broker"]
    if not all(configs.values()):
        yield Safety("warn", "brokers", *_UNREADABLE)
    making = [id_ for id_, config in configs.items() if _value(config, _AUTO_CREATE) == "true"]
    if making:
        yield Safety(
            "loose",
            "brokers",
            f"{_AUTO_CREATE} is on at broker {', '.join(making)}",
            "set it to false: a mistyped topic would be made, and what is sent there is never read",
        )


def _loss(topic: TopicState) -> Iterator[Safety]:
    """Findings of settings by which Kafka deletes messages."""
    if "compact" in topic.configs["cleanup.policy"]:
        problem = "is compacted: Kafka keeps only the newest command of each shard"
        yield Safety("fail", topic.name, problem, "set cleanup.policy=delete at once")
    kept_ms = int(topic.configs["retention.ms"])
    if kept_ms != -1 and kept_ms < _RECOVERY_DAYS * DAY_MS:
        problem = f"keeps messages for {kept_ms / DAY_MS:.1f} days only"
        advice = f"set retention.ms=-1, or at least {_RECOVERY_DAYS} days: no recovery may be late"
        yield Safety("fail", topic.name, problem, advice)
    elif kept_ms != -1:
        problem = f"keeps messages for {kept_ms / DAY_MS:.0f} days"
        advice = "a worker away, or a backup of Postgres, for longer cannot go on"
        yield Safety("warn", topic.name, problem, advice)
        if topic.configs["message.timestamp.type"] != "LogAppendTime":
            problem = "the sender's clock says how old a message is, and so when it is deleted"
            yield Safety("fail", topic.name, problem, "set message.timestamp.type=LogAppendTime")
    if topic.configs["retention.bytes"] != "-1":
        problem = (
            f"keeps at most {topic.configs['retention.bytes']} bytes: a rush deletes the oldest"
        )
        yield Safety("fail", topic.name, problem, "set retention.bytes=-1")
    longest = int(topic.configs["max.message.bytes"])
    if longest < _COMMAND_BYTES:
        problem = f"takes no message over {longest} bytes"
        yield Safety("fail", topic.name, problem, "set max.message.bytes=1048576, for any command")
    elif longest > UNPACKED_BYTES_MAX:
        problem = f"takes batches of {longest} bytes, and workers hold each in memory"
        yield Safety("warn", topic.name, problem, "set max.message.bytes=1048576, for any command")


def _replicas(topic: TopicState, thing: str = "command") -> Iterator[Safety]:
    """Findings of too few replicas, so that a lost disk or broker loses messages."""
    least = int(topic.configs["min.insync.replicas"])
    if topic.leaderless:
        problem = f"{topic.leaderless} partitions without a leader: no replica with all of it is up"
        advice = "start the brokers that are down; an unclean election would lose what is missing"
        yield Safety("fail", topic.name, problem, advice)
    elif topic.in_sync < least:
        problem = f"{topic.in_sync} replicas in step, {least} are needed: nothing can be sent"
        yield Safety("fail", topic.name, problem, "start the brokers that are down")
    if topic.replicas < _SAFE_REPLICAS:
        problem = f"one replica: a lost disk loses {thing}s"
        yield Safety("loose", topic.name, problem, "use three brokers and three replicas")
    if least < _SAFE_REPLICAS:
        problem = f"min.insync.replicas is {least}: a {thing} is acknowledged on one disk"
        yield Safety("loose", topic.name, problem, "set min.insync.replicas=2")
    elif least >= topic.replicas:
        problem = f"min.insync.replicas is {least} of {topic.replicas}: any broker down stops all"
        yield Safety("warn", topic.name, problem, "use one replica more")
    if topic.configs["unclean.leader.election.enable"] == "true":
        problem = f"unclean leader election: a replica that missed {thing}s may become the truth"
        yield Safety("loose", topic.name, problem, "set unclean.leader.election.enable=false")


def _offsets(
    admin: Any,  # noqa: ANN401 - an untyped client
    recorded: Sequence[Inbox],
    *,
    heads: Mapping[str, Head],
) -> Iterator[Safety]:
    """Whether Kafka still has the next message of each shard."""
    partitions = [TopicPartition(inbox.topic, inbox.partition) for inbox in recorded]
    first = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
    end = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    for inbox, at in zip(recorded, partitions, strict=True):
        shard, origin = inbox.shard, f"{inbox.topic}/{inbox.partition}"
        next_offset = heads[shard].next_offset if shard in heads else 0
        if not first[at].offset <= next_offset <= end[at].offset:
            yield Safety(
                "fail",
                shard,
                f"the journal goes on at offset {next_offset} of {origin}, Kafka has "
                f"{first[at].offset} to {end[at].offset}",
                "restore the topic, or the database that belongs to it",
            )


def _unread(
    admin: Any,  # noqa: ANN401 - an untyped client
    unread: Mapping[str, range],
) -> Iterator[Safety]:
    """Partitions that are no inbox, and whether commands are lost there."""
    for name, numbers in unread.items():
        partitions = [TopicPartition(name, number) for number in numbers]
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        count = sum(end.offset for end in ends.values())
        problem = f"nobody reads partition {', '.join(map(str, numbers))}: added by hand"
        if count:
            advice = f"{count} messages lie there: send those commands again, keyed by their shard"
            yield Safety("fail", name, problem, advice)
        else:
            advice = "Kafka takes no partition away; see that every sender names the partition"
            yield Safety("warn", name, problem, advice)


def _value(config: Mapping[str, Any], name: str) -> str:
    return str(config.get(name, {}).get("value"))
