"""The topics in Kafka, and whether they are those that were recorded.

In: settings, the recorded inboxes. Out: the topics as they are; or TopicsUnfit, in words an
operator can use. A topic that was deleted and made again has another id in Kafka. These functions
block while a broker starts: in an event loop use `asyncio.to_thread`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import NoError, UnknownTopicOrPartitionError, for_code

from services.broker.connecting import PATIENCE_S, RETRY_S, broker_ready, client_options
from services.broker.topics import (
    partition_counts,
    shard_partitions,
)
from services.broker.trouble import BrokerUnreachable, TopicsUnfit, broker_translated
from services.journal.reader import Inbox, Reader
from services.settings import Settings

# Both libraries write every retry to standard error unless their loggers have a handler.
_QUIET: Final = ("kafka", "aiokafka")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is. replicas, in_sync: of the partition that has fewest.

    leaderless: how many partitions have no leader.
    """

    name: str
    topic_id: str
    partitions: int
    replicas: int
    in_sync: int
    configs: Mapping[str, str]
    leaderless: int = 0

    @property
    def takes_messages(self) -> bool:
        """Whether as many replicas are in step as an acknowledgement needs."""
        least = int(self.configs.get("min.insync.replicas", 1))
        return not self.leaderless and self.in_sync >= least


@contextmanager
def topics_admin(settings: Settings, *, patience_s: float = PATIENCE_S) -> Iterator[Any]:
    """kafka-python's admin client, as soon as a broker is ready. Errors: BrokerTrouble."""
    for name in _QUIET:
        logging.getLogger(name).addHandler(logging.NullHandler())
    asyncio.run(broker_ready(settings, patience_s=patience_s))
    with broker_translated("administering topics", settings):
        admin = KafkaAdminClient(**client_options(settings, "topics"))
        try:
            yield admin
        finally:
            admin.close()


def ask_admin(
    settings: Settings, ask: Callable[[Any], _Answer], *, patience_s: float = PATIENCE_S
) -> _Answer:
    """What `ask` returns of the admin client, asked again while a broker does not answer.

    For 9 seconds after a broker has died the others name it still, and the client, which goes to
    any of them, gives up. ask: only reads. Errors: BrokerTrouble.
    """
    until = monotonic() + patience_s
    while True:
        try:
            with topics_admin(settings, patience_s=max(until - monotonic(), 0)) as admin:
                return ask(admin)
        except BrokerUnreachable:
            if monotonic() > until:
                raise
        sleep(RETRY_S)


def existing_topics(admin: Any, names: Iterable[str]) -> dict[str, TopicState]:  # noqa: ANN401 - untyped client
    """Those of the topics that exist, by name; without configs where we may not read them."""
    described = {}
    for topic in admin.describe_topics([*names]):
        error = for_code(topic["error_code"])
        if error is NoError:
            described[topic["name"]] = topic
        elif error is not UnknownTopicOrPartitionError:
            raise error(topic["name"])
    if not described:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in described]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    return {name: _state_of(topic, configs[name]) for name, topic in described.items()}


def check_recorded(settings: Settings, reader: Reader) -> dict[str, range]:
    """Raise TopicsUnfit unless Kafka has the topics that were recorded for this journal.

    A worker calls it before it reads a message. Gives by topic the partitions that nobody reads.
    """
    recorded = reader.inboxes()
    names = partition_counts(settings.topic_prefix)
    topics = ask_admin(settings, lambda admin: existing_topics(admin, names))
    differences = recorded_differences(recorded, topics, prefix=settings.topic_prefix)
    if differences:
        raise TopicsUnfit("; ".join(differences))
    return unread_partitions(recorded, topics)


def unread_partitions(
    recorded: Sequence[Inbox], topics: Mapping[str, TopicState]
) -> dict[str, range]:
    """By topic the partitions that somebody has added by hand: they are no shard's inbox."""
    counts = Counter(inbox.topic for inbox in recorded)
    added = {
        name: range(count, topics[name].partitions)
        for name, count in counts.items()
        if name in topics
    }
    return {name: numbers for name, numbers in added.items() if numbers}


def recorded_differences(
    recorded: Sequence[Inbox], topics: Mapping[str, TopicState], *, prefix: str
) -> list[str]:
    """The differences of the topics in Kafka from the table in Postgres, each with its remedy."""
    if not recorded:
        return ["no topics are recorded for this journal: run `clearing topics create`"]
    known_partitions = {(inbox.topic, inbox.partition) for inbox in recorded}
    differences = foreign_differences(recorded, topics, prefix=prefix)
    new = sorted(
        partition.shard
        for partition in shard_partitions(prefix)
        if (partition.topic, partition.number) not in known_partitions
    )
    if new and not differences:
        differences.append(
            f"no inbox is recorded for {', '.join(new)}: run `clearing topics create` again"
        )
    return differences


def foreign_differences(
    recorded: Sequence[Inbox], topics: Mapping[str, TopicState], *, prefix: str
) -> list[str]:
    """The differences that remain when what is missing is made."""
    shards = {
        (partition.topic, partition.number): partition.shard
        for partition in shard_partitions(prefix)
    }
    differences = [
        f"{inbox.topic}/{inbox.partition} is recorded as the inbox of {inbox.shard} and this "
        f"program has {shards.get((inbox.topic, inbox.partition), 'nothing')} there: see the "
        "setting topic_prefix, and that this is no older program than the one that recorded it"
        for inbox in recorded
        if shards.get((inbox.topic, inbox.partition)) != inbox.shard
    ]
    for name in dict.fromkeys(inbox.topic for inbox in recorded):
        inboxes = [inbox for inbox in recorded if inbox.topic == name]
        difference = _topic_difference(inboxes[0], topics.get(name), count=len(inboxes))
        differences += [] if difference is None else [difference]
    return differences


def _topic_difference(recorded: Inbox, topic: TopicState | None, *, count: int) -> str | None:
    """The difference of one topic. count: of its recorded partitions; more do no harm."""
    name = recorded.topic
    if topic is None:
        return (
            f"topic {name} is recorded and Kafka does not have it: see that brokers names the "
            "right cluster; if it was deleted, feed anew under another topic_prefix and database"
        )
    if topic.topic_id != recorded.topic_id:
        return (
            f"topic {name} is not the one that was recorded (id {topic.topic_id}, recorded "
            f"{recorded.topic_id}): it was deleted and made again, its offsets mean other "
            "messages; feed anew under another topic_prefix and database"
        )
    if topic.partitions < count:
        return (
            f"topic {name} has {topic.partitions} partitions, {count} are recorded: Kafka takes "
            "none away; see that brokers names the right cluster"
        )
    return None


def _state_of(topic: Mapping[str, Any], configs: Mapping[str, Mapping[str, Any]]) -> TopicState:
    partitions = topic["partitions"]
    return TopicState(
        name=topic["name"],
        topic_id=str(topic["topic_id"]),
        partitions=len(partitions),
        replicas=min((len(each["replica_nodes"]) for each in partitions), default=0),
        in_sync=min((len(each["isr_nodes"]) for each in partitions), default=0),
        configs={name: str(config["value"]) for name, config in configs.items()},
        leaderless=sum(each["leader_id"] < 0 for each in partitions),
    )
