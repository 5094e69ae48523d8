"""The topics in Kafka: what is there, and whether it is what was recorded.

In: settings, the recorded inboxes. Out: topics as found; or TopicsUnfit, in words an operator can
use. Kafka's own id of a topic tells one that was deleted and made again from the one we know.
Waits inside for a broker that is starting; in an event loop: `asyncio.to_thread`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import NoError, UnknownTopicOrPartitionError, for_code

from services.broker.connecting import PATIENCE_S, broker_ready, client_options
from services.broker.topics import partition_counts, shard_partitions
from services.broker.trouble import TopicsUnfit, broker_translated
from services.journal.reader import Inbox, Reader
from services.settings import Settings

# Both libraries tell every retry to standard error unless somebody listens.
_QUIET: Final = ("kafka", "aiokafka")


@dataclass(frozen=True, slots=True)
class TopicFound:
    """A topic as it is. replicas, in_sync: of the partition that has fewest."""

    name: str
    topic_id: str
    partitions: int
    replicas: int
    in_sync: int
    configs: Mapping[str, str]


@contextmanager
def topics_admin(settings: Settings, *, patience_s: float = PATIENCE_S) -> Iterator[Any]:
    """kafka-python's admin client, as soon as a broker is ready. Errors: BrokerTrouble."""
    for name in _QUIET:
        logging.getLogger(name).addHandler(logging.NullHandler())
    asyncio.run(broker_ready(settings, patience_s=patience_s))
    with broker_translated("administering topics", settings):
        admin = KafkaAdminClient(**client_options(settings))
        try:
            yield admin
        finally:
            admin.close()


def found_topics(admin: Any, prefix: str) -> dict[str, TopicFound]:  # noqa: ANN401 - untyped client
    """Those of our topics that there are, by name."""
    described = {}
    for topic in admin.describe_topics(list(partition_counts(prefix))):
        error = for_code(topic["error_code"])
        if error is NoError:
            described[topic["name"]] = topic
        elif error is not UnknownTopicOrPartitionError:
            raise error(topic["name"])
    if not described:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in described]
    configs = admin.describe_configs(asked, config_filter="all")["topic"]
    return {name: _found(topic, configs[name]) for name, topic in described.items()}


def check_recorded(settings: Settings, reader: Reader) -> None:
    """Raise TopicsUnfit unless Kafka has the topics that were recorded for this journal.

    A worker calls it before it takes a single message.
    """
    recorded = reader.inboxes()
    with topics_admin(settings) as admin:
        found = found_topics(admin, settings.topic_prefix)
    differences = recorded_differences(recorded, found, prefix=settings.topic_prefix)
    if differences:
        raise TopicsUnfit("; ".join(differences))


def recorded_differences(
    recorded: Sequence[Inbox], found: Mapping[str, TopicFound], *, prefix: str
) -> list[str]:
    """How the topics in Kafka differ from the table in Postgres, each with what to do."""
    if not recorded:
        return ["no topics are recorded for this journal: run `clearing topics create`"]
    table = {(one.topic, one.partition) for one in recorded}
    expected = {(each.topic, each.number): each.shard for each in shard_partitions(prefix)}
    differences = foreign_differences(recorded, found, prefix=prefix)
    new = sorted(shard for inbox, shard in expected.items() if inbox not in table)
    if new and not differences:
        differences.append(
            f"no inbox is recorded for {', '.join(new)}: run `clearing topics create` again"
        )
    return differences


def foreign_differences(
    recorded: Sequence[Inbox], found: Mapping[str, TopicFound], *, prefix: str
) -> list[str]:
    """Those of the differences that making what is missing would not mend."""
    expected = {(each.topic, each.number): each.shard for each in shard_partitions(prefix)}
    differences = [
        f"{one.topic}/{one.partition} is recorded as the inbox of {one.shard} and this program "
        f"has {expected.get((one.topic, one.partition), 'nothing')} there: see the setting "
        "topic_prefix, and that this is no older program than the one that recorded it"
        for one in recorded
        if expected.get((one.topic, one.partition)) != one.shard
    ]
    for name in dict.fromkeys(one.topic for one in recorded):
        own = [one for one in recorded if one.topic == name]
        counts = {len(own), partition_counts(prefix).get(name, len(own))}
        difference = _topic_difference(own[0], found.get(name), counts=sorted(counts))
        differences += [] if difference is None else [difference]
    return differences


def _topic_difference(
    recorded: Inbox, found: TopicFound | None, *, counts: Sequence[int]
) -> str | None:
    """How one topic differs. counts: of partitions recorded, and of those that there should be."""
    name = recorded.topic
    if found is None:
        return (
            f"topic {name} is recorded and Kafka does not have it: see that brokers names the "
            "right cluster; if it was deleted, feed anew under another topic_prefix and database"
        )
    if found.topic_id != recorded.topic_id:
        return (
            f"topic {name} is not the one that was recorded (id {found.topic_id}, recorded "
            f"{recorded.topic_id}): it was deleted and made again, its offsets mean other "
            "messages; feed anew under another topic_prefix and database"
        )
    if found.partitions not in counts:
        return (
            f"topic {name} has {found.partitions} partitions, {counts[0]} are recorded: only "
            "`clearing topics create` may add any; nobody reads what lies in the others"
        )
    return None


def _found(topic: Mapping[str, Any], configs: Mapping[str, Mapping[str, Any]]) -> TopicFound:
    held = topic["partitions"]
    return TopicFound(
        name=topic["name"],
        topic_id=str(topic["topic_id"]),
        partitions=len(held),
        replicas=min((len(one["replica_nodes"]) for one in held), default=0),
        in_sync=min((len(one["isr_nodes"]) for one in held), default=0),
        configs={name: str(config["value"]) for name, config in configs.items()},
    )
