"""What about Kafka could lose or mix up commands, in words, each with what to do.

In: settings, the recorded inboxes and heads. Out: findings. `fail`: commands can be lost, or are
not those the journal belongs to. `loose`: the same with one disk or one broker less, which is how
one tries things out. `warn`: a limit to know of. Looking changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec

from services.broker.topic_creation import DAY_MS
from services.broker.topic_state import (
    TopicFound,
    found_topics,
    recorded_differences,
    topics_admin,
)
from services.broker.topics import partition_counts
from services.journal.reader import Head, Inbox
from services.settings import Settings

# The longest command, with room for Kafka's own bytes around it.
_COMMAND_BYTES: Final = (64 << 10) + 1024
# Postgres may have to come back from a backup of last week, and go on from there.
_RECOVERY_DAYS: Final = 8
_SAFE_REPLICAS: Final = 2
_AUTO_CREATE: Final = "auto.create.topics.enable"

Verdict = Literal["ok", "warn", "loose", "fail"]


@dataclass(frozen=True, slots=True)
class Safety:
    """One finding."""

    verdict: Verdict
    what: str
    found: str
    advice: str = ""


def look_at_kafka(
    settings: Settings,
    recorded: Sequence[Inbox],
    *,
    heads: Mapping[str, Head],
    patience_s: float = 5.0,
) -> Iterator[Safety]:
    """Everything about the cluster, the topics and their table. Errors: BrokerTrouble."""
    prefix = settings.topic_prefix
    with topics_admin(settings, patience_s=patience_s) as admin:
        yield from _cluster(admin)
        found = found_topics(admin, prefix)
        for difference in recorded_differences(recorded, found, prefix=prefix):
            what, _, advice = difference.partition(": ")
            yield Safety("fail", "recorded table", what, advice)
        for name in partition_counts(prefix):
            if name in found:
                yield from topic_safety(found[name])
        own = {one.topic: one.topic_id for one in recorded}
        known = [one for one in recorded if one.topic in found]
        if all(found[name].topic_id == own[name] for name in found if name in own):
            yield from _positions(admin, known, heads=heads)


def topic_safety(topic: TopicFound) -> Iterator[Safety]:
    """What is unsafe about one topic; a line that all is well if nothing is."""
    findings = [*_loss(topic), *_replicas(topic)]
    if findings:
        yield from findings
        return
    said = f"{topic.partitions} partitions, {topic.replicas} replicas, kept for ever"
    yield Safety("ok", topic.name, said)


def _cluster(admin: Any) -> Iterator[Safety]:  # noqa: ANN401 - an untyped client
    brokers = admin.describe_cluster()["brokers"]
    yield Safety("ok", "Kafka", f"{len(brokers)} brokers")
    asked = [ConfigResource(ConfigResourceType.BROKER, str(one["broker_id"])) for one in brokers]
    configs = admin.describe_configs(asked, config_filter="all")["broker"]
    making = [id_ for id_, config in configs.items() if _value(config, _AUTO_CREATE) == "true"]
    if making:
        yield Safety(
            "loose",
            "brokers",
            f"{_AUTO_CREATE} is on at broker {', '.join(making)}",
            "set it to false: a mistyped topic would be made, and what is sent there is never read",
        )


def _loss(topic: TopicFound) -> Iterator[Safety]:
    """How messages that are there could vanish."""
    if "compact" in topic.configs["cleanup.policy"]:
        found = "is compacted: Kafka keeps only the newest command of each shard"
        yield Safety("fail", topic.name, found, "set cleanup.policy=delete at once")
    kept_ms = int(topic.configs["retention.ms"])
    if kept_ms != -1 and kept_ms < _RECOVERY_DAYS * DAY_MS:
        found = f"keeps messages for {kept_ms / DAY_MS:.1f} days only"
        advice = f"set retention.ms=-1, or at least {_RECOVERY_DAYS} days: no recovery may be late"
        yield Safety("fail", topic.name, found, advice)
    elif kept_ms != -1:
        found = f"keeps messages for {kept_ms / DAY_MS:.0f} days"
        advice = "a worker away, or a backup of Postgres, for longer cannot go on"
        yield Safety("warn", topic.name, found, advice)
        if topic.configs["message.timestamp.type"] != "LogAppendTime":
            found = "the sender's clock says how old a message is, and so when it is deleted"
            yield Safety("fail", topic.name, found, "set message.timestamp.type=LogAppendTime")
    if topic.configs["retention.bytes"] != "-1":
        found = f"keeps at most {topic.configs['retention.bytes']} bytes: a rush deletes the oldest"
        yield Safety("fail", topic.name, found, "set retention.bytes=-1")
    if int(topic.configs["max.message.bytes"]) < _COMMAND_BYTES:
        found = f"takes no message over {topic.configs['max.message.bytes']} bytes"
        yield Safety("fail", topic.name, found, "set max.message.bytes=1048576, for any command")


def _replicas(topic: TopicFound) -> Iterator[Safety]:
    """How a disk or a broker less could lose messages, or stop the market."""
    least = int(topic.configs["min.insync.replicas"])
    if topic.in_sync < least:
        found = f"{topic.in_sync} replicas in step, {least} are needed: nothing can be sent"
        yield Safety("fail", topic.name, found, "start the brokers that are down")
    if topic.replicas < _SAFE_REPLICAS:
        found = "one replica: a lost disk loses commands"
        yield Safety("loose", topic.name, found, "use three brokers and three replicas")
    if least < _SAFE_REPLICAS:
        found = f"min.insync.replicas is {least}: a command is acknowledged on one disk"
        yield Safety("loose", topic.name, found, "set min.insync.replicas=2")
    elif least >= topic.replicas:
        found = f"min.insync.replicas is {least} of {topic.replicas}: any broker down stops all"
        yield Safety("warn", topic.name, found, "use one replica more")
    if topic.configs["unclean.leader.election.enable"] == "true":
        found = "unclean leader election: a replica that missed commands may become the truth"
        yield Safety("loose", topic.name, found, "set unclean.leader.election.enable=false")


def _positions(
    admin: Any,  # noqa: ANN401 - an untyped client
    recorded: Sequence[Inbox],
    *,
    heads: Mapping[str, Head],
) -> Iterator[Safety]:
    """Whether Kafka still has what each shard wants next."""
    asked = [TopicPartition(one.topic, one.partition) for one in recorded]
    first = admin.list_partition_offsets(dict.fromkeys(asked, OffsetSpec.EARLIEST))
    end = admin.list_partition_offsets(dict.fromkeys(asked, OffsetSpec.LATEST))
    for one, at in zip(recorded, asked, strict=True):
        wanted = heads[one.shard].next_offset if one.shard in heads else 0
        if not first[at].offset <= wanted <= end[at].offset:
            yield Safety(
                "fail",
                one.shard,
                f"the journal goes on at offset {wanted} of {one.topic}/{one.partition}, Kafka has "
                f"{first[at].offset} to {end[at].offset}",
                "restore the topic, or the database that belongs to it",
            )


def _value(config: Mapping[str, Any], name: str) -> str:
    return str(config.get(name, {}).get("value"))
